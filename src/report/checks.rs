//! Checks of the content of pushes.

use serde_json::{Value, json};

use super::listing::{Column, Table};
use crate::content::{ContentCheck, SetBy};

/// A list of the checks that apply in one scope.
pub(crate) struct Checks;

/// A check as people read it.
#[derive(Debug, Clone)]
pub(crate) struct ShownCheck {
    pub(crate) check: ContentCheck,
    /// The value, with the names of users.
    pub(crate) value: String,
    pub(crate) set_by: SetBy,
}

impl Table<ShownCheck> for Checks {
    fn columns(&self) -> Vec<Column> {
        ["CHECK", "VALUE", "SET BY"].map(Column::new).to_vec()
    }

    fn cells(&self, row: &ShownCheck) -> Vec<String> {
        vec![row.check.to_string(), row.value.clone(), row.set_by.to_string()]
    }

    fn json(&self, row: &ShownCheck) -> Value {
        check_json(row)
    }

    fn position(&self, row: &ShownCheck) -> String {
        row.check.to_string()
    }
}

/// A check in JSON.
pub(crate) fn check_json(row: &ShownCheck) -> Value {
    json!({ "check": row.check.as_str(), "value": row.value, "set_by": row.set_by.as_str() })
}
