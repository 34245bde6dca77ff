//! The executor for Rust: this test program, run once more.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io::{BufRead, stdin};
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::time::Duration;

use oss_upload::{
    CertificateAuthorities, Checkpoint, Client, ClientOptions, Credentials, CredentialsSource, Error, Event,
    OnFileChange, Outcome, PartSize, Phase, Progress, Proxy, Result, Routines, SignatureVersion, SpoolOptions, Upload,
    UploadOptions, UploadResult, VerifyResume, merge_manifests, shared_upload_part_count,
};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, percent_encode};

#[derive(Default)]
struct Session {
    client: Option<Client>,
    upload: Option<Upload>,
}

/// Names with values, as they came.
pub struct Pairs(Vec<(String, Vec<u8>)>);

impl Pairs {
    pub fn text(&self, name: &str) -> Option<String> {
        self.bytes(name).map(|value| String::from_utf8(value).expect("UTF-8"))
    }

    fn bytes(&self, name: &str) -> Option<Vec<u8>> {
        self.0.iter().find(|(given, _)| given == name).map(|(_, value)| value.clone())
    }

    pub fn path(&self, name: &str) -> Option<PathBuf> {
        self.bytes(name).map(|value| OsString::from_vec(value).into())
    }

    pub fn number<T: std::str::FromStr<Err: std::fmt::Debug> + Default>(&self, name: &str) -> T {
        self.text(name).map_or_else(T::default, |value| value.parse().expect("a number"))
    }

    /// Of a name that comes several times.
    pub fn all(&self, name: &str) -> impl Iterator<Item = String> {
        let values = self.0.iter().filter(move |(given, _)| given == name);
        values.map(|(_, value)| String::from_utf8(value.clone()).expect("UTF-8"))
    }

    fn milliseconds(&self, name: &str) -> Duration {
        Duration::from_millis(self.number(name))
    }

    pub fn is_on(&self, name: &str) -> bool {
        self.number::<u32>(name) == 1
    }
}

/// What is told, name by name.
#[derive(Default)]
pub struct Told(String);

impl Told {
    pub fn tell(&mut self, name: &str, value: impl ToString) {
        self.0 += &format!(" {name}={}", percent_encode(value.to_string().as_bytes(), NON_ALPHANUMERIC));
    }
}

pub fn execute() {
    let mut session = Session::default();
    for line in stdin().lock().lines() {
        let line = line.expect("an order");
        let mut words = line.split(' ');
        let word = words.next().expect("a word");
        let pairs = words.map(|pair| {
            let (name, value) = pair.split_once('=').expect("a pair");
            (name.to_owned(), percent_decode_str(value).collect())
        });
        let mut told = Told::default();
        session.carry_out(word, &Pairs(pairs.collect()), &mut told);
        println!("={}", told.0);
    }
}

impl Session {
    fn client(&self) -> &Client {
        self.client.as_ref().expect("a client")
    }

    fn upload(&self) -> &Upload {
        self.upload.as_ref().expect("an upload")
    }

    fn carry_out(&mut self, word: &str, given: &Pairs, told: &mut Told) {
        match word {
            "client" => {
                let made = client_options(given).and_then(Client::new);
                tell_end(told, &made);
                self.client = made.ok();
            }
            "set_credentials" => tell_end(told, &self.client().set_credentials(credentials(given).expect("a key"))),
            "upload_file" => self.upload_file(given, told),
            "upload_memory" => self.upload_memory(given, told),
            "stream" => self.stream(given, told),
            "shared" => self.shared(given, told),
            "batch" => crate::rust_batch::batch(self.client(), given, told),
            "merge_manifests" => {
                let manifests: Vec<String> = given.all("manifest").collect();
                tell_end(told, &merge_manifests(given.text("out").expect("a path"), &manifests));
            }
            "start" => {
                let started = self.client().start(upload_options(given));
                tell_end(told, &started);
                self.upload = started.ok();
            }
            "wait" => {
                let outcome = self.upload().wait(given.milliseconds("timeout_ms"));
                tell_progress(told, &self.upload().progress());
                match outcome {
                    None => told.tell("status", "OSS_PENDING"),
                    Some(Outcome { result, error, .. }) => {
                        tell_end(told, &error.map_or(Ok(()), Err));
                        tell_result(told, &result);
                    }
                }
            }
            "pause" => self.upload().pause(),
            "cancel" => self.upload().cancel(),
            "free" => self.upload = None,
            "events" => std::iter::from_fn(|| self.client().next_event()).for_each(|event| tell_event(told, &event)),
            "end" => *self = Session::default(),
            word => panic!("an unknown order: {word}"),
        }
    }

