//! The checkpoint of a running upload: opened and locked once, then appended to.

use std::collections::VecDeque;
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};
use std::process;
use std::time::{Duration, Instant, SystemTime};

use super::line::{CHECKPOINT, ChecksumChain, FIRST_LINE, MAX_FILE, MAX_LINE, first_line};
use super::model::{Found, Header, PartRecord};
use super::open::{Held, is_at, make_private, open_and_lock, open_and_lock_existing, refused, sync_directory};
use super::read::{Reading, read};
use super::record::Record;
use crate::error::{Error, ErrorKind, Result};
use crate::os::durable::{self, DurableFile};
use crate::os::identity::{FileId, Status};
use crate::os::lock::unlock;
use crate::os::refusal::Refusal;
use crate::source::identity::Identity;
use crate::source::lease::LeaseWait;
use crate::sync::{Mutex, MutexGuard, unpoisoned};

/// How long records may wait for the disk. A power cut loses them then, and the server's list gives them back.
const SYNC_INTERVAL: Duration = Duration::from_secs(1);
/// A rate is recorded again when it differs by more than one part of so many.
const RATE_STEPS: u64 = 4;

/// A checkpoint file that this upload holds.
pub(crate) struct Journal {
    file: DurableFile,
    path: PathBuf,
    /// The file was not there before, so it goes again when nothing is begun.
    created: bool,
    state: Mutex<JournalState>,
}

struct JournalState {
    begun: bool,
    /// Where the next record goes: the end of the last whole one.
    length: u64,
    chain: ChecksumChain,
    /// The JSON of records that are not in the file yet, in their order.
    pending: VecDeque<String>,
    /// How many records no file can take, because they are too long.
    unfit: usize,
    /// Why the first of the pending ones is not in the file.
    write_failure: Option<String>,
    /// Why those that are in the file may not survive a power failure.
    sync_failure: Option<String>,
    /// Records were written after the last sync was begun.
    unsynced: bool,
    last_sync: Option<Instant>,
    /// The rate that was recorded last.
    rate: Option<u64>,
}

impl Journal {
    /// Opens or creates the file at `path`, locks it, and reads what it says. Holds the lock until it is dropped. `source`
    /// is the file to upload, if it is one, which is no checkpoint, whatever it holds.
    pub(crate) fn open(path: &Path, source: Option<&Identity>, wait: &LeaseWait<'_>) -> Result<(Journal, Found)> {
        let journal = Journal::new(open_and_lock(path, wait)?, path);
        journal.check_not(source)?;
        let found = journal.load()?;
        Ok((journal, found))
    }

    /// As [`Journal::open`], but `None` when there is no file.
    pub(crate) fn open_existing(path: &Path, wait: &LeaseWait<'_>) -> Result<Option<(Journal, Found)>> {
        let Some(file) = open_and_lock_existing(path, wait)? else { return Ok(None) };
        let journal = Journal::new(Held { file, created: false }, path);
        let found = journal.load()?;
        Ok(Some((journal, found)))
    }

    fn new(held: Held, path: &Path) -> Journal {
        let Held { file, created } = held;
        Journal { file, path: path.to_owned(), created, state: Mutex::new(JournalState::new()) }
    }

    /// Starts anew: whatever was in the file is gone. When this returns, the header survives a power cut.
    pub(crate) fn begin(&self, header: &Header) -> Result<()> {
        header
            .check()
            .map_err(|why| Error::new(ErrorKind::Internal, format!("a bug in the checkpoint code: {why}")))?;
        self.check_not(header.file().map(|file| &file.identity))?;
        self.check_place()?;
        make_private(self.file.as_file(), &self.path)?;
        let json = encode(&Record::of_header(header, SystemTime::now()))?;
        let mut state = self.lock();
        *state = JournalState::new();
        let line = state.chain.line(&json);
        if let Err(cause) = self.write_beginning(&line) {
            // Nothing of it must be taken for a begun upload.
            let _ = self.cut_to_first_line();
            return Err(refused("write", &self.path, &cause));
        }
        state.advance(&line);
        state.begun = true;
        Ok(())
    }

    /// Records the upload id. When this returns `Ok`, it survives a power cut; when not, it is tried again with the
    /// next record.
    pub(crate) fn opened(&self, upload_id: &str) -> Result<()> {
        self.append(encode(&Record::Upload { upload_id: upload_id.to_owned() })?);
        self.flush();
        match self.trouble() {
            None => Ok(()),
            Some(trouble) => Err(Error::new(ErrorKind::Checkpoint, trouble)
                .hint("free some space or raise the limit of file sizes, or choose a checkpoint path elsewhere")),
        }
    }

    /// Records a part that the server has acknowledged. When that fails, the file stays whole, [`Journal::trouble`]
    /// says why, and the next record tries again.
    pub(crate) fn part(&self, part: &PartRecord) {
        match encode(&Record::Part(part.clone())) {
            Ok(json) => self.append(json),
            Err(_) => self.lock().unfit += 1,
        }
    }

