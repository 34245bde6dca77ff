//! The headers that a user gives with an object, and the requests that each goes with.

use super::header_rules::{self, Role};
use crate::error::{Error, Result};

/// A header as a request takes it: name (lower-case) and value.
type Header = (String, String);

/// Checked headers of one object, each once, sorted by name.
#[derive(Clone, Debug, Default)]
pub struct ObjectHeaders {
    headers: Vec<(String, String, Role)>,
}

impl ObjectHeaders {
    /// Checks names, values and combinations, so that a mistake shows before anything is sent.
    pub fn new(headers: &[(String, String)]) -> Result<ObjectHeaders> {
        let mut plain: Vec<Header> = Vec::with_capacity(headers.len());
        for (name, value) in headers {
            header_rules::check_name(name)?;
            // Signatures are over the trimmed value, so no other may go on the wire.
            plain.push((name.to_ascii_lowercase(), value.trim_matches(' ').to_owned()));
        }
        plain.sort();
        if let Some(pair) = plain.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            return Err(Error::invalid(format!("the header {} is set twice", pair[0].0)));
        }
        let check = |(name, value): &Header| {
            let role = header_rules::role(name)?;
            header_rules::check_value(name, value).map(|()| role)
        };
        let roles = plain.iter().map(check).collect::<Result<Vec<Role>>>()?;
        header_rules::check_together(&plain)?;
        let headers = plain.into_iter().zip(roles).map(|((name, value), role)| (name, value, role)).collect();
        Ok(ObjectHeaders { headers })
    }

    /// The headers for OSS: PutObject, which takes all of them.
    pub fn for_put_object(&self) -> Vec<Header> {
        self.with_roles(|_| true)
    }

    /// The headers for OSS: InitiateMultipartUpload, which fixes what the object will be.
    pub fn for_initiate(&self) -> Vec<Header> {
        self.with_roles(|role| matches!(role, Role::Describes | Role::ForbidOverwrite | Role::RequestPayer))
    }

    /// The headers for OSS: UploadPart, which refuses those that describe the object.
    pub fn for_upload_part(&self) -> Vec<Header> {
        self.with_roles(|role| matches!(role, Role::TrafficLimit | Role::RequestPayer))
    }

    /// The headers for OSS: CompleteMultipartUpload, which makes the object.
    pub fn for_complete(&self) -> Vec<Header> {
        self.with_roles(|role| matches!(role, Role::Acl | Role::ForbidOverwrite | Role::Callback | Role::RequestPayer))
    }

    /// The headers for OSS: AbortMultipartUpload, ListParts and HeadObject.
    pub fn for_others(&self) -> Vec<Header> {
        self.with_roles(|role| role == Role::RequestPayer)
    }

    /// Whether OSS shall call an application server, whose words then are the body of the response.
    pub fn wants_callback(&self) -> bool {
        self.value("x-oss-callback").is_some()
    }

    /// One line `name:value` for each header that shapes the object, sorted. An upload may be resumed when these are
    /// the same; the others may differ from run to run.
    pub fn shape(&self) -> String {
        let shaping = self.with_roles(|role| matches!(role, Role::Describes | Role::Acl | Role::ForbidOverwrite));
        shaping.iter().map(|(name, value)| format!("{name}:{value}\n")).collect()
    }

    fn value(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(have, ..)| have == name).map(|(_, value, _)| value.as_str())
    }

    fn with_roles(&self, wanted: impl Fn(Role) -> bool) -> Vec<Header> {
        let wanted = self.headers.iter().filter(|(.., role)| wanted(*role));
        wanted.map(|(name, value, _)| (name.clone(), value.clone())).collect()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use proptest::prelude::*;

    /// Headers for the tests of this and other files.
    pub fn headers(headers: &[(&str, &str)]) -> Result<ObjectHeaders> {
        let owned: Vec<Header> = headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        ObjectHeaders::new(&owned)
    }

    fn names(headers: &[Header]) -> Vec<&str> {
        headers.iter().map(|(name, _)| name.as_str()).collect()
    }

    fn one_of_each_role() -> ObjectHeaders {
        let callback = STANDARD.encode(r#"{"callbackUrl":"http://a/","callbackBody":"x"}"#);
        headers(&[
            ("X-OSS-Traffic-Limit", "819200"),
            ("x-oss-request-payer", "requester"),
            ("x-oss-object-acl", "private"),
            ("x-oss-callback", &callback),
            ("x-oss-forbid-overwrite", "true"),
            ("Content-Type", " text/plain "),
            ("x-oss-meta-Author", "alice"),
        ])
        .unwrap()
    }

    #[test]
    fn each_header_goes_to_the_requests_that_take_it() {
        let headers = one_of_each_role();
        assert_eq!(headers.for_put_object().len(), 7);
        let initiate = ["content-type", "x-oss-forbid-overwrite", "x-oss-meta-author", "x-oss-request-payer"];
        assert_eq!(names(&headers.for_initiate()), initiate);
        assert_eq!(names(&headers.for_upload_part()), ["x-oss-request-payer", "x-oss-traffic-limit"]);
        let complete = ["x-oss-callback", "x-oss-forbid-overwrite", "x-oss-object-acl", "x-oss-request-payer"];
        assert_eq!(names(&headers.for_complete()), complete);
        assert_eq!(names(&headers.for_others()), ["x-oss-request-payer"]);
    }

    #[test]
    fn questions_about_the_headers_are_answered() {
        let headers = one_of_each_role();
        assert!(headers.wants_callback());
        let none = ObjectHeaders::default();
        assert!(!none.wants_callback());
    }

    #[test]
    fn the_shape_is_sorted_and_leaves_out_what_may_change() {
        let shape =
            "content-type:text/plain\nx-oss-forbid-overwrite:true\nx-oss-meta-author:alice\nx-oss-object-acl:private\n";
        assert_eq!(one_of_each_role().shape(), shape);
        assert_eq!(ObjectHeaders::default().shape(), "");
    }

    #[test]
    fn wrong_headers_are_refused() {
        for (wrong, says) in [
            (&[("", "x")][..], "name is empty"),
            (&[("a b", "x")], "a b"),
            (&[("x-oss-meta-a:", "x")], "x-oss-meta-a:"),
            (&[("Expires", "a"), ("expires", "b")], "expires is set twice"),
            (&[("Content-Length", "5")], "content-length cannot be set"),
            (&[("x-oss-server-side-encryption-key-id", "k")], "KMS"),
            (&[("x-oss-server-side-encryption", "AES256"), ("x-oss-server-side-data-encryption", "SM4")], "KMS"),
            (&[("x-oss-callback-var", "e30=")], "requires x-oss-callback"),
            (&[("x-oss-meta-a", &"x".repeat(5000)), ("x-oss-meta-b", &"x".repeat(5000))], "8192"),
        ] {
            let error = headers(wrong).unwrap_err();
            assert!(error.message().contains(says), "{error}");
        }
    }

    proptest! {
        #[test]
        fn what_passes_is_legal_in_http(name in "x-oss-meta-[ -~]{0,8}|\\PC{0,8}|expires", value in any::<String>()) {
            if let Ok(headers) = headers(&[(&name, &value)]) {
                for (name, value) in headers.for_put_object() {
                    prop_assert!(ureq::http::HeaderName::from_bytes(name.as_bytes()).is_ok());
                    let value = ureq::http::HeaderValue::from_str(&value);
                    prop_assert!(value.is_ok_and(|value| value.to_str().is_ok()));
                }
            }
        }
    }
}
