//! The proposals of a push: which of its refs open, move or remove proposals, and why the push may not do so. No I/O
//! here.
//!
//! The guard says what the session may do, and git what the commits are.

use std::collections::HashMap;

use super::updates::Update;
use crate::access::proposal::{Advance, Opening};
use crate::push::{BadRef, BranchName, PROPOSALS, ProposalNumber, ProposalRef, ProposalRights, check_ref};

/// The most proposals that one push opens: the hub gives each its number in a process and a change of its own.
pub(super) const MOST_OPENED: usize = 8;
/// The most proposals about which the hook asks the guard.
pub(super) const MOST_ASKED: usize = 1_000;

/// Why a push may not do this with a proposal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Problem {
    /// The session may only propose.
    #[error("you have no write access, but may propose changes")]
    ReadOnly,
    #[error("{}", .0.problem().unwrap_or_default())]
    Opening(Opening),
    #[error(transparent)]
    Branch(BadRef),
    #[error("there is no branch {0}")]
    NoBranch(BranchName),
    #[error("the branch {0} contains its commit already")]
    Contained(BranchName),
    #[error("a proposal is a commit")]
    NoCommit,
    #[error("a push there opens a new proposal, and does nothing else")]
    OpensOnly,
    #[error("one push opens at most {MOST_OPENED} proposals")]
    TooMany,
    #[error("one push names at most {MOST_ASKED} proposals")]
    NotAsked,
    #[error("with --atomic, a push that opens a proposal has no other ref")]
    NotAlone,
    #[error("this proposal is another account's")]
    Foreign,
    #[error("this proposal is closed: open a new one, or ask for it to be opened again")]
    Closed,
    #[error("a proposal is not deleted, but closed: proposal close")]
    Stays,
    /// The guard refuses it, with this line.
    #[error("{0}")]
    Refused(String),
    /// The hub opened the proposal with this number, and git did not store its ref.
    #[error("proposal {0} is opened, but its commit could not be stored: push to {name}", name = .0.ref_name())]
    NotStored(ProposalNumber),
}

/// What git says about the commit of a proposal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// It is no commit.
    NoCommit,
    /// The branch does not exist.
    NoBranch,
    /// The branch contains it.
    Contained,
    /// It is new to the branch.
    New,
}

/// What is decided about one ref.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Judged {
    /// It is no proposal. The session may write.
    NotOne,
    /// As a proposal, the push may change it, unless a rule denies it.
    Accepted,
    /// The push may not change it.
    Refused(Problem),
}

/// What the decision about proposals needs to know.
#[derive(Debug, Default)]
pub(super) struct Proposals {
    /// Whether the session may write.
    pub(super) writes: bool,
    /// What the guard says, if the push has proposals.
    pub(super) rights: Option<ProposalRights>,
    /// Why the guard refuses all of them.
    pub(super) refused: Option<String>,
    /// What git says about each update that opens or moves a proposal, by its index.
    pub(super) found: HashMap<usize, Found>,
}

impl Proposals {
    #[cfg(test)]
    pub(super) fn of_writer() -> Self {
        Self { writes: true, ..Self::default() }
    }

    /// What is decided about an update, which is the one with this index.
    pub(super) fn decide(&self, index: usize, update: &Update, namespaces: &[String]) -> Judged {
        let has_proposals = namespaces.iter().any(|namespace| namespace == PROPOSALS);
        let judged = match ProposalRef::of(&update.name).filter(|_| has_proposals) {
            Some(_) if self.refused.is_some() => Err(Problem::Refused(self.refused.clone().unwrap_or_default())),
            Some(ProposalRef::Opening(branch)) => self.opens(index, update, branch),
            Some(ProposalRef::Numbered(number)) => self.moves(index, update, number, namespaces),
            None => Ok(Judged::NotOne),
        };
        match judged {
            Ok(Judged::NotOne) if !self.writes => Judged::Refused(Problem::ReadOnly),
            Ok(judged) => judged,
            Err(problem) => Judged::Refused(problem),
        }
    }

