//! `hubgate org`.

use std::path::PathBuf;

use clap::Subcommand;

use super::{Sure, new_account};
use crate::access::Role;
use crate::arguments::words;
use crate::key::Fingerprint;
use crate::name::{Owner, Title};
use crate::report::when::{When, parse_duration};

/// `hubgate org`
#[derive(Debug, Subcommand)]
pub enum OrgCommand {
    /// Make an organization.
    Add {
        /// Its name.
        #[arg(value_parser = new_account)]
        name: Owner,
        /// Its first administrator.
        #[arg(long, value_name = "USER")]
        admin: Owner,
    },
    /// List the organizations.
    List,
    /// Show one organization and its members.
    Show {
        /// Its name.
        name: Owner,
    },
    /// Give an organization another name; the old one is kept back.
    Rename {
        /// The name that it has.
        old: Owner,
        /// The name that it is to have.
        #[arg(value_parser = new_account)]
        new: Owner,
    },
    /// Remove an organization that owns no repositories any more.
    Remove {
        /// Its name.
        name: Owner,
        /// Whether to ask.
        #[command(flatten)]
        sure: Sure,
    },
    /// Who belongs to it.
    #[command(subcommand)]
    Member(MemberCommand),
    /// Certificate authorities, whose certificates are good for the organization's repositories.
    #[command(subcommand)]
    Ca(AuthorityCommand),
}

/// `hubgate org member`
#[derive(Debug, Subcommand)]
pub enum MemberCommand {
    /// Give a user a role, in place of the one before.
    Set {
        /// The organization.
        organization: Owner,
        /// The user.
        user: Owner,
        /// The role.
        #[arg(value_parser = words(Role::ALL, Role::as_str))]
        role: Role,
        /// When the role ends: a duration such as 90d, or the last day, as YYYY-MM-DD.
        #[arg(long, value_name = "TIME")]
        until: Option<When>,
    },
    /// Take a user out.
    Remove {
        /// The organization.
        organization: Owner,
        /// The user.
        user: Owner,
    },
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
        /// How long a certificate may be good.
        #[arg(long, value_name = "DURATION", default_value = "24h", value_parser = parse_duration)]
        max_ttl: i64,
    },
    /// List the authorities of an organization.
    List {
        /// The organization.
        organization: Owner,
    },
    /// Take back certificates, by serial number or key id.
    Revoke {
        /// The organization.
        organization: Owner,
        /// The serial number, in decimal, or the key id.
        certificate: Title,
    },
    /// End an authority: nothing that it signed counts any more.
    Remove {
        /// The organization.
        organization: Owner,
        /// The authority, as `SHA256:…`.
        fingerprint: Fingerprint,
        /// Whether to ask.
        #[command(flatten)]
        sure: Sure,
    },
}
