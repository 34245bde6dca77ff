//! What a disk may hold after a power cut, by the steps that were taken before it. For tests.
//!
//! Of what was not synced, anything may be on the disk and anything may be missing: each write, torn at sectors; any length
//! that the file has had since, with NULs where nothing was written; and each name.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;

use fastrand::Rng;

use super::trace::Step;

/// The content of each name.
pub(crate) type Disk = BTreeMap<OsString, Vec<u8>>;

/// A power cut after some steps.
pub(crate) struct PowerCut {
    files: BTreeMap<usize, FileOnDisk>,
    names: BTreeMap<OsString, usize>,
    /// Changes of names that may be missing, with their numbers.
    name_changes: Vec<(usize, NameChange)>,
}

#[derive(Default)]
struct FileOnDisk {
    /// What is there for sure.
    content: Vec<u8>,
    /// Changes that may be missing, with the numbers of their steps.
    changes: Vec<(usize, Change)>,
    /// The lengths that the file has had, each after a step of this number.
    lengths: Vec<(usize, usize)>,
}

#[derive(Clone)]
enum Change {
    Write { at: usize, bytes: Vec<u8> },
    Cut { length: usize },
}

#[derive(Clone)]
enum NameChange {
    Name(OsString, usize),
    Remove(OsString),
    Rename(OsString, OsString),
}

/// Decides what comes to pass: one of so many possibilities, of which the last is that nothing is missing.
type Fate<'a> = dyn FnMut(usize) -> usize + 'a;

impl PowerCut {
    /// Writes are torn where a sector of this size begins.
    pub(crate) fn after(steps: &[Step], sector: usize) -> PowerCut {
        let mut cut = PowerCut { files: BTreeMap::new(), names: BTreeMap::new(), name_changes: Vec::new() };
        for (number, step) in steps.iter().enumerate() {
            cut.take(number, step, sector);
        }
        cut
    }

    fn take(&mut self, number: usize, step: &Step, sector: usize) {
        match step.clone() {
            Step::Found { file, name, content } => {
                self.names.insert(name, file);
                self.files.insert(file, FileOnDisk { content, ..FileOnDisk::default() });
            }
            Step::Write { file, at, bytes } => {
                let file = self.files.entry(file).or_default();
                let end = at + bytes.len();
                file.lengths.push((number, file.length().max(end)));
                let mut from = at;
                while from < end {
                    let to = (from / sector * sector + sector).min(end);
                    let bytes = bytes[from - at..to - at].to_vec();
                    file.changes.push((number, Change::Write { at: from, bytes }));
                    from = to;
                }
            }
            Step::Resize { file, length } => {
                let file = self.files.entry(file).or_default();
                file.lengths.push((number, length));
                file.changes.push((number, Change::Cut { length }));
            }
            Step::Sync { file, since } => self.files.entry(file).or_default().sync(since),
            Step::Name { file, name } => {
                self.files.entry(file).or_default();
                self.name_changes.push((number, NameChange::Name(name, file)));
            }
            Step::Remove { name } => self.name_changes.push((number, NameChange::Remove(name))),
            Step::Rename { from, to } => self.name_changes.push((number, NameChange::Rename(from, to))),
            Step::SyncNames { since } => {
                let done = self.name_changes.partition_point(|(number, _)| *number < since);
                self.name_changes.drain(..done).for_each(|(_, change)| change.apply(&mut self.names));
            }
        }
    }

    /// What there is when nothing is missing: no power cut, but the end of a process.
    pub(crate) fn nothing_missing(&self) -> Disk {
        self.disk(&mut |count| count - 1)
    }

    /// Every state that the disk may be in.
    pub(crate) fn all(&self, mut each: impl FnMut(Disk)) {
        // An odometer: one digit, with its base, for each question that is asked.
        let mut digits: Vec<(usize, usize)> = Vec::new();
        loop {
            let mut asked = 0;
            each(self.disk(&mut |count| {
                if asked == digits.len() {
                    digits.push((0, count));
                }
                asked += 1;
                digits[asked - 1].0
            }));
            while digits.pop_if(|(digit, base)| *digit + 1 == *base).is_some() {}
            match digits.last_mut() {
                Some((digit, _)) => *digit += 1,
                None => return,
            }
        }
    }

    /// One of the states, by chance.
    pub(crate) fn one(&self, rng: &mut Rng) -> Disk {
        let likely = [0.1, 0.5, 0.9, 0.99][rng.usize(..4)];
        self.disk(&mut |count| if rng.f64() < likely { count - 1 } else { rng.usize(..count) })
    }

    fn disk(&self, fate: &mut Fate<'_>) -> Disk {
        let mut names = self.names.clone();
        for (_, change) in &self.name_changes {
            if fate(2) == 1 {
                change.apply(&mut names);
            }
        }
        let named: BTreeSet<usize> = names.values().copied().collect();
        let contents: BTreeMap<usize, Vec<u8>> =
            named.into_iter().map(|file| (file, self.files[&file].content(fate))).collect();
        names.into_iter().map(|(name, file)| (name, contents[&file].clone())).collect()
    }
}

