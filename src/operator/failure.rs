//! Why a command of the operator failed.

use crate::commands::Refused;
use crate::config::ConfigError;
use crate::db::{self, ChangeError};
use crate::message::Status;
use crate::name::Shown;
use crate::passwd;

/// Why a command of the operator failed, in words that hide nothing from the operator.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// Wrong usage.
    #[error("{0}")]
    Usage(String),
    /// Refused, not found, or not possible on this machine.
    #[error("{0}")]
    Refused(String),
    /// A command on the hub's data was refused or failed.
    #[error(transparent)]
    Command(#[from] Refused),
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("{0}: {1}")]
    File(String, std::io::Error),
    #[error("the machine's accounts: {0}")]
    Accounts(passwd::Error),
}

impl From<ChangeError> for Failure {
    fn from(error: ChangeError) -> Self {
        Refused::from(error).into()
    }
}

impl From<db::Error> for Failure {
    fn from(error: db::Error) -> Self {
        Refused::from(error).into()
    }
}

impl From<passwd::Error> for Failure {
    fn from(error: passwd::Error) -> Self {
        Self::Accounts(error)
    }
}

impl Failure {
    pub(super) fn status(&self) -> Status {
        match self {
            Self::Command(refused) => refused.status(),
            Self::Usage(_) => Status::Usage,
            Self::Refused(_) | Self::Config(_) | Self::File(..) | Self::Accounts(_) => Status::Refused,
        }
    }

    /// The message, with the command that helps.
    pub(super) fn text(&self) -> String {
        let next = match self {
            Self::Command(refused) => refused.next_command().map(|next| format!(": hubgate {next}")),
            Self::Usage(_) | Self::Refused(_) | Self::Config(_) | Self::File(..) | Self::Accounts(_) => None,
        };
        format!("{self}{}", next.unwrap_or_default())
    }

    /// The message for standard error. It may quote a file that another person wrote.
    pub(super) fn lines(&self) -> String {
        self.text().lines().map(|line| format!("hubgate: {}\n", Shown(line))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_that_quotes_a_file_of_another_person_does_nothing_to_the_terminal() {
        let failure = Failure::Refused("line 1: \u{1b}]0;title\u{7}\nunknown field `\u{202e}x`".to_owned());
        let expected = "hubgate: line 1: \\u{1b}]0;title\\u{7}\nhubgate: unknown field `\\u{202e}x`\n";
        assert_eq!(failure.lines(), expected);
    }
}
