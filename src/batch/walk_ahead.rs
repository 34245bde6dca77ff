//! The walk in a thread of its own: it goes on while what it found is compared with the manifest.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::vec;

use crossbeam_channel::{Receiver, Sender, bounded};

use super::entry::Found;
use super::job::BatchJob;
use super::walk::Walk;
use crate::error::{Error, ErrorKind, Result};

/// So many files are handed over at a time, and so often until the walk waits.
const CHUNK: usize = 64;
const CHUNKS: usize = 16;

/// What the walk finds. Dropping it ends the walk.
pub(super) struct WalkAhead {
    /// `None` only while it is dropped.
    steps: Option<Receiver<Step>>,
    chunk: vec::IntoIter<Found>,
    /// Closed when the walk has ended.
    ended: Receiver<()>,
}

enum Step {
    Found(Vec<Found>),
    /// Without this, the walk did not come to its end.
    End(Result<()>),
}

impl WalkAhead {
    /// Fails when there is no thread for it.
    pub(super) fn start(job: &Arc<BatchJob>) -> Result<WalkAhead> {
        let (sender, steps) = bounded(CHUNKS);
        let (ends, ended) = bounded::<()>(0);
        let walker = job.clone();
        let work = move || {
            let end = catch_unwind(AssertUnwindSafe(|| walk(&walker, &sender)));
            // Nobody listens any more when the batch was stopped.
            let _ = sender.send(Step::End(end.unwrap_or_else(|payload| Err(Error::from_panic(&*payload)))));
            drop(walker);
            drop(ends);
        };
        job.queue.pool().spawn(work).map_err(|error| Error::no_thread(&error))?;
        Ok(WalkAhead { steps: Some(steps), chunk: Vec::new().into_iter(), ended })
    }
}

/// Hands over what it finds: many at a time, but at once to who waits.
fn walk(job: &BatchJob, steps: &Sender<Step>) -> Result<()> {
    let mut chunk = Vec::with_capacity(CHUNK);
    for found in Walk::new(&job.request)? {
        chunk.push(found);
        if chunk.len() == CHUNK || steps.is_empty() {
            let full = std::mem::replace(&mut chunk, Vec::with_capacity(CHUNK));
            if steps.send(Step::Found(full)).is_err() {
                return Ok(());
            }
        }
    }
    let _ = steps.send(Step::Found(chunk));
    Ok(())
}

impl Iterator for WalkAhead {
    type Item = Result<Found>;

    fn next(&mut self) -> Option<Result<Found>> {
        loop {
            if let Some(found) = self.chunk.next() {
                return Some(Ok(found));
            }
            match self.steps.as_ref()?.recv() {
                Ok(Step::Found(chunk)) => self.chunk = chunk.into_iter(),
                Ok(Step::End(end)) => return end.err().map(Err),
                Err(_) => return Some(Err(Error::new(ErrorKind::Internal, "the walk broke off"))),
            }
        }
    }
}

impl Drop for WalkAhead {
    fn drop(&mut self) {
        self.steps = None;
        // When the batch has ended, nobody looks at its folder.
        let _ = self.ended.recv();
    }
}
