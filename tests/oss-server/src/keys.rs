//! The access keys that the server knows.

use std::collections::BTreeMap;
use std::sync::Mutex;

use crate::config::AccessKey;

pub(crate) struct Keys {
    keys: Mutex<BTreeMap<String, AccessKey>>,
}

impl Keys {
    pub(crate) fn new(keys: &[AccessKey]) -> Self {
        let keys = keys.iter().map(|key| (key.id.clone(), key.clone())).collect();
        Self { keys: Mutex::new(keys) }
    }

    pub(crate) fn get(&self, id: &str) -> Option<AccessKey> {
        crate::lock(&self.keys).get(id).cloned()
    }

    pub(crate) fn add(&self, key: AccessKey) {
        crate::lock(&self.keys).insert(key.id.clone(), key);
    }

    /// Ends the key that has this id or this token; false when there is none.
    pub(crate) fn expire(&self, id_or_token: &str) -> bool {
        let mut found = false;
        for key in crate::lock(&self.keys).values_mut() {
            if key.id == id_or_token || key.token.as_deref() == Some(id_or_token) {
                key.expired = true;
                found = true;
            }
        }
        found
    }

    pub(crate) fn reset(&self, keys: &[AccessKey]) {
        *crate::lock(&self.keys) = keys.iter().map(|key| (key.id.clone(), key.clone())).collect();
    }
}
