//! `hubgate team`.

use clap::Subcommand;

use super::ListOptions;
use crate::commands::arguments::{AddTeamMember, Confirmation, Expiring, OfTeam, RenameTeam};
use crate::name::{Owner, TeamPath};

/// `hubgate team`
#[derive(Debug, Subcommand)]
pub enum TeamCommand {
    /// Add a team to an organization.
    Add {
        /// ORG/TEAM.
        team: TeamPath,
    },
    /// List the teams of an organization.
    List {
        /// The organization.
        organization: Owner,
        /// Which rows.
        #[command(flatten)]
        list: ListOptions,
    },
    /// Show a team, its members and its roles on repositories.
    Show {
        /// ORG/TEAM.
        team: TeamPath,
    },
    /// Change the name of a team. It keeps its members and its roles.
    Rename(RenameTeam),
    /// Remove a team. Its members lose the roles that it gave them.
    ///
    /// Its members stay in the organization. Another team of the organization can then have the name. A team that a
    /// rule names cannot be removed: first remove the rule.
    Remove {
        /// ORG/TEAM.
        team: TeamPath,
        /// Whether to ask.
        #[command(flatten)]
        confirmation: Confirmation,
    },
    /// Members of a team.
    #[command(subcommand)]
    Member(TeamMemberCommand),
}

/// `hubgate team member`
#[derive(Debug, Subcommand)]
pub enum TeamMemberCommand {
    /// List the members of one team, or of all.
    List {
        /// ORG/TEAM.
        team: Option<TeamPath>,
        /// When they leave.
        #[command(flatten)]
        expiring: Expiring,
        /// Which rows.
        #[command(flatten)]
        list: ListOptions,
    },
    /// Add a member of the organization to a team, or change when the membership ends.
    Add(AddTeamMember),
    /// Remove a user from a team.
    Remove(OfTeam),
}
