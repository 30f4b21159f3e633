//! `hubgate org`.

use std::path::PathBuf;

use clap::Subcommand;

use super::{ListOptions, new_account};
use crate::commands::arguments::{Confirmation, Expiring, RemoveMember, SetMember};
use crate::key::Fingerprint;
use crate::name::{Owner, Title};
use crate::report::when::{Expiry, parse_duration};

/// `hubgate org`
#[derive(Debug, Subcommand)]
pub enum OrgCommand {
    /// Add an organization.
    Add {
        /// The name.
        #[arg(value_parser = new_account)]
        name: Owner,
        /// The first administrator.
        #[arg(long, value_name = "USER")]
        admin: Owner,
    },
    /// List the organizations.
    List {
        /// Which rows.
        #[command(flatten)]
        list: ListOptions,
    },
    /// Show one organization and its members.
    Show {
        /// The name.
        name: Owner,
    },
    /// Change the name of an organization.
    ///
    /// The old name stays reserved.
    Rename {
        /// The current name.
        old: Owner,
        /// The new name.
        #[arg(value_parser = new_account)]
        new: Owner,
    },
    /// Remove an organization that owns no repositories.
    Remove {
        /// The name.
        name: Owner,
        /// Whether to ask.
        #[command(flatten)]
        confirmation: Confirmation,
    },
    /// Members of an organization.
    #[command(subcommand)]
    Member(MemberCommand),
    /// Certificate authorities, whose certificates open the organization's repositories.
    #[command(subcommand)]
    Ca(AuthorityCommand),
}

/// `hubgate org member`
#[derive(Debug, Subcommand)]
pub enum MemberCommand {
    /// List the members of one organization, or of all.
    List {
        /// The organization.
        organization: Option<Owner>,
        /// When they end.
        #[command(flatten)]
        expiring: Expiring,
        /// Which rows.
        #[command(flatten)]
        list: ListOptions,
    },
    /// Give a user a role in an organization.
    ///
    /// It replaces the previous role.
    Set(SetMember),
    /// Remove a user from an organization.
    Remove(RemoveMember),
}

/// `hubgate org ca`
#[derive(Debug, Subcommand)]
pub enum AuthorityCommand {
    /// Let an organization sign certificates for its members.
    Add {
        /// The organization.
        organization: Owner,
        /// The public key of the authority; `-` is standard input.
        file: PathBuf,
        /// The longest lifetime of a certificate that the hub accepts.
        #[arg(long, value_name = "DURATION", default_value = "24h", value_parser = parse_duration)]
        max_ttl: i64,
        /// When the authority expires: a duration such as 365d, or the last day as YYYY-MM-DD. Default: never.
        #[arg(long, value_name = "TIME")]
        expires: Option<Expiry>,
    },
    /// List the authorities of one organization, or of all.
    List {
        /// The organization.
        organization: Option<Owner>,
        /// When they expire.
        #[command(flatten)]
        expiring: Expiring,
        /// Which rows.
        #[command(flatten)]
        list: ListOptions,
    },
    /// Revoke certificates, by serial number or key id.
    Revoke {
        /// The organization.
        organization: Owner,
        /// The serial number in decimal, or the key id.
        certificate: Title,
    },
    /// Remove an authority.
    ///
    /// Its certificates are rejected from then on.
    Remove {
        /// The organization.
        organization: Owner,
        /// The authority, as `SHA256:…`.
        fingerprint: Fingerprint,
        /// Whether to ask.
        #[command(flatten)]
        confirmation: Confirmation,
    },
}
