//! Checks of the content of pushes.

use serde_json::{Value, json};

use super::listing::{Column, Table};
use crate::content::AppliedCheck;

/// A list of the checks that apply in one scope.
pub(crate) struct Checks;

impl Table<AppliedCheck> for Checks {
    fn columns(&self) -> Vec<Column> {
        ["CHECK", "VALUE", "SET BY"].map(Column::new).to_vec()
    }

    fn cells(&self, row: &AppliedCheck) -> Vec<String> {
        vec![row.check.to_string(), row.value.to_string(), row.set_by.to_string()]
    }

    fn json(&self, row: &AppliedCheck) -> Value {
        check_json(row)
    }

    fn position(&self, row: &AppliedCheck) -> String {
        row.check.to_string()
    }
}

/// A check in JSON.
pub(crate) fn check_json(row: &AppliedCheck) -> Value {
    json!({ "check": row.check.as_str(), "value": row.value.to_string(), "set_by": row.set_by.as_str() })
}
