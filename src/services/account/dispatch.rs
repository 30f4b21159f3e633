//! Parses the command line of an account and runs the command.

use std::time::Instant;

use clap::error::ErrorKind;

use super::cli::{
    self, AccessCommand, CheckCommand, Cli, CollaboratorCommand, Command, EmailCommand, KeyCommand, MemberCommand,
    ProposalCommand, RepoCommand, RuleCommand, TeamCommand, TeamMemberCommand, UserCommand,
};
use super::input::{optional_title, standard_input};
use super::{explain, join, whoami};
use crate::access::{GateRequest, NotAdmitted};
use crate::clock::wait_to_deny;
use crate::commands::arguments::{KeyTerms, ListArguments, OfRepository};
use crate::commands::ending::ended;
use crate::commands::key::TitledKey;
use crate::commands::{
    Output, Peer, Refused, Requester, access, check, collaborator, email, key, member, proposal, reachable, repository,
    rule, signers, team,
};
use crate::config::Config;
use crate::db::{ChangeError, Reader};
use crate::log::{self, Level};
use crate::message::{Answer, FaultKind, Refusal, Status};
use crate::name::HubScope;
use crate::report::listing::Form;
use crate::report::spool::Spool;
use crate::report::{Report, error_json};
use crate::request::AccountCommand;
use crate::services::caller::Caller;
use crate::session::SessionContext;

/// Runs an account command for the session that the gateway handed over, and logs the decision.
pub(in crate::services) fn run(caller: &Caller, command: &AccountCommand, list: &mut Spool) -> Answer {
    list.overflow_to(caller.config.state_dir());
    let began = Instant::now();
    let asked = Reader::open(&caller.config.paths.database)
        .and_then(|reader| reader.ask(|view| caller.session_context(view, None)));
    let context = match asked {
        Ok(context) => context,
        Err(error) => return fault(caller, FaultKind::Unavailable, &error.to_string()),
    };
    let line = caller.line().field("verb", "account").field("command", &caller.command);
    let log = |level, decision: &str, reason: &str| {
        let line = line.clone().field("decision", decision).field("reason", reason);
        log::send(&caller.config.log.socket, log::PROGRAM, level, &line);
    };
    let refused = match admit(&context).and_then(|barred| answer(caller, &context, barred.as_ref(), command, list)) {
        Ok(answer) => {
            log(Level::Info, "allow", "");
            return answer;
        }
        Err(Refused::Fault(kind, cause)) => return fault(caller, kind, &cause),
        Err(Refused::Database(error)) => return fault(caller, FaultKind::Unavailable, &error.to_string()),
        Err(refused) => refused,
    };
    log(Level::Notice, "deny", refused.reason());
    if let Refused::Refusal(Refusal::NoRepository) = refused {
        wait_to_deny(began);
    }
    let mut answer = match &refused {
        Refused::Refusal(refusal) => context.messages(&caller.config).refusal(refusal),
        refused => worded(&caller.config, refused),
    };
    if command.words().any(|word| word == "--json") {
        answer.out = format!("{:#}\n", error_json(&answer.err.join("\n"), answer.status));
    }
    answer
}

/// Logs a fault. The client gets the reference of the log line.
fn fault(caller: &Caller, kind: FaultKind, cause: &str) -> Answer {
    caller.log_fault(cause);
    Answer::fault(kind, &caller.sid)
}

/// The answer to a refused command, for a person who uses the hub over SSH.
fn worded(config: &Config, refused: &Refused) -> Answer {
    let text = match (refused, refused.next_command()) {
        // Only the operator may know which account has the key.
        (Refused::Change(ChangeError::KeyInUse { fingerprint, .. }), _) => {
            format!("the key {fingerprint} is already in use")
        }
        (Refused::Unconfirmed(question), _) => format!("{question} Confirm with --yes"),
        (_, Some(next)) => format!("{refused}: {} {next}", config.address().ssh()),
        (_, None) => refused.to_string(),
    };
    Answer { out: String::new(), err: text.lines().map(str::to_owned).collect(), status: refused.status() }
}

/// Checks whether the session is admitted. Returns the reason if the session may only release its key.
fn admit(context: &SessionContext) -> Result<Option<NotAdmitted>, Refused> {
    match &context.identity {
        Ok(_) => Ok(None),
        Err(NotAdmitted::OtherAccount) => {
            Err(Refused::Fault(FaultKind::Broken, "the key is on another account".to_owned()))
        }
        Err(reason) if reason.leaves_release() => Ok(Some(reason.clone())),
        Err(reason) => Err(Refused::Refusal(Refusal::NotAdmitted(reason.clone()))),
    }
}

