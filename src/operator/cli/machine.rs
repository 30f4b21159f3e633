//! `hubgate demo`, `doctor`, `sshd-config`: the machine.

use std::path::PathBuf;

use clap::Args;

/// `hubgate demo`
#[derive(Debug, Args)]
pub struct Demo {
    /// The directory for all files. Default: a new one, /var/lib/hubgate-demo-XXXX.
    #[arg(long)]
    pub dir: Option<PathBuf>,
    /// The port on 127.0.0.1.
    #[arg(long, default_value_t = 2222)]
    pub port: u16,
    /// End after one round trip instead of waiting for Ctrl-C. The status is 0 only if every step worked.
    #[arg(long)]
    pub once: bool,
    /// Keep the directory.
    #[arg(long)]
    pub keep: bool,
    /// The login account. If it does not exist, it is created, and removed at the end.
    #[arg(long, value_name = "NAME", default_value = "git")]
    pub login: String,
}

/// `hubgate doctor`
#[derive(Debug, Args)]
pub struct Doctor {
    /// Also log in over loopback, with a temporary account and key.
    #[arg(long)]
    pub login: bool,
    /// The configuration file of sshd.
    #[arg(long, value_name = "FILE", default_value = "/etc/ssh/sshd_config")]
    pub sshd_config: PathBuf,
}

/// `hubgate sshd-config`
#[derive(Debug, Args)]
pub struct SshdConfig {
    /// Check with sshd -t, and with sshd -T for the login account, that sshd reads the block correctly.
    #[arg(long, conflicts_with_all = ["install", "remove"])]
    pub check: bool,
    /// Write the block to sshd_config.d/50-hubgate.conf. If sshd would not start with it, remove it again.
    #[arg(long, conflicts_with = "remove")]
    pub install: bool,
    /// Remove what `--install` wrote.
    #[arg(long)]
    pub remove: bool,
    /// The configuration file of sshd.
    #[arg(long, value_name = "FILE", default_value = "/etc/ssh/sshd_config")]
    pub sshd_config: PathBuf,
}
