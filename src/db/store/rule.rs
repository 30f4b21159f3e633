//! Rules for refs: those of the hub, of an owner, and of a repository.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::list::Each;
use super::team::TeamRow;
use super::{Change, ChangeError};
use crate::access::rule::{GranteeRow, NamedGrantee, Pattern, Rule, Rules, Who, is_protection, protection};
use crate::db::engine::{Connection, values};
use crate::db::rules::{StoredRules, stored_checks, stored_rules};
use crate::db::{Error, View};
use crate::name::{Grantee, HubScope, RepoPath, TeamPath};

/// The most rules of one scope.
pub const MOST: usize = 1_000;
/// The audit event of an import of rules from another server.
const IMPORTED: &str = "rule.import";

/// A rule and its number in its scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NumberedRule {
    /// From 1 on, in the order in which the rules are asked.
    pub number: usize,
    /// The rule.
    pub rule: Rule<NamedGrantee>,
}

/// The row that has the rules and checks of a scope.
pub(super) struct Place {
    /// The scope with the present names.
    pub(super) scope: HubScope,
    pub(super) id: i64,
    /// The row of its owner, whose teams its rules can name. The hub has none.
    pub(super) owner: Option<i64>,
}

impl Place {
    fn read(&self, connection: Connection<'_>) -> Result<StoredRules, Error> {
        let query = match self.scope {
            HubScope::Hub => "SELECT rules FROM hubgate WHERE id = ?1",
            HubScope::Owner(_) => "SELECT rules FROM owner WHERE id = ?1",
            HubScope::Repository(_) => "SELECT rules FROM repository WHERE id = ?1",
        };
        let rules = connection.first(query, values![self.id], |row| stored_rules(row, "rules"))?;
        rules.ok_or_else(|| Error::Value("rules".to_owned()))
    }

    fn write(&self, connection: Connection<'_>, rules: StoredRules) -> Result<(), Error> {
        let query = match self.scope {
            HubScope::Hub => "UPDATE hubgate SET rules = ?2 WHERE id = ?1",
            HubScope::Owner(_) => "UPDATE owner SET rules = ?2 WHERE id = ?1",
            HubScope::Repository(_) => "UPDATE repository SET rules = ?2 WHERE id = ?1",
        };
        let text = (!rules.is_empty()).then(|| Rules(rules).to_string());
        connection.execute(query, values![self.id, text.as_ref()])?;
        Ok(())
    }

    fn no_rule(&self, number: usize) -> ChangeError {
        ChangeError::NotFound(format!("rule {number} of {}", self.scope.phrase()))
    }
}

impl View<'_> {
    pub(super) fn place(&self, scope: &HubScope) -> Result<Place, ChangeError> {
        Ok(match scope {
            HubScope::Hub => Place { scope: HubScope::Hub, id: 1, owner: None },
            HubScope::Owner(owner) => {
                let row = self.owner(owner)?;
                Place { scope: HubScope::Owner(row.name), id: row.id, owner: Some(row.id) }
            }
            HubScope::Repository(path) => {
                let row = self.repository(path)?;
                let owner = Some(self.owner(&row.path.owner)?.id);
                Place { scope: HubScope::Repository(row.path), id: row.id, owner }
            }
        })
    }

    /// The scope with the present names of owner and repository.
    ///
    /// # Errors
    /// [`ChangeError::NotFound`], or the database's.
    pub fn present_scope(&self, scope: &HubScope) -> Result<HubScope, ChangeError> {
        Ok(self.place(scope)?.scope)
    }

    /// The row of the owner whose teams rules and checks of a scope can name. The hub has none.
    ///
    /// # Errors
    /// [`ChangeError::NotFound`], or the database's.
    pub fn owner_of_scope(&self, scope: &HubScope) -> Result<Option<i64>, ChangeError> {
        Ok(self.place(scope)?.owner)
    }

    /// The scopes whose rules for refs or for paths name a team: its organization, and repositories of it.
    ///
    /// # Errors
    /// [`Error`].
    pub fn scopes_naming(&self, team: &TeamRow) -> Result<Vec<HubScope>, Error> {
        let query = "SELECT o.name AS owner, NULL AS kind, NULL AS name, '' AS folded, o.rules, o.checks
                     FROM owner o WHERE o.id = ?1
                     UNION ALL SELECT o.name, r.kind, r.name, r.folded, r.rules, r.checks
                     FROM repository r JOIN owner o ON o.id = r.owner_id
                     WHERE r.owner_id = ?1 AND r.folded IS NOT NULL
                     ORDER BY kind, folded";
        let is_team = |who: &Who<GranteeRow>| *who == Who::Named(GranteeRow::Team(team.id));
        let scopes = self.connection.query(query, values![team.organization], |row| {
            let (rules, checks) = (stored_rules(row, "rules")?, stored_checks(row, "checks")?);
            let of_paths =
                checks.paths().is_some_and(|rules| rules.rules.iter().any(|rule| rule.who.iter().any(is_team)));
            if !of_paths && !rules.iter().any(|rule| rule.who.iter().any(is_team)) {
                return Ok(None);
            }
            let owner = row.word("owner")?;
            Ok(Some(match row.optional_word("kind")? {
                Some(kind) => HubScope::Repository(RepoPath { kind, owner, name: row.word("name")? }),
                None => HubScope::Owner(owner),
            }))
        })?;
        Ok(scopes.into_iter().flatten().collect())
    }

    /// The rules of a scope in their order. Begins behind the number `after`.
    ///
    /// # Errors
    /// [`ChangeError::NotFound`], or the database's.
    pub fn rules_of(&self, scope: &HubScope, after: usize, each: Each<'_, NumberedRule>) -> Result<(), ChangeError> {
        let place = self.place(scope)?;
        let stored = place.read(self.connection)?;
        let named = self.named(&stored, place.owner, &mut BTreeMap::new())?;
        for (rule, number) in named.into_iter().zip(1..).skip(after) {
            if each(NumberedRule { number, rule }).is_break() {
                break;
            }
        }
        Ok(())
    }
}

