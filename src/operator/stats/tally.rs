//! Numbers of sessions, from the fields of the log's lines.
//!
//! The fields of a line are partly a stranger's text. Only words become names of numbers, and only so many.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// The most names in a table. Further ones are counted together.
const NAMES_MAX: usize = 64;
/// The longest name, in bytes.
const NAME_MAX: usize = 32;
/// The name for reasons that are no words, and for those beyond the most.
const OTHER: &str = "other";

/// Numbers by name.
pub(super) type Table = BTreeMap<String, u64>;

/// How many sessions a log has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// Sessions that were served, by what they did.
    pub(super) sessions: Table,
    /// Refusals, by reason: sessions, pushes and LFS transfers.
    pub(super) refusals: Table,
    /// Sessions that hubgate ended, by reason.
    pub(super) ended: Table,
    /// Faults of the server.
    pub(super) faults: u64,
}

impl Tally {
    /// Counts one line.
    pub(super) fn add(&mut self, fields: &Value) {
        let field = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default();
        let (verb, reason) = (field("verb"), field("reason"));
        match field("decision") {
            "allow" if verb != "push" => count(&mut self.sessions, verb, 1),
            // The reasons of a push are sentences.
            "deny" => count(&mut self.refusals, if verb == "push" { "push" } else { reason }, 1),
            "end" => count(&mut self.ended, reason, 1),
            "fault" => self.faults += 1,
            // The end of an LFS session. It names a refusal of the whole session or of one of its steps.
            "" if !field("refusal").is_empty() => count(&mut self.refusals, "lfs", 1),
            _ => {}
        }
    }

    /// Adds the numbers of another tally.
    pub(super) fn add_all(&mut self, other: &Self) {
        let tables = [
            (&mut self.sessions, &other.sessions),
            (&mut self.refusals, &other.refusals),
            (&mut self.ended, &other.ended),
        ];
        for (table, more) in tables {
            for (name, number) in more {
                count(table, name, *number);
            }
        }
        self.faults = self.faults.saturating_add(other.faults);
    }

    pub(super) fn to_json(&self) -> Value {
        let Self { sessions, refusals, ended, faults } = self;
        json!({ "sessions": sessions, "refusals": refusals, "ended": ended, "faults": faults })
    }

    /// Reads [`Self::to_json`]; `None` for anything else.
    pub(super) fn from_json(value: &Value) -> Option<Self> {
        let table = |name: &str| -> Option<Table> {
            let object: &Map<String, Value> = value.get(name)?.as_object()?;
            object.iter().map(|(name, number)| Some((name.clone(), number.as_u64()?))).collect()
        };
        let faults = value.get("faults")?.as_u64()?;
        let tally = Self { sessions: table("sessions")?, refusals: table("refusals")?, ended: table("ended")?, faults };
        let mut checked = Self::default();
        checked.add_all(&tally);
        Some(checked)
    }
}

/// The sum of a table.
pub(super) fn sum(table: &Table) -> u64 {
    table.values().fold(0, |sum, number| sum.saturating_add(*number))
}

fn count(table: &mut Table, name: &str, number: u64) {
    let is_word = (1..=NAME_MAX).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    let has_room = table.contains_key(name) || table.len() < NAMES_MAX;
    let name = if is_word && has_room { name } else { OTHER };
    let entry = table.entry(name.to_owned()).or_default();
    *entry = entry.saturating_add(number);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_counts_once_by_its_decision() {
        let mut tally = Tally::default();
        for line in [
            "verb=upload-pack decision=allow reason=\"\"",
            "verb=upload-pack decision=allow reason=\"\"",
            "verb=receive-pack decision=deny reason=read-only",
            "verb=push decision=deny reason=\"refs/x is not accepted\"",
            "verb=push ref=refs/heads/main old=0 new=1 effect=create",
            "verb=upload-pack decision=end reason=idle",
            "decision=fault cause=x",
            "verb=lfs-upload sandbox=x stored=0 refused=1 refusal=\"no space left\" faults=0",
            "verb=lfs-upload sandbox=x stored=1 refused=0 refusal=\"\" faults=0",
            "verb=archive decision=deny reason=\"a \\x22 b\"",
            "verb=archive decision=deny",
        ] {
            let fields = crate::log::parse(line).unwrap();
            tally.add(&fields.into_iter().map(|(key, value)| (key, Value::String(value))).collect());
        }
        let expected = json!({
            "sessions": { "upload-pack": 2 },
            "refusals": { "lfs": 1, "other": 2, "push": 1, "read-only": 1 },
            "ended": { "idle": 1 },
            "faults": 1,
        });
        assert_eq!(tally.to_json(), expected);
        assert_eq!(Tally::from_json(&expected), Some(tally));
    }

    #[test]
    fn a_log_cannot_make_many_names() {
        let mut tally = Tally::default();
        for number in 0..1_000 {
            tally.add(&json!({ "verb": "x", "decision": "deny", "reason": format!("reason-{number}") }));
        }
        assert_eq!((tally.refusals.len(), tally.refusals["other"]), (NAMES_MAX + 1, 1_000 - NAMES_MAX as u64));
        assert_eq!(sum(&tally.refusals), 1_000);
        // A file of another program cannot either.
        let mut json = tally.to_json();
        json["sessions"] = json!({ "Bad\n\"Name": 3 });
        assert_eq!(Tally::from_json(&json).unwrap().sessions, Table::from([("other".to_owned(), 3)]));
        for bad in
            [json!(null), json!({}), json!({ "sessions": {}, "refusals": {}, "ended": { "x": -1 }, "faults": 0 })]
        {
            assert_eq!(Tally::from_json(&bad), None, "{bad}");
        }
    }
}
