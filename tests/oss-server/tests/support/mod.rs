//! A small client that does exactly what a test tells it, and signs with the server's own functions.

#![allow(dead_code, reason = "each test program uses a part of it")]

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use oss_server::sign::{self, v1, v4};
use oss_server::{Config, FaultScript, Server, percent};
use time::OffsetDateTime;
use time::macros::format_description;

pub const BUCKET: &str = "test-bucket";

/// A server with the usual settings.
pub fn server() -> Server {
    Server::start(Config::default()).unwrap()
}

/// A server that runs a fault script.
pub fn faulty(script: &str) -> Server {
    let server = server();
    server.set_faults(FaultScript::from_json(script).unwrap());
    server
}

/// How a request is signed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Signing {
    None,
    V1,
    V4,
    V1Url,
    V4Url,
}

/// A request under construction.
#[derive(Clone)]
pub struct Request {
    pub message: sign::Request,
    pub body: Vec<u8>,
    pub signing: Signing,
    pub id: String,
    pub secret: String,
    pub token: Option<String>,
    pub region: String,
    pub product: String,
    pub time: OffsetDateTime,
    pub expires: i64,
    pub additional: Vec<String>,
    /// The target as it goes over the wire, instead of the usual one.
    pub target: Option<String>,
    pub content_length: bool,
}

/// A response.
#[derive(Debug, Clone)]
pub struct Reply {
    pub status: u16,
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The trimmed value of the first element of that name.
    pub fn element(&self, name: &str) -> String {
        let text = self.text();
        let rest = text.split_once(&format!("<{name}>")).map_or("", |(_, rest)| rest);
        rest.split_once(&format!("</{name}>")).map_or("", |(value, _)| value).trim().replace("&quot;", "\"")
    }

    /// All values of the elements of that name.
    pub fn elements(&self, name: &str) -> Vec<String> {
        let text = self.text();
        let tag = format!("<{name}>");
        text.split(&tag).skip(1).map(|piece| piece.split("</").next().unwrap_or("").trim().to_owned()).collect()
    }

    /// Status and error code.
    pub fn error(&self) -> (u16, String) {
        (self.status, self.element("Code"))
    }
}

pub fn request(method: &str, key: &str) -> Request {
    Request {
        message: sign::Request {
            method: method.into(),
            bucket: Some(BUCKET.into()),
            key: (!key.is_empty()).then(|| key.into()),
            ..Default::default()
        },
        body: Vec::new(),
        signing: Signing::V4,
        id: "test-id".into(),
        secret: "test-secret".into(),
        token: None,
        region: "cn-hangzhou".into(),
        product: "oss".into(),
        time: OffsetDateTime::now_utc(),
        expires: 60,
        additional: Vec::new(),
        target: None,
        content_length: true,
    }
}

pub fn put(key: &str, body: impl Into<Vec<u8>>) -> Request {
    let mut request = request("PUT", key);
    request.body = body.into();
    request
}