    /// Records that the file may be another from here on. Fails as [`Journal::part`] does, and then no later part is in
    /// the file either.
    pub(crate) fn doubted(&self) {
        if let Ok(json) = encode(&Record::Doubted) {
            self.append(json);
        }
    }

    /// Records that CompleteMultipartUpload is about to be sent, and syncs. Fails as [`Journal::part`] does.
    pub(crate) fn completing(&self) {
        if let Ok(json) = encode(&Record::Completing) {
            self.append(json);
        }
        self.flush();
    }

    /// Records how fast it goes, unless it is much as before: a journal should not grow with the time that an upload
    /// takes. Fails as [`Journal::part`] does.
    pub(crate) fn rate(&self, bytes_per_second: u64) {
        let mut state = self.lock();
        let same = |last: u64| last.abs_diff(bytes_per_second) <= last / RATE_STEPS;
        if bytes_per_second == 0 || state.rate.is_some_and(same) {
            return;
        }
        if let Ok(json) = encode(&Record::Rate { bytes_per_second }) {
            state.rate = Some(bytes_per_second);
            state.pending.push_back(json);
            self.write_pending(&mut state);
        }
    }

    /// Syncs when there is something to sync and the last time is long enough ago. Others can append meanwhile. Tells
    /// whether it did.
    pub(crate) fn sync_if_due(&self, now: Instant) -> bool {
        let mut state = self.lock();
        let is_time = state.last_sync.is_none_or(|last| now.saturating_duration_since(last) >= SYNC_INTERVAL);
        let due = is_time && state.unsynced;
        if due {
            state.last_sync = Some(now);
            self.sync(state);
        }
        due
    }

    /// Tries to write what is still pending, and syncs.
    pub(crate) fn flush(&self) {
        let mut state = self.lock();
        self.write_pending(&mut state);
        if state.unsynced {
            self.sync(state);
        }
    }

    /// Why records are not safe in the file, and how many are missing; `None` when all are.
    pub(crate) fn trouble(&self) -> Option<String> {
        let state = self.lock();
        let path = self.path.display();
        let missing = state.pending.len() + state.unfit;
        if missing > 0 {
            let why = state.write_failure.as_deref().unwrap_or("they are too long");
            return Some(format!("cannot write the checkpoint file {path} (records missing: {missing}): {why}"));
        }
        let why = state.sync_failure.as_ref()?;
        Some(format!("the checkpoint file {path} may not survive a power failure: {why}"))
    }

