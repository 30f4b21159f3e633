//! Writes the file, each table while its row is read.

use std::io::{self, Write};
use std::ops::ControlFlow;

use crate::access::{GateMode, Scope};
use crate::commands::Refused;
use crate::db::{
    ChangeError, DescribedOwner, DescribedRepository, HolderId, KeyRange, OwnerKind, ScopeSettings, TeamMembership,
    View, all,
};
use crate::name::is_plain;
use crate::operator::failure::Failure;
use crate::report::when::rfc3339;

/// Why the file is not written to its end.
enum Stop {
    /// The reader has gone, or the output failed.
    Output(io::Error),
    /// The hub failed.
    Hub(Refused),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

impl From<ChangeError> for Stop {
    fn from(error: ChangeError) -> Self {
        Self::Hub(error.into())
    }
}

/// Writes the file of a hub, as it is in one state of the database. Grants and keys that have ended are left out.
///
/// # Errors
/// Errors of the output, unless its reader has gone, and errors of the database.
pub(super) fn write(view: &View<'_>, out: &mut dyn Write, now: i64) -> Result<(), Failure> {
    let writing = Writing { view, out, now, is_first: true };
    match writing.all() {
        Err(Stop::Output(error)) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::File("standard output".to_owned(), error))
        }
        Ok(()) | Err(Stop::Output(_)) => Ok(()),
        Err(Stop::Hub(refused)) => Err(refused.into()),
    }
}

struct Writing<'a> {
    view: &'a View<'a>,
    out: &'a mut dyn Write,
    now: i64,
    is_first: bool,
}

