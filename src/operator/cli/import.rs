//! `hubgate import`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::name::Owner;

/// `hubgate import`
#[derive(Debug, Subcommand)]
pub enum ImportCommand {
    /// Import the keys of an `authorized_keys` file that another git server wrote, or of a list of people.
    ///
    /// All lines are one change, which can be repeated: an entry that exists already stays as it is.
    ///
    /// A key with a forced command of gitolite goes to the user that the command names; a missing account is created.
    /// For other lines, the comment must be the name of an account of this hub, or NAME@HOST. Addresses and expiry
    /// times in UTC are imported. A line with any other option is skipped. With
    /// `--plain`, the comment is the name of the account, and a title may follow. Options can stand before the key.
    AuthorizedKeys(ImportKeys),
    /// Import the users of gitolite, and their grants on repositories that exist on this hub.
    ///
    /// The users are those with a key in keydir. R becomes the collaborator role read; RW and RW+ become the role
    /// write. Rules with refs, patterns or options, rules that deny, and rules for @all are skipped. If such a rule
    /// denies a user anything, the user gets no grant there. Run the command again after more repositories were
    /// imported.
    Gitolite(ImportGitolite),
}

/// `hubgate import authorized-keys`
#[derive(Debug, Args)]
pub struct ImportKeys {
    /// The file, or - for standard input.
    pub file: PathBuf,
    /// Add every key to this account, whatever its line says.
    #[arg(long)]
    pub user: Option<Owner>,
    /// Each line is a public key, the name of its account, and optionally a title: `ssh-ed25519 AAAA… alice Laptop`.
    /// Missing accounts are created.
    #[arg(long, conflicts_with = "user")]
    pub plain: bool,
    /// Print what would be done, and change nothing.
    #[arg(long)]
    pub dry_run: bool,
}

/// `hubgate import gitolite`
#[derive(Debug, Args)]
pub struct ImportGitolite {
    /// A working copy of gitolite-admin, with conf and keydir.
    #[arg(value_name = "DIR")]
    pub directory: PathBuf,
    /// The owner on this hub for repositories whose name in gitolite has no owner.
    #[arg(long)]
    pub owner: Option<Owner>,
    /// Print what would be done, and change nothing.
    #[arg(long)]
    pub dry_run: bool,
}
