//! The names of refs that open proposals, and of proposals. No I/O here.

use std::fmt;
use std::str::FromStr;

use super::ref_name::{BadRef, BranchName, PROPOSALS};

/// A push to a ref here opens a proposal for the branch of this name. No repository has such refs.
pub const OPENING: &str = "refs/for/";

/// The number of a proposal in its repository.
///
/// Holding one tells you that its ref has a name that git accepts. It does not tell you that the proposal exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProposalNumber(i64);

impl ProposalNumber {
    /// The last number.
    pub const LAST: i64 = 999_999_999;

    /// A number from 1 to [`Self::LAST`].
    #[must_use]
    pub fn new(number: i64) -> Option<Self> {
        (1..=Self::LAST).contains(&number).then_some(Self(number))
    }

    /// The number.
    #[must_use]
    pub fn get(self) -> i64 {
        self.0
    }

    /// The full name of the ref.
    #[must_use]
    pub fn ref_name(self) -> String {
        format!("{PROPOSALS}{}", self.0)
    }
}

impl fmt::Display for ProposalNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The text is not the number of a proposal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a proposal has a number from 1 on")]
pub struct BadNumber;

impl FromStr for ProposalNumber {
    type Err = BadNumber;

    /// Accepts digits without a zero before them, so that each number has one name.
    fn from_str(text: &str) -> Result<Self, BadNumber> {
        let is_number = text.len() <= 9 && text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
        text.parse().ok().filter(|_| is_number).and_then(Self::new).ok_or(BadNumber)
    }
}

/// What a ref has to do with proposals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProposalRef {
    /// A push to it opens a proposal for the branch, or the branch has a name that no push can create.
    Opening(Result<BranchName, BadRef>),
    /// It is the ref of the proposal with this number, if the hub has opened it.
    Numbered(ProposalNumber),
}

impl ProposalRef {
    /// What the ref of this name has to do with proposals, if anything.
    #[must_use]
    pub fn of(name: &[u8]) -> Option<Self> {
        let (opening, proposals) = (OPENING.as_bytes(), PROPOSALS.as_bytes());
        if let Some(branch) = name.strip_prefix(opening) {
            let branch = std::str::from_utf8(branch).map_err(|_| BadRef::Character);
            return Some(Self::Opening(branch.and_then(str::parse)));
        }
        let number = std::str::from_utf8(name.strip_prefix(proposals)?).ok()?;
        number.parse().ok().map(Self::Numbered)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_one_name() {
        for text in ["1", "7", "999999999"] {
            let number: ProposalNumber = text.parse().unwrap();
            assert_eq!((number.to_string(), number.ref_name()), (text.to_owned(), format!("refs/pr/{text}")));
            assert_eq!(ProposalRef::of(number.ref_name().as_bytes()), Some(ProposalRef::Numbered(number)));
        }
        for text in ["", "0", "07", "+7", "-7", " 7", "7 ", "7/head", "1000000000", "99999999999999999999", "\u{667}"] {
            assert_eq!(text.parse::<ProposalNumber>(), Err(BadNumber), "{text:?}");
            assert_eq!(ProposalRef::of(format!("refs/pr/{text}").as_bytes()), None, "{text:?}");
        }
        assert_eq!([0, -1, ProposalNumber::LAST + 1].map(ProposalNumber::new), [None; 3]);
    }

    #[test]
    fn a_ref_opens_a_proposal_for_the_branch_behind_its_beginning() {
        let branch = |name: &[u8]| match ProposalRef::of(name) {
            Some(ProposalRef::Opening(branch)) => branch.map(|branch| branch.to_string()),
            other => panic!("{other:?}"),
        };
        assert_eq!(branch(b"refs/for/main"), Ok("main".to_owned()));
        assert_eq!(branch(b"refs/for/feature/x"), Ok("feature/x".to_owned()));
        assert_eq!(branch(b"refs/for/refs/heads/main"), Ok("main".to_owned()));
        assert_eq!(branch(b"refs/for/HEAD"), Err(BadRef::Ambiguous));
        assert_eq!(branch(b"refs/for/-x"), Err(BadRef::Character));
        assert_eq!(branch(b"refs/for/\xff"), Err(BadRef::Character));
        assert_eq!(branch(b"refs/for/a\x1b"), Err(BadRef::Character));
        for other in [&b"refs/heads/main"[..], b"refs/forx/main", b"refs/for", b"refs/pr", b"HEAD", b""] {
            assert_eq!(ProposalRef::of(other), None);
        }
    }
}
