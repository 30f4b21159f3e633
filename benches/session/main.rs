//! What a session costs, as ratios to floors that are measured in the same run. benches/README.md says how to read it.
//!
//! Run as root by `cargo bench --bench session`. Nothing here fails for being slow: only for answering wrongly. All that
//! it makes (accounts, processes, files) goes when it ends, also when it fails or is interrupted.

#![expect(clippy::print_stdout, reason = "the tables are for whoever runs it")]

mod accounts;
mod cpu;
mod hub;
mod instructions;
mod interrupt;
mod keys;
mod lookups;
mod machine;
mod place;
mod processes;
mod samples;
mod sessions;
mod spawner;
mod sshd;

use std::error::Error;
use std::process::ExitCode;
use std::time::Instant;

use accounts::Accounts;
use hub::Hub;
use place::Place;

/// What a step gives, or why the bench ends.
type Outcome<T = ()> = Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let (flags, parts): (Vec<String>, Vec<String>) = words.into_iter().partition(|word| word.starts_with("--"));
    let done = match flags.first().map(String::as_str) {
        Some(spawner::WORD) => spawner::serve(),
        Some("--bench") => bench(&parts),
        // `cargo test --all-targets` comes here.
        Some(_) | None => {
            println!("cargo bench --bench session, as root");
            Ok(())
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("session: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Measures the parts that were named, or all.
fn bench(parts: &[String]) -> Outcome {
    let known = ["processes", "lookups", "sessions"];
    if let Some(part) = parts.iter().find(|part| !known.contains(&part.as_str())) {
        return Err(format!("there is no part {part}: {}", known.join(", ")).into());
    }
    let wanted = |part: &str| parts.is_empty() || parts.iter().any(|named| named == part);
    if !nix::unistd::geteuid().is_root() {
        return Err("run it as root: it makes login accounts and starts sshds of its own on 127.0.0.1".into());
    }
    interrupt::listen()?;
    let programs = place::build()?;
    let start = Instant::now();
    let place = Place::make()?;
    let accounts = Accounts::make(&place)?;
    let hub = Hub::make(&place, &accounts, &programs)?;
    machine::describe()?;
    if wanted("processes") {
        processes::measure(&place, &hub)?;
    }
    if wanted("lookups") {
        lookups::measure(&place, &hub)?;
    }
    if wanted("sessions") {
        sessions::measure(&place, accounts, &hub)?;
    }
    println!("\n{:.0} s, without the build", start.elapsed().as_secs_f64());
    Ok(())
}
