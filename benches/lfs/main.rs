//! What large files cost, as ratios to floors that are measured in the same run. benches/README.md says how to read it.
//!
//! Run as root by `cargo bench --bench lfs`. Nothing here fails for being slow: only for answering wrongly. All that it
//! makes (accounts, processes, files) goes when it ends, also when it fails or is interrupted.

#![expect(clippy::print_stdout, reason = "the tables are for the person who runs it")]

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
#[path = "../session/parts.rs"]
mod parts;
#[path = "../session/place.rs"]
mod place;
mod runs;
#[path = "../session/samples.rs"]
#[allow(dead_code, reason = "the other bench uses more of it")]
mod samples;
#[path = "../session/sshd.rs"]
mod sshd;

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;

use accounts::Accounts;
use hub::Hub;
use object::Object;
use place::Place;

/// What a step gives, or why the bench ends.
type Outcome<T = ()> = Result<T, Box<dyn Error>>;

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
