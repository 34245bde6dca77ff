# From a checkout: brew install --HEAD ./packaging/homebrew/oss-upload.rb
class OssUpload < Formula
  desc "Resumable, verified uploads of local files to Alibaba Cloud OSS"
  homepage "https://github.com/oss-upload/liboss_upload"
  license any_of: ["MIT", "Apache-2.0"]
  head "https://github.com/oss-upload/liboss_upload.git", branch: "main"

  depends_on "cargo-c" => :build
  depends_on "rust" => :build

  def install
    system "cargo", "cinstall", "--release", "--locked", "--prefix", prefix, "--libdir", lib, "--includedir", include,
           "--datadir", share
  end

  test do
    (testpath/"version.c").write <<~C
      #include <oss_upload.h>
      int main(void) { return oss_version_number() == OSS_VERSION_NUMBER ? 0 : 1; }
    C
    system ENV.cc, "version.c", "-I#{include}", "-L#{lib}", "-loss_upload", "-o", "version"
    system "./version"
  end
end
