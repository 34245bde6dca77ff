//! The way of every request: fault, signature, policy, checks, body, processing, response, log.

use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;

use crate::auth::Authority;
use crate::config::Policy;
use crate::control::{Control, End};
use crate::error::OssError;
use crate::exchange::{Exchange, Stop};
use crate::fault::{Action, Stage};
use crate::operation::Operation;
use crate::request::Call;
use crate::response::{Payload, Response, ResponseBody};
use crate::shared::Shared;
use crate::{admin, clock, id, made_up, ops};

const CRC: &str = "x-oss-hash-crc64ecma";

/// Serves one request; `None` when there is to be no response.
pub(crate) async fn serve(
    shared: Arc<Shared>,
    control: Arc<Control>,
    request: hyper::Request<Incoming>,
) -> Option<hyper::Response<ResponseBody>> {
    if control.unusual().is_some() {
        control.change(|settings| *settings = Default::default());
    }
    let call = Call::of(&request, &shared.config);
    if call.admin.is_some() {
        return Some(admin::serve(&shared, call, request.into_body()).await.into_response(&control));
    }
    let mut x = Exchange::new(shared, control, call, id::request_id(), request.into_body());
    let outcome = run(&mut x).await;
    let response = finish(&mut x, outcome).await?;
    Some(response.into_response(&x.control))
}

async fn run(x: &mut Exchange) -> Result<Response, Stop> {
    change_state(x);
    x.pass(Stage::BeforeBody).await?;
    if let Some(Action::Status { before_body: true, .. }) = x.action() {
        return Err(made_up_response(x));
    }
    slow_down(x);
    admit(x)?;
    x.shared.limit.admit(x.call.content_length.unwrap_or(0))?;
    ops::check(x)?;
    let body = ops::receive(x).await?;
    x.pass(Stage::BeforeProcessing).await?;
    if let Some(Action::Status { before_body: false, .. }) = x.action() {
        return Err(made_up_response(x));
    }
    ops::interfere_before(x)?;
    let response = ops::process(x, body).await?;
    ops::interfere_after(x);
    Ok(response)
}

/// Faults that change the server, and then let the request go its way.
fn change_state(x: &Exchange) {
    match x.action() {
        Some(Action::Clock { offset }) => x.shared.clock.set(*offset),
        Some(Action::ExpireToken { access_key_id }) => {
            if let Some(id) = access_key_id.as_deref().or(x.claim.key_id()) {
                x.shared.keys.expire(id);
            }
        }
        _ => {}
    }
}

/// Faults that shape how bytes flow.
fn slow_down(x: &Exchange) {
    let change = |change: &dyn Fn(&mut crate::control::Settings)| x.control.change(change);
    match x.action() {
        Some(Action::SlowRead { bytes_per_second }) => change(&|s| s.read_rate = Some(*bytes_per_second)),
        Some(Action::Drip { bytes, ms }) => change(&|s| s.drip = Some((*bytes, Duration::from_millis(*ms)))),
        Some(Action::CloseIdle { after_ms, reset }) => {
            let how = if *reset { End::Reset } else { End::Close };
            change(&|s| s.close_after_response = Some((Duration::from_millis(*after_ms), how)));
        }
        _ => {}
    }
}

/// Signature and policy.
fn admit(x: &Exchange) -> Result<(), OssError> {
    if let Some(problem) = &x.call.problem {
        return Err(problem.clone());
    }
    let authority = Authority {
        keys: &x.shared.keys,
        region: &x.shared.config.region,
        now: x.shared.clock.now(),
        allow_anonymous: x.shared.config.allow_anonymous,
    };
    authority.check(&x.claim, &x.call.message)?;
    let further = ["x-oss-object-acl", "x-oss-tagging"].iter().any(|name| x.call.header(name).is_some());
    if x.shared.policy() == Policy::PutOnly && (further || !x.call.operation.needs_only_put()) {
        return Err(OssError::access_denied("You have no right to access this object because of bucket acl."));
    }
    Ok(())
}

fn made_up_response(x: &Exchange) -> Stop {
    let head = x.call.message.method == "HEAD";
    match x.action().and_then(|action| made_up::response(action, &x.request_id, &x.call.host, head)) {
        Some(response) => Stop::Response(Box::new(response)),
        None => Stop::Gone,
    }
}