impl Writing<'_> {
    fn all(mut self) -> Result<(), Stop> {
        let view = self.view;
        let hub = view.described_hub().map_err(ChangeError::from)?;
        if has_settings(&hub) {
            self.table("hub")?;
            self.settings(&hub)?;
        }
        for (kind, write) in [
            (OwnerKind::User, Self::user as fn(&mut Self, &DescribedOwner) -> Result<(), Stop>),
            (OwnerKind::Organization, Self::organization),
        ] {
            let mut written = Ok(());
            let rows = view.described_owners(kind, &mut |owner| {
                written = write(&mut self, &owner);
                if written.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
            });
            rows.map_err(ChangeError::from)?;
            written?;
        }
        let mut written = Ok(());
        let rows = view.described_repositories(&mut |repository| {
            written = self.repository(&repository);
            if written.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        rows.map_err(ChangeError::from)?;
        written?;
        Ok(self.out.flush()?)
    }

    fn table(&mut self, name: &str) -> Result<(), Stop> {
        let before = if std::mem::take(&mut self.is_first) { "" } else { "\n" };
        Ok(writeln!(self.out, "{before}[{name}]")?)
    }

    /// Users without settings are mentioned where they have a grant.
    fn user(&mut self, user: &DescribedOwner) -> Result<(), Stop> {
        if user.row.may_create && !has_settings(&user.settings) {
            return Ok(());
        }
        self.table(&format!("users.{}", key(user.row.name.as_str())))?;
        if !user.row.may_create {
            writeln!(self.out, "may_create = false")?;
        }
        self.settings(&user.settings)
    }

    fn organization(&mut self, organization: &DescribedOwner) -> Result<(), Stop> {
        self.table(&format!("organizations.{}", key(organization.row.name.as_str())))?;
        let members = self.view.organization_details(&organization.row.name)?.members;
        let members = members.iter().map(|member| (member.name.as_str(), member.role.as_str(), member.until));
        self.grants("members", members)?;
        let teams = all(|each| self.view.teams_of(organization.row.id, None, each)).map_err(ChangeError::from)?;
        for team in teams {
            let members = self.view.live_team_members(&team, self.now).map_err(ChangeError::from)?;
            let member = |TeamMembership { user, until, .. }: &TeamMembership| match until {
                None => quoted(user.as_str()),
                Some(end) => format!("{{ user = {}, until = {} }}", quoted(user.as_str()), rfc3339(*end)),
            };
            let members: Vec<String> = members.iter().map(member).collect();
            writeln!(self.out, "teams.{} = [{}]", key(team.path.name.as_str()), members.join(", "))?;
        }
        self.settings(&organization.settings)
    }

    fn repository(&mut self, repository: &DescribedRepository) -> Result<(), Stop> {
        let DescribedRepository { row, created_by, settings, has_collaborators, has_deploy_keys } = repository;
        self.table(&format!("repositories.{}", key(&row.path.to_string())))?;
        writeln!(self.out, "visibility = {}", quoted(row.visibility.as_str()))?;
        if row.gate != GateMode::None {
            writeln!(self.out, "gate = {}", quoted(row.gate.as_str()))?;
        }
        if row.gate_members {
            writeln!(self.out, "gate_members = true")?;
        }
        if let Some(accepts) = row.proposals {
            writeln!(self.out, "proposals = {accepts}")?;
        }
        if !row.description.is_empty() {
            writeln!(self.out, "description = {}", quoted(&row.description))?;
        }
        writeln!(self.out, "object_format = {}", quoted(row.object_format.as_str()))?;
        if let Some(user) = created_by {
            writeln!(self.out, "created_by = {}", quoted(user.as_str()))?;
        }
        if *has_collaborators {
            let collaborators = self.view.collaborators(row).map_err(ChangeError::from)?;
            let named: Vec<_> = collaborators.iter().map(|grant| (grant.user.to_string(), grant)).collect();
            let grants = named.iter().map(|(user, grant)| (user.as_str(), grant.role.as_str(), grant.until));
            self.grants("collaborators", grants)?;
        }
        if *has_deploy_keys {
            self.deploy_keys(row.id)?;
        }
        self.settings(settings)
    }

    fn grants<'a>(
        &mut self,
        name: &str,
        grants: impl Iterator<Item = (&'a str, &'a str, Option<i64>)>,
    ) -> Result<(), Stop> {
        let now = self.now;
        let live: Vec<String> = grants
            .filter(|(.., until)| until.is_none_or(|end| now < end))
            .map(|(user, role, until)| match until {
                None => format!("{} = {}", key(user), quoted(role)),
                Some(end) => format!("{} = {{ role = {}, until = {} }}", key(user), quoted(role), rfc3339(end)),
            })
            .collect();
        if !live.is_empty() {
            writeln!(self.out, "{name} = {{ {} }}", live.join(", "))?;
        }
        Ok(())
    }

    fn deploy_keys(&mut self, repository: i64) -> Result<(), Stop> {
        let keys = all(|each| self.view.keys_of(HolderId::Repository(repository), &KeyRange::default(), each))?;
        let is_live = |until: Option<i64>| until.is_none_or(|end| self.now < end);
        let mut live: Vec<_> = keys.iter().filter(|key| key.removal.is_none() && is_live(key.expires_at)).collect();
        // The time at which a key was added is not in the file.
        live.sort_by(|a, b| (a.title.as_str(), a.fingerprint).cmp(&(b.title.as_str(), b.fingerprint)));
        if live.is_empty() {
            return Ok(());
        }
        writeln!(self.out, "deploy_keys = [")?;
        for row in live {
            let line = quoted(&self.view.public_key(&row.fingerprint)?.to_string());
            let write = if row.scope == Scope::Write { ", write = true" } else { "" };
            let expires = row.expires_at.map_or_else(String::new, |end| format!(", expires = {}", rfc3339(end)));
            writeln!(self.out, "  {{ key = {line}, title = {}{write}{expires} }},", quoted(row.title.as_str()))?;
        }
        Ok(writeln!(self.out, "]")?)
    }

    fn settings(&mut self, settings: &ScopeSettings) -> Result<(), Stop> {
        let rules: Vec<String> =
            settings.rules.iter().flatten().map(|rule| format!("  {},\n", quoted(&rule.to_string()))).collect();
        if !rules.is_empty() {
            write!(self.out, "rules = [\n{}]\n", rules.concat())?;
        }
        let checks = settings.checks.iter().map(|(check, _)| check);
        let checks: Vec<String> =
            checks.filter_map(|check| Some(format!("{check} = {}", quoted(&settings.shown(check)?)))).collect();
        if !checks.is_empty() {
            writeln!(self.out, "checks = {{ {} }}", checks.join(", "))?;
        }
        Ok(())
    }
}

fn has_settings(settings: &ScopeSettings) -> bool {
    settings.rules.iter().any(Option::is_some) || !settings.checks.is_empty()
}

/// A key of a table: bare if it can be.
pub(super) fn key(text: &str) -> String {
    let is_bare = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    if !text.is_empty() && text.bytes().all(is_bare) { text.to_owned() } else { quoted(text) }
}

/// A basic string of TOML (toml.io/en/v1.0.0, "String").
fn quoted(text: &str) -> String {
    let mut line = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => line.extend(['\\', c]),
            c if is_plain(c) => line.push(c),
            c => line.extend(format!("\\U{:08X}", u32::from(c)).chars()),
        }
    }
    line.push('"');
    line
}
