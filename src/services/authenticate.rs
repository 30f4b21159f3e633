//! `git-lfs-authenticate`, where large files are on an HTTP server: an address and a token that is good for a while.
//!
//! The answer is git-lfs's (docs/api/server-discovery.md there): `href`, `header`, `expires_in`. A token is a JWT
//! (RFC 7519) signed with HMAC-SHA-256 (RFC 7515), for one operation on one repository.

use std::process::{Command, Stdio};

use base64ct::{Base64UrlUnpadded, Encoding};
use hmac::{Hmac, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use super::caller::Caller;
use crate::clock::now;
use crate::config::LfsMode;
use crate::db::Reader;
use crate::message::{Answer, FaultKind, Refusal, Status};
use crate::name::RepoPath;
use crate::request::{LfsProgram, Operation, Request};
use crate::session::admit;

/// How long a token is good, in seconds. A client asks anew before that.
const LIFETIME: i64 = 1_800;
/// The shortest key that a token is signed with, in bytes (RFC 7518, section 3.2).
const KEY_MIN: usize = 32;

/// Answers with an address and a token, or refuses with one line.
pub(super) fn run(caller: &Caller) -> Answer {
    let Ok(Request::Lfs(LfsProgram::Authenticate, operation, path)) = Request::parse(Some(&caller.command)) else {
        caller.log_fault("not a git-lfs-authenticate of the gateway's");
        return Answer::fault(FaultKind::Broken, &caller.sid);
    };
    answer(caller, operation, &path).unwrap_or_else(|(kind, cause)| {
        caller.log_fault(&cause);
        Answer::fault(kind, &caller.sid)
    })
}

fn answer(caller: &Caller, operation: Operation, path: &RepoPath) -> Result<Answer, (FaultKind, String)> {
    let unavailable = |error: crate::db::Error| (FaultKind::Unavailable, error.to_string());
    let broken = |cause: String| (FaultKind::Broken, cause);
    let lfs = &caller.config.lfs;
    if lfs.mode != LfsMode::Http {
        return Err(broken("git-lfs-authenticate is for [lfs] mode \"http\"".to_owned()));
    }
    let reader = Reader::open(&caller.config.paths.database).map_err(unavailable)?;
    let standing = reader.ask(|view| caller.standing(view, Some(path))).map_err(unavailable)?;
    let speaker = standing.speaker(&caller.config);
    let repository = standing.repository.as_ref();
    let identity = standing.identity.as_ref().map_err(|reason| Refusal::NotAdmitted(reason.clone()));
    let served = identity.and_then(|identity| admit(identity, repository, operation.needs(), now()));
    let served = match served {
        Ok(served) => served,
        Err(refusal) => return Ok(speaker.refusal(&refusal)),
    };
    let out = if lfs.token_command.as_os_str().is_empty() {
        let key = std::fs::read(&lfs.jwt_key_file);
        let key = key.map_err(|error| broken(format!("{}: {error}", lfs.jwt_key_file.display())))?;
        let href = lfs.url.replace("{path}", &served.path.to_string());
        let token = token(&key, &claims(caller, operation, &served.path)).map_err(broken)?;
        json!({
            "href": href, "header": { "Authorization": format!("Bearer {token}") }, "expires_in": LIFETIME,
        })
        .to_string()
            + "\n"
    } else {
        command_output(caller, operation, &served.path).map_err(broken)?
    };
    Ok(Answer { out, err: Vec::new(), status: Status::Done })
}

/// What a token says: for whom, for what, and until when.
fn claims(caller: &Caller, operation: Operation, path: &RepoPath) -> Value {
    json!({
        "iss": caller.config.hub.host, "sub": caller.form.user(), "aud": path.to_string(),
        "operation": operation.as_str(), "key": caller.form.key(),
        "iat": caller.now, "exp": caller.now + LIFETIME, "jti": caller.sid,
    })
}

fn token(key: &[u8], claims: &Value) -> Result<String, String> {
    let key = key.trim_ascii();
    if key.len() < KEY_MIN {
        return Err(format!("the key that tokens are signed with has {} bytes, and needs {KEY_MIN}", key.len()));
    }
    let encode = |text: &str| Base64UrlUnpadded::encode_string(text.as_bytes());
    let signed = format!("{}.{}", encode(r#"{"alg":"HS256","typ":"JWT"}"#), encode(&claims.to_string()));
    let mut mac = Hmac::<Sha256>::new_from_slice(key).map_err(|error| error.to_string())?;
    mac.update(signed.as_bytes());
    Ok(format!("{signed}.{}", Base64UrlUnpadded::encode_string(&mac.finalize().into_bytes())))
}

/// What the operator's own program answers; it must be one JSON object.
fn command_output(caller: &Caller, operation: Operation, path: &RepoPath) -> Result<String, String> {
    let program = &caller.config.lfs.token_command;
    let failed = |cause: &dyn std::fmt::Display| format!("{}: {cause}", program.display());
    let output = Command::new(program)
        .args([operation.as_str(), &path.to_string(), caller.form.user()])
        .env_clear()
        .env("PATH", crate::git::SAFE_PATH)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| failed(&error))?;
    if !output.status.success() {
        return Err(failed(&format_args!("{} {}", output.status, String::from_utf8_lossy(&output.stderr).trim())));
    }
    let answer: Value = serde_json::from_slice(&output.stdout).map_err(|error| failed(&error))?;
    if answer.is_object() { Ok(format!("{answer}\n")) } else { Err(failed(&"it prints no JSON object")) }
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
