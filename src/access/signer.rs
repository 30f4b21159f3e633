//! Whether a key that signed a commit is on the right account. No I/O here.

use super::{Scope, is_live};
use crate::word::words;

words! {
    /// Whose keys may sign the commits of a push.
    pub enum SignedBy {
        /// Those of the account that the committer's address names, or else of the account that pushes.
        Pusher = "pusher",
        /// Those of the account that the committer's address names, or else of any account.
        Hub = "hub",
    }
}

words! {
    /// What the hub says about a key that signed a commit.
    pub enum SignerVerdict {
        /// The key is on the right account.
        Accepted = "accepted",
        /// No account has the key now, or it may not write.
        Unknown = "unknown",
        /// The committer's address names another account.
        OtherAddress = "other-address",
        /// The address names no account, and the key is not of the account that pushes.
        NotPusher = "not-pusher",
    }
}

/// What the database says about a key that was not removed, of an account that is not disabled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignerFacts {
    /// The row of the account.
    pub account: i64,
    /// What the key may be used for.
    pub scope: Scope,
    /// The first second in which the key is expired.
    pub expires_at: Option<i64>,
}

/// Decides about a key that signed a commit.
///
/// `named` is the account for which the operator has confirmed the committer's address, if there is one. Then only a
/// key of this account is accepted. `pusher` is the account that pushes.
#[must_use]
pub fn decide_signer(
    by: SignedBy,
    key: Option<SignerFacts>,
    named: Option<i64>,
    pusher: Option<i64>,
    now: i64,
) -> SignerVerdict {
    let is_usable = |key: &SignerFacts| key.scope == Scope::Write && is_live(key.expires_at, now);
    match (key.filter(is_usable), named, by) {
        (None, _, _) => SignerVerdict::Unknown,
        (Some(key), Some(named), _) if key.account == named => SignerVerdict::Accepted,
        (Some(_), Some(_), _) => SignerVerdict::OtherAddress,
        (Some(_), None, SignedBy::Hub) => SignerVerdict::Accepted,
        (Some(key), None, SignedBy::Pusher) if Some(key.account) == pusher => SignerVerdict::Accepted,
        (Some(_), None, SignedBy::Pusher) => SignerVerdict::NotPusher,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_signs_for_the_account_that_the_address_names_and_for_no_other() {
        use SignerVerdict::{Accepted, NotPusher, OtherAddress, Unknown};
        let key = SignerFacts { account: 1, scope: Scope::Write, expires_at: Some(100) };
        let reading = SignerFacts { scope: Scope::Read, ..key };
        for (by, key, named, pusher, expected) in [
            (SignedBy::Pusher, Some(key), None, Some(1), Accepted),
            (SignedBy::Pusher, Some(key), None, Some(2), NotPusher),
            (SignedBy::Pusher, Some(key), None, None, NotPusher),
            (SignedBy::Pusher, Some(key), Some(1), Some(2), Accepted),
            (SignedBy::Pusher, Some(key), Some(1), None, Accepted),
            (SignedBy::Pusher, Some(key), Some(2), Some(1), OtherAddress),
            (SignedBy::Pusher, Some(key), Some(2), Some(2), OtherAddress),
            (SignedBy::Hub, Some(key), None, None, Accepted),
            (SignedBy::Hub, Some(key), Some(1), None, Accepted),
            (SignedBy::Hub, Some(key), Some(2), Some(1), OtherAddress),
            (SignedBy::Hub, None, None, Some(1), Unknown),
            (SignedBy::Hub, Some(reading), None, Some(1), Unknown),
            (SignedBy::Pusher, Some(reading), Some(1), Some(1), Unknown),
        ] {
            assert_eq!(decide_signer(by, key, named, pusher, 99), expected, "{by} {key:?} {named:?} {pusher:?}");
        }
        assert_eq!(decide_signer(SignedBy::Hub, Some(key), None, None, 100), Unknown, "expired");
    }
}
