//! One upload: what is to be done, and what it shares with others.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::control::Control;
use super::plan::Plan;
use super::progress::Meter;
use super::remote::Remote;
use super::task::Task;
use crate::events::Events;
use crate::oss::Endpoint;
use crate::service::{RetryBudget, Service};
use crate::transfer::Queue;

/// All that an upload needs.
#[derive(Debug)]
pub(crate) struct Job {
    pub service: Arc<Service>,
    pub queue: Arc<Queue>,
    pub endpoint: Endpoint,
    pub task: Task,
    pub control: Arc<Control>,
    pub meter: Arc<Meter>,
    pub budget: RetryBudget,
    pub events: Arc<Events>,
}

impl Job {
    pub(crate) fn new(service: Arc<Service>, queue: Arc<Queue>, endpoint: Endpoint, task: Task, events: Events) -> Job {
        let budget = RetryBudget::new(service.retry);
        Job {
            service,
            queue,
            endpoint,
            task,
            control: Arc::new(Control::new()),
            meter: Arc::new(Meter::default()),
            budget,
            events: Arc::new(events),
        }
    }

    /// The file looks so small that one request will send it.
    pub(crate) fn is_one_request(&self) -> bool {
        let size = fs::metadata(&self.task.path).map(|file| file.len());
        size.is_ok_and(|size| Plan::new(size, self.task.part_size).is_ok_and(|plan| plan.is_single()))
    }

    /// The calls that the upload makes besides sending its parts, until `stop` goes up. At the shared pace they take turns
    /// with the parts of all uploads.
    pub(crate) fn remote(&self, stop: Arc<AtomicBool>) -> Remote<'_> {
        let takes_turns = self.task.routines.is_none();
        Remote { turns: takes_turns.then_some(&self.queue), ..self.remote_of_worker(stop) }
    }

    /// The calls of a thread whose turn has come.
    pub(crate) fn remote_of_worker(&self, stop: Arc<AtomicBool>) -> Remote<'_> {
        Remote {
            service: &self.service,
            endpoint: &self.endpoint,
            task: &self.task,
            control: &self.control,
            meter: &self.meter,
            budget: &self.budget,
            events: &self.events,
            turns: None,
            stop,
        }
    }
}
