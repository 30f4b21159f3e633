//! Where an object lies.

use crate::lfs::oid::Oid;

/// Where an object lies beneath `lfs/objects`: made from a name that was checked, and from nothing else.
pub(super) struct Place(String);

impl Place {
    pub(super) fn of(oid: &Oid) -> Self {
        Self(oid.to_string())
    }

    pub(super) fn name(&self) -> &str {
        &self.0
    }

    pub(super) fn first(&self) -> &str {
        self.0.get(..2).unwrap_or_default()
    }

    pub(super) fn second(&self) -> &str {
        self.0.get(2..4).unwrap_or_default()
    }
}
