//! Callbacks: the application server is told of a new object, and its word is the response.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use base64::Engine;
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper::header::{CONTENT_TYPE, HOST, USER_AGENT};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use tokio::net::TcpStream;

use crate::error::{OssError, Result};
use crate::exchange::Exchange;
use crate::percent;
use crate::request::Call;
use crate::response::Response;
use crate::store::Object;

const TIMEOUT: Duration = Duration::from_secs(5);
const LONGEST: usize = 5 << 10;
const LARGEST_RESPONSE: usize = 3 << 20;
const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

/// What a request wants to be told, and to whom.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Callback {
    callback_url: String,
    callback_body: String,
    #[serde(default)]
    callback_host: Option<String>,
    #[serde(default)]
    callback_body_type: Option<String>,
    #[serde(skip)]
    variables: BTreeMap<String, String>,
}

/// The callback of a request, checked.
pub(super) fn of(call: &Call) -> Result<Option<Callback>> {
    let Some(text) = parameter(call, "callback")? else { return Ok(None) };
    let bad = |message: &str| OssError::invalid_argument("0007-00000101", message, "callback", &text);
    let mut callback: Callback = decode(&text).ok_or_else(|| bad("The callback configuration is not json format."))?;
    let urls = callback.callback_url.split(';').filter(|url| !url.trim().is_empty()).count();
    if !(1..=5).contains(&urls) || text.len() > LONGEST {
        return Err(bad("A callback has 1 to 5 URLs and is at most 5 KB long."));
    }
    if callback.callback_body.is_empty() {
        return Err(bad("The callback needs a callbackBody."));
    }
    if !matches!(callback.callback_body_type.as_deref(), None | Some(FORM | JSON)) {
        return Err(bad("The callbackBodyType is not supported."));
    }
    if let Some(variables) = parameter(call, "callback-var")? {
        let bad = |message: &str| OssError::invalid_argument("0007-00000102", message, "callback-var", &variables);
        callback.variables =
            decode(&variables).ok_or_else(|| bad("The callback-var is not a json object of strings."))?;
        if !callback.variables.keys().all(|name| name.starts_with("x:") && *name == name.to_lowercase()) {
            return Err(bad("The names of callback variables begin with x: and are in lower case."));
        }
    }
    Ok(Some(callback))
}

/// A parameter that is either a header or part of the query.
fn parameter(call: &Call, name: &str) -> Result<Option<String>> {
    match (call.header(&format!("x-oss-{name}")), call.query(name)) {
        (Some(value), Some(_)) => {
            let message = "The callback is given both as a header and as a query parameter.";
            Err(OssError::invalid_argument("0007-00000103", message, name, &value))
        }
        (header, query) => Ok(header.or_else(|| query.map(str::to_owned))),
    }
}

fn decode<T: serde::de::DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_slice(&base64::engine::general_purpose::STANDARD.decode(text).ok()?).ok()
}

/// Makes the callback, if there is one; its outcome replaces the response, the object stays as it is.
pub(super) async fn response(x: &Exchange, response: Response, object: &Object) -> Result<Response> {
    let Some(callback) = of(&x.call)? else { return Ok(response) };
    let mut failure = String::new();
    for url in callback.callback_url.split(';') {
        let call = tokio::time::timeout(TIMEOUT, post(&callback, url.trim(), x, object));
        match call.await.unwrap_or_else(|_| Err("no response within 5 seconds".into())) {
            Ok(json) => {
                let mut response = response.bytes(json);
                response.rewrite("Content-Type", |_| None);
                return Ok(response.header("Content-Type", JSON));
            }
            Err(error) => failure = error,
        }
    }
    let error = OssError::new(203, "CallbackFailed", "0007-00000203", format!("Error status : {failure}."));
    let mut failed = Response::error(&error, x.shared.config.quirks, &x.request_id, &x.call.host, false);
    failed.headers.extend(response.headers.into_iter().filter(|(name, _)| name != "Content-Type"));
    Ok(failed.stored())
}

async fn post(callback: &Callback, url: &str, x: &Exchange, object: &Object) -> std::result::Result<Bytes, String> {
    let (authority, path) = split_url(url)?;
    let tcp = TcpStream::connect(with_port(authority)).await.map_err(|error| error.to_string())?;
    let handshake = http1::handshake(TokioIo::new(tcp)).await;
    let (mut sender, connection) = handshake.map_err(|error| error.to_string())?;
    tokio::spawn(connection);
    let request = hyper::Request::post(path)
        .header(HOST, callback.callback_host.as_deref().filter(|host| !host.is_empty()).unwrap_or(authority))
        .header(CONTENT_TYPE, callback.callback_body_type.as_deref().unwrap_or(FORM))
        .header(USER_AGENT, "aliyun-oss-callback")
        .header("x-oss-bucket", x.call.bucket())
        .body(Full::new(Bytes::from(callback.body(x, object))))
        .map_err(|error| error.to_string())?;
    let response = sender.send_request(request).await.map_err(|error| error.to_string())?;
    let status = response.status();
    if status != 200 {
        return Err(status.as_u16().to_string());
    }
    let body = Limited::new(response.into_body(), LARGEST_RESPONSE).collect().await;
    let body = body.map_err(|error| error.to_string())?.to_bytes();
    match serde_json::from_slice::<serde_json::Value>(&body) {
        Ok(_) => Ok(body),
        Err(_) => Err("the response is not json".into()),
    }
}

/// Host and path of a URL, which must lead to this machine: a test tool has no business elsewhere.
fn split_url(url: &str) -> std::result::Result<(&str, &str), String> {
    let rest = url.strip_prefix("http://").ok_or("this server calls http:// URLs only")?;
    let end = rest.find('/').unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
    let loopback = host == "localhost"
        || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    if !loopback {
        return Err("this server calls loopback addresses only".into());
    }
    Ok((authority, if path.is_empty() { "/" } else { path }))
}

fn with_port(authority: &str) -> String {
    let has_port = authority.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    if has_port { authority.to_owned() } else { format!("{authority}:80") }
}

impl Callback {
    /// The body, with its variables filled in.
    fn body(&self, x: &Exchange, object: &Object) -> String {
        let mut body = self.callback_body.clone();
        let mime = object.headers.get("content-type").map_or("", String::as_str);
        let known = [
            ("bucket", x.call.bucket().to_owned()),
            ("object", x.call.key().to_owned()),
            ("etag", object.etag.to_string()),
            ("mimeType", mime.to_owned()),
            ("imageInfo.height", String::new()),
            ("imageInfo.width", String::new()),
            ("imageInfo.format", String::new()),
            ("crc64", object.crc64.to_string()),
        ];
        body = body.replace("${size}", &object.size.to_string());
        let own = self.variables.iter().map(|(name, value)| (name.as_str(), value.clone()));
        for (name, value) in known.into_iter().chain(own) {
            body = body.replace(&format!("${{{name}}}"), &self.encode(&value));
        }
        body
    }

    fn encode(&self, value: &str) -> String {
        match self.callback_body_type.as_deref() {
            Some(JSON) => serde_json::Value::from(value).to_string(),
            _ => percent::encode(value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_called() {
        assert_eq!(split_url("http://127.0.0.1:80/cb?x=1"), Ok(("127.0.0.1:80", "/cb?x=1")));
        assert_eq!(split_url("http://localhost"), Ok(("localhost", "/")));
        assert_eq!(split_url("http://[::1]:9/a"), Ok(("[::1]:9", "/a")));
        for url in ["http://example.com/", "https://127.0.0.1/", "http://127.0.0.1.example.com/"] {
            assert!(split_url(url).is_err(), "{url}");
        }
    }
}
