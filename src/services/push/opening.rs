//! Opens the proposals of a push. The guard gives their numbers, and git stores their refs.

use std::collections::{BTreeMap, HashMap};

use super::proposals::{Found, MOST_ASKED, MOST_OPENED, Problem, Proposals, of_push, opened};
use super::questions::{Error, Guard, contains, git, refs};
use super::refusals::Reason;
use super::updates::Update;
use crate::access::proposal::{Advance, Opening};
use crate::push::{
    FromHook, NoVerdict, PROPOSALS, ProposalNumber, ProposalRef, ProposalReply, ProposalRights, PushContext,
};

/// What decides about the proposals of a push. Asks nothing if the push has no proposals.
pub(super) fn proposals(context: &PushContext, guard: &Guard, updates: &[Update]) -> Result<Proposals, Error> {
    let mut proposals = Proposals { writes: context.writes, ..Proposals::default() };
    let of_push = of_push(updates);
    if of_push.is_empty() || !context.namespaces.iter().any(|namespace| namespace == PROPOSALS) {
        return Ok(proposals);
    }
    let number = |proposal: &ProposalRef| match proposal {
        ProposalRef::Numbered(number) => Some(*number),
        ProposalRef::Opening(_) => None,
    };
    let numbers = of_push.iter().filter_map(|(.., proposal)| number(proposal)).take(MOST_ASKED).collect();
    let rights = match guard.ask(&FromHook::Proposals(numbers))?.parse()? {
        ProposalReply::Rights(rights) => rights,
        ProposalReply::Refused(lines) => {
            proposals.refused = Some(lines.join("; "));
            return Ok(proposals);
        }
        ProposalReply::Opened(_) | ProposalReply::Unknown => return Err(NoVerdict.into()),
    };
    proposals.found = found(context, &of_push, &rights)?;
    proposals.rights = Some(rights);
    Ok(proposals)
}

/// What git says about the commits that the session may propose.
fn found(
    context: &PushContext,
    of_push: &[(usize, &Update, ProposalRef)],
    rights: &ProposalRights,
) -> Result<HashMap<usize, Found>, Error> {
    let mut left = MOST_OPENED;
    let asked = of_push.iter().filter_map(|(index, update, proposal)| match proposal {
        ProposalRef::Opening(Ok(branch)) if rights.opening == Opening::Allowed && left > 0 && update.creates() => {
            left -= 1;
            Some((*index, *update, Some(branch.ref_name())))
        }
        ProposalRef::Numbered(number) if rights.advances.get(number) == Some(&Advance::Allowed) => {
            (!update.removes()).then_some((*index, *update, None))
        }
        ProposalRef::Opening(_) | ProposalRef::Numbered(_) => None,
    });
    let asked: Vec<_> = asked.collect();
    if asked.is_empty() {
        return Ok(HashMap::new());
    }
    // HEAD takes the place of a missing branch, so that each update has two lines.
    let line = |text: String, (_, update, branch): &(usize, &Update, Option<String>)| {
        text + &update.new + "\n" + branch.as_deref().unwrap_or("HEAD") + "\n"
    };
    let words = ["cat-file", "--batch-check=%(objectname) %(objecttype)"];
    let said = git(context, &words, asked.iter().fold(String::new(), line).as_bytes())?.read;
    let said = String::from_utf8_lossy(&said);
    let commits: Vec<Option<&str>> = said.lines().map(|line| line.strip_suffix(" commit")).collect();
    let found = asked.iter().zip(commits.chunks(2)).map(|((index, update, branch), pair)| {
        let found = match (pair, branch) {
            ([Some(_), Some(tip)], Some(_)) if contains(context, tip, &update.new) => Found::Contained,
            ([Some(_), Some(_)], Some(_)) | ([Some(_), _], None) => Found::New,
            ([Some(_), None], Some(_)) => Found::NoBranch,
            (_, _) => Found::NoCommit,
        };
        (*index, found)
    });
    Ok(found.collect())
}

/// Refuses to open proposals in an atomic push with other refs: the hook creates the refs of proposals itself, apart
/// from those that git updates.
pub(super) fn refuse_beside_others(updates: &[Update], verdicts: &mut [Option<Reason>]) {
    if updates.len() < 2 {
        return;
    }
    for (update, verdict) in updates.iter().zip(verdicts) {
        if verdict.is_none() && opened(update).is_some() {
            *verdict = Some(Problem::NotAlone.into());
        }
    }
}

/// Opens a proposal for each accepted update that wants one. Returns their numbers, by the index of the update.
pub(super) fn open(
    context: &PushContext,
    guard: &Guard,
    updates: &[Update],
    verdicts: &mut [Option<Reason>],
) -> Result<BTreeMap<usize, ProposalNumber>, Error> {
    let mut numbers = BTreeMap::new();
    let mut last = None;
    for (index, (update, verdict)) in updates.iter().zip(verdicts).enumerate() {
        let Some(branch) = opened(update).filter(|_| verdict.is_none()) else { continue };
        if !context.namespaces.iter().any(|namespace| namespace == PROPOSALS) {
            continue;
        }
        let after = match last {
            Some(after) => after,
            None => *last.insert(last_number(context)?),
        };
        let problem = match guard.ask(&FromHook::Open { branch, after })?.parse()? {
            ProposalReply::Opened(number) => {
                let words = ["update-ref", "--", &number.ref_name(), &update.new, &update.old];
                if git(context, &words, b"")?.status.success() {
                    numbers.insert(index, number);
                    continue;
                }
                Problem::NotStored(number)
            }
            ProposalReply::Refused(lines) => Problem::Refused(lines.join("; ")),
            ProposalReply::Rights(_) | ProposalReply::Unknown => return Err(NoVerdict.into()),
        };
        *verdict = Some(problem.into());
    }
    Ok(numbers)
}

/// The last number that a ref of the repository has. An import may have brought refs that the hub did not open.
fn last_number(context: &PushContext) -> Result<i64, Error> {
    let number = |name: &String| match ProposalRef::of(name.as_bytes()) {
        Some(ProposalRef::Numbered(number)) => Some(number.get()),
        Some(ProposalRef::Opening(_)) | None => None,
    };
    Ok(refs(context, PROPOSALS)?.iter().filter_map(number).max().unwrap_or_default())
}

/// What the client reads about the proposals that it opened.
pub(super) fn lines(
    context: &PushContext,
    updates: &[Update],
    numbers: &BTreeMap<usize, ProposalNumber>,
) -> Vec<String> {
    let line = |(index, number): (&usize, &ProposalNumber)| {
        let branch = opened(updates.get(*index)?)?;
        let (name, url) = (number.ref_name(), &context.url);
        Some(format!("opened proposal {number} for {branch}: {name} (git fetch {url} {name})"))
    };
    numbers.iter().filter_map(line).collect()
}
