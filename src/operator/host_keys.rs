//! `hubgate host-keys`: the keys by which clients recognize the hub.
//!
//! Runs as root, because sshd reads its private host keys to print its settings. It opens neither the database nor a
//! repository.

use std::fmt::Display;
use std::net::IpAddr;
use std::path::Path;

use serde_json::{Value, json};

use super::cli::{HostKeys, ServingSshd};
use super::failure::Failure;
use super::openssh::{public_host_key, settings, sshd};
use super::sshd_config::{MAIN, STANDALONE};
use crate::config::{Address, Config};
use crate::key::{Fingerprint, KeyType, PublicKey};
use crate::report::{Report, table};

/// The hash function of an SSHFP record: SHA-256 (RFC 6594, section 3).
const SSHFP_SHA256: u8 = 2;

/// A host key of the sshd that serves the hub.
#[derive(Debug)]
pub(super) struct HostKey(PublicKey);

impl HostKey {
    /// The name of its type in ssh's question at the first connection.
    pub(super) fn label(&self) -> &'static str {
        match self.0.key_type() {
            KeyType::Rsa => "RSA",
            KeyType::EcdsaP256 | KeyType::EcdsaP384 | KeyType::EcdsaP521 => "ECDSA",
            KeyType::Ed25519 => "ED25519",
            KeyType::SkEd25519 => "ED25519-SK",
            KeyType::SkEcdsaP256 => "ECDSA-SK",
        }
    }

    pub(super) fn fingerprint(&self) -> Fingerprint {
        self.0.fingerprint()
    }

    /// Its line for `known_hosts`.
    pub(super) fn known_hosts(&self, address: &Address<'_>) -> String {
        format!("{} {}", address.known_hosts_name(), self.0)
    }

    /// Its record in the DNS zone of a host name, which ends with a dot. There is none for a key in a security key.
    fn sshfp(&self, host: &str) -> Option<String> {
        // RFC 4255, section 3.1.1; RFC 6594, section 5.1; RFC 7479, section 2.
        let algorithm = match self.0.key_type() {
            KeyType::Rsa => 1,
            KeyType::EcdsaP256 | KeyType::EcdsaP384 | KeyType::EcdsaP521 => 3,
            KeyType::Ed25519 => 4,
            KeyType::SkEd25519 | KeyType::SkEcdsaP256 => return None,
        };
        Some(format!("{host}. IN SSHFP {algorithm} {SSHFP_SHA256} {}", self.fingerprint().to_hex()))
    }
}

pub(super) fn run(command: &HostKeys, config_path: &Path) -> Result<Report, Failure> {
    let config = Config::load(config_path)?;
    let (keys, left_out) = host_keys(&command.server, &config)?;
    let address = config.address();
    let is_name = address.host.parse::<IpAddr>().is_err();
    let record = |key: &HostKey| key.sshfp(address.host).filter(|_| is_name);
    if command.sshfp && !is_name {
        let host = address.host;
        let problem = format!("[hub] host is the address {host}: SSHFP records belong to a host name");
        return Err(Failure::Refused(problem));
    }
    let object = |key: &HostKey| -> Value {
        json!({
            "type": key.0.key_type().as_str(),
            "fingerprint": key.fingerprint().to_string(),
            "public_key": key.0.to_string(),
            "known_hosts": key.known_hosts(&address),
            "sshfp": record(key),
        })
    };
    let text = if command.known_hosts {
        lines(keys.iter().map(|key| key.known_hosts(&address)))
    } else if command.sshfp {
        lines(keys.iter().filter_map(record))
    } else {
        let row = |key: &HostKey| [key.label().to_owned(), key.fingerprint().to_string()];
        table(["TYPE", "FINGERPRINT"], keys.iter().map(row).collect())
    };
    let json = json!({
        "host": address.host, "port": address.port, "keys": keys.iter().map(object).collect::<Vec<_>>(),
    });
    let mut report = Report::new(text, json);
    report.note = (!left_out.is_empty()).then(|| left_out.join("; "));
    Ok(report)
}

fn lines(lines: impl Iterator<Item = impl Display>) -> String {
    lines.map(|line| format!("{line}\n")).collect()
}

/// The configuration file of the sshd that serves the hub.
pub(super) fn sshd_config(server: &ServingSshd) -> &Path {
    let default = Path::new(if Path::new(STANDALONE).exists() { STANDALONE } else { MAIN });
    server.sshd_config.as_deref().unwrap_or(default)
}

/// The host keys of the sshd that serves the hub, and why others are left out.
pub(super) fn host_keys(server: &ServingSshd, config: &Config) -> Result<(Vec<HostKey>, Vec<String>), Failure> {
    if !nix::unistd::geteuid().is_root() {
        let problem = "run this command as root: sshd reads its private host keys to tell which ones it has";
        return Err(Failure::Refused(problem.to_owned()));
    }
    let file = sshd_config(server);
    let settings = settings(&sshd()?, file, &config.ssh.login)?;
    let settings = settings.map_err(|complaint| Failure::Refused(format!("sshd -T: {complaint}")))?;
    let (mut keys, mut left_out) = (Vec::new(), Vec::new());
    for file in settings.values("hostkey") {
        let line = match public_host_key(Path::new(file)) {
            Ok(line) => line,
            Err(failure) => {
                left_out.push(format!("the host key {file} is left out: {failure}"));
                continue;
            }
        };
        // The comment is any text.
        let words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).take(2);
        match PublicKey::parse_line(&words.collect::<Vec<_>>().join(&b' ')) {
            Ok((key, _)) => keys.push(HostKey(key)),
            Err(error) => left_out.push(format!("the host key {file} is left out: {error}")),
        }
    }
    if keys.is_empty() {
        let problem = format!("sshd has no usable host key by {}: {}", file.display(), left_out.join("; "));
        return Err(Failure::Refused(problem));
    }
    Ok((keys, left_out))
}
