//! Opens a manifest, locks it and reads what it says.

use std::fs::File;
use std::io;
use std::path::Path;
use std::process;

use super::known::{Known, Section};
use super::line::{Seal, SortKey, read_line};
use super::line_writer::LineWriter;
use super::record::{EndRecord, HeaderRecord, RunRecord};
use super::region::{READ_BUFFER, Region};
use super::sort::Sorter;
use super::sorted::SortedLines;
use super::writer::ManifestWriter;
use crate::error::{Error, ErrorKind, Result};
use crate::os::durable::DurableFile;
use crate::os::file::create_temporary;
use crate::source::lease::LeaseWait;
use crate::upload::checkpoint::line::{FirstLine, MANIFEST, looks_like_a_record};
use crate::upload::checkpoint::open::{Held, directory_of, make_private, sync_directory};

const DAMAGED: &str = "restore it from a copy, or delete it; then every file is compared with the bucket or sent again";

/// A manifest that this batch holds.
pub(crate) struct Loaded {
    pub writer: ManifestWriter,
    pub known: Known,
    /// Lines that are damaged. Their files are done again.
    pub damaged: u64,
}

/// What a manifest says, but for where things are.
pub(super) struct Contents {
    pub header: HeaderRecord,
    run: u64,
    /// The last run that came to its end.
    pub end: Option<EndRecord>,
    /// Of the run that did not come to its end.
    pub interrupted: Option<RunRecord>,
    pub ended: Option<Section>,
    pub tail: Option<Section>,
    pub damaged: u64,
    /// Where the last whole line ends.
    length: u64,
}

/// Opens or creates the manifest at `path`, for a batch to the place that `header` says, with these options. Its id does not
/// matter. Holds the lock until the writer is dropped.
///
/// A manifest that is only read may be that of all shards; otherwise it must be of the one that `header` says.
pub(crate) fn open(
    path: &Path,
    header: &HeaderRecord,
    options: &str,
    is_read_only: bool,
    wait: &LeaseWait<'_>,
) -> Result<Loaded> {
    let Held { file, .. } = MANIFEST.open_and_lock(path, wait)?;
    make_private(file.as_file(), path)?;
    let failed = |cause: io::Error| MANIFEST.refused("read", path, &cause);
    let length = file.as_file().metadata().map_err(failed)?.len();
    if !has_records(file.as_file(), length, path)? {
        return begin(file, path, header, options);
    }
    MANIFEST.sign(&file);
    let contents = read(file.as_file(), length, path, options)?;
    check_is_of(&contents.header, header, path)?;
    if !(is_read_only && contents.header.shard_count == 0) {
        check_shard(&contents.header, header, path)?;
    }
    let Contents { header, run, interrupted, ended, tail, damaged, length, .. } = contents;
    let known = Known { seal: Seal::new(&header.manifest), ended, interrupted: tail };
    let continues = interrupted.filter(|run| run.options == options);
    let number = continues.as_ref().map_or(run + 1, |run| run.run);
    let run = RunRecord { run: number, options: options.to_owned() };
    let writer = ManifestWriter::new(file, path, header, run, length, continues.is_some());
    Ok(Loaded { writer, known, damaged })
}

/// What the manifest in `file` says; `None` when no batch has recorded anything in it.
pub(super) fn examine(file: &File, path: &Path) -> Result<Option<Contents>> {
    let length = file.metadata().map_err(|cause| MANIFEST.refused("read", path, &cause))?.len();
    if has_records(file, length, path)? { read(file, length, path, "").map(Some) } else { Ok(None) }
}

