//! A checked upload task.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::full_path::in_full;
use super::media_type;
use crate::error::{ErrorKind, Result};
use crate::options::{Checkpoint, OnFileChange, UploadOptions, VerifyResume};
use crate::oss::{self, ObjectHeaders};

/// [`UploadOptions`] that have been checked.
#[derive(Debug)]
pub(crate) struct Task {
    pub bucket: String,
    pub key: String,
    /// In full.
    pub path: PathBuf,
    /// `None`: chosen from the file's size.
    pub part_size: Option<u64>,
    /// `None`: chosen by the library.
    pub routines: Option<u32>,
    /// Its path, too, is in full.
    pub checkpoint: Checkpoint,
    pub headers: ObjectHeaders,
    pub on_file_change: OnFileChange,
    pub verify_resume: VerifyResume,
    pub content_md5: bool,
}

impl Task {
    pub(crate) fn new(options: UploadOptions) -> Result<Task> {
        oss::check_bucket(&options.bucket)?;
        oss::check_key(&options.object_key)?;
        let headers = with_content_type(options.headers, &options.file_path, &options.object_key);
        Ok(Task {
            part_size: options.part_size.bytes()?,
            routines: options.routines.count()?,
            headers: ObjectHeaders::new(&headers)?,
            bucket: options.bucket,
            key: options.object_key,
            path: in_full("file_path", &options.file_path, ErrorKind::Io)?,
            checkpoint: checkpoint_in_full(options.checkpoint)?,
            on_file_change: options.on_file_change,
            verify_resume: options.verify_resume,
            content_md5: options.content_md5,
        })
    }

    /// Stands for everything in the options that shapes the object: parts of an upload that was opened with other
    /// headers make another object.
    pub(crate) fn shape(&self) -> String {
        Sha256::digest(self.headers.shape()).iter().map(|byte| format!("{byte:02x}")).collect()
    }
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

    fn task(edit: impl FnOnce(&mut UploadOptions)) -> Result<Task> {
        let mut options = UploadOptions {
            bucket: "bucket".into(),
            object_key: "key".into(),
            file_path: "/data/a.csv".into(),
            ..UploadOptions::default()
        };
        edit(&mut options);
        Task::new(options)
    }

    #[test]
    fn the_type_is_guessed_unless_given() {
        let content_type =
            |task: Task| task.headers.for_put_object().into_iter().find(|(name, _)| name == "content-type");
        assert_eq!(content_type(task(|_| ()).unwrap()).unwrap().1, "text/csv");
        let given = task(|o| o.headers = vec![("content-TYPE".into(), "a/b".into())]).unwrap();
        assert_eq!(content_type(given).unwrap().1, "a/b");
    }

    #[test]
    fn the_shape_follows_the_headers() {
        let shape = |name: &str, value: &str| task(|o| o.headers = vec![(name.into(), value.into())]).unwrap().shape();
        assert_eq!(shape("x-oss-meta-a", "1"), shape("X-Oss-Meta-A", "1"));
        assert_ne!(shape("x-oss-meta-a", "1"), shape("x-oss-meta-a", "2"));
    }

    #[test]
    fn paths_are_kept_in_full() {
        let here = std::env::current_dir().unwrap();
        let of = |checkpoint: Checkpoint| {
            let task = task(|o| (o.file_path, o.checkpoint) = ("a.csv".into(), checkpoint.clone())).unwrap();
            assert_eq!(task.path, here.join("a.csv"));
            task.checkpoint
        };
        assert_eq!(of(Checkpoint::BesideFile), Checkpoint::BesideFile);
        assert_eq!(of(Checkpoint::File("x.cp".into())), Checkpoint::File(here.join("x.cp")));
        assert_eq!(of(Checkpoint::Directory("cps".into())), Checkpoint::Directory(here.join("cps")));
    }

    #[test]
    fn nonsense_is_refused() {
        assert!(task(|o| o.bucket = "No".into()).is_err());
        assert!(task(|o| o.object_key = String::new()).is_err());
        assert!(task(|o| o.file_path = PathBuf::new()).is_err());
        assert!(task(|o| o.checkpoint = Checkpoint::File(PathBuf::new())).is_err());
        assert!(task(|o| o.headers = vec![("Host".into(), "x".into())]).is_err());
    }
}
