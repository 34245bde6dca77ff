//! One batch, from its manifest to its end: finds the files, and has done what is to be done with each.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::bounded_queue::Taken;
use super::compare::{Decision, decide};
use super::entry::{Entry, Found, Task};
use super::job::BatchJob;
use super::key::key_of;
use super::key_set::KeySet;
use super::list::{List, look};
use super::manifest::{self, Known, Loaded, RecordStatus};
use super::options::{BatchMode, BatchSource, KeyEncoding};
use super::outcome::{BatchOutcome, BatchResult, OutcomeStatus};
use super::remote_list::RemoteList;
use super::schedule::{Schedule, failed, outcome, planned};
use super::verify::verify;
use super::walk::Walk;
use super::walk_ahead::WalkAhead;
use crate::error::{Error, ErrorKind, Result};
use crate::transfer::StopRequest;
use crate::upload::checkpoint::line::MANIFEST;
use crate::upload::while_leased;

/// How often who waits for the program looks whether to go on.
const SLICE: Duration = Duration::from_millis(100);

impl BatchJob {
    /// Carries the batch out.
    pub(crate) fn run(self: &Arc<Self>) -> (BatchResult, Option<Error>) {
        let start = Instant::now();
        let mut damaged = 0;
        let ended = self.carry_out(&mut damaged);
        self.pushed.close();
        let result = BatchResult { elapsed: start.elapsed(), manifest_lines_damaged: damaged, ..self.meter.result() };
        let error = self.how_it_ended(&result, ended);
        (result, error)
    }

    fn carry_out(self: &Arc<Self>, damaged: &mut u64) -> Result<()> {
        let (writer, mut known) = match self.open_manifest()? {
            Some(loaded) => {
                *damaged = loaded.damaged;
                (Some(loaded.writer), Some(loaded.known))
            }
            None => (None, None),
        };
        let options = &self.request.options;
        let verifies = matches!(options.mode, BatchMode::Verify | BatchMode::VerifyFull);
        let (writer, _lock) = if options.dry_run || verifies { (None, writer) } else { (writer, None) };
        let schedule = Schedule::new(self.clone(), writer);
        let (fed, missed_some) = match (verifies, &known) {
            (true, Some(known)) => (verify(self, &schedule, known), false),
            _ => {
                let list = if options.compare_remote { Some(RemoteList::new(self)?) } else { None };
                let mut feeder =
                    Feeder { job: self, schedule: &schedule, known: known.as_mut(), list, missed_some: false };
                (feeder.feed(), feeder.missed_some)
            }
        };
        match &fed {
            Ok(()) => self.meter.all_found(),
            Err(error) => self.fail(error.clone()),
        }
        schedule.finish();
        self.clear_checkpoint_directory();
        let Some((manifest, known)) = schedule.manifest.as_ref().zip(known.as_ref()) else { return fed };
        if self.control.is_stopping() {
            return fed.and(manifest.flush());
        }
        // Only a whole folder tells what is there no more.
        let is_whole = matches!(self.request.options.source, BatchSource::Directory(_));
        let keep_all = !is_whole || missed_some || self.request.options.mode == BatchMode::RetryFailed;
        fed.and(manifest.finish(known, keep_all, self.meter.count(OutcomeStatus::Failed)))
    }

    fn open_manifest(&self) -> Result<Option<Loaded>> {
        let options = &self.request.options;
        let Some(path) = &options.manifest else { return Ok(None) };
        if options.dry_run && !path.exists() {
            return Ok(None);
        }
        let header = self.request.manifest_header(self.endpoint.to_string());
        let is_read_only = options.dry_run || matches!(options.mode, BatchMode::Verify | BatchMode::VerifyFull);
        let (control, shape) = (&self.control.own, self.request.shape());
        while_leased(control, &control.begin_round(), self.service.stall_timeout, |wait| {
            manifest::open(path, &header, &shape, is_read_only, wait).map(Some)
        })
    }

