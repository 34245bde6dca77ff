//! Which of OSS's operations a request asks for.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

macro_rules! operations {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {
        /// An operation of OSS; [`Operation::Unknown`] is everything that this server does not know.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum Operation { $($(#[$doc])* $name),* }

        impl Operation {
            /// Every operation.
            pub const ALL: &[Operation] = &[$(Operation::$name),*];

            /// Its name in OSS's documentation.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Operation::$name => stringify!($name)),* }
            }
        }
    };
}

operations! {
    /// `PUT /key`.
    PutObject,
    /// `PUT /key` with `x-oss-copy-source`.
    CopyObject,
    /// `POST /key?append`.
    AppendObject,
    /// `GET /key`.
    GetObject,
    /// `HEAD /key`.
    HeadObject,
    /// `HEAD /key?objectMeta`, or GET.
    GetObjectMeta,
    /// `DELETE /key`.
    DeleteObject,
    /// `GET /key?acl`.
    GetObjectAcl,
    /// `GET /key?tagging`.
    GetObjectTagging,
    /// `POST /key?uploads`.
    InitiateMultipartUpload,
    /// `PUT /key?partNumber&uploadId`.
    UploadPart,
    /// `POST /key?uploadId`.
    CompleteMultipartUpload,
    /// `DELETE /key?uploadId`.
    AbortMultipartUpload,
    /// `GET /key?uploadId`.
    ListParts,
    /// `GET /?uploads`.
    ListMultipartUploads,
    /// `GET /`.
    ListObjects,
    /// `GET /?list-type=2`.
    ListObjectsV2,
    /// `GET /?bucketInfo`.
    GetBucketInfo,
    /// `GET /?location`.
    GetBucketLocation,
    /// `GET /` of the service.
    ListBuckets,
    /// Anything else.
    Unknown,
}

impl Operation {
    /// Finds the operation from what the request line says.
    pub(crate) fn of(method: &str, bucket: bool, key: bool, has: impl Fn(&str) -> bool, copies: bool) -> Self {
        match (bucket, key) {
            (false, _) if method == "GET" => Self::ListBuckets,
            (true, false) if method == "GET" => Self::of_bucket(has),
            (true, true) => Self::of_object(method, has, copies),
            _ => Self::Unknown,
        }
    }

    fn of_bucket(has: impl Fn(&str) -> bool) -> Self {
        const OTHERS: &[&str] =
            &["acl", "cors", "lifecycle", "policy", "referer", "stat", "tagging", "versioning", "versions", "website"];
        match () {
            () if has("uploads") => Self::ListMultipartUploads,
            () if has("bucketInfo") => Self::GetBucketInfo,
            () if has("location") => Self::GetBucketLocation,
            () if OTHERS.iter().any(|name| has(name)) => Self::Unknown,
            () if has("list-type") => Self::ListObjectsV2,
            () => Self::ListObjects,
        }
    }

    fn of_object(method: &str, has: impl Fn(&str) -> bool, copies: bool) -> Self {
        let part = has("partNumber") || has("uploadId");
        match method {
            "PUT" if part && !copies => Self::UploadPart,
            "PUT" if part || ["acl", "tagging", "symlink"].iter().any(|name| has(name)) => Self::Unknown,
            "PUT" if copies => Self::CopyObject,
            "PUT" => Self::PutObject,
            "POST" if has("uploads") => Self::InitiateMultipartUpload,
            "POST" if has("uploadId") => Self::CompleteMultipartUpload,
            "POST" if has("append") => Self::AppendObject,
            "DELETE" if has("uploadId") => Self::AbortMultipartUpload,
            "DELETE" => Self::DeleteObject,
            "GET" if has("uploadId") => Self::ListParts,
            "GET" if has("acl") => Self::GetObjectAcl,
            "GET" if has("tagging") => Self::GetObjectTagging,
            "GET" | "HEAD" if has("objectMeta") => Self::GetObjectMeta,
            "GET" => Self::GetObject,
            "HEAD" => Self::HeadObject,
            _ => Self::Unknown,
        }
    }

    /// Whether someone who may only `oss:PutObject` may do this.
    pub(crate) fn needs_only_put(self) -> bool {
        matches!(
            self,
            Self::PutObject
                | Self::AppendObject
                | Self::InitiateMultipartUpload
                | Self::UploadPart
                | Self::CompleteMultipartUpload
        )
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Operation {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let found = Self::ALL.iter().copied().find(|operation| operation.name() == name);
        found.ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(|operation| operation.name()).collect();
            format!("unknown operation {name:?}: expected * or one of {}", names.join(", "))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(method: &str, query: &[&str]) -> Operation {
        Operation::of(method, true, true, |name| query.contains(&name), false)
    }

    #[test]
    fn requests_find_their_operation() {
        assert_eq!(find("PUT", &[]), Operation::PutObject);
        assert_eq!(find("PUT", &["partNumber", "uploadId"]), Operation::UploadPart);
        assert_eq!(find("PUT", &["acl"]), Operation::Unknown);
        assert_eq!(find("POST", &["uploads", "sequential"]), Operation::InitiateMultipartUpload);
        assert_eq!(find("POST", &["uploadId"]), Operation::CompleteMultipartUpload);
        assert_eq!(find("POST", &[]), Operation::Unknown);
        assert_eq!(find("GET", &["uploadId"]), Operation::ListParts);
        assert_eq!(find("HEAD", &["objectMeta"]), Operation::GetObjectMeta);
        assert_eq!(Operation::of("GET", true, false, |name| name == "uploads", false), Operation::ListMultipartUploads);
        assert_eq!(Operation::of("GET", true, false, |name| name == "list-type", false), Operation::ListObjectsV2);
        assert_eq!(Operation::of("GET", false, false, |_| false, false), Operation::ListBuckets);
        assert_eq!(Operation::of("PUT", true, false, |_| false, false), Operation::Unknown);
    }

    #[test]
    fn names_round_trip() {
        for operation in Operation::ALL {
            assert_eq!(operation.name().parse(), Ok(*operation));
        }
        assert!("Put".parse::<Operation>().unwrap_err().contains("PutObject"));
    }
}
