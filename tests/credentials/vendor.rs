//! The services that issue keys, in one: an ECS instance's metadata service, STS, and an address for a plain GET. It
//! knows the local OSS, which takes the keys that it issues.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use oss_server::{AccessKey, Server};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use sha1::Sha1;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// The key that may call AssumeRole.
pub const SOURCE_ID: &str = "source-id";
pub const SOURCE_SECRET: &str = "SourceSecretThatNobodyMaySee00";
pub const ROLE: &str = "my-role";
pub const ROLE_ARN: &str = "acs:ram::1:role/my-role";
pub const OIDC_PROVIDER: &str = "acs:ram::1:oidc-provider/p";
pub const OIDC_TOKEN: &str = "OidcTokenThatNobodyMaySee.a.b";
/// Secrets and tokens of all keys that are issued begin so.
pub const SECRET: &str = "IssuedSecretThatNobodyMaySee";
pub const TOKEN: &str = "IssuedTokenThatNobodyMaySee";
const METADATA_TOKEN: &str = "MetadataTokenThatNobodyMaySee";

pub struct Vendor {
    shared: Arc<Shared>,
    address: SocketAddr,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    oss: Arc<Server>,
    ways: Mutex<Ways>,
    asked: Mutex<Vec<String>>,
    issued: Mutex<u32>,
    ended: AtomicBool,
}

/// How it behaves.
#[derive(Clone, Default)]
pub struct Ways {
    /// How long keys live; `None`: they do not say.
    pub life: Option<Duration>,
    /// The metadata service has no hardened mode.
    pub plain_only: bool,
    /// Whatever is asked is answered so.
    pub refusal: Option<(u16, String)>,
    /// The same key is issued again and again.
    pub same: bool,
    /// Nothing is answered while this is so.
    pub silent: bool,
}

#[derive(Debug)]
struct Request {
    method: String,
    target: String,
    head: String,
    body: String,
}

impl Vendor {
    pub fn start(oss: &Arc<Server>) -> Vendor {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port for Alibaba Cloud");
        let address = listener.local_addr().expect("Alibaba Cloud's address");
        let shared = Arc::new(Shared {
            oss: oss.clone(),
            ways: Mutex::default(),
            asked: Mutex::default(),
            issued: Mutex::default(),
            ended: AtomicBool::new(false),
        });
        let serving = shared.clone();
        let thread = thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if serving.ended.load(Ordering::Relaxed) {
                    return;
                }
                let serving = serving.clone();
                thread::spawn(move || serving.serve(client));
            }
        });
        Vendor { shared, address, thread: Some(thread) }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What follows `uri:` for a key that is issued to a plain GET.
    pub fn uri(&self) -> String {
        format!("uri:{}/key", self.url())
    }

    pub fn set(&self, edit: impl FnOnce(&mut Ways)) {
        edit(&mut self.shared.ways.lock().unwrap());
    }

    /// The first lines of the requests so far, without the query.
    pub fn asked(&self) -> Vec<String> {
        self.shared.asked.lock().unwrap().clone()
    }

    /// How many keys it has issued; their ids are `STS.1` and so on.
    pub fn issued(&self) -> u32 {
        *self.shared.issued.lock().unwrap()
    }
}

