//! Keeps what a provider gave, and has it asked again in time.
//!
//! One thread at a time asks, and it is a thread of its own: an upload that is paused meanwhile stops at once, and what
//! is found serves all. While the old credentials live, everybody goes on with them; else everybody waits for the same
//! response.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use super::{Clock, Credentials, Issued, Provider, Unavailable};
use crate::error::{Error, ErrorKind, Result};
use crate::os::thread;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Condvar, Mutex, MutexGuard, now, unpoisoned};

/// The share of their life after which credentials are renewed.
const RENEW_AFTER: f64 = 0.8;
/// How long it is waited after a failure while the old credentials live, unless they end before.
const SOFT_PAUSE: Duration = Duration::from_secs(120);
/// For so long the failure that everybody waited for is the answer for anyone who comes later, too.
const HARD_PAUSE: Duration = Duration::from_secs(1);
/// For so long credentials that came again after they had been refused are not asked for once more.
const REFUSED_PAUSE: Duration = Duration::from_secs(5);
/// The longest pause between two questions while uploads wait for new credentials.
const LONGEST_WAIT_PAUSE: Duration = Duration::from_secs(10);
/// How often who waits looks whether to go on.
const SLICE: Duration = Duration::from_millis(100);

/// The credentials of a client.
pub(crate) struct CredentialsCache {
    shared: Arc<CacheShared>,
}

/// Is told an access key id and its source.
type Tell = dyn Fn(&str, &str) + Send + Sync;

struct CacheShared {
    provider: Option<Box<dyn Provider>>,
    clock: Clock,
    changed_to: Box<Tell>,
    state: Mutex<CacheState>,
    news: Condvar,
    /// Held while something comes and is told: what is told last is what there is. It is locked before the state.
    telling: Mutex<()>,
    /// Nobody needs the response any more.
    stop: Arc<AtomicBool>,
}

#[derive(Default)]
struct CacheState {
    held: Option<HeldCredentials>,
    asking: bool,
    /// The user has given credentials: the provider is asked no more, and its response is thrown away.
    given: bool,
    failure: Option<(Error, SystemTime)>,
    /// The id that was refused, and when.
    refused: Option<(String, SystemTime)>,
    /// Questions in vain since the last credentials that were not refused.
    in_vain: u32,
}

struct HeldCredentials {
    credentials: Arc<Credentials>,
    expires: Option<SystemTime>,
    renew_at: Option<SystemTime>,
    /// The server has refused them.
    stale: bool,
}

/// Why there are no credentials.
#[derive(Debug)]
pub(crate) enum Missing {
    /// The upload is being stopped.
    Stopped,
    Failed(Error),
}

/// What came of it that credentials were refused.
#[derive(Debug)]
pub(crate) enum Renewal {
    /// There are others now.
    Renewed,
    /// There are no others.
    Same,
    Failed(Error),
    /// The upload is being stopped.
    Stopped,
}

impl CredentialsCache {
    /// Begins with `given`; else asks `provider` when credentials are needed. Without both requests are not signed until
    /// [`CredentialsCache::set`]. `changed_to` is told the id and the source when some or others have come.
    pub(crate) fn new(
        provider: Option<Box<dyn Provider>>,
        given: Option<Credentials>,
        clock: Clock,
        changed_to: impl Fn(&str, &str) + Send + Sync + 'static,
    ) -> Self {
        CredentialsCache {
            shared: Arc::new(CacheShared {
                provider,
                clock,
                changed_to: Box::new(changed_to),
                state: Mutex::new(CacheState { held: given.map(HeldCredentials::for_ever), ..CacheState::default() }),
                news: Condvar::new(),
                telling: Mutex::default(),
                stop: Arc::default(),
            }),
        }
    }

    /// From now on these, and nobody else is asked.
    pub(crate) fn set(&self, credentials: Credentials) {
        let id = credentials.access_key_id().to_owned();
        let _telling = unpoisoned(self.shared.telling.lock());
        let mut state = self.shared.lock();
        *state =
            CacheState { given: true, held: Some(HeldCredentials::for_ever(credentials)), ..CacheState::default() };
        drop(state);
        self.shared.stop.store(true, Ordering::Relaxed);
        (self.shared.changed_to)(&id, "the program");
        self.shared.news.notify_all();
    }

    /// What to sign with now; `None`: nothing. Waits up to `patience` when there is nothing that lives.
    pub(crate) fn get(
        &self,
        stop: &AtomicBool,
        patience: Duration,
    ) -> std::result::Result<Option<Arc<Credentials>>, Missing> {
        let shared = &self.shared;
        let mut state = shared.lock();
        if state.held.is_none() && shared.provider.is_none() {
            return Ok(None);
        }
        let waiting = Waiting::new(stop, patience);
        loop {
            let now = (shared.clock)();
            if let Some(held) = state.living(now) {
                let credentials = held.credentials.clone();
                if state.is_due(now) {
                    shared.ask(&mut state);
                }
                return Ok(Some(credentials));
            }
            if !state.asking {
                if let Some(error) = state.recent_failure(now) {
                    return Err(Missing::Failed(error));
                }
                shared.ask(&mut state);
            }
            state = waiting.for_news(shared, state)?;
        }
    }

