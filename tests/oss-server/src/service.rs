//! The way of every request: fault, signature, policy, checks, body, processing, answer, log.

use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;

use crate::answer::{Answer, AnswerBody, Payload};
use crate::auth::Authority;
use crate::config::Policy;
use crate::control::{Control, End};
use crate::error::OssError;
use crate::exchange::{Exchange, Stop};
use crate::fault::{Action, Stage};
use crate::operation::Operation;
use crate::request::Call;
use crate::shared::Shared;
use crate::{admin, clock, id, made_up, ops};

const CRC: &str = "x-oss-hash-crc64ecma";

/// Serves one request; `None` when there is to be no answer.
pub(crate) async fn serve(
    shared: Arc<Shared>,
    control: Arc<Control>,
    request: hyper::Request<Incoming>,
) -> Option<hyper::Response<AnswerBody>> {
    if control.unusual().is_some() {
        control.change(|settings| *settings = Default::default());
    }
    let call = Call::of(&request, &shared.config);
    if call.admin.is_some() {
        return Some(admin::serve(&shared, call, request.into_body()).await.into_response(&control));
    }
    let mut x = Exchange::new(shared, control, call, id::request_id(), request.into_body());
    let outcome = run(&mut x).await;
    let answer = finish(&mut x, outcome).await?;
    Some(answer.into_response(&x.control))
}

async fn run(x: &mut Exchange) -> Result<Answer, Stop> {
    change_state(x);
    x.pass(Stage::BeforeBody).await?;
    if let Some(Action::Status { before_body: true, .. }) = x.action() {
        return Err(made_up_answer(x));
    }
    slow_down(x);
    admit(x)?;
    ops::check(x)?;
    let body = ops::receive(x).await?;
    x.pass(Stage::BeforeProcessing).await?;
    if let Some(Action::Status { before_body: false, .. }) = x.action() {
        return Err(made_up_answer(x));
    }
    ops::interfere_before(x)?;
    let answer = ops::process(x, body).await?;
    ops::interfere_after(x);
    Ok(answer)
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
            change(&|s| s.close_after_answer = Some((Duration::from_millis(*after_ms), how)));
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

fn made_up_answer(x: &Exchange) -> Stop {
    let head = x.call.message.method == "HEAD";
    match x.action().and_then(|action| made_up::answer(action, &x.request_id, &x.call.host, head)) {
        Some(answer) => Stop::Answer(Box::new(answer)),
        None => Stop::Gone,
    }
}

/// Makes the outcome an answer, and logs it before the client can see it.
async fn finish(x: &mut Exchange, outcome: Result<Answer, Stop>) -> Option<Answer> {
    let mut answer = match outcome {
        Ok(answer) => answer,
        Err(Stop::Answer(answer)) => *answer,
        Err(Stop::Error(error)) => {
            let head = x.call.message.method == "HEAD";
            Answer::error(&error, x.shared.config.quirks, &x.request_id, &x.call.host, head)
        }
        Err(Stop::Gone) => {
            x.log(None, false);
            return None;
        }
    };
    tamper(x, &mut answer);
    let withheld = matches!(
        x.action(),
        Some(Action::Reset { at: Some(Stage::BeforeAnswer), .. } | Action::Close { at: Some(Stage::BeforeAnswer), .. })
    );
    x.log(Some(&answer), !withheld);
    x.pass(Stage::BeforeAnswer).await.ok()?;
    cut_answer(x);
    add_common_headers(x, &mut answer);
    Some(answer)
}

/// Faults and quirks that change what the answer says.
fn tamper(x: &Exchange, answer: &mut Answer) {
    match x.action() {
        Some(Action::WrongCrc {}) => answer.rewrite(CRC, |crc| Some((crc.parse::<u64>().ok()? ^ 1).to_string())),
        Some(Action::NoCrc {}) => answer.rewrite(CRC, |_| None),
        Some(Action::WrongEtag {}) => wrong_etag(answer),
        Some(Action::WeakEtag {}) => weak_etags(answer),
        Some(Action::LongHead { bytes, headers }) => long_head(answer, *bytes, *headers),
        _ => {}
    }
    if x.shared.config.quirks.no_crc {
        answer.rewrite(CRC, |_| None);
    }
}

fn wrong_etag(answer: &mut Answer) {
    let flip = |etag: &str| {
        let first = if etag.trim_start_matches('"').starts_with('0') { '1' } else { '0' };
        let mut characters: Vec<char> = etag.chars().collect();
        let place = usize::from(etag.starts_with('"'));
        characters[place] = first;
        characters.into_iter().collect::<String>()
    };
    if let Payload::Bytes(bytes) = &answer.body
        && let Ok(text) = std::str::from_utf8(bytes)
        && let Some((before, rest)) = text.split_once("<ETag>&quot;")
        && let Some((etag, after)) = rest.split_once("&quot;")
    {
        answer.body = Payload::Bytes(format!("{before}<ETag>&quot;{}&quot;{after}", flip(etag)).into());
    }
    answer.rewrite("ETag", |etag| Some(flip(etag)));
}

/// As a proxy that compresses answers does.
fn weak_etags(answer: &mut Answer) {
    if let Payload::Bytes(bytes) = &answer.body
        && let Ok(text) = std::str::from_utf8(bytes)
    {
        answer.body = Payload::Bytes(text.replace("<ETag>&quot;", "<ETag>W/&quot;").into());
    }
    answer.rewrite("ETag", |etag| Some(format!("W/{etag}")));
}

/// Policies and cookies of gateways: `bytes` of them in so many headers.
fn long_head(answer: &mut Answer, bytes: usize, headers: usize) {
    let value = "x".repeat(bytes / headers.max(1));
    answer.headers.extend((0..headers).map(|n| (format!("x-gateway-{n}"), value.clone())));
}

fn cut_answer(x: &Exchange) {
    const USUAL: u64 = 20;
    let (left, how) = match x.action() {
        Some(Action::Reset { at: Some(Stage::MidAnswer), after_answer_bytes, .. }) => (after_answer_bytes, End::Reset),
        Some(Action::Close { at: Some(Stage::MidAnswer), after_answer_bytes, .. }) => (after_answer_bytes, End::Close),
        _ => return,
    };
    x.control.change(|settings| settings.cut = Some((left.unwrap_or(USUAL), how)));
}

fn add_common_headers(x: &Exchange, answer: &mut Answer) {
    let date = clock::rfc1123(x.shared.clock.now());
    let mut add = |name: &str, value: String| answer.headers.push((name.to_owned(), value));
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
    if x.call.operation == Operation::Unknown && answer.status == 405 {
        add("Allow", "GET, HEAD, PUT, POST, DELETE".into());
    }
}
