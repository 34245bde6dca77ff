//! Content-Type from a file name, as Alibaba Cloud's SDKs guess it.

use std::path::Path;

const UNKNOWN: &str = "application/octet-stream";

/// From the extension of the local file, else of the object, else [`UNKNOWN`].
pub(crate) fn guess(path: &Path, key: &str) -> &'static str {
    let of = |name: &Path| by_extension(&name.extension()?.to_str()?.to_ascii_lowercase());
    of(path).or_else(|| of(Path::new(key))).unwrap_or(UNKNOWN)
}

fn by_extension(extension: &str) -> Option<&'static str> {
    Some(match extension {
        "html" | "htm" => "text/html",
        "css" => "text/css",
        "js" | "mjs" => "application/javascript",
        "json" => "application/json",
        "xml" => "application/xml",
        "txt" | "log" | "text" => "text/plain",
        "csv" => "text/csv",
        "md" => "text/markdown",
        "pdf" => "application/pdf",
        "zip" => "application/zip",
        "gz" | "tgz" => "application/gzip",
        "tar" => "application/x-tar",
        "bz2" => "application/x-bzip2",
        "xz" => "application/x-xz",
        "7z" => "application/x-7z-compressed",
        "rar" => "application/x-rar-compressed",
        "jpg" | "jpeg" => "image/jpeg",
        "png" => "image/png",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "svg" => "image/svg+xml",
        "bmp" => "image/bmp",
        "ico" => "image/x-icon",
        "tif" | "tiff" => "image/tiff",
        "avif" => "image/avif",
        "heic" => "image/heic",
        "mp3" => "audio/mpeg",
        "wav" => "audio/x-wav",
        "ogg" => "audio/ogg",
        "flac" => "audio/flac",
        "m4a" => "audio/mp4",
        "aac" => "audio/aac",
        "mp4" | "m4v" => "video/mp4",
        "webm" => "video/webm",
        "mov" | "qt" => "video/quicktime",
        "avi" => "video/x-msvideo",
        "mkv" => "video/x-matroska",
        "flv" => "video/x-flv",
        "ts" => "video/mp2t",
        "m3u8" => "application/x-mpegurl",
        "wmv" => "video/x-ms-wmv",
        "mpg" | "mpeg" => "video/mpeg",
        "doc" => "application/msword",
        "docx" => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "xls" => "application/vnd.ms-excel",
        "xlsx" => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "ppt" => "application/vnd.ms-powerpoint",
        "pptx" => "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        "apk" => "application/vnd.android.package-archive",
        "ipa" => "application/octet-stream",
        "exe" | "dll" => "application/x-msdownload",
        "dmg" => "application/x-apple-diskimage",
        "iso" => "application/x-iso9660-image",
        "deb" => "application/x-debian-package",
        "rpm" => "application/x-rpm",
        "jar" => "application/java-archive",
        "wasm" => "application/wasm",
        "woff" => "font/woff",
        "woff2" => "font/woff2",
        "ttf" => "font/ttf",
        "otf" => "font/otf",
        "parquet" => "application/vnd.apache.parquet",
        "yaml" | "yml" => "application/yaml",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_goes_before_the_object() {
        assert_eq!(guess(Path::new("/a/b.MP4"), "x.txt"), "video/mp4");
        assert_eq!(guess(Path::new("/a/b.unknown"), "x.TXT"), "text/plain");
        assert_eq!(guess(Path::new("/a/b"), "dir.d/x"), UNKNOWN);
        assert_eq!(guess(Path::new("/a/.json"), ""), UNKNOWN);
    }
}
