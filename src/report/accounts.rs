//! Accounts, organizations, and certificate authorities.

use serde_json::{Value, json};

use super::when::minute;
use super::{Report, json_time, members_json, members_text, page, with_fields};
use crate::db::{AuthorityRow, Organization, OwnerRow, User};

pub(crate) fn user_json(user: &OwnerRow) -> Value {
    json!({
        "name": user.name.as_str(),
        "created_at": json_time(Some(user.created_at)),
        "may_create": user.may_create,
        "disabled": user.disabled,
    })
}

fn user_state(user: &OwnerRow) -> String {
    match (&user.disabled, user.may_create) {
        (Some(reason), _) => format!("disabled: {reason}"),
        (None, true) => "active".to_owned(),
        (None, false) => "active, may not create".to_owned(),
    }
}

pub(crate) fn user_table(users: &[OwnerRow]) -> Report {
    let rows = users.iter().map(|user| [user.name.to_string(), minute(Some(user.created_at)), user_state(user)]);
    Report::table(["NAME", "CREATED", "STATE"], rows.collect(), users.iter().map(user_json).collect())
}

pub(crate) fn user_page(user: &User) -> Report {
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
    let fields = [
        ("keys", user.keys.into()),
        ("repositories", user.repositories.into()),
        ("organizations", members_json("organization", &user.memberships)),
    ];
    Report::new(text, with_fields(user_json(&user.owner), fields))
}

pub(crate) fn organization_json(organization: &OwnerRow) -> Value {
    json!({ "name": organization.name.as_str(), "created_at": json_time(Some(organization.created_at)) })
}

pub(crate) fn organization_table(organizations: &[OwnerRow]) -> Report {
    let rows = organizations.iter().map(|row| [row.name.to_string(), minute(Some(row.created_at))]);
    Report::table(["NAME", "CREATED"], rows.collect(), organizations.iter().map(organization_json).collect())
}

pub(crate) fn organization_page(organization: &Organization) -> Report {
    let mut text = page(
        &organization.owner.name,
        &[("created", &minute(Some(organization.owner.created_at))), ("repositories", &organization.repositories)],
    );
    text.push_str(&members_text("MEMBER", &organization.members));
    let fields =
        [("repositories", organization.repositories.into()), ("members", members_json("user", &organization.members))];
    Report::new(text, with_fields(organization_json(&organization.owner), fields))
}

pub(crate) fn authority_table(authorities: &[AuthorityRow]) -> Report {
    let row = |row: &AuthorityRow| {
        let ttl = format!("{} s", row.max_ttl);
        [row.fingerprint.to_string(), row.key_type.as_str().to_owned(), ttl, minute(Some(row.added_at))]
    };
    let object = |row: &AuthorityRow| {
        json!({
            "fingerprint": row.fingerprint.to_string(), "type": row.key_type.as_str(),
            "max_ttl": row.max_ttl, "added_at": json_time(Some(row.added_at)),
        })
    };
    let rows = authorities.iter().map(row).collect();
    Report::table(["FINGERPRINT", "TYPE", "MAX TTL", "ADDED"], rows, authorities.iter().map(object).collect())
}
