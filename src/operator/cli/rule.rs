//! `hubgate rule`.

use clap::Subcommand;

use super::ListOptions;
use crate::commands::arguments::{AddRule, MoveRule, OfScope};
use crate::name::HubScope;

/// `hubgate rule`
#[derive(Debug, Subcommand)]
pub enum RuleCommand {
    /// List the rules of a repository, of an owner or of the hub, in the order in which they are asked.
    List {
        /// OWNER/NAME, OWNER or hub.
        scope: HubScope,
        /// Which rows.
        #[command(flatten)]
        list: ListOptions,
    },
    /// Add a rule for refs.
    ///
    /// The first rule that names the account, the action and the ref decides. First come the final rules of the hub and
    /// of the owner, then the rules of the repository, then the others of the owner and of the hub. Without a rule,
    /// write access is enough for every action.
    Add(AddRule),
    /// Remove a rule. The rules behind it get smaller numbers.
    Remove(OfScope),
    /// Give a rule another place among the rules of its scope.
    Move(MoveRule),
}
