//! A repository's row.

use serde_json::{Value, json};

use super::json_time;
use crate::access::GateMode;
use crate::db::RepositoryRow;

pub(crate) fn repo_json(row: &RepositoryRow) -> Value {
    json!({
        "path": row.path.to_string(),
        "kind": row.path.kind.as_str(),
        "visibility": row.visibility.as_str(),
        "gate": row.gate.as_str(),
        "gate_members": row.gate_members,
        "object_format": row.object_format.as_str(),
        "description": row.description,
        "frozen": row.frozen,
        "created_at": json_time(Some(row.created_at)),
    })
}

pub(crate) fn state(row: &RepositoryRow) -> String {
    let gated = if row.gate == GateMode::None { "" } else { ", gated" };
    match &row.frozen {
        Some(reason) => format!("{}{gated}, read-only: {reason}", row.visibility),
        None => format!("{}{gated}", row.visibility),
    }
}
