//! `hubgate import`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::name::Owner;

/// `hubgate import`
#[derive(Debug, Subcommand)]
pub enum ImportCommand {
    /// Take over the keys of an `authorized_keys` file that another git server wrote.
    ///
    /// The user whom gitolite's command names gets the key, and an account if there is none. Of other lines the comment
    /// must be the name of an account of this hub, or NAME@HOST. Addresses and ends in UTC are carried over; a line
    /// with an option that would be lost is left out.
    AuthorizedKeys(ImportKeys),
    /// Take over the users of gitolite, and what they were granted on repositories that are here.
    ///
    /// Users are those of keydir. R becomes the role read of a collaborator, RW and RW+ the role write. Rules that
    /// refuse or name refs, patterns, options and @all are left out, and so is whom such a rule refuses something. It
    /// can be run again, when more of the repositories are here.
    Gitolite(ImportGitolite),
}

/// `hubgate import authorized-keys`
#[derive(Debug, Args)]
pub struct ImportKeys {
    /// The file.
    pub file: PathBuf,
    /// Put every key on this account, whatever its line says.
    #[arg(long)]
    pub user: Option<Owner>,
    /// Say what would be done, and do nothing.
    #[arg(long)]
    pub dry_run: bool,
}

/// `hubgate import gitolite`
#[derive(Debug, Args)]
pub struct ImportGitolite {
    /// A working copy of gitolite-admin, with conf and keydir.
    #[arg(value_name = "DIR")]
    pub directory: PathBuf,
    /// Whose repositories those are here whose names have no owner.
    #[arg(long)]
    pub owner: Option<Owner>,
    /// Say what would be done, and do nothing.
    #[arg(long)]
    pub dry_run: bool,
}
