//! A push: the refs that it may change, and what the hook gets from the session.

use std::path::Path;

use arbitrary::Unstructured;
use hubgate::access::SignedBy;
use hubgate::content::{CheckValue, CheckValues, ContentCheck};
use hubgate::push::{
    BRANCHES_AND_TAGS, FromHook, ProposalRef, ProposalReply, PushContext, PushVerdict, SignerVerdicts, Signing,
    check_ref,
};

use crate::input::{self, is_sentence};

/// Arbitrary bytes as a ref name, and after `refs/heads/` and `refs/tags/`.
///
/// An accepted name is a branch or a tag without characters that are special to a shell, a terminal, a command line or
/// a file system.
pub fn ref_policy(data: &[u8]) -> bool {
    let behind = |prefix: &str| sound_ref(&[prefix.as_bytes(), data].concat());
    let (whole, branch, tag) = (sound_ref(data), behind("refs/heads/"), behind("refs/tags/"));
    // Branches and tags have the same rules, except for the length.
    assert!(data.len() > 200 || branch == tag);
    let opening = ProposalRef::of(&[b"refs/for/", data].concat());
    assert!(matches!(&opening, Some(ProposalRef::Opening(_))));
    if let Some(ProposalRef::Opening(Ok(branch))) = opening {
        // What opens a proposal for a branch is the name of a branch that a push can create.
        assert!(sound_ref(branch.ref_name().as_bytes()) && branch.to_string().parse().as_ref() == Ok(&branch));
    }
    if let Some(ProposalRef::Numbered(number)) = ProposalRef::of(&[b"refs/pr/", data].concat()) {
        assert_eq!(number.to_string().as_bytes(), data);
    }
    whole || branch || tag
}

fn sound_ref(name: &[u8]) -> bool {
    if let Err(error) = check_ref(name, &BRANCHES_AND_TAGS) {
        assert!(is_sentence(&error.to_string()));
        return false;
    }
    let name = std::str::from_utf8(name).expect("a name is UTF-8");
    assert!(name.starts_with("refs/heads/") || name.starts_with("refs/tags/"));
    let levels: Vec<&str> = name.split('/').collect();
    assert!(name.len() <= 255 && levels.len() <= 10, "{name:?}");
    assert!(levels.iter().all(|level| !level.starts_with('-')), "{name:?}");
    let reorders = |c: char| matches!(c, '\u{200b}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}');
    let hides = |c: char| c.is_control() || c.is_whitespace() || reorders(c);
    assert!(!name.contains(hides), "{name:?}");
    let short = levels[2..].join("/");
    let is_hex = short.bytes().all(|byte| byte.is_ascii_hexdigit());
    assert!(short != "HEAD" && !(is_hex && [40, 64].contains(&short.len())), "{name:?}");
    true
}

/// A session's facts as a push context, what the hook and the guard say to each other, and arbitrary bytes as each.
///
/// Each reads what the other wrote, and a text cannot add anything.
pub fn push_context(data: &[u8]) -> bool {
    if let Some(context) = std::str::from_utf8(data).ok().and_then(|text| text.parse::<PushContext>().ok()) {
        assert!(context.to_string().starts_with("hubgate push "));
    }
    let said = FromHook::parse(data);
    if let Some(said) = &said {
        let line = said.line();
        assert_eq!(line.iter().filter(|byte| **byte == b'\n').count(), 1);
        assert_eq!(line.strip_suffix(b"\n").and_then(FromHook::parse).as_ref(), Some(said));
    }
    if let Some(reply) = std::str::from_utf8(data).ok().and_then(|text| text.parse::<ProposalReply>().ok()) {
        assert!(!reply.to_string().contains('\n') && reply.to_string().parse() == Ok(reply));
    }
    let mut u = Unstructured::new(data);
    let lines: Vec<String> = (0..2).map(|_| input::text(&mut u).to_owned()).collect();
    let verdict = PushVerdict::Refused(lines.clone()).to_string();
    assert!(!verdict.contains('\n'));
    let plain = !lines.concat().contains(char::is_control);
    assert!(!plain || verdict.parse() == Ok(PushVerdict::Refused(lines.clone())));
    let context = PushContext {
        sid: format!("{:016x}", u.arbitrary::<u64>().unwrap_or(0)),
        git: Path::new("/usr/bin/git").to_owned(),
        refs: u.arbitrary().unwrap_or(0),
        commits: u.arbitrary().unwrap_or(0),
        bytes: u.arbitrary().unwrap_or(0),
        stores_objects: u.arbitrary().unwrap_or(false),
        default_branch: "main".to_owned(),
        choose_branch: "ssh git@hub.example repo default-branch alice/x".to_owned(),
        checks: checks(&mut u),
        operator_checks: None,
        namespaces: BRANCHES_AND_TAGS.map(str::to_owned).into(),
        who: "alice".to_owned(),
        lock_holder: None,
        writes: u.arbitrary().unwrap_or(false),
        url: "git@hub.example:alice/x".to_owned(),
        rules: lines.iter().filter(|_| plain).filter_map(|line| format!("deny all refs/** {line}").parse().ok()).collect(),
    };
    let text = context.to_string();
    assert_eq!(text.parse().as_ref(), Ok(&context));
    assert!(format!("{text}more\n").parse::<PushContext>().is_err());
    said.is_some()
}

/// Values of the checks that have the longest texts.
fn checks(u: &mut Unstructured<'_>) -> CheckValues {
    let mut values = CheckValues::default();
    for check in [ContentCheck::Signed, ContentCheck::Path, ContentCheck::Author] {
        values.set(check, CheckValue::parse(check, input::text(u)).ok());
    }
    values
}

/// A question about keys that signed commits, and its answer: arbitrary bytes as each, and as one word of a question.
///
/// A question is one line, and the guard reads of it what the hook wrote. No address adds a word.
pub fn signers(data: &[u8]) -> bool {
    let line = FromHook::parse(data);
    if let Some(FromHook::Signers(by, signings)) = &line {
        assert_eq!(FromHook::Signers(*by, signings.clone()).line(), [data, b"\n"].concat());
    }
    let text = String::from_utf8_lossy(data);
    if let Ok(verdicts) = text.parse::<SignerVerdicts>() {
        assert_eq!(verdicts.to_string(), text);
    }
    if let Ok(signing) = text.parse::<Signing>() {
        assert_eq!(signing.to_string(), text);
        let asked = FromHook::Signers(SignedBy::Hub, vec![signing.clone(), signing]);
        let line = asked.line();
        assert_eq!(line.iter().filter(|byte| **byte == b' ').count(), 3);
        assert_eq!(line.strip_suffix(b"\n").and_then(FromHook::parse), Some(asked));
        return true;
    }
    matches!(line, Some(FromHook::Signers(..)))
}
