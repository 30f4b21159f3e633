//! What large files cost, as ratios to floors that are measured in the same run. benches/README.md says how to read it.
//!
//! Run as root by `cargo bench --bench lfs`. Nothing here fails for being slow: only for answering wrongly. All that it
//! makes (accounts, processes, files) goes when it ends, also when it fails or is interrupted.

#![expect(clippy::print_stdout, reason = "the tables are for the person who runs it")]

mod alone;
mod object;
mod over_sshd;
#[path = "../shared/mod.rs"]
mod shared;

use std::path::Path;
use std::process::ExitCode;

use object::Object;
use shared::accounts::Accounts;
use shared::hub::Hub;
use shared::place::Place;
use shared::{Outcome, accounts, hub, machine, parts, place, runs, samples, sshd};

fn main() -> ExitCode {
    parts::run("lfs", &["alone", "sshd"], measure)
}

/// Measures the parts that are wanted.
fn measure(is_wanted: &dyn Fn(&str) -> bool, programs: &Path) -> Outcome {
    let object = Object::make()?;
    let peer = object::peer();
    if peer.is_none() {
        println!("no scutiger to compare with: cargo install --locked --root {} scutiger-lfs", object::TOOLS);
    }
    if is_wanted("alone") {
        alone::measure(&object, programs, peer.as_deref())?;
    }
    if is_wanted("sshd") {
        let place = Place::make()?;
        let mut accounts = Accounts::make(&place)?;
        let hub = Hub::make(&place, &accounts, programs)?;
        over_sshd::measure(&place, &mut accounts, &hub, &object, peer.as_deref())?;
    }
    Ok(())
}
