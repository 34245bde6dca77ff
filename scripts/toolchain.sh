# Sourced after lib.sh by the scripts that build for other targets, or with another standard library.
#
# Where rustup reaches neither targets nor sources, the standard library is built from Debian's package rust-src of this very
# version. It lies in a toolchain of its own, which is made of hard links to the one in use.

host=$(rustc -vV | sed -n 's/^host: //p')
own_toolchain=$target/toolchain
sources=lib/rustlib/src/rust/library

# Sources of the standard library; afterwards PATH has a toolchain with them.
with_sources() {
    [ ! -d "$(rustc --print sysroot)/$sources" ] || return 0
    ! rustup component add rust-src 2>/dev/null || return 0
    if [ ! -d "$own_toolchain/$sources" ]; then
        say 'Getting the sources of the standard library'
        sources_from_debian
    fi
    PATH=$own_toolchain/bin:$PATH
}

# with_target TARGET: its standard library; afterwards PATH has a toolchain with it.
with_target() {
    ! has_target "$1" || return 0
    [ "${RUSTUP:-}" = no ] || ! rustup target add "$1" 2>/dev/null || return 0
    if [ ! -d "$own_toolchain/$sources" ]; then
        say 'Getting the sources of the standard library'
        sources_from_debian
    fi
    PATH=$own_toolchain/bin:$PATH
    has_target "$1" || build_standard_library "$1"
}

has_target() { ls "$(rustc --print target-libdir --target "$1")"/libstd-*.rlib >/dev/null 2>&1; }

sources_from_debian() {
    local version folder=$target/rust-src sysroot
    version=$(rustc -vV | sed -n 's/^release: //p')
    sysroot=$(rustc --print sysroot)
    mkdir -p "$folder/lists/partial" "$folder/archives/partial"
    echo 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian trixie-backports main' >"$folder/sources.list"
    local options=(-qq -o "Dir::Etc::SourceList=$folder/sources.list" -o Dir::Etc::SourceParts=- -o "Dir::State::Lists=$folder/lists"
        -o "Dir::Cache=$folder" -o APT::Sandbox::User=root)
    apt-get "${options[@]}" update
    (cd "$folder" && apt-get "${options[@]}" download "rust-src=$version*")
    dpkg-deb -x "$folder"/rust-src_*.deb "$folder/files"
    rm -rf "$own_toolchain"
    mkdir -p "$own_toolchain"
    cp -al "$sysroot/bin" "$sysroot/lib" "$own_toolchain"
    rm -rf "${own_toolchain:?}/$sources"
    mkdir -p "$own_toolchain/${sources%/*}"
    cp -a "$folder/files/usr/src/rustc-$version/library" "$own_toolchain/$sources"
    rm -rf "$folder"
}

# What rustup would have installed for a target: of a package that needs nothing but the standard library, its archives are
# kept. They need their bitcode, since link-time optimisation of a program asks for it.
build_standard_library() {
    local work=$target/standard-library libraries
    libraries=$(rustc --print target-libdir --target "$1")
    say "Building the standard library for $1"
    rm -rf "$work"
    mkdir -p "$work/src" "$libraries"
    printf '[package]\nname = "standard-library"\nedition = "2024"\n[workspace]\n' >"$work/Cargo.toml"
    echo '#![no_std]' >"$work/src/lib.rs"
    # Unstable options, which the stable compiler takes too.
    (
        cd "$work"
        export RUSTC_BOOTSTRAP=1
        RUSTFLAGS=-Cembed-bitcode=yes cargo build --quiet --release --target "$1" --target-dir "$work" \
            -Zbuild-std=std,panic_unwind,panic_abort,test,proc_macro
        # What a Windows program of GNU's kind begins and ends with.
        [[ $1 != *-windows-gnu ]] || for object in rsbegin rsend; do
            rustc --edition 2024 --target "$1" -O --emit=obj -o "$libraries/$object.o" "$own_toolchain/$sources/rtstartup/$object.rs"
        done
    )
    rm "$work/$1/release/deps"/libstandard_library*
    cp "$work/$1/release/deps"/lib*.rlib "$libraries"
    rm -rf "$work"
}
