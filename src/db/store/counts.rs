//! How many accounts, keys and repositories there are, for the operator's statistics.

use std::ops::ControlFlow;

use crate::db::engine::values;
use crate::db::{Error, View};
use crate::repository::Directory;

/// Numbers of rows. Removed accounts and keys do not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Users, disabled ones too.
    pub users: u64,
    /// Disabled users.
    pub disabled: u64,
    /// Organizations.
    pub organizations: u64,
    /// Teams of organizations.
    pub teams: u64,
    /// Keys on accounts.
    pub account_keys: u64,
    /// Deploy keys.
    pub deploy_keys: u64,
    /// Models that are served.
    pub models: u64,
    /// Datasets that are served.
    pub datasets: u64,
    /// Spaces that are served.
    pub spaces: u64,
    /// Removed repositories whose directories are kept.
    pub removed: u64,
}

impl Counts {
    /// The repositories that have a directory.
    #[must_use]
    pub fn stored(&self) -> u64 {
        self.models + self.datasets + self.spaces + self.removed
    }
}

/// The `folded` of a team has a `/`, and that of an account has none. Each part reads an index or a table once,
/// whatever the number of rows.
const COUNTS: &str = "SELECT
    (SELECT count(*) FROM owner WHERE kind = 'user' AND folded IS NOT NULL) AS users,
    (SELECT count(*) FROM owner WHERE kind = 'user' AND folded IS NOT NULL AND disabled IS NOT NULL) AS disabled,
    (SELECT count(*) FROM owner WHERE kind = 'organization' AND folded NOT LIKE '%/%') AS organizations,
    (SELECT count(*) FROM owner WHERE folded LIKE '%/%') AS teams,
    (SELECT count(*) FROM key WHERE owner_id IS NOT NULL AND removal IS NULL) AS account_keys,
    (SELECT count(*) FROM key WHERE repository_id IS NOT NULL AND removal IS NULL) AS deploy_keys,
    (SELECT count(*) FROM repository WHERE kind = 'model' AND folded IS NOT NULL) AS models,
    (SELECT count(*) FROM repository WHERE kind = 'dataset' AND folded IS NOT NULL) AS datasets,
    (SELECT count(*) FROM repository WHERE kind = 'space' AND folded IS NOT NULL) AS spaces,
    (SELECT count(*) FROM repository WHERE folded IS NULL) AS removed";

impl View<'_> {
    /// The numbers of rows.
    ///
    /// # Errors
    /// [`Error`].
    pub fn counts(&self) -> Result<Counts, Error> {
        let counts = self.connection.first(COUNTS, &[], |row| -> Result<Counts, Error> {
            let number = |name| row.get::<i64>(name).map(|number| u64::try_from(number).unwrap_or_default());
            Ok(Counts {
                users: number("users")?,
                disabled: number("disabled")?,
                organizations: number("organizations")?,
                teams: number("teams")?,
                account_keys: number("account_keys")?,
                deploy_keys: number("deploy_keys")?,
                models: number("models")?,
                datasets: number("datasets")?,
                spaces: number("spaces")?,
                removed: number("removed")?,
            })
        })?;
        Ok(counts.unwrap_or_default())
    }

    /// The directories of at most so many repositories, removed ones too, in the order of their rows, beginning behind
    /// a row.
    ///
    /// # Errors
    /// [`Error`].
    pub fn stored_directories(&self, after: i64, most: usize) -> Result<Vec<(i64, Directory)>, Error> {
        let query = "SELECT id, directory FROM repository WHERE id > ?1 ORDER BY id";
        let mut rows = Vec::new();
        self.connection.each(query, values![after], |row| {
            rows.push((row.get("id")?, row.word("directory")?));
            Ok(if rows.len() < most { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
        })?;
        Ok(rows)
    }
}
