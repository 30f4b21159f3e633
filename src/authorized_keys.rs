//! `authorized-keys`: sshd's `AuthorizedKeysCommand`, and the one line that it prints.
//!
//! sshd runs it with `%u %t %k` before the client proves the key, as a user that can only read the database. It prints
//! one line or nothing and has no other effect: no writes, no children, no network, nothing on standard error. The line
//! consists of a valid name, a fingerprint, and the key from sshd, re-encoded.

use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::access::{NotAdmitted, identify_certificate};
use crate::clock::now;
use crate::config::{AnonymousMode, Config, DEFAULT_PATH};
use crate::db::{Opens, Reader};
use crate::key::{BadOffer, OfferedCertificate, OfferedKey, OfferedKeyError};
use crate::log::{self, Level, Line};
use crate::message::Status;
use crate::privilege::has_anything_of_roots;
use crate::request::{ForcedCommand, UNAVAILABLE, is_plain_path};

/// The deadline of a lookup in seconds, longer than the wait for the database. sshd itself would wait for
/// `LoginGraceTime`.
const DEADLINE: u32 = 2;

/// The program's name in the log.
const PROGRAM: &str = "hubgate-keys";

/// Why no line was printed and sshd gets status 1. For the log.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error(
        "usage: authorized-keys [--config FILE] %u %t %k, and no other words: \
             sshd passes a comment after AuthorizedKeysCommand as words"
    )]
    Usage,
    #[error("cannot decode the key from sshd: AuthorizedKeysCommand must pass %t %k")]
    Key,
    #[error("runs as root or in root's group: set AuthorizedKeysCommandUser to hubgate-keys")]
    Root,
    #[error(transparent)]
    Config(#[from] crate::config::ConfigError),
    #[error(transparent)]
    Database(#[from] crate::db::Error),
    #[error("this program must be installed at an absolute path without blanks")]
    Installed,
    #[error("cannot write to sshd: {0}")]
    Output(std::io::Error),
}

/// Runs the program.
#[must_use]
pub fn main() -> ExitCode {
    // The default action of SIGALRM ends the process in any state.
    nix::unistd::alarm::set(DEADLINE);
    // sshd accepts nothing from a program that ends with status 1, and reads its standard error.
    let default = crate::config::Log::default().socket;
    log::on_panic(log::Sink::Socket(default), PROGRAM, Line::default(), || Status::Refused.code());
    let words: Vec<OsString> = std::env::args_os().skip(1).collect();
    let words: Vec<&[u8]> = words.iter().map(|word| word.as_encoded_bytes()).collect();
    let mut socket = crate::config::Log::default().socket;
    let outcome = run(&words, &mut socket).and_then(|line| {
        // One write: sshd reads until the end and accepts the line only with status 0.
        std::io::stdout().write_all(line.unwrap_or_default().as_bytes()).map_err(Fault::Output)
    });
    match outcome {
        Ok(()) => Status::Done.into(),
        Err(fault) => {
            report(&socket, &fault);
            Status::Refused.into()
        }
    }
}

fn report(socket: &Path, fault: &Fault) {
    let line = Line::default().field("decision", "fault").field("cause", fault);
    log::send(socket, PROGRAM, Level::Error, &line);
}

/// The line for the key that sshd asks about, or `None` if the key is not accepted.
fn run(words: &[&[u8]], socket: &mut PathBuf) -> Result<Option<String>, Fault> {
    let (config_file, words) = match words {
        [b"--config", file, words @ ..] => (Some(std::str::from_utf8(file).map_err(|_| Fault::Usage)?), words),
        words => (None, words),
    };
    let [login, key_type, base64] = words else {
        return Err(Fault::Usage);
    };
    if has_anything_of_roots() {
        return Err(Fault::Root);
    }
    let config = Config::load(Path::new(config_file.unwrap_or(DEFAULT_PATH)))?;
    socket.clone_from(&config.log.socket);
    let Some(line) = answer(&config, [login, key_type, base64], socket)? else { return Ok(None) };
    let gateway = std::env::current_exe().ok().map(|helper| helper.with_file_name("gateway"));
    let gateway = gateway.as_deref().and_then(Path::to_str).filter(|path| is_plain_path(path.as_bytes()));
    let gateway = gateway.ok_or(Fault::Installed)?;
    Ok(Some(line.text(gateway, config_file)))
}

/// The line for the words `%u %t %k`, or `None` if they are not accepted.
fn answer(config: &Config, words: [&[u8]; 3], socket: &Path) -> Result<Option<KeyLine>, Fault> {
    let [login, key_type, base64] = words;
    // A misplaced line in sshd's configuration must not open another account.
    let is_anonymous_login =
        config.access.anonymous == AnonymousMode::Login && login == config.ssh.anonymous_login.as_bytes();
    if login != config.ssh.login.as_bytes() && !is_anonymous_login {
        return Ok(None);
    }
    match (OfferedKey::parse(key_type, base64), is_anonymous_login) {
        // Every key is anonymous on this login, so the database is not consulted.
        (Ok(key), true) => {
            Ok(key.is_sound().then(|| KeyLine::of_key(ForcedCommand::Anonymous(key.fingerprint()).to_string(), &key)))
        }
        (Ok(key), false) => key_line(config, &key, socket),
        (Err(OfferedKeyError::OtherType), true) => Ok(None),
        (Err(OfferedKeyError::OtherType), false) => match OfferedCertificate::parse(key_type, base64) {
            Ok(certificate) => certificate_line(config, &certificate, socket),
            Err(BadOffer::Other) => Ok(None),
            Err(why) => {
                log_certificate(socket, Line::default(), &why);
                Ok(None)
            }
        },
        (Err(OfferedKeyError::Malformed), _) => Err(Fault::Key),
    }
}

/// The line for a key, or `None` if it is not accepted.
fn key_line(config: &Config, key: &OfferedKey, socket: &Path) -> Result<Option<KeyLine>, Fault> {
    let fingerprint = key.fingerprint();
    let holder =
        Reader::open(&config.paths.database).and_then(|reader| reader.ask(|view| view.key_holder(&fingerprint)));
    let forced_command = match (holder, config.access.anonymous) {
        (Ok(Some(Opens::Account(owner))), _) => ForcedCommand::Account(owner, fingerprint).to_string(),
        (Ok(Some(Opens::Repository)), _) => ForcedCommand::DeployKey(fingerprint).to_string(),
        (Ok(None), AnonymousMode::AnyKey) if key.is_sound() => ForcedCommand::Anonymous(fingerprint).to_string(),
        (Ok(None), AnonymousMode::AnyKey | AnonymousMode::Login | AnonymousMode::Fallback | AnonymousMode::Off) => {
            return Ok(None);
        }
        // A refused peer reads "Permission denied (publickey)", and OpenSSH 9.8 and newer block its address after a few
        // refusals (PerSourcePenalties). So the session is admitted, and the gateway says that the hub is unavailable.
        (Err(error), _) if key.is_sound() => {
            report(socket, &error.into());
            UNAVAILABLE.to_owned()
        }
        (Err(error), _) => return Err(error.into()),
    };
    Ok(Some(KeyLine::of_key(forced_command, key)))
}

/// The line for a valid certificate: its CA's key, for its principal alone.
///
/// An invalid certificate is skipped, because the peer offers its plain key next, and that key may be registered. Only
/// the log gives the reason.
fn certificate_line(
    config: &Config,
    certificate: &OfferedCertificate,
    socket: &Path,
) -> Result<Option<KeyLine>, Fault> {
    let now = now();
    let (facts, _) =
        Reader::open(&config.paths.database)?.ask(|view| view.session_by_certificate(certificate, None, now))?;
    match identify_certificate(&facts, now) {
        Ok(_) => Ok(Some(KeyLine::of_certificate(certificate))),
        Err(why) => {
            let line = Line::default()
                .field("user", certificate.principal())
                .field("key", certificate.key())
                .field("ca", certificate.authority())
                .field("serial", certificate.serial())
                .field("id", certificate.key_id());
            match &why {
                NotAdmitted::Certificate(why) => log_certificate(socket, line, why),
                NotAdmitted::Disabled(_) => log_certificate(socket, line, &"its account is disabled"),
                why => log_certificate(socket, line, &format!("{why:?}")),
            }
            Ok(None)
        }
    }
}

/// Logs why a certificate is skipped.
fn log_certificate(socket: &Path, line: Line, why: &dyn std::fmt::Display) {
    let line = line.field("decision", "deny").field("reason", "certificate").field("cause", why);
    log::send(socket, PROGRAM, Level::Notice, &line);
}

/// The parts of the line for one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeyLine {
    /// The options before `restrict`, with their comma.
    pub(crate) options: String,
    /// The gateway's last words: identity and key.
    pub(crate) forced_command: String,
    /// Type and base64.
    pub(crate) key: String,
}

