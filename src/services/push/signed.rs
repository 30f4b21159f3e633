//! The check of signatures: each new commit of certain refs is signed by an SSH key of the right account.
//!
//! The hook verifies the signatures itself, in the sandbox, and asks the session's guard which account has a key. If
//! all refs count, a commit is new if no ref leads to it yet, apart from proposals, which a person without write access
//! may have made. If patterns name the refs, a commit is new if none of these refs leads to it yet. So a commit that
//! came unsigned by another ref is checked when a named ref takes it over.

mod commit;

use std::collections::BTreeMap;
use std::io::{self, BufRead, Write};
use std::process::Command;
use std::time::Duration;

use super::commits::{Error, NEW_COMMITS};
use super::updates::Update;
use crate::access::{MustSign, SignedBy, SignerVerdict};
use crate::child::{self, Limits, Terminal};
use crate::git::objects::{Kind, next_object};
use crate::key;
use crate::name::Shown;
use crate::push::{PROPOSALS, ProposalRef, PushContext, Signing};
use crate::word::counted;

use commit::SignedCommit;

/// The most commits whose fault the client reads.
const SHOWN: usize = 5;
/// How many keys and addresses one question has.
const PER_QUESTION: usize = 256;
/// The most different keys and addresses of one push. The guard answers no more questions.
const MOST: usize = 64 * PER_QUESTION;
/// The most bytes of a commit that are read. git itself has no such limit.
const WHOLE: u64 = 64 << 20;
/// What one git of this check may take.
const GIT: Limits = Limits { time: Duration::from_secs(3_600), output: u64::MAX, terminal: Terminal::Closed };

/// A commit that the check does not accept.
struct Refused {
    commit: String,
    why: String,
}

/// The signed commits of a push, by what signed them: some of the commits, which a message can name.
type Signings = BTreeMap<Signing, Vec<String>>;

/// What the check found so far.
#[derive(Default)]
struct Seen {
    refused: Vec<Refused>,
    /// The number of refused commits, including those that `refused` does not keep.
    count: usize,
    signings: Signings,
    /// The number of commits of each signing.
    counts: BTreeMap<Signing, usize>,
    has_too_many: bool,
}

impl Seen {
    fn refuse(&mut self, commit: &str, why: String) {
        self.count += 1;
        if self.refused.len() < SHOWN {
            self.refused.push(Refused { commit: commit.to_owned(), why });
        }
    }

    fn signed(&mut self, commit: &str, signing: Signing) {
        if self.signings.len() >= MOST && !self.signings.contains_key(&signing) {
            self.has_too_many = true;
            return;
        }
        *self.counts.entry(signing.clone()).or_default() += 1;
        let commits = self.signings.entry(signing).or_default();
        if commits.len() < SHOWN {
            commits.push(commit.to_owned());
        }
    }
}

/// The reasons to refuse a push with these new ids of refs, as the client reads them. `ask` asks the hub about the keys
/// that signed.
pub(super) fn problems<E: From<Error>>(
    context: &PushContext,
    updates: &[&Update],
    ask: impl Fn(SignedBy, &[Signing]) -> Result<Vec<SignerVerdict>, E>,
) -> Result<Vec<String>, E> {
    let Some(must_sign) = context.checks.signers() else { return Ok(Vec::new()) };
    let named = updates.iter().filter(|update| is_named(must_sign, update));
    let tips: Vec<&str> = named.map(|update| update.new.as_str()).collect();
    if tips.is_empty() {
        return Ok(Vec::new());
    }
    let mut seen = Seen::default();
    each_new_commit(context, must_sign, &tips, |id, bytes| look(&mut seen, id, bytes))?;
    if seen.has_too_many {
        return Ok(vec![format!("this push has commits of more than {MOST} signers: push in parts")]);
    }
    judge(&mut seen, |signings| ask(must_sign.by, signings))?;
    Ok(lines(must_sign, &seen))
}

/// Whether the commits of an update must be signed. The number of a proposal that it opens is not known yet.
fn is_named(must_sign: &MustSign, update: &Update) -> bool {
    match ProposalRef::of(&update.name) {
        _ if update.removes() => false,
        Some(ProposalRef::Opening(_)) => must_sign.may_name_below(PROPOSALS),
        Some(ProposalRef::Numbered(_)) | None => must_sign.names(&update.name),
    }
}

/// The objects of the refs whose commits must be signed.
fn named_refs(context: &PushContext, must_sign: &MustSign) -> Result<Vec<String>, Error> {
    let mut list = Command::new(&context.git);
    list.args(["for-each-ref", "--format=%(objectname) %(refname)"]);
    let ended = child::ask(
        &mut list,
        GIT,
        |_| Ok(()),
        |output| {
            let mut ids = Vec::new();
            for line in output.split(b'\n') {
                let line = line?;
                let mut words = line.splitn(2, |byte| *byte == b' ');
                let (id, name) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
                if must_sign.names(name) {
                    ids.push(String::from_utf8_lossy(id).into_owned());
                }
            }
            io::Result::Ok(ids)
        },
    );
    let ended = ended.map_err(Error::Git)?;
    let ids = ended.read.map_err(Error::Git)?;
    if ended.status.success() { Ok(ids) } else { Err(Error::Commits) }
}