    fn upload_memory(&self, given: &Pairs, told: &mut Told) {
        let started = self.client().start_memory(upload_options(given), content(given));
        let Ok(upload) = started else { return tell_end(told, &started) };
        let Outcome { result, error, .. } = upload.wait(Duration::MAX).expect("an end");
        tell_end(told, &error.map_or(Ok(()), Err));
        tell_result(told, &result);
        tell_progress(told, &upload.progress());
    }

    fn stream(&self, given: &Pairs, told: &mut Told) {
        let opened = self.client().open_stream(upload_options(given));
        let Ok(stream) = opened else { return tell_end(told, &opened) };
        let content = content(given);
        let piece = match given.number("piece") {
            0 => content.len().max(1),
            piece => piece,
        };
        // What fails is told by the end, too.
        let _ = content.chunks(piece).try_for_each(|piece| stream.write(piece));
        match given.text("finish").as_deref() {
            Some("free") => return told.tell("status", "OSS_OK"),
            Some("abort") => stream.abort(),
            _ => {}
        }
        let outcome = stream.try_finish(Duration::MAX).map(|outcome| outcome.expect("an end"));
        let Ok(Outcome { result, error, .. }) = outcome else { return tell_end(told, &outcome) };
        tell_end(told, &error.map_or(Ok(()), Err));
        tell_result(told, &result);
        tell_progress(told, &stream.progress());
    }

    fn shared(&self, given: &Pairs, told: &mut Told) {
        let (client, options) = (self.client(), upload_options(given));
        let token = given.text("token").unwrap_or_default();
        let started = match given.text("call").as_deref() {
            Some("begin") => client.begin_shared_upload(options),
            Some("send_parts") => client.send_parts(options, &token, given.number("first")..=given.number("last")),
            Some("finish") => client.finish_shared_upload(options, &token, given.all("fragment")),
            Some("abort") => client.abort_shared_upload(options, &token),
            call => panic!("an unknown call: {call:?}"),
        };
        let Ok(step) = started else { return tell_end(told, &started) };
        let Outcome { result, error, .. } = step.wait(Duration::MAX).expect("an end");
        tell_end(told, &error.map_or(Ok(()), Err));
        match (result.token.as_ref(), result.fragment.as_ref()) {
            ("", "") => {}
            ("", fragment) => told.tell("fragment", fragment),
            (token, _) => {
                told.tell("token", token);
                told.tell("part_count", shared_upload_part_count(token).expect("a token"));
            }
        }
        if given.text("call").as_deref() == Some("finish") {
            tell_result(told, &result);
            tell_progress(told, &step.progress());
        }
    }

    fn upload_file(&self, given: &Pairs, told: &mut Told) {
        let (stop, at_parts) = (given.text("stop"), given.number::<u32>("at_parts"));
        let mut seen: Vec<Progress> = Vec::new();
        let mut last = None;
        let ended = self.client().upload_file(upload_options(given), |upload, progress| {
            if progress.parts_done >= at_parts {
                // An exception would pause it. Rust has none that passes through here.
                match stop.as_deref() {
                    Some("cancel") => upload.cancel(),
                    Some(_) => upload.pause(),
                    None => (),
                }
            }
            seen.push(progress);
            last = upload.wait(Duration::ZERO);
        });
        tell_end(told, &ended);
        if let Some(outcome) = last {
            tell_result(told, &ended.unwrap_or(outcome.result));
        }
        if let Some(progress) = seen.last() {
            tell_progress(told, progress);
            told.tell("progress.runs_forward", u32::from(runs_forward(&seen)));
            let phases: BTreeSet<_> = seen.iter().map(|progress| name_of_phase(progress.phase)).collect();
            phases.iter().for_each(|phase| told.tell("progress.phases", phase));
        }
    }
}

