//! What all of it was measured on.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::Outcome;
use super::place::run;
use hubgate::operator::openssh::Version;

pub(crate) const SSHD: &str = "/usr/sbin/sshd";

/// The gits of this machine, each with its git-shell beside it: the distribution's, and the newest.
pub(crate) fn gits() -> Outcome<Vec<PathBuf>> {
    let places = ["/usr/bin/git", "/usr/local/bin/git"].map(PathBuf::from);
    let gits: Vec<PathBuf> = places.into_iter().filter(|git| git.exists() && shell_of(git).exists()).collect();
    if gits.is_empty() { Err("there is no /usr/bin/git with a git-shell".into()) } else { Ok(gits) }
}

/// The git-shell of a git.
pub(crate) fn shell_of(git: &Path) -> PathBuf {
    git.with_file_name("git-shell")
}

/// The number of a git, as in 2.39.5.
pub(crate) fn git_version(git: &Path) -> Outcome<String> {
    Ok(run(Command::new(git).arg("--version"))?.trim().trim_start_matches("git version ").to_owned())
}

/// What the ssh of this machine says of itself, as in `OpenSSH_9.2p1 ...`.
fn ssh_version() -> Outcome<String> {
    let output = Command::new("ssh").arg("-V").output()?;
    Ok(String::from_utf8(output.stderr)?.trim().to_owned())
}

/// The version of this machine's OpenSSH, client and server being of one package.
pub(crate) fn openssh() -> Outcome<Version> {
    let text = ssh_version()?;
    let number = text.trim_start_matches("OpenSSH_").split(|c: char| !c.is_ascii_digit() && c != '.').next();
    number.unwrap_or_default().parse().map_err(|_| format!("ssh -V says {text}").into())
}

pub(crate) fn describe() -> Outcome {
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease")?;
    let load = std::fs::read_to_string("/proc/loadavg")?;
    let cpus = std::fs::read_to_string("/proc/cpuinfo")?;
    let cpu = cpus.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or("unknown");
    println!("kernel {}", kernel.trim());
    println!("cores {} of {}", std::thread::available_parallelism()?, cpu.trim_start_matches([' ', '\t', ':']));
    println!("load {}, before it began", load.split(' ').next().unwrap_or_default());
    println!("{}", ssh_version()?);
    for git in gits()? {
        println!("git {} at {}", git_version(&git)?, git.display());
    }
    Ok(())
}