/// Verifies the signature of one commit.
fn look(seen: &mut Seen, id: &str, bytes: &[u8]) {
    let Some(SignedCommit { signature, signed, email }) = SignedCommit::parse(bytes, id.len()) else {
        return seen.refuse(id, "it is not signed by an SSH key".to_owned());
    };
    match key::verify(&signature, &signed) {
        Ok(key) => seen.signed(id, Signing { key, email }),
        Err(why) => seen.refuse(id, format!("its signature is not accepted: {why}")),
    }
}

/// Asks about all keys that signed.
fn judge<E>(seen: &mut Seen, ask: impl Fn(&[Signing]) -> Result<Vec<SignerVerdict>, E>) -> Result<(), E> {
    let signings: Vec<Signing> = seen.signings.keys().cloned().collect();
    for asked in signings.chunks(PER_QUESTION) {
        let verdicts = ask(asked)?;
        for (signing, verdict) in asked.iter().zip(verdicts) {
            let Some(why) = why(signing, verdict) else { continue };
            let commits = seen.signings.remove(signing).unwrap_or_default();
            seen.count += seen.counts.get(signing).copied().unwrap_or_default() - commits.len();
            for commit in commits {
                seen.refuse(&commit, why.clone());
            }
        }
    }
    Ok(())
}

/// Why a key is not accepted.
fn why(Signing { key, email }: &Signing, verdict: SignerVerdict) -> Option<String> {
    let address = email.as_ref().map_or("", |email| email.as_str());
    match verdict {
        SignerVerdict::Accepted => None,
        SignerVerdict::Unknown => Some(format!("it is signed by {key}, and no account here may sign with this key")),
        SignerVerdict::OtherAddress => {
            Some(format!("it is signed by {key}, which is not on the account that {} names", Shown(address)))
        }
        SignerVerdict::NotPusher => Some(format!(
            "it is signed by {key}, which is not on your account, and the committer's address names no account here"
        )),
    }
}

/// What the client reads.
fn lines(must_sign: &MustSign, seen: &Seen) -> Vec<String> {
    if seen.count == 0 {
        return Vec::new();
    }
    let mut lines: Vec<String> =
        seen.refused.iter().map(|Refused { commit, why }| format!("commit {commit}: {why}")).collect();
    let left = seen.count - seen.refused.len();
    if left > 0 {
        lines.push(counted(left, "more commit of this push is refused", "more commits of this push are refused"));
    }
    if !must_sign.is_of_all_refs() {
        lines.push(format!("a commit must be signed before it comes to {}", must_sign.patterns()));
    }
    lines.push(
        "choose a key that is on your account: git config gpg.format ssh && git config user.signingKey FILE.pub"
            .to_owned(),
    );
    lines.push(
        "sign the commits, with --root in place of @{upstream} if nothing was pushed before: git rebase -r --exec \
         'git commit --amend --no-edit -S' @{upstream}"
            .to_owned(),
    );
    lines
}

/// Reads each new commit to which these tips lead.
fn each_new_commit(
    context: &PushContext,
    must_sign: &MustSign,
    tips: &[&str],
    mut each: impl FnMut(&str, &[u8]) + Send,
) -> Result<(), Error> {
    let mut list = Command::new(&context.git);
    list.args(["rev-list", "--stdin"]);
    let mut known = Vec::new();
    if must_sign.is_of_all_refs() {
        list.args(NEW_COMMITS);
    } else {
        known = named_refs(context, must_sign)?;
    }
    let tips = |input: &mut dyn Write| {
        tips.iter().try_for_each(|tip| writeln!(input, "{tip}"))?;
        known.iter().try_for_each(|id| writeln!(input, "^{id}"))
    };
    let ended = child::ask(&mut list, GIT, tips, |ids| {
        // The list of commits of one git is the input of another git.
        let mut ids = ids.lines().peekable();
        if ids.peek().is_none() {
            return Ok(true);
        }
        let input = |input: &mut dyn Write| ids.try_for_each(|id| writeln!(input, "{}", id?));
        let mut read = Command::new(&context.git);
        read.args(["cat-file", "--batch", "--buffer"]);
        let ended = child::ask(&mut read, GIT, input, |output| {
            while next_object(
                output,
                |object| (object.kind == Kind::Commit).then_some(WHOLE),
                |object, bytes| {
                    each(object.id, &bytes);
                    Ok::<(), io::Error>(())
                },
            )? {}
            io::Result::Ok(())
        })?;
        ended.read?;
        io::Result::Ok(ended.status.success())
    });
    let ended = ended.map_err(Error::Git)?;
    let is_read = ended.read.map_err(Error::Git)?;
    if is_read && ended.status.success() { Ok(()) } else { Err(Error::Commits) }
}
