//! Teams: groups of members of one organization. A [`Grantee`] is a user or a team.

use std::fmt;
use std::str::FromStr;

use super::{NameError, Owner, fold};

/// Marks a team where a text can also name a user. No name of a user begins with it.
const MARK: char = '@';

/// The name of a team in its organization. It follows the rules for the name of an account.
///
/// Holding one tells you that its text is safe in a log line and on a terminal. It does not tell you that a team has
/// this name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TeamName(String);

impl TeamName {
    /// The name in its original case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name for comparison.
    #[must_use]
    pub fn folded(&self) -> String {
        fold(&self.0)
    }
}

impl FromStr for TeamName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        Owner::new_account(text).map(|name| Self(name.as_str().to_owned()))
    }
}

impl fmt::Display for TeamName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A team, as `acme/devs`.
///
/// Holding one tells you that it is well formed. It does not tell you that the organization or the team exists.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TeamPath {
    /// The organization.
    pub organization: Owner,
    /// The name.
    pub name: TeamName,
}

impl FromStr for TeamPath {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let (organization, name) = text.split_once('/').ok_or(NameError::Team)?;
        if name.contains('/') {
            return Err(NameError::Team);
        }
        Ok(Self { organization: organization.parse()?, name: name.parse()? })
    }
}

impl fmt::Display for TeamPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.organization, self.name)
    }
}

/// A user, or a team as `@acme/devs`. Both can have a role on one repository.
///
/// Holding one does not tell you that the user or the team exists.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Grantee {
    /// A user.
    User(Owner),
    /// The members of a team.
    Team(TeamPath),
}

impl Grantee {
    /// The team, if it is one.
    #[must_use]
    pub fn team(&self) -> Option<&TeamPath> {
        match self {
            Self::User(_) => None,
            Self::Team(team) => Some(team),
        }
    }
}

impl FromStr for Grantee {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        match text.strip_prefix(MARK) {
            Some(team) => team.parse().map(Self::Team),
            None if text.contains('/') => Err(NameError::Team),
            None => text.parse().map(Self::User),
        }
    }
}

impl fmt::Display for Grantee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(user) => user.fmt(f),
            Self::Team(team) => write!(f, "{MARK}{team}"),
        }
    }
}
