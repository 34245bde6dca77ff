//! The server's own pages, below `/_server/`: unsigned, for tests and for curious people.

use std::sync::Arc;

use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::config::{AccessKey, Policy};
use crate::fault::FaultScript;
use crate::request::{Call, is_bucket_name};
use crate::response::Response;
use crate::shared::Shared;
use crate::store::Bucket;

const LARGEST_BODY: usize = 16 << 20;

/// Serves one request; nothing of it is logged.
pub(crate) async fn serve(shared: &Arc<Shared>, call: Call, body: Incoming) -> Response {
    let Ok(body) = Limited::new(body, LARGEST_BODY).collect().await else {
        return failure(400, "the body could not be read");
    };
    let body = String::from_utf8_lossy(&body.to_bytes()).into_owned();
    let page = call.admin.as_deref().unwrap_or("").trim_end_matches('/');
    match act(shared, &call, page, &body) {
        Ok(response) => response,
        Err(message) => failure(400, &message),
    }
}

fn act(shared: &Shared, call: &Call, page: &str, body: &str) -> Result<Response, String> {
    match (call.message.method.as_str(), page) {
        ("GET", "") => Ok(Response::new(200).header("Content-Type", "text/html; charset=utf-8").bytes(html(shared))),
        ("GET", "state") => Ok(done(&state(shared))),
        ("GET", "log") => {
            let since = call.query("since").unwrap_or("0").parse().map_err(|_| "since is a number")?;
            Ok(done(&json!(shared.log.since(since))))
        }
        ("DELETE", "log") => {
            shared.log.clear();
            Ok(nothing())
        }
        ("PUT", "faults") => {
            shared.set_faults(FaultScript::from_json(body)?);
            Ok(nothing())
        }
        ("DELETE", "faults") => {
            shared.set_faults(FaultScript::default());
            Ok(nothing())
        }
        ("PUT", "policy") => {
            shared.set_policy(parse::<NewPolicy>(body)?.policy);
            Ok(nothing())
        }
        ("PUT", "clock") => {
            shared.clock.set(parse::<NewClock>(body)?.offset);
            Ok(nothing())
        }
        ("PUT", "access-keys") => change_keys(shared, &parse(body)?),
        ("PUT", "buckets") => create_bucket(shared, &parse::<NewBucket>(body)?.name),
        ("POST", "reset") => {
            shared.reset().map_err(|error| error.message)?;
            Ok(nothing())
        }
        _ => Ok(failure(404, "no such page; see README.md")),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewPolicy {
    policy: Policy,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewClock {
    offset: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewBucket {
    name: String,
}

/// Keys to add, and ids or tokens to end.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyChange {
    #[serde(default)]
    add: Vec<AccessKey>,
    #[serde(default)]
    expire: Vec<String>,
}

fn parse<T: for<'a> Deserialize<'a>>(body: &str) -> Result<T, String> {
    serde_json::from_str(body).map_err(|error| error.to_string())
}

fn change_keys(shared: &Shared, change: &KeyChange) -> Result<Response, String> {
    for key in &change.add {
        shared.keys.add(key.clone());
    }
    for id in &change.expire {
        if !shared.keys.expire(id) {
            return Err(format!("there is no key with the id or token {id:?}"));
        }
    }
    Ok(nothing())
}

fn create_bucket(shared: &Shared, name: &str) -> Result<Response, String> {
    if !is_bucket_name(name) {
        return Err(format!("{name:?} is no name for a bucket"));
    }
    shared.store.create_bucket(name).map_err(|error| error.to_string())?;
    Ok(nothing())
}

fn done(value: &Value) -> Response {
    Response::new(200).header("Content-Type", "application/json").bytes(value.to_string())
}

fn nothing() -> Response {
    Response::new(204)
}

fn failure(status: u16, message: &str) -> Response {
    let mut response = done(&json!({ "error": message }));
    response.status = status;
    response
}

/// Everything that is stored.
fn state(shared: &Shared) -> Value {
    let names = shared.store.bucket_names();
    let buckets: serde_json::Map<String, Value> =
        names.into_iter().filter_map(|name| Some((name.clone(), bucket(shared, &name)?))).collect();
    json!({
        "buckets": buckets,
        "policy": shared.policy(),
        "clock_offset": shared.clock.offset(),
        "connections_accepted": shared.accepted.load(std::sync::atomic::Ordering::Relaxed),
        "open_connections": shared.open.load(std::sync::atomic::Ordering::Relaxed),
    })
}

fn bucket(shared: &Shared, name: &str) -> Option<Value> {
    let describe = |bucket: &Bucket| json!({ "objects": objects(bucket), "uploads": uploads(bucket) });
    shared.store.view(name, describe).ok()
}

fn objects(bucket: &Bucket) -> Vec<Value> {
    let object = |(key, object): (&String, &std::sync::Arc<crate::store::Object>)| {
        json!({
            "key": key, "size": object.size, "etag": object.etag, "crc64": object.crc64.to_string(),
            "headers": *object.headers, "type": object.kind.name(), "parts": object.parts,
            "version_id": object.version_id,
        })
    };
    bucket.objects.iter().map(object).collect()
}

fn uploads(bucket: &Bucket) -> Vec<Value> {
    let part = |(number, part): (&u32, &crate::store::Part)| json!({ "number": number, "size": part.size, "etag": part.etag, "crc64": part.crc64.to_string() });
    let upload = |(id, upload): (&String, &crate::store::Upload)| {
        let parts: Vec<Value> = upload.parts.iter().map(part).collect();
        json!({ "key": upload.key, "upload_id": id, "headers": upload.headers, "parts": parts })
    };
    bucket.uploads.iter().map(upload).collect()
}

fn html(shared: &Shared) -> String {
    let mut rows = String::new();
    for name in shared.store.bucket_names() {
        let table = shared.store.view(&name, |bucket| bucket_table(&name, bucket));
        rows.push_str(&table.unwrap_or_default());
    }
    format!(
        "<!doctype html><meta charset=utf-8><title>oss-server</title><style>body{{font-family:sans-serif;margin:2em}}\
         td,th{{padding:.2em 1em;text-align:left;border-bottom:1px solid #ddd}}</style><h1>oss-server</h1>{rows}\
         <p><a href=/_server/state>state</a> <a href=/_server/log>log</a>\n"
    )
}

fn bucket_table(name: &str, bucket: &Bucket) -> String {
    let mut rows = String::new();
    for (key, object) in &bucket.objects {
        let cells = [escape(key), object.size.to_string(), object.etag.to_string(), object.crc64.to_string()];
        rows.push_str(&row("td", &cells));
    }
    let mut table = format!("<h2>{}</h2><table>{}{rows}</table>", escape(name), row("th", &names("size", "ETag")));
    if !bucket.uploads.is_empty() {
        let mut rows = String::new();
        for (id, upload) in &bucket.uploads {
            let size: u64 = upload.parts.values().map(|part| part.size).sum();
            rows.push_str(&row(
                "td",
                &[escape(&upload.key), upload.parts.len().to_string(), size.to_string(), id.clone()],
            ));
        }
        let head = ["pending upload", "parts", "size", "upload id"].map(str::to_owned);
        table.push_str(&format!("<table>{}{rows}</table>", row("th", &head)));
    }
    table
}

fn names(size: &str, etag: &str) -> [String; 4] {
    ["object", size, etag, "CRC64"].map(str::to_owned)
}

fn row(tag: &str, cells: &[String; 4]) -> String {
    let cells: String = cells.iter().map(|cell| format!("<{tag}>{cell}</{tag}>")).collect();
    format!("<tr>{cells}</tr>\n")
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}
