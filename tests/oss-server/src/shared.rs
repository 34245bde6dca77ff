//! The state that all connections share.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};

use crate::account_limit::AccountLimit;
use crate::clock::Clock;
use crate::config::{Config, Policy};
use crate::fault::{FaultEngine, FaultScript};
use crate::keys::Keys;
use crate::log::Log;
use crate::store::Store;

pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) store: Store,
    pub(crate) log: Log,
    pub(crate) keys: Keys,
    pub(crate) clock: Clock,
    pub(crate) limit: AccountLimit,
    pub(crate) accepted: AtomicU64,
    pub(crate) open: AtomicU64,
    requests: AtomicU64,
    faults: Mutex<FaultEngine>,
    policy: Mutex<Policy>,
}

impl Shared {
    pub(crate) fn new(config: Config) -> std::io::Result<Self> {
        let mut faults = FaultEngine::default();
        faults.set(config.faults.clone());
        Ok(Self {
            store: Store::open(&config.storage, &config.buckets)?,
            log: Log::open(&config.log)?,
            keys: Keys::new(&config.access_keys),
            clock: Clock::new(config.clock_offset),
            limit: AccountLimit::new(config.max_requests_per_second, config.max_bytes_per_second),
            accepted: AtomicU64::new(0),
            open: AtomicU64::new(0),
            requests: AtomicU64::new(0),
            faults: Mutex::new(faults),
            policy: Mutex::new(config.policy),
            config,
        })
    }

    pub(crate) fn next_request(&self) -> u64 {
        self.requests.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub(crate) fn faults(&self) -> MutexGuard<'_, FaultEngine> {
        crate::lock(&self.faults)
    }

    pub(crate) fn set_faults(&self, script: FaultScript) {
        self.faults().set(script);
    }

    pub(crate) fn policy(&self) -> Policy {
        *crate::lock(&self.policy)
    }

    pub(crate) fn set_policy(&self, policy: Policy) {
        *crate::lock(&self.policy) = policy;
    }

    /// Back to the state of a fresh server: no objects, no uploads, no log, and the settings of the start.
    pub(crate) fn reset(&self) -> crate::error::Result<()> {
        self.store.clear()?;
        self.log.clear();
        self.keys.reset(&self.config.access_keys);
        self.clock.set(self.config.clock_offset);
        self.set_faults(self.config.faults.clone());
        self.set_policy(self.config.policy);
        Ok(())
    }
}
