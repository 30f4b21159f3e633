//! The push hook. git runs it three times: while the pushed objects are in quarantine, before it updates the refs, and
//! after it has updated them.
//!
//! The push context tells the hook about the limits, and git tells it about the push. It can open neither the database
//! nor the log's socket. The session's guard, outside the sandbox, decides for it and writes to the log. If the hook
//! refuses a push, git updates no ref and keeps no object.

mod ancestry;
mod commits;
mod contents;
mod opening;
mod operator_checks;
mod paths;
mod proc_receive;
mod proposals;
mod questions;
mod readers;
mod refusals;
pub(crate) mod signed;
mod updates;

use std::collections::HashMap;
use std::io::{BufRead, Read};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant, SystemTime};

use crate::child::{self, Limits};
use crate::log::{Line, Sink};
use crate::message::{Answer, FaultKind, Status};
use crate::push::{BadPushContext, DefaultBranch, FromHook, MARK, PushContext, Signing, followed};
use crate::sealed::{self, ReceiveError, Sealed};
use crate::services::caller::{answer_panics, no_message};

use ancestry::Parents;
use operator_checks::Outcome;
pub(super) use operator_checks::{CHECK, become_check};
use questions::{GIT, Guard, contains, git, refs};
use refusals::{Ancestry, BRANCHES, Facts, Reason, branch};
use updates::{Update, in_order};

/// The variable with the id of a push certificate, which git stores before it runs the first hook
/// (git-receive-pack(1)).
const CERTIFICATE: &str = "GIT_PUSH_CERT";
/// The variable with the directory of the pushed objects (tmp-objdir.c).
const QUARANTINE: &str = "GIT_QUARANTINE_PATH";

/// How long git may compare old and new ids of refs. What is left then counts as forced.
const COMPARING: Duration = Duration::from_secs(10);
/// Up to how many pairs of commits git compares in a process each.
const FEW: usize = 16;
/// How many commits are looked at to find the old ones of a push among the new ones.
const STEPS: usize = 4 << 20;
/// How long git may compare ids where a rule decides by the answer. What is left is then refused.
const JUDGING: Duration = Duration::from_secs(60);

