//! `hubgate doctor --login`: a login over loopback, with a temporary account and key.

use std::io::Read;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::Findings;
use crate::config::Config;
use crate::operator::failure::Failure;
use crate::operator::login::run;
use crate::operator::openssh::Settings;

/// Where the temporary key is.
const RUN: &str = "/run";
/// A directory is older than this only if its program was killed.
const OLDEST: Duration = Duration::from_secs(600);

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
    sweep();
    let directory = Path::new(RUN).join(format!("hubgate-{account}"));
    std::fs::DirBuilder::new()
        .mode(0o700)
        .create(&directory)
        .map_err(|error| Failure::File(directory.display().to_string(), error))?;
    let own = std::env::current_exe().map_err(|error| Failure::File("/proc/self/exe".to_owned(), error))?;
    let key = directory.join("key");
    let public = directory.join("key.pub");
    let outcome =
        run(Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-C", "doctor", "-f"]).arg(&key))
            .and_then(|()| {
                let temporary = TemporaryAccount::add(&own, config_path, &account, &public)?;
                let outcome = greeting(config, settings, &key, &account);
                temporary.remove()?;
                outcome
            });
    std::fs::remove_dir_all(&directory).map_err(|error| Failure::File(directory.display().to_string(), error))?;
    outcome
}

/// The process that has the account until its standard input ends, however this process ends.
struct TemporaryAccount(Child);

impl TemporaryAccount {
    fn add(own: &Path, config: &Path, account: &str, public: &Path) -> Result<Self, Failure> {
        let failed = |error| Failure::File(own.display().to_string(), error);
        let mut command = Command::new(own);
        command.arg("--config").arg(config).args(["doctor", "--temporary-account", account]).arg(public);
        // A Ctrl-C at the terminal is for doctor. The other process then erases the account.
        command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(failed)?;
        let mut ready = [0];
        let said = child.stdout.as_mut().map_or(Ok(0), |said| said.read(&mut ready)).map_err(failed)?;
        let this = Self(child);
        if said == 0 { this.remove().and(Err(Failure::Refused("no temporary account".to_owned()))) } else { Ok(this) }
    }

    fn remove(self) -> Result<(), Failure> {
        let output = self.0.wait_with_output().map_err(|error| Failure::File("hubgate".to_owned(), error))?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr).trim().replace("hubgate: ", "");
        Err(Failure::Refused(format!("the temporary account: {said}")))
    }
}

/// Deletes the directories of earlier runs that were killed.
fn sweep() {
    let Ok(entries) = std::fs::read_dir(RUN) else { return };
    for entry in entries.filter_map(Result::ok) {
        let is_left = |file: std::fs::Metadata| {
            let age = file.modified().ok().and_then(|modified| modified.elapsed().ok());
            file.is_dir() && file.uid() == 0 && age.is_some_and(|age| age > OLDEST)
        };
        let is_ours = entry.file_name().to_string_lossy().starts_with("hubgate-doctor-");
        if is_ours && entry.metadata().is_ok_and(is_left) {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
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
