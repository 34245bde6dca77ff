//! Lists of objects, in both versions.

use std::collections::BTreeMap;
use std::ops::Bound::{self, Excluded, Included, Unbounded};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::list::{common_prefix, group, page_size, text};
use crate::clock;
use crate::error::{OssError, Result};
use crate::exchange::Exchange;
use crate::response::Response;
use crate::store::{Object, from_millis, storage_class};
use crate::xml::Xml;

const USUAL_PAGE: usize = 100;
/// Prefixes and markers are shorter than this, in bytes.
const NAME_LIMIT: usize = 1024;

/// ListObjects.
pub(super) fn first_version(x: &Exchange) -> Result<Response> {
    let marker = name(x, "marker")?;
    let page = find(x, marker)?;
    let mut xml = begin(x, &page);
    xml.name("Marker", marker);
    if let Some(next) = page.next() {
        xml.name("NextMarker", next);
    }
    finish(&mut xml, &page, true)
}

/// ListObjectsV2.
pub(super) fn second_version(x: &Exchange) -> Result<Response> {
    let version = text(x, "list-type");
    if version != "2" {
        return Err(invalid("0015-00000401", "The list type must be 2.", "list-type", version));
    }
    let (start_after, token) = (name(x, "start-after")?, text(x, "continuation-token"));
    let page = if token.is_empty() { find(x, start_after) } else { find(x, &key_of(token)?) }?;
    let mut xml = begin(x, &page);
    for (element, value) in [("StartAfter", start_after), ("ContinuationToken", token)] {
        if !value.is_empty() {
            xml.name(element, value);
        }
    }
    if let Some(next) = page.next() {
        xml.name("NextContinuationToken", &token_of(next));
    }
    xml.element("KeyCount", page.entries.len());
    finish(&mut xml, &page, text(x, "fetch-owner") == "true")
}

/// What both versions begin with.
fn begin(x: &Exchange, page: &Page<Arc<Object>>) -> Xml {
    let mut xml = Xml::result("ListBucketResult", x.shared.config.quirks, x.call.query("encoding-type"));
    xml.element("Name", x.call.bucket())
        .name("Prefix", text(x, "prefix"))
        .element("MaxKeys", page.size)
        .name("Delimiter", text(x, "delimiter"))
        .element("IsTruncated", page.more);
    xml
}

fn finish(xml: &mut Xml, page: &Page<Arc<Object>>, owner: bool) -> Result<Response> {
    for entry in &page.entries {
        match &entry.item {
            None => common_prefix(xml, &entry.name),
            Some(object) => content(xml, &entry.name, object, owner),
        }
    }
    Ok(Response::xml(xml.finish()))
}

fn content(xml: &mut Xml, key: &str, object: &Object, owner: bool) {
    xml.group("Contents", |xml| {
        xml.name("Key", key)
            .element("LastModified", clock::iso(from_millis(object.modified)))
            .element("ETag", format!("\"{}\"", object.etag))
            .element("Type", object.kind.name())
            .element("Size", object.size)
            .element("StorageClass", storage_class(&object.headers));
        if owner {
            xml.group("Owner", |xml| {
                xml.element("ID", 0).element("DisplayName", 0);
            });
        }
    });
}

/// A prefix or a marker.
fn name<'a>(x: &'a Exchange, parameter: &'static str) -> Result<&'a str> {
    let value = text(x, parameter);
    if value.len() >= NAME_LIMIT {
        let message = format!("The length of {parameter} must be less than {NAME_LIMIT} bytes.");
        return Err(invalid("0015-00000403", &message, parameter, value));
    }
    Ok(value)
}

fn invalid(ec: &'static str, message: &str, parameter: &str, value: &str) -> OssError {
    OssError::invalid_argument(ec, message, parameter, value)
}

/// Clients must not understand a token: it is the name that a page ended with, in disguise.
fn token_of(name: &str) -> String {
    STANDARD.encode(name).replace('=', "-")
}

fn key_of(token: &str) -> Result<String> {
    let bytes = STANDARD.decode(token.replace('-', "=")).ok();
    bytes.and_then(|bytes| String::from_utf8(bytes).ok()).ok_or_else(|| {
        let message = "The continuation token is not one that a list has given.";
        invalid("0015-00000404", message, "continuation-token", token)
    })
}

fn find(x: &Exchange, marker: &str) -> Result<Page<Arc<Object>>> {
    let size = page_size(x, "max-keys", USUAL_PAGE, "0015-00000402")?;
    let (prefix, delimiter) = (name(x, "prefix")?, text(x, "delimiter"));
    x.shared.store.view(x.call.bucket(), |bucket| Page::of(&bucket.objects, prefix, delimiter, marker, size))
}

/// A line of a list: an object, or a common prefix, which has no item.
struct Entry<T> {
    name: String,
    item: Option<T>,
}

struct Page<T> {
    entries: Vec<Entry<T>>,
    size: usize,
    more: bool,
}