impl KeyLine {
    pub(crate) fn of_key(forced_command: String, key: &OfferedKey) -> Self {
        Self { options: String::new(), forced_command, key: key.to_authorized_keys() }
    }

    /// The line with the CA's key, valid for the certificate's principal alone.
    pub(crate) fn of_certificate(certificate: &OfferedCertificate) -> Self {
        let (principal, authority) = (certificate.principal(), certificate.authority());
        Self {
            options: format!("cert-authority,principals=\"{principal}\","),
            forced_command: ForcedCommand::Certificate(principal.clone(), authority).to_string(),
            key: certificate.authority_words().to_owned(),
        }
    }

    /// The line that sshd reads (sshd(8), `AUTHORIZED_KEYS FILE FORMAT`): every feature restricted, with the gateway as
    /// command.
    ///
    /// No part of it can contain a quote, a backslash or a newline: it consists of plain paths, valid names and base64.
    pub(crate) fn text(&self, gateway: &str, config_file: Option<&str>) -> String {
        let config = match config_file {
            Some(file) if file != DEFAULT_PATH => format!("--config {file} "),
            Some(_) | None => String::new(),
        };
        let Self { options, forced_command, key } = self;
        format!("{options}restrict,command=\"{gateway} {config}{forced_command}\" {key}\n")
    }
}

#[cfg(test)]
mod tests;
