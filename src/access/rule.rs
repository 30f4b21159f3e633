//! Rules for refs: who may create, update, rewrite and delete which refs of a repository. No I/O here.
//!
//! A rule is one line: `[final] allow|deny ACTIONS PATTERN WHO…`. Text enters, from a command line or from the
//! database, and leaves as a type. The type of a user or a team in a rule is `U`: a name that was typed, a row in the
//! database, or both.

mod decision;
mod paths;
mod pattern;

use std::fmt::{self, Display};
use std::str::FromStr;

use super::CollaboratorRole;
use crate::name::Grantee;
use crate::word::words;

pub use decision::{
    AppliedRule, BadAppliedRule, KnownTeams, NamedGrantee, RefDecision, RuleSets, ShownAs, Subject, applied, decide_ref,
};
pub use paths::{BadPathRules, PathPattern, PathRule, PathRules};
pub use pattern::{BadPattern, Pattern};

/// The most names of one rule.
pub const WHO_MAX: usize = 64;
/// The longest pattern of a rule, in bytes: no ref has a longer name.
const PATTERN_MAX: usize = 255;
/// The word for every action.
const ALL: &str = "all";
/// The word before a rule that comes before the rules of narrower scopes.
const FINAL: &str = "final";
/// What the id of a user's row begins with. No name of an account does.
const ROW: &str = "#";
/// What the id of a team's row begins with. No name of a team does, because it has a `/`.
const TEAM_ROW: &str = "@#";

words! {
    /// Whether a rule allows or denies.
    pub enum Verdict {
        /// The first matching rule says that the push may change the ref.
        Allow = "allow",
        /// It says that the push may not.
        Deny = "deny",
    }
}

words! {
    /// What a push does to a ref.
    pub enum Action {
        /// The ref is new.
        Create = "create",
        /// The new commit contains the old one.
        Update = "update",
        /// Any other change of an existing ref.
        Force = "force",
        /// The ref is removed.
        Delete = "delete",
    }
}

impl Action {
    /// The word for a person, with its object.
    #[must_use]
    pub fn phrase(self) -> &'static str {
        match self {
            Self::Create => "create it",
            Self::Update => "update it",
            Self::Force => "rewrite it",
            Self::Delete => "delete it",
        }
    }
}

/// A set of actions that is not empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Actions(u8);

impl Actions {
    /// Every action.
    pub const ALL: Self = Self(0b1111);

    /// These actions.
    ///
    /// # Errors
    /// [`BadRule::Actions`] if there are none.
    pub fn of(actions: &[Action]) -> Result<Self, BadRule> {
        let bits = actions.iter().fold(0, |bits, action| bits | 1 << *action as u8);
        if bits == 0 { Err(BadRule::Actions) } else { Ok(Self(bits)) }
    }

    /// Whether an action is one of them.
    #[must_use]
    pub fn contains(self, action: Action) -> bool {
        self.0 & 1 << action as u8 != 0
    }
}

impl Display for Actions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::ALL {
            return f.write_str(ALL);
        }
        let mut separator = "";
        for action in Action::ALL.iter().filter(|action| self.contains(**action)) {
            write!(f, "{separator}{action}")?;
            separator = ",";
        }
        Ok(())
    }
}

impl FromStr for Actions {
    type Err = BadRule;

    fn from_str(text: &str) -> Result<Self, BadRule> {
        if text == ALL {
            return Ok(Self::ALL);
        }
        let actions: Result<Vec<Action>, _> = text.split(',').map(str::parse).collect();
        Self::of(&actions.map_err(|_| BadRule::Actions)?)
    }
}

/// An identity, or a group of them, that a rule concerns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who<U> {
    /// One account, or the members of a team.
    Named(U),
    /// Every identity with at least the access of this role on the repository.
    Role(CollaboratorRole),
    /// Every deploy key.
    DeployKeys,
    /// Every identity.
    Everyone,
}

impl<U> Who<U> {
    /// The name with `change` applied to the user or team.
    fn with_name<V, E>(&self, change: &mut impl FnMut(&U) -> Result<V, E>) -> Result<Who<V>, E> {
        Ok(match self {
            Self::Named(name) => Who::Named(change(name)?),
            Self::Role(role) => Who::Role(*role),
            Self::DeployKeys => Who::DeployKeys,
            Self::Everyone => Who::Everyone,
        })
    }
}

impl<U: Display> Display for Who<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named(name) => name.fmt(f),
            Self::Role(role) => write!(f, "@{role}"),
            Self::DeployKeys => f.write_str("@deploy-keys"),
            Self::Everyone => f.write_str("@everyone"),
        }
    }
}

impl<U: FromStr> FromStr for Who<U> {
    type Err = BadRule;

    fn from_str(text: &str) -> Result<Self, BadRule> {
        match text.strip_prefix('@') {
            Some("deploy-keys") => return Ok(Self::DeployKeys),
            Some("everyone") => return Ok(Self::Everyone),
            Some(word) => {
                if let Ok(role) = word.parse() {
                    return Ok(Self::Role(role));
                }
            }
            None => {}
        }
        text.parse().map(Self::Named).map_err(|_| BadRule::Who)
    }
}

/// Why a text is not a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadRule {
    /// A word is missing.
    #[error("a rule is: allow|deny ACTIONS PATTERN WHO [WHO...]")]
    Shape,
    /// Not the name of an action.
    #[error("the actions of a rule are create, update, force and delete, separated by commas, or all")]
    Actions,
    /// Not a pattern of refs.
    #[error(transparent)]
    Pattern(#[from] BadPattern),
    /// The pattern is too long.
    #[error("a pattern has at most {PATTERN_MAX} bytes")]
    Long,
    /// Not the name of a user, of a team or of a group.
    #[error("a rule names users, teams such as @acme/devs, @read, @write, @admin, @deploy-keys or @everyone")]
    Who,
    /// More names than allowed.
    #[error("a rule has at most {WHO_MAX} names")]
    Names,
}

