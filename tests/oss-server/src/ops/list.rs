//! Lists of parts and of uploads, and what lists have in common.

use crate::clock;
use crate::error::{OssError, Result};
use crate::exchange::Exchange;
use crate::response::Response;
use crate::store::{Upload, from_millis, storage_class};
use crate::xml::Xml;

const LARGEST_PAGE: usize = 1000;

/// How many entries the response may hold.
pub(super) fn page_size(x: &Exchange, name: &'static str, usual: usize, ec: &'static str) -> Result<usize> {
    let size = match x.call.query(name).filter(|text| !text.is_empty()) {
        None => usual,
        Some(text) => {
            let size = text.parse().ok().filter(|size| (1..=LARGEST_PAGE).contains(size));
            size.ok_or_else(|| {
                let message = format!("{name} must be an integer between 1 and {LARGEST_PAGE}.");
                OssError::invalid_argument(ec, &message, name, text)
            })?
        }
    };
    Ok(x.shared.config.list_page.map_or(size, |limit| size.min(limit.max(1))))
}

pub(super) fn text<'a>(x: &'a Exchange, name: &str) -> &'a str {
    x.call.query(name).unwrap_or("")
}

/// ListParts.
pub(super) fn parts(x: &Exchange) -> Result<Response> {
    let size = page_size(x, "max-parts", LARGEST_PAGE, "0017-00000203")?;
    let marker = text(x, "part-number-marker");
    let after: u32 = if marker.is_empty() { Ok(0) } else { marker.parse() }.map_err(|_| {
        let message = "part-number-marker must be an integer.";
        OssError::invalid_argument("0017-00000204", message, "part-number-marker", marker)
    })?;
    let upload = x.shared.store.upload(x.call.bucket(), x.call.key(), text(x, "uploadId"), Upload::clone)?;
    let page: Vec<_> = upload.parts.range(after.saturating_add(1)..).take(size).collect();
    let last = page.last().map_or(after, |(number, _)| **number);
    let quirks = x.shared.config.quirks;
    let mut xml = Xml::result("ListPartsResult", quirks, x.call.query("encoding-type"));
    xml.element("Bucket", x.call.bucket())
        .name("Key", x.call.key())
        .element("UploadId", text(x, "uploadId"))
        .element("StorageClass", storage_class(&upload.headers))
        .element("PartNumberMarker", after)
        .element("NextPartNumberMarker", last)
        .element("MaxParts", size)
        .element("IsTruncated", upload.parts.range(last.saturating_add(1)..).next().is_some());
    for (number, part) in page {
        xml.group("Part", |xml| {
            xml.element("PartNumber", number)
                .element("LastModified", clock::iso(from_millis(part.modified)))
                .element("ETag", format!("\"{}\"", part.etag));
            if !quirks.no_part_crc {
                xml.element("HashCrc64ecma", part.crc64);
            }
            xml.element("Size", part.size);
        });
    }
    Ok(Response::xml(xml.finish()))
}