impl FileOnDisk {
    fn length(&self) -> usize {
        self.lengths.last().map_or(self.content.len(), |(_, length)| *length)
    }

    /// What the steps before number `since` did is there for sure.
    fn sync(&mut self, since: usize) {
        let done = self.changes.partition_point(|(number, _)| *number < since);
        let length = self.lengths.iter().rev().find(|(number, _)| *number < since).map(|(_, length)| *length);
        self.changes.drain(..done).for_each(|(_, change)| change.apply(&mut self.content));
        self.lengths.retain(|(number, _)| *number >= since);
        self.content.resize(length.unwrap_or(self.content.len()), 0);
    }

    fn content(&self, fate: &mut Fate<'_>) -> Vec<u8> {
        let mut content = self.content.clone();
        for (_, change) in &self.changes {
            if fate(2) == 1 {
                change.apply(&mut content);
            }
        }
        let mut lengths = vec![self.content.len()];
        lengths.extend(self.lengths.iter().map(|(_, length)| *length));
        content.resize(lengths[fate(lengths.len())], 0);
        content
    }
}

impl Change {
    fn apply(&self, content: &mut Vec<u8>) {
        match self {
            Change::Write { at, bytes } => {
                let end = at + bytes.len();
                content.resize(content.len().max(end), 0);
                content[*at..end].copy_from_slice(bytes);
            }
            Change::Cut { length } => content.truncate(*length),
        }
    }
}

impl NameChange {
    fn apply(&self, names: &mut BTreeMap<OsString, usize>) {
        match self {
            NameChange::Name(name, file) => drop(names.insert(name.clone(), *file)),
            NameChange::Remove(name) => drop(names.remove(name)),
            NameChange::Rename(from, to) => {
                if let Some(file) = names.remove(from) {
                    names.insert(to.clone(), file);
                }
            }
        }
    }
}

/// In memory where that is possible: what a disk would do is the model's business.
pub(crate) fn fast_directory() -> tempfile::TempDir {
    let memory = std::path::Path::new("/dev/shm");
    let made = memory.is_dir().then(|| tempfile::tempdir_in(memory).ok()).flatten();
    made.unwrap_or_else(|| tempfile::tempdir().unwrap())
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::*;

    fn states(steps: &[Step]) -> BTreeSet<Option<String>> {
        let mut found = BTreeSet::new();
        let text = |disk: &Disk| {
            disk.get(OsStr::new("x")).map(|content| String::from_utf8(content.clone()).unwrap().replace('\0', "."))
        };
        PowerCut::after(steps, 4).all(|disk| {
            found.insert(text(&disk));
        });
        let mut rng = Rng::with_seed(1);
        for _ in 0..200 {
            assert!(found.contains(&text(&PowerCut::after(steps, 4).one(&mut rng))));
        }
        found
    }

    fn of(texts: &[&str]) -> BTreeSet<Option<String>> {
        texts.iter().map(|text| Some(*text).filter(|text| *text != "-").map(str::to_owned)).collect()
    }

    fn write(at: usize, text: &str) -> Step {
        Step::Write { file: 0, at, bytes: text.into() }
    }

    fn name(name: &str) -> Step {
        Step::Name { file: 0, name: name.into() }
    }

    #[test]
    fn what_is_not_synced_may_be_missing() {
        let mut steps = vec![write(0, "ab"), Step::Sync { file: 0, since: 1 }, name("x")];
        assert_eq!(states(&steps), of(&["-", "ab"]));
        steps.extend([Step::SyncNames { since: 3 }, write(2, "cdef")]);
        let torn = ["ab", "ab....", "abcd..", "ab..ef", "abcdef"];
        assert_eq!(states(&steps), of(&torn));
        steps.push(Step::Resize { file: 0, length: 1 });
        // Also cut, but of the length before.
        assert_eq!(states(&steps), of(&[&torn[..], &["a", "a.", "a....."]].concat()));
        steps.push(Step::Sync { file: 0, since: 6 });
        assert_eq!(states(&steps), of(&["a"]));
        steps.push(Step::Remove { name: "x".into() });
        assert_eq!(states(&steps), of(&["a", "-"]));
    }

    #[test]
    fn a_sync_covers_what_was_written_before_it_began() {
        let steps =
            [write(0, "ab"), name("x"), Step::SyncNames { since: 2 }, write(2, "cd"), Step::Sync { file: 0, since: 3 }];
        assert_eq!(states(&steps), of(&["ab", "ab..", "abcd"]));
    }

    #[test]
    fn a_rename_may_come_before_the_data() {
        let found = Step::Found { file: 1, name: "x".into(), content: b"old".to_vec() };
        let rename = Step::Rename { from: "new".into(), to: "x".into() };
        let unsynced = [found.clone(), write(0, "new"), name("new"), rename.clone()];
        assert_eq!(states(&unsynced), of(&["old", "", "...", "new"]));
        let synced = [found, write(0, "new"), Step::Sync { file: 0, since: 2 }, name("new"), rename];
        assert_eq!(states(&synced), of(&["old", "new"]));
    }
}