impl Change<'_> {
    /// Adds a rule at the end of its scope, or before the rule that has the number `at` now.
    ///
    /// # Errors
    /// [`ChangeError`].
    pub fn add_rule(
        &self,
        scope: &HubScope,
        rule: &Rule<Grantee>,
        at: Option<usize>,
    ) -> Result<NumberedRule, ChangeError> {
        let place = self.place(scope)?;
        let mut rules = place.read(self.connection)?;
        let index = match at {
            Some(number) if number == 0 || number > rules.len() => return Err(place.no_rule(number)),
            Some(number) => number - 1,
            None => rules.len(),
        };
        let rule = self.with_rows(&place, rule)?;
        rules.insert(index, rule.clone());
        self.store_rules(&place, rules)?;
        self.audit_rule("rule.add", &place, index + 1, &rule, json!({}))
    }

    /// Removes a rule.
    ///
    /// # Errors
    /// [`ChangeError::NotFound`], or the database's.
    pub fn remove_rule(&self, scope: &HubScope, number: usize) -> Result<NumberedRule, ChangeError> {
        let place = self.place(scope)?;
        let mut rules = place.read(self.connection)?;
        let rule = take(&mut rules, number).ok_or_else(|| place.no_rule(number))?;
        self.store_rules(&place, rules)?;
        self.audit_rule("rule.remove", &place, number, &rule, json!({}))
    }

    /// Gives a rule another number.
    ///
    /// # Errors
    /// [`ChangeError::NotFound`] if one of the numbers is not in use, or the database's.
    pub fn move_rule(&self, scope: &HubScope, number: usize, to: usize) -> Result<NumberedRule, ChangeError> {
        let place = self.place(scope)?;
        let mut rules = place.read(self.connection)?;
        if to == 0 || to > rules.len() {
            return Err(place.no_rule(to));
        }
        let rule = take(&mut rules, number).ok_or_else(|| place.no_rule(number))?;
        rules.insert(to - 1, rule.clone());
        self.store_rules(&place, rules)?;
        self.audit_rule("rule.move", &place, to, &rule, json!({ "before": number }))
    }

    /// Protects branches of a repository by rules, which come first. They replace those of an earlier protection of the
    /// same branches.
    ///
    /// # Errors
    /// [`ChangeError`].
    pub fn protect(
        &self,
        path: &RepoPath,
        branches: &Pattern,
        update: &[Who<Grantee>],
    ) -> Result<Vec<NumberedRule>, ChangeError> {
        let place = self.place(&HubScope::Repository(path.clone()))?;
        let added = protection(branches, update);
        let added = added.iter().map(|rule| self.with_rows(&place, rule)).collect::<Result<Vec<_>, _>>()?;
        let stored = place.read(self.connection)?;
        let others = stored.into_iter().filter(|rule| !is_protection(rule, branches));
        self.store_rules(&place, added.iter().cloned().chain(others).collect())?;
        self.audit("repo.protect", &place.scope.to_string(), &self.detail(&added, branches)?)?;
        let named = self.named(&added, place.owner, &mut BTreeMap::new())?;
        Ok(named.into_iter().zip(1..).map(|(rule, number)| NumberedRule { number, rule }).collect())
    }

    /// Removes the rules with which branches were protected. Returns their number.
    ///
    /// # Errors
    /// [`ChangeError::NotFound`] if there are none, or the database's.
    pub fn unprotect(&self, path: &RepoPath, branches: &Pattern) -> Result<usize, ChangeError> {
        let place = self.place(&HubScope::Repository(path.clone()))?;
        let (removed, others): (Vec<_>, Vec<_>) =
            place.read(self.connection)?.into_iter().partition(|rule| is_protection(rule, branches));
        if removed.is_empty() {
            return Err(ChangeError::NotFound(format!("protection of {branches} in {}", place.scope)));
        }
        self.store_rules(&place, others)?;
        self.audit("repo.unprotect", &place.scope.to_string(), &self.detail(&removed, branches)?)?;
        Ok(removed.len())
    }

    /// Replaces the rules of a repository by those of another server.
    ///
    /// # Errors
    /// [`ChangeError`].
    pub fn import_rules(&self, path: &RepoPath, rules: &[Rule<Grantee>]) -> Result<(), ChangeError> {
        let place = self.place(&HubScope::Repository(path.clone()))?;
        let rules = rules.iter().map(|rule| self.with_rows(&place, rule)).collect::<Result<Vec<_>, _>>()?;
        let detail = json!({ "rules": rules.len() });
        self.store_rules(&place, rules)?;
        self.audit(IMPORTED, &place.scope.to_string(), &detail)
    }

    /// The details of the audit row of a protection.
    fn detail(&self, rules: &[Rule<GranteeRow>], branches: &Pattern) -> Result<Value, Error> {
        let named = self.named(rules, None, &mut BTreeMap::new())?;
        let lines: Vec<String> = named.iter().map(ToString::to_string).collect();
        let users: Vec<String> = named.iter().flat_map(users).collect();
        Ok(json!({ "branches": branches.as_str(), "rules": lines, "users": users }))
    }

    fn audit_rule(
        &self,
        event: &str,
        place: &Place,
        number: usize,
        rule: &Rule<GranteeRow>,
        more: Value,
    ) -> Result<NumberedRule, ChangeError> {
        let named = self.named(std::slice::from_ref(rule), place.owner, &mut BTreeMap::new())?;
        let rule = named.into_iter().next().ok_or_else(|| place.no_rule(number))?;
        let mut detail =
            json!({ "number": number, "rule": rule.to_string(), "users": users(&rule).collect::<Vec<_>>() });
        if let (Some(fields), Value::Object(more)) = (detail.as_object_mut(), more) {
            fields.extend(more);
        }
        self.audit(event, &place.scope.to_string(), &detail)?;
        Ok(NumberedRule { number, rule })
    }

    /// The rule with the rows of its users and teams.
    fn with_rows(&self, place: &Place, rule: &Rule<Grantee>) -> Result<Rule<GranteeRow>, ChangeError> {
        if rule.is_final && matches!(place.scope, HubScope::Repository(_)) {
            let why = "a rule of a repository cannot be final: give it to its owner or to the hub";
            return Err(ChangeError::Conflict(why.to_owned()));
        }
        rule.with_names(|name| self.row_in(&place.scope, name))
    }

    /// The row of a user, or of a team that rules of a scope can name. Those of the hub name no team, because they also
    /// hold where the team means nothing.
    pub(super) fn row_in(&self, scope: &HubScope, name: &Grantee) -> Result<GranteeRow, ChangeError> {
        let team = match name {
            Grantee::User(user) => return Ok(GranteeRow::User(self.user(user)?.id)),
            Grantee::Team(team) => team,
        };
        check_team_in(scope, team)?;
        Ok(GranteeRow::Team(self.team(team)?.id))
    }

    fn store_rules(&self, place: &Place, rules: StoredRules) -> Result<(), ChangeError> {
        if rules.len() > MOST {
            return Err(ChangeError::Conflict(format!("{} would have more than {MOST} rules", place.scope.phrase())));
        }
        Ok(place.write(self.connection, rules)?)
    }
}

