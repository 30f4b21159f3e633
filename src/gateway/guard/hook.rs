//! What the push hook asks its guard, and what the guard answers.
//!
//! The hook runs in git's sandbox on a stranger's objects, so the guard does not trust it. The guard reads a bounded
//! number of lines from it, and makes each decision itself.

use std::fmt::Display;
use std::io::Write;
use std::os::unix::net::UnixStream;

use crate::access::{SignedBy, decide_signer};
use crate::clock::now;
use crate::config::Config;
use crate::db::{Error, Reader};
use crate::gateway::{Services, Session};
use crate::log::{Level, Line};
use crate::message::{PREFIX, Status};
use crate::push::{BranchName, FromHook, ProposalNumber, ProposalReply, PushVerdict, SignerVerdicts, Signing};
use crate::session::rules::Deciding;
use crate::session::{Opened, Record, quota};
use crate::usage::{self, Part, Reservation};

/// The most questions and log lines of one push, besides the lines about refs. A hook needs fewer.
const MOST_LINES: u64 = 16;
/// The most questions about keys in one push. A hook puts many keys into each question.
const MOST_SIGNERS: u64 = 64;
/// What the client reads if the rules have changed since the hook decided by them.
const RULES_CHANGED: &str = "the rules changed during this push: push again";
/// The longest line of the hook, in bytes.
const LINE_MAX: usize = 128 * 1024;

/// What the guard's decisions need.
pub(in crate::gateway) struct Watched<'a> {
    pub(in crate::gateway) session: &'a Session,
    pub(in crate::gateway) config: &'a Config,
    /// What `services` needs to open a proposal.
    pub(in crate::gateway) services: Services<'a>,
    pub(in crate::gateway) record: &'a Record,
    /// What the hook decides by; `None` if git serves no push.
    pub(in crate::gateway) deciding: Option<&'a Deciding>,
}

/// The push hook, as far as the guard knows it.
pub(super) struct Hook {
    pub(super) stream: UnixStream,
    /// The bytes of a line that have arrived so far.
    line: Vec<u8>,
    /// The number of lines about refs.
    refs: u64,
    /// The number of questions about keys.
    signers: u64,
    /// The number of other lines.
    others: u64,
    /// Whether the log took the last line about a ref.
    is_logged: bool,
    /// Why the hook wants git to end.
    pub(super) ends: Option<String>,
}

/// How the bytes of a push count. It holds until git and its children have ended, whatever the hook says.
pub(super) enum Storing {
    /// The hook has not asked, or was refused.
    Nothing,
    /// They are reserved. git may still refuse the push, so nothing settles them: the next session with a quota
    /// measures the git objects.
    Reserved { _until_dropped: Box<Reservation> },
    /// No quota counts them, in the repository of that row.
    Uncounted(i64),
}

impl Hook {
    pub(super) fn new(stream: UnixStream) -> Self {
        Self { stream, line: Vec::new(), refs: 0, signers: 0, others: 0, is_logged: true, ends: None }
    }

    /// Takes bytes from the hook, and acts on each whole line. Returns `false` if the guard must read no more from the
    /// hook: there are no bytes, or a line is malformed, too long or one too many.
    pub(super) fn take(&mut self, watched: &Watched<'_>, storing: &mut Storing, said: &[u8]) -> bool {
        for byte in said {
            if *byte == b'\n' {
                let line = std::mem::take(&mut self.line);
                if !self.fulfil(watched, storing, &line) {
                    return false;
                }
            } else {
                self.line.push(*byte);
            }
        }
        !said.is_empty() && self.line.len() <= LINE_MAX
    }

    /// Answers a question, or writes a line to the log. Returns `false` if the line is malformed or one too many.
    fn fulfil(&mut self, watched: &Watched<'_>, storing: &mut Storing, line: &[u8]) -> bool {
        let push = || watched.record.line_of("push");
        let send = |level, line: &Line| watched.session.send(level, line);
        let fault = |cause: &dyn Display| send(Level::Error, &push().field("decision", "fault").field("cause", cause));
        let said = FromHook::parse(line);
        if !self.count(said.as_ref(), watched.config.limits.push_refs) {
            return false;
        }
        match said {
            Some(FromHook::Decide(bytes)) => {
                let verdict = verdict(watched, storing, bytes);
                return self.answer(&verdict.unwrap_or_else(|error| {
                    fault(&error);
                    PushVerdict::Unknown
                }));
            }
            Some(FromHook::Signers(by, signings)) => {
                let verdicts = signers(watched, by, &signings);
                // Without an answer, the hook refuses the push.
                return self.answer(&verdicts.unwrap_or_else(|error| {
                    fault(&error);
                    SignerVerdicts(Vec::new())
                }));
            }
            Some(FromHook::Proposals(numbers)) => {
                let rights = proposal_rights(watched, &numbers);
                return self.answer(&rights.unwrap_or_else(|error| {
                    fault(&error);
                    ProposalReply::Unknown
                }));
            }
            Some(FromHook::Open { branch, after }) => {
                let opened = open_proposal(watched, branch, after);
                return self.answer(&opened.unwrap_or_else(|cause| {
                    fault(&cause);
                    ProposalReply::Unknown
                }));
            }
            Some(FromHook::Refused(reason)) => {
                send(Level::Notice, &push().field("decision", "deny").field("reason", reason));
            }
            Some(FromHook::Ended(reason)) => {
                send(Level::Notice, &push().field("decision", "deny").field("reason", &reason));
                self.ends = Some(reason);
            }
            Some(FromHook::Fault(cause)) => {
                fault(&cause);
            }
            // A syslog daemon that does not read its socket delays each line, and the client waits.
            Some(FromHook::Moved { old, new, name, effect }) if self.is_logged => {
                let line = push().bytes("ref", &name).field("old", old).field("new", new);
                self.is_logged = send(Level::Info, &line.field("effect", effect));
            }
            Some(FromHook::Moved { .. }) => {}
            None => return false,
        }
        true
    }

