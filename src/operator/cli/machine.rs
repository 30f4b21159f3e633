//! `hubgate demo`, `doctor`, `sshd-config`, `host-keys`, `guide`: the machine.

use std::path::PathBuf;

use clap::Args;

use crate::commands::arguments::Confirmation;
use crate::config::{is_host, is_login};

/// `hubgate init`
#[derive(Debug, Args)]
pub struct Init {
    /// The host name or IP address that clients use. Without it, init asks on a terminal.
    #[arg(long, value_name = "HOST", value_parser = host)]
    pub host: Option<String>,
    /// The login account of the hub. If it does not exist, it is created. Default: git.
    #[arg(long, value_name = "NAME", value_parser = login)]
    pub login: Option<String>,
    /// The answer to each question.
    #[command(flatten)]
    pub confirmation: Confirmation,
}

fn host(text: &str) -> Result<String, &'static str> {
    if is_host(text) { Ok(text.to_owned()) } else { Err("not a host name or an IP address") }
}

fn login(text: &str) -> Result<String, &'static str> {
    if is_login(text) { Ok(text.to_owned()) } else { Err("not a valid name of a login account") }
}

/// `hubgate demo`
#[derive(Debug, Args)]
pub struct Demo {
    /// The directory for all files. Default: a new one, /var/lib/hubgate-demo-XXXX.
    #[arg(long)]
    pub dir: Option<PathBuf>,
    /// The port on 127.0.0.1.
    #[arg(long, default_value_t = 2222, value_parser = clap::value_parser!(u16).range(1..))]
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
    /// Also log in over loopback, with a temporary account and key. Two rows of the audit table stay.
    #[arg(long)]
    pub login: bool,
    /// The sshd that serves the hub.
    #[command(flatten)]
    pub server: ServingSshd,
    /// Used by --login, in a second process: the name and the key of the temporary account.
    #[arg(long, hide = true, num_args = 2, value_names = ["NAME", "FILE"])]
    pub temporary_account: Vec<String>,
}

/// `hubgate sshd-config`
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option")]
pub struct SshdConfig {
    /// Check with sshd -t, and with sshd -T for the login account, that sshd reads the block correctly.
    #[arg(long, conflicts_with_all = ["install", "remove"])]
    pub check: bool,
    /// Write the block to sshd_config.d/50-hubgate.conf. If sshd would not serve the hub with it, restore the old file.
    ///
    /// `LoginGraceTime` and `MaxStartups` of the block apply to every login of the server. The command prints what it
    /// changed.
    #[arg(long, conflicts_with = "remove")]
    pub install: bool,
    /// Remove what `--install` wrote.
    #[arg(long)]
    pub remove: bool,
    /// Print, write, check or remove the whole configuration of an sshd that serves hubgate and nothing else.
    ///
    /// The file is `/etc/ssh/hubgate_sshd_config`. The sshd listens on the port of `[ssh] port`, and
    /// hubgate-sshd.service starts it.
    #[arg(long)]
    pub standalone: bool,
    /// The configuration file of sshd.
    #[arg(long, value_name = "FILE", default_value = "/etc/ssh/sshd_config")]
    pub sshd_config: PathBuf,
}

/// `hubgate host-keys`
#[derive(Debug, Args)]
pub struct HostKeys {
    /// Print lines for `known_hosts`, with the host name and the port of the configuration.
    #[arg(long, conflicts_with = "sshfp")]
    pub known_hosts: bool,
    /// Print SSHFP records for the DNS zone of the host. ssh uses them if `VerifyHostKeyDNS` is set and the zone is
    /// signed.
    #[arg(long)]
    pub sshfp: bool,
    /// The sshd.
    #[command(flatten)]
    pub server: ServingSshd,
}

/// `hubgate guide`
#[derive(Debug, Args)]
pub struct Guide {
    /// Print HTML. This is the default.
    #[arg(long, conflicts_with = "markdown")]
    pub html: bool,
    /// Print Markdown with the same content.
    #[arg(long)]
    pub markdown: bool,
    /// The sshd.
    #[command(flatten)]
    pub server: ServingSshd,
}

/// The sshd that serves the hub.
#[derive(Debug, Args)]
pub struct ServingSshd {
    /// The configuration file of sshd. Default: `/etc/ssh/hubgate_sshd_config` if it exists, otherwise
    /// `/etc/ssh/sshd_config`.
    #[arg(long, value_name = "FILE")]
    pub sshd_config: Option<PathBuf>,
}

/// `hubgate stats`
#[derive(Debug, Args)]
pub struct Stats {
    /// Print the numbers as Prometheus reads them. The status is then 0 even if the database cannot be read;
    /// `hubgate_database_up` says so.
    #[arg(long, conflicts_with = "json")]
    pub prometheus: bool,
    /// Count the sessions of this log file, also if it was rotated to FILE.1. Default: the journal.
    #[arg(long, value_name = "FILE", value_parser = absolute)]
    pub log: Option<PathBuf>,
    /// Measure the repositories whose bytes were not counted since the last start of the machine, or have changed. This
    /// reads the directories of these repositories.
    #[arg(long)]
    pub measure: bool,
    /// The sshd, for doctor's findings.
    #[command(flatten)]
    pub server: ServingSshd,
}

/// Makes a file absolute, because the command changes to `/`.
fn absolute(text: &str) -> std::io::Result<PathBuf> {
    std::path::absolute(text)
}
