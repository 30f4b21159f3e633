//! Rules for refs and checks of content, as a push asks for them.

use std::collections::BTreeMap;

use super::engine::{Row, values};
use super::{Error, View};
use crate::access::rule::{AccountRow, NamedUser, Rule, RuleSets, Rules};
use crate::content::CheckValues;

/// The version of the schema from which on there are rules and checks.
const SINCE: i64 = 3;

/// The rules and checks of every scope of the repository with the row `?1`.
const RULES: &str = "
SELECT h.rules AS hub, o.rules AS owner, r.rules AS repository,
       h.checks AS hub_checks, o.checks AS owner_checks, r.checks AS repository_checks
FROM hubgate h
LEFT JOIN repository r ON r.id = ?1
LEFT JOIN owner o ON o.id = r.owner_id
WHERE h.id = 1";

/// Rules as the database has them.
pub(super) type StoredRules = Vec<Rule<AccountRow>>;

/// What a push into a repository is judged by, besides its rights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushSettings {
    /// The rules for refs.
    pub rules: RuleSets,
    /// The checks of the content.
    pub checks: CheckValues,
}

impl View<'_> {
    /// The rules for the refs of a repository, given by its row, and the checks of what is pushed there. A database of
    /// an older version has none of its own.
    ///
    /// # Errors
    /// [`Error`]. It never means that there are no rules.
    pub fn push_settings(&self, repository: i64) -> Result<PushSettings, Error> {
        let stored = self.connection.first(RULES, values![repository], |row| {
            let rules = [stored_rules(row, "hub")?, stored_rules(row, "owner")?, stored_rules(row, "repository")?];
            let checks = ["repository_checks", "owner_checks", "hub_checks"].map(|column| stored_checks(row, column));
            let [repository, owner, hub] = checks;
            Ok((rules, CheckValues::effective([&repository?, &owner?, &hub?])))
        });
        let Some(stored) = self.unless_older(SINCE, stored)? else {
            let none = CheckValues::default();
            let checks = CheckValues::effective([&none, &none, &none]);
            return Ok(PushSettings { rules: RuleSets::default(), checks });
        };
        let ([hub, owner, repository], checks) = stored.ok_or(Error::NoVersion)?;
        let mut names = BTreeMap::new();
        let rules = RuleSets {
            hub: self.named(&hub, &mut names)?,
            owner: self.named(&owner, &mut names)?,
            repository: self.named(&repository, &mut names)?,
        };
        Ok(PushSettings { rules, checks })
    }

    /// The rules with the present names of their users. `names` keeps what was found.
    pub(super) fn named(
        &self,
        rules: &[Rule<AccountRow>],
        names: &mut BTreeMap<i64, NamedUser>,
    ) -> Result<Vec<Rule<NamedUser>>, Error> {
        rules.iter().map(|rule| rule.with_users(|row| self.named_user(*row, names))).collect()
    }

    pub(super) fn named_user(&self, row: AccountRow, names: &mut BTreeMap<i64, NamedUser>) -> Result<NamedUser, Error> {
        if let Some(user) = names.get(&row.0) {
            return Ok(user.clone());
        }
        // The row of a removed account keeps its name.
        let query = "SELECT name FROM owner WHERE id = ?1";
        let name = self.connection.first(query, values![row.0], |row| row.word("name"))?;
        let user = NamedUser { id: row.0, name: name.ok_or_else(|| Error::Value("rules".to_owned()))? };
        names.insert(row.0, user.clone());
        Ok(user)
    }

    /// Returns an answer, or `None` if the answer is an error and the schema is older than the version `since`. Such a
    /// schema lacks a column or a table that the question names.
    pub(super) fn unless_older<T>(&self, since: i64, answer: Result<T, Error>) -> Result<Option<T>, Error> {
        match answer {
            Err(_) if self.version()? < since => Ok(None),
            answer => answer.map(Some),
        }
    }

    /// The version of the schema.
    fn version(&self) -> Result<i64, Error> {
        let query = "SELECT version FROM hubgate WHERE id = 1";
        self.connection.first(query, &[], |row| row.get("version"))?.ok_or(Error::NoVersion)
    }

    /// How SQLite would run the statement, one line a step.
    #[cfg(test)]
    pub(super) fn plan_of_rules(&self) -> Result<Vec<String>, Error> {
        self.connection.plan(RULES)
    }
}

/// The rules in a column; none if it is NULL.
pub(super) fn stored_rules(row: &Row<'_>, column: &str) -> Result<StoredRules, Error> {
    Ok(row.optional_word::<Rules<AccountRow>>(column)?.map_or_else(Vec::new, |rules| rules.0))
}

/// The values in a column; none if it is NULL.
pub(super) fn stored_checks(row: &Row<'_>, column: &str) -> Result<CheckValues, Error> {
    Ok(row.optional_word(column)?.unwrap_or_default())
}
