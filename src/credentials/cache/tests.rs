use std::collections::VecDeque;
use std::sync::Barrier;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use super::super::Fetched;
use super::super::failed;
use super::super::testing::now;
use super::*;
use crate::sync::atomic::AtomicUsize;

const LONG: Duration = Duration::from_secs(60);

/// What the provider answers, one after the other.
enum Says {
    /// An id, and in how many seconds from the start it ends.
    Key(&'static str, Option<u64>),
    No(bool),
    Panic,
    /// Waits until it is let go, then answers.
    Held(Receiver<()>, Box<Says>),
}

#[derive(Clone, Default)]
struct Fake {
    says: Arc<Mutex<VecDeque<Says>>>,
    asked: Arc<AtomicUsize>,
}

impl Provider for Fake {
    fn name(&self) -> String {
        "fake".into()
    }

    fn fetch(&self, _: &Arc<AtomicBool>) -> Fetched<Issued> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let says = self.says.lock().unwrap().pop_front();
        respond(says.expect("it is asked too often"))
    }
}

fn respond(says: Says) -> Fetched<Issued> {
    match says {
        Says::Key(id, end) => {
            let expires = end.map(|seconds| now() + Duration::from_secs(seconds));
            Ok(Issued::new(key(id), expires).from("a source"))
        }
        Says::No(retryable) => Err(failed("the source is dry").with_retryable(retryable).into()),
        Says::Panic => panic!("the source is poisoned"),
        Says::Held(gate, then) => {
            gate.recv().expect("the gate is opened");
            respond(*then)
        }
    }
}

fn key(id: &str) -> Credentials {
    Credentials::new(id, "secret", Some("token".into()))
}

fn held(says: Says) -> (Sender<()>, Says) {
    let (open, gate) = channel();
    (open, Says::Held(gate, Box::new(says)))
}

struct Fixture {
    cache: CredentialsCache,
    fake: Fake,
    time: Arc<Mutex<SystemTime>>,
    changes: Arc<Mutex<Vec<String>>>,
}

impl Fixture {
    fn new(says: impl IntoIterator<Item = Says>) -> Fixture {
        let fake = Fake::default();
        fake.says.lock().unwrap().extend(says);
        let time = Arc::new(Mutex::new(now()));
        let (clock, changes) = (time.clone(), Arc::new(Mutex::new(Vec::new())));
        let told = changes.clone();
        let cache = CredentialsCache::new(
            Some(Box::new(fake.clone())),
            None,
            Arc::new(move || *clock.lock().unwrap()),
            move |id, source| told.lock().unwrap().push(format!("{id} of {source}")),
        );
        Fixture { cache, fake, time, changes }
    }

    fn get(&self) -> std::result::Result<String, Error> {
        match self.cache.get(&AtomicBool::new(false), LONG) {
            Ok(credentials) => Ok(credentials.unwrap().access_key_id().to_owned()),
            Err(Missing::Failed(error)) => Err(error),
            Err(Missing::Stopped) => panic!("nobody stops it"),
        }
    }

    fn renew(&self, id: &str) -> Renewal {
        self.cache.renew(&key(id), &AtomicBool::new(false), LONG)
    }

    fn at(&self, seconds: u64) {
        *self.time.lock().unwrap() = now() + Duration::from_secs(seconds);
    }

    fn asked(&self) -> usize {
        self.fake.asked.load(Ordering::SeqCst)
    }

    /// Waits until the response to the last question has been taken in.
    fn settled(&self, asked: usize) {
        until(|| self.asked() == asked && !self.cache.shared.lock().asking);
    }
}

fn until(condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_secs(10), "waited in vain");
        thread::sleep(Duration::from_millis(1));
    }
}