/// Why the hook cannot check a push. git then refuses the push.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error(transparent)]
    Receive(#[from] ReceiveError),
    #[error(transparent)]
    PushContext(#[from] BadPushContext),
    #[error("cannot read git's list of refs: {0}")]
    Input(std::io::Error),
    #[error("cannot answer git: {0}")]
    Answer(std::io::Error),
    #[error("a line in git's list of refs is malformed")]
    Line,
    #[error("cannot read the pushed objects: {0}")]
    Objects(std::io::Error),
    #[error("cannot run git: {0}")]
    Git(std::io::Error),
    #[error(transparent)]
    Contents(#[from] contents::Error),
    #[error(transparent)]
    Commits(#[from] commits::Error),
    #[error("a check ended before its answer")]
    Check,
    #[error(transparent)]
    OperatorCheck(#[from] operator_checks::Error),
    #[error(transparent)]
    Question(#[from] questions::Error),
}

/// What the gateway left open for the hook.
struct Inherited {
    message: Sealed,
    context: PushContext,
    started: SystemTime,
    guard: Guard,
}

/// When git runs the hook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hook {
    /// For the whole push: before git keeps its objects.
    Push,
    /// For each ref: before git updates any.
    Refs,
    /// After git has updated all refs.
    Pushed,
}

/// Runs the hook. A fault refuses the push, and the answer has the reference of its log line.
pub(super) fn run(hook: Hook) -> Answer {
    let (message, guard) = match sealed::receive() {
        Ok((message, guard)) => (message, guard.map(|guard| Guard(guard.into()))),
        Err(error) => return no_message(&error),
    };
    let inherited = match (read(&message), guard) {
        (Ok((context, started)), Some(guard)) => Inherited { message, context, started, guard },
        (Ok(_), None) => return no_message(&ReceiveError::Descriptors),
        (Err(fault), guard) => {
            guard.inspect(|guard| guard.tell(&FromHook::Fault(fault.to_string())));
            // The session's id is in the push context.
            return Answer::fault(FaultKind::Broken, "none");
        }
    };
    if let Ok(guard) = inherited.guard.0.try_clone().map(Guard) {
        let tell = move |cause: &str| guard.tell(&FromHook::Fault(cause.to_owned()));
        answer_panics(Line::default(), &inherited.context.sid, Sink::Process(Box::new(tell)));
    }
    let outcome = match hook {
        Hook::Push => pre_receive(&inherited),
        Hook::Refs => proc_receive(&inherited),
        Hook::Pushed => post_receive(&inherited),
    };
    outcome.unwrap_or_else(|fault| {
        inherited.guard.tell(&FromHook::Fault(fault.to_string()));
        Answer::fault(FaultKind::Broken, &inherited.context.sid)
    })
}

fn read(message: &Sealed) -> Result<(PushContext, SystemTime), Fault> {
    Ok((message.read()?.parse()?, message.written_at()?))
}

/// Checks the number of the refs, the number of the commits, the size of the objects, and the objects of LFS pointers.
/// Refuses the push if every ref of it is refused.
fn pre_receive(inherited: &Inherited) -> Result<Answer, Fault> {
    let updates = match updates() {
        Err(Fault::Line) => {
            // git prints a name as it is, also with a line break, which no ref can have.
            let problem = "the name of a ref is malformed".to_owned();
            inherited.guard.tell(&FromHook::Refused(problem.clone()));
            return Ok(Answer { out: String::new(), err: vec![problem], status: Status::Refused });
        }
        updates => updates?,
    };
    if let Some(reason) = excess(&inherited.context, updates.len()) {
        // git would answer with a line for each ref. The guard ends it instead, and this process with it.
        inherited.guard.tell(&FromHook::Ended(reason.clone()));
        let _ = (&inherited.guard.0).read(&mut [0]);
        return Ok(Answer { out: String::new(), status: Status::Refused, err: vec![reason] });
    }
    let stored = stored_bytes()?;
    let problems = match std::env::var(CERTIFICATE) {
        Ok(id) => {
            remove_certificate(&id, inherited.started)?;
            vec!["push certificates are not accepted: push without --signed".to_owned()]
        }
        Err(_) => problems(inherited, &updates, stored)?,
    };
    let mut outcome = Outcome::of(problems);
    if outcome.refusal.is_none() {
        outcome = operator_checks::run(&inherited.context, &inherited.message, &updates)?;
    }
    if outcome.refusal.is_none() {
        // Last, because git keeps the objects next, and then refs move.
        outcome.add(Outcome::of(inherited.guard.problems(stored)?));
    }
    let Outcome { lines, refusal } = outcome;
    let status = if refusal.is_none() { Status::Done } else { Status::Refused };
    if let Some(reason) = refusal {
        inherited.guard.tell(&FromHook::Refused(reason));
    }
    Ok(Answer { out: String::new(), err: lines, status })
}

/// Reads git's list of the refs of this push.
fn updates() -> Result<Vec<Update>, Fault> {
    let parse = |line: std::io::Result<Vec<u8>>| Update::parse(&line.map_err(Fault::Input)?).ok_or(Fault::Line);
    std::io::stdin().lock().split(b'\n').map(parse).collect()
}

/// Why a push of so many refs is refused, with a command that pushes them in parts.
fn excess(context: &PushContext, count: usize) -> Option<String> {
    let most = context.refs;
    (most > 0 && count as u64 > most).then(|| {
        format!(
            "this push updates {count} refs, of at most {most} at once: git for-each-ref --format='%(refname)' \
             refs/heads refs/tags | xargs -n {most} git push origin"
        )
    })
}

/// Why a push that stores `stored` bytes is refused. `None` if the limit allows it.
fn too_large(context: &PushContext, stored: u64) -> Option<String> {
    let most = context.bytes;
    (most > 0 && stored > most)
        .then(|| format!("this push stores {stored} bytes, of at most {most} at once: push in parts"))
}

/// The reasons to refuse a push that stores so many bytes, as the client reads them.
fn problems(inherited: &Inherited, updates: &[Update], stored: u64) -> Result<Vec<String>, Fault> {
    let Inherited { context, guard, .. } = inherited;
    let verdicts = verdicts(inherited, updates)?;
    if !verdicts.is_empty() && verdicts.iter().all(Option::is_some) {
        return Ok(refusals::lines(updates, &verdicts, &context.choose_branch));
    }
    let problems = Vec::from_iter(too_large(context, stored));
    // Those of most refused refs too: the hook proc-receive asks again, when another session may have changed the
    // answer. A name stays as good as it is.
    let is_misnamed = |verdict: &Option<Reason>| matches!(verdict, Some(Reason::Name(_)));
    let judged = updates.iter().zip(&verdicts).filter(|(_, verdict)| !is_misnamed(verdict));
    let judged: Vec<&Update> = judged.map(|(update, _)| update).collect();
    let tips: Vec<&str> = judged.iter().filter(|update| !update.removes()).map(|it| it.new.as_str()).collect();
    if problems.is_empty() { check_contents(context, guard, &judged, &tips) } else { Ok(problems) }
}

/// The reasons of the limit of commits and of the checks of the content, which read the push at the same time. What
/// takes longer for more commits begins only if they are not too many.
fn check_contents(
    context: &PushContext,
    guard: &Guard,
    updates: &[&Update],
    tips: &[&str],
) -> Result<Vec<String>, Fault> {
    let ask = |by, signings: &[Signing]| guard.signers(by, signings).map_err(Fault::from);
    // git sets this variable for a hook while it keeps new objects in quarantine (git-receive-pack(1)).
    let quarantine = std::env::var_os(QUARANTINE).filter(|_| contents::is_on(context));
    std::thread::scope(|scope| {
        let contents = quarantine.as_ref().map(Path::new);
        let contents = contents.map(|place| scope.spawn(move || contents::problems(context, place, tips)));
        if context.commits > 0 && new_commits(context, tips)? > context.commits {
            return Ok(vec![format!("this push adds more than {} commits: push in parts", context.commits)]);
        }
        let paths = paths::is_on(context).then(|| scope.spawn(|| paths::problems(context, updates, tips)));
        let signed = |must_sign| scope.spawn(move || signed::problems(context, must_sign, updates, ask));
        let signed = context.checks.signers().map(signed);
        let mut problems = Vec::new();
        if let Some(contents) = contents {
            problems = contents.join().map_err(|_| Fault::Check)??;
        }
        if let Some(paths) = paths.filter(|_| problems.is_empty()) {
            problems = paths.join().map_err(|_| Fault::Check)??;
        }
        if let Some(signed) = signed.filter(|_| problems.is_empty()) {
            problems = signed.join().map_err(|_| Fault::Check)??;
        }
        Ok(problems)
    })
}

/// The size of the pushed objects on disk. It can exceed the bytes that were sent, because git completes a pack whose
/// objects refer to objects of the repository.
fn stored_bytes() -> Result<u64, Fault> {
    let mut bytes = 0;
    let mut directories: Vec<PathBuf> = std::env::var_os(QUARANTINE).map(PathBuf::from).into_iter().collect();
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(directory).map_err(Fault::Objects)? {
            let entry = entry.map_err(Fault::Objects)?;
            let metadata = entry.metadata().map_err(Fault::Objects)?;
            if metadata.is_dir() {
                directories.push(entry.path());
            } else {
                bytes += metadata.len();
            }
        }
    }
    Ok(bytes)
}

/// Removes the object of a push certificate. git writes it outside the quarantine, whether it advertised certificates
/// or not (git 2.47.3, `prepare_push_cert_sha1`).
///
/// An object that existed before this push stays, because a commit may refer to it.
fn remove_certificate(id: &str, started: SystemTime) -> Result<(), Fault> {
    let Some((shard, name)) = id.split_at_checked(2).filter(|_| id.bytes().all(|byte| byte.is_ascii_hexdigit())) else {
        return Ok(());
    };
    let object = Path::new("objects").join(shard).join(name);
    // A file system without times of creation keeps the object. `repo gc` deletes it after two weeks.
    let is_new = object.metadata().and_then(|file| file.created()).is_ok_and(|created| created >= started);
    if is_new { std::fs::remove_file(object).map_err(Fault::Objects) } else { Ok(()) }
}

/// How many commits a push adds, counted to one over the limit.
fn new_commits(context: &PushContext, tips: &[&str]) -> Result<u64, Fault> {
    let most = (context.commits + 1).to_string();
    // A push may have more refs than a command line takes.
    let words = ["rev-list", "--count", "--max-count", &most, "--stdin", "--not", "--all"];
    let revisions = tips.iter().fold(String::new(), |text, tip| text + tip + "\n");
    let ended = git(context, &words, revisions.as_bytes())?;
    // git fails for a tag of a blob, which adds no commit.
    Ok(String::from_utf8_lossy(&ended.read).trim().parse().unwrap_or(0))
}

/// Refuses single refs. git keeps the objects of a push before it runs this hook, so the objects of refused refs stay
/// until `repo gc` deletes what no ref needs.
fn proc_receive(inherited: &Inherited) -> Result<Answer, Fault> {
    let (mut input, mut output) = (std::io::stdin().lock(), std::io::stdout().lock());
    let asked = proc_receive::ask(&mut input, &mut output).map_err(Fault::Input)?;
    let mut verdicts = verdicts(inherited, &asked.updates)?;
    if asked.is_atomic {
        opening::refuse_beside_others(&asked.updates, &mut verdicts);
        refusals::all_or_none(&mut verdicts);
    }
    let opened = opening::open(&inherited.context, &inherited.guard, &asked.updates, &mut verdicts)?;
    let mut lines = refusals::lines(&asked.updates, &verdicts, &inherited.context.choose_branch);
    if let Some(first) = lines.first() {
        inherited.guard.tell(&FromHook::Refused(first.clone()));
    }
    let outcomes: Vec<_> = verdicts
        .iter()
        .enumerate()
        .map(|(index, verdict)| match (verdict, opened.get(&index)) {
            (Some(reason), _) => proc_receive::Outcome::Refused(reason.to_string()),
            (None, Some(number)) => proc_receive::Outcome::Created(number.ref_name()),
            (None, None) => proc_receive::Outcome::Accepted,
        })
        .collect();
    proc_receive::answer(&mut output, asked.updates.iter().zip(&outcomes)).map_err(Fault::Answer)?;
    lines.extend(opening::lines(&inherited.context, &asked.updates, &opened));
    Ok(Answer { out: String::new(), err: lines, status: Status::Done })
}

/// Why each ref is refused.
fn verdicts(inherited: &Inherited, updates: &[Update]) -> Result<Vec<Option<Reason>>, Fault> {
    let context = &inherited.context;
    let proposals = opening::proposals(context, &inherited.guard, updates)?;
    let head = if refusals::deletes_branches(updates) { head(context)? } else { None };
    let existing = if refusals::creates_unicode(updates) { refs(context, "refs/")? } else { Vec::new() };
    let facts = Facts {
        head: head.as_ref().map(Head::as_default_branch),
        existing: &existing,
        namespaces: &context.namespaces,
        proposals: &proposals,
        who: &context.who,
        rules: &context.rules,
        ancestry: &ancestry(context, updates),
    };
    Ok(refusals::decide(updates, &facts))
}

/// Whether the new commit contains the old one, for each update about which rules decide by it, and for the first that
/// they deny.
///
/// If they are many, one git lists the new commits of all, and most answers are in this list. For each other pair of
/// commits, git is a process.
fn ancestry(context: &PushContext, updates: &[Update]) -> HashMap<usize, bool> {
    let until = Instant::now() + JUDGING;
    let mut named = 0;
    let compared = updates.iter().enumerate().filter(|(_, update)| match Ancestry::of(update, &context.rules) {
        Ancestry::Unimportant => false,
        Ancestry::Named => {
            named += 1;
            named <= refusals::MOST_NAMED
        }
        Ancestry::Decides => true,
    });
    let compared: Vec<(usize, (&str, &str))> =
        compared.map(|(index, update)| (index, (update.new.as_str(), update.old.as_str()))).collect();
    let mut known: HashMap<(&str, &str), bool> = HashMap::new();
    if compared.len() > FEW {
        let listed = listed(context, compared.iter().map(|(_, pair)| *pair));
        let parents = Parents::read(&listed);
        let mut steps = STEPS;
        let pairs = compared.iter().map(|(_, pair)| *pair);
        known.extend(pairs.filter(|(new, old)| parents.lead(new, old, &mut steps)).map(|pair| (pair, true)));
    }
    let mut answers = HashMap::new();
    for (index, pair) in compared {
        let answer = known.get(&pair).copied().or_else(|| {
            let (new, old) = pair;
            (Instant::now() < until).then(|| contains(context, new, old))
        });
        if let Some(answer) = answer {
            known.insert(pair, answer);
            answers.insert(index, answer);
        }
    }
    answers
}

/// The commits that are in new ones and in no old one, with their parents. Empty if git does not list them.
fn listed<'a>(context: &PushContext, pairs: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let revisions = pairs.fold(String::new(), |text, (new, old)| text + new + "\n^" + old + "\n");
    let limits = Limits { time: JUDGING, output: 64 << 20, ..GIT };
    let mut command = Command::new(&context.git);
    let ended = child::output_for(command.args(["rev-list", "--parents", "--stdin"]), limits, revisions.as_bytes());
    let read = ended.ok().filter(|ended| ended.status.success()).map(|ended| ended.read);
    read.and_then(|read| String::from_utf8(read).ok()).unwrap_or_default()
}

/// HEAD of the repository.
struct Head {
    name: String,
    exists: bool,
}

impl Head {
    fn as_default_branch(&self) -> DefaultBranch<'_> {
        let is_chosen = Path::new(MARK).symlink_metadata().is_ok();
        DefaultBranch { name: &self.name, exists: self.exists, is_chosen }
    }
}

/// Asks git for HEAD. Returns `None` if HEAD names no branch.
fn head(context: &PushContext) -> Result<Option<Head>, Fault> {
    let said = git(context, &["symbolic-ref", "--quiet", "HEAD"], b"")?.read;
    let Some(name) = std::str::from_utf8(&said).ok().and_then(|said| said.trim_end().strip_prefix(BRANCHES)) else {
        return Ok(None);
    };
    let exists = git(context, &["rev-parse", "--quiet", "--verify", "HEAD"], b"")?.status.success();
    Ok(Some(Head { name: name.to_owned(), exists }))
}

/// Writes one line to the log for each ref, and points HEAD to a branch that exists.
fn post_receive(inherited: &Inherited) -> Result<Answer, Fault> {
    let updates = updates()?;
    record(inherited, &updates);
    move_head(&inherited.context, &updates)?;
    Ok(Answer { out: String::new(), err: Vec::new(), status: Status::Done })
}

/// Tells the guard about each ref.
fn record(inherited: &Inherited, updates: &[Update]) {
    let until = Instant::now() + COMPARING;
    let contains = |new: &str, old: &str| Instant::now() < until && contains(&inherited.context, new, old);
    for (effect, Update { old, new, name }) in in_order(updates, contains) {
        let (old, new, name) = (old.clone(), new.clone(), name.clone());
        inherited.guard.tell(&FromHook::Moved { old, new, name, effect });
    }
}

/// Points HEAD to a better branch. Without this, a clone would be empty after a first push of `master` to a repository
/// whose HEAD is `main`.
fn move_head(context: &PushContext, updates: &[Update]) -> Result<(), Fault> {
    let created = || updates.iter().filter(|update| update.creates()).filter_map(branch);
    if created().next().is_none() && !refusals::deletes_branches(updates) {
        return Ok(());
    }
    let Some(head) = head(context)? else { return Ok(()) };
    // After the branch of HEAD was deleted, any branch can take its place.
    let left = if head.exists { Vec::new() } else { refs(context, BRANCHES)? };
    let left = left.iter().filter_map(|name| name.strip_prefix(BRANCHES));
    let Some(branch) = followed(head.as_default_branch(), &context.default_branch, created().chain(left)) else {
        return Ok(());
    };
    let mut command = Command::new(&context.git);
    command.args(["symbolic-ref", "HEAD"]).arg(format!("{BRANCHES}{branch}"));
    child::output(&mut command, GIT).map_err(Fault::Git)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A push context with these limits.
    fn limited(refs: u64, bytes: u64) -> PushContext {
        PushContext {
            sid: "00ff".to_owned(),
            git: "/usr/bin/git".into(),
            bytes,
            refs,
            commits: 0,
            stores_objects: true,
            default_branch: "main".to_owned(),
            choose_branch: String::new(),
            checks: "blob-size=5".parse().unwrap(),
            operator_checks: None,
            namespaces: vec![BRANCHES.to_owned()],
            who: "alice".to_owned(),
            lock_holder: None,
            writes: true,
            url: String::new(),
            rules: Vec::new(),
        }
    }

    #[test]
    fn a_push_may_have_as_many_refs_and_bytes_as_the_limits_say_and_0_is_no_limit() {
        for (most, count, is_refused) in [(10, 10, false), (10, 11, true), (0, 11, false)] {
            assert_eq!(excess(&limited(most, 0), count).is_some(), is_refused, "{count} refs of {most}");
            assert_eq!(too_large(&limited(0, most), count as u64).is_some(), is_refused, "{count} bytes of {most}");
        }
    }
}