/// A rule for refs.
///
/// Holding one tells you that its line is one line of words, and that its pattern can match a ref.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule<U> {
    /// Whether it comes before the rules of narrower scopes.
    pub is_final: bool,
    /// Allow or deny.
    pub verdict: Verdict,
    /// What it decides about.
    pub actions: Actions,
    /// Which refs.
    pub pattern: Pattern,
    /// The identities that it concerns.
    pub who: Vec<Who<U>>,
}

impl<U> Rule<U> {
    /// The same rule with other users and teams.
    ///
    /// # Errors
    /// Those of `change`.
    pub fn with_names<V, E>(&self, mut change: impl FnMut(&U) -> Result<V, E>) -> Result<Rule<V>, E> {
        let who = self.who.iter().map(|who| who.with_name(&mut change)).collect::<Result<_, E>>()?;
        let Self { is_final, verdict, actions, pattern, .. } = self;
        Ok(Rule { is_final: *is_final, verdict: *verdict, actions: *actions, pattern: pattern.clone(), who })
    }
}

impl<U: Display> Display for Rule<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { is_final, verdict, actions, pattern, who } = self;
        if *is_final {
            write!(f, "{FINAL} ")?;
        }
        write!(f, "{verdict} {actions} {pattern}")?;
        who.iter().try_for_each(|who| write!(f, " {who}"))
    }
}

impl<U: FromStr> FromStr for Rule<U> {
    type Err = BadRule;

    fn from_str(text: &str) -> Result<Self, BadRule> {
        let mut words = text.split(' ').filter(|word| !word.is_empty()).peekable();
        let is_final = words.next_if_eq(&FINAL).is_some();
        let mut word = || words.next().ok_or(BadRule::Shape);
        let verdict = word()?.parse().map_err(|_| BadRule::Shape)?;
        let actions = word()?.parse()?;
        let pattern = word()?;
        if pattern.len() > PATTERN_MAX {
            return Err(BadRule::Long);
        }
        let pattern = pattern.parse()?;
        let who: Vec<Who<U>> = words.map(str::parse).collect::<Result<_, _>>()?;
        match who.len() {
            0 => Err(BadRule::Shape),
            1..=WHO_MAX => Ok(Self { is_final, verdict, actions, pattern, who }),
            _ => Err(BadRule::Names),
        }
    }
}

/// The id of a row, as the database has it in a rule: it stays when the account or the team gets another name.
///
/// The text of a team's row is not one of a user's row, so that a program that does not know teams in rules refuses to
/// decide, instead of passing over a rule that denies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum GranteeRow {
    /// The row of an account.
    User(i64),
    /// The row of a team.
    Team(i64),
}

impl Display for GranteeRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(id) => write!(f, "{ROW}{id}"),
            Self::Team(id) => write!(f, "{TEAM_ROW}{id}"),
        }
    }
}

impl FromStr for GranteeRow {
    type Err = BadRule;

    fn from_str(text: &str) -> Result<Self, BadRule> {
        let id = |text: &str| text.parse().ok().filter(|id| *id > 0);
        let user = text.strip_prefix(ROW).and_then(id).map(Self::User);
        user.or_else(|| text.strip_prefix(TEAM_ROW).and_then(id).map(Self::Team)).ok_or(BadRule::Who)
    }
}

/// The rules of one scope as one text, a line each, in the order in which they are asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules<U>(pub Vec<Rule<U>>);

impl<U: Display> Display for Rules<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut end = "";
        self.0.iter().try_for_each(|rule| write!(f, "{}{rule}", std::mem::replace(&mut end, "\n")))
    }
}

impl<U: FromStr> FromStr for Rules<U> {
    type Err = BadRule;

    fn from_str(text: &str) -> Result<Self, BadRule> {
        text.split('\n').map(str::parse).collect::<Result<_, _>>().map(Self)
    }
}

/// The rules with which `repo protect` protects branches, in their order. Without `update`,
/// other rules decide about creating and updating.
#[must_use]
pub fn protection(branches: &Pattern, update: &[Who<Grantee>]) -> Vec<Rule<Grantee>> {
    let rule = |verdict, actions: &str, who: &[Who<Grantee>]| {
        let actions = actions.parse().unwrap_or(Actions::ALL);
        Rule { is_final: false, verdict, actions, pattern: branches.clone(), who: who.to_vec() }
    };
    let mut rules = vec![rule(Verdict::Deny, REWRITES, &[Who::Everyone])];
    if !update.is_empty() {
        rules.push(rule(Verdict::Allow, ADVANCES, update));
        rules.push(rule(Verdict::Deny, ADVANCES, &[Who::Everyone]));
    }
    rules
}

/// The actions that a protected branch does not allow.
const REWRITES: &str = "force,delete";
/// The actions for which a protected branch may have names.
const ADVANCES: &str = "create,update";

/// Whether `repo protect` can have written this rule, for these branches.
#[must_use]
pub fn is_protection<U: PartialEq>(rule: &Rule<U>, branches: &Pattern) -> bool {
    let Rule { is_final, verdict, actions, pattern, who } = rule;
    let is = |text: &str| text.parse() == Ok(*actions);
    let is_everyone = who.as_slice() == [Who::Everyone];
    let written = match verdict {
        Verdict::Deny => is_everyone && (is(REWRITES) || is(ADVANCES)),
        Verdict::Allow => is(ADVANCES),
    };
    written && !is_final && pattern == branches
}

#[cfg(test)]
mod tests;
