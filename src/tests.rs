//! Shared by unit tests: the table of hostile inputs, and a runner for properties.

use std::cell::Cell;
use std::fmt::Debug;

use base64ct::{Base64, Encoding};
use proptest::strategy::Strategy;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use serde_json::Value;

/// One row of `tests/data/hostile-inputs.jsonl`: an input and the verdict on it.
#[derive(Debug)]
pub(crate) struct HostileInput {
    pub(crate) input: Vec<u8>,
    pub(crate) accepted: bool,
    /// The code of the refusal; may be empty.
    pub(crate) message: String,
    /// The whole row, for the text of a failed assertion and for fields that only one kind has.
    pub(crate) row: Value,
}

/// The rows of one kind.
pub(crate) fn hostile_inputs(kind: &str) -> Vec<HostileInput> {
    let rows = include_str!("../tests/data/hostile-inputs.jsonl").lines();
    rows.map(|row| serde_json::from_str::<Value>(row).unwrap())
        .filter(|row| row["kind"] == kind && row["synthetic"].is_null())
        .map(|row| HostileInput {
            input: match &row["input_b64"] {
                Value::String(base64) => Base64::decode_vec(base64).unwrap(),
                _ => row["input"].as_str().unwrap().as_bytes().to_vec(),
            },
            accepted: row["expect"] == "accept",
            message: row["message"].as_str().unwrap_or_default().to_owned(),
            row,
        })
        .collect()
}

/// Sets the umask of sshd's sessions, for a test of file modes. All tests share one process, but each sets the same
/// umask, so the umask of the calling shell does not matter.
pub(crate) fn set_umask() {
    nix::sys::stat::umask(nix::sys::stat::Mode::from_bits_truncate(0o022));
}

/// Checks a property on this many generated values. The property returns whether the value is of the tested kind, for
/// example accepted. The result is the number of these values, because a generator can miss its target.
pub(crate) fn holds<S>(cases: u32, values: &S, property: impl Fn(S::Value) -> Result<bool, TestCaseError>) -> u32
where
    S: Strategy,
    S::Value: Debug,
{
    let count = Cell::new(0);
    let config = Config { failure_persistence: None, ..Config::with_cases(cases) };
    let counted = |value| property(value).map(|counts| count.set(count.get() + u32::from(counts)));
    TestRunner::new(config).run(values, counted).unwrap();
    count.get()
}

#[test]
fn every_row_has_a_kind_that_tests_count() {
    // The tests of each kind count their rows, so a new row without a test makes one of them fail.
    let rows = include_str!("../tests/data/hostile-inputs.jsonl").lines();
    let rows: Vec<Value> = rows.map(|row| serde_json::from_str(row).unwrap()).collect();
    let mut kinds: Vec<(&str, usize)> = Vec::new();
    for row in &rows {
        let kind = row["kind"].as_str().unwrap();
        match kinds.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, count)) => *count += 1,
            None => kinds.push((kind, 1)),
        }
    }
    kinds.sort_unstable();
    let expected = [
        ("access", 8),
        ("argv", 13),
        ("comment", 12),
        ("env", 14),
        ("helper", 5),
        ("key", 48),
        ("lfs", 28),
        ("login", 3),
        ("soc", 129),
        ("user", 17),
    ];
    assert_eq!(kinds, expected);
    let ids: std::collections::BTreeSet<&str> = rows.iter().map(|row| row["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), rows.len(), "no id twice");
}