    /// It goes when no upload has left a checkpoint in it.
    fn clear_checkpoint_directory(&self) {
        if let Some(directory) = self.checkpoint_directory() {
            let _ = std::fs::remove_dir(directory);
        }
    }

    fn how_it_ended(&self, result: &BatchResult, ended: Result<()>) -> Option<Error> {
        if let Some(failure) = self.control.failure() {
            return Some(failure);
        }
        match (self.control.stop_request(), ended) {
            (StopRequest::Pause, _) => {
                let error = Error::new(ErrorKind::Paused, "the batch was paused").with_retryable(true);
                Some(match &self.request.options.manifest {
                    Some(path) => {
                        error.hint(format_args!("start it again with the manifest {} to go on", path.display()))
                    }
                    None => error,
                })
            }
            (StopRequest::Cancel, _) => Some(self.control.cancelled()),
            (StopRequest::None, Err(error)) => Some(error),
            (StopRequest::None, Ok(())) if result.files_failed > 0 => {
                let total = result.files_failed + result.files_stored + result.files_unchanged + result.files_planned;
                let what = format!("{} of {total} files failed", result.files_failed);
                Some(Error::new(ErrorKind::FilesFailed, what).hint("the outcome of each says why"))
            }
            (StopRequest::None, Ok(())) => None,
        }
    }
}

/// Brings the files to the schedule.
struct Feeder<'a> {
    job: &'a Arc<BatchJob>,
    schedule: &'a Arc<Schedule>,
    known: Option<&'a mut Known>,
    /// What the bucket has, when it is asked.
    list: Option<RemoteList<'a>>,
    /// Something could not be looked at: what is known about it stays.
    missed_some: bool,
}