/// Whether the file has more than a first line of ours; an error when it is somebody else's.
fn has_records(file: &File, length: u64, path: &Path) -> Result<bool> {
    let first_line = MANIFEST.first_line_length();
    let mut first = Vec::new();
    let mut region = Region::new(file, 0, length.min(first_line as u64), first_line);
    io::Read::read_to_end(&mut region, &mut first).map_err(|cause| MANIFEST.refused("read", path, &cause))?;
    let refuse = |what: &str, hint: &str| {
        Err(Error::new(ErrorKind::Checkpoint, format!("the file {} {what}", path.display())).hint(hint))
    };
    match MANIFEST.judge_first_line(&first) {
        FirstLine::Ours => {
            holds_more_than_a_torn_header(file, length).map_err(|cause| MANIFEST.refused("read", path, &cause))
        }
        FirstLine::Torn => Ok(false),
        FirstLine::Newer(version) => refuse(
            &format!("is a manifest of version {version}, which this library does not know"),
            "use the library that wrote it, or choose another manifest path",
        ),
        FirstLine::Damaged => refuse("is a damaged manifest", DAMAGED),
        FirstLine::Foreign => refuse("is not a manifest of this library", "choose another manifest path"),
    }
}

/// Whoever died while the header was being written has recorded nothing yet.
fn holds_more_than_a_torn_header(file: &File, length: u64) -> io::Result<bool> {
    let mut region = Region::new(file, MANIFEST.first_line_length() as u64, length, READ_BUFFER);
    let mut line = Vec::new();
    if !read_line(&mut region, &mut line)? {
        return Ok(false);
    }
    if Seal::new("").open(&line).is_some() {
        return Ok(true);
    }
    while read_line(&mut region, &mut line)? {
        if looks_like_a_record(&line) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn begin(file: DurableFile, path: &Path, header: &HeaderRecord, options: &str) -> Result<Loaded> {
    let failed = |cause: io::Error| MANIFEST.refused("write", path, &cause);
    let header = HeaderRecord { manifest: format!("{:032x}", fastrand::u128(..)), ..header.clone() };
    let first = MANIFEST.first_line(process::id());
    let line = Seal::new("").line(&serde_json::to_vec(&header).map_err(|error| failed(error.into()))?);
    file.write_all_at(first.as_bytes(), 0).map_err(failed)?;
    file.set_len(first.len() as u64).map_err(failed)?;
    file.write_all_at(&line, first.len() as u64).map_err(failed)?;
    file.sync_all().and_then(|()| sync_directory(path)).map_err(failed)?;
    let seal = Seal::new(&header.manifest);
    let run = RunRecord { run: 1, options: options.to_owned() };
    let length = (first.len() + line.len()) as u64;
    Ok(Loaded {
        writer: ManifestWriter::new(file, path, header, run, length, false),
        known: Known::nothing(seal),
        damaged: 0,
    })
}

fn read(file: &File, length: u64, path: &Path, options: &str) -> Result<Contents> {
    let failed = |cause: io::Error| MANIFEST.refused("read", path, &cause);
    let mut region = Region::new(file, MANIFEST.first_line_length() as u64, length, READ_BUFFER);
    let mut line = Vec::new();
    read_line(&mut region, &mut line).map_err(failed)?;
    let header = Seal::new("").open(&line).and_then(|json| serde_json::from_slice::<HeaderRecord>(json).ok());
    let Some(header) = header else {
        let error =
            Error::new(ErrorKind::Checkpoint, format!("the manifest {} is damaged at its beginning", path.display()));
        return Err(error.hint(DAMAGED));
    };
    let directory = directory_of(path);
    let mut reader = Reader {
        seal: Seal::new(&header.manifest),
        sorted: SortedLines::new(file.try_clone().map_err(failed)?, 0),
        last: None,
        tail: Sorter::new(&directory),
        has_tail: false,
        end: None,
        run: None,
        damaged: 0,
        length: region.offset(),
    };
    reader.read(&mut region).map_err(failed)?;
    let Reader { sorted, tail, has_tail, end, run, damaged, length, .. } = reader;
    let ended_with = end.as_ref().is_some_and(|end| end.options == options);
    let interrupted_with = run.as_ref().is_some_and(|run| run.options == options);
    let tail = match has_tail {
        true => Some(Section::new(sorted_copy(tail, &directory).map_err(failed)?, interrupted_with)),
        false => None,
    };
    let last_run = run.as_ref().map_or(0, |run| run.run).max(end.as_ref().map_or(0, |end| end.end));
    Ok(Contents {
        header,
        run: last_run,
        end,
        interrupted: run,
        ended: (sorted.count() > 0).then(|| Section::new(sorted, ended_with)),
        tail,
        damaged,
        length,
    })
}

/// Reads the lines after the header.
struct Reader<'a> {
    seal: Seal,
    sorted: SortedLines,
    /// Path and key of the last sorted line.
    last: Option<(Vec<u8>, Vec<u8>)>,
    tail: Sorter<'a>,
    has_tail: bool,
    end: Option<EndRecord>,
    run: Option<RunRecord>,
    damaged: u64,
    length: u64,
}

impl Reader<'_> {
    fn read(&mut self, region: &mut Region<'_>) -> io::Result<()> {
        let mut line = Vec::new();
        loop {
            let offset = region.offset();
            if !read_line(region, &mut line)? {
                return Ok(());
            }
            if line.last() != Some(&b'\n') && line.len() < super::line::MAX_LINE {
                // Torn: it was being written when the process or the machine died.
                return Ok(());
            }
            self.take(&line, offset)?;
            self.length = region.offset();
        }
    }

    fn take(&mut self, line: &[u8], offset: u64) -> io::Result<()> {
        let Some(json) = self.seal.open(line) else {
            self.damaged += 1;
            return Ok(());
        };
        if let Some(key) = SortKey::of_json(json) {
            return self.take_file(&key, line, offset);
        }
        if let Ok(run) = serde_json::from_slice::<RunRecord>(json) {
            self.run = Some(run);
        } else if let Ok(end) = serde_json::from_slice::<EndRecord>(json) {
            (self.end, self.run) = (Some(end), None);
        }
        Ok(())
    }

    /// Lines are sorted up to the first run that did not come to its end.
    fn take_file(&mut self, key: &SortKey<'_>, line: &[u8], offset: u64) -> io::Result<()> {
        let is_next = self.last.as_ref().is_none_or(|(path, text)| (&**path, &**text) < (&*key.path, key.key));
        if self.run.is_some() || !is_next {
            self.has_tail = true;
            return self.tail.add(line);
        }
        let (path, text) = self.last.get_or_insert_default();
        path.clear();
        path.extend_from_slice(&key.path);
        text.clear();
        text.extend_from_slice(key.key);
        self.sorted.add(key, offset, line.len() as u64);
        Ok(())
    }
}