impl Drop for Vendor {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::Relaxed);
        self.set(|ways| ways.silent = false);
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn serve(&self, client: TcpStream) {
        let Some(request) = read(&client) else { return };
        let path = request.target.split('?').next().unwrap_or_default();
        let action = query(&request.target, "Action").map(|action| format!(" {action}")).unwrap_or_default();
        self.asked.lock().unwrap().push(format!("{} {path}{action}", request.method));
        while self.ways.lock().unwrap().silent {
            thread::sleep(Duration::from_millis(5));
        }
        let ways = self.ways.lock().unwrap().clone();
        let (status, body) = ways.refusal.clone().unwrap_or_else(|| self.response(&ways, &request, path));
        let head = format!("HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
        let mut client = client;
        // Who has gone away needs no response.
        let _ = client.write_all(format!("{head}{body}").as_bytes());
    }

    fn response(&self, ways: &Ways, request: &Request, path: &str) -> (u16, String) {
        let roles = "/latest/meta-data/ram/security-credentials/";
        let hardened = request.head.contains(&format!("x-aliyun-ecs-metadata-token: {METADATA_TOKEN}"));
        match (request.method.as_str(), path) {
            ("GET", "/key") => (200, self.key(ways)),
            ("PUT", "/latest/api/token") if ways.plain_only => (404, String::new()),
            ("PUT", "/latest/api/token") if request.head.contains("x-aliyun-ecs-metadata-token-ttl-seconds: 21600") => {
                (200, METADATA_TOKEN.into())
            }
            ("GET", path) if path.starts_with(roles) && hardened == ways.plain_only => (403, String::new()),
            ("GET", path) if path == roles => (200, ROLE.into()),
            ("GET", path) if path == format!("{roles}{ROLE}") => {
                (200, self.key(ways).replacen('{', r#"{"Code":"Success","#, 1))
            }
            ("POST", "/") => self.sts(ways, request),
            _ => (404, "<html>".into()),
        }
    }

    fn sts(&self, ways: &Ways, request: &Request) -> (u16, String) {
        let given = |name| query(&request.target, name).unwrap_or_default();
        let form = |name| query(&format!("?{}", request.body), name).unwrap_or_default();
        let refusal = |status, code: &str| {
            (status, format!(r#"{{"RequestId":"R-1","Code":"{code}","Message":"No {SOURCE_SECRET} {OIDC_TOKEN}."}}"#))
        };
        if given("Version") != "2015-04-01" || given("Format") != "JSON" || form("RoleArn") != ROLE_ARN {
            return refusal(400, "InvalidParameter");
        }
        match given("Action").as_str() {
            "AssumeRole" if given("AccessKeyId") != SOURCE_ID => return refusal(404, "InvalidAccessKeyId.NotFound"),
            "AssumeRole" if given("Signature") != signature(request) => return refusal(400, "SignatureDoesNotMatch"),
            "AssumeRole" => {}
            "AssumeRoleWithOIDC" if form("OIDCToken") != OIDC_TOKEN || form("OIDCProviderArn") != OIDC_PROVIDER => {
                return refusal(400, "AuthenticationFail.OIDCToken.Invalid");
            }
            "AssumeRoleWithOIDC" if given("Signature").is_empty() => {}
            _ => return refusal(404, "InvalidAction"),
        }
        (200, format!(r#"{{"RequestId":"R-2","Credentials":{}}}"#, self.key(ways)))
    }

    /// Issues a key that the local OSS knows.
    fn key(&self, ways: &Ways) -> String {
        let mut issued = self.issued.lock().unwrap();
        *issued += 1;
        let number = if ways.same { 1 } else { *issued };
        let (id, secret, token) = (format!("STS.{number}"), format!("{SECRET}{number}"), format!("{TOKEN}{number}"));
        if !ways.same || *issued == 1 {
            self.oss.add_access_key(AccessKey::with_token(&id, &secret, &token));
        }
        let end = ways.life.map(|life| OffsetDateTime::from(SystemTime::now() + life).format(&Rfc3339).unwrap());
        let end = end.map(|end| format!(r#","Expiration":"{end}""#)).unwrap_or_default();
        format!(r#"{{"AccessKeyId":"{id}","AccessKeySecret":"{secret}","SecurityToken":"{token}"{end}}}"#)
    }
}

fn read(client: &TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(client);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let (first, head) = head.split_once("\r\n")?;
    let head = head.to_ascii_lowercase().replace(&METADATA_TOKEN.to_ascii_lowercase(), METADATA_TOKEN);
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).map_or(0, |n| n.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let mut words = first.split(' ');
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    Some(Request { method, target, head, body: String::from_utf8(body).ok()? })
}

fn pairs(query: &str) -> Vec<(String, String)> {
    let decoded = |text: &str| percent_decode_str(text).decode_utf8().unwrap().into_owned();
    let pair = |pair: &str| pair.split_once('=').map(|(name, value)| (decoded(name), decoded(value)));
    query.split('&').filter_map(pair).collect()
}

fn query(target: &str, name: &str) -> Option<String> {
    let (_, query) = target.split_once('?')?;
    pairs(query).into_iter().find(|(have, _)| have == name).map(|(_, value)| value)
}

/// What the signature should be, from Alibaba Cloud's description of RPC signatures.
fn signature(request: &Request) -> String {
    let encoded = |text: &str| {
        const SET: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
        utf8_percent_encode(text, SET).to_string()
    };
    let (_, in_url) = request.target.split_once('?').unwrap_or_default();
    let mut all = [pairs(in_url), pairs(&request.body)].concat();
    all.retain(|(name, _)| name != "Signature");
    all.sort();
    let joined: Vec<_> = all.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
    let mut mac = Hmac::<Sha1>::new_from_slice(format!("{SOURCE_SECRET}&").as_bytes()).unwrap();
    mac.update(format!("POST&%2F&{}", encoded(&joined.join("&"))).as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}
