//! `repo …`: repositories that one may see, and those that one may change.

use serde_json::{Value, json};

use super::cli::{CollaboratorCommand, RepoCommand};
use super::key::parse_title;
use super::{Outcome, Session, Trouble, sure};
use crate::access::{Access, Account, Decision, Denial, Visibility, administers, decide, may_create, may_manage};
use crate::db::{Change, NewRepository, OwnerKind, ServedRepository};
use crate::message::Refusal;
use crate::name::{Owner, RepoPath};
use crate::report::{json_time, repo_json, state};
use crate::repository::create_repository;

pub(super) fn run(session: &Session<'_>, command: RepoCommand) -> Result<Outcome, Trouble> {
    match command {
        RepoCommand::Create { .. } => create(session, command),
        RepoCommand::List { owner } => list(session, owner),
        RepoCommand::Show { path } => {
            let served = session.repository(&path)?;
            let row = session.ask(|view| view.repository(&served.path))?;
            let mut json = repo_json(&row);
            let access = session.access(&served);
            if let Value::Object(fields) = &mut json {
                fields.insert("access".to_owned(), access.into());
            }
            let text = format!(
                "{}\n  state          {}\n  description    {}\n  object format  {}\n  your access    {access}\n",
                row.path,
                state(&row),
                row.description,
                row.object_format
            );
            Ok(Outcome::new(text, json))
        }
        RepoCommand::Rename { old, new } => rename(session, &old, &new),
        RepoCommand::Visibility { path, visibility } => {
            let served = session.administered(&path)?;
            session.store()?.change(&session.actor(), |change| change.set_visibility(&served.path, visibility))?;
            let json = json!({ "path": served.path.to_string(), "visibility": visibility.as_str() });
            Ok(Outcome::new(format!("{} is {visibility}\n", served.path), json))
        }
        RepoCommand::Remove { path, yes } => {
            let served = session.managed(&path)?;
            sure(yes, &format!("{} will be taken out of the hub.", served.path))?;
            session.store()?.change(&session.actor(), |change| change.remove_repository(&served.path))?;
            let text = format!("removed {}; the operator can bring it back for 30 days\n", served.path);
            Ok(Outcome::new(text, json!({ "removed": served.path.to_string() })))
        }
        RepoCommand::Collaborator(CollaboratorCommand::Set { path, user, role, until }) => {
            let served = session.administered(&path)?;
            let until = until.map(|until| until.0);
            session
                .store()?
                .change(&session.actor(), |change| change.set_collaborator(&served.path, &user, role, until))?;
            let json = json!({
                "path": served.path.to_string(), "user": user.as_str(), "role": role.as_str(),
                "until": json_time(until),
            });
            Ok(Outcome::new(format!("{user} has the role {role} on {}\n", served.path), json))
        }
        RepoCommand::Collaborator(CollaboratorCommand::Remove { path, user }) => {
            let served = session.administered(&path)?;
            session.store()?.change(&session.actor(), |change| change.remove_collaborator(&served.path, &user))?;
            let json = json!({ "path": served.path.to_string(), "removed": user.as_str() });
            Ok(Outcome::new(format!("{user} is no longer a collaborator on {}\n", served.path), json))
        }
    }
}

impl Session<'_> {
    /// A repository that the account administers.
    pub(super) fn administered(&self, path: &RepoPath) -> Result<ServedRepository, Trouble> {
        self.changing_account()?;
        let served = self.repository(path)?;
        match decide(&self.identity, Some(&served.facts), Access::Admin, self.now) {
            Decision::Allow(_) => Ok(served),
            Decision::Deny(Denial::Frozen) => Err(self.frozen(served)),
            Decision::Deny(_) => Err(Trouble::Refused(format!("you do not administer {}", served.path))),
        }
    }

    /// A repository that the account may rename and remove.
    fn managed(&self, path: &RepoPath) -> Result<ServedRepository, Trouble> {
        let account = self.changing_account()?;
        let served = self.repository(path)?;
        if !may_manage(account, &served.facts, self.now) {
            return Err(Trouble::Refused(format!("you may neither rename nor remove {}", served.path)));
        }
        if served.facts.frozen.is_some() { Err(self.frozen(served)) } else { Ok(served) }
    }

    #[expect(clippy::unused_self, reason = "a refusal of this session")]
    fn frozen(&self, served: ServedRepository) -> Trouble {
        let reason = served.facts.frozen.unwrap_or_default();
        Trouble::Refusal(Refusal::Frozen(served.path, reason))
    }

    /// What one may do with a repository that one may fetch.
    fn access(&self, served: &ServedRepository) -> &'static str {
        let may = |needed| matches!(decide(&self.identity, Some(&served.facts), needed, self.now), Decision::Allow(_));
        match (may(Access::Admin), may(Access::Write)) {
            (true, _) => "admin",
            (false, true) => "write",
            (false, false) => "fetch",
        }
    }

    /// Whether the account may make a repository there; the answer says nothing of what exists.
    fn check_may_create(&self, account: &Account, owner: &Owner) -> Result<(), Trouble> {
        let refused = || Trouble::Refused(format!("you may not create repositories of {owner}"));
        let (_, facts) = self.ask(|view| view.owner_facts(owner, account.id)).map_err(|_| refused())?;
        if may_create(account, &facts, self.now) { Ok(()) } else { Err(refused()) }
    }
}

