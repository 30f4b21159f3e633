//! Proposals.

use serde_json::{Value, json};

use super::listing::{Column, Table};
use super::when::minute;
use super::{Report, json_time, page, with_fields};
use crate::db::ProposalRow;
use crate::name::RepoPath;

/// A proposal, with what git says about it.
#[derive(Debug)]
pub(crate) struct Proposal {
    pub(crate) row: ProposalRow,
    /// The commit that it proposes; `None` if the push that opened it did not end.
    pub(crate) commit: Option<String>,
    /// Whether the branch contains the commit.
    pub(crate) is_merged: bool,
}

impl Proposal {
    fn state(&self) -> &'static str {
        match (self.row.closed_at, &self.commit, self.is_merged) {
            (_, Some(_), true) => "merged",
            (Some(_), ..) => "closed",
            (None, Some(_), false) => "open",
            (None, None, _) => "empty",
        }
    }

    fn commit(&self) -> &str {
        self.commit.as_deref().unwrap_or("-")
    }
}

/// A list of the proposals of one repository.
pub(crate) struct Proposals;

impl Table<Proposal> for Proposals {
    fn columns(&self) -> Vec<Column> {
        vec![
            Column::new("NUMBER"),
            Column::new("STATE"),
            Column::at_most("BRANCH", 20),
            Column::at_most("AUTHOR", 16),
            Column::days("OPENED", 10),
            Column::wide("COMMIT"),
        ]
    }

    fn cells(&self, proposal: &Proposal) -> Vec<String> {
        let ProposalRow { number, branch, author_name, opened_at, .. } = &proposal.row;
        vec![
            number.to_string(),
            proposal.state().to_owned(),
            branch.to_string(),
            author_name.to_string(),
            minute(Some(*opened_at)),
            proposal.commit().to_owned(),
        ]
    }

    fn json(&self, proposal: &Proposal) -> Value {
        proposal_json(proposal)
    }

    fn position(&self, proposal: &Proposal) -> String {
        proposal.row.number.to_string()
    }
}

fn proposal_json(proposal: &Proposal) -> Value {
    let ProposalRow { number, branch, author_name, opened_at, closed_at, .. } = &proposal.row;
    json!({
        "number": number.get(),
        "ref": number.ref_name(),
        "state": proposal.state(),
        "branch": branch.to_string(),
        "author": author_name.as_str(),
        "commit": proposal.commit,
        "opened_at": json_time(Some(*opened_at)),
        "closed_at": json_time(*closed_at),
    })
}

/// One proposal, of a repository with this URL.
pub(crate) fn proposal_page(proposal: &Proposal, path: &RepoPath, url: &str) -> Report {
    let ProposalRow { number, branch, author_name, opened_at, closed_at, .. } = &proposal.row;
    let fetch = format!("git fetch {url} {}", number.ref_name());
    let text = page(
        &format!("proposal {number} of {path}"),
        &[
            ("state", &proposal.state()),
            ("branch", branch),
            ("author", author_name),
            ("opened", &minute(Some(*opened_at))),
            ("closed", &minute(*closed_at)),
            ("commit", &proposal.commit()),
            ("to fetch it", &fetch),
        ],
    );
    Report::new(text, with_fields(proposal_json(proposal), [("path", path.to_string().into())]))
}
