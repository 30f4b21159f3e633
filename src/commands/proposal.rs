//! The commands for proposals, and the opening of a proposal by a push.

use std::ops::ControlFlow;

use serde_json::json;

use super::arguments::{OfProposal, SetProposals};
use super::rights::frozen;
use super::{By, Denied, Output, Peer, Refused, Requester, Rights};
use crate::access::proposal::{Advance, Opening, author, may_advance, may_close, may_open};
use crate::access::rule::Action;
use crate::access::{Access, Decision, Denial, Identity, decide};
use crate::config::Config;
use crate::db::{Change, ChangeError, Error, ProposalRow, RepositoryRow, ServedRepository, Store, View};
use crate::git::stored::StoredRepository;
use crate::message::{FaultKind, Refusal};
use crate::name::RepoPath;
use crate::push::{PROPOSALS, ProposalNumber, ProposalRef};
use crate::report::listing::Listing;
use crate::report::{Proposal, Proposals, Report, proposal_page, repo_json};
use crate::session::{Opened, accepts_proposals};

/// How many rows of a list are read at a time. git says which of them are merged.
const PAGE: usize = 500;

/// Accepts proposals in a repository, or accepts none.
pub(crate) fn accept(requester: &mut Requester<'_>, arguments: &SetProposals) -> Result<Report, Refused> {
    let accepts = arguments.value.accepts();
    requester.change(|by, change| {
        let row = by.administered(change, &arguments.path)?;
        change.set_proposals(&row.path, Some(accepts))?;
        let verb = if accepts { "accepts proposals" } else { "accepts no proposals" };
        Ok(Report::new(format!("{} {verb}\n", row.path), repo_json(&change.repository(&row.path)?)))
    })
}

/// Opens a proposal, for a push. The author is the account of the session.
pub(crate) fn open(peer: &Peer<'_>, opened: &Opened) -> Result<ProposalNumber, Refused> {
    let Opened { path, row, after, branch } = opened;
    let mut store = Store::open(&peer.config.paths.database)?;
    // The change takes no right away, so it ends no session.
    store.change(&peer.actor, |change| {
        let rights = Rights::ask(peer, change)?;
        let served = rights.repository(path)?;
        if served.facts.id != *row {
            return Err(Refused::Refusal(Refusal::NoRepository));
        }
        let access = match rights.decide(Some(&served), Access::Propose) {
            Decision::Allow(access) => access,
            Decision::Deny(Denial::Frozen) => return Err(frozen(served)),
            Decision::Deny(_) => return Err(Refused::Refusal(Refusal::ReadOnly(served.path))),
        };
        let accepts = accepts_proposals(change, peer.config, *row)?;
        match (may_open(&rights.identity, access, accepts), author(&rights.identity)) {
            (Opening::Allowed, Some(author)) => {
                Ok(change.open_proposal(&served.path, author.id, branch, (*after).clamp(0, ProposalNumber::LAST))?)
            }
            (opening, _) => Err(Denied::Propose(opening).into()),
        }
    })
}

