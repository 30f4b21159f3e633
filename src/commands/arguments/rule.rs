//! The arguments about rules for refs.

use clap::Args;

use super::words;
use crate::access::rule::{Action, BadPattern, BadRule, Pattern, Rule, Who};
use crate::commands::Refused;
use crate::name::{Grantee, HubScope, RepoPath};

/// Add a rule for refs.
///
/// The first rule that names the account, the action and the ref decides. First come the final rules of the hub and of
/// the owner, then the rules of the repository, then the others of the owner and of the hub. Without a rule, write
/// access is enough for every action.
#[derive(Debug, Clone, Args)]
pub struct AddRule {
    /// OWNER/NAME for one repository, OWNER for all of an owner, or hub for all repositories. An owner named hub is
    /// written hub/.
    pub scope: HubScope,
    /// `allow` or `deny`; actions; a pattern; and one or more names.
    ///
    /// Actions are create, update (the new commit contains the old one), force (any other change of a ref) and delete,
    /// with commas between them, or all. A pattern is the full name of refs: * stands for any characters of one level,
    /// ** for any levels, and {user} for the name of the account that pushes. Names are users, teams of the
    /// organization that owns the repository, such as @acme/devs, @read, @write and @admin for everyone with at least
    /// this access, @deploy-keys, and @everyone. Rules of the hub name no teams.
    #[arg(required = true, value_name = "RULE")]
    pub rule: Vec<String>,
    /// Put the rule before the rule that has this number. Default: at the end.
    #[arg(long, value_name = "NUMBER", value_parser = rule_number())]
    pub at: Option<u16>,
    /// Ask the rule before those of narrower scopes, so that none of them softens it. Only for owners and the hub.
    #[arg(long = "final")]
    pub is_final: bool,
}

impl AddRule {
    /// The rule that the words say.
    pub(in crate::commands) fn rule(&self) -> Result<Rule<Grantee>, Refused> {
        let rule: Rule<Grantee> =
            self.rule.join(" ").parse().map_err(|error: BadRule| Refused::Usage(error.to_string()))?;
        Ok(Rule { is_final: rule.is_final || self.is_final, ..rule })
    }
}

/// A rule, by its number in its scope.
#[derive(Debug, Clone, Args)]
pub struct OfScope {
    /// OWNER/NAME, OWNER or hub.
    pub scope: HubScope,
    /// The number of the rule, as `rule list` shows it.
    #[arg(value_parser = rule_number())]
    pub number: u16,
}

/// Give a rule another place among the rules of its scope.
#[derive(Debug, Clone, Args)]
pub struct MoveRule {
    /// The rule.
    #[command(flatten)]
    pub rule: OfScope,
    /// Its new number.
    #[arg(value_parser = rule_number())]
    pub to: u16,
}

fn rule_number() -> clap::builder::RangedI64ValueParser<u16> {
    clap::value_parser!(u16).range(1..)
}

/// Branches, as people name them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Branches(pub Pattern);

impl std::str::FromStr for Branches {
    type Err = BadPattern;

    /// Accepts `refs/heads/main` as `main`.
    fn from_str(text: &str) -> Result<Self, BadPattern> {
        let name = text.strip_prefix("refs/heads/").unwrap_or(text);
        format!("refs/heads/{name}").parse().map(Self)
    }
}

/// Protect branches: they cannot be rewritten or deleted.
///
/// The rules of the protection come before the other rules of the repository. They replace those of an earlier
/// protection of the same branches.
#[derive(Debug, Clone, Args)]
pub struct Protect {
    /// The repository.
    pub path: RepoPath,
    /// The branch, or several by the wildcards * (one level) and ** (any levels).
    pub branch: Branches,
    /// Only these may create or update the branch, such as @admin, @acme/devs or the name of a user. Can be repeated.
    #[arg(long, value_name = "WHO")]
    pub update: Vec<Who<Grantee>>,
}

/// End the protection of branches. Other rules stay.
#[derive(Debug, Clone, Args)]
pub struct Unprotect {
    /// The repository.
    pub path: RepoPath,
    /// The branch, as it was protected.
    pub branch: Branches,
}

/// A change of a ref, about which names and rules decide.
#[derive(Debug, Clone, Default, Args)]
pub struct RefChange {
    /// Explain a push to this ref, whose full name is given.
    #[arg(long = "ref", value_name = "REF", requires = "action")]
    pub name: Option<String>,
    /// What the push does to the ref.
    #[arg(long, requires = "name", value_parser = words(Action::ALL, Action::as_str))]
    pub action: Option<Action>,
}

impl RefChange {
    /// The ref and the action, if they are given.
    #[must_use]
    pub fn given(&self) -> Option<(&str, Action)> {
        self.name.as_deref().zip(self.action)
    }
}
