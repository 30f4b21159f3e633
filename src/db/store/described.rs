//! What a file of the hub says about owners and repositories: their rows with rules, checks and grants.

use std::collections::BTreeMap;

use super::account::{COLUMNS as OWNER_COLUMNS, OwnerKind, OwnerRow, owner_row};
use super::list::Each;
use super::repository::{COLUMNS as REPOSITORY_COLUMNS, RepositoryRow, repository_row};
use crate::access::RepositoryFacts;
use crate::access::rule::{GranteeRow, NamedGrantee, PathRule, PathRules, Rule, ShownAs, Verdict, Who};
use crate::content::{CheckValue, CheckValues, ContentCheck};
use crate::db::engine::{Row, values};
use crate::db::rules::{Names, stored_checks, stored_rules};
use crate::db::session::repository_facts;
use crate::db::{Error, View};
use crate::name::{Owner, RepoPath};

/// The rules and checks of one scope.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ScopeSettings {
    /// The rules in their order, without users who were removed. A rule for removed users alone is `None`: it concerns
    /// no identity.
    pub rules: Vec<Option<Rule<NamedGrantee>>>,
    /// The checks with a value.
    pub checks: CheckValues,
    /// The rules of the check `path`, without users who were removed. There are none unless it has rules.
    pub paths: PathRules<NamedGrantee>,
}

impl ScopeSettings {
    /// The value of a check, with the names of users and teams.
    #[must_use]
    pub fn shown(&self, check: ContentCheck) -> Option<String> {
        Some(match self.checks.get(check)? {
            // Rules for removed users alone deny nothing.
            CheckValue::Paths(_) if self.paths.rules.is_empty() => CheckValue::Off.to_string(),
            CheckValue::Paths(_) => self.paths.to_string(),
            value => value.shown(),
        })
    }
}

/// An owner with its settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DescribedOwner {
    /// The owner.
    pub row: OwnerRow,
    /// Rules and checks.
    pub settings: ScopeSettings,
}

/// A repository with its settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DescribedRepository {
    /// The repository.
    pub row: RepositoryRow,
    /// The account that created it, unless that was removed.
    pub created_by: Option<Owner>,
    /// Rules and checks.
    pub settings: ScopeSettings,
    /// Whether it has collaborators. Most repositories have none, and need no second question.
    pub has_collaborators: bool,
    /// Whether it has deploy keys, removed or not.
    pub has_deploy_keys: bool,
}

const ALL_REPOSITORIES: &str = "o.folded > '' AND r.folded IS NOT NULL ORDER BY o.folded, r.kind, r.folded";
const ALL_OWNERS: &str = "o.kind = ?1 AND o.folded > '' AND o.team_of IS NULL ORDER BY o.folded";

/// The statement for the repositories that match a condition, with their settings.
fn repository_statement(filter: &str) -> String {
    let more = "r.owner_id, r.rules, r.checks, c.name AS creator,
        EXISTS (SELECT 1 FROM collaborator x WHERE x.repository_id = r.id) AS has_collaborators,
        EXISTS (SELECT 1 FROM key k WHERE k.repository_id = r.id) AS has_deploy_keys,";
    let columns = REPOSITORY_COLUMNS.replacen("SELECT", &format!("SELECT {more}"), 1);
    format!("{columns} LEFT JOIN owner c ON c.id = r.created_by AND c.folded IS NOT NULL WHERE {filter}")
}

fn owner_statement(filter: &str) -> String {
    format!("{} WHERE {filter}", OWNER_COLUMNS.replacen("SELECT", "SELECT o.rules, o.checks,", 1))
}

