//! What the bucket has under the prefix, in the order of the keys, page by page.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::job::BatchJob;
use crate::error::{Error, ErrorKind, Result};
use crate::events::Events;
use crate::oss::list_objects::{ListedObject, ObjectsQuery, list_objects_v2, objects_page};
use crate::oss::{Endpoint, ObjectHeaders};
use crate::service::{Attempts, CallError, Caller, RetryBudget};
use crate::sync::atomic::AtomicBool;

/// A server that gives more empty pages in a row does so for ever.
const MOST_EMPTY_PAGES: u32 = 1000;

/// The list, as far as it was not taken.
pub(crate) struct RemoteList<'a> {
    job: &'a BatchJob,
    endpoint: Arc<Endpoint>,
    headers: ObjectHeaders,
    budget: RetryBudget,
    caller: ListCaller<'a>,
    page: VecDeque<ListedObject>,
    /// The last key of the pages so far.
    after: String,
    token: Option<String>,
    is_last_page: bool,
}

impl<'a> RemoteList<'a> {
    pub(crate) fn new(job: &'a BatchJob) -> Result<RemoteList<'a>> {
        let stop = job.control.own.begin_round();
        Ok(RemoteList {
            job,
            endpoint: job.endpoint.clone(),
            headers: ObjectHeaders::new(&job.request.options.headers)?,
            budget: RetryBudget::new(job.service.retry),
            caller: ListCaller { job, stop, events: Events::of_client(job.events.clone()) },
            page: VecDeque::new(),
            after: String::new(),
            token: None,
            is_last_page: false,
        })
    }

    /// The next object, which stays until it is taken.
    pub(crate) fn peek(&mut self) -> Result<Option<&ListedObject>> {
        for _ in 0..MOST_EMPTY_PAGES {
            if !self.page.is_empty() || self.is_last_page {
                return Ok(self.page.front());
            }
            self.read_page()?;
        }
        let what = format!("the server's list of objects has {MOST_EMPTY_PAGES} empty pages one after another");
        Err(Error::new(ErrorKind::Network, what).with_retryable(true))
    }

    pub(crate) fn take(&mut self) -> Option<ListedObject> {
        self.page.pop_front()
    }

    /// The object with this key. Keys must be asked for in ascending order; those in between are gone then. `None` when
    /// there is none, or when the key comes before one that was asked for.
    pub(crate) fn find(&mut self, key: &str) -> Result<Option<&ListedObject>> {
        while self.peek()?.is_some_and(|object| object.key.as_str() < key) {
            self.take();
        }
        Ok(self.page.front().filter(|object| object.key == key))
    }

    fn read_page(&mut self) -> Result<()> {
        let options = &self.job.request.options;
        let query = ObjectsQuery {
            bucket: &options.bucket,
            prefix: &options.key_prefix,
            after: &self.after,
            token: self.token.as_deref(),
        };
        let attempts = Attempts {
            service: &self.job.service,
            endpoint: &self.endpoint,
            budget: &self.budget,
            caller: &self.caller,
        };
        let request = list_objects_v2(&query, &self.headers);
        let attempted = attempts.run(&request, self.job.service.retry.max_attempts, |attempt| {
            let response = attempts.call(attempt, None)?;
            objects_page(&response, &query).map_err(CallError::Response)
        });
        let page = attempted.result?;
        if let Some(last) = page.objects.last() {
            self.after.clone_from(&last.key);
        }
        self.is_last_page = page.next.is_none();
        (self.page, self.token) = (page.objects.into(), page.next);
        Ok(())
    }
}

/// Makes the calls in the name of the batch.
struct ListCaller<'a> {
    job: &'a BatchJob,
    stop: Arc<AtomicBool>,
    events: Events,
}

impl Caller for ListCaller<'_> {
    fn stop(&self) -> &Arc<AtomicBool> {
        &self.stop
    }

    fn events(&self) -> &Events {
        &self.events
    }

    fn sleep(&self, time: Duration) {
        self.job.control.own.sleep(time, &self.stop);
    }

    fn attempted(&self) {
        self.job.meter.requested(1);
    }

    fn retrying(&self, _complaint: bool) {}

    fn while_waiting(&self, wait: &mut dyn FnMut()) {
        wait();
    }
}
