//! Whether a key that signed a commit is on the right account. No I/O here.

use std::fmt;
use std::str::FromStr;

use super::rule::Pattern;
use super::{Scope, is_live};
use crate::word::words;

/// The longest text of [`MustSign`], in bytes.
const TEXT_MAX: usize = 1_000;
/// What separates its words in the form that is one word.
const SEPARATOR: char = '|';

words! {
    /// Whose keys may sign the commits of a push.
    pub enum SignedBy {
        /// Those of the account that the committer's address names, or else of the account that pushes.
        Pusher = "pusher",
        /// Those of the account that the committer's address names, or else of any account.
        Hub = "hub",
    }
}

/// Which commits must be signed, and by whose keys: `pusher`, or `pusher refs/heads/main refs/tags/**`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MustSign {
    /// Whose keys may sign.
    pub by: SignedBy,
    /// Patterns of the refs whose new commits must be signed. Without patterns, all are.
    refs: Vec<Pattern>,
}

impl MustSign {
    /// Whether it concerns the new commits of all refs.
    #[must_use]
    pub fn is_of_all_refs(&self) -> bool {
        self.refs.is_empty()
    }

    /// The patterns, for people.
    #[must_use]
    pub fn patterns(&self) -> String {
        let patterns: Vec<&str> = self.refs.iter().map(Pattern::as_str).collect();
        patterns.join(" ")
    }

    /// Whether it concerns the new commits of a ref.
    #[must_use]
    pub fn names(&self, name: &[u8]) -> bool {
        self.is_of_all_refs() || self.refs.iter().any(|pattern| pattern.matches(name))
    }

    /// Whether it may concern a ref whose name begins like this.
    #[must_use]
    pub fn may_name_below(&self, beginning: &str) -> bool {
        self.is_of_all_refs() || self.refs.iter().any(|pattern| pattern.may_match_below(beginning))
    }

    /// The value as one word, as the database has it.
    #[must_use]
    pub fn word(&self) -> String {
        self.to_string().replace(' ', &SEPARATOR.to_string())
    }
}

impl fmt::Display for MustSign {
    /// For people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.by.fmt(f)?;
        self.refs.iter().try_for_each(|pattern| write!(f, " {pattern}"))
    }
}

impl FromStr for MustSign {
    type Err = ();

    /// Reads both forms.
    fn from_str(text: &str) -> Result<Self, ()> {
        if text.len() > TEXT_MAX {
            return Err(());
        }
        let mut words = text.split([' ', SEPARATOR]);
        let by = words.next().unwrap_or_default().parse().map_err(|_| ())?;
        let pattern = |word: &str| {
            let pattern: Pattern = word.parse().map_err(|_| ())?;
            // A commit is not signed for one account and unsigned for another.
            if pattern.names_user() { Err(()) } else { Ok(pattern) }
        };
        Ok(Self { by, refs: words.map(pattern).collect::<Result<_, _>>()? })
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
    fn refs_whose_commits_must_be_signed_read_back_and_other_texts_are_refused() {
        let text = "pusher refs/heads/main refs/tags/**";
        let named: MustSign = text.parse().unwrap();
        assert_eq!((named.to_string().as_str(), named.by), (text, SignedBy::Pusher));
        assert_eq!(named.word(), "pusher|refs/heads/main|refs/tags/**");
        assert_eq!(named.word().parse(), Ok(named.clone()));
        for (name, expected) in
            [("refs/heads/main", true), ("refs/tags/a/b", true), ("refs/heads/main2", false), ("refs/heads/a", false)]
        {
            assert_eq!(named.names(name.as_bytes()), expected, "{name}");
        }
        assert!(!named.may_name_below("refs/pr/") && !named.is_of_all_refs());
        let all: MustSign = "hub".parse().unwrap();
        assert!(all.is_of_all_refs() && all.names(b"refs/x") && all.may_name_below("refs/pr/"));
        for text in ["hub refs/pr/*", "hub refs/pr/7", "hub refs/**", "hub **", "hub refs/*/7"] {
            assert!(text.parse::<MustSign>().unwrap().may_name_below("refs/pr/"), "{text}");
        }
        for text in [
            "",
            "refs/heads/main",
            "pusher main",
            "pusher ",
            "pusher  refs/heads/main",
            "hub refs/heads/{user}/**",
            "hub refs/heads/a?",
            "pusher,hub",
        ] {
            assert_eq!(text.parse::<MustSign>(), Err(()), "{text}");
        }
        assert_eq!(format!("hub{}", " refs/heads/main".repeat(63)).parse::<MustSign>(), Err(()));
    }

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