    /// What is there, without asking anybody.
    pub(crate) fn peek(&self) -> Option<Arc<Credentials>> {
        self.shared.lock().held.as_ref().map(|held| held.credentials.clone())
    }

    /// The server has refused `used`: has them renewed, once for all who were refused.
    pub(crate) fn renew(&self, used: &Credentials, stop: &AtomicBool, patience: Duration) -> Renewal {
        let shared = &self.shared;
        let mut state = shared.lock();
        let waiting = Waiting::new(stop, patience);
        loop {
            let now = (shared.clock)();
            match state.held.as_ref().filter(|held| !held.stale) {
                Some(held) if *held.credentials != *used => return Renewal::Renewed,
                _ if !shared.may_ask(&state) => return Renewal::Same,
                Some(_) if state.refused_lately(used, now) => return Renewal::Same,
                Some(_) => {
                    state.refuse(used, now);
                    // A response that is on its way is as good.
                    shared.ask(&mut state);
                }
                None if state.asking => {}
                None => match state.recent_failure(now) {
                    Some(error) => return Renewal::Failed(error),
                    None => shared.ask(&mut state),
                },
            }
            state = match waiting.for_news(shared, state) {
                Ok(state) => state,
                Err(Missing::Stopped) => return Renewal::Stopped,
                Err(Missing::Failed(error)) => return Renewal::Failed(error),
            };
        }
    }

    /// Waits for other credentials than `used`, which are of no use, and has the provider asked now and then. False
    /// when the time is over.
    pub(crate) fn wait_for_others(
        &self,
        used: Option<&Credentials>,
        patience: Duration,
        stop: &AtomicBool,
    ) -> std::result::Result<bool, Missing> {
        let shared = &self.shared;
        let mut state = shared.lock();
        let waiting = Waiting::new(stop, patience);
        loop {
            let now = (shared.clock)();
            if state.living(now).is_some_and(|held| Some(&*held.credentials) != used) {
                return Ok(true);
            }
            if !state.asking && shared.may_ask(&state) && state.may_ask_again(now) {
                shared.ask(&mut state);
            }
            state = match waiting.for_news(shared, state) {
                Err(Missing::Failed(_)) => return Ok(false),
                state => state?,
            };
        }
    }
}

impl Drop for CredentialsCache {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
    }
}

impl fmt::Debug for CredentialsCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let provider = self.shared.provider.as_ref().map(|provider| provider.name());
        f.debug_struct("CredentialsCache").field("provider", &provider).finish_non_exhaustive()
    }
}

/// How long somebody waits, and what ends it early.
struct Waiting<'a> {
    stop: &'a AtomicBool,
    start: Instant,
    patience: Duration,
}

impl<'a> Waiting<'a> {
    fn new(stop: &'a AtomicBool, patience: Duration) -> Self {
        Waiting { stop, start: now(), patience }
    }

    fn for_news<'s>(
        &self,
        shared: &CacheShared,
        state: MutexGuard<'s, CacheState>,
    ) -> std::result::Result<MutexGuard<'s, CacheState>, Missing> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(Missing::Stopped);
        }
        let left = self.patience.saturating_sub(now().saturating_duration_since(self.start));
        if left.is_zero() {
            let error = Error::new(ErrorKind::Credentials, "no credentials arrived in time").with_retryable(true);
            return Err(Missing::Failed(error));
        }
        let waited = shared.news.wait_timeout(state, left.min(SLICE));
        Ok(unpoisoned(waited).0)
    }
}

