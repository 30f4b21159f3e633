//! Rules for refs and checks of content, as a push asks for them.

use std::collections::BTreeMap;

use super::engine::{Row, values};
use super::{Error, View};
use crate::access::rule::{GranteeRow, KnownTeams, NamedGrantee, Rule, RuleSets, Rules, ShownAs, Who};
use crate::content::CheckValues;
use crate::name::{Grantee, TeamPath};

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
pub(super) type StoredRules = Vec<Rule<GranteeRow>>;

/// The users and teams of rules that were found.
pub(super) type Names = BTreeMap<GranteeRow, NamedGrantee>;

/// What a push into a repository is judged by, besides its rights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushSettings {
    /// The rules for refs.
    pub rules: RuleSets,
    /// The checks of the content.
    pub checks: CheckValues,
    /// The teams that rules and checks name.
    pub teams: KnownTeams,
}

impl View<'_> {
    /// The rules for the refs of a repository, given by its row and its owner's, and the checks of what is pushed
    /// there. A database of an older version has none of its own.
    ///
    /// `account` is the row of the account that pushes. Only if a rule names a team, it is asked for.
    ///
    /// # Errors
    /// [`Error`]. It never means that there are no rules.
    pub fn push_settings(
        &self,
        (repository, owner): (i64, i64),
        account: Option<i64>,
        now: i64,
    ) -> Result<PushSettings, Error> {
        let stored = self.connection.first(RULES, values![repository], |row| {
            let rules = [stored_rules(row, "hub")?, stored_rules(row, "owner")?, stored_rules(row, "repository")?];
            let checks = ["repository_checks", "owner_checks", "hub_checks"].map(|column| stored_checks(row, column));
            let [repository, owner, hub] = checks;
            Ok((rules, CheckValues::effective([&repository?, &owner?, &hub?])))
        });
        let Some(stored) = self.unless_older(SINCE, stored)? else {
            let none = CheckValues::default();
            let checks = CheckValues::effective([&none, &none, &none]);
            return Ok(PushSettings { rules: RuleSets::default(), checks, teams: KnownTeams::default() });
        };
        let ([hub, of_owner, repository], checks) = stored.ok_or(Error::NoVersion)?;
        let mut names = BTreeMap::new();
        let rules = RuleSets {
            hub: self.named(&hub, Some(owner), &mut names)?,
            owner: self.named(&of_owner, Some(owner), &mut names)?,
            repository: self.named(&repository, Some(owner), &mut names)?,
        };
        for rule in checks.paths().iter().flat_map(|rules| &rules.rules) {
            for who in &rule.who {
                if let Who::Named(row @ GranteeRow::Team(_)) = who {
                    self.named_grantee(*row, Some(owner), &mut names)?;
                }
            }
        }
        let mut teams = BTreeMap::new();
        for NamedGrantee { row, shown, .. } in names.values() {
            if let (GranteeRow::Team(team), ShownAs::Name) = (row, shown) {
                teams.insert(*team, self.is_in_team(*team, account, now)?);
            }
        }
        Ok(PushSettings { rules, checks, teams: KnownTeams(teams) })
    }

    /// Whether an account belongs to a team at a second, both given by their rows.
    fn is_in_team(&self, team: i64, account: Option<i64>, now: i64) -> Result<bool, Error> {
        let query = "SELECT 1 AS one FROM member WHERE organization_id = ?1 AND user_id = ?2
                     AND (until IS NULL OR until > ?3)";
        Ok(self.connection.first(query, values![team, account, now], |_| Ok::<_, Error>(()))?.is_some())
    }

    /// The rules of a scope with the present names of their users and teams. `owner` is the row of the owner whose
    /// teams count; without one, those of all do. `names` keeps what was found.
    pub(super) fn named(
        &self,
        rules: &[Rule<GranteeRow>],
        owner: Option<i64>,
        names: &mut Names,
    ) -> Result<Vec<Rule<NamedGrantee>>, Error> {
        rules.iter().map(|rule| rule.with_names(|row| self.named_grantee(*row, owner, names))).collect()
    }

    pub(super) fn named_grantee(
        &self,
        row: GranteeRow,
        owner: Option<i64>,
        names: &mut Names,
    ) -> Result<NamedGrantee, Error> {
        if let Some(named) = names.get(&row) {
            return Ok(named.clone());
        }
        // The row of a removed account or team keeps its name.
        let named = match row {
            GranteeRow::User(id) => {
                let query = "SELECT name FROM owner WHERE id = ?1";
                self.connection.first(query, values![id], |found| {
                    Ok(NamedGrantee { row, name: Grantee::User(found.word("name")?), shown: ShownAs::Name })
                })
            }
            GranteeRow::Team(id) => {
                let query = "SELECT o.name AS organization, t.name, t.team_of, t.folded FROM owner t
                             JOIN owner o ON o.id = t.team_of WHERE t.id = ?1";
                self.connection.first(query, values![id], |found| {
                    let name = Grantee::Team(TeamPath {
                        organization: found.word("organization")?,
                        name: found.word("name")?,
                    });
                    let team_of = found.get::<i64>("team_of")?;
                    let is_of_owner = owner.is_none_or(|owner| owner == team_of);
                    let shown = match (is_of_owner, found.get::<Option<String>>("folded")?) {
                        (true, Some(_)) => ShownAs::Name,
                        (true, None) => ShownAs::Gone,
                        (false, _) => ShownAs::Foreign,
                    };
                    Ok(NamedGrantee { row, name, shown })
                })
            }
        };
        let named = named?.ok_or_else(|| Error::Value("rules".to_owned()))?;
        names.insert(row, named.clone());
        Ok(named)
    }

    /// Returns an answer, or `None` if the answer is an error and the schema is older than the version `since`. Such a
    /// schema lacks a column or a table that the question names.
    pub(super) fn unless_older<T>(&self, since: i64, answer: Result<T, Error>) -> Result<Option<T>, Error> {
        match answer {
            // The first error says more than one of the second statement.
            Err(_) if self.version().is_ok_and(|version| version < since) => Ok(None),
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
    Ok(row.optional_word::<Rules<GranteeRow>>(column)?.map_or_else(Vec::new, |rules| rules.0))
}

/// The values in a column; none if it is NULL.
pub(super) fn stored_checks(row: &Row<'_>, column: &str) -> Result<CheckValues, Error> {
    Ok(row.optional_word(column)?.unwrap_or_default())
}
