//! Errors as OSS words them.

/// An error response: a status, a code, and further elements of its XML body.
#[derive(Debug, Clone)]
pub(crate) struct OssError {
    pub(crate) status: u16,
    pub(crate) code: String,
    pub(crate) message: String,
    pub(crate) ec: &'static str,
    pub(crate) elements: Vec<(&'static str, String)>,
    pub(crate) headers: Vec<(&'static str, String)>,
}

pub(crate) type Result<T> = std::result::Result<T, OssError>;

impl OssError {
    pub(crate) fn new(status: u16, code: &str, ec: &'static str, message: impl Into<String>) -> Self {
        let (code, message) = (code.to_owned(), message.into());
        Self { status, code, message, ec, elements: Vec::new(), headers: Vec::new() }
    }

    /// Adds an element to the body.
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.elements.push((name, value.into()));
        self
    }

    /// Adds a header to the response.
    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(crate) fn invalid_argument(ec: &'static str, message: &str, name: &str, value: &str) -> Self {
        Self::new(400, "InvalidArgument", ec, message).with("ArgumentName", name).with("ArgumentValue", value)
    }

    pub(crate) fn access_denied(message: &str) -> Self {
        Self::new(403, "AccessDenied", "0003-00000001", message)
    }

    pub(crate) fn no_such_bucket(bucket: &str) -> Self {
        Self::new(404, "NoSuchBucket", "0015-00000101", "The specified bucket does not exist.")
            .with("BucketName", bucket)
    }

    pub(crate) fn no_such_key(key: &str) -> Self {
        Self::new(404, "NoSuchKey", "0026-00000001", "The specified key does not exist.").with("Key", key)
    }

    pub(crate) fn no_such_upload(upload_id: &str) -> Self {
        let message = "The specified upload does not exist. The upload ID may be invalid, or the upload may have \
                       been aborted or completed.";
        Self::new(404, "NoSuchUpload", "0042-00000002", message).with("UploadId", upload_id)
    }

    pub(crate) fn already_exists(key: &str) -> Self {
        Self::new(
            409,
            "FileAlreadyExists",
            "0026-00000002",
            "The object you specified already exists and can not be overwritten.",
        )
        .with("Key", key)
    }

    pub(crate) fn internal(message: impl std::fmt::Display) -> Self {
        Self::new(500, "InternalError", "0001-00000001", format!("The local server failed: {message}"))
    }

    pub(crate) fn not_implemented(what: &str) -> Self {
        Self::new(501, "NotImplemented", "0001-00000002", format!("This local server does not implement {what}."))
    }
}

impl From<std::io::Error> for OssError {
    fn from(error: std::io::Error) -> Self {
        Self::internal(error)
    }
}
