//! The path of an object.

use crate::lfs::oid::Oid;

/// The path of an object beneath `lfs/objects`, made from a checked name alone.
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