impl CacheShared {
    fn lock(&self) -> MutexGuard<'_, CacheState> {
        // Nothing panics while it holds this lock; were it so, the state would still be whole.
        unpoisoned(self.state.lock())
    }

    /// There is a provider, and the user has given nothing instead.
    fn may_ask(&self, state: &CacheState) -> bool {
        self.provider.is_some() && !state.given
    }

    /// Has the provider asked, unless it is being asked.
    fn ask(self: &Arc<Self>, state: &mut CacheState) {
        if state.asking || !self.may_ask(state) {
            return;
        }
        state.asking = true;
        let asking = self.clone();
        let spawned = thread::spawn("oss-credentials", move || asking.ask_now());
        if let Err(error) = spawned {
            state.take_in(Err(Error::no_thread(&error)), (self.clock)());
        }
    }

    fn ask_now(&self) {
        let Some(provider) = &self.provider else { return };
        let response = catch_unwind(AssertUnwindSafe(|| provider.fetch(&self.stop)))
            .unwrap_or_else(|payload| Err(Error::from_panic(&*payload).into()))
            .map_err(Unavailable::into_error)
            .map_err(|error| error.context(format_args!("no credentials from {}", provider.name())));
        let _telling = unpoisoned(self.telling.lock());
        let mut state = self.lock();
        // Else the user has given credentials meanwhile.
        if !state.given {
            let before = state.held.as_ref().map(|held| held.credentials.clone());
            let source = response.as_ref().map(|issued| issued.source.clone()).unwrap_or_default();
            state.take_in(response, (self.clock)());
            let now = state.held.as_ref().map(|held| held.credentials.clone());
            drop(state);
            if let Some(now) = now.filter(|now| before.as_ref() != Some(now)) {
                (self.changed_to)(now.access_key_id(), &source);
            }
            self.news.notify_all();
        }
    }
}

impl CacheState {
    fn living(&self, now: SystemTime) -> Option<&HeldCredentials> {
        self.held.as_ref().filter(|held| !held.stale && held.expires.is_none_or(|end| now < end))
    }

    /// Whether it is time to have the living credentials renewed.
    fn is_due(&self, now: SystemTime) -> bool {
        let Some(HeldCredentials { expires: Some(end), renew_at: Some(renew_at), .. }) = &self.held else {
            return false;
        };
        let failed_lately = self.failure.as_ref().is_some_and(|(_, at)| {
            let left = end.duration_since(*at).unwrap_or_default();
            is_within(SOFT_PAUSE.min(left / 2), *at, now)
        });
        now >= *renew_at && !failed_lately
    }

    fn recent_failure(&self, now: SystemTime) -> Option<Error> {
        self.failure.as_ref().filter(|(_, at)| is_within(HARD_PAUSE, *at, now)).map(|(error, _)| error.clone())
    }

    /// What is held is not used any more: the server has refused it.
    fn refuse(&mut self, used: &Credentials, now: SystemTime) {
        self.refused = Some((used.access_key_id().to_owned(), now));
        if let Some(held) = &mut self.held {
            held.stale = true;
        }
    }

    fn refused_lately(&self, used: &Credentials, now: SystemTime) -> bool {
        self.refused.as_ref().is_some_and(|(id, at)| id == used.access_key_id() && is_within(REFUSED_PAUSE, *at, now))
    }

    /// Whether those who wait for others may have the provider asked once more.
    fn may_ask_again(&self, now: SystemTime) -> bool {
        let pause = HARD_PAUSE.saturating_mul(1 << self.in_vain.saturating_sub(1).min(10)).min(LONGEST_WAIT_PAUSE);
        let last = self.failure.as_ref().map(|(_, at)| *at).max(self.refused.as_ref().map(|(_, at)| *at));
        last.is_none_or(|at| !is_within(pause, at, now))
    }

    fn take_in(&mut self, response: Result<Issued>, now: SystemTime) {
        self.asking = false;
        match response {
            Ok(issued) => {
                self.failure = None;
                let again = self.refused.as_ref().is_some_and(|(id, _)| id == issued.credentials.access_key_id());
                if again {
                    self.in_vain = self.in_vain.saturating_add(1);
                    self.refused = Some((issued.credentials.access_key_id().to_owned(), now));
                } else {
                    self.in_vain = 0;
                    self.refused = None;
                }
                self.held = Some(HeldCredentials::new(issued, now));
            }
            Err(error) => {
                // What was there once may come back.
                let error = if self.held.is_some() { error.with_retryable(true) } else { error };
                self.in_vain = self.in_vain.saturating_add(1);
                self.failure = Some((error, now));
            }
        }
    }
}

impl HeldCredentials {
    fn new(issued: Issued, now: SystemTime) -> Self {
        // When they seem to have ended already, our clock may be wrong: the server decides.
        let life = issued.expires.and_then(|end| end.duration_since(now).ok()).filter(|life| !life.is_zero());
        HeldCredentials {
            credentials: Arc::new(issued.credentials),
            expires: life.and(issued.expires),
            renew_at: life.and_then(|life| now.checked_add(life.mul_f64(RENEW_AFTER))),
            stale: false,
        }
    }

    fn for_ever(credentials: Credentials) -> Self {
        HeldCredentials { credentials: Arc::new(credentials), expires: None, renew_at: None, stale: false }
    }
}

/// Whether `now` is at most `time` after `then`; a clock that was put back does not make it so.
fn is_within(time: Duration, then: SystemTime, now: SystemTime) -> bool {
    now.duration_since(then).is_ok_and(|passed| passed < time)
}

#[cfg(test)]
mod tests;

#[cfg(all(test, shuttle))]
mod schedules;
