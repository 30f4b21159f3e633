//! Why a command of the operator's came to nothing.

use crate::config::ConfigError;
use crate::db::{self, ChangeError};
use crate::key::KeyError;
use crate::message::Status;
use crate::passwd;

/// Why a command came to nothing. Worded for the operator, who may know all.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// Used wrongly.
    #[error("{0}")]
    Usage(String),
    /// Refused, not found, or not possible on this machine as it is.
    #[error("{0}")]
    Refused(String),
    /// A key that is not taken.
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Change(#[from] ChangeError),
    #[error(transparent)]
    Database(#[from] db::Error),
    #[error("{0}: {1}")]
    File(String, std::io::Error),
    #[error(transparent)]
    Accounts(#[from] passwd::Error),
}

impl Failure {
    pub(super) fn status(&self) -> Status {
        match self {
            Self::Key(KeyError::WeakKeys(_)) => Status::Refused,
            Self::Usage(_) | Self::Key(_) | Self::Change(ChangeError::Name(..)) => Status::Usage,
            Self::Refused(_)
            | Self::Config(_)
            | Self::Change(_)
            | Self::Database(_)
            | Self::File(..)
            | Self::Accounts(_) => Status::Refused,
        }
    }
}
