//! `hubgate demo`, `doctor`, `sshd-config`: the machine.

use std::path::PathBuf;

use clap::Args;

/// `hubgate demo`
#[derive(Debug, Args)]
pub struct Demo {
    /// The directory that holds everything. Unless given: a new one, /var/lib/hubgate-demo-XXXX.
    #[arg(long)]
    pub dir: Option<PathBuf>,
    /// The port on 127.0.0.1.
    #[arg(long, default_value_t = 2222)]
    pub port: u16,
    /// End after the round trip instead of waiting for Ctrl-C; status 0 only if all of it worked.
    #[arg(long)]
    pub once: bool,
    /// Leave the directory.
    #[arg(long)]
    pub keep: bool,
    /// The login account; made, and removed at the end, where there is none of that name.
    #[arg(long, value_name = "NAME", default_value = "git")]
    pub login: String,
}

/// `hubgate doctor`
#[derive(Debug, Args)]
pub struct Doctor {
    /// Also log in over loopback, with an account and a key made for it and removed behind it.
    #[arg(long)]
    pub login: bool,
    /// The configuration file of the sshd that is meant.
    #[arg(long, value_name = "FILE", default_value = "/etc/ssh/sshd_config")]
    pub sshd_config: PathBuf,
}

/// `hubgate sshd-config`
#[derive(Debug, Args)]
pub struct SshdConfig {
    /// Ask sshd whether it reads the block as it is meant: sshd -t, and sshd -T for the login account.
    #[arg(long, conflicts_with_all = ["install", "remove"])]
    pub check: bool,
    /// Write the block to sshd_config.d/50-hubgate.conf, and take it back where sshd would not start with it.
    #[arg(long, conflicts_with = "remove")]
    pub install: bool,
    /// Remove what `--install` wrote.
    #[arg(long)]
    pub remove: bool,
    /// The configuration file of the sshd that is meant.
    #[arg(long, value_name = "FILE", default_value = "/etc/ssh/sshd_config")]
    pub sshd_config: PathBuf,
}
