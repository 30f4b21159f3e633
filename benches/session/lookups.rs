//! Part two: the helper among a thousand keys and among millions.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Instant;

use base64ct::{Base64, Encoding};

use super::accounts::Accounts;
use super::hub::{Hub, configure};
use super::keys::{blob, make_database};
use super::machine::gits;
use super::place::Place;
use super::samples::{Random, Samples, print_table, ratio};
use super::spawner::{Job, Spawner};
use super::{Outcome, instructions, interrupt};

/// How many keys, from few to many; `KEYS=10000000` adds one more. Each number has one database.
const COUNTS: [u64; 3] = [1_000, 100_000, 1_000_000];
/// The keys of a database have numbers of 32 bits.
const MOST_KEYS: u64 = 1 << 32;
const RUNS: usize = 400;
/// Over how many lookups instructions are counted.
const COUNTED: usize = 5;

struct Database {
    keys: u64,
    config: PathBuf,
    /// Seconds that it took to make, and what it takes on disk.
    made: (f64, u64),
    random_key: Samples,
    same_key: Samples,
    instructions: Option<u64>,
}

pub(crate) fn measure(place: &Place, hub: &Hub) -> Outcome {
    let mut counts = BTreeSet::from(COUNTS);
    if let Some(more) = std::env::var_os("KEYS") {
        let more = more.to_string_lossy();
        let number = more.parse().ok().filter(|number| (1..MOST_KEYS).contains(number));
        counts
            .insert(number.ok_or_else(|| format!("KEYS={more} is not a number of keys from 1 to {}", MOST_KEYS - 1))?);
    }
    let mut databases = Vec::new();
    for keys in counts {
        databases.push(make(place, hub, keys)?);
    }
    let mut random = Random(1);
    let mut spawner = Spawner::start(place, hub.keys)?;
    for database in &databases {
        for number in [0, database.keys - 1] {
            let owner = format!(" user-{:08} --key SHA256:", number / 2);
            spawner.check(&lookup(hub, database, number), &owner)?;
        }
    }
    for _ in 0..RUNS {
        interrupt::check()?;
        random.shuffle(&mut databases);
        for database in &mut databases {
            let number = random.below(database.keys);
            database.random_key.push(spawner.time(&lookup(hub, database, number))?.microseconds);
            database.same_key.push(spawner.time(&lookup(hub, database, 0))?.microseconds);
        }
    }
    databases.sort_by_key(|database| database.keys);
    for database in &mut databases {
        database.instructions = count(hub, database, &mut random)?;
    }
    print(&databases);
    Ok(())
}

fn make(place: &Place, hub: &Hub, keys: u64) -> Outcome<Database> {
    let start = Instant::now();
    let file = make_database(place, &format!("keys-{keys}"), keys, hub.login, hub.keys)?;
    let made = (start.elapsed().as_secs_f64(), file.metadata()?.len() / 1_000_000);
    let git = gits()?.into_iter().next().unwrap_or_default();
    let config = configure(place, &format!("keys-{keys}.toml"), &Accounts::name("owner"), &file, &git)?;
    let (random_key, same_key) = (Samples::default(), Samples::default());
    Ok(Database { keys, config, made, random_key, same_key, instructions: None })
}

/// The helper asked for one of the keys.
fn lookup(hub: &Hub, database: &Database, number: u64) -> Job {
    let config = database.config.to_string_lossy();
    let base64 = Base64::encode_string(&blob(number));
    let words = ["--config", &config, &Accounts::name("owner"), "ssh-ed25519", &base64];
    Job::new(&hub.libexec.join("authorized-keys")).arguments(&words)
}

/// The mean over a few keys: how far a page is searched differs from key to key.
fn count(hub: &Hub, database: &Database, random: &mut Random) -> Outcome<Option<u64>> {
    let mut sum = 0;
    for _ in 0..COUNTED {
        match instructions::count(&lookup(hub, database, random.below(database.keys)), hub.keys)? {
            Some(count) => sum += count,
            None => return Ok(None),
        }
    }
    Ok(Some(sum / u64::try_from(COUNTED)?))
}

fn print(databases: &[Database]) {
    let Some(floor) = databases.first() else { return };
    let row = |database: &Database| {
        let instructions = match (database.instructions, floor.instructions) {
            (Some(count), Some(floor)) => format!("{:+.1} %", 100.0 * (as_number(count) / as_number(floor) - 1.0)),
            _ => "-".to_owned(),
        };
        vec![
            database.keys.to_string(),
            format!("{:.0}", database.random_key.median()),
            database.random_key.spread(),
            ratio(database.random_key.median(), floor.random_key.median()),
            format!("{:.0}", database.same_key.median()),
            ratio(database.same_key.median(), floor.same_key.median()),
            instructions::thousands(database.instructions),
            instructions,
            format!("{} MB, {:.0} s", database.made.1, database.made.0),
        ]
    };
    let head =
        ["keys", "random key us", "quartiles", "x 1000", "same key us", "x 1000", "instructions", "over 1000", "made"];
    let title = format!("## The helper by number of keys ({RUNS} runs each)");
    print_table(&title, &head, &databases.iter().map(row).collect::<Vec<_>>());
}

/// Instructions are far below 2^32 thousand.
fn as_number(count: u64) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}
