//! What each bench begins and ends with: the parts that are wanted, root's rights, the programs, the time that it took.

use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use super::Outcome;
use super::{interrupt, machine, place};

/// Runs a bench by `cargo bench`, with the words behind `--` naming its parts; `measure` is given what says whether a
/// part is wanted, and the directory of the programs.
pub(crate) fn run(
    name: &str,
    known: &[&str],
    measure: impl FnOnce(&dyn Fn(&str) -> bool, &Path) -> Outcome,
) -> ExitCode {
    let (flags, parts): (Vec<String>, Vec<String>) = std::env::args().skip(1).partition(|word| word.starts_with("--"));
    if !flags.iter().any(|flag| flag == "--bench") {
        // `cargo test --all-targets` comes here.
        println!("cargo bench --bench {name}, as root");
        return ExitCode::SUCCESS;
    }
    match measured(known, &parts, measure) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("{name}: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measured(
    known: &[&str],
    parts: &[String],
    measure: impl FnOnce(&dyn Fn(&str) -> bool, &Path) -> Outcome,
) -> Outcome {
    if let Some(part) = parts.iter().find(|part| !known.contains(&part.as_str())) {
        return Err(format!("there is no part {part}: {}", known.join(", ")).into());
    }
    if !nix::unistd::geteuid().is_root() {
        return Err("run it as root: it makes login accounts and starts sshds of its own on 127.0.0.1".into());
    }
    interrupt::listen()?;
    let programs = place::build()?;
    let start = Instant::now();
    machine::describe()?;
    measure(&|part| parts.is_empty() || parts.iter().any(|named| named == part), &programs)?;
    println!("\n{:.0} s, without the build", start.elapsed().as_secs_f64());
    Ok(())
}
