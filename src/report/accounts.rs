//! Accounts, organizations, and certificate authorities.

use serde_json::{Value, json};

use super::listing::{Column, Table};
use super::when::minute;
use super::{Report, json_time, members_json, members_text, page, teams_of_organization, teams_of_user, with_fields};
use crate::db::{AuthorityRow, Organization, OwnerKind, OwnerRow, TeamMembership, TeamRow, User};

pub(crate) fn user_json(user: &OwnerRow) -> Value {
    json!({
        "name": user.name.as_str(),
        "created_at": json_time(Some(user.created_at)),
        "may_create": user.may_create,
        "disabled": user.disabled,
    })
}

/// A user or an organization.
pub(crate) fn owner_json(owner: &OwnerRow) -> Value {
    match owner.kind {
        OwnerKind::User => user_json(owner),
        OwnerKind::Organization => organization_json(owner),
    }
}

fn user_state(user: &OwnerRow) -> String {
    match (&user.disabled, user.may_create) {
        (Some(reason), _) => format!("disabled: {reason}"),
        (None, true) => "active".to_owned(),
        (None, false) => "active, may not create".to_owned(),
    }
}

/// A list of users.
pub(crate) struct Users;

impl Table<OwnerRow> for Users {
    fn columns(&self) -> Vec<Column> {
        vec![Column::new("NAME"), Column::days("CREATED", 10), Column::at_most("STATE", 40)]
    }

    fn cells(&self, user: &OwnerRow) -> Vec<String> {
        vec![user.name.to_string(), minute(Some(user.created_at)), user_state(user)]
    }

    fn json(&self, user: &OwnerRow) -> Value {
        user_json(user)
    }

    fn position(&self, user: &OwnerRow) -> String {
        user.name.to_string()
    }
}

pub(crate) fn user_page(user: &User, teams: &[TeamMembership]) -> Report {
    let mut text = page(
        &user.owner.name,
        &[
            ("created", &minute(Some(user.owner.created_at))),
            ("state", &user_state(&user.owner)),
            ("keys", &user.keys),
            ("repositories", &user.repositories),
        ],
    );
    if !user.memberships.is_empty() {
        text.push_str(&members_text("ORGANIZATION", &user.memberships));
    }
    let (teams_text, teams_json) = teams_of_user(teams);
    text.push_str(&teams_text);
    let fields = [
        ("keys", user.keys.into()),
        ("repositories", user.repositories.into()),
        ("organizations", members_json("organization", &user.memberships)),
        ("teams", teams_json),
    ];
    Report::new(text, with_fields(user_json(&user.owner), fields))
}

pub(crate) fn organization_json(organization: &OwnerRow) -> Value {
    json!({ "name": organization.name.as_str(), "created_at": json_time(Some(organization.created_at)) })
}

/// A list of organizations.
pub(crate) struct Organizations;

impl Table<OwnerRow> for Organizations {
    fn columns(&self) -> Vec<Column> {
        vec![Column::new("NAME"), Column::days("CREATED", 10)]
    }

    fn cells(&self, organization: &OwnerRow) -> Vec<String> {
        vec![organization.name.to_string(), minute(Some(organization.created_at))]
    }

    fn json(&self, organization: &OwnerRow) -> Value {
        organization_json(organization)
    }

    fn position(&self, organization: &OwnerRow) -> String {
        organization.name.to_string()
    }
}

pub(crate) fn organization_page(organization: &Organization, teams: &[TeamRow]) -> Report {
    let mut text = page(
        &organization.owner.name,
        &[("created", &minute(Some(organization.owner.created_at))), ("repositories", &organization.repositories)],
    );
    text.push_str(&members_text("MEMBER", &organization.members));
    let (teams_text, teams_json) = teams_of_organization(teams);
    text.push_str(&teams_text);
    let fields = [
        ("repositories", organization.repositories.into()),
        ("members", members_json("user", &organization.members)),
        ("teams", teams_json),
    ];
    Report::new(text, with_fields(organization_json(&organization.owner), fields))
}

/// An authority of an organization.
pub(crate) fn authority_json(row: &AuthorityRow) -> Value {
    json!({
        "organization": row.organization.as_str(), "fingerprint": row.fingerprint.to_string(),
        "type": row.key_type.as_str(), "max_ttl": row.max_ttl, "added_at": json_time(Some(row.added_at)),
        "expires_at": json_time(row.expires_at),
    })
}

/// A list of the certificate authorities of one organization, or of all.
pub(crate) struct Authorities {
    pub(crate) of_all: bool,
}

impl Table<AuthorityRow> for Authorities {
    fn columns(&self) -> Vec<Column> {
        let organization = self.of_all.then_some(Column::at_most("ORGANIZATION", 12));
        let columns = [
            Column::at_most("FINGERPRINT", 20),
            Column::wide("TYPE"),
            Column::new("MAX TTL"),
            Column::days("ADDED", 10),
            Column::days("EXPIRES", 10),
        ];
        organization.into_iter().chain(columns).collect()
    }

    fn cells(&self, row: &AuthorityRow) -> Vec<String> {
        let cells = [
            row.organization.to_string(),
            row.fingerprint.to_string(),
            row.key_type.as_str().to_owned(),
            format!("{} s", row.max_ttl),
            minute(Some(row.added_at)),
            minute(row.expires_at),
        ];
        cells.into_iter().skip(usize::from(!self.of_all)).collect()
    }

    fn json(&self, row: &AuthorityRow) -> Value {
        authority_json(row)
    }

    fn position(&self, row: &AuthorityRow) -> String {
        row.fingerprint.to_string()
    }
}
