//! Why a session that proved a key or a certificate is not admitted.

use crate::name::Owner;

/// What a refused session reads about its key or account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotAdmitted {
    /// The key was removed from the account or repository after the connection was opened.
    NoLongerOn,
    /// The key expired at that second.
    Expired(i64),
    /// The operator disabled the account, with that reason.
    Disabled(String),
    /// The key may not be used from the peer's address.
    Address(String),
    /// The certificate is invalid.
    Certificate(BadCertificate),
    /// The key was reported as compromised.
    Compromised,
    /// The account has another name since the connection was opened.
    Renamed(Owner),
    /// The forced command names an account that never had the key. The peer did not cause this.
    OtherAccount,
}

impl NotAdmitted {
    /// Whether a session with this key may still run `key release`.
    #[must_use]
    pub fn leaves_release(&self) -> bool {
        match self {
            Self::Expired(_) | Self::Disabled(_) | Self::Address(_) => true,
            Self::NoLongerOn | Self::Certificate(_) | Self::Compromised | Self::Renamed(_) | Self::OtherAccount => {
                false
            }
        }
    }
}

/// Why a certificate that sshd accepted is invalid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum BadCertificate {
    /// No organization ever had that CA.
    #[error("its CA belongs to no organization here")]
    Authority,
    /// The organization's CA has ended.
    #[error("its CA has expired or was removed")]
    AuthorityEnded,
    /// The certificate was revoked.
    #[error("it was revoked")]
    Revoked,
    /// The certificate's lifetime is longer than the organization allows.
    #[error("its lifetime is longer than its CA allows")]
    Lifetime,
    /// The certified key was reported as compromised.
    #[error("its key was removed as compromised")]
    Compromised,
    /// The certificate has expired.
    #[error("it has expired")]
    Expired,
    /// The certificate is not valid yet.
    #[error("it is not valid yet")]
    NotYet,
    /// Its principal is not a member of the organization.
    #[error("its principal is not a member of the organization")]
    Member,
}
