//! The buckets, and every change to them.

mod blob;
mod folder;
mod headers;
mod model;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

pub(crate) use blob::{Blob, BlobReader, BlobWriter, Content};
use folder::Folder;
pub(crate) use headers::Headers;
pub(crate) use model::{Bucket, Object, ObjectKind, Part, Upload, from_millis, millis, storage_class};

use crate::config::Storage;
use crate::error::{OssError, Result};
use crate::id;

pub(crate) struct Store {
    buckets: Mutex<BTreeMap<String, Bucket>>,
    place: Place,
}

enum Place {
    Memory,
    Discard,
    Folder(Folder),
}

impl Store {
    pub(crate) fn open(storage: &Storage, buckets: &[String]) -> io::Result<Self> {
        let (place, loaded) = match storage {
            Storage::Memory => (Place::Memory, BTreeMap::new()),
            Storage::Discard => (Place::Discard, BTreeMap::new()),
            Storage::Folder(path) => {
                let folder = Folder::open(path)?;
                let loaded = folder.load()?;
                (Place::Folder(folder), loaded)
            }
        };
        let store = Self { buckets: Mutex::new(loaded), place };
        for bucket in buckets {
            store.create_bucket(bucket)?;
        }
        Ok(store)
    }

    pub(crate) fn create_bucket(&self, bucket: &str) -> io::Result<()> {
        if let Some(folder) = self.folder() {
            folder.create_bucket(bucket)?;
        }
        self.lock().entry(bucket.to_owned()).or_default();
        Ok(())
    }

    /// A place for a body that is about to arrive.
    pub(crate) fn writer(&self) -> io::Result<BlobWriter> {
        Ok(match &self.place {
            Place::Memory => BlobWriter::Memory(Vec::new()),
            Place::Discard => BlobWriter::Discard,
            Place::Folder(folder) => BlobWriter::File(folder.temp()?),
        })
    }

    pub(crate) fn has_bucket(&self, bucket: &str) -> bool {
        self.lock().contains_key(bucket)
    }

    pub(crate) fn bucket_names(&self) -> Vec<String> {
        self.lock().keys().cloned().collect()
    }

    /// Looks at a bucket.
    pub(crate) fn view<T>(&self, bucket: &str, look: impl FnOnce(&Bucket) -> T) -> Result<T> {
        self.lock().get(bucket).map(look).ok_or_else(|| OssError::no_such_bucket(bucket))
    }

    pub(crate) fn object(&self, bucket: &str, key: &str) -> Result<Arc<Object>> {
        self.view(bucket, |bucket| bucket.objects.get(key).cloned())?.ok_or_else(|| OssError::no_such_key(key))
    }

    /// Stores an object, whose `blob` is still to be set; `only_new` refuses to replace one.
    pub(crate) fn put_object(
        &self,
        bucket: &str,
        key: &str,
        mut object: Object,
        content: Content,
        only_new: bool,
    ) -> Result<()> {
        // All under one lock: of two writers, the one that comes last here is the last on the disk too.
        let mut buckets = self.lock();
        let Bucket { objects, headers, .. } =
            buckets.get_mut(bucket).ok_or_else(|| OssError::no_such_bucket(bucket))?;
        if only_new && objects.contains_key(key) {
            return Err(OssError::already_exists(key));
        }
        if let Some(folder) = self.folder() {
            object.blob = content.settle(|| folder.object_data(bucket, key))?;
            folder.save_object(bucket, key, &object)?;
        } else {
            object.blob = content.settle(Default::default)?;
        }
        object.headers = headers.share(object.headers);
        if let Some(old) = objects.insert(key.to_owned(), Arc::new(object)) {
            remove_data(&old.blob);
        }
        Ok(())
    }

    pub(crate) fn delete_object(&self, bucket: &str, key: &str) -> Result<()> {
        let old = self.change(bucket, |bucket| Ok(bucket.objects.remove(key)))?;
        if let Some(old) = old {
            if let Some(folder) = self.folder() {
                folder.remove_object(bucket, key)?;
            }
            remove_data(&old.blob);
        }
        Ok(())
    }