impl<T: Clone> Page<T> {
    /// Looks up what it shows and nothing else, however many objects there are: what falls under a common prefix is
    /// skipped as a whole.
    fn of(all: &BTreeMap<String, T>, prefix: &str, delimiter: &str, marker: &str, size: usize) -> Self {
        let mut page = Self { entries: Vec::new(), size, more: false };
        let mut from = begin_after(marker, prefix, delimiter);
        while let Some((key, item)) = first_of(all, &from).filter(|(key, _)| key.starts_with(prefix)) {
            if page.entries.len() == size {
                page.more = true;
                break;
            }
            let group = group(key, prefix, delimiter);
            from = group.map_or_else(|| Excluded(key.clone()), behind);
            let item = group.is_none().then(|| item.clone());
            page.entries.push(Entry { name: group.unwrap_or(key).to_owned(), item });
        }
        page
    }

    /// Where the next page begins, if there is one.
    fn next(&self) -> Option<&str> {
        self.entries.last().filter(|_| self.more).map(|entry| entry.name.as_str())
    }
}

fn first_of<'a, T>(all: &'a BTreeMap<String, T>, from: &Bound<String>) -> Option<(&'a String, &'a T)> {
    all.range::<str, _>((from.as_ref().map(String::as_str), Unbounded)).next()
}

/// A marker inside a common prefix stands behind all of it.
fn begin_after(marker: &str, prefix: &str, delimiter: &str) -> Bound<String> {
    if marker < prefix {
        return Included(prefix.to_owned());
    }
    group(marker, prefix, delimiter).map_or_else(|| Excluded(marker.to_owned()), behind)
}

/// Behind everything that begins with `prefix`. Characters are in the order of their UTF-8.
fn behind(prefix: &str) -> Bound<String> {
    let mut characters = prefix.chars();
    while let Some(last) = characters.next_back() {
        if let Some(next) = (last..=char::MAX).nth(1) {
            return Included(format!("{}{next}", characters.as_str()));
        }
    }
    // Only the last character there is, repeated, leads here: no key has so many of them.
    Excluded(char::MAX.to_string().repeat(NAME_LIMIT))
}

#[cfg(test)]
mod tests {
    use super::super::list::grouped;
    use super::*;

    const KEYS: [&str; 11] =
        ["a", "d", "d/", "d/1", "d/2", "d/e/3", "d0", "z\u{10ffff}1", "z\u{10ffff}2", "目/\n+ %", "\u{10ffff}1"];

    fn listed(prefix: &str, delimiter: &str, size: usize) -> Vec<String> {
        let all = KEYS.iter().map(|key| ((*key).to_owned(), ())).collect();
        let (mut names, mut marker) = (Vec::new(), String::new());
        loop {
            let page = Page::of(&all, prefix, delimiter, &marker, size);
            assert!(page.entries.len() <= size);
            names.extend(page.entries.iter().map(|entry| entry.name.clone()));
            let Some(next) = page.next() else { return names };
            marker = key_of(&token_of(next)).unwrap();
        }
    }

    #[test]
    fn pages_of_every_size_show_everything_once() {
        for prefix in ["", "d", "d/", "d/1", "nothing", "z", "目"] {
            for delimiter in ["", "/", "d", "\u{10ffff}", "e/"] {
                let expected = grouped(KEYS.iter().map(|key| (*key, &())), prefix, delimiter, "");
                let expected: Vec<_> = expected.iter().map(|entry| entry.name().to_owned()).collect();
                for size in 1..=KEYS.len() + 1 {
                    assert_eq!(listed(prefix, delimiter, size), expected, "{prefix:?} {delimiter:?} {size}");
                }
            }
        }
    }

    #[test]
    fn pages_begin_behind_any_marker() {
        let all: BTreeMap<_, _> = KEYS.iter().map(|key| ((*key).to_owned(), ())).collect();
        for marker in KEYS.into_iter().chain(["", "b", "d/1x", "d/e/", "\u{10ffff}", "z\u{10ffff}"]) {
            for (prefix, delimiter) in [("", ""), ("", "/"), ("d", "/"), ("d/", "/"), ("z", "\u{10ffff}")] {
                let expected = grouped(KEYS.iter().map(|key| (*key, &())), prefix, delimiter, marker);
                let expected: Vec<_> = expected.iter().map(|entry| entry.name()).collect();
                let page = Page::of(&all, prefix, delimiter, marker, 100);
                let names: Vec<_> = page.entries.iter().map(|entry| entry.name.as_str()).collect();
                assert_eq!(names, expected, "{marker:?} {prefix:?} {delimiter:?}");
            }
        }
    }

    #[test]
    fn tokens_are_opaque_and_checked() {
        for name in ["a", "d/1", "目/\n+ %"] {
            assert_ne!(token_of(name), name);
            assert_eq!(key_of(&token_of(name)).unwrap(), name);
        }
        for bad in ["2", "=", "目", "/w--"] {
            assert_eq!(key_of(bad).unwrap_err().code, "InvalidArgument", "{bad}");
        }
    }
}
