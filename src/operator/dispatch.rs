//! From the operator's command line to the commands on the hub's data.

use std::path::Path;

use super::cli::{
    AccessCommand, AuthorityCommand, CheckCommand, CollaboratorCommand, DeployKeyCommand, EmailCommand, KeyCommand,
    MemberCommand, OrgCommand, OwnerCommand, ProposalCommand, RuleCommand, TeamCommand, TeamMemberCommand, UserCommand,
};
use super::context::{Context, confirm};
use super::failure::Failure;
use super::key_file::{read_fingerprint, read_key};
use super::printer::Printer;
use crate::access::{GateRequest, Scope};
use crate::commands::arguments::Confirmation;
use crate::commands::{
    Refused, access, authority, check, collaborator, deploy_key, email, key, member, organization, owner, proposal,
    quota, rule, team, user,
};
use crate::db::OwnerKind;
use crate::report::Report;

/// Runs a command. If it needs a confirmation, asks for it on the terminal and runs the command again.
///
/// The question is asked outside the transaction, so that no other change waits for the answer.
pub(super) fn confirmed(
    confirmation: Confirmation,
    mut command: impl FnMut(Confirmation) -> Result<Report, Refused>,
) -> Result<Report, Failure> {
    match command(confirmation) {
        Err(Refused::Unconfirmed(question)) => {
            confirm(confirmation, &question)?;
            Ok(command(Confirmation { yes: true })?)
        }
        done => Ok(done?),
    }
}

pub(super) fn key(command: &KeyCommand, config: &Path, printer: &mut Printer) -> Result<Report, Failure> {
    let context = || Context::open(config);
    match command {
        KeyCommand::Add { user, file, title, terms, from } => {
            let new = read_key(file, title.clone())?;
            Ok(key::add(&mut context()?.requester(), Some(user), &new, *terms, from.as_ref())?)
        }
        KeyCommand::List { user, expiring, list } => {
            Ok(key::list(&context()?.requester(), user.as_ref(), *expiring, &mut printer.output(list))?)
        }
        KeyCommand::Show { fingerprint } => Ok(key::show(&context()?.requester(), fingerprint)?),
        KeyCommand::Find { key } => {
            let fingerprint = read_fingerprint(key)?;
            Ok(key::show(&context()?.requester(), &fingerprint)?)
        }
        KeyCommand::Rename { user, key } => Ok(key::rename(&mut context()?.requester(), user.as_ref(), key)?),
        KeyCommand::Remove { user, key, confirmation } => {
            let mut context = context()?;
            confirmed(*confirmation, |yes| key::remove(&mut context.requester(), user.as_ref(), key, yes))
        }
    }
}

pub(super) fn deploy_key(command: &DeployKeyCommand, config: &Path, printer: &mut Printer) -> Result<Report, Failure> {
    let context = || Context::open(config);
    match command {
        DeployKeyCommand::Add { path, file, write, title, expires } => {
            let new = read_key(file, title.clone())?;
            let scope = if *write { Scope::Write } else { Scope::Read };
            let expires_at = expires.map(|end| end.0);
            Ok(deploy_key::add(&mut context()?.requester(), path, &new, scope, expires_at)?)
        }
        DeployKeyCommand::List { path, expiring, list } => {
            Ok(deploy_key::list(&context()?.requester(), path, *expiring, &mut printer.output(list))?)
        }
        DeployKeyCommand::Remove { fingerprint, confirmation } => {
            let mut context = context()?;
            confirmed(*confirmation, |yes| deploy_key::remove(&mut context.requester(), fingerprint, yes))
        }
    }
}

