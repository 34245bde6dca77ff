//! What is to be uploaded, checked.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::checkpoint;
use super::full_path::in_full;
use super::media_type;
use super::received::Received;
use super::sharing::SharedStep;
use crate::error::{Error, ErrorKind, Result};
use crate::options::{
    Checkpoint, DEFAULT_MAX_MEMORY, OnFileChange, PartSize, SpoolOptions, UploadOptions, VerifyResume,
};
use crate::oss::{self, ObjectHeaders, ObjectRef};
use crate::source::{MemorySource, Spool};
use crate::text::hex::hex;
use crate::transfer::{Growth, MOST_AUTO_ROUTINES, Mailbox, Pipe, PipeWriter};

/// [`UploadOptions`] that have been found to make sense, and what they come to.
#[derive(Debug)]
pub(crate) struct UploadRequest {
    /// All paths are in full.
    pub options: UploadOptions,
    pub source: UploadSource,
    pub headers: ObjectHeaders,
    /// `None`: chosen from the size.
    pub part_size: Option<u64>,
    /// `None`: chosen by the library.
    pub routines: Option<u32>,
    /// What is done of a shared upload; `None`: it is all this one's.
    pub shared: Option<SharedStep>,
}

/// What is to be uploaded.
#[derive(Debug)]
pub(crate) enum UploadSource {
    /// The file at the options' path.
    File,
    Memory(Arc<MemorySource>),
    Stream(Arc<Pipe>, Arc<Mailbox<Received>>),
}

impl UploadRequest {
    /// To upload a file.
    pub(crate) fn of_file(mut options: UploadOptions) -> Result<UploadRequest> {
        options.file_path = in_full("file_path", &options.file_path, ErrorKind::Io)?;
        options.checkpoint = checkpoint_in_full(options.checkpoint)?;
        refuse_stream_options(&options)?;
        UploadRequest::new(options, UploadSource::File)
    }

    /// To upload a block of memory. Options that are about files must not be set.
    pub(crate) fn of_memory(options: UploadOptions, memory: MemorySource) -> Result<UploadRequest> {
        refuse_file_options(&options, "memory")?;
        refuse_stream_options(&options)?;
        match options.checkpoint {
            Checkpoint::Off => {}
            Checkpoint::BesideFile => return Err(out_of_place("checkpoint", "files", "memory")),
            Checkpoint::File(_) => return Err(out_of_place("checkpoint_path", "files and streams", "memory")),
            Checkpoint::Directory(_) => return Err(out_of_place("checkpoint_dir", "files", "memory")),
        }
        UploadRequest::new(options, UploadSource::Memory(Arc::new(memory)))
    }

    /// To upload what is written to the writer. The options `max_memory`, `spool_dir` and `spool_limit` are for this.
    pub(crate) fn of_stream(mut options: UploadOptions) -> Result<(UploadRequest, PipeWriter)> {
        refuse_file_options(&options, "a stream")?;
        match options.checkpoint {
            Checkpoint::Off | Checkpoint::File(_) => {}
            Checkpoint::BesideFile => {
                return Err(out_of_place("a checkpoint without checkpoint_path", "files", "a stream"));
            }
            Checkpoint::Directory(_) => return Err(out_of_place("checkpoint_dir", "files", "a stream")),
        }
        options.checkpoint = checkpoint_in_full(options.checkpoint)?;
        let max_memory = if options.max_memory == 0 { DEFAULT_MAX_MEMORY } else { options.max_memory };
        let first = match options.part_size {
            PartSize::Default | PartSize::Auto => None,
            PartSize::Bytes(_) => options.part_size.bytes()?,
        };
        let growth = Growth::new(first, max_memory)?;
        let spool = match &options.spool {
            Some(SpoolOptions { directory, limit }) => {
                Some(Spool::create(&in_full("spool_dir", directory, ErrorKind::Io)?, *limit)?)
            }
            None => None,
        };
        let in_flight = options.routines.count("routines")?.unwrap_or(MOST_AUTO_ROUTINES);
        let inbox = Arc::new(Mailbox::default());
        let outbox = inbox.clone();
        let deliver = move |block| outbox.put(Received::Block(block));
        let writer = PipeWriter::new(growth, max_memory, in_flight, spool, deliver);
        let request = UploadRequest::new(options, UploadSource::Stream(writer.pipe().clone(), inbox))?;
        Ok((request, writer))
    }

