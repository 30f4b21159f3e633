//! Why a session that proved a key or a certificate is not admitted.

/// What a refused session hears about its key or account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotAdmitted {
    /// The key was taken off the account or the repository after the connection was opened.
    NoLongerOn,
    /// The key's time is over since that second.
    Expired(i64),
    /// The operator disabled the account, for that reason.
    Disabled(String),
    /// The key may not be used from the peer's address.
    Address(String),
    /// A certificate, and what is wrong with it.
    Certificate(BadCertificate),
    /// The key was reported as compromised.
    Compromised,
    /// The forced command names an account that the key was never on. Not the peer's doing.
    OtherAccount,
}

impl NotAdmitted {
    /// Whether whoever proves the key may still take it off what it is on.
    #[must_use]
    pub fn leaves_release(&self) -> bool {
        match self {
            Self::Expired(_) | Self::Disabled(_) | Self::Address(_) => true,
            Self::NoLongerOn | Self::Certificate(_) | Self::Compromised | Self::OtherAccount => false,
        }
    }
}

/// What is wrong with a certificate that sshd took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum BadCertificate {
    /// No organization has that authority any more.
    #[error("its authority is none of an organization here")]
    Authority,
    /// It was taken back.
    #[error("it was revoked")]
    Revoked,
    /// It is good for longer than the organization allows.
    #[error("it is good for longer than its authority may sign for")]
    Lifetime,
    /// The key that it certifies was reported as compromised.
    #[error("its key was removed as compromised")]
    Compromised,
    /// Its time is over.
    #[error("its time is over")]
    Expired,
    /// Its time has not come.
    #[error("its time has not come yet")]
    NotYet,
    /// Its principal is no member of the organization.
    #[error("its principal is no member of the organization")]
    Member,
}