    /// Deletes the file, unless another one has taken its place.
    pub(crate) fn remove(&self) -> Result<()> {
        self.unlink().map_err(|cause| refused("delete", &self.path, &cause))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Reads the file and takes it over, when it is ours.
    fn load(&self) -> Result<Found> {
        let failed = |cause| refused("read", &self.path, &cause);
        let length = self.file.as_file().metadata().map_err(failed)?.len();
        match read(BufReader::with_capacity(64 * 1024, self.file.as_file()), length).map_err(failed)? {
            Reading::Fresh => {
                make_private(self.file.as_file(), &self.path)?;
                // Only for those who find it locked: `begin` writes it again, and then it matters whether that fails.
                let _ = self.file.write_all_at(first_line(process::id()).as_bytes(), 0);
                Ok(Found::Nothing)
            }
            Reading::Journal(good) => {
                make_private(self.file.as_file(), &self.path)?;
                CHECKPOINT.sign(&self.file);
                if length > good.length {
                    self.cut_torn_tail(good.length).map_err(|cause| refused("repair", &self.path, &cause))?;
                }
                let mut state = self.lock();
                (state.length, state.chain, state.begun) = (good.length, good.chain, true);
                // Those of a process that was killed may not be on the disk yet.
                (state.rate, state.unsynced) = (good.saved.rate, true);
                Ok(Found::Usable(good.saved))
            }
            // It stays as it is until `begin`.
            Reading::Void { reason, saved } => Ok(Found::Void { reason, saved: saved.map(|saved| *saved) }),
            Reading::Newer(what) => Err(newer(&self.path, &what)),
            Reading::Foreign => Err(foreign(&self.path)),
        }
    }

    /// The checkpoint must not be the very file that is to be uploaded.
    fn check_not(&self, source: Option<&Identity>) -> Result<()> {
        let Some(source) = source else { return Ok(()) };
        let status = Status::of(self.file.as_file()).map_err(|cause| refused("examine", &self.path, &cause))?;
        if status.id() == (FileId { device: source.device, inode: source.inode }) {
            let path = self.path.display();
            let what = format!("the checkpoint file {path} is the file to upload: choose another checkpoint path");
            return Err(Error::new(ErrorKind::Checkpoint, what));
        }
        Ok(())
    }

    /// The file may have been deleted since it was opened.
    fn check_place(&self) -> Result<()> {
        if !is_at(self.file.as_file(), &self.path).map_err(|cause| refused("examine", &self.path, &cause))? {
            let path = self.path.display();
            let what = format!("the checkpoint file {path} was deleted or replaced by another program; try again");
            return Err(Error::new(ErrorKind::Checkpoint, what).with_retryable(true));
        }
        Ok(())
    }

    fn write_beginning(&self, header_line: &str) -> io::Result<()> {
        // It has a first line all the time: killed in between, this process would leave a file that is not known as ours.
        self.file.write_all_at(first_line(process::id()).as_bytes(), 0)?;
        self.cut_to_first_line()?;
        self.file.write_all_at(header_line.as_bytes(), FIRST_LINE as u64)?;
        self.file.sync_all()?;
        sync_directory(&self.path)
    }

    fn cut_to_first_line(&self) -> io::Result<()> {
        let length = self.file.as_file().metadata()?.len();
        self.file.set_len(length.min(FIRST_LINE as u64))
    }

    /// What is cut off must not come back after a power cut, between the records that take its place.
    fn cut_torn_tail(&self, length: u64) -> io::Result<()> {
        self.file.set_len(length)?;
        self.file.sync_data()
    }

    fn append(&self, json: String) {
        let mut state = self.lock();
        state.pending.push_back(json);
        self.write_pending(&mut state);
    }

    /// Writes one record after the other, each with one write, until one fails.
    fn write_pending(&self, state: &mut JournalState) {
        while let Some(json) = state.pending.front() {
            let line = state.chain.line(json);
            if let Err(cause) = self.write_line(&line, state.length) {
                state.write_failure = Some(cause.to_string());
                return;
            }
            state.pending.pop_front();
            state.advance(&line);
            state.unsynced = true;
        }
        state.write_failure = None;
    }

    fn write_line(&self, line: &str, at: u64) -> io::Result<()> {
        if at + line.len() as u64 > MAX_FILE {
            return Err(Refusal::TooLarge.error());
        }
        self.file.write_all_at(line.as_bytes(), at).inspect_err(|_| {
            // No torn record may stay where another upload would find it. The next record overwrites it otherwise.
            let _ = self.file.set_len(at);
        })
    }

    /// Syncs without the lock.
    fn sync(&self, mut state: MutexGuard<'_, JournalState>) {
        state.unsynced = false;
        drop(state);
        let result = self.file.sync_data();
        let mut state = self.lock();
        state.unsynced |= result.is_err();
        state.sync_failure = result.err().map(|cause| cause.to_string());
    }

    /// Deletes the file when the path still leads to it. The lock is held, so no other upload can have taken it over.
    fn unlink(&self) -> io::Result<()> {
        if !is_at(self.file.as_file(), &self.path)? {
            return Ok(());
        }
        durable::remove(&self.path)?;
        if !self.created || self.lock().begun {
            // If the file is back after a power cut, the server says that the upload is gone.
            let _ = sync_directory(&self.path);
        }
        Ok(())
    }

    /// A panic elsewhere leaves the state whole: each change of it is one assignment after the write.
    fn lock(&self) -> MutexGuard<'_, JournalState> {
        unpoisoned(self.state.lock())
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        if self.created && !self.lock().begun {
            let _ = self.unlink();
        }
        // Closing is not enough while a child process, forked by anybody in this program, still has the file open.
        let _ = unlock(self.file.as_file());
    }
}

impl JournalState {
    fn new() -> Self {
        JournalState {
            begun: false,
            length: FIRST_LINE as u64,
            chain: ChecksumChain::new(),
            pending: VecDeque::new(),
            unfit: 0,
            write_failure: None,
            sync_failure: None,
            unsynced: false,
            last_sync: None,
            rate: None,
        }
    }

    /// `line` is in the file now.
    fn advance(&mut self, line: &str) {
        self.chain.advance(line.as_bytes());
        self.length += line.len() as u64;
    }
}

/// The JSON of a record that a reader will accept.
fn encode(record: &Record) -> Result<String> {
    let defect = |why: String| Error::new(ErrorKind::Checkpoint, format!("cannot record this in a checkpoint: {why}"));
    let json = serde_json::to_string(record).map_err(|error| defect(error.to_string()))?;
    if json.len() + 64 > MAX_LINE {
        return Err(defect(format!("it has {} bytes", json.len())));
    }
    Ok(json)
}

pub(super) fn newer(path: &Path, what: &str) -> Error {
    let path = path.display();
    let what = format!("the checkpoint file {path} was written by a newer version of this library: it has {what}");
    Error::new(ErrorKind::Checkpoint, what).hint("use that version, or delete the file to start over")
}

pub(super) fn foreign(path: &Path) -> Error {
    let what = format!("the file {} is not a checkpoint of this library, so it was left untouched", path.display());
    Error::new(ErrorKind::Checkpoint, what).hint("choose another checkpoint path, or remove it if nobody needs it")
}

#[cfg(test)]
impl Journal {
    /// The open file, as a forked process would have it.
    pub(super) fn inherited(&self) -> std::fs::File {
        self.file.as_file().try_clone().unwrap()
    }

    pub(super) fn has_unsynced_records(&self) -> bool {
        self.lock().unsynced
    }

    #[cfg(unix)]
    pub(super) fn pretend_length(&self, length: u64) {
        self.lock().length = length;
    }
}
