//! The layout of a storage folder:
//!
//! ```text
//! BUCKET/objects/NAME.json              what is known of the object, and the name of its data file
//! BUCKET/objects/NAME.ID.data           its content
//! BUCKET/uploads/UPLOAD/upload.json
//! BUCKET/uploads/UPLOAD/NUMBER.json, NUMBER.ID.data
//! tmp/                                  bodies that are still arriving
//! ```
//!
//! A JSON file is renamed into place after its data file: whatever moment the server dies at, what is found
//! again is whole.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::blob::{Blob, TempFile};
use super::model::{Bucket, Object, Part, Upload};
use crate::{id, percent, sign::v4::hex};

/// Longer file names are replaced by a hash: file systems allow 255 bytes, and the suffix needs some.
const LONGEST_NAME: usize = 180;

pub(crate) struct Folder {
    root: PathBuf,
}

#[derive(Serialize, Deserialize)]
struct Record<T> {
    key: String,
    data: String,
    #[serde(flatten)]
    item: T,
}

impl Folder {
    pub(crate) fn open(root: &Path) -> io::Result<Self> {
        let tmp = root.join("tmp");
        if tmp.exists() {
            fs::remove_dir_all(&tmp)?;
        }
        fs::create_dir_all(&tmp)?;
        Ok(Self { root: root.to_owned() })
    }

    pub(crate) fn temp(&self) -> io::Result<TempFile> {
        TempFile::create(self.root.join("tmp").join(id::upload_id()))
    }

    pub(crate) fn create_bucket(&self, bucket: &str) -> io::Result<()> {
        fs::create_dir_all(self.objects(bucket))?;
        fs::create_dir_all(self.root.join(bucket).join("uploads"))
    }

    pub(crate) fn object_data(&self, bucket: &str, key: &str) -> PathBuf {
        self.objects(bucket).join(format!("{}.{}.data", file_name(key), id::upload_id()))
    }

    pub(crate) fn part_data(&self, bucket: &str, upload_id: &str, number: u32) -> PathBuf {
        self.upload(bucket, upload_id).join(format!("{number}.{}.data", id::upload_id()))
    }

    pub(crate) fn save_object(&self, bucket: &str, key: &str, object: &Object) -> io::Result<()> {
        let path = self.objects(bucket).join(format!("{}.json", file_name(key)));
        self.save(&path, &Record { key: key.to_owned(), data: data_name(&object.blob), item: object })
    }

    pub(crate) fn save_upload(&self, bucket: &str, upload_id: &str, upload: &Upload) -> io::Result<()> {
        fs::create_dir_all(self.upload(bucket, upload_id))?;
        self.save(&self.upload(bucket, upload_id).join("upload.json"), upload)
    }

    pub(crate) fn save_part(&self, bucket: &str, upload_id: &str, number: u32, part: &Part) -> io::Result<()> {
        let path = self.upload(bucket, upload_id).join(format!("{number}.json"));
        self.save(&path, &Record { key: number.to_string(), data: data_name(&part.blob), item: part })
    }

    pub(crate) fn remove_object(&self, bucket: &str, key: &str) -> io::Result<()> {
        fs::remove_file(self.objects(bucket).join(format!("{}.json", file_name(key))))
    }

    pub(crate) fn remove_upload(&self, bucket: &str, upload_id: &str) -> io::Result<()> {
        fs::remove_dir_all(self.upload(bucket, upload_id))
    }

    /// Everything that an earlier server left.
    pub(crate) fn load(&self) -> io::Result<BTreeMap<String, Bucket>> {
        let mut buckets = BTreeMap::new();
        for name in names(&self.root)? {
            if name != "tmp" && self.objects(&name).is_dir() {
                buckets.insert(name.clone(), self.load_bucket(&name)?);
            }
        }
        Ok(buckets)
    }

    fn load_bucket(&self, bucket: &str) -> io::Result<Bucket> {
        let mut loaded = Bucket::default();
        for (key, mut object, blob) in load_records::<Object>(&self.objects(bucket), |_| true)? {
            object.blob = blob;
            loaded.objects.insert(key, Arc::new(object));
        }
        for upload_id in names(&self.root.join(bucket).join("uploads"))? {
            // A folder without upload.json is one that was being removed.
            if let Ok(upload) = self.load_upload(bucket, &upload_id) {
                loaded.uploads.insert(upload_id, upload);
            }
        }
        Ok(loaded)
    }

    fn load_upload(&self, bucket: &str, upload_id: &str) -> io::Result<Upload> {
        let folder = self.upload(bucket, upload_id);
        let mut upload: Upload = read_json(&folder.join("upload.json"))?;
        for (number, mut part, blob) in load_records::<Part>(&folder, |name| name != "upload.json")? {
            part.blob = blob;
            upload.parts.insert(number.parse().map_err(io::Error::other)?, part);
        }
        Ok(upload)
    }

    fn objects(&self, bucket: &str) -> PathBuf {
        self.root.join(bucket).join("objects")
    }

    fn upload(&self, bucket: &str, upload_id: &str) -> PathBuf {
        self.root.join(bucket).join("uploads").join(upload_id)
    }

    fn save(&self, path: &Path, value: &impl Serialize) -> io::Result<()> {
        let temp = self.root.join("tmp").join(id::upload_id());
        fs::write(&temp, serde_json::to_vec_pretty(value)?)?;
        fs::rename(temp, path)
    }
}

fn load_records<T: DeserializeOwned>(
    folder: &Path,
    wanted: impl Fn(&str) -> bool,
) -> io::Result<Vec<(String, T, Blob)>> {
    let mut records = Vec::new();
    for name in names(folder)?.iter().filter(|name| name.ends_with(".json") && wanted(name)) {
        let record: Record<T> = read_json(&folder.join(name))?;
        records.push((record.key, record.item, Blob::File(folder.join(record.data))));
    }
    Ok(records)
}

fn read_json<T: DeserializeOwned>(path: &Path) -> io::Result<T> {
    let named = |error| io::Error::other(format!("{}: {error}", path.display()));
    serde_json::from_slice(&fs::read(path)?).map_err(named)
}

fn names(folder: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        names.extend(entry?.file_name().into_string());
    }
    Ok(names)
}

fn data_name(blob: &Blob) -> String {
    match blob {
        Blob::File(path) => path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        _ => String::new(),
    }
}

fn file_name(key: &str) -> String {
    let name = percent::encode(key);
    if name.len() <= LONGEST_NAME { name } else { hex(&Sha256::digest(key)) }
}
