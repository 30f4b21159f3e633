//! The check of signatures: each new commit of certain refs is signed by an SSH key of the right account.
//!
//! The hook verifies the signatures itself, in the sandbox, and asks the session's guard which account has a key. If
//! all refs count, a commit is new if no ref leads to it yet, apart from proposals, which a person without write access
//! may have made. If patterns name the refs, a commit is new if none of these refs leads to it yet. So a commit that
//! came unsigned by another ref is checked when a named ref takes it over.

pub(crate) mod commit;

use std::collections::BTreeMap;
use std::io::{self, BufRead, Write};
use std::process::Command;

use super::commits::{Error, NEW_COMMITS};
use super::readers::{self, GIT, Portions, Readers};
use super::updates::Update;
use crate::access::{MustSign, SignedBy, SignerVerdict};
use crate::child;
use crate::git::objects::{Kind, short_lines};
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

/// A commit of the push. The first of them in git's list are shown.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Commit {
    number: usize,
    id: String,
}

/// The commits that are refused for one reason, or are signed in one way.
#[derive(Default)]
struct Commits {
    /// The first of them, which a message can name.
    first: Vec<Commit>,
    /// The last of them, which is the oldest.
    last: Option<Commit>,
    /// How many they are.
    count: usize,
}

impl Commits {
    /// Adds commits. Those of one git come in their order.
    fn add(&mut self, Self { first, last, count }: Self) {
        self.count += count;
        self.last = self.last.take().max(last);
        self.first.extend(first);
        self.first.sort_unstable();
        self.first.truncate(SHOWN);
    }
}

/// What the check found so far.
#[derive(Default)]
struct Seen {
    /// By the reason.
    refused: BTreeMap<String, Commits>,
    /// By what signed them.
    signings: BTreeMap<Signing, Commits>,
    has_too_many: bool,
}

impl Seen {
    fn refuse(&mut self, why: String, commits: Commits) {
        self.refused.entry(why).or_default().add(commits);
    }

    fn sign(&mut self, signing: Signing, commits: Commits) {
        if self.signings.len() >= MOST && !self.signings.contains_key(&signing) {
            self.has_too_many = true;
            return;
        }
        self.signings.entry(signing).or_default().add(commits);
    }

    /// Adds what another git has read.
    fn add(&mut self, Self { refused, signings, has_too_many }: Self) {
        for (why, commits) in refused {
            self.refuse(why, commits);
        }
        for (signing, commits) in signings {
            self.sign(signing, commits);
        }
        self.has_too_many |= has_too_many;
    }
}

/// The reasons to refuse a push with these new ids of refs, as the client reads them. `ask` asks the hub about the keys
/// that signed.
pub(super) fn problems<E: From<Error>>(
    context: &PushContext,
    must_sign: &MustSign,
    updates: &[&Update],
    ask: impl Fn(SignedBy, &[Signing]) -> Result<Vec<SignerVerdict>, E>,
) -> Result<Vec<String>, E> {
    let named: Vec<&str> =
        updates.iter().filter(|update| is_named(must_sign, update)).map(|update| update.new.as_str()).collect();
    if named.is_empty() {
        return Ok(Vec::new());
    }
    let mut seen = new_commits(context, must_sign, &named)?;
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
fn look(seen: &mut Seen, number: usize, id: &str, bytes: &[u8]) {
    let commit = Commit { number, id: id.to_owned() };
    let commits = Commits { first: vec![commit.clone()], last: Some(commit), count: 1 };
    let Some(SignedCommit { signature, signed, email }) = SignedCommit::parse(bytes, id.len()) else {
        return seen.refuse("it is not signed by an SSH key".to_owned(), commits);
    };
    match key::verify(&signature, &signed) {
        Ok(key) => seen.sign(Signing { key, email }, commits),
        Err(why) => seen.refuse(format!("its signature is not accepted: {why}"), commits),
    }
}

/// Asks about all keys that signed.
fn judge<E>(seen: &mut Seen, ask: impl Fn(&[Signing]) -> Result<Vec<SignerVerdict>, E>) -> Result<(), E> {
    let signings: Vec<Signing> = seen.signings.keys().cloned().collect();
    for asked in signings.chunks(PER_QUESTION) {
        let verdicts = ask(asked)?;
        for (signing, verdict) in asked.iter().zip(verdicts) {
            let Some(why) = why(signing, verdict) else { continue };
            if let Some(commits) = seen.signings.remove(signing) {
                seen.refuse(why, commits);
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
    let mut shown: Vec<(&Commit, &String)> =
        seen.refused.iter().flat_map(|(why, commits)| commits.first.iter().map(move |commit| (commit, why))).collect();
    if shown.is_empty() {
        return Vec::new();
    }
    shown.sort_unstable();
    shown.truncate(SHOWN);
    let mut lines: Vec<String> = shown.iter().map(|(Commit { id, .. }, why)| format!("commit {id}: {why}")).collect();
    let left = seen.refused.values().map(|commits| commits.count).sum::<usize>() - shown.len();
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
    let oldest = seen.refused.values().filter_map(|commits| commits.last.as_ref()).max();
    let oldest = oldest.map_or("COMMIT", |commit| commit.id.as_str());
    lines.push(format!(
        "sign the commits, with --root in place of {oldest}^ if it is the first commit of all: git rebase -r --exec \
         'git commit --amend --no-edit --allow-empty -S' {oldest}^"
    ));
    lines
}

/// Reads the commits to which these tips lead and that are new.
fn new_commits(context: &PushContext, must_sign: &MustSign, tips: &[&str]) -> Result<Seen, Error> {
    let read = |portions: Portions| {
        let mut seen = Seen::default();
        let mut git = Command::new(&context.git);
        git.args(["cat-file", "--batch", "--buffer"]);
        portions.read(
            git,
            |object| (object.kind == Kind::Commit).then_some(WHOLE),
            |number, commit, bytes| {
                look(&mut seen, number, commit.id, bytes);
                Ok::<(), readers::Error>(())
            },
        )?;
        Ok::<_, Error>(seen)
    };
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
    std::thread::scope(|scope| {
        let mut readers = Readers::<_, Error>::new(scope, &read);
        let ended = child::ask(&mut list, GIT, tips, |ids| {
            let listed = short_lines(ids, |id| readers.add(id));
            let read = readers.end()?;
            listed.map_err(Error::Git)?;
            Ok::<_, Error>(read)
        });
        let ended = ended.map_err(Error::Git)?;
        let mut seen = Seen::default();
        for read in ended.read? {
            seen.add(read);
        }
        if ended.status.success() { Ok(seen) } else { Err(Error::Commits) }
    })
}
