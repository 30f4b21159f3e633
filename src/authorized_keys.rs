//! Program 1, `authorized-keys`: sshd's `AuthorizedKeysCommand`, and the one line that it prints.
//!
//! sshd runs it before any proof of possession, as a user that can only read the database, with `%u %t %k`. It prints
//! one line or nothing and has no other effect: no writes, no children, no network, nothing on standard error. What it
//! prints is made of a name that passed, of a fingerprint, and of the key that sshd gave, encoded anew.

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

/// The hard end of a lookup in seconds; sshd itself would wait for `LoginGraceTime`. Longer than the database's wait.
const DEADLINE: u32 = 2;

/// The program's name in the log.
const PROGRAM: &str = "hubgate-keys";

/// Why no line was printed and sshd hears status 1. For the log.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error(
        "usage: authorized-keys [--config FILE] %u %t %k, and no other words: \
             a comment behind AuthorizedKeysCommand counts as words"
    )]
    Usage,
    #[error("the key that sshd handed over does not decode: is it %t %k?")]
    Key,
    #[error("runs as root or in root's group: set AuthorizedKeysCommandUser to hubgate-keys")]
    Root,
    #[error(transparent)]
    Config(#[from] crate::config::ConfigError),
    #[error(transparent)]
    Database(#[from] crate::db::Error),
    #[error("cannot tell where this program is installed: it needs an absolute path without blanks")]
    Installed,
    #[error("cannot write to sshd: {0}")]
    Output(std::io::Error),
}

/// Runs the program.
#[must_use]
pub fn main() -> ExitCode {
    // The default action ends the process, whatever it waits for.
    nix::unistd::alarm::set(DEADLINE);
    let words: Vec<OsString> = std::env::args_os().skip(1).collect();
    let words: Vec<&[u8]> = words.iter().map(|word| word.as_encoded_bytes()).collect();
    let mut socket = crate::config::Log::default().socket;
    let outcome = run(&words, &mut socket).and_then(|line| {
        // One write: sshd reads until the end, and takes the line only with status 0.
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

/// The line for the key that sshd asks about, or `None` where the key opens nothing.
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

/// What sshd is told of the words `%u %t %k`, or `None` where they open nothing.
fn answer(config: &Config, words: [&[u8]; 3], socket: &Path) -> Result<Option<KeyLine>, Fault> {
    let [login, key_type, base64] = words;
    // One line of sshd's configuration in the wrong place must not open another account.
    let is_anonymous_login =
        config.access.anonymous == AnonymousMode::Login && login == config.ssh.anonymous_login.as_bytes();
    if login != config.ssh.login.as_bytes() && !is_anonymous_login {
        return Ok(None);
    }
    match (OfferedKey::parse(key_type, base64), is_anonymous_login) {
        // Whosever it is: nobody need be asked.
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

/// The line for a key, or `None` where it opens nothing.
fn key_line(config: &Config, key: &OfferedKey, socket: &Path) -> Result<Option<KeyLine>, Fault> {
    let fingerprint = key.fingerprint();
    let holder =
        Reader::open(&config.paths.database).and_then(|reader| reader.ask(|view| view.key_holder(&fingerprint)));
    let form = match (holder, config.access.anonymous) {
        (Ok(Some(Opens::Account(owner))), _) => ForcedCommand::Account(owner, fingerprint).to_string(),
        (Ok(Some(Opens::Repository)), _) => ForcedCommand::DeployKey(fingerprint).to_string(),
        (Ok(None), AnonymousMode::AnyKey) if key.is_sound() => ForcedCommand::Anonymous(fingerprint).to_string(),
        (Ok(None), AnonymousMode::AnyKey | AnonymousMode::Login | AnonymousMode::Fallback | AnonymousMode::Off) => {
            return Ok(None);
        }
        // A peer who is refused reads "Permission denied (publickey)", and OpenSSH 9.8 and newer shut its address out
        // after a few of them (PerSourcePenalties): the gateway says what is the matter, to whoever it is.
        (Err(error), _) if key.is_sound() => {
            report(socket, &error.into());
            UNAVAILABLE.to_owned()
        }
        (Err(error), _) => return Err(error.into()),
    };
    Ok(Some(KeyLine::of_key(form, key)))
}

/// The line for a certificate: its authority's, for its principal alone, where the database says that it is good.
///
/// One that is not good is passed over, since the peer's own key, which it offers next, may be on an account: only the
/// log says why.
fn certificate_line(
    config: &Config,
    certificate: &OfferedCertificate,
    socket: &Path,
) -> Result<Option<KeyLine>, Fault> {
    let (facts, _) =
        Reader::open(&config.paths.database)?.ask(|view| view.session_by_certificate(certificate, None))?;
    match identify_certificate(&facts, now()) {
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

/// Notes why a certificate is passed over.
fn log_certificate(socket: &Path, line: Line, why: &dyn std::fmt::Display) {
    let line = line.field("decision", "deny").field("reason", "certificate").field("cause", why);
    log::send(socket, PROGRAM, Level::Notice, &line);
}

/// What sshd is told about one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeyLine {
    /// What stands before `restrict`, with its comma.
    pub(crate) options: String,
    /// The gateway's words.
    pub(crate) form: String,
    /// Type and base64.
    pub(crate) key: String,
}

impl KeyLine {
    pub(crate) fn of_key(form: String, key: &OfferedKey) -> Self {
        Self { options: String::new(), form, key: key.to_authorized_keys() }
    }

    /// Of the authority's key, good for the certificate's principal alone.
    pub(crate) fn of_certificate(certificate: &OfferedCertificate) -> Self {
        let (principal, authority) = (certificate.principal(), certificate.authority());
        Self {
            options: format!("cert-authority,principals=\"{principal}\","),
            form: ForcedCommand::Certificate(principal.clone(), authority).to_string(),
            key: certificate.authority_words().to_owned(),
        }
    }

    /// The line that sshd reads (sshd(8), `AUTHORIZED_KEYS FILE FORMAT`): everything restricted, the gateway as command.
    ///
    /// No part of it can hold a quote, a backslash or a newline: a path that is plain, names that passed, base64.
    pub(crate) fn text(&self, gateway: &str, config_file: Option<&str>) -> String {
        let config = match config_file {
            Some(file) if file != DEFAULT_PATH => format!("--config {file} "),
            Some(_) | None => String::new(),
        };
        let Self { options, form, key } = self;
        format!("{options}restrict,command=\"{gateway} {config}{form}\" {key}\n")
    }
}

#[cfg(test)]
mod tests;