    /// To carry out a step of a shared upload. The file may be left out where nothing is read.
    pub(crate) fn of_shared(mut options: UploadOptions, step: SharedStep) -> Result<UploadRequest> {
        if options.checkpoint != Checkpoint::Off {
            return Err(Error::invalid("a shared upload has no checkpoint: its token and fragments are what remains"));
        }
        refuse_stream_options(&options)?;
        let has_file = !options.file_path.as_os_str().is_empty();
        if has_file || matches!(step, SharedStep::Begin | SharedStep::Send(..)) {
            options.file_path = in_full("file_path", &options.file_path, ErrorKind::Io)?;
        }
        let reads_all = options.verify_resume == VerifyResume::Always && matches!(step, SharedStep::Finish(..));
        if reads_all && !has_file {
            return Err(Error::invalid("verify_resume is always, but there is no file_path to read"));
        }
        // The file may have another name on another host.
        let headers = with_content_type(options.headers.clone(), Path::new(""), &options.object_key);
        let request =
            UploadRequest { headers: ObjectHeaders::new(&headers)?, ..Self::new(options, UploadSource::File)? };
        let UploadOptions { bucket, object_key, .. } = &request.options;
        step.token().map_or(Ok(()), |token| token.check(bucket, object_key, &request.shape()))?;
        Ok(UploadRequest { shared: Some(step), ..request })
    }

    fn new(options: UploadOptions, source: UploadSource) -> Result<UploadRequest> {
        oss::check_bucket(&options.bucket)?;
        oss::check_key(&options.object_key)?;
        let headers = with_content_type(options.headers.clone(), &options.file_path, &options.object_key);
        Ok(UploadRequest {
            headers: ObjectHeaders::new(&headers)?,
            part_size: options.part_size.bytes()?,
            routines: options.routines.count("routines")?,
            options,
            source,
            shared: None,
        })
    }

    pub(crate) fn object(&self) -> ObjectRef<'_> {
        ObjectRef { bucket: &self.options.bucket, key: &self.options.object_key }
    }

    /// The path of the file, in full; empty when it is no file that is uploaded.
    pub(crate) fn path(&self) -> &Path {
        &self.options.file_path
    }

    /// Where the checkpoint is; `None` without one.
    pub(crate) fn checkpoint_location(&self) -> Option<PathBuf> {
        let UploadOptions { checkpoint, bucket, object_key, .. } = &self.options;
        checkpoint::location(checkpoint, self.path(), bucket, object_key)
    }

    /// Stands for everything in the options that shapes the object: parts of an upload that was opened with other
    /// headers make another object.
    pub(crate) fn shape(&self) -> String {
        hex(&Sha256::digest(self.headers.shape()))
    }
}

/// Refuses, by name, the options that make sense with a file alone.
fn refuse_file_options(options: &UploadOptions, source: &str) -> Result<()> {
    let UploadOptions { file_path, on_file_change, verify_resume, .. } = options;
    let set = [
        ("file_path", !file_path.as_os_str().is_empty()),
        ("on_file_change", *on_file_change != OnFileChange::default()),
        ("verify_resume", *verify_resume != VerifyResume::default()),
    ];
    match set.iter().find(|(_, is_set)| *is_set) {
        Some((name, _)) => Err(out_of_place(name, "files", source)),
        None => Ok(()),
    }
}

/// Refuses, by name, the options that make sense with a stream alone.
fn refuse_stream_options(options: &UploadOptions) -> Result<()> {
    match options {
        UploadOptions { max_memory: 0, spool: None, .. } => Ok(()),
        UploadOptions { max_memory: 0, .. } => Err(out_of_place("spool_dir", "streams", "something else")),
        _ => Err(out_of_place("max_memory", "streams", "something else")),
    }
}

fn out_of_place(name: &str, kind: &str, source: &str) -> Error {
    Error::invalid(format!("{name} is for {kind}, but {source} is uploaded: leave it out"))
}

