//! What large files cost, as ratios to floors that are measured in the same run. benches/README.md says how to read it.
//!
//! Run as root by `cargo bench --bench lfs`. Nothing here fails for being slow: only for answering wrongly. All that it
//! makes (accounts, processes, files) goes when it ends, also when it fails or is interrupted.

#![expect(clippy::print_stdout, reason = "the tables are for whoever runs it")]

#[path = "../session/accounts.rs"]
mod accounts;
mod alone;
#[path = "../session/cpu.rs"]
#[allow(dead_code, reason = "the other bench uses more of it")]
mod cpu;
#[path = "../session/hub.rs"]
#[allow(dead_code, reason = "the other bench uses more of it")]
mod hub;
#[path = "../session/interrupt.rs"]
mod interrupt;
#[path = "../session/keys.rs"]
#[allow(dead_code, reason = "the other bench uses more of it")]
mod keys;
#[path = "../session/machine.rs"]
mod machine;
mod object;
mod over_sshd;
#[path = "../session/place.rs"]
mod place;
mod runs;
#[path = "../session/samples.rs"]
#[allow(dead_code, reason = "the other bench uses more of it")]
mod samples;
#[path = "../session/sshd.rs"]
mod sshd;

use std::error::Error;
use std::process::ExitCode;
use std::time::Instant;

use accounts::Accounts;
use hub::Hub;
use object::Object;
use place::Place;

/// What a step gives, or why the bench ends.
type Outcome<T = ()> = Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let done = if words.iter().any(|word| word == "--bench") {
        let parts: Vec<String> = words.into_iter().filter(|word| !word.starts_with("--")).collect();
        bench(&parts)
    } else {
        // `cargo test --all-targets` comes here.
        println!("cargo bench --bench lfs, as root");
        Ok(())
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("lfs: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Measures the parts that were named, or both.
fn bench(parts: &[String]) -> Outcome {
    let known = ["alone", "sshd"];
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
    machine::describe()?;
    let object = Object::make()?;
    let peer = object::peer();
    if peer.is_none() {
        println!("no scutiger to compare with: cargo install --locked --root {} scutiger-lfs", object::TOOLS);
    }
    if wanted("alone") {
        alone::measure(&object, &programs, peer.as_deref())?;
    }
    if wanted("sshd") {
        let place = Place::make()?;
        let mut accounts = Accounts::make(&place)?;
        let hub = Hub::make(&place, &accounts, &programs)?;
        over_sshd::measure(&place, &mut accounts, &hub, &object, peer.as_deref())?;
    }
    println!("\n{:.0} s, without the build", start.elapsed().as_secs_f64());
    Ok(())
}
