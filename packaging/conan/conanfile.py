"""liboss_upload for Conan 2: `conan create packaging/conan` builds this checkout. Needs Rust, and a C compiler."""

import os
import re

from conan import ConanFile
from conan.errors import ConanInvalidConfiguration
from conan.tools.files import copy, load


class OssUpload(ConanFile):
    name = "oss_upload"
    description = "Resumable, verified uploads of local files to Alibaba Cloud OSS"
    license = ("MIT", "Apache-2.0")
    url = "https://github.com/oss-upload/liboss_upload"
    topics = ("oss", "upload", "resumable", "alibaba")
    package_type = "library"
    settings = "os", "arch", "compiler", "build_type"
    options = {"shared": [True, False]}
    default_options = {"shared": False}

    @property
    def _checkout(self):
        return os.path.join(self.recipe_folder, "..", "..")

    def set_version(self):
        self.version = re.search(r'^version = "(.*)"$', load(self, os.path.join(self._checkout, "Cargo.toml")), re.MULTILINE)[1]

    def export_sources(self):
        for pattern in (
            "Cargo.*", "build.rs", "cbindgen.toml", "LICENSE-*", "include/*", "src/*", "packaging/cmake/*", "tests/oss-server/Cargo.toml",
            "tests/oss-server/src/*",
        ):  # fmt: skip
            copy(self, pattern, src=self._checkout, dst=self.export_sources_folder)

    def configure(self):
        # The library has a C API, and a header alone for C++.
        self.settings.rm_safe("compiler.cppstd")
        self.settings.rm_safe("compiler.libcxx")

    def package_id(self):
        # Always an optimised library.
        del self.info.settings.build_type

    def validate(self):
        if self.settings.os not in ("Linux", "Macos", "FreeBSD"):
            raise ConanInvalidConfiguration("the recipe knows no such system")

    def build(self):
        # Alone, it is optimised over all crates.
        kind = "cdylib" if self.options.shared else "staticlib"
        self.run(f"cargo rustc --release --lib --locked --crate-type {kind}", cwd=self.source_folder)

    def package(self):
        copy(self, "LICENSE-*", src=self.source_folder, dst=os.path.join(self.package_folder, "licenses"))
        copy(self, "*.h*", src=os.path.join(self.source_folder, "include"), dst=os.path.join(self.package_folder, "include"))
        built = os.path.join(os.environ.get("CARGO_TARGET_DIR", os.path.join(self.source_folder, "target")), "release")
        for pattern in ("*.so", "*.dylib") if self.options.shared else ("*.a",):
            copy(self, f"liboss_upload{pattern[1:]}", src=built, dst=os.path.join(self.package_folder, "lib"))

    def package_info(self):
        self.cpp_info.libs = ["oss_upload"]
        self.cpp_info.set_property("cmake_target_name", "oss_upload::oss_upload")
        self.cpp_info.set_property("pkg_config_name", "oss_upload")
        if not self.options.shared and self.settings.os == "Linux":
            self.cpp_info.system_libs = ["gcc_s", "util", "rt", "pthread", "m", "dl"]