fn create(session: &Session<'_>, command: RepoCommand) -> Result<Outcome, Trouble> {
    let RepoCommand::Create { path, private, gated, gate_members, object_format, description } = command else {
        return Err(Trouble::Usage("repo create".to_owned()));
    };
    let description = match description.as_slice() {
        [] => String::new(),
        words => parse_title(words)?.to_string(),
    };
    let account = session.changing_account()?;
    session.check_may_create(account, &path.owner)?;
    check_free(session, &path)?;
    let object_format = object_format.unwrap_or(session.config.git.object_format);
    let fault =
        |error: crate::repository::CreateError| Trouble::Fault(crate::message::FaultKind::Broken, error.to_string());
    let directory = create_repository(session.config, object_format).map_err(fault)?;
    let new = NewRepository {
        path,
        directory,
        visibility: if private { Visibility::Private } else { Visibility::Public },
        object_format,
        description,
        created_by: Some(account.name.clone()),
    };
    let create = |change: &Change<'_>| {
        let row = change.add_repository(&new)?;
        gated.map_or(Ok(()), |mode| change.set_gate(&row.path, mode, gate_members))?;
        change.repository(&row.path)
    };
    let row = session.store()?.change(&session.actor(), create).inspect_err(|_| {
        let _ = std::fs::remove_dir_all(session.config.paths.repositories.join(new.directory.relative()));
    })?;
    let url = format!("{}@{}:{}", session.config.ssh.login, session.config.hub.host, row.path);
    let text = format!("created the {} {} ({}): git clone {url}\n", row.path.kind, row.path, row.visibility);
    Ok(Outcome::new(text, repo_json(&row)))
}

/// Refuses a path that has a repository, hidden or not; and the old path of one, but to whoever administers that.
fn check_free(session: &Session<'_>, path: &RepoPath) -> Result<(), Trouble> {
    let Some(served) = session.find(path)? else { return Ok(()) };
    let administers = decide(&session.identity, Some(&served.facts), Access::Admin, session.now);
    if served.path.folded() != path.folded() && matches!(administers, Decision::Allow(_)) {
        return Ok(());
    }
    Err(Trouble::Refused(format!("there is already a {} {path}", path.kind)))
}

fn list(session: &Session<'_>, owner: Option<Owner>) -> Result<Outcome, Trouble> {
    let owner = match owner {
        Some(owner) => owner,
        None => session.account()?.name.clone(),
    };
    let account = session.account().ok().map(|account| account.id);
    let all = session.ask(|view| Ok(view.repositories_with_facts(view.owner(&owner)?.id, account)?))?;
    let visible = all.into_iter().filter(|(_, facts)| {
        matches!(decide(&session.identity, Some(facts), Access::Fetch, session.now), Decision::Allow(_))
    });
    let rows: Vec<_> = visible.map(|(row, _)| row).collect();
    let lines = rows.iter().map(|row| [row.path.to_string(), state(row), row.description.clone()]).collect();
    let text = crate::report::table(["REPOSITORY", "STATE", "DESCRIPTION"], lines);
    Ok(Outcome::new(text, rows.iter().map(repo_json).collect()))
}

/// Renames within an owner, or hands over: from oneself to an organization where one may create; from an organization
/// that one administers to oneself, or to another one where one may create. Never from person to person.
fn rename(session: &Session<'_>, old: &RepoPath, new: &RepoPath) -> Result<Outcome, Trouble> {
    let account = session.changing_account()?;
    let served = session.managed(old)?;
    if served.path.owner.folded() != new.owner.folded() {
        let refused = || Trouble::Refused(format!("you may not hand {} over to {}", served.path, new.owner));
        let (from, from_facts) = session.ask(|view| view.owner_facts(&served.path.owner, account.id))?;
        let (to, to_facts) = session.ask(|view| view.owner_facts(&new.owner, account.id)).map_err(|_| refused())?;
        let may_give = administers(account, &from_facts, session.now);
        let may_take = may_create(account, &to_facts, session.now);
        let between_people = from.kind == OwnerKind::User && to.kind == OwnerKind::User;
        if between_people || !may_give || !may_take {
            return Err(refused());
        }
    }
    // Last: what is where one may not create is nobody's business.
    if served.path.folded() != new.folded() {
        check_free(session, new)?;
    }
    session.store()?.change(&session.actor(), |change| change.rename_repository(&served.path, new))?;
    let json = json!({ "before": served.path.to_string(), "path": new.to_string() });
    Ok(Outcome::new(format!("renamed {} to {new}\n", served.path), json))
}