/// What is to be uploaded without a file.
fn content(given: &Pairs) -> Vec<u8> {
    let mut content = std::fs::read(given.path("content").expect("a file")).expect("it is read");
    content.truncate(given.text("take").map_or(usize::MAX, |take| take.parse().expect("a number")));
    content
}

fn runs_forward(seen: &[Progress]) -> bool {
    let numbers = |p: &Progress| [p.done_bytes, p.sent_bytes, p.retries.into()];
    seen.windows(2).all(|two| numbers(&two[0]).iter().zip(numbers(&two[1])).all(|(before, after)| *before <= after))
}

fn credentials(given: &Pairs) -> Option<Credentials> {
    let secret = given.text("access_key_secret").unwrap_or_default();
    Some(Credentials::new(given.text("access_key_id")?, secret, given.text("security_token")))
}

fn client_options(given: &Pairs) -> oss_upload::Result<ClientOptions> {
    let named = given.text("credentials").unwrap_or_default().parse()?;
    Ok(ClientOptions {
        endpoint: given.text("endpoint"),
        region: given.text("region"),
        credentials: credentials(given).map_or(named, CredentialsSource::Given),
        proxy: given.text("proxy").map_or(Proxy::None, Proxy::Url),
        certificate_authorities: given
            .path("ca_file")
            .map_or(CertificateAuthorities::BuiltIn, CertificateAuthorities::File),
        user_agent: given.text("user_agent"),
        max_bytes_per_second: given.number("max_bytes_per_second"),
        signature_version: match given.number("signature_version") {
            0 => SignatureVersion::Auto,
            1 => SignatureVersion::V1,
            4 => SignatureVersion::V4,
            n => panic!("signature version {n}"),
        },
        cname: given.is_on("cname"),
        path_style: given.is_on("path_style"),
        connect_timeout: given.milliseconds("connect_timeout_ms"),
        stall_timeout: given.milliseconds("stall_timeout_ms"),
        max_attempts: given.number("max_attempts"),
        insecure_skip_verify: given.is_on("insecure_skip_verify"),
        credentials_wait: given.milliseconds("credentials_wait_ms"),
    })
}

pub fn headers(given: &Pairs) -> Vec<(String, String)> {
    let pair = |prefix: &str, value: &[u8]| {
        let text = String::from_utf8_lossy(value);
        let (name, value) = text.split_once(':').expect("a name and a value");
        (format!("{prefix}{name}"), value.to_owned())
    };
    let headers = given.0.iter().filter_map(|(name, value)| match name.as_str() {
        "header" => Some(pair("", value)),
        "metadata" => Some(pair("x-oss-meta-", value)),
        _ => None,
    });
    headers.collect()
}

fn upload_options(given: &Pairs) -> UploadOptions {
    UploadOptions {
        bucket: given.text("bucket").unwrap_or_default(),
        object_key: given.text("object_key").unwrap_or_default(),
        file_path: given.path("file_path").unwrap_or_default(),
        part_size: match given.text("part_size").as_deref() {
            None => PartSize::Default,
            Some("auto") => PartSize::Auto,
            Some(bytes) => PartSize::Bytes(bytes.parse().expect("a number")),
        },
        routines: match given.text("routines").as_deref() {
            None => Routines::Default,
            Some("auto") => Routines::Auto,
            Some(count) => Routines::Count(count.parse().expect("a number")),
        },
        checkpoint: match (given.path("checkpoint_path"), given.path("checkpoint_dir")) {
            (Some(file), _) => Checkpoint::File(file),
            (_, Some(directory)) => Checkpoint::Directory(directory),
            _ if given.is_on("checkpoint") => Checkpoint::BesideFile,
            _ => Checkpoint::Off,
        },
        headers: headers(given),
        on_file_change: match given.text("on_file_change").as_deref() {
            Some("fail") => OnFileChange::Fail,
            _ => OnFileChange::Restart,
        },
        verify_resume: match given.text("verify_resume").as_deref() {
            Some("always") => VerifyResume::Always,
            Some("never") => VerifyResume::Never,
            _ => VerifyResume::WhenInDoubt,
        },
        content_md5: given.is_on("content_md5"),
        max_memory: given.number("max_memory"),
        spool: given.path("spool_dir").map(|directory| SpoolOptions { directory, limit: given.number("spool_limit") }),
    }
}