/// Rejects a team of another organization than the one to which a scope belongs.
///
/// # Errors
/// [`ChangeError::Conflict`]
pub fn check_team_in(scope: &HubScope, team: &TeamPath) -> Result<(), ChangeError> {
    let owner = match scope {
        HubScope::Hub => {
            let organization = &team.organization;
            let why = format!("a rule of the hub names no team: give it to {organization} or to a repository");
            return Err(ChangeError::Conflict(why));
        }
        HubScope::Owner(owner) => owner,
        HubScope::Repository(path) => &path.owner,
    };
    if team.organization.folded() == owner.folded() {
        return Ok(());
    }
    Err(ChangeError::Conflict(format!("rules of {} name only teams of {owner}", scope.phrase())))
}

/// The names of the users and teams in a rule.
fn users(rule: &Rule<NamedGrantee>) -> impl Iterator<Item = String> {
    rule.who.iter().filter_map(|who| match who {
        Who::Named(named) => Some(named.name.to_string()),
        Who::Role(_) | Who::DeployKeys | Who::Everyone => None,
    })
}

/// Takes out the rule with this number.
fn take(rules: &mut StoredRules, number: usize) -> Option<Rule<GranteeRow>> {
    let index = number.checked_sub(1).filter(|index| *index < rules.len())?;
    Some(rules.remove(index))
}