/// Lists the proposals of a repository, by number.
pub(crate) fn list(requester: &Requester<'_>, path: &RepoPath, output: &mut Output<'_>) -> Result<Report, Refused> {
    let mut after = output.after()?.map_or(0, ProposalNumber::get);
    // One more row than is printed says that there are more.
    let limit = output.form.limit.filter(|_| output.form.matching.is_none());
    let page = limit.and_then(|limit| usize::try_from(limit).ok()).map_or(PAGE, |limit| PAGE.min(limit + 1));
    let listed = requester.read(|by, view| readable(by, view, path));
    let mut listing = Listing::new(&output.form, &Proposals, output.out);
    let listed = listed.and_then(|repository| {
        loop {
            // git runs outside of every transaction. The right to read is decided for each page.
            let rows = requester.read(|by, view| {
                let row = readable(by, view, path)?;
                let mut rows = Vec::new();
                view.proposals(row.id, after, &mut |proposal| {
                    rows.push(proposal);
                    if rows.len() < page { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
                })?;
                Ok((row, rows))
            });
            let (row, rows) = rows?;
            if row.id != repository.id {
                return Err(no_repository(path));
            }
            let is_last = rows.len() < page;
            after = rows.last().map_or(after, |row| row.number.get());
            let mut proposals = with_states(requester.config(), &row, rows)?.into_iter();
            if proposals.any(|proposal| listing.row(&proposal).is_break()) || is_last {
                return Ok(());
            }
        }
    });
    let finished = listed.and_then(|()| {
        listing.finish().map_err(|error| Refused::Fault(FaultKind::Broken, format!("standard output: {error}")))
    });
    finished.map(Report::printed).inspect_err(|_| {
        // Discards the rows that are not sent yet: a refused request gets no part of a list.
        let _ = output.out.restart();
    })
}

/// Shows one proposal.
pub(crate) fn show(requester: &Requester<'_>, arguments: &OfProposal) -> Result<Report, Refused> {
    let (row, proposal) = requester.read(|by, view| {
        let row = readable(by, view, &arguments.path)?;
        let proposal = view.proposal((row.id, &row.path), arguments.number)?;
        Ok((row, proposal))
    })?;
    let url = requester.config().address().url(&row.path);
    let shown = with_states(requester.config(), &row, vec![proposal])?.pop();
    let missing = || ChangeError::NotFound(format!("proposal {} of {}", arguments.number, row.path));
    Ok(proposal_page(&shown.ok_or_else(missing)?, &row.path, &url))
}

/// Closes a proposal. Its author may, and everyone who may write to the repository.
pub(crate) fn close(requester: &mut Requester<'_>, arguments: &OfProposal) -> Result<Report, Refused> {
    set_closed(requester, arguments, true)
}

/// Opens a closed proposal again. Everyone who may write to the repository may.
pub(crate) fn reopen(requester: &mut Requester<'_>, arguments: &OfProposal) -> Result<Report, Refused> {
    set_closed(requester, arguments, false)
}

fn set_closed(requester: &mut Requester<'_>, arguments: &OfProposal, is_closed: bool) -> Result<Report, Refused> {
    let OfProposal { path, number } = arguments;
    requester.change(|by, change| {
        let row = match by {
            By::Operator => change.repository(path)?,
            By::Account(rights) => changeable(rights, change, arguments, is_closed)?,
        };
        let is_changed = change.set_proposal_closed(&row.path, *number, is_closed)?;
        let state = if is_closed { "closed" } else { "open" };
        let text = match (is_changed, is_closed) {
            (true, true) => format!("closed proposal {number} of {}\n", row.path),
            (true, false) => format!("opened proposal {number} of {} again\n", row.path),
            (false, _) => format!("proposal {number} of {} is {state} already\n", row.path),
        };
        let json = json!({
            "path": row.path.to_string(), "number": number.get(), "closed": is_closed, "changed": is_changed,
        });
        Ok(Report::new(text, json))
    })
}

/// What proposals have to do with a change of a ref, for an explanation.
pub(crate) enum AsProposal {
    /// Nothing: the identity may write, and the ref is no proposal.
    NotOne,
    /// As a proposal, the change is allowed unless a rule denies it.
    Accepted,
    /// It is not allowed, for this reason.
    Refused(String),
}

/// Says what proposals have to do with a change of a ref, by the functions that decide about a push. Commits are not
/// known here.
pub(crate) fn explain(
    view: &View<'_>,
    config: &Config,
    (identity, served): (&Identity, &ServedRepository),
    (name, action): (&str, Action),
    now: i64,
) -> Result<AsProposal, Error> {
    let access = match decide(identity, Some(&served.facts), Access::Fetch, now) {
        Decision::Allow(access) => access,
        Decision::Deny(_) => Access::None,
    };
    let has_proposals = config.git.refs.iter().any(|namespace| namespace == PROPOSALS);
    let problem = match ProposalRef::of(name.as_bytes()).filter(|_| has_proposals) {
        Some(ProposalRef::Opening(Err(reason))) => Some(reason.to_string()),
        Some(ProposalRef::Opening(Ok(_))) if action != Action::Create => {
            Some("a push there opens a new proposal, and does nothing else".to_owned())
        }
        Some(ProposalRef::Opening(Ok(_))) => {
            let accepts = accepts_proposals(view, config, served.facts.id)?;
            may_open(identity, access, accepts).problem().map(str::to_owned)
        }
        Some(ProposalRef::Numbered(number)) => {
            let proposal = view.proposal_facts(served.facts.id, number.get())?;
            let problem = match (may_advance(identity, access, proposal), action) {
                (Advance::Unknown, _) if access >= Access::Write => return Ok(AsProposal::NotOne),
                (Advance::Unknown, _) => Some("the hub has opened no proposal with this number"),
                (Advance::Foreign, _) => Some("this proposal is another account's"),
                (Advance::Allowed | Advance::Closed, Action::Delete) => Some("a proposal is not deleted, but closed"),
                (Advance::Closed, _) => Some("this proposal is closed"),
                (Advance::Allowed, _) => None,
            };
            problem.map(str::to_owned)
        }
        None if access >= Access::Write => return Ok(AsProposal::NotOne),
        None => Some("no write access, and no proposal".to_owned()),
    };
    Ok(problem.map_or(AsProposal::Accepted, AsProposal::Refused))
}

/// The repository of a proposal that the session may close or open again.
fn changeable(
    rights: &Rights<'_>,
    change: &Change<'_>,
    OfProposal { path, number }: &OfProposal,
    closes: bool,
) -> Result<RepositoryRow, Refused> {
    let account = rights.changing_account()?;
    let served = rights.repository(path)?;
    let row = change.repository(&served.path)?;
    let proposal = change.proposal((row.id, &row.path), *number)?;
    match rights.decide(Some(&served), Access::Propose) {
        Decision::Allow(access) if closes && may_close(account, access, proposal.author) => Ok(row),
        Decision::Allow(Access::Write | Access::Admin) => Ok(row),
        Decision::Deny(Denial::Frozen) => Err(frozen(served)),
        Decision::Allow(_) | Decision::Deny(_) => Err(Refused::Refusal(Refusal::ReadOnly(served.path))),
    }
}

/// A repository that the requester may read.
fn readable(by: By<'_>, view: &View<'_>, path: &RepoPath) -> Result<RepositoryRow, Refused> {
    match by {
        By::Operator => Ok(view.repository(path)?),
        By::Account(rights) => Ok(view.repository(&rights.repository(path)?.path)?),
    }
}

/// The refusal if another repository has got the path since the list began.
fn no_repository(path: &RepoPath) -> Refused {
    ChangeError::NotFound(format!("repository {path}")).into()
}

/// The proposals with their commits, and with what git says about them.
fn with_states(config: &Config, row: &RepositoryRow, rows: Vec<ProposalRow>) -> Result<Vec<Proposal>, Refused> {
    let failed = |reason| Refused::Fault(FaultKind::Broken, reason);
    let place = config.paths.repositories.join(row.directory.relative());
    let stored = StoredRepository::open(config, &place, row.object_format).map_err(failed)?;
    let asked: Vec<_> = rows.iter().map(|row| (row.number, row.branch.clone())).collect();
    let found = stored.proposals(&asked).map_err(failed)?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let (commit, is_merged) = found.get(&row.number).cloned().unzip();
            Proposal { row, commit, is_merged: is_merged.unwrap_or_default() }
        })
        .collect())
}