/// "InvalidArgument" is OSS_INVALID_ARGUMENT.
pub fn status_of(error: &Error) -> String {
    let mut name = "OSS".to_owned();
    for letter in format!("{:?}", error.kind()).chars() {
        if letter.is_ascii_uppercase() {
            name.push('_');
        }
        name.push(letter.to_ascii_uppercase());
    }
    name
}

pub fn tell_end<T>(told: &mut Told, end: &Result<T>) {
    let Err(error) = end else { return told.tell("status", "OSS_OK") };
    told.tell("status", status_of(error));
    told.tell("raised", format!("{:?}", error.kind()));
    told.tell("http_status", error.http_status());
    told.tell("os_errno", error.os_errno());
    told.tell("part_number", error.part_number());
    told.tell("retryable", u32::from(error.is_retryable()));
    told.tell("service_code", error.service_code());
    told.tell("ec", error.ec());
    told.tell("request_id", error.request_id());
    told.tell("message", error.message());
}

fn tell_result(told: &mut Told, result: &UploadResult) {
    told.tell("result.crc64", result.crc64);
    told.tell("result.size", result.size);
    told.tell("result.part_size", result.part_size);
    told.tell("result.bytes_sent", result.bytes_sent);
    told.tell("result.bytes_resumed", result.bytes_resumed);
    told.tell("result.elapsed_ms", result.elapsed.as_millis());
    told.tell("result.parts", result.parts);
    told.tell("result.parts_resumed", result.parts_resumed);
    told.tell("result.attempts", result.attempts);
    told.tell("result.part_size_raised", u32::from(result.part_size_raised));
    told.tell("result.etag", &result.etag);
    told.tell("result.version_id", &result.version_id);
    told.tell("result.request_id", &result.request_id);
    told.tell("result.upload_id", &result.upload_id);
    told.tell("result.restart_reason", &result.restart_reason);
    told.tell("result.callback_response_size", result.callback_response.len());
    told.tell("callback_response", String::from_utf8_lossy(&result.callback_response));
}

fn name_of_phase(phase: Phase) -> String {
    format!("{phase:?}").to_lowercase()
}

fn tell_progress(told: &mut Told, progress: &Progress) {
    told.tell("progress.phase", name_of_phase(progress.phase));
    told.tell("progress.total_bytes", progress.total_bytes);
    told.tell("progress.done_bytes", progress.done_bytes);
    told.tell("progress.resumed_bytes", progress.resumed_bytes);
    told.tell("progress.sent_bytes", progress.sent_bytes);
    told.tell("progress.parts_total", progress.parts_total);
    told.tell("progress.parts_done", progress.parts_done);
    told.tell("progress.retries", progress.retries);
    told.tell("progress.bytes_per_second", progress.bytes_per_second);
    told.tell("progress.eta_known", u32::from(progress.eta.is_some()));
}

/// "RetryOf" is "retry of".
fn spoken(kind: impl std::fmt::Debug) -> String {
    let mut words = String::new();
    for letter in format!("{kind:?}").chars() {
        if letter.is_ascii_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.push(letter.to_ascii_lowercase());
    }
    words
}

fn tell_event(told: &mut Told, event: &Event) {
    let fields = [
        spoken(event.kind),
        event.upload.to_string(),
        event.object_key.clone(),
        event.operation.clone(),
        event.part_number.to_string(),
        event.attempt.to_string(),
        event.http_status.to_string(),
        event.service_code.clone(),
        event.bytes.to_string(),
        event.concurrency.to_string(),
        event.dropped.to_string(),
        event.at.as_millis().to_string(),
        event.elapsed.as_millis().to_string(),
        event.message.clone(),
    ];
    told.tell("event", fields.join("|"));
    told.tell("event.request_id", &event.request_id);
}
