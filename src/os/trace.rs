//! What is done to the durable files of a directory, step by step, for tests.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// The traces that are kept now: those who open a file do not know of them.
static TRACES: Mutex<Vec<Weak<Trace>>> = Mutex::new(Vec::new());

/// A step. Files have numbers: a name may go from one to another, and a file may have none.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// The file was there before the trace, by this name and with this content.
    Found {
        file: usize,
        name: OsString,
        content: Vec<u8>,
    },
    Write {
        file: usize,
        at: usize,
        bytes: Vec<u8>,
    },
    Resize {
        file: usize,
        length: usize,
    },
    /// What the steps before number `since` did to the file is on the disk.
    Sync {
        file: usize,
        since: usize,
    },
    Name {
        file: usize,
        name: OsString,
    },
    Remove {
        name: OsString,
    },
    Rename {
        from: OsString,
        to: OsString,
    },
    /// What the steps before number `since` did to names is on the disk.
    SyncNames {
        since: usize,
    },
}

/// The steps in one directory, as long as it is kept.
pub(crate) struct Trace {
    directory: PathBuf,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    steps: Vec<Step>,
    names: BTreeMap<OsString, usize>,
    files: usize,
}

/// A file with the trace that it is in, if any.
pub(crate) struct TracedFile(Option<(Arc<Trace>, usize)>);

impl Trace {
    pub(crate) fn of(directory: &Path) -> Arc<Trace> {
        let trace = Arc::new(Trace { directory: directory.to_owned(), state: Mutex::default() });
        let mut traces = lock(&TRACES);
        traces.retain(|other| other.strong_count() > 0);
        traces.push(Arc::downgrade(&trace));
        trace
    }

    pub(crate) fn steps(&self) -> Vec<Step> {
        lock(&self.state).steps.clone()
    }

    pub(crate) fn length(&self) -> usize {
        lock(&self.state).steps.len()
    }

    fn note(&self, step: Step) {
        lock(&self.state).steps.push(step);
    }
}

impl State {
    fn new_file(&mut self) -> usize {
        self.files += 1;
        self.files - 1
    }
}

impl TracedFile {
    pub(crate) fn length(&self) -> usize {
        self.0.as_ref().map_or(0, |(trace, _)| trace.length())
    }

    pub(crate) fn written(&self, bytes: &[u8], at: u64) {
        self.note(|file| Step::Write { file, at: at as usize, bytes: bytes.to_vec() });
    }

    pub(crate) fn resized(&self, length: u64) {
        self.note(|file| Step::Resize { file, length: length as usize });
    }

    pub(crate) fn synced(&self, since: usize) {
        self.note(|file| Step::Sync { file, since });
    }

    pub(crate) fn named(&self, path: &Path) {
        let Some((trace, file)) = &self.0 else { return };
        let (file, name) = (*file, name_of(path));
        let mut state = lock(&trace.state);
        state.names.insert(name.clone(), file);
        state.steps.push(Step::Name { file, name });
    }

    fn note(&self, step: impl FnOnce(usize) -> Step) {
        if let Some((trace, file)) = &self.0 {
            trace.note(step(*file));
        }
    }
}

/// An existing file was opened.
pub(crate) fn found(path: &Path, open: &File) -> TracedFile {
    let Some(trace) = path.parent().and_then(trace_of) else { return TracedFile(None) };
    let name = name_of(path);
    let mut state = lock(&trace.state);
    let known = state.names.get(&name).copied();
    let file = known.unwrap_or_else(|| {
        let file = state.new_file();
        let mut content = vec![0; open.metadata().unwrap().len() as usize];
        super::file::read_exact_at(open, &mut content, 0).unwrap();
        state.names.insert(name.clone(), file);
        state.steps.push(Step::Found { file, name, content });
        file
    });
    drop(state);
    TracedFile(Some((trace, file)))
}

/// A file was made that has no name yet.
pub(crate) fn made(directory: &Path) -> TracedFile {
    TracedFile(trace_of(directory).map(|trace| {
        let file = lock(&trace.state).new_file();
        (trace, file)
    }))
}

pub(crate) fn removed(path: &Path) {
    let Some(trace) = path.parent().and_then(trace_of) else { return };
    let name = name_of(path);
    let mut state = lock(&trace.state);
    state.names.remove(&name);
    state.steps.push(Step::Remove { name });
}

pub(crate) fn renamed(from: &Path, to: &Path) {
    let Some(trace) = to.parent().and_then(trace_of) else { return };
    let (from, to) = (name_of(from), name_of(to));
    let mut state = lock(&trace.state);
    if let Some(file) = state.names.remove(&from) {
        state.names.insert(to.clone(), file);
    }
    state.steps.push(Step::Rename { from, to });
}

pub(crate) fn length(directory: &Path) -> usize {
    trace_of(directory).map_or(0, |trace| trace.length())
}

pub(crate) fn names_synced(directory: &Path, since: usize) {
    if let Some(trace) = trace_of(directory) {
        trace.note(Step::SyncNames { since });
    }
}

fn trace_of(directory: &Path) -> Option<Arc<Trace>> {
    let traces = lock(&TRACES);
    traces.iter().filter_map(Weak::upgrade).find(|trace| trace.directory == directory)
}

fn name_of(path: &Path) -> OsString {
    path.file_name().unwrap().to_owned()
}

/// Other tests go on after one has failed.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