/// Makes the outcome a response, and logs it before the client can see it.
async fn finish(x: &mut Exchange, outcome: Result<Response, Stop>) -> Option<Response> {
    let mut response = match outcome {
        Ok(response) => response,
        Err(Stop::Response(response)) => *response,
        Err(Stop::Error(error)) => {
            let head = x.call.message.method == "HEAD";
            Response::error(&error, x.shared.config.quirks, &x.request_id, &x.call.host, head)
        }
        Err(Stop::Gone) => {
            x.log(None, false);
            return None;
        }
    };
    tamper(x, &mut response);
    let withheld = matches!(
        x.action(),
        Some(
            Action::Reset { at: Some(Stage::BeforeResponse), .. }
                | Action::Close { at: Some(Stage::BeforeResponse), .. }
        )
    );
    x.log(Some(&response), !withheld);
    x.pass(Stage::BeforeResponse).await.ok()?;
    cut_response(x);
    add_common_headers(x, &mut response);
    Some(response)
}

/// Faults and quirks that change what the response says.
fn tamper(x: &Exchange, response: &mut Response) {
    match x.action() {
        Some(Action::WrongCrc {}) => response.rewrite(CRC, |crc| Some((crc.parse::<u64>().ok()? ^ 1).to_string())),
        Some(Action::NoCrc {}) => response.rewrite(CRC, |_| None),
        Some(Action::WrongEtag {}) => wrong_etag(response),
        Some(Action::WeakEtag {}) => weak_etags(response),
        Some(Action::LongHead { bytes, headers }) => long_head(response, *bytes, *headers),
        _ => {}
    }
    if x.shared.config.quirks.no_crc {
        response.rewrite(CRC, |_| None);
    }
}

fn wrong_etag(response: &mut Response) {
    let flip = |etag: &str| {
        let first = if etag.trim_start_matches('"').starts_with('0') { '1' } else { '0' };
        let mut characters: Vec<char> = etag.chars().collect();
        let place = usize::from(etag.starts_with('"'));
        characters[place] = first;
        characters.into_iter().collect::<String>()
    };
    if let Payload::Bytes(bytes) = &response.body
        && let Ok(text) = std::str::from_utf8(bytes)
        && let Some((before, rest)) = text.split_once("<ETag>&quot;")
        && let Some((etag, after)) = rest.split_once("&quot;")
    {
        response.body = Payload::Bytes(format!("{before}<ETag>&quot;{}&quot;{after}", flip(etag)).into());
    }
    response.rewrite("ETag", |etag| Some(flip(etag)));
}

/// As a proxy that compresses responses does.
fn weak_etags(response: &mut Response) {
    if let Payload::Bytes(bytes) = &response.body
        && let Ok(text) = std::str::from_utf8(bytes)
    {
        response.body = Payload::Bytes(text.replace("<ETag>&quot;", "<ETag>W/&quot;").into());
    }
    response.rewrite("ETag", |etag| Some(format!("W/{etag}")));
}

/// Policies and cookies of gateways: `bytes` of them in so many headers.
fn long_head(response: &mut Response, bytes: usize, headers: usize) {
    let value = "x".repeat(bytes / headers.max(1));
    response.headers.extend((0..headers).map(|n| (format!("x-gateway-{n}"), value.clone())));
}

fn cut_response(x: &Exchange) {
    const USUAL: u64 = 20;
    let (left, how) = match x.action() {
        Some(Action::Reset { at: Some(Stage::MidResponse), after_response_bytes, .. }) => {
            (after_response_bytes, End::Reset)
        }
        Some(Action::Close { at: Some(Stage::MidResponse), after_response_bytes, .. }) => {
            (after_response_bytes, End::Close)
        }
        _ => return,
    };
    x.control.change(|settings| settings.cut = Some((left.unwrap_or(USUAL), how)));
}

fn add_common_headers(x: &Exchange, response: &mut Response) {
    let date = clock::rfc1123(x.shared.clock.now());
    let mut add = |name: &str, value: String| response.headers.push((name.to_owned(), value));
    add("Server", "AliyunOSS".into());
    add("Date", date);
    add("x-oss-request-id", x.request_id.clone());
    add("x-oss-server-time", x.elapsed_ms().to_string());
    if x.body_unread() {
        add("Connection", "close".into());
        let linger = match x.action() {
            Some(Action::Status { linger_ms: Some(ms), .. }) => Duration::from_millis(*ms),
            _ => x.shared.config.linger,
        };
        x.control.set_linger(linger);
    }
    if x.call.operation == Operation::Unknown && response.status == 405 {
        add("Allow", "GET, HEAD, PUT, POST, DELETE".into());
    }
}