impl Request {
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.message.headers.push((name.into(), value.into()));
        self
    }

    pub fn query(mut self, name: &str, value: &str) -> Self {
        self.message.query.push((name.into(), value.into()));
        self
    }

    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    pub fn bucket(mut self, bucket: &str) -> Self {
        self.message.bucket = Some(bucket.into());
        self
    }

    pub fn signing(mut self, signing: Signing) -> Self {
        self.signing = signing;
        self
    }

    pub fn key(mut self, id: &str, secret: &str, token: Option<&str>) -> Self {
        (self.id, self.secret, self.token) = (id.into(), secret.into(), token.map(str::to_owned));
        self
    }

    /// Shifts the time of the request.
    pub fn at(mut self, seconds: i64) -> Self {
        self.time += time::Duration::seconds(seconds);
        self
    }

    /// The bytes of the request, signed.
    pub fn bytes(&self, host: &str) -> Vec<u8> {
        let mut this = self.clone();
        if this.content_length && (this.message.method != "GET" && this.message.method != "HEAD") {
            let length = this.body.len().to_string();
            this.message.headers.push(("content-length".into(), length.into()));
        }
        if !this.message.headers.iter().any(|(name, _)| name == "host") {
            this.message.headers.push(("host".into(), host.into()));
        }
        this.sign();
        let mut bytes = format!("{} {} HTTP/1.1\r\n", this.message.method, this.target()).into_bytes();
        for (name, value) in &this.message.headers {
            bytes.extend_from_slice(name.as_bytes());
            bytes.extend_from_slice(b": ");
            bytes.extend_from_slice(value);
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(&this.body);
        bytes
    }

    fn target(&self) -> String {
        if let Some(target) = &self.target {
            return target.clone();
        }
        let bucket = self.message.bucket.as_deref().map_or(String::new(), |bucket| format!("{bucket}/"));
        let path = percent::encode_path(self.message.key.as_deref().unwrap_or(""));
        let pairs = self.message.query.iter().map(|(name, value)| match value.as_str() {
            "" => percent::encode(name),
            value => format!("{}={}", percent::encode(name), percent::encode(value)),
        });
        let query = pairs.collect::<Vec<_>>().join("&");
        format!("/{bucket}{path}{}{query}", if query.is_empty() { "" } else { "?" })
    }

    fn sign(&mut self) {
        let token = self.token.clone();
        let add_header = |this: &mut Self, name: &str, value: String| {
            this.message.headers.push((name.into(), value.into_bytes()));
        };
        match self.signing {
            Signing::None => {}
            Signing::V1 => {
                let date = rfc1123(self.time);
                if !self.message.headers.iter().any(|(name, _)| name == "date") {
                    add_header(self, "date", date.clone());
                }
                if let Some(token) = token {
                    add_header(self, "x-oss-security-token", token);
                }
                let signature = v1::signature(&self.secret, &v1::string_to_sign(&self.message, &date));
                add_header(self, "authorization", format!("OSS {}:{signature}", self.id));
            }
            Signing::V1Url => {
                let expires = (self.time.unix_timestamp() + self.expires).to_string();
                if let Some(token) = token {
                    self.message.query.push(("security-token".into(), token));
                }
                let signature = v1::signature(&self.secret, &v1::string_to_sign(&self.message, &expires));
                let id = self.id.clone();
                for (name, value) in [("OSSAccessKeyId", id), ("Expires", expires), ("Signature", signature)] {
                    self.message.query.push((name.into(), value));
                }
            }
            Signing::V4 => {
                let date = compact(self.time);
                add_header(self, "x-oss-date", date.clone());
                add_header(self, "x-oss-content-sha256", v4::UNSIGNED_PAYLOAD.into());
                if let Some(token) = token {
                    add_header(self, "x-oss-security-token", token);
                }
                let (scope, signature) = self.v4_signature(&date);
                let additional = match self.additional.join(";") {
                    list if list.is_empty() => list,
                    list => format!("AdditionalHeaders={list},"),
                };
                let value =
                    format!("{} Credential={}/{scope},{additional}Signature={signature}", v4::ALGORITHM, self.id);
                add_header(self, "authorization", value);
            }
            Signing::V4Url => {
                let date = compact(self.time);
                let scope = self.scope(&date);
                let mut query = vec![
                    ("x-oss-signature-version", v4::ALGORITHM.to_owned()),
                    ("x-oss-credential", format!("{}/{scope}", self.id)),
                    ("x-oss-date", date.clone()),
                    ("x-oss-expires", self.expires.to_string()),
                ];
                if !self.additional.is_empty() {
                    query.push(("x-oss-additional-headers", self.additional.join(";")));
                }
                query.extend(token.map(|token| ("x-oss-security-token", token)));
                self.message.query.extend(query.into_iter().map(|(name, value)| (name.to_owned(), value)));
                let (_, signature) = self.v4_signature(&date);
                self.message.query.push(("x-oss-signature".into(), signature));
            }
        }
    }

    fn scope(&self, date: &str) -> v4::Scope {
        v4::Scope { day: date[..8].into(), region: self.region.clone(), product: self.product.clone() }
    }

    fn v4_signature(&self, date: &str) -> (v4::Scope, String) {
        let scope = self.scope(date);
        let canonical = v4::canonical_request(&self.message, &self.additional);
        let signature = v4::signature(&self.secret, &scope, &v4::string_to_sign(&canonical, date, &scope));
        (scope, signature)
    }

    /// Sends it over a connection of its own.
    pub fn send(&self, server: &Server) -> Reply {
        self.try_send(server).unwrap()
    }

    pub fn try_send(&self, server: &Server) -> io::Result<Reply> {
        let mut stream = connect(server)?;
        stream.write_all(&self.bytes(&host(server)))?;
        read_reply(&mut stream, self.message.method == "HEAD")
    }
}

pub fn host(server: &Server) -> String {
    format!("127.0.0.1:{}", server.port())
}

pub fn connect(server: &Server) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(("127.0.0.1", server.port()))?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    Ok(stream)
}

/// Reads one response, and no byte more.
pub fn read_reply(stream: &mut impl Read, head_only: bool) -> io::Result<Reply> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok());
    let status = status.ok_or_else(|| io::Error::other("no status"))?;
    let headers: BTreeMap<String, String> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; if head_only { 0 } else { length }];
    stream.read_exact(&mut body)?;
    Ok(Reply { status, headers, body })
}

pub fn compact(time: OffsetDateTime) -> String {
    time.format(format_description!("[year][month][day]T[hour][minute][second]Z")).unwrap()
}

pub fn rfc1123(time: OffsetDateTime) -> String {
    let format =
        format_description!("[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT");
    time.format(format).unwrap()
}

/// Opens a multipart upload.
pub fn initiate(server: &Server, key: &str) -> String {
    let reply = request("POST", key).query("uploads", "").send(server);
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.element("UploadId")
}

pub fn part(key: &str, upload_id: &str, number: u32, body: impl Into<Vec<u8>>) -> Request {
    put(key, body).query("partNumber", &number.to_string()).query("uploadId", upload_id)
}

/// Completes an upload with parts given by number and ETag.
pub fn complete(key: &str, upload_id: &str, parts: &[(u32, &str)]) -> Request {
    let list: String = parts
        .iter()
        .map(|(number, etag)| format!("<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>"))
        .collect();
    let body = format!("<CompleteMultipartUpload>{list}</CompleteMultipartUpload>");
    request("POST", key).query("uploadId", upload_id).body(body)
}

/// Bytes that differ from place to place.
pub fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|index| (index % 251) as u8).collect()
}

pub fn crc(reply: &Reply) -> u64 {
    reply.header("x-oss-hash-crc64ecma").parse().unwrap()
}

/// Waits for something that happens soon.
pub fn wait_until(condition: impl Fn() -> bool) {
    for _ in 0..500 {
        if condition() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("it did not happen within five seconds");
}
