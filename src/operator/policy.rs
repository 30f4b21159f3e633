//! `hubgate policy test`: compares an operator's expectations, one per line, with the functions that decide.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::{Value, json};

use super::cli::PolicyCommand;
use super::context::Context;
use super::explain::{Who, explain};
use super::failure::Failure;
use super::key_file::read;
use crate::access::Access;
use crate::access::rule::Action;
use crate::db::Reader;
use crate::message::Status;
use crate::name::RepoPath;
use crate::report::Report;
use crate::request::ANONYMOUS;

#[derive(Debug, Clone, PartialEq, Eq)]
struct Expectation {
    who: Who,
    needed: Access,
    path: RepoPath,
    /// What a push does to a ref, and the full name of the ref.
    change: Option<(String, Action)>,
    is_allowed: bool,
}

/// The format of a line.
const SHAPE: &str = "a line is WHO [from ADDRESS] fetch|push PATH = allow|deny, or \
     WHO [from ADDRESS] create|update|force|delete PATH REF = allow|deny";

pub(super) fn run(command: &PolicyCommand, config: &Path) -> Result<Report, Failure> {
    let PolicyCommand::Test { file } = command;
    // Opened before root privileges are dropped.
    let text = read(file)?;
    let text = String::from_utf8(text).map_err(|_| Failure::Usage(format!("{}: it is not UTF-8", file.display())))?;
    let context = Context::open(config)?;
    let reader = Reader::open(&context.config.paths.database)?;
    let (mut held, mut failed, mut bad): (usize, Vec<Value>, Vec<Value>) = (0, Vec::new(), Vec::new());
    // Writing to a String cannot fail.
    let mut lines = String::new();
    for (index, line) in text.lines().enumerate() {
        let number = index + 1;
        let Some(expectation) = parse(line).transpose() else { continue };
        let verdict = expectation.and_then(|expected| {
            let Expectation { who, needed, path, change, is_allowed } = expected;
            let change = change.as_ref().map(|(name, action)| (name.as_str(), *action));
            match explain(&reader, &context.config, &who, &path, (needed, change)) {
                Ok(verdict) => Ok((verdict, is_allowed)),
                Err(Failure::Usage(why)) => Err(why),
                Err(error) => Err(error.to_string()),
            }
        });
        let line = line.trim();
        match verdict {
            Ok((verdict, expected)) if verdict.is_allowed == expected => held += 1,
            Ok((verdict, _)) => {
                let _ = writeln!(lines, "{}:{number}: {line}, but: {}", file.display(), verdict.chain.join("; "));
                failed
                    .push(json!({ "line": number, "text": line, "decision": verdict.word(), "chain": verdict.chain }));
            }
            Err(why) => {
                let _ = writeln!(lines, "{}:{number}: {why}", file.display());
                bad.push(json!({ "line": number, "text": line, "why": why }));
            }
        }
    }
    let not_understood = if bad.is_empty() { String::new() } else { format!(", {} invalid", bad.len()) };
    let _ = writeln!(lines, "{held} passed, {} failed{not_understood}", failed.len());
    let status = match (failed.is_empty(), bad.is_empty()) {
        (_, false) => Status::Usage,
        (false, true) => Status::Refused,
        (true, true) => Status::Done,
    };
    let mut report = Report::new(lines, json!({ "held": held, "failed": failed, "bad": bad }));
    report.status = status;
    Ok(report)
}

/// Reads one line; `None` for a blank line or a comment.
fn parse(line: &str) -> Result<Option<Expectation>, String> {
    // The name of a ref may have this sign, but not at its beginning.
    let words: Vec<&str> = line.split_whitespace().take_while(|word| !word.starts_with('#')).collect();
    let (who, address, rest) = match words.as_slice() {
        [] => return Ok(None),
        [who, "from", address, rest @ ..] => (*who, Some(*address), rest),
        [who, rest @ ..] => (*who, None, rest),
    };
    let (action, path, name, expected) = match rest {
        [action, path, "=", expected] => (*action, *path, None, *expected),
        [action, path, name, "=", expected] => (*action, *path, Some(*name), *expected),
        _ => return Err(SHAPE.to_owned()),
    };
    let who = match (who, address) {
        (ANONYMOUS, None) => Who::Anonymous,
        (key, address) if key.starts_with("SHA256:") => {
            let key = key.parse().map_err(|error| format!("{key}: {error}"))?;
            Who::Key(key, address.map(str::to_owned))
        }
        (user, None) => Who::Account(user.parse().map_err(|error| format!("{user}: {error}"))?),
        (_, Some(_)) => return Err("only a key can have an address".to_owned()),
    };
    let (needed, change) = match (action, name) {
        ("fetch", None) => (Access::Fetch, None),
        ("push", None) => (Access::Write, None),
        (action, Some(name)) => {
            let action = action.parse().map_err(|_| SHAPE.to_owned())?;
            (Access::Propose, Some((name.to_owned(), action)))
        }
        _ => return Err(SHAPE.to_owned()),
    };
    let is_allowed = match expected {
        "allow" => true,
        "deny" => false,
        _ => return Err(SHAPE.to_owned()),
    };
    let path = path.parse().map_err(|error| format!("{path}: {error}"))?;
    Ok(Some(Expectation { who, needed, path, change, is_allowed }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_an_identity_an_action_a_path_and_a_decision() {
        let read = |line: &str| parse(line).unwrap().unwrap();
        let line = read("  alice push acme/x = allow   # the owner");
        let path: RepoPath = "acme/x".parse().unwrap();
        let expected = Expectation {
            who: Who::Account("alice".parse().unwrap()),
            needed: Access::Write,
            path: path.clone(),
            change: None,
            is_allowed: true,
        };
        assert_eq!(line, expected);
        let line = read("anonymous fetch acme/x = deny");
        assert_eq!(
            line,
            Expectation { who: Who::Anonymous, needed: Access::Fetch, path, change: None, is_allowed: false }
        );
        let line = read("alice force acme/x refs/heads/#1 = deny # a rule");
        assert_eq!(line.change, Some(("refs/heads/#1".to_owned(), Action::Force)));
        assert_eq!((line.needed, line.is_allowed), (Access::Propose, false));
        let key = format!("SHA256:{}", "A".repeat(43));
        let line = read(&format!("{key} from 192.0.2.1 fetch datasets/acme/x = allow"));
        assert_eq!(line.who, Who::Key(key.parse().unwrap(), Some("192.0.2.1".to_owned())));
        assert_eq!(parse("# nothing"), Ok(None));
        assert_eq!(parse(""), Ok(None));
    }

    #[test]
    fn a_line_with_missing_or_extra_words_is_invalid() {
        for line in [
            "alice",
            "alice push acme/x",
            "alice push acme/x = maybe",
            "alice pull acme/x = allow",
            "alice push acme/x refs/heads/a = allow",
            "alice force acme/x = allow",
            "alice force acme/x refs/heads/a refs/heads/b = allow",
            "alice push acme/x allow",
            "alice push acme/x = allow deny",
            "-x push acme/x = allow",
            "alice push x = allow",
            "SHA256:x push acme/x = allow",
            "alice from 192.0.2.1 push acme/x = allow",
            "anonymous from 192.0.2.1 fetch acme/x = allow",
            "alice push ../x = allow",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
