//! `hubgate check`.

use clap::Subcommand;

use super::ListOptions;
use crate::commands::arguments::SetCheck;
use crate::name::HubScope;

/// `hubgate check`
#[derive(Debug, Subcommand)]
pub enum CheckCommand {
    /// List the checks of the content of pushes, with the values that apply to a repository, to an owner or to the hub.
    List {
        /// OWNER/NAME, OWNER or hub.
        scope: HubScope,
        /// Which rows.
        #[command(flatten)]
        list: ListOptions,
    },
    /// Set the value of a check for a repository, for all repositories of an owner, or for the hub.
    ///
    /// The value of the repository comes before that of its owner, and that of the owner before that of the hub. A push
    /// of an object that a check refuses is refused as a whole. The message names the commit, the path and the remedy.
    ///
    /// With `signed`, each new commit must be signed by an SSH key of scope write. If the operator has confirmed the
    /// address of the committer for an account, the key must be on this account. Otherwise it must be on the account
    /// that pushes (`pusher`), or on any account (`hub`). Patterns after that word name the refs: `pusher
    /// refs/heads/main refs/tags/**`. The check then reads each commit to which none of these refs leads yet, even if
    /// another ref does.
    ///
    /// With `path`, rules say which accounts change which files. hubgate compares a merge with the result that git
    /// itself makes of the same parents. This check, and `signed` without patterns, read each commit to which no ref
    /// leads yet, apart from the refs of proposals.
    Set(SetCheck),
}