fn checkpoint_in_full(checkpoint: Checkpoint) -> Result<Checkpoint> {
    let full = |field, path: PathBuf| in_full(field, &path, ErrorKind::Checkpoint);
    Ok(match checkpoint {
        Checkpoint::Off | Checkpoint::BesideFile => checkpoint,
        Checkpoint::File(path) => Checkpoint::File(full("checkpoint_path", path)?),
        Checkpoint::Directory(path) => Checkpoint::Directory(full("checkpoint_dir", path)?),
    })
}

fn with_content_type(mut headers: Vec<(String, String)>, path: &Path, key: &str) -> Vec<(String, String)> {
    if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
        headers.push(("Content-Type".into(), media_type::guess(path, key).into()));
    }
    headers
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(edit: impl FnOnce(&mut UploadOptions)) -> Result<UploadRequest> {
        let mut options = UploadOptions {
            bucket: "bucket".into(),
            object_key: "key".into(),
            file_path: "/data/a.csv".into(),
            ..UploadOptions::default()
        };
        edit(&mut options);
        UploadRequest::of_file(options)
    }

    #[test]
    fn the_type_is_guessed_unless_given() {
        let content_type = |request: UploadRequest| {
            request.headers.for_put_object().into_iter().find(|(name, _)| name == "content-type")
        };
        assert_eq!(content_type(request(|_| ()).unwrap()).unwrap().1, "text/csv");
        let given = request(|o| o.headers = vec![("content-TYPE".into(), "a/b".into())]).unwrap();
        assert_eq!(content_type(given).unwrap().1, "a/b");
    }

    #[test]
    fn the_shape_follows_the_headers() {
        let shape =
            |name: &str, value: &str| request(|o| o.headers = vec![(name.into(), value.into())]).unwrap().shape();
        assert_eq!(shape("x-oss-meta-a", "1"), shape("X-Oss-Meta-A", "1"));
        assert_ne!(shape("x-oss-meta-a", "1"), shape("x-oss-meta-a", "2"));
    }

    #[test]
    fn paths_are_kept_in_full() {
        let here = std::env::current_dir().unwrap();
        let of = |checkpoint: Checkpoint| {
            let request = request(|o| (o.file_path, o.checkpoint) = ("a.csv".into(), checkpoint.clone())).unwrap();
            assert_eq!(request.path(), here.join("a.csv"));
            request.options.checkpoint
        };
        assert_eq!(of(Checkpoint::BesideFile), Checkpoint::BesideFile);
        assert_eq!(of(Checkpoint::File("x.cp".into())), Checkpoint::File(here.join("x.cp")));
        assert_eq!(of(Checkpoint::Directory("cps".into())), Checkpoint::Directory(here.join("cps")));
    }

    #[test]
    fn nonsense_is_refused() {
        assert!(request(|o| o.bucket = "No".into()).is_err());
        assert!(request(|o| o.object_key = String::new()).is_err());
        assert!(request(|o| o.file_path = PathBuf::new()).is_err());
        assert!(request(|o| o.checkpoint = Checkpoint::File(PathBuf::new())).is_err());
        assert!(request(|o| o.headers = vec![("Host".into(), "x".into())]).is_err());
    }

    #[test]
    fn options_of_files_are_refused_for_memory_by_name() {
        let memory = |edit: fn(&mut UploadOptions)| {
            let mut options =
                UploadOptions { bucket: "bucket".into(), object_key: "a.csv".into(), ..Default::default() };
            edit(&mut options);
            UploadRequest::of_memory(options, MemorySource::new(Arc::new([1u8])))
        };
        assert!(memory(|_| ()).unwrap().headers.for_put_object().contains(&("content-type".into(), "text/csv".into())));
        type Edit = fn(&mut UploadOptions);
        let cases: [(Edit, &str); 6] = [
            (|o| o.file_path = "x".into(), "file_path"),
            (|o| o.checkpoint = Checkpoint::BesideFile, "checkpoint"),
            (|o| o.checkpoint = Checkpoint::File("x".into()), "checkpoint_path"),
            (|o| o.checkpoint = Checkpoint::Directory("x".into()), "checkpoint_dir"),
            (|o| o.on_file_change = OnFileChange::Fail, "on_file_change"),
            (|o| o.verify_resume = VerifyResume::Never, "verify_resume"),
        ];
        for (edit, name) in cases {
            let error = memory(edit).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidArgument);
            assert!(error.message().starts_with(name), "{error}");
        }
    }
}
