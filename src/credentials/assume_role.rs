//! Credentials of a role that is taken on with other credentials.

use std::sync::Arc;

use super::sts::Role;
use super::{Fetched, Issued, Provider};
use crate::sync::atomic::AtomicBool;

pub(super) struct AssumeRole {
    source: Box<dyn Provider>,
    role: Role,
}

impl AssumeRole {
    pub(super) fn new(source: Box<dyn Provider>, role: Role) -> Self {
        AssumeRole { source, role }
    }
}

impl Provider for AssumeRole {
    fn name(&self) -> String {
        "assume-role".into()
    }

    fn check(&self) -> Fetched<()> {
        self.source.check()
    }

    fn fetch(&self, stop: &Arc<AtomicBool>) -> Fetched<Issued> {
        let source = self.source.fetch(stop)?;
        Ok(self.role.assume(&source.credentials, stop)?)
    }
}