fn answer(
    caller: &Caller,
    context: &SessionContext,
    barred: Option<&NotAdmitted>,
    command: &AccountCommand,
    list: &mut Spool,
) -> Result<Answer, Refused> {
    let cli = match Cli::read(command, &caller.config.address().ssh()) {
        Ok(cli) => cli,
        // The client asked for help, so this is an answer.
        Err(error) if matches!(error.kind(), ErrorKind::DisplayHelp) => {
            return Ok(Answer { out: error.to_string(), err: Vec::new(), status: Status::Done });
        }
        Err(error) => return Err(Refused::Usage(usage(&caller.config, &error))),
    };
    match (barred, &cli.command) {
        (None, _) | (Some(_), Command::Key(KeyCommand::Release { .. })) => {}
        (Some(reason), _) => return Err(Refused::Refusal(Refusal::NotAdmitted(reason.clone()))),
    }
    let peer = Peer { is_barred: barred.is_some(), ..caller.peer() };
    let json = cli.json;
    let report = run_command(caller, context, &peer, cli, list)?.with_ended(ended());
    Ok(Answer { out: report.render(json), err: report.note.into_iter().collect(), status: report.status })
}

fn run_command(
    caller: &Caller,
    context: &SessionContext,
    peer: &Peer<'_>,
    cli: Cli,
    list: &mut Spool,
) -> Result<Report, Refused> {
    let mut requester = Requester::Account(peer);
    let mut printed = Printed { json: cli.json, list };
    match cli.command {
        Command::Whoami => Ok(whoami::run(peer, context)),
        Command::Key(command) => run_key(peer, command, &mut printed),
        Command::User(UserCommand::Email(command)) => match command {
            EmailCommand::Add { address } => email::add(&mut requester, None, &address),
            EmailCommand::Remove { address } => email::remove(&mut requester, None, &address),
            EmailCommand::List { rows } => email::list(&requester, None, &mut printed.output(&rows)),
        },
        Command::Repo(command) => run_repo(&mut requester, command, &mut printed),
        Command::Check(command) => match command {
            CheckCommand::List { scope, rows } => check::list(&requester, &scope, &mut printed.output(&rows)),
            CheckCommand::Set(arguments) => check::set(&mut requester, &arguments),
        },
        Command::Rule(command) => match command {
            RuleCommand::List { scope, rows } => rule::list(&requester, &scope, &mut printed.output(&rows)),
            RuleCommand::Add(arguments) => rule::add(&mut requester, &arguments),
            RuleCommand::Remove(arguments) => rule::remove(&mut requester, &arguments),
            RuleCommand::Move(arguments) => rule::set_number(&mut requester, &arguments),
        },
        Command::AllowedSigners { path } => {
            signers::list(&requester, &HubScope::Repository(path), printed.json, printed.list)
        }
        Command::Proposal(command) => match command {
            ProposalCommand::List { path, rows } => proposal::list(&requester, &path, &mut printed.output(&rows)),
            ProposalCommand::Show(arguments) => proposal::show(&requester, &arguments),
            ProposalCommand::Close(arguments) => proposal::close(&mut requester, &arguments),
            ProposalCommand::Reopen(arguments) => proposal::reopen(&mut requester, &arguments),
        },
        Command::Org(cli::OrgCommand::Member(command)) => match command {
            MemberCommand::List { organization, expiring, rows } => {
                member::list(&requester, Some(&organization), expiring, &mut printed.output(&rows))
            }
            MemberCommand::Set(arguments) => member::set(&mut requester, &arguments),
            MemberCommand::Remove(arguments) => member::remove(&mut requester, &arguments),
        },
        Command::Team(command) => run_team(&mut requester, command, &mut printed),
        Command::Access(command) => match command {
            AccessCommand::Request { path } => access::request(peer, &path),
            AccessCommand::List { path, rows } => access::list(&requester, &path, &mut printed.output(&rows)),
            AccessCommand::Grant(arguments) => access::grant(&mut requester, &arguments),
            AccessCommand::Reject(OfRepository { path, user }) => {
                access::answer(&mut requester, &path, &user, GateRequest::Rejected, None)
            }
            AccessCommand::Revoke(OfRepository { path, user }) => {
                access::answer(&mut requester, &path, &user, GateRequest::None, None)
            }
        },
        Command::Explain { path, what, change } => explain::run(peer, context, &path, &what, change.given()),
        Command::Join { code, title } => join::run(caller, peer, &code, &title),
    }
}

/// Where the rows of lists go.
struct Printed<'a> {
    json: bool,
    list: &'a mut Spool,
}