/// Runs `work` on sixteen threads at the same time.
fn sixteen<T: Send>(work: impl Fn() -> T + Sync) -> Vec<T> {
    let barrier = Barrier::new(16);
    let work = || {
        barrier.wait();
        work()
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..16).map(|_| scope.spawn(work)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

#[test]
fn sixteen_ask_once() {
    let fixture = Fixture::new([Says::Key("a", None)]);
    assert_eq!(sixteen(|| fixture.get().unwrap()), ["a"; 16]);
    assert_eq!(fixture.asked(), 1);
    assert_eq!(fixture.get().unwrap(), "a");
    assert_eq!(fixture.asked(), 1);
    until(|| *fixture.changes.lock().unwrap() == ["a of a source"]);
}

#[test]
fn a_failure_that_all_waited_for_is_everybodys() {
    let fixture = Fixture::new([Says::No(false), Says::Key("a", None)]);
    for error in sixteen(|| fixture.get().unwrap_err()) {
        assert_eq!(error.message(), "no credentials from fake: the source is dry");
        assert!(!error.is_retryable());
    }
    assert_eq!(fixture.asked(), 1);
    fixture.at(1);
    assert_eq!(fixture.get().unwrap(), "a");
}

#[test]
fn the_old_ones_are_used_while_new_ones_are_on_their_way() {
    let (open, slow) = held(Says::Key("b", Some(2000)));
    let fixture = Fixture::new([Says::Key("a", Some(1000)), slow]);
    assert_eq!(fixture.get().unwrap(), "a");
    fixture.at(799);
    assert_eq!(fixture.get().unwrap(), "a");
    assert_eq!(fixture.asked(), 1);
    fixture.at(800);
    assert_eq!(sixteen(|| fixture.get().unwrap()), ["a"; 16]);
    until(|| fixture.asked() == 2);
    assert_eq!(fixture.get().unwrap(), "a");
    open.send(()).unwrap();
    until(|| fixture.get().unwrap() == "b");
    assert_eq!(fixture.asked(), 2);
    until(|| *fixture.changes.lock().unwrap() == ["a of a source", "b of a source"]);
}

#[test]
fn when_none_live_all_wait_for_the_same_response() {
    let (open, slow) = held(Says::Key("b", None));
    let fixture = Fixture::new([Says::Key("a", Some(1000)), slow]);
    assert_eq!(fixture.get().unwrap(), "a");
    fixture.at(1000);
    thread::scope(|scope| {
        let waiting = scope.spawn(|| sixteen(|| fixture.get().unwrap()));
        until(|| fixture.asked() == 2);
        open.send(()).unwrap();
        assert_eq!(waiting.join().unwrap(), ["b"; 16]);
    });
    assert_eq!(fixture.asked(), 2);
}

#[test]
fn a_failing_renewal_keeps_the_old_ones_and_is_not_repeated_at_once() {
    let fixture = Fixture::new([Says::Key("a", Some(3600)), Says::No(false), Says::No(false), Says::No(false)]);
    assert_eq!(fixture.get().unwrap(), "a");
    for (second, asked) in [(2880, 2), (2999, 2), (3000, 3), (3100, 3)] {
        fixture.at(second);
        assert_eq!(fixture.get().unwrap(), "a");
        fixture.settled(asked);
    }
    fixture.at(3600);
    let error = fixture.get().unwrap_err();
    assert!(error.is_retryable(), "they were there once: {error}");
    assert_eq!(fixture.asked(), 4);
}

#[test]
fn short_lives_are_renewed_in_time() {
    let fixture = Fixture::new([Says::Key("a", Some(100)), Says::No(true), Says::Key("b", None)]);
    fixture.get().unwrap();
    fixture.at(80);
    fixture.get().unwrap();
    fixture.settled(2);
    fixture.at(89);
    assert_eq!(fixture.get().unwrap(), "a");
    fixture.settled(2);
    fixture.at(90);
    assert_eq!(fixture.get().unwrap(), "a");
    fixture.settled(3);
    assert_eq!(fixture.get().unwrap(), "b");
}

#[test]
fn a_clock_that_is_put_back_or_wrong_does_no_harm() {
    let fixture =
        Fixture::new([Says::Key("a", Some(0)), Says::Key("b", Some(1000)), Says::No(true), Says::Key("c", None)]);
    assert_eq!(fixture.get().unwrap(), "a", "what seems to have ended is tried all the same");
    fixture.at(100_000);
    assert_eq!(fixture.get().unwrap(), "a");
    fixture.at(0);
    assert!(matches!(fixture.renew("a"), Renewal::Renewed));
    fixture.at(900);
    fixture.get().unwrap();
    fixture.settled(3);
    fixture.at(850);
    fixture.get().unwrap();
    fixture.settled(4);
    assert_eq!(fixture.get().unwrap(), "c");
}

#[test]
fn sixteen_refusals_lead_to_one_renewal() {
    let fixture = Fixture::new([Says::Key("a", Some(1000)), Says::Key("b", Some(1000))]);
    fixture.get().unwrap();
    for renewal in sixteen(|| fixture.renew("a")) {
        assert!(matches!(renewal, Renewal::Renewed));
    }
    assert!(matches!(fixture.renew("a"), Renewal::Renewed), "who comes late is served too");
    assert_eq!((fixture.asked(), fixture.get().unwrap()), (2, "b".to_owned()));
    until(|| *fixture.changes.lock().unwrap() == ["a of a source", "b of a source"]);
}

#[test]
fn the_same_again_is_no_renewal() {
    let fixture = Fixture::new([Says::Key("a", None), Says::Key("a", None), Says::Key("b", None)]);
    fixture.get().unwrap();
    for renewal in sixteen(|| fixture.renew("a")) {
        assert!(matches!(renewal, Renewal::Same));
    }
    fixture.at(4);
    assert!(matches!(fixture.renew("a"), Renewal::Same));
    assert_eq!(fixture.asked(), 2);
    assert_eq!(fixture.get().unwrap(), "a", "the server may change its mind");
    fixture.at(5);
    assert!(matches!(fixture.renew("a"), Renewal::Renewed));
    assert_eq!(fixture.asked(), 3);
}

#[test]
fn a_renewal_may_fail() {
    let fixture = Fixture::new([Says::Key("a", None), Says::No(false), Says::Key("b", None)]);
    fixture.get().unwrap();
    for renewal in sixteen(|| fixture.renew("a")) {
        assert!(matches!(renewal, Renewal::Failed(error) if error.is_retryable()));
    }
    assert_eq!(fixture.asked(), 2);
    assert!(fixture.get().is_err(), "what was refused is not used again");
    fixture.at(1);
    assert_eq!(fixture.get().unwrap(), "b");
}

#[test]
fn what_the_user_gives_counts_at_once_and_for_ever() {
    let (open, slow) = held(Says::Key("late", None));
    let fixture = Fixture::new([slow]);
    thread::scope(|scope| {
        let waiting = scope.spawn(|| sixteen(|| fixture.get().unwrap()));
        until(|| fixture.asked() == 1);
        fixture.cache.set(key("given"));
        assert_eq!(waiting.join().unwrap(), ["given"; 16]);
    });
    open.send(()).unwrap();
    until(|| Arc::strong_count(&fixture.cache.shared) == 1);
    assert_eq!(fixture.get().unwrap(), "given");
    assert!(matches!(fixture.renew("given"), Renewal::Same), "the provider is out");
    assert!(matches!(fixture.renew("late"), Renewal::Renewed));
    fixture.cache.set(key("next"));
    assert!(matches!(fixture.renew("given"), Renewal::Renewed));
    assert_eq!(fixture.asked(), 1);
    assert_eq!(*fixture.changes.lock().unwrap(), ["given of the program", "next of the program"]);
}

#[test]
fn waiting_ends_when_it_must() {
    let (open, slow) = held(Says::Key("a", None));
    let fixture = Fixture::new([slow]);
    assert!(matches!(fixture.cache.get(&AtomicBool::new(true), LONG), Err(Missing::Stopped)));
    let impatient = fixture.cache.get(&AtomicBool::new(false), Duration::ZERO);
    assert!(matches!(impatient, Err(Missing::Failed(error)) if error.message().contains("in time")));
    assert!(matches!(fixture.cache.wait_for_others(None, Duration::ZERO, &AtomicBool::new(false)), Ok(false)));
    assert!(matches!(fixture.cache.wait_for_others(None, LONG, &AtomicBool::new(true)), Err(Missing::Stopped)));
    open.send(()).unwrap();
    assert_eq!((fixture.get().unwrap(), fixture.asked()), ("a".to_owned(), 1));
    assert!(matches!(fixture.cache.renew(&key("a"), &AtomicBool::new(true), LONG), Renewal::Stopped));
}

#[test]
fn who_waits_for_others_asks_with_growing_pauses() {
    let fixture = Fixture::new([
        Says::Key("a", None),
        Says::Key("a", None),
        Says::No(true),
        Says::No(true),
        Says::Key("b", None),
    ]);
    fixture.get().unwrap();
    assert!(matches!(fixture.renew("a"), Renewal::Same));
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let waiting = scope.spawn(|| sixteen(|| fixture.cache.wait_for_others(Some(&key("a")), LONG, &stop).unwrap()));
        for (second, asked) in [(1, 3), (2, 3), (3, 4), (6, 4), (7, 5)] {
            fixture.at(second);
            fixture.settled(asked);
        }
        assert_eq!(waiting.join().unwrap(), [true; 16]);
    });
    assert_eq!(fixture.asked(), 5);
}

#[test]
fn who_waits_for_others_is_content_with_what_the_user_gives() {
    let cache = CredentialsCache::new(None, None, Arc::new(now), |_, _| ());
    assert!(matches!(cache.get(&AtomicBool::new(false), LONG), Ok(None)));
    cache.set(key("a"));
    thread::scope(|scope| {
        let waiting =
            scope.spawn(|| sixteen(|| cache.wait_for_others(Some(&key("a")), LONG, &AtomicBool::new(false)).unwrap()));
        cache.set(key("b"));
        assert_eq!(waiting.join().unwrap(), [true; 16]);
    });
}

#[test]
fn a_panic_of_a_provider_is_an_error() {
    let fixture = Fixture::new([Says::Panic, Says::Key("a", None)]);
    let error = fixture.get().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Internal);
    assert!(error.message().contains("the source is poisoned"), "{error}");
    fixture.at(1);
    assert_eq!(fixture.get().unwrap(), "a");
}

#[test]
fn no_secret_is_shown() {
    let fixture = Fixture::new([Says::Key("a", None)]);
    fixture.get().unwrap();
    assert_eq!(format!("{:?}", fixture.cache), "CredentialsCache { provider: Some(\"fake\"), .. }");
}
