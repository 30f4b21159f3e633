//! `hubgate key`, `hubgate deploy-key`.

use std::path::PathBuf;

use clap::Subcommand;

use super::Sure;
use crate::access::{Scope, Sources};
use crate::arguments::words;
use crate::key::Fingerprint;
use crate::name::{Owner, RepoPath, Title};
use crate::report::when::When;

/// `hubgate key`
#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// Put a public key on an account.
    Add {
        /// The account.
        user: Owner,
        /// The public key, as in `id_ed25519.pub`; `-` is standard input.
        file: PathBuf,
        /// What to call it. Unless given: the key's comment, else its type and fingerprint.
        #[arg(long)]
        title: Option<Title>,
        /// When it stops to be good: a duration such as 90d, or the last day, as YYYY-MM-DD.
        #[arg(long, value_name = "TIME")]
        expires: Option<When>,
        /// What it may be used for.
        #[arg(long, default_value = "write", value_parser = words(Scope::ALL, Scope::as_str))]
        scope: Scope,
        /// The addresses that it may be used from: networks such as 192.0.2.0/24, with commas between.
        #[arg(long, value_name = "CIDR")]
        from: Option<Sources>,
    },
    /// List the keys of one account, or of all.
    List {
        /// The account.
        user: Option<Owner>,
    },
    /// Show one key.
    Show {
        /// The key, as `SHA256:…`.
        fingerprint: Fingerprint,
    },
    /// Give a key another title.
    Rename {
        /// The key, as `SHA256:…`.
        fingerprint: Fingerprint,
        /// The title.
        title: Title,
    },
    /// Take a key off its account.
    Remove {
        /// The key, as `SHA256:…`.
        fingerprint: Fingerprint,
        /// Somebody else may hold it: refuse it for ever.
        #[arg(long)]
        compromised: bool,
        /// Whether to ask.
        #[command(flatten)]
        sure: Sure,
    },
    /// Say which account a key is on.
    Find {
        /// A public key file, `-` for standard input, or a fingerprint as `SHA256:…`.
        key: String,
    },
}

/// `hubgate deploy-key`
#[derive(Debug, Subcommand)]
pub enum DeployKeyCommand {
    /// Let a key into one repository, and into that alone.
    Add {
        /// The repository.
        path: RepoPath,
        /// The public key; `-` is standard input.
        file: PathBuf,
        /// It may push too.
        #[arg(long)]
        write: bool,
        /// What to call it. Unless given: the key's comment, else its type and fingerprint.
        #[arg(long)]
        title: Option<Title>,
        /// When it stops to be good: a duration such as 90d, or the last day, as YYYY-MM-DD.
        #[arg(long, value_name = "TIME")]
        expires: Option<When>,
    },
    /// List the deploy keys of a repository.
    List {
        /// The repository.
        path: RepoPath,
    },
    /// Take a deploy key off its repository.
    Remove {
        /// The key, as `SHA256:…`.
        fingerprint: Fingerprint,
        /// Whether to ask.
        #[command(flatten)]
        sure: Sure,
    },
}
