//! `git-lfs-authenticate`, for LFS on an HTTP server: it answers with an address and a token that expires.
//!
//! The answer is git-lfs's (docs/api/server-discovery.md there): `href`, `header`, `expires_in`. A token is a JWT
//! (RFC 7519) signed with HMAC-SHA-256 (RFC 7515), for one operation on one repository.

use std::path::PathBuf;
use std::process::{Command, ExitStatus};
use std::time::{Duration, Instant};

use base64ct::{Base64UrlUnpadded, Encoding};
use hmac::{Hmac, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use super::caller::Caller;
use crate::child::{self, Limits, Terminal};
use crate::clock::{now, wait_to_deny};
use crate::config::LfsMode;
use crate::db::{self, Reader};
use crate::message::{Answer, FaultKind, Refusal, Status};
use crate::name::RepoPath;
use crate::request::Operation;
use crate::session::admit;

/// How long a token is valid, in seconds. git-lfs asks for a new one before it expires.
const LIFETIME: i64 = 1_800;
/// The shortest key for signing tokens, in bytes (RFC 7518, section 3.2).
const KEY_MIN: usize = 32;

/// What the operator's own program may take.
const TOKEN_COMMAND: Limits = Limits { time: Duration::from_secs(10), output: 64 * 1024, terminal: Terminal::Closed };

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error("git-lfs-authenticate is for [lfs] mode \"http\"")]
    Mode,
    #[error(transparent)]
    Database(#[from] db::Error),
    #[error("cannot read the key that signs tokens, {0}: {1}")]
    Key(PathBuf, std::io::Error),
    #[error("the key that signs tokens has {0} bytes, and needs {KEY_MIN}")]
    ShortKey(usize),
    #[error("cannot run {0}: {1}")]
    Start(PathBuf, std::io::Error),
    #[error("{0}: {1} {2}")]
    Command(PathBuf, ExitStatus, String),
    #[error("{0} did not print JSON: {1}")]
    Json(PathBuf, serde_json::Error),
    #[error("{0} did not print a JSON object")]
    NoObject(PathBuf),
}

impl Fault {
    fn kind(&self) -> FaultKind {
        match self {
            Self::Database(_) => FaultKind::Unavailable,
            Self::Mode
            | Self::Key(..)
            | Self::ShortKey(_)
            | Self::Start(..)
            | Self::Command(..)
            | Self::Json(..)
            | Self::NoObject(_) => FaultKind::Broken,
        }
    }
}

/// Answers with an address and a token, or refuses with one line.
pub(super) fn run(caller: &Caller, operation: Operation, path: &RepoPath) -> Answer {
    answer(caller, operation, path).unwrap_or_else(|fault| {
        caller.log_fault(&fault.to_string());
        Answer::fault(fault.kind(), &caller.sid)
    })
}

fn answer(caller: &Caller, operation: Operation, path: &RepoPath) -> Result<Answer, Fault> {
    let lfs = &caller.config.lfs;
    if lfs.mode != LfsMode::Http {
        return Err(Fault::Mode);
    }
    let began = Instant::now();
    let reader = Reader::open(&caller.config.paths.database)?;
    let session_context = reader.ask(|view| caller.session_context(view, Some(path)))?;
    let identity = session_context.identity.as_ref().map_err(|reason| Refusal::NotAdmitted(reason.clone()));
    let repository = session_context.repository.as_ref();
    let served = match identity.and_then(|identity| admit(identity, repository, operation.needs(), now())) {
        Ok(served) => served,
        Err(refusal) => {
            if let Refusal::NoRepository = refusal {
                wait_to_deny(began);
            }
            return Ok(session_context.messages(&caller.config).refusal(&refusal));
        }
    };
    let answer = if lfs.token_command.as_os_str().is_empty() {
        let key = std::fs::read(&lfs.jwt_key_file).map_err(|error| Fault::Key(lfs.jwt_key_file.clone(), error))?;
        let href = lfs.url.replace("{path}", &served.path.to_string());
        let token = token(&key, &claims(caller, operation, &served.path))?;
        json!({ "href": href, "header": { "Authorization": format!("Bearer {token}") }, "expires_in": LIFETIME })
    } else {
        command_output(caller, operation, &served.path)?
    };
    Ok(Answer { out: format!("{answer}\n"), err: Vec::new(), status: Status::Done })
}

/// The claims of a token: its account, its operation on one repository, and its expiry.
///
/// `scopes` has the form of giftless (giftless/auth/jwt.py, 0.6): the objects of one repository, and what may be done
/// with them. A server that checks no audience refuses a token that has one (`PyJWT`), so `aud` is there only if it is
/// configured.
fn claims(caller: &Caller, operation: Operation, path: &RepoPath) -> Value {
    let actions = match operation {
        Operation::Download => "read",
        Operation::Upload => "read,write,verify",
    };
    let mut claims = json!({
        "iss": caller.config.hub.host, "sub": caller.forced_command.user(), "repo": path.to_string(),
        "operation": operation.as_str(), "scopes": format!("obj:{path}/*:{actions}"), "key": caller.forced_command.key(),
        "iat": caller.now, "exp": caller.now + LIFETIME, "jti": caller.sid,
    });
    let audience = caller.config.lfs.jwt_audience.replace("{path}", &path.to_string());
    if let (Some(fields), false) = (claims.as_object_mut(), audience.is_empty()) {
        fields.insert("aud".to_owned(), audience.into());
    }
    claims
}

fn token(key: &[u8], claims: &Value) -> Result<String, Fault> {
    let key = key.trim_ascii();
    if key.len() < KEY_MIN {
        return Err(Fault::ShortKey(key.len()));
    }
    let encode = |text: &str| Base64UrlUnpadded::encode_string(text.as_bytes());
    let signed = format!("{}.{}", encode(r#"{"alg":"HS256","typ":"JWT"}"#), encode(&claims.to_string()));
    // HMAC takes a key of any length.
    let mut mac = Hmac::<Sha256>::new_from_slice(key).map_err(|_| Fault::ShortKey(key.len()))?;
    mac.update(signed.as_bytes());
    Ok(format!("{signed}.{}", Base64UrlUnpadded::encode_string(&mac.finalize().into_bytes())))
}

/// Runs the operator's own program, which must print one JSON object.
fn command_output(caller: &Caller, operation: Operation, path: &RepoPath) -> Result<Value, Fault> {
    let program = &caller.config.lfs.token_command;
    let mut command = Command::new(program);
    command.args([operation.as_str(), &path.to_string(), caller.forced_command.user()]);
    command.env_clear().env("PATH", crate::git::SAFE_PATH);
    let ended = child::output(&mut command, TOKEN_COMMAND).map_err(|error| Fault::Start(program.clone(), error))?;
    if !ended.status.success() {
        return Err(Fault::Command(program.clone(), ended.status, ended.said));
    }
    let answer = serde_json::from_slice(&ended.read);
    let answer: Value = answer.map_err(|error| Fault::Json(program.clone(), error))?;
    if answer.is_object() { Ok(answer) } else { Err(Fault::NoObject(program.clone())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_signed_as_the_rfc_says() {
        // RFC 7515, appendix A.1 has another header; the signature is checked by an independent computation.
        let token = token(b"0123456789abcdef0123456789abcdef\n", &json!({ "a": 1 })).unwrap();
        assert_eq!(
            token,
            "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJhIjoxfQ.aGbK1_nONSboObac6DmY6vyqQ9kmIV84Amg_V0YAg5I"
        );
    }

    #[test]
    fn a_short_key_signs_nothing() {
        assert!(token(b"too short", &json!({})).is_err());
    }
}
