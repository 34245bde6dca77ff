//! A world for providers in unit tests: responses from a script, and a clock that stands still.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::{Http, ProviderContext, Variables};
use crate::error::{Error, ErrorKind};
use crate::http::{Headers, NoResponse, Request, Response};
use crate::sync::Mutex;
use crate::sync::atomic::AtomicBool;

/// 2023-12-16T16:20:57Z.
pub(super) fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_702_743_657)
}

pub(super) fn variables(given: &[(&str, &str)]) -> Variables {
    Variables::read(|name| given.iter().find(|(have, _)| *have == name).map(|(_, value)| (*value).into()))
}

pub(super) fn context(given: &[(&str, &str)], script: &Script) -> Arc<ProviderContext> {
    let http = Box::new(script.clone());
    let directory = Some("/where/the/client/was/made".into());
    Arc::new(ProviderContext { variables: variables(given), directory, http, clock: Arc::new(now) })
}

/// Responses one after the other, and what was asked. Status 0: no connection; status 1: one on which nothing comes.
#[derive(Clone, Default)]
pub(super) struct Script(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    responses: VecDeque<(u16, String)>,
    asked: Vec<Asked>,
}

#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub line: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
    pub timeouts: (Duration, Duration),
}

impl Script {
    pub(super) fn new<const N: usize>(responses: [(u16, &str); N]) -> Script {
        let script = Script::default();
        script.0.lock().unwrap().responses =
            responses.into_iter().map(|(status, text)| (status, text.into())).collect();
        script
    }

    pub(super) fn asked(&self) -> Vec<Asked> {
        self.0.lock().unwrap().asked.clone()
    }
}

impl Http for Script {
    fn send(&self, request: &Request<'_>, _: &Arc<AtomicBool>) -> Result<Response, NoResponse> {
        let mut inner = self.0.lock().unwrap();
        inner.asked.push(Asked {
            line: format!("{} {}", request.method.as_str(), request.url),
            headers: request.headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
            body: String::from_utf8(request.body.to_vec()).unwrap(),
            timeouts: (request.limits.connect, request.limits.response),
        });
        match inner.responses.pop_front().expect("nothing more was to be asked") {
            (status @ (0 | 1), why) => Err(NoResponse {
                error: Error::new(ErrorKind::Network, why).with_retryable(true),
                reached: status == 1,
            }),
            (status, body) => {
                let mut headers = Headers::default();
                headers.push("date", "Sat, 16 Dec 2023 17:20:57 GMT");
                Ok(Response { status, headers, body: body.into_bytes().into() })
            }
        }
    }
}