impl View<'_> {
    /// The rules and checks of the hub.
    ///
    /// # Errors
    /// [`Error`].
    pub fn described_hub(&self) -> Result<ScopeSettings, Error> {
        let query = "SELECT rules, checks FROM hubgate WHERE id = 1";
        let settings = self.connection.first(query, &[], |row| self.settings(row, None))?;
        settings.ok_or(Error::NoVersion)
    }

    /// An owner with its settings.
    ///
    /// # Errors
    /// [`Error`].
    pub fn described_owner(&self, name: &Owner) -> Result<Option<DescribedOwner>, Error> {
        let read = |row: &Row<'_>| self.described_owner_row(row);
        self.connection.first(&owner_statement("o.folded = ?1"), values![&name.folded()], read)
    }

    /// The owners of a kind with their settings, by name.
    ///
    /// # Errors
    /// [`Error`].
    pub fn described_owners(&self, kind: OwnerKind, each: Each<'_, DescribedOwner>) -> Result<(), Error> {
        let query = owner_statement(ALL_OWNERS);
        self.connection.each(&query, values![kind.as_str()], |row| Ok(each(self.described_owner_row(row)?)))
    }

    /// A repository with its settings.
    ///
    /// # Errors
    /// [`Error`].
    pub fn described_repository(&self, path: &RepoPath) -> Result<Option<DescribedRepository>, Error> {
        let query = repository_statement("o.folded = ?1 AND r.kind = ?2 AND r.folded = ?3");
        let values = (path.owner.folded(), path.kind.as_str(), path.name.folded());
        let read = |row: &Row<'_>| self.described_repository_row(row);
        self.connection.first(&query, values![&values.0, values.1, &values.2], read)
    }

    /// All repositories with their settings, by owner, kind and name.
    ///
    /// # Errors
    /// [`Error`].
    pub fn described_repositories(&self, each: Each<'_, DescribedRepository>) -> Result<(), Error> {
        let query = repository_statement(ALL_REPOSITORIES);
        self.connection.each(&query, &[], |row| Ok(each(self.described_repository_row(row)?)))
    }

    /// The facts that decide at a second about the access of an account to a repository, both given by their rows.
    /// `None` if the repository was removed.
    ///
    /// # Errors
    /// [`Error`].
    pub fn facts_of(&self, repository: i64, account: i64, now: i64) -> Result<Option<RepositoryFacts>, Error> {
        let query = format!(
            "SELECT r.owner_id, r.created_by, r.gate, r.gate_members, r.frozen,
                {visibility} AS visibility,
                m.role, m.until AS role_until, c.role AS collaborator, c.until AS collaborator_until,
                g.state AS gate_state, g.until AS gate_until, {team} AS team
             FROM repository r
             LEFT JOIN member m ON m.organization_id = r.owner_id AND m.user_id = ?2
             LEFT JOIN collaborator c ON c.repository_id = r.id AND c.user_id = ?2
             LEFT JOIN gate_request g ON g.repository_id = r.id AND g.user_id = ?2
             WHERE r.id = ?1 AND r.folded IS NOT NULL",
            visibility = visibility_column!(),
            team = team_column!("?2", "?3")
        );
        let read = |row: &Row<'_>| repository_facts(row, repository, Some(account));
        self.connection.first(&query, values![repository, account, now], read)
    }

    /// The rows of the accounts that have a grant of their own on a repository: as owner, by a role, as collaborator or
    /// by a request. Members of teams are among the members of the organization.
    ///
    /// # Errors
    /// [`Error`].
    pub fn grantees(&self, repository: i64) -> Result<Vec<i64>, Error> {
        let query = "SELECT o.id AS user FROM repository r JOIN owner o ON o.id = r.owner_id
             WHERE r.id = ?1 AND o.kind = 'user'
             UNION SELECT m.user_id FROM repository r JOIN member m ON m.organization_id = r.owner_id WHERE r.id = ?1
             UNION SELECT c.user_id FROM collaborator c JOIN owner u ON u.id = c.user_id
                 WHERE c.repository_id = ?1 AND u.team_of IS NULL
             UNION SELECT user_id FROM gate_request WHERE repository_id = ?1";
        self.connection.query(query, values![repository], |row| row.get("user"))
    }

    /// The last path of a repository, given by its row, also if it was removed.
    ///
    /// # Errors
    /// [`Error`].
    pub fn last_path(&self, repository: i64) -> Result<RepoPath, Error> {
        let query = format!("{REPOSITORY_COLUMNS} WHERE r.id = ?1");
        let row = self.connection.first(&query, values![repository], repository_row)?;
        row.map(|row| row.path).ok_or_else(|| Error::Value("repository".to_owned()))
    }

    fn described_owner_row(&self, row: &Row<'_>) -> Result<DescribedOwner, Error> {
        let owner = owner_row(row)?;
        Ok(DescribedOwner { settings: self.settings(row, Some(owner.id))?, row: owner })
    }

    fn described_repository_row(&self, row: &Row<'_>) -> Result<DescribedRepository, Error> {
        Ok(DescribedRepository {
            row: repository_row(row)?,
            created_by: row.optional_word("creator")?,
            settings: self.settings(row, Some(row.get("owner_id")?))?,
            has_collaborators: row.get("has_collaborators")?,
            has_deploy_keys: row.get("has_deploy_keys")?,
        })
    }

    /// The rules and checks of a scope. `owner` is the row of the owner whose teams count.
    fn settings(&self, row: &Row<'_>, owner: Option<i64>) -> Result<ScopeSettings, Error> {
        let rules = stored_rules(row, "rules")?;
        let rules = rules.into_iter().map(|rule| self.of_present_users(rule, owner)).collect::<Result<_, Error>>()?;
        let checks = stored_checks(row, "checks")?;
        let paths = match checks.paths() {
            Some(paths) => self.paths_of_present_users(paths, owner)?,
            None => PathRules::default(),
        };
        Ok(ScopeSettings { rules, checks, paths })
    }

    /// The rule without users and teams who were removed; `None` if it had no others.
    fn of_present_users(
        &self,
        mut rule: Rule<GranteeRow>,
        owner: Option<i64>,
    ) -> Result<Option<Rule<NamedGrantee>>, Error> {
        let mut names = BTreeMap::new();
        rule.who = self.present_names(rule.verdict, &rule.who, owner, &mut names)?;
        if rule.who.is_empty() {
            return Ok(None);
        }
        rule.with_names(|row| self.named_grantee(*row, owner, &mut names)).map(Some)
    }

    /// The rules for paths without users and teams who were removed, and without rules that had no others.
    fn paths_of_present_users(
        &self,
        paths: &PathRules<GranteeRow>,
        owner: Option<i64>,
    ) -> Result<PathRules<NamedGrantee>, Error> {
        let (mut names, mut present) = (BTreeMap::new(), Vec::new());
        for rule in &paths.rules {
            let who = self.present_names(rule.verdict, &rule.who, owner, &mut names)?;
            if !who.is_empty() {
                present.push(PathRule { who, ..rule.clone() });
            }
        }
        let present = PathRules { by_ref: paths.by_ref, rules: present };
        present.with_names(|row| self.named_grantee(*row, owner, &mut names))
    }

    /// The names of a rule without users and teams who were removed. If the rule denies, a team that is gone becomes
    /// everyone.
    fn present_names(
        &self,
        verdict: Verdict,
        who: &[Who<GranteeRow>],
        owner: Option<i64>,
        names: &mut Names,
    ) -> Result<Vec<Who<GranteeRow>>, Error> {
        let mut present = Vec::new();
        for who in who {
            present.push(match who {
                Who::Named(row) => match (self.named_grantee(*row, owner, names)?.shown, row, verdict) {
                    (ShownAs::Gone | ShownAs::Foreign, GranteeRow::Team(_), Verdict::Deny) => Who::Everyone,
                    (ShownAs::Gone | ShownAs::Foreign, ..) => continue,
                    (ShownAs::Name | ShownAs::Hidden, GranteeRow::User(id), _) if !self.is_present(*id)? => continue,
                    (ShownAs::Name | ShownAs::Hidden, ..) => who.clone(),
                },
                Who::Role(_) | Who::DeployKeys | Who::Everyone => who.clone(),
            });
        }
        Ok(present)
    }

    fn is_present(&self, account: i64) -> Result<bool, Error> {
        let query = "SELECT 1 AS one FROM owner WHERE id = ?1 AND folded IS NOT NULL";
        Ok(self.connection.first(query, values![account], |_| Ok::<_, Error>(()))?.is_some())
    }
}

/// The statements of the lists, each with the beginning of its plan.
#[cfg(test)]
pub(super) fn statements() -> [(String, &'static str); 2] {
    [
        (repository_statement(ALL_REPOSITORIES), "SEARCH o USING INDEX sqlite_autoindex_owner_1 (folded>?)"),
        (owner_statement(ALL_OWNERS), "SEARCH o USING INDEX sqlite_autoindex_owner_1 (folded>?)"),
    ]
}