/// The lines of an interrupted run, sorted, in a file without a name. The manifest stays as it is: it is only ever
/// appended to, until it is replaced.
fn sorted_copy(tail: Sorter<'_>, directory: &Path) -> io::Result<SortedLines> {
    let file = create_temporary(directory)?;
    let mut lines = SortedLines::new(file.try_clone()?, 0);
    let mut writer = LineWriter::new(&file, 0);
    tail.finish(|line| {
        if let Some(key) = SortKey::of_line(line) {
            lines.add(&key, writer.offset(), line.len() as u64);
        }
        writer.write(line)
    })?;
    writer.finish()?;
    Ok(lines)
}

/// A manifest speaks of one place only.
fn check_is_of(found: &HeaderRecord, wanted: &HeaderRecord, path: &Path) -> Result<()> {
    let place = |header: &HeaderRecord| (header.endpoint.clone(), header.bucket.clone(), header.prefix.clone());
    if place(found) == place(wanted) {
        return Ok(());
    }
    let HeaderRecord { endpoint, bucket, prefix, .. } = found;
    let what = format!("the manifest {} is of another batch, to oss://{bucket}/{prefix} at {endpoint}", path.display());
    Err(Error::new(ErrorKind::Checkpoint, what).hint("choose another manifest path"))
}

/// What is not of this shard would be taken for what is there no more.
fn check_shard(found: &HeaderRecord, wanted: &HeaderRecord, path: &Path) -> Result<()> {
    if (found.shard_index, found.shard_count) == (wanted.shard_index, wanted.shard_count) {
        return Ok(());
    }
    let what = format!("the manifest {} is of {}, but the batch is {}", path.display(), found.shard(), wanted.shard());
    let hint = match wanted.shard_count {
        0 => "merge the manifests of all shards first, or choose another manifest path",
        _ => "give each shard a manifest of its own",
    };
    Err(Error::new(ErrorKind::Checkpoint, what).hint(hint))
}