impl Feeder<'_> {
    fn feed(&mut self) -> Result<()> {
        let job = self.job.clone();
        let options = &job.request.options;
        match (&options.mode, &options.source) {
            (BatchMode::RetryFailed, _) => self.feed_failed(),
            (_, BatchSource::Directory(_)) => match WalkAhead::start(&job) {
                Ok(walk) => self.feed_walk(walk),
                // Without a thread for it, it takes longer.
                Err(_) => self.feed_walk(Walk::new(&job.request)?.map(Ok)),
            },
            (_, BatchSource::List { path, null_separated }) => self.feed_list(&job, path, *null_separated),
            (_, BatchSource::Pushed) => self.feed_pushed(&job),
        }
    }

    fn feed_walk(&mut self, walk: impl Iterator<Item = Result<Found>>) -> Result<()> {
        for found in walk {
            if self.is_over() {
                break;
            }
            self.take(found?)?;
        }
        Ok(())
    }

    fn feed_list(&mut self, job: &BatchJob, path: &Path, null_separated: bool) -> Result<()> {
        let mut list = List::open(path, null_separated)?;
        let mut keys = KeySet::new();
        while let Some(pair) = list.next()? {
            if self.is_over() {
                break;
            }
            let given = crate::os::path::from_bytes(pair.path);
            let key = pair.key.map_or_else(|| job.request.key_of_given(&given), Ok);
            let full = job.request.base.join(given);
            self.take(look(&job.request, &mut keys, &full, key))?;
        }
        Ok(())
    }

    fn feed_pushed(&mut self, job: &BatchJob) -> Result<()> {
        let mut keys = KeySet::new();
        while !self.is_over() {
            match job.pushed.take(SLICE) {
                Taken::Item(file) => self.take(look(&job.request, &mut keys, &file.path, file.key))?,
                Taken::End => break,
                Taken::Nothing => self.schedule.keep_safe(),
            }
        }
        Ok(())
    }

    /// What failed, by the manifest.
    fn feed_failed(&mut self) -> Result<()> {
        let Some(known) = self.known.as_deref_mut() else { return Ok(()) };
        let path = self.job.request.options.manifest.clone().unwrap_or_default();
        let failures = known.failures().map_err(|cause| MANIFEST.refused("read", &path, &cause))?;
        let mut keys = KeySet::new();
        for (path, key) in failures {
            if self.is_over() {
                break;
            }
            let options = &self.job.request.options;
            let key = match key.is_empty() {
                true => key_of(&options.key_prefix, &path, options.key_encoding),
                false => Ok(key),
            };
            let found = look(&self.job.request, &mut keys, &self.job.request.full_path(&path), key);
            self.take(found.with_path(path))?;
        }
        Ok(())
    }

    fn is_over(&self) -> bool {
        self.job.control.is_stopping()
    }

    fn take(&mut self, found: Found) -> Result<()> {
        match found {
            Found::File(entry) if !self.job.request.is_in_shard(&entry.key) => {}
            Found::File(entry) => return self.take_file(entry),
            Found::Skipped { path, .. } if !self.job.request.is_path_in_shard(&path, "") => {}
            Found::Skipped { path, rule } => self.take_skipped(&path, rule)?,
            Found::Failed { path, key, error } => {
                // It may be a folder with files of all shards.
                self.missed_some = true;
                if !self.job.request.is_path_in_shard(&path, &key) {
                    return Ok(());
                }
                self.job.meter.found(0);
                self.schedule.settle(failed(&path, &key, 0, error), None);
            }
        }
        Ok(())
    }

    fn take_file(&mut self, entry: Entry) -> Result<()> {
        self.job.meter.found(entry.identity.size);
        let decision =
            decide(&self.job.request, self.known.as_deref_mut(), entry).map_err(|cause| self.unreadable(&cause))?;
        match decision {
            Decision::Done(outcome) => self.schedule.tell(outcome),
            Decision::Do(mut entry) => {
                if entry.task == Task::CompareRemote {
                    entry.task = self.compare_remote(&entry)?;
                }
                let is_to_be_sent = matches!(entry.task, Task::Upload | Task::Directory);
                match is_to_be_sent && self.job.request.options.dry_run {
                    true => self.schedule.tell(planned(&entry)),
                    false => self.schedule.add(entry),
                }
            }
        }
        Ok(())
    }

    /// The list tells of most objects that they have another size. Files of a folder come in the order of their keys.
    fn compare_remote(&mut self, entry: &Entry) -> Result<Task> {
        let options = &self.job.request.options;
        let is_sorted =
            matches!(options.source, BatchSource::Directory(_)) && options.key_encoding == KeyEncoding::Refuse;
        let Some(list) = self.list.as_mut().filter(|_| is_sorted) else { return Ok(Task::CompareRemote) };
        let has_size = list.find(&entry.key)?.is_some_and(|object| object.size == entry.identity.size);
        Ok(if has_size { Task::CompareRemote } else { Task::Upload })
    }

    /// One that was skipped for the same reason is in the manifest already.
    fn take_skipped(&mut self, path: &[u8], rule: String) -> Result<()> {
        let outcome = BatchOutcome { status: OutcomeStatus::Skipped, rule, ..outcome(path, "", 0) };
        let known = match self.known.as_deref_mut() {
            Some(known) => known.find(path, "").map(|found| {
                let found = found
                    .filter(|found| found.record.status == RecordStatus::Skipped && found.record.rule == outcome.rule);
                found.map(|found| found.place())
            }),
            None => Ok(None),
        };
        match known.map_err(|cause| self.unreadable(&cause))? {
            Some(place) => {
                if let Some(known) = self.known.as_deref_mut() {
                    known.keep(place);
                }
                self.schedule.tell(outcome);
            }
            None => self.schedule.settle(outcome, None),
        }
        Ok(())
    }

    fn unreadable(&self, cause: &std::io::Error) -> Error {
        let path = self.job.request.options.manifest.clone().unwrap_or_default();
        MANIFEST.refused("read", &path, cause)
    }
}

impl Found {
    fn with_path(self, path: Box<[u8]>) -> Found {
        match self {
            Found::File(entry) => Found::File(Entry { path, ..entry }),
            Found::Skipped { rule, .. } => Found::Skipped { path, rule },
            Found::Failed { key, error, .. } => Found::Failed { path, key, error },
        }
    }
}
