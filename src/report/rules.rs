//! Rules for refs.

use serde_json::{Value, json};

use super::listing::{Column, Table};
use crate::access::rule::Action;
use crate::db::NumberedRule;

/// A list of the rules of one scope.
pub(crate) struct Rules;

impl Table<NumberedRule> for Rules {
    fn columns(&self) -> Vec<Column> {
        ["NUMBER", "RULE"].map(Column::new).to_vec()
    }

    fn cells(&self, row: &NumberedRule) -> Vec<String> {
        vec![row.number.to_string(), row.rule.to_string()]
    }

    fn json(&self, row: &NumberedRule) -> Value {
        rule_json(row)
    }

    fn position(&self, row: &NumberedRule) -> String {
        row.number.to_string()
    }
}

/// A rule in JSON: its line, and its parts.
pub(crate) fn rule_json(row: &NumberedRule) -> Value {
    let NumberedRule { number, rule } = row;
    let actions = Action::ALL.iter().filter(|action| rule.actions.contains(**action));
    json!({
        "number": number,
        "rule": rule.to_string(),
        "final": rule.is_final,
        "decision": rule.verdict.as_str(),
        "actions": actions.map(|action| action.as_str()).collect::<Vec<_>>(),
        "pattern": rule.pattern.as_str(),
        "who": rule.who.iter().map(ToString::to_string).collect::<Vec<_>>(),
    })
}
