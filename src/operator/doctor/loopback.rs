//! `hubgate doctor --login`: a login over loopback, with a temporary account and key.

use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::Findings;
use crate::config::Config;
use crate::operator::failure::Failure;
use crate::operator::login::run;
use crate::operator::openssh::Settings;

/// Logs in like a person, at the address and port that sshd listens on.
pub(super) fn check(findings: &mut Findings, config: &Config, config_path: &Path, settings: &Settings, unit: &str) {
    let fix = "read the system log of this minute: journalctl --since -1min";
    match log_in(config, config_path, settings) {
        Ok(greeting) => findings.ok("loopback", greeting),
        Err(error) if error.to_string().contains("Connection refused") => {
            findings.bad("loopback", error.to_string(), format!("systemctl start {unit}"));
        }
        Err(error) => findings.bad("loopback", error.to_string(), fix),
    }
}

fn log_in(config: &Config, config_path: &Path, settings: &Settings) -> Result<String, Failure> {
    let random: [u8; 8] = crate::random::bytes().map_err(|error| Failure::File("/dev/urandom".to_owned(), error))?;
    let account = format!("doctor-{:016x}", u64::from_le_bytes(random));
    let directory = PathBuf::from(format!("/run/hubgate-{account}"));
    std::fs::DirBuilder::new()
        .mode(0o700)
        .create(&directory)
        .map_err(|error| Failure::File(directory.display().to_string(), error))?;
    let own = std::env::current_exe().map_err(|error| Failure::File("/proc/self/exe".to_owned(), error))?;
    let hubgate = |words: &[&str]| run(Command::new(&own).arg("--config").arg(config_path).args(words));
    let key = directory.join("key");
    let public = directory.join("key.pub");
    let outcome =
        run(Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-C", "doctor", "-f"]).arg(&key))
            .and_then(|()| hubgate(&["user", "add", &account, "--no-create"]))
            .and_then(|()| {
                let outcome = hubgate(&["key", "add", &account, &public.to_string_lossy()])
                    .and_then(|()| greeting(config, settings, &key, &account));
                // After every result: only the audit log keeps a trace.
                hubgate(&["user", "remove", &account, "--yes"])?;
                hubgate(&["user", "release", &account])?;
                outcome
            });
    std::fs::remove_dir_all(&directory).map_err(|error| Failure::File(directory.display().to_string(), error))?;
    outcome
}

fn greeting(config: &Config, settings: &Settings, key: &Path, account: &str) -> Result<String, Failure> {
    let (host, port) = address(settings);
    let output = Command::new("ssh")
        .args(["-F", "none", "-T", "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes", "-o", "ConnectTimeout=10"])
        // The host is this machine, so its key does not matter.
        .args(["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR"])
        .args(["-o", "IdentityAgent=none", "-p", &port, "-l", &config.ssh.login, "-i"])
        .arg(key)
        .arg(&host)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| Failure::File("ssh".to_owned(), error))?;
    let said = String::from_utf8_lossy(&output.stdout);
    if output.status.success() && said.starts_with(&format!("Hi {account}, welcome to ")) {
        return Ok(format!("a login at {host} port {port} was greeted by name"));
    }
    let complaint = String::from_utf8_lossy(&output.stderr);
    Err(Failure::Refused(format!("a login at {host} port {port} failed: {} {}", said.trim(), complaint.trim())))
}

/// The first address that sshd listens on; loopback if sshd listens on all.
fn address(settings: &Settings) -> (String, String) {
    let value = |keyword: &str| settings.value(keyword);
    let port = value("port").unwrap_or("22").to_owned();
    match value("listenaddress").and_then(|address| address.rsplit_once(':')) {
        None | Some(("0.0.0.0" | "[::]", _)) => ("127.0.0.1".to_owned(), port),
        Some((host, port)) => (host.trim_matches(['[', ']']).to_owned(), port.to_owned()),
    }
}