/// ListMultipartUploads.
pub(super) fn uploads(x: &Exchange) -> Result<Response> {
    let size = page_size(x, "max-uploads", LARGEST_PAGE, "0017-00000203")?;
    let (prefix, delimiter) = (text(x, "prefix"), text(x, "delimiter"));
    let (key_marker, id_marker) = (text(x, "key-marker"), text(x, "upload-id-marker"));
    let sorted = x.shared.store.view(x.call.bucket(), |bucket| {
        let mut list: Vec<_> = bucket.uploads.iter().map(|(id, u)| (u.key.clone(), u.initiated, id.clone())).collect();
        list.sort();
        list
    })?;
    let marked = sorted.iter().position(|(key, _, id)| key == key_marker && id == id_marker);
    let after_marker = |index: usize, key: &str, id: &str| match marked {
        _ if key_marker.is_empty() => true,
        Some(position) => index > position,
        None => key > key_marker || (key == key_marker && !id_marker.is_empty() && id > id_marker),
    };
    let rest = sorted.iter().enumerate().filter(|(index, (key, _, id))| after_marker(*index, key, id));
    let entries = grouped(rest.map(|(_, entry)| (entry.0.as_str(), entry)), prefix, delimiter, "");
    let page = &entries[..entries.len().min(size)];
    let (next_key, next_id) = match page.last() {
        Some(Entry::Item(key, (_, _, id))) => (*key, id.as_str()),
        Some(Entry::Prefix(prefix)) => (*prefix, ""),
        None => ("", ""),
    };
    let mut xml = Xml::result("ListMultipartUploadsResult", x.shared.config.quirks, x.call.query("encoding-type"));
    xml.element("Bucket", x.call.bucket())
        .name("KeyMarker", key_marker)
        .element("UploadIdMarker", id_marker)
        .name("NextKeyMarker", next_key)
        .element("NextUploadIdMarker", next_id)
        .name("Delimiter", delimiter)
        .name("Prefix", prefix)
        .element("MaxUploads", size)
        .element("IsTruncated", page.len() < entries.len());
    for entry in page {
        match entry {
            Entry::Prefix(prefix) => common_prefix(&mut xml, prefix),
            Entry::Item(key, (_, initiated, id)) => {
                xml.group("Upload", |xml| {
                    xml.name("Key", key)
                        .element("UploadId", id)
                        .element("StorageClass", "Standard")
                        .element("Initiated", clock::iso(from_millis(*initiated)));
                });
            }
        }
    }
    Ok(Response::xml(xml.finish()))
}

pub(super) fn common_prefix(xml: &mut Xml, prefix: &str) {
    xml.group("CommonPrefixes", |xml| {
        xml.name("Prefix", prefix);
    });
}

/// A line of a list.
pub(super) enum Entry<'a, T> {
    Item(&'a str, &'a T),
    Prefix(&'a str),
}

impl<'a, T> Entry<'a, T> {
    pub(super) fn name(&self) -> &'a str {
        match self {
            Self::Item(name, _) | Self::Prefix(name) => name,
        }
    }
}

/// Sorted names that begin with the prefix and come after the marker; those with the delimiter behind the prefix fall
/// together into one entry.
pub(super) fn grouped<'a, T>(
    items: impl Iterator<Item = (&'a str, &'a T)>,
    prefix: &str,
    delimiter: &str,
    marker: &str,
) -> Vec<Entry<'a, T>> {
    let mut entries: Vec<Entry<'a, T>> = Vec::new();
    for (name, item) in items.filter(|(name, _)| name.starts_with(prefix)) {
        let entry = group(name, prefix, delimiter).map_or(Entry::Item(name, item), Entry::Prefix);
        let repeated = matches!((&entry, entries.last()), (Entry::Prefix(a), Some(Entry::Prefix(b))) if *a == *b);
        if entry.name() > marker && !repeated {
            entries.push(entry);
        }
    }
    entries
}

/// The common prefix that a name falls under: all up to the first delimiter behind the prefix.
pub(super) fn group<'a>(name: &'a str, prefix: &str, delimiter: &str) -> Option<&'a str> {
    let rest = name.strip_prefix(prefix).filter(|_| !delimiter.is_empty())?;
    let end = name.len() - rest.len() + rest.find(delimiter)? + delimiter.len();
    Some(&name[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(prefix: &str, delimiter: &str, marker: &str) -> Vec<String> {
        let keys = ["a", "d/1", "d/2", "d/e/3", "z"];
        let entries = grouped(keys.iter().map(|key| (*key, &())), prefix, delimiter, marker);
        entries.iter().map(|entry| entry.name().to_owned()).collect()
    }

    #[test]
    fn delimiters_group_and_markers_skip() {
        assert_eq!(names("", "", ""), ["a", "d/1", "d/2", "d/e/3", "z"]);
        assert_eq!(names("", "/", ""), ["a", "d/", "z"]);
        assert_eq!(names("d/", "/", ""), ["d/1", "d/2", "d/e/"]);
        assert_eq!(names("", "/", "d/"), ["z"]);
        assert_eq!(names("", "", "d/2"), ["d/e/3", "z"]);
    }
}