    pub(crate) fn initiate(&self, bucket: &str, upload: Upload) -> Result<String> {
        let upload_id = id::upload_id();
        if let Some(folder) = self.folder() {
            folder.save_upload(bucket, &upload_id, &upload)?;
        }
        self.change(bucket, |bucket| {
            bucket.uploads.insert(upload_id.clone(), upload);
            Ok(())
        })?;
        Ok(upload_id)
    }

    /// Looks at an upload, which belongs to bucket and key.
    pub(crate) fn upload<T>(
        &self,
        bucket: &str,
        key: &str,
        upload_id: &str,
        look: impl FnOnce(&Upload) -> T,
    ) -> Result<T> {
        self.view(bucket, |bucket| bucket.uploads.get(upload_id).filter(|upload| upload.key == key).map(look))?
            .ok_or_else(|| OssError::no_such_upload(upload_id))
    }

    /// Stores a part, whose `blob` is still to be set.
    pub(crate) fn put_part(
        &self,
        bucket: &str,
        upload_id: &str,
        number: u32,
        mut part: Part,
        content: Content,
    ) -> Result<()> {
        let gone = || OssError::no_such_upload(upload_id);
        let mut buckets = self.lock();
        let upload = buckets.get_mut(bucket).and_then(|bucket| bucket.uploads.get_mut(upload_id)).ok_or_else(gone)?;
        if let Some(folder) = self.folder() {
            part.blob = content.settle(|| folder.part_data(bucket, upload_id, number))?;
            folder.save_part(bucket, upload_id, number, &part)?;
        } else {
            part.blob = content.settle(Default::default)?;
        }
        if let Some(old) = upload.parts.insert(number, part) {
            remove_data(&old.blob);
        }
        Ok(())
    }

    /// Takes an upload out, if `check` agrees: from then on nobody else finds it.
    pub(crate) fn take_upload<T>(
        &self,
        bucket: &str,
        key: &str,
        upload_id: &str,
        check: impl FnOnce(&Bucket, &Upload) -> Result<T>,
    ) -> Result<(Upload, T)> {
        self.change(bucket, |bucket| {
            let found = bucket.uploads.get(upload_id).filter(|upload| upload.key == key);
            let checked = check(bucket, found.ok_or_else(|| OssError::no_such_upload(upload_id))?)?;
            let upload = bucket.uploads.remove(upload_id).ok_or_else(|| OssError::no_such_upload(upload_id))?;
            Ok((upload, checked))
        })
    }

    /// Puts an upload back that could not be completed after all.
    pub(crate) fn put_back(&self, bucket: &str, upload_id: &str, upload: Upload) -> Result<()> {
        self.change(bucket, |bucket| {
            bucket.uploads.insert(upload_id.to_owned(), upload);
            Ok(())
        })
    }

    /// Removes what is left of an upload that was taken out.
    pub(crate) fn forget_upload(&self, bucket: &str, upload_id: &str) -> Result<()> {
        if let Some(folder) = self.folder() {
            folder.remove_upload(bucket, upload_id)?;
        }
        Ok(())
    }

    /// Removes all objects and uploads.
    pub(crate) fn clear(&self) -> Result<()> {
        for name in self.bucket_names() {
            let old = self.change(&name, |bucket| Ok(std::mem::take(bucket)))?;
            let Some(folder) = self.folder() else { continue };
            for (key, object) in &old.objects {
                folder.remove_object(&name, key)?;
                remove_data(&object.blob);
            }
            for upload_id in old.uploads.keys() {
                folder.remove_upload(&name, upload_id)?;
            }
        }
        Ok(())
    }

    fn change<T>(&self, bucket: &str, act: impl FnOnce(&mut Bucket) -> Result<T>) -> Result<T> {
        self.lock().get_mut(bucket).ok_or_else(|| OssError::no_such_bucket(bucket)).and_then(act)
    }

    fn folder(&self) -> Option<&Folder> {
        match &self.place {
            Place::Folder(folder) => Some(folder),
            Place::Memory | Place::Discard => None,
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Bucket>> {
        crate::lock(&self.buckets)
    }
}

/// Removes a data file that nothing points to any more. A reader that has it open reads on.
fn remove_data(blob: &Blob) {
    if let Blob::File(path) = blob {
        // A file that is left behind costs space, not truth.
        let _ = fs::remove_file(path);
    }
}
