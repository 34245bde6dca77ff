//! Uploads that need credentials, a source that gives them, and a program that gives others, in many schedules.
//!
//! Time stands still: who waits for credentials that have come waits for ever.

use shuttle::thread::{self, JoinHandle};

use super::super::testing::now as start;
use super::super::{Fetched, failed};
use super::*;
use crate::sync::schedules::in_every_schedule;

const LONG: Duration = Duration::from_secs(60);

/// Gives `a`, then `b`; or first an error, then `a`. It is asked by one at a time.
struct Source {
    says: Mutex<Vec<Option<&'static str>>>,
    asked: Arc<AtomicBool>,
}

impl Provider for Source {
    fn name(&self) -> String {
        "a source".into()
    }

    fn fetch(&self, _: &Arc<AtomicBool>) -> Fetched<Issued> {
        assert!(!self.asked.swap(true, Ordering::SeqCst), "two ask at the same time");
        let says = unpoisoned(self.says.lock()).pop().expect("it is asked too often");
        self.asked.store(false, Ordering::SeqCst);
        says.map(|id| Issued::new(key(id), None).from("source")).ok_or_else(|| failed("it is dry").into())
    }
}

fn key(id: &str) -> Credentials {
    Credentials::new(id, "secret", None)
}

struct Fixture {
    cache: CredentialsCache,
    /// The id that was told last.
    told: Arc<Mutex<String>>,
}

impl Fixture {
    fn new(says: &[Option<&'static str>]) -> Arc<Fixture> {
        let told = Arc::new(Mutex::new(String::new()));
        let telling = told.clone();
        let source = Source { says: Mutex::new(says.iter().rev().copied().collect()), asked: Arc::default() };
        let tell = move |id: &str, _: &str| *unpoisoned(telling.lock()) = id.to_owned();
        let cache = CredentialsCache::new(Some(Box::new(source)), None, Arc::new(start), tell);
        Arc::new(Fixture { cache, told })
    }

    fn get(&self) -> std::result::Result<String, Missing> {
        let credentials = self.cache.get(&AtomicBool::new(false), LONG)?;
        Ok(credentials.expect("there is a source").access_key_id().to_owned())
    }

    fn told(&self) -> String {
        unpoisoned(self.told.lock()).clone()
    }

    /// Nobody asks any more, and has told what came.
    fn settle(&self) {
        while Arc::strong_count(&self.cache.shared) > 1 {
            thread::yield_now();
        }
    }
}

fn each<T: Send + 'static>(fixture: &Arc<Fixture>, work: fn(&Fixture) -> T) -> impl Iterator<Item = JoinHandle<T>> {
    let threads: Vec<_> = (0..2)
        .map(|_| {
            let fixture = fixture.clone();
            thread::spawn(move || work(&fixture))
        })
        .collect();
    threads.into_iter()
}

#[test]
fn one_asks_and_all_are_served() {
    in_every_schedule(|| {
        let fixture = Fixture::new(&[Some("a")]);
        each(&fixture, Fixture::get).for_each(|thread| assert_eq!(thread.join().unwrap().unwrap(), "a"));
        fixture.settle();
        assert_eq!(fixture.told(), "a");
    });
}

#[test]
fn a_failure_reaches_all_who_wait() {
    in_every_schedule(|| {
        let fixture = Fixture::new(&[None]);
        let failed = |got| matches!(got, Err(Missing::Failed(_)));
        each(&fixture, Fixture::get).for_each(|thread| assert!(failed(thread.join().unwrap())));
    });
}

/// Credentials that were refused are renewed once, whoever was refused and whoever asks for some meanwhile.
#[test]
fn a_refusal_of_many_is_one_renewal() {
    in_every_schedule(|| {
        let fixture = Fixture::new(&[Some("a"), Some("b")]);
        fixture.get().unwrap();
        let renewals = each(&fixture, |fixture| {
            let renewal = fixture.cache.renew(&key("a"), &AtomicBool::new(false), LONG);
            assert!(matches!(renewal, Renewal::Renewed), "{renewal:?}");
            assert_eq!(fixture.get().unwrap(), "b");
        });
        let ids = each(&fixture, |fixture| fixture.get().unwrap());
        renewals.for_each(|thread| thread.join().unwrap());
        ids.for_each(|id| assert!(["a", "b"].contains(&id.join().unwrap().as_str())));
        fixture.settle();
        assert_eq!((fixture.get().unwrap(), fixture.told()), ("b".to_owned(), "b".to_owned()));
    });
}

/// What the program gives counts, whatever the source says at the same time, and it is told last.
#[test]
fn what_the_program_gives_is_the_last_word() {
    in_every_schedule(|| {
        let fixture = Fixture::new(&[Some("a")]);
        let ids = each(&fixture, |fixture| fixture.get().unwrap());
        fixture.cache.set(key("given"));
        assert_eq!(fixture.get().unwrap(), "given");
        ids.for_each(|id| assert!(["a", "given"].contains(&id.join().unwrap().as_str())));
        fixture.settle();
        assert_eq!((fixture.get().unwrap(), fixture.told()), ("given".to_owned(), "given".to_owned()));
    });
}

/// Uploads that wait for other credentials than those that were refused go on with what the program gives.
#[test]
fn who_waits_for_others_goes_on_with_them() {
    in_every_schedule(|| {
        let fixture = Fixture::new(&[Some("a"), Some("a"), Some("a")]);
        fixture.get().unwrap();
        let waiting = each(&fixture, |fixture| {
            fixture.cache.wait_for_others(Some(&key("a")), LONG, &AtomicBool::new(false)).unwrap()
        });
        fixture.cache.set(key("b"));
        waiting.for_each(|thread| assert!(thread.join().unwrap()));
    });
}
