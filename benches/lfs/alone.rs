//! The server alone, in memory: how long it takes to start, to take an object in, to send it, and how much memory.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::Outcome;
use super::object::Object;
use super::place::run;
use super::runs::{self, Run};

const ROUNDS: usize = 7;
const STARTS: usize = 150;

pub(crate) fn measure(object: &Object, programs: &Path, peer: Option<&Path>) -> Outcome {
    let hubgate = programs.join("hubgate");
    let repositories = ["ours", "theirs"].map(|name| object.path(&format!("{name}.git")));
    for repository in &repositories {
        run(Command::new("git").args(["init", "--quiet", "--bare"]).arg(repository))?;
    }
    let [ours, theirs] = &repositories;
    let serve = |operation: &str| {
        let mut command = Command::new(&hubgate);
        command.args(["lfs", "serve"]).arg(ours).arg(operation);
        command
    };
    let scutiger = |operation: &str| {
        peer.map(|program| {
            let mut command = Command::new(program);
            command.arg(theirs).arg(operation);
            command
        })
    };
    start(object, serve("upload"), scutiger("upload"))?;

    let mut openssl = Command::new("openssl");
    openssl.args(["dgst", "-sha256", "-r"]).arg(object.path("object"));
    let put = |name: &str, command: Command, repository: &'_ PathBuf| {
        let (before, after) = (repository.clone(), repository.clone());
        let is_there = move || {
            if object.is_in(&after) { Ok(()) } else { Err(format!("no object in {}", after.display()).into()) }
        };
        Run::new(name, "openssl sha256", command)
            .reading(object.path("put"))
            .before(move || Object::forget(&before))
            .after(is_there)
    };
    let mut puts =
        vec![Run::new("openssl sha256", "openssl sha256", openssl), put("put-object, hubgate", serve("upload"), ours)];
    puts.extend(scutiger("upload").map(|command| put("put-object, scutiger", command, theirs)));
    runs::measure(&mut puts, ROUNDS)?;
    let gigabytes = format!("{} bytes", object.bytes);
    runs::print(&format!("## Taking in {gigabytes}"), &puts, ("s", 1.0));

    // Into a pipe, as to sshd: what is written to /dev/null is not even read.
    let piped = |command: &str| {
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("{command} | cat > /dev/null")]);
        shell
    };
    let get = |name: &str, program: String| Run::new(name, "cat", piped(&program)).reading(object.path("get"));
    let mut gets = vec![
        Run::new("cat", "cat", piped(&format!("cat {}", object.path("object").display()))),
        get("get-object, hubgate", format!("{} lfs serve {} download", hubgate.display(), ours.display())),
    ];
    if let Some(peer) = peer {
        gets.push(get("get-object, scutiger", format!("{} {} download", peer.display(), theirs.display())));
    }
    runs::measure(&mut gets, ROUNDS)?;
    runs::print(&format!("## Sending {gigabytes}"), &gets, ("s", 1.0));

    println!("\n## Peak memory\n");
    for (operation, session) in [("upload", "put"), ("download", "get")] {
        let peak = peak_memory(serve(operation), &object.path(session))?;
        println!("- hubgate, {session}: {:.1} MB", peak / 1e6);
    }
    Ok(())
}

/// From the start to the end of a session that says its version and quits.
fn start(object: &Object, serve: Command, scutiger: Option<Command>) -> Outcome {
    let floor = "/bin/true";
    let hello = |name: &str, command| Run::new(name, floor, command).reading(object.path("hello"));
    let mut starts = vec![Run::new(floor, floor, Command::new(floor)), hello("version and quit, hubgate", serve)];
    starts.extend(scutiger.map(|command| hello("version and quit, scutiger", command)));
    runs::measure(&mut starts, STARTS)?;
    runs::print("## Starting", &starts, ("ms", 1e3));
    Ok(())
}

/// The most memory that a process had, by looking at it all the time; what it prints is thrown away.
fn peak_memory(mut command: Command, session: &Path) -> Outcome<f64> {
    command.stdin(File::open(session)?).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut process = command.spawn()?;
    let status = PathBuf::from(format!("/proc/{}/status", process.id()));
    let mut output = process.stdout.take().ok_or("no output")?;
    let reader = std::thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()));
    let mut peak: f64 = 0.0;
    while process.try_wait()?.is_none() {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let kilobytes = text.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"));
        peak = kilobytes
            .and_then(|number| number.parse().ok())
            .map_or(peak, |kilobytes: f64| peak.max(kilobytes * 1024.0));
        std::thread::sleep(Duration::from_micros(200));
    }
    let _ = reader.join();
    Ok(peak)
}