    fn opens(&self, index: usize, update: &Update, branch: Result<BranchName, BadRef>) -> Result<Judged, Problem> {
        let branch = branch.map_err(Problem::Branch)?;
        if !update.creates() {
            return Err(Problem::OpensOnly);
        }
        match self.rights.as_ref().map(|rights| rights.opening) {
            Some(Opening::Allowed) => {}
            Some(opening) => return Err(Problem::Opening(opening)),
            None => return Err(Problem::NotAsked),
        }
        match self.found.get(&index) {
            Some(Found::New) => Ok(Judged::Accepted),
            Some(Found::NoBranch) => Err(Problem::NoBranch(branch)),
            Some(Found::Contained) => Err(Problem::Contained(branch)),
            Some(Found::NoCommit) => Err(Problem::NoCommit),
            None => Err(Problem::TooMany),
        }
    }

    fn moves(
        &self,
        index: usize,
        update: &Update,
        number: ProposalNumber,
        namespaces: &[String],
    ) -> Result<Judged, Problem> {
        let rights = self.rights.as_ref().ok_or(Problem::NotAsked)?;
        match rights.advances.get(&number).ok_or(Problem::NotAsked)? {
            // Such refs come from an import. A writer may only remove them.
            Advance::Unknown if !self.writes => Err(Problem::ReadOnly),
            Advance::Unknown if update.removes() => Ok(Judged::Accepted),
            Advance::Unknown => {
                Err(check_ref(&update.name, namespaces).err().map_or(Problem::Foreign, Problem::Branch))
            }
            Advance::Foreign => Err(Problem::Foreign),
            Advance::Allowed | Advance::Closed if update.removes() => Err(Problem::Stays),
            Advance::Closed => Err(Problem::Closed),
            Advance::Allowed => match self.found.get(&index) {
                Some(Found::New | Found::Contained | Found::NoBranch) => Ok(Judged::Accepted),
                Some(Found::NoCommit) | None => Err(Problem::NoCommit),
            },
        }
    }
}

/// The updates that open or move proposals, each with its index.
pub(super) fn of_push(updates: &[Update]) -> Vec<(usize, &Update, ProposalRef)> {
    let all = updates.iter().enumerate();
    all.filter_map(|(index, update)| ProposalRef::of(&update.name).map(|proposal| (index, update, proposal))).collect()
}

