//! Sorts a manifest by path when its batch has ended, and leaves out what holds no more.

use std::io;
use std::path::PathBuf;
use std::process;
use std::sync::Arc;

use super::known::Known;
use super::line::{Seal, SortKey, read_line};
use super::line_writer::LineWriter;
use super::record::EndRecord;
use super::region::{READ_BUFFER, Region};
use super::sort::Sorter;
use super::writer::ManifestWriter;
use crate::error::Result;
use crate::os::durable::{self, DurableFile};
use crate::upload::checkpoint::line::MANIFEST;
use crate::upload::checkpoint::open::{directory_of, sync_directory};

impl ManifestWriter {
    /// The batch has come to its end. Records of earlier runs stay when they were kept, or all when `keep_all` says so. A
    /// manifest in which nothing is new stays as it is.
    pub(crate) fn finish(&self, known: &Known, keep_all: bool, failed: u64) -> Result<()> {
        self.flush()?;
        let (start, end) = {
            let state = self.lock();
            (state.start, state.length)
        };
        // The first run says that it came to its end, also when it found nothing.
        let says_so = self.run.run > 1;
        if says_so && start == end && known.interrupted.is_none() && (keep_all || known.is_all_kept()) {
            return Ok(());
        }
        self.rewrite(known, keep_all, failed, (start, end))
            .map_err(|cause| MANIFEST.refused("sort", &self.path, &cause))
    }

    fn rewrite(&self, known: &Known, keep_all: bool, failed: u64, fresh: (u64, u64)) -> io::Result<()> {
        let directory = directory_of(&self.path);
        let mut sorter = Sorter::new(&directory);
        known.each_line(keep_all, |line| if self.seal.open(line).is_some() { sorter.add(line) } else { Ok(()) })?;
        self.each_fresh_line(fresh, |line| sorter.add(line))?;
        self.replace(failed, |take| sorter.finish(take))
    }

    /// Puts a manifest with these lines, which are sorted, in place of this one.
    pub(super) fn replace(
        &self,
        failed: u64,
        give: impl FnOnce(&mut dyn FnMut(&[u8]) -> io::Result<()>) -> io::Result<()>,
    ) -> io::Result<()> {
        let directory = directory_of(&self.path);
        // Whoever was killed here before has left it: nobody else may write while this process holds the manifest.
        let mut new = self.path.clone().into_os_string();
        new.push(".new");
        let new = PathBuf::from(new);
        let _ = durable::remove(&new);
        let first = MANIFEST.first_line(process::id());
        // It is locked before it has the manifest's name.
        let made =
            DurableFile::create_whole(&new, &directory, first.as_bytes(), |file| Ok(crate::os::lock::try_lock(file)?))?;
        let file = made.ok_or(io::ErrorKind::AlreadyExists)?;
        let replaced = self.write_sorted(&file, first.len() as u64, give, failed).and_then(|length| {
            durable::rename(&new, &self.path)?;
            sync_directory(&self.path)?;
            Ok(length)
        });
        match replaced {
            Ok(length) => {
                let mut state = self.lock();
                (state.start, state.length, state.file) = (length, length, Arc::new(file));
                Ok(())
            }
            Err(cause) => {
                let _ = durable::remove(&new);
                Err(cause)
            }
        }
    }

    /// The length of the file.
    fn write_sorted(
        &self,
        file: &DurableFile,
        start: u64,
        give: impl FnOnce(&mut dyn FnMut(&[u8]) -> io::Result<()>) -> io::Result<()>,
        failed: u64,
    ) -> io::Result<u64> {
        let mut writer = LineWriter::new(file, start);
        writer.write(&Seal::new("").line(&serde_json::to_vec(&self.header)?))?;
        let mut files = 0;
        give(&mut |line| {
            files += 1;
            writer.write(line)
        })?;
        let end = EndRecord { end: self.run.run, options: self.run.options.clone(), files, failed };
        writer.write(&self.seal.line(&serde_json::to_vec(&end)?))?;
        let length = writer.finish()?;
        file.sync_all()?;
        Ok(length)
    }

    /// The lines of files that this call has appended.
    fn each_fresh_line(
        &self,
        (start, end): (u64, u64),
        mut take: impl FnMut(&[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        let file = self.lock().file.clone();
        let mut region = Region::new(file.as_file(), start, end, READ_BUFFER);
        let mut line = Vec::new();
        while read_line(&mut region, &mut line)? {
            if self.seal.open(&line).is_some() && SortKey::of_line(&line).is_some() {
                take(&line)?;
            }
        }
        Ok(())
    }
}
