//! The order in which an upload reaches the disk, seen by strace(1).

use std::fs;
use std::path::Path;
use std::process::Command;

use super::wire::oid;
use crate::harness::{Skip, machine, run, run_with, trials};
use crate::programs::program;

trials![
    an_upload_costs_two_syncs_and_its_bytes_are_on_disk_before_it_has_its_name,
    a_corrupt_object_is_replaced_by_bytes_that_are_on_disk,
];

/// A packet with a line.
fn line(text: &str) -> String {
    format!("{:04x}{text}\n", text.len() + 5)
}

/// The system calls of a session that announces and sends these objects, from the first sync of a file on.
fn calls(repository: &Path, contents: &[&str]) -> Vec<String> {
    let strace = "/usr/bin/strace";
    if run(Command::new(strace).args(["-qq", "-o", "/dev/null", "true"])).status != 0 {
        Skip::now("strace may not trace here");
    }
    let lines: String = contents.iter().map(|content| line(&format!("{} {}", oid(content), content.len()))).collect();
    let mut input = format!("{}0000{}0001{lines}0000", line("version 1"), line("batch"));
    for content in contents {
        let (put, size) = (line(&format!("put-object {}", oid(content))), line(&format!("size={}", content.len())));
        input += &[put, size, format!("0001{:04x}{content}0000", content.len() + 4)].concat();
    }
    input += &(line("quit") + "0000");
    let trace = repository.join("trace");
    let mut command = Command::new(strace);
    command
        .args(["-f", "-qq", "-e", "trace=fsync,fdatasync,linkat,renameat,renameat2,mkdirat,syncfs", "-o"])
        .arg(&trace);
    command.arg(program("hubgate")).args(["lfs", "serve"]).arg(repository).arg("upload");
    let session = run_with(&mut command, input.as_bytes()).succeeded().stdout();
    assert_eq!(session.matches("status 200").count(), contents.len() + 3, "{session}");
    let text = fs::read_to_string(&trace).expect("a trace");
    // `PID CALL(ARGUMENTS) = RESULT`
    let call = |line: &str| {
        let (_, rest) = line.split_once(' ')?;
        let (name, rest) = rest.trim_start().split_once('(')?;
        Some(if rest.contains("EEXIST") { format!("{name} EEXIST") } else { name.to_owned() })
    };
    let calls: Vec<String> = text.lines().filter_map(call).collect();
    let first = calls.iter().position(|call| call == "fdatasync").unwrap_or_else(|| panic!("{text}"));
    calls[first..].to_vec()
}

fn repository() -> std::path::PathBuf {
    let repository = machine().fresh("durable");
    run(Command::new("/usr/bin/git").args(["init", "--quiet", "--bare"]).arg(&repository)).succeeded();
    repository
}

/// The directories were made, and synced, when the client announced the objects.
fn an_upload_costs_two_syncs_and_its_bytes_are_on_disk_before_it_has_its_name() {
    let repository = repository();
    let contents = ["one", "two", "three", "four"];
    assert_eq!(calls(&repository, &contents), ["fdatasync", "linkat", "fsync"].repeat(contents.len()));
    fs::remove_dir_all(repository).expect("the repository");
}

fn a_corrupt_object_is_replaced_by_bytes_that_are_on_disk() {
    let repository = repository();
    let name = oid("one");
    let directory = repository.join("lfs/objects").join(&name[..2]).join(&name[2..4]);
    fs::create_dir_all(&directory).expect("a directory");
    fs::write(directory.join(&name), "o").expect("a cut object");
    let expected = ["fdatasync", "linkat EEXIST", "linkat", "renameat", "fsync"];
    assert_eq!(calls(&repository, &["one"]), expected);
    assert_eq!(fs::read_to_string(directory.join(&name)).expect("an object"), "one");
    fs::remove_dir_all(repository).expect("the repository");
}
