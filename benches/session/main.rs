//! What a session costs, as ratios to floors that are measured in the same run. benches/README.md says how to read it.
//!
//! Run as root by `cargo bench --bench session`. Nothing here fails for being slow: only for answering wrongly. All
//! that it makes (accounts, processes, files) goes when it ends, also when it fails or is interrupted.

#![expect(clippy::print_stdout, reason = "the tables are for the person who runs it")]

mod instructions;
mod lookups;
mod processes;
mod sessions;
#[path = "../shared/mod.rs"]
mod shared;
mod spawner;

use std::path::Path;
use std::process::ExitCode;

use shared::accounts::Accounts;
use shared::hub::Hub;
use shared::place::Place;
use shared::{Outcome, accounts, hub, interrupt, keys, machine, parts, place, samples, sshd};

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some(spawner::WORD) {
        return match spawner::serve() {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                println!("spawner: {error}");
                ExitCode::FAILURE
            }
        };
    }
    parts::run("session", &["processes", "lookups", "sessions"], measure)
}

/// Measures the parts that are wanted.
fn measure(is_wanted: &dyn Fn(&str) -> bool, programs: &Path) -> Outcome {
    let place = Place::make()?;
    let accounts = Accounts::make(&place)?;
    let hub = Hub::make(&place, &accounts, programs)?;
    if is_wanted("processes") {
        processes::measure(&place, &hub)?;
    }
    if is_wanted("lookups") {
        lookups::measure(&place, &hub)?;
    }
    if is_wanted("sessions") {
        sessions::measure(&place, accounts, &hub)?;
    }
    Ok(())
}