impl Printed<'_> {
    fn output<'a>(&'a mut self, rows: &'a ListArguments) -> Output<'a> {
        let form = Form { json: self.json, width: None, limit: rows.limit, matching: rows.matching.clone() };
        Output { form, after: rows.after.as_deref(), out: self.list }
    }
}

fn run_key(peer: &Peer<'_>, command: KeyCommand, printed: &mut Printed<'_>) -> Result<Report, Refused> {
    let mut requester = Requester::Account(peer);
    match command {
        KeyCommand::List { expiring, rows } => key::list(&requester, None, expiring, &mut printed.output(&rows)),
        KeyCommand::Add { title, terms } => add_key(peer, &title, terms),
        KeyCommand::Rename(arguments) => key::rename(&mut requester, None, &arguments),
        KeyCommand::Remove { key, confirmation } => key::remove(&mut requester, None, &key, confirmation),
        KeyCommand::Release { confirmation } => key::release(peer, confirmation),
    }
}

fn run_repo(requester: &mut Requester<'_>, command: RepoCommand, printed: &mut Printed<'_>) -> Result<Report, Refused> {
    match command {
        RepoCommand::List { reachable: true, rows, .. } => reachable::list(requester, None, &mut printed.output(&rows)),
        RepoCommand::List { owner, rows, .. } => {
            repository::list(requester, owner.as_ref(), &mut printed.output(&rows))
        }
        RepoCommand::Collaborator(CollaboratorCommand::List { path, expiring, rows }) => {
            collaborator::list(requester, Some(&path), expiring, &mut printed.output(&rows))
        }
        RepoCommand::Create(arguments) => repository::create(requester, &arguments, None),
        RepoCommand::Show { path } => repository::show(requester, &path, None),
        RepoCommand::Rename(arguments) => repository::rename(requester, &arguments),
        RepoCommand::Visibility(arguments) => repository::set_visibility(requester, &arguments),
        RepoCommand::Describe(arguments) => repository::describe(requester, &arguments),
        RepoCommand::DefaultBranch(arguments) => repository::default_branch(requester, &arguments),
        RepoCommand::Proposals(arguments) => proposal::accept(requester, &arguments),
        RepoCommand::Protect(arguments) => rule::protect(requester, &arguments),
        RepoCommand::Unprotect(arguments) => rule::unprotect(requester, &arguments),
        RepoCommand::Remove { path, confirmation } => repository::remove(requester, &path, confirmation),
        RepoCommand::Collaborator(CollaboratorCommand::Set(arguments)) => collaborator::set(requester, &arguments),
        RepoCommand::Collaborator(CollaboratorCommand::Remove(arguments)) => {
            collaborator::remove(requester, &arguments)
        }
    }
}

fn run_team(requester: &mut Requester<'_>, command: TeamCommand, printed: &mut Printed<'_>) -> Result<Report, Refused> {
    match command {
        TeamCommand::Add { team } => team::add(requester, &team),
        TeamCommand::List { organization, rows } => team::list(requester, &organization, &mut printed.output(&rows)),
        TeamCommand::Show { team } => team::show(requester, &team),
        TeamCommand::Rename(arguments) => team::rename(requester, &arguments),
        TeamCommand::Remove { team, confirmation } => team::remove(requester, &team, confirmation),
        TeamCommand::Member(TeamMemberCommand::List { team, expiring, rows }) => {
            team::list_members(requester, Some(&team), expiring, &mut printed.output(&rows))
        }
        TeamCommand::Member(TeamMemberCommand::Add(arguments)) => team::add_member(requester, &arguments),
        TeamCommand::Member(TeamMemberCommand::Remove(arguments)) => team::remove_member(requester, &arguments),
    }
}

/// Adds the key on standard input.
fn add_key(peer: &Peer<'_>, words: &[String], terms: KeyTerms) -> Result<Report, Refused> {
    // A session that may not add a key is refused before a person types one.
    key::check_may_add(peer)?;
    key::add(
        &mut Requester::Account(peer),
        None,
        &TitledKey::parse(&standard_input(peer.config)?, optional_title(words)?)?,
        terms,
        None,
    )
}

/// Describes what is wrong with a command line, and how to get help.
fn usage(config: &Config, error: &clap::Error) -> String {
    let text = error.to_string();
    let lines = text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with("For more information"));
    let lines: Vec<&str> = lines.map(|line| line.strip_prefix("error: ").unwrap_or(line).trim()).collect();
    format!("{}\nsee: {} help", lines.join("\n"), config.address().ssh())
}
