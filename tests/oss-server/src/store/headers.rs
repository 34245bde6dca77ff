//! Headers that describe stored objects. Those of most objects are alike, and are kept once.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Deref;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Names (in lower case) and values.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "BTreeMap<String, String>", into = "BTreeMap<String, String>")]
pub(crate) struct Headers(Arc<BTreeMap<String, String>>);

impl From<BTreeMap<String, String>> for Headers {
    fn from(headers: BTreeMap<String, String>) -> Self {
        Self(Arc::new(headers))
    }
}

impl From<Headers> for BTreeMap<String, String> {
    fn from(headers: Headers) -> Self {
        Arc::unwrap_or_clone(headers.0)
    }
}

impl Deref for Headers {
    type Target = BTreeMap<String, String>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

/// Headers that objects have had.
#[derive(Default)]
pub(crate) struct SharedHeaders(BTreeSet<Headers>);

impl SharedHeaders {
    /// Where they differ from object to object, there is nothing to share.
    const MOST: usize = 1000;

    /// The same headers, in the memory of earlier ones if there were any.
    pub(crate) fn share(&mut self, headers: Headers) -> Headers {
        if let Some(known) = self.0.get(&headers) {
            return known.clone();
        }
        if self.0.len() < Self::MOST {
            self.0.insert(headers.clone());
        }
        headers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn like_headers_are_kept_once() {
        let headers = |value: usize| Headers::from(BTreeMap::from([("n".to_owned(), value.to_string())]));
        let mut shared = SharedHeaders::default();
        let first = shared.share(headers(1));
        assert!(Arc::ptr_eq(&shared.share(headers(1)).0, &first.0));
        assert_eq!(shared.share(headers(2)), headers(2));
        for value in 0..2 * SharedHeaders::MOST {
            shared.share(headers(value));
        }
        assert_eq!(shared.0.len(), SharedHeaders::MOST);
    }
}
