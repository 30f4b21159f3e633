//! `hubgate proposal`.

use clap::Subcommand;

use super::ListOptions;
use crate::commands::arguments::OfProposal;
use crate::name::RepoPath;

/// `hubgate proposal`
#[derive(Debug, Subcommand)]
pub enum ProposalCommand {
    /// List the proposals of a repository, by number.
    ///
    /// A proposal is open, closed, merged or empty. It is merged if its branch contains its commit. It is empty if the
    /// push that opened it did not end; its author can push to it.
    List {
        /// The repository.
        path: RepoPath,
        /// Which rows.
        #[command(flatten)]
        list: ListOptions,
    },
    /// Show one proposal.
    Show(OfProposal),
    /// Close a proposal.
    ///
    /// Its ref and its commits stay.
    Close(OfProposal),
    /// Open a closed proposal again.
    Reopen(OfProposal),
}