pub(super) fn user(command: &UserCommand, mut context: Context, printer: &mut Printer) -> Result<Report, Failure> {
    let mut requester = context.requester();
    match command {
        UserCommand::Add { name, no_create } => Ok(user::add(&mut requester, name, !no_create)?),
        UserCommand::List { list } => Ok(user::list(&requester, &mut printer.output(list))?),
        UserCommand::Show { name } => Ok(user::show(&requester, name)?),
        UserCommand::Rename { old, new } => Ok(owner::rename(&mut requester, OwnerKind::User, old, new)?),
        UserCommand::Disable { name, reason } => Ok(user::set_disabled(&mut requester, name, Some(reason))?),
        UserCommand::Enable { name } => Ok(user::set_disabled(&mut requester, name, None)?),
        UserCommand::Remove { name, transfer_to, confirmation } => confirmed(*confirmation, |yes| {
            owner::remove(&mut requester, OwnerKind::User, name, transfer_to.as_ref(), yes)
        }),
        UserCommand::Release { name } => Ok(owner::release(&mut requester, name)?),
        UserCommand::Email(command) => match command {
            EmailCommand::Add { user, address } => Ok(email::add(&mut requester, Some(user), address)?),
            EmailCommand::Remove { user, address } => Ok(email::remove(&mut requester, Some(user), address)?),
            EmailCommand::List { user, list } => Ok(email::list(&requester, user.as_ref(), &mut printer.output(list))?),
        },
    }
}

pub(super) fn org(command: &OrgCommand, config: &Path, printer: &mut Printer) -> Result<Report, Failure> {
    if let OrgCommand::Ca(command) = command {
        return ca(command, config, printer);
    }
    let mut context = Context::open(config)?;
    let mut requester = context.requester();
    match command {
        OrgCommand::Add { name, admin } => Ok(organization::add(&mut requester, name, admin)?),
        OrgCommand::List { list } => Ok(organization::list(&requester, &mut printer.output(list))?),
        OrgCommand::Show { name } => Ok(organization::show(&requester, name)?),
        OrgCommand::Rename { old, new } => Ok(owner::rename(&mut requester, OwnerKind::Organization, old, new)?),
        OrgCommand::Remove { name, confirmation } => {
            confirmed(*confirmation, |yes| owner::remove(&mut requester, OwnerKind::Organization, name, None, yes))
        }
        OrgCommand::Member(MemberCommand::List { organization, expiring, list }) => {
            Ok(member::list(&requester, organization.as_ref(), *expiring, &mut printer.output(list))?)
        }
        OrgCommand::Member(MemberCommand::Set(arguments)) => Ok(member::set(&mut requester, arguments)?),
        OrgCommand::Member(MemberCommand::Remove(arguments)) => Ok(member::remove(&mut requester, arguments)?),
        OrgCommand::Ca(command) => ca(command, config, printer),
    }
}

fn ca(command: &AuthorityCommand, config: &Path, printer: &mut Printer) -> Result<Report, Failure> {
    let context = || Context::open(config);
    match command {
        AuthorityCommand::Add { organization, file, max_ttl, expires } => {
            let new = read_key(file, None)?;
            Ok(authority::add(&mut context()?.requester(), organization, &new.key, *max_ttl, *expires)?)
        }
        AuthorityCommand::List { organization, expiring, list } => {
            Ok(authority::list(&context()?.requester(), organization.as_ref(), *expiring, &mut printer.output(list))?)
        }
        AuthorityCommand::Revoke { organization, certificate } => {
            Ok(authority::revoke(&mut context()?.requester(), organization, certificate)?)
        }
        AuthorityCommand::Remove { organization, fingerprint, confirmation } => {
            let mut context = context()?;
            confirmed(*confirmation, |yes| authority::remove(&mut context.requester(), organization, fingerprint, yes))
        }
    }
}

