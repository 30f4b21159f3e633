//! The rows of kind `lfs` in the table of hostile inputs.

use serde_json::Value;

use super::*;
use crate::tests::{HostileInput, hostile_inputs};

/// An answer as a row names it: accepted, a status, or no answer.
fn verdict(operation: Operation, hub: &mut Hub, request: &[u8]) -> String {
    let input = [bytes("version 1; 0000"), request.to_vec()].concat();
    let mut output = Vec::new();
    let summary = hub.talk(operation, Plain(input.as_slice()), &mut output);
    let words = words(&output);
    let mut answers = words.split("; 0000").skip(2).map(|answer| answer.trim_start_matches("; "));
    let first = answers.next().unwrap_or_default().split("; ").next().unwrap_or_default().to_owned();
    match (first.as_str(), summary.ending) {
        ("", Ending::Broken(_)) => "close".to_owned(),
        ("status 200" | "status 201", _) => "accept".to_owned(),
        _ => first,
    }
}

/// The request of a row: the command, its arguments, and the list of a batch.
fn request(lines: &str) -> Vec<u8> {
    let mut request = Vec::new();
    let is_batch = lines.starts_with("batch\n");
    let mut listing = false;
    for line in lines.lines() {
        if is_batch && line != "batch" && !line.contains('=') && !std::mem::replace(&mut listing, true) {
            request.extend(b"0001");
        }
        request.extend(packet(format!("{line}\n").as_bytes()));
    }
    request.extend(b"0000");
    request
}

fn operation_of(lines: &str) -> Operation {
    if lines.starts_with("get-object") { Operation::Download } else { Operation::Upload }
}

#[test]
fn every_hostile_request_gets_its_verdict() {
    let rows = hostile_inputs("lfs");
    assert_eq!(rows.len(), 17);
    for HostileInput { input, accepted, message, row } in rows {
        let lines = String::from_utf8(input).unwrap();
        let verdict = verdict(operation_of(&lines), &mut Hub::with(&[CONTENT]), &request(&lines));
        assert_eq!(verdict, if accepted { "accept" } else { &message }, "{row}");
    }
}

#[test]
fn every_synthetic_row_is_built_and_gets_its_verdict() {
    let rows = include_str!("../../../tests/data/hostile-inputs.jsonl").lines();
    let rows: Vec<Value> = rows.map(|row| serde_json::from_str(row).unwrap()).collect();
    let is_ours = |row: &&Value| row["kind"] == "lfs" && row["synthetic"] == true;
    let mut seen = 0;
    for row in rows.iter().filter(is_ours) {
        let mut hub = Hub::with(&[CONTENT]);
        let put = |size: &str, data: &str| bytes(&format!("put-object {{{CONTENT}}}; {size}0001; ={data}; 0000"));
        let id = row["id"].as_str().unwrap();
        let (operation, request) = match id {
            "lfs-019" => {
                // An object of another repository is not an object of this repository.
                hub = Hub::new();
                (Operation::Download, bytes(&format!("get-object {{{CONTENT}}}; 0000")))
            }
            "lfs-020" => (Operation::Download, put("size=12; ", CONTENT)),
            "lfs-022" => (Operation::Upload, put("size=12; ", "test content!")),
            "lfs-025" => (Operation::Upload, put("", CONTENT)),
            "lfs-026" => (Operation::Upload, put("size=12; ", "tEsT CoNtEnT")),
            "lfs-034" => {
                let mut bob = hub.locks.seen_by("bob");
                let Locking::Locked(lock) = bob.lock(&LockPath::parse(b"a").unwrap(), None, NOW).unwrap() else {
                    panic!()
                };
                (Operation::Upload, bytes(&format!("unlock {}; force=true; 0000", lock.id)))
            }
            "lfs-041" => (Operation::Upload, b"0001".to_vec()),
            "lfs-043" => (Operation::Upload, b"zzzz".to_vec()),
            "lfs-044" => (Operation::Upload, b"fff1".to_vec()),
            "lfs-045" => {
                let line = |i: u32| packet(format!("{} 1\n", Oid::of(&i.to_ne_bytes())).as_bytes());
                let lines: Vec<u8> = (0..100_001).flat_map(line).collect();
                (Operation::Upload, [bytes("batch; 0001"), lines, b"0000".to_vec()].concat())
            }
            // The test `waiting::a_request_that_stops_in_the_middle_ends_the_session` lets time pass.
            "lfs-046" => (Operation::Upload, b"000abat".to_vec()),
            _ => panic!("a row that nobody builds: {row}"),
        };
        let before = hub.files();
        assert_eq!(verdict(operation, &mut hub, &request), row["message"].as_str().unwrap(), "{row}");
        assert_eq!(hub.files(), before, "{row}");
        seen += 1;
    }
    assert_eq!(seen, 11);
}