/// The branch for which an update opens a proposal.
pub(super) fn opened(update: &Update) -> Option<BranchName> {
    match ProposalRef::of(&update.name) {
        Some(ProposalRef::Opening(branch)) => branch.ok(),
        Some(ProposalRef::Numbered(_)) | None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMESPACES: [&str; 2] = ["refs/heads/", "refs/pr/"];

    fn judged(proposals: &Proposals, line: &str) -> String {
        let update = Update::parse(line.as_bytes()).unwrap();
        match proposals.decide(0, &update, &NAMESPACES.map(str::to_owned)) {
            Judged::NotOne => "no proposal".to_owned(),
            Judged::Accepted => "accepted".to_owned(),
            Judged::Refused(problem) => problem.to_string(),
        }
    }

    fn proposals(writes: bool, opening: Opening, found: Option<Found>) -> Proposals {
        let advances =
            Advance::ALL.iter().zip(1..).map(|(advance, number)| (ProposalNumber::new(number).unwrap(), *advance));
        let rights = Some(ProposalRights { opening, advances: advances.collect() });
        Proposals { writes, rights, refused: None, found: found.into_iter().map(|found| (0, found)).collect() }
    }

    #[test]
    fn a_session_that_only_proposes_changes_nothing_but_its_own_open_proposals() {
        let only = proposals(false, Opening::Allowed, Some(Found::New));
        let read_only = "you have no write access, but may propose changes";
        for (line, expected) in [
            ("00 12 refs/for/main", "accepted"),
            ("12 13 refs/for/main", "a push there opens a new proposal, and does nothing else"),
            ("00 00 refs/for/main", "a push there opens a new proposal, and does nothing else"),
            ("12 13 refs/pr/1", "accepted"),
            ("00 13 refs/pr/1", "accepted"),
            ("12 00 refs/pr/1", "a proposal is not deleted, but closed: proposal close"),
            ("12 13 refs/pr/2", "this proposal is another account's"),
            ("12 00 refs/pr/2", "this proposal is another account's"),
            ("12 13 refs/pr/3", "this proposal is closed: open a new one, or ask for it to be opened again"),
            ("12 00 refs/pr/3", "a proposal is not deleted, but closed: proposal close"),
            ("00 13 refs/pr/4", read_only),
            ("12 00 refs/pr/4", read_only),
            ("12 13 refs/pr/5", "one push names at most 1000 proposals"),
            ("00 13 refs/pr/1/head", read_only),
            ("00 13 refs/pr/01", read_only),
            ("00 13 refs/pr/x", read_only),
            ("00 12 refs/heads/main", read_only),
            ("12 00 refs/heads/main", read_only),
            ("00 12 refs/tags/v1", read_only),
            ("00 12 refs/notes/commits", read_only),
            ("00 12 refs/forx", read_only),
            ("00 12 HEAD", read_only),
        ] {
            assert_eq!(judged(&only, line), expected, "{line}");
        }
    }

    #[test]
    fn a_writer_moves_every_open_proposal_and_removes_none_that_the_hub_opened() {
        let writer = proposals(true, Opening::Allowed, Some(Found::New));
        for (line, expected) in [
            ("00 12 refs/for/main", "accepted"),
            ("12 13 refs/pr/1", "accepted"),
            ("12 00 refs/pr/1", "a proposal is not deleted, but closed: proposal close"),
            ("00 13 refs/pr/4", "only the hub opens proposals (refs/pr/)"),
            ("12 13 refs/pr/4", "only the hub opens proposals (refs/pr/)"),
            ("12 00 refs/pr/4", "accepted"),
            ("00 12 refs/heads/main", "no proposal"),
            ("00 12 refs/pr/x", "no proposal"),
        ] {
            assert_eq!(judged(&writer, line), expected, "{line}");
        }
        let refused = Proposals { refused: Some("acme/x is read-only: moving".to_owned()), ..writer };
        for line in ["00 12 refs/for/main", "12 13 refs/pr/1", "12 00 refs/pr/4"] {
            assert_eq!(judged(&refused, line), "acme/x is read-only: moving");
        }
        let unasked = Proposals::of_writer();
        assert_eq!(judged(&unasked, "00 12 refs/for/main"), "one push names at most 1000 proposals");
    }

    #[test]
    fn a_proposal_is_a_new_commit_for_a_branch_that_exists() {
        let open = |opening, found| judged(&proposals(false, opening, found), "00 12 refs/for/main");
        assert_eq!(open(Opening::Allowed, Some(Found::NoBranch)), "there is no branch main");
        assert_eq!(open(Opening::Allowed, Some(Found::Contained)), "the branch main contains its commit already");
        assert_eq!(open(Opening::Allowed, Some(Found::NoCommit)), "a proposal is a commit");
        assert_eq!(open(Opening::Allowed, None), "one push opens at most 8 proposals");
        assert_eq!(open(Opening::Off, Some(Found::New)), "this repository does not accept proposals");
        let no_author = "only an account opens proposals, by a key of its own with the scope write";
        assert_eq!(open(Opening::NoAuthor, Some(Found::New)), no_author);
        let moved = |found| judged(&proposals(false, Opening::Allowed, found), "12 13 refs/pr/1");
        assert_eq!([Found::NoBranch, Found::Contained].map(|found| moved(Some(found))), ["accepted", "accepted"]);
        assert_eq!([Some(Found::NoCommit), None].map(moved), ["a proposal is a commit", "a proposal is a commit"]);
        let bad = judged(&proposals(false, Opening::Allowed, None), "00 12 refs/for/-x");
        assert!(bad.contains("starts with '-'"), "{bad}");
    }

    #[test]
    fn a_hub_that_accepts_no_refs_of_proposals_has_no_proposals() {
        let update = Update::parse(b"00 12 refs/for/main").unwrap();
        let decided = |writes| {
            proposals(writes, Opening::Allowed, Some(Found::New)).decide(0, &update, &["refs/heads/".to_owned()])
        };
        assert_eq!(decided(true), Judged::NotOne);
        assert_eq!(decided(false), Judged::Refused(Problem::ReadOnly));
    }
}
