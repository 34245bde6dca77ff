//! Credentials from an address that answers a plain GET, often of a helper on the same machine.

use std::sync::Arc;
use std::time::Duration;

use super::key_response::{KeyResponse, word};
use super::{Fetched, Issued, Provider, ProviderContext, failed, not_configured};
use crate::error::{Error, Result};
use crate::http::{Limits, Method, Request};
use crate::sync::atomic::AtomicBool;

pub(super) struct CredentialsUri {
    context: Arc<ProviderContext>,
    url: String,
}

impl CredentialsUri {
    /// `url` must be one of HTTP, without a login, which would show up in messages.
    pub(super) fn new(context: Arc<ProviderContext>, url: &str) -> Result<Self> {
        let host = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
        let host = host.and_then(|rest| rest.split(['/', '?', '#']).next()).unwrap_or_default();
        if host.is_empty() || host.contains('@') || !url.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(Error::invalid("the credentials URI is not http[s]://host[:port][/path]"));
        }
        Ok(CredentialsUri { context, url: url.into() })
    }

    /// Of its variable.
    pub(super) fn from_environment(context: &Arc<ProviderContext>) -> Fetched<Self> {
        const VARIABLE: &str = "ALIBABA_CLOUD_CREDENTIALS_URI";
        let Some(url) = context.variables.get(VARIABLE)? else {
            return Err(not_configured(format!("{VARIABLE} is not set")));
        };
        // It is not the caller's argument that is wrong.
        let provider = Self::new(context.clone(), url);
        Ok(provider.map_err(|error| failed(error.message()).context(VARIABLE))?)
    }

    /// The address up to the path, which may hold a secret.
    fn server(&self) -> &str {
        let host = self.url.find("://").map_or(0, |at| at + 3);
        self.url[host..].find(['/', '?', '#']).map_or(&self.url, |end| &self.url[..host + end])
    }
}

impl Provider for CredentialsUri {
    fn name(&self) -> String {
        "uri".into()
    }

    fn fetch(&self, stop: &Arc<AtomicBool>) -> Fetched<Issued> {
        let limits = Limits { connect: Duration::from_secs(5), ..Limits::all(Duration::from_secs(10)) };
        let request = Request { method: Method::Get, url: &self.url, headers: Vec::new(), body: &[], limits };
        let response = self.context.send(&request, stop)?;
        let server = self.server();
        if response.status != 200 {
            let error = failed(format!("{server} returned {}", response.status));
            return Err(error.with_retryable(matches!(response.status, 408 | 429 | 500..)).into());
        }
        let no_use = |why| failed(format!("the response of {server} {why}"));
        let response = KeyResponse::parse(&response.body).map_err(no_use)?;
        match response.code.as_deref() {
            None | Some("" | "Success") => Ok(response.into_issued().map_err(no_use)?.from(format!("uri {server}"))),
            Some(code) => Err(no_use(format!("has the code {}", word(code))).into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Unavailable;
    use super::super::testing::{Script, context};
    use super::*;

    const URL: &str = "http://127.0.0.1:8080/path-that-is-secret?token=secret";

    fn fetch(status: u16, body: &str) -> Result<Issued> {
        let script = Script::new([(status, body)]);
        let provider = CredentialsUri::new(context(&[], &script), URL).unwrap();
        let issued = provider.fetch(&Arc::default());
        assert_eq!(script.asked()[0].line, format!("GET {URL}"));
        issued.map_err(Unavailable::into_error)
    }

    #[test]
    fn no_code_is_needed() {
        let json = r#"{"AccessKeyId":"i","AccessKeySecret":"s","SecurityToken":"t"}"#;
        assert_eq!(fetch(200, json).unwrap().credentials.access_key_id(), "i");
        let marked = fetch(200, &format!("\u{feff}{json}")).unwrap();
        assert_eq!((marked.credentials.access_key_id(), &*marked.source), ("i", "uri http://127.0.0.1:8080"));
        assert_eq!(fetch(200, &json.replace('}', r#","Code":"Success"}"#)).unwrap().credentials.access_key_id(), "i");
    }

    #[test]
    fn failures_name_the_server_and_no_more() {
        for (status, body, retryable, expected) in [
            (404, "secret", false, "http://127.0.0.1:8080 returned 404"),
            (503, "secret", true, "http://127.0.0.1:8080 returned 503"),
            (429, "secret", true, "http://127.0.0.1:8080 returned 429"),
            (302, "secret", false, "http://127.0.0.1:8080 returned 302"),
            (200, "secret", false, "the response of http://127.0.0.1:8080 is not the expected JSON"),
            (200, r#"{"AccessKeyId":"secret"}"#, false, "lacks AccessKeyId or AccessKeySecret"),
            (200, r#"{"Code":"Failed"}"#, false, "has the code Failed"),
        ] {
            let error = fetch(status, body).unwrap_err();
            assert!(error.message().contains(expected) && !error.message().contains("secret"), "{error}");
            assert_eq!(error.is_retryable(), retryable, "{error}");
        }
    }

    #[test]
    fn only_good_addresses_are_taken() {
        let none = Script::new([]);
        for bad in ["", "http://", "ftp://host", "host/path", "http://u:p@host/", "http://ho st", "http://h\u{e9}"] {
            let error = CredentialsUri::new(context(&[], &none), bad).err().unwrap();
            assert!(!error.message().contains("u:p"), "{error}");
        }
        for (good, server) in [("https://host", "https://host"), ("http://host?x", "http://host")] {
            assert_eq!(CredentialsUri::new(context(&[], &none), good).unwrap().server(), server);
        }
    }
}
