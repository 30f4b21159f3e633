//! The steps for the teams of one organization.

use std::collections::HashMap;
use std::fmt;

use super::Difference;
use crate::commands::Refused;
use crate::db::{ChangeError, DescribedOwner, TeamMembership, all, not_a_member};
use crate::name::{Grantee, Owner, TeamPath};
use crate::operator::hub_file::file::{Granted, Key, OrganizationTable, TeamMembers};
use crate::operator::hub_file::step::{Action, Step, in_table};

/// What a user is in a team. There is one role only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Membership;

impl fmt::Display for Membership {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("member")
    }
}

impl Difference<'_> {
    pub(super) fn teams(
        &mut self,
        table: &str,
        organization: &Owner,
        present: Option<&DescribedOwner>,
        wanted: &OrganizationTable,
    ) -> Result<(), Refused> {
        self.check_members(organization, wanted).map_err(|error| in_table(table, error.into()))?;
        let mut present: HashMap<String, _> = match present {
            Some(owner) => {
                let teams = all(|each| self.view.teams_of(owner.row.id, None, each))?;
                teams.into_iter().map(|team| (team.path.name.folded(), team)).collect()
            }
            None => HashMap::new(),
        };
        let step = |path: &TeamPath, before: Option<&str>, after: Option<&str>, action| Step {
            table: table.to_owned(),
            object: Grantee::Team(path.clone()).to_string(),
            kind: "team",
            name: None,
            before: before.map(str::to_owned),
            after: after.map(str::to_owned),
            action,
        };
        for (name, members) in &wanted.teams.0 {
            if let Some(team) = present.remove(&name.folded()) {
                let now = self.view.live_team_members(&team, self.now.0)?;
                self.team_members(table, &team.path, &now, members);
            } else {
                let path = TeamPath { organization: organization.clone(), name: name.clone() };
                self.steps.teams.push(step(&path, None, Some(""), Action::AddTeam(path.clone())));
                self.team_members(table, &path, &[], members);
            }
        }
        if self.reading.prune {
            let mut others: Vec<TeamPath> = present.into_values().map(|team| team.path).collect();
            others.sort();
            self.removed_teams.extend(others.iter().map(|path| Grantee::Team(path.clone()).folded()));
            let removed = |path: TeamPath| step(&path, Some(""), None, Action::RemoveTeam(path.clone()));
            self.steps.last.extend(others.into_iter().map(removed));
        }
        Ok(())
    }

    /// Checks that no user of a team is removed from the organization by other steps.
    fn check_members(&self, organization: &Owner, wanted: &OrganizationTable) -> Result<(), ChangeError> {
        let members: HashMap<String, _> =
            wanted.members.0.iter().map(|(user, grant)| (user.folded(), grant.until)).collect();
        let mut of_teams = wanted.teams.0.iter().flat_map(|(_, members)| &members.0);
        let removed = of_teams.find(|member| match members.get(&member.user.folded()) {
            Some(until) => self.now.is_over(*until) && !self.now.is_over(member.until),
            None => self.reading.prune && !self.now.is_over(member.until),
        });
        removed.map_or(Ok(()), |member| Err(not_a_member(&member.user, organization)))
    }

    fn team_members(&mut self, table: &str, team: &TeamPath, present: &[TeamMembership], wanted: &TeamMembers) {
        let grant = |user: &Owner, until| (user.clone(), Granted { role: Membership, until });
        let present: Vec<_> = present.iter().map(|member| grant(&member.user, member.until)).collect();
        let wanted: Vec<_> = wanted.0.iter().map(|member| grant(&member.user, member.until)).collect();
        for change in self.grants(&present, &wanted) {
            let (user, after) = (change.name.clone(), change.after_text());
            let (steps, action) = match change.after {
                Some(grant) => (&mut self.steps.teams, Action::AddTeamMember(team.clone(), user, grant.until)),
                None => (&mut self.steps.leavers, Action::RemoveTeamMember(team.clone(), user)),
            };
            steps.push(Step {
                table: table.to_owned(),
                object: Grantee::Team(team.clone()).to_string(),
                kind: "user",
                name: Some(change.name.to_string()),
                before: change.before,
                after,
                action,
            });
        }
    }
}