pub(super) fn team(command: &TeamCommand, mut context: Context, printer: &mut Printer) -> Result<Report, Failure> {
    let mut requester = context.requester();
    match command {
        TeamCommand::Add { team } => Ok(team::add(&mut requester, team)?),
        TeamCommand::List { organization, list } => {
            Ok(team::list(&requester, organization, &mut printer.output(list))?)
        }
        TeamCommand::Show { team } => Ok(team::show(&requester, team)?),
        TeamCommand::Rename(arguments) => Ok(team::rename(&mut requester, arguments)?),
        TeamCommand::Remove { team, confirmation } => {
            confirmed(*confirmation, |yes| team::remove(&mut requester, team, yes))
        }
        TeamCommand::Member(TeamMemberCommand::List { team, expiring, list }) => {
            Ok(team::list_members(&requester, team.as_ref(), *expiring, &mut printer.output(list))?)
        }
        TeamCommand::Member(TeamMemberCommand::Add(arguments)) => Ok(team::add_member(&mut requester, arguments)?),
        TeamCommand::Member(TeamMemberCommand::Remove(arguments)) => {
            Ok(team::remove_member(&mut requester, arguments)?)
        }
    }
}

pub(super) fn collaborator(
    command: &CollaboratorCommand,
    context: &mut Context,
    printer: &mut Printer,
) -> Result<Report, Failure> {
    match command {
        CollaboratorCommand::List { path, expiring, list } => {
            Ok(collaborator::list(&context.requester(), path.as_ref(), *expiring, &mut printer.output(list))?)
        }
        CollaboratorCommand::Set(arguments) => Ok(collaborator::set(&mut context.requester(), arguments)?),
        CollaboratorCommand::Remove(arguments) => Ok(collaborator::remove(&mut context.requester(), arguments)?),
    }
}

pub(super) fn access(command: &AccessCommand, mut context: Context, printer: &mut Printer) -> Result<Report, Failure> {
    let mut requester = context.requester();
    match command {
        AccessCommand::List { path, list } => Ok(access::list(&requester, path, &mut printer.output(list))?),
        AccessCommand::Grant(arguments) => Ok(access::grant(&mut requester, arguments)?),
        AccessCommand::Reject(of) => {
            Ok(access::answer(&mut requester, &of.path, &of.user, GateRequest::Rejected, None)?)
        }
        AccessCommand::Revoke(of) => Ok(access::answer(&mut requester, &of.path, &of.user, GateRequest::None, None)?),
    }
}

pub(super) fn check(command: &CheckCommand, mut context: Context, printer: &mut Printer) -> Result<Report, Failure> {
    let mut requester = context.requester();
    match command {
        CheckCommand::List { scope, list } => Ok(check::list(&requester, scope, &mut printer.output(list))?),
        CheckCommand::Set(arguments) => Ok(check::set(&mut requester, arguments)?),
    }
}

pub(super) fn rule(command: &RuleCommand, mut context: Context, printer: &mut Printer) -> Result<Report, Failure> {
    let mut requester = context.requester();
    match command {
        RuleCommand::List { scope, list } => Ok(rule::list(&requester, scope, &mut printer.output(list))?),
        RuleCommand::Add(arguments) => Ok(rule::add(&mut requester, arguments)?),
        RuleCommand::Remove(arguments) => Ok(rule::remove(&mut requester, arguments)?),
        RuleCommand::Move(arguments) => Ok(rule::set_number(&mut requester, arguments)?),
    }
}

pub(super) fn proposal(
    command: &ProposalCommand,
    mut context: Context,
    printer: &mut Printer,
) -> Result<Report, Failure> {
    let mut requester = context.requester();
    match command {
        ProposalCommand::List { path, list } => Ok(proposal::list(&requester, path, &mut printer.output(list))?),
        ProposalCommand::Show(arguments) => Ok(proposal::show(&requester, arguments)?),
        ProposalCommand::Close(arguments) => Ok(proposal::close(&mut requester, arguments)?),
        ProposalCommand::Reopen(arguments) => Ok(proposal::reopen(&mut requester, arguments)?),
    }
}

pub(super) fn owner_quota(command: &OwnerCommand, mut context: Context) -> Result<Report, Failure> {
    let OwnerCommand::Quota { owner, quota } = command;
    Ok(quota::of_owner(&mut context.requester(), owner, *quota)?)
}