    /// Sends an answer. Returns whether the hook could be reached.
    fn answer(&mut self, answer: &dyn Display) -> bool {
        self.stream.write_all(format!("{answer}\n").as_bytes()).is_ok()
    }

    /// Counts a line. Returns `false` if there were too many of its kind.
    fn count(&mut self, said: Option<&FromHook>, push_refs: u64) -> bool {
        let (heard, most) = match said {
            Some(FromHook::Moved { .. }) => (&mut self.refs, push_refs),
            Some(FromHook::Signers(..)) => (&mut self.signers, MOST_SIGNERS),
            Some(_) | None => (&mut self.others, MOST_LINES),
        };
        *heard += 1;
        most == 0 || *heard <= most
    }
}

/// What the database says about the keys that signed commits of a push.
fn signers(watched: &Watched<'_>, by: SignedBy, signings: &[Signing]) -> Result<SignerVerdicts, Error> {
    let Watched { config, record, .. } = *watched;
    let reader = Reader::open(&config.paths.database)?;
    reader.ask(|view| {
        let now = now();
        let pusher = record.account(view, config, now)?;
        let verdict = |Signing { key, email }: &Signing| {
            let named = email.as_ref().map_or(Ok(None), |email| view.user_with_email(email))?;
            Ok(decide_signer(by, view.signer(key)?, named, pusher, now))
        };
        signings.iter().map(verdict).collect::<Result<_, _>>().map(SignerVerdicts)
    })
}

/// Whether the rights of the session and the rules for its refs stand at this moment, and the quotas have room for the
/// bytes of the push.
fn verdict(watched: &Watched<'_>, storing: &mut Storing, bytes: u64) -> Result<PushVerdict, Error> {
    let Watched { session, config, record, deciding, .. } = *watched;
    let reader = Reader::open(&config.paths.database)?;
    match reader.ask(|view| record.check_push(view, config, now()))? {
        Err(end) => return Ok(PushVerdict::Refused(end.lines)),
        Ok(now) if !deciding.is_some_and(|then| now.decides_like(then)) => {
            return Ok(PushVerdict::Refused(vec![RULES_CHANGED.to_owned()]));
        }
        Ok(_) => {}
    }
    let Some((_, row)) = record.repository else { return Ok(PushVerdict::Stands) };
    Ok(reserve(config, &reader, row, bytes, storing).unwrap_or_else(|fault| {
        session.send(Level::Error, &record.line_of("push").field("decision", "fault").field("cause", fault));
        // Without a count, a quota would be no limit.
        PushVerdict::Refused(vec![quota::uncounted(&record.sid)])
    }))
}

/// What the session may do with proposals at this moment.
fn proposal_rights(watched: &Watched<'_>, numbers: &[ProposalNumber]) -> Result<ProposalReply, Error> {
    let Watched { config, record, .. } = *watched;
    let reader = Reader::open(&config.paths.database)?;
    let rights = reader.ask(|view| record.check_proposals(view, config, numbers, now()))?;
    Ok(rights.map_or_else(|end| ProposalReply::Refused(end.lines), ProposalReply::Rights))
}

/// Lets `services` open a proposal. `services` decides about the session's rights again. The hook can choose neither
/// the author nor a number that is already in use.
fn open_proposal(watched: &Watched<'_>, branch: BranchName, after: i64) -> Result<ProposalReply, String> {
    let (path, row) = watched.record.repository.clone().ok_or("this session has no repository")?;
    let opened = Opened { path, row, after, branch };
    let ended = watched.session.propose(&watched.services, opened).map_err(|fault| fault.to_string())?;
    match ended.status.code() {
        Some(0) => {
            let number = String::from_utf8_lossy(&ended.read).trim().parse().map_err(|_| "services gave no number")?;
            Ok(ProposalReply::Opened(number))
        }
        Some(code) if code == i32::from(Status::Refused.code()) => {
            let line = |line: &str| line.strip_prefix(PREFIX).unwrap_or(line).to_owned();
            Ok(ProposalReply::Refused(ended.said.lines().map(line).collect()))
        }
        // `services` has logged the cause.
        Some(_) | None => Err(format!("services could not open a proposal: {}", ended.status)),
    }
}

/// Reserves the bytes of the push, if a quota is set and has room.
fn reserve(
    config: &Config,
    reader: &Reader,
    row: i64,
    bytes: u64,
    storing: &mut Storing,
) -> Result<PushVerdict, quota::Fault> {
    // git starts one such hook in a push, so no earlier reservation exists.
    *storing = Storing::Nothing;
    let Some(demand) = quota::demand(config, reader, row)? else {
        *storing = Storing::Uncounted(row);
        // The guard does this at its end too, but may be killed before. No quota is set, so a fault refuses no push.
        let _ = usage::forget(&config.usage_file(), row);
        return Ok(PushVerdict::Stands);
    };
    Ok(match quota::usage(config)?.reserve(&demand, Part::Git, bytes)? {
        Ok(reservation) => {
            *storing = Storing::Reserved { _until_dropped: Box::new(reservation) };
            PushVerdict::Stands
        }
        Err(full) => PushVerdict::Refused(vec![full.to_string()]),
    })
}
