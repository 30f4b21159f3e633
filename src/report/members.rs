//! Members of an organization, and a user's organizations.

use serde_json::{Value, json};

use super::when::minute;
use super::{json_time, table};
use crate::db::Member;

pub(crate) fn members_text(heading: &str, members: &[Member]) -> String {
    let row = |member: &Member| [member.name.to_string(), member.role.to_string(), minute(member.until)];
    table([heading, "ROLE", "UNTIL"], members.iter().map(row).collect())
}

pub(crate) fn members_json(key: &str, members: &[Member]) -> Value {
    let object = |member: &Member| json!({ key: member.name.as_str(), "role": member.role.as_str(), "until": json_time(member.until) });
    members.iter().map(object).collect()
}
