//! Sorts a manifest by path when its batch has ended, and leaves out what holds no more.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::process;

use super::known::Known;
use super::line::{Seal, SortKey, read_line};
use super::record::EndRecord;
use super::region::Region;
use super::sort::Sorter;
use super::sorted::SortedWriter;
use super::writer::ManifestWriter;
use crate::error::Result;
use crate::os::file::create_named;
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
        if start == end && known.interrupted.is_none() && (keep_all || known.is_all_kept()) {
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
        // Whoever was killed here before has left it: nobody else may write while this process holds the manifest.
        let mut new = self.path.clone().into_os_string();
        new.push(".new");
        let new = PathBuf::from(new);
        let _ = fs::remove_file(&new);
        let file = create_named(&new)?;
        let replaced = self.write_sorted(&file, sorter, failed).and_then(|()| {
            // It is locked before it has the name.
            file.try_lock()?;
            fs::rename(&new, &self.path)?;
            sync_directory(&self.path)
        });
        if replaced.is_err() {
            let _ = fs::remove_file(&new);
            return replaced;
        }
        let mut state = self.lock();
        state.length = file.metadata()?.len();
        state.start = state.length;
        state.file = file;
        Ok(())
    }

    fn write_sorted(&self, file: &fs::File, sorter: Sorter<'_>, failed: u64) -> io::Result<()> {
        let mut writer = SortedWriter::new(file.try_clone()?, 0);
        writer.write(MANIFEST.first_line(process::id()).as_bytes())?;
        writer.write(&Seal::new("").line(&serde_json::to_vec(&self.header)?))?;
        let mut files = 0;
        sorter.finish(|line| {
            files += 1;
            writer.add(line)
        })?;
        let end = EndRecord { end: self.run.run, options: self.run.options.clone(), files, failed };
        writer.write(&self.seal.line(&serde_json::to_vec(&end)?))?;
        writer.finish()?;
        file.sync_all()
    }

    /// The lines of files that this call has appended.
    fn each_fresh_line(
        &self,
        (start, end): (u64, u64),
        mut take: impl FnMut(&[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        let file = self.lock().file.try_clone()?;
        let mut region = Region::new(&file, start, end, 256 * 1024);
        let mut line = Vec::new();
        while read_line(&mut region, &mut line)? {
            if self.seal.open(&line).is_some() && SortKey::of_line(&line).is_some() {
                take(&line)?;
            }
        }
        Ok(())
    }
}
