//! Rules for refs: those of the hub, of an owner, and of a repository.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::list::Each;
use super::{Change, ChangeError};
use crate::access::rule::{AccountRow, NamedUser, Pattern, Rule, Rules, Who, is_protection, protection};
use crate::db::engine::{Connection, values};
use crate::db::rules::{StoredRules, stored_rules};
use crate::db::{Error, View};
use crate::name::{HubScope, Owner, RepoPath};

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
    pub rule: Rule<NamedUser>,
}

/// The row that has the rules and checks of a scope.
pub(super) struct Place {
    /// The scope with the present names.
    pub(super) scope: HubScope,
    pub(super) id: i64,
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
            HubScope::Hub => Place { scope: HubScope::Hub, id: 1 },
            HubScope::Owner(owner) => {
                let row = self.owner(owner)?;
                Place { scope: HubScope::Owner(row.name), id: row.id }
            }
            HubScope::Repository(path) => {
                let row = self.repository(path)?;
                Place { scope: HubScope::Repository(row.path), id: row.id }
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

    /// The rules of a scope in their order. Begins behind the number `after`.
    ///
    /// # Errors
    /// [`ChangeError::NotFound`], or the database's.
    pub fn rules_of(&self, scope: &HubScope, after: usize, each: Each<'_, NumberedRule>) -> Result<(), ChangeError> {
        let stored = self.place(scope)?.read(self.connection)?;
        let named = self.named(&stored, &mut BTreeMap::new())?;
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
        rule: &Rule<Owner>,
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
        update: &[Who<Owner>],
    ) -> Result<Vec<NumberedRule>, ChangeError> {
        let place = self.place(&HubScope::Repository(path.clone()))?;
        let added = protection(branches, update);
        let added = added.iter().map(|rule| self.with_rows(&place, rule)).collect::<Result<Vec<_>, _>>()?;
        let stored = place.read(self.connection)?;
        let others = stored.into_iter().filter(|rule| !is_protection(rule, branches));
        self.store_rules(&place, added.iter().cloned().chain(others).collect())?;
        self.audit("repo.protect", &place.scope.to_string(), &self.detail(&added, branches)?)?;
        let named = self.named(&added, &mut BTreeMap::new())?;
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
    pub fn import_rules(&self, path: &RepoPath, rules: &[Rule<Owner>]) -> Result<(), ChangeError> {
        let place = self.place(&HubScope::Repository(path.clone()))?;
        let rules = rules.iter().map(|rule| self.with_rows(&place, rule)).collect::<Result<Vec<_>, _>>()?;
        let detail = json!({ "rules": rules.len() });
        self.store_rules(&place, rules)?;
        self.audit(IMPORTED, &place.scope.to_string(), &detail)
    }

    /// The details of the audit row of a protection.
    fn detail(&self, rules: &[Rule<AccountRow>], branches: &Pattern) -> Result<Value, Error> {
        let named = self.named(rules, &mut BTreeMap::new())?;
        let lines: Vec<String> = named.iter().map(ToString::to_string).collect();
        let users: Vec<&str> = named.iter().flat_map(users).collect();
        Ok(json!({ "branches": branches.as_str(), "rules": lines, "users": users }))
    }

    fn audit_rule(
        &self,
        event: &str,
        place: &Place,
        number: usize,
        rule: &Rule<AccountRow>,
        more: Value,
    ) -> Result<NumberedRule, ChangeError> {
        let named = self.named(std::slice::from_ref(rule), &mut BTreeMap::new())?;
        let rule = named.into_iter().next().ok_or_else(|| place.no_rule(number))?;
        let mut detail =
            json!({ "number": number, "rule": rule.to_string(), "users": users(&rule).collect::<Vec<_>>() });
        if let (Some(fields), Value::Object(more)) = (detail.as_object_mut(), more) {
            fields.extend(more);
        }
        self.audit(event, &place.scope.to_string(), &detail)?;
        Ok(NumberedRule { number, rule })
    }

    /// The rule with the rows of its users.
    fn with_rows(&self, place: &Place, rule: &Rule<Owner>) -> Result<Rule<AccountRow>, ChangeError> {
        if rule.is_final && matches!(place.scope, HubScope::Repository(_)) {
            let why = "a rule of a repository cannot be final: give it to its owner or to the hub";
            return Err(ChangeError::Conflict(why.to_owned()));
        }
        rule.with_users(|user| Ok(AccountRow(self.user(user)?.id)))
    }

    fn store_rules(&self, place: &Place, rules: StoredRules) -> Result<(), ChangeError> {
        if rules.len() > MOST {
            return Err(ChangeError::Conflict(format!("{} would have more than {MOST} rules", place.scope.phrase())));
        }
        Ok(place.write(self.connection, rules)?)
    }
}

/// The names of the users in a rule.
fn users(rule: &Rule<NamedUser>) -> impl Iterator<Item = &str> {
    rule.who.iter().filter_map(|who| match who {
        Who::User(user) => Some(user.name.as_str()),
        Who::Role(_) | Who::DeployKeys | Who::Everyone => None,
    })
}

/// Takes out the rule with this number.
fn take(rules: &mut StoredRules, number: usize) -> Option<Rule<AccountRow>> {
    let index = number.checked_sub(1).filter(|index| *index < rules.len())?;
    Some(rules.remove(index))
}
