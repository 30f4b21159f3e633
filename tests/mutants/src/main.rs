//! Runs the tests of hubgate on mutants of its code. CONTRIBUTING.md says how to use it.
//!
//! cargo-mutants builds each mutant, which takes a minute. This program writes all mutants that cargo-mutants lists
//! into one copy of the sources, each behind a switch, and builds that once. It then notes which tests reach which
//! switch, and runs only those on a mutant.

mod list;
mod runs;
mod switches;
mod tree;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use list::Mutant;
use runs::Suite;
use serde::{Deserialize, Serialize};
use tree::Unusable;

const USAGE: &str = "usage: hubgate-mutants build WORK PATTERN...
       hubgate-mutants reach WORK SUITE [TESTS]
       hubgate-mutants run WORK SUITE [TESTS [MOST [THREADS]]]
       hubgate-mutants report WORK";

#[derive(Serialize, Deserialize)]
struct Built {
    mutants: Vec<Mutant>,
    unusable: BTreeMap<u32, Unusable>,
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match run(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("mutants: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(words: &[String]) -> Result<(), String> {
    let [verb, work, rest @ ..] = words else { return Err(USAGE.to_owned()) };
    let work = PathBuf::from(work);
    match (verb.as_str(), rest) {
        ("build", patterns) => {
            let root = std::env::current_dir().map_err(|error| error.to_string())?;
            let mutants = list::list(&root, patterns)?;
            println!("{} mutants", mutants.len());
            fs::create_dir_all(&work).map_err(|error| error.to_string())?;
            let unusable = tree::build(&root, &work, &mutants)?;
            for suite in ["unit", "e2e", "sandbox", "exchanges", "crash"] {
                let _ = fs::remove_file(work.join(format!("reach-{suite}.json")));
            }
            let text = serde_json::to_vec(&Built { mutants, unusable }).map_err(|error| error.to_string())?;
            fs::write(work.join("mutants.json"), text).map_err(|error| error.to_string())
        }
        ("reach", [suite, rest @ ..]) => {
            Suite { work: &work, name: suite }.reach(rest.first().map_or("", String::as_str)).map(drop)
        }
        ("run", [suite, rest @ ..]) => {
            let built = built(&work)?;
            let done = done(&work);
            let left: Vec<&Mutant> = built
                .mutants
                .iter()
                .filter(|mutant| !built.unusable.contains_key(&mutant.id))
                .filter(|mutant| {
                    done.get(&mutant.name).is_none_or(|suites| {
                        !suites.contains_key(suite) && !suites.values().any(|verdict| is_caught(verdict))
                    })
                })
                .collect();
            let nth = |at: usize| rest.get(at).map_or("", String::as_str);
            let (most, threads) = (nth(1).parse().unwrap_or(usize::MAX), nth(2).parse().unwrap_or(2));
            Suite { work: &work, name: suite }.run(&left, nth(0), most, threads)
        }
        ("report", []) => {
            report(&work);
            Ok(())
        }
        _ => Err(USAGE.to_owned()),
    }
}

fn built(work: &Path) -> Result<Built, String> {
    let text = fs::read(work.join("mutants.json")).map_err(|error| format!("mutants.json: {error}"))?;
    serde_json::from_slice(&text).map_err(|error| error.to_string())
}

fn is_caught(verdict: &str) -> bool {
    verdict.starts_with("caught") || verdict == "timeout"
}

/// The verdicts so far: mutant, suite, verdict.
fn done(work: &Path) -> BTreeMap<String, BTreeMap<String, String>> {
    let mut done: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    for line in fs::read_to_string(work.join("verdicts")).unwrap_or_default().lines() {
        if let [name, suite, _, verdict] = line.splitn(4, '\t').collect::<Vec<_>>()[..] {
            done.entry(name.to_owned()).or_default().insert(suite.to_owned(), verdict.to_owned());
        }
    }
    done
}

/// Prints a line of numbers for each module, and the mutants that no suite caught.
fn report(work: &Path) {
    let Ok(built) = built(work) else { return };
    let done = done(work);
    let module = |mutant: &Mutant| {
        let name = mutant.file.trim_start_matches("src/");
        name.split('/').next().unwrap_or(name).trim_end_matches(".rs").to_owned()
    };
    let modules: BTreeSet<String> = built.mutants.iter().map(module).collect();
    println!("module\tmutants\tunviable\tno switch\tunit\tother suites\ttimeouts\tsurvivors");
    for name in modules {
        let mut counts = [0; 7];
        for mutant in built.mutants.iter().filter(|mutant| module(mutant) == name) {
            counts[0] += 1;
            let suites = done.get(&mutant.name);
            let caught = suites.and_then(|suites| suites.iter().find(|(_, verdict)| is_caught(verdict)));
            let column = match (built.unusable.get(&mutant.id), caught) {
                (Some(Unusable::Unviable), _) => 1,
                (Some(Unusable::NoSwitch), _) => 2,
                (None, Some((_, verdict))) if verdict == "timeout" => 5,
                (None, Some((suite, _))) => {
                    if suite == "unit" {
                        3
                    } else {
                        4
                    }
                }
                (None, None) => 6,
            };
            counts[column] += 1;
        }
        println!("{name}\t{}", counts.map(|count: u32| count.to_string()).join("\t"));
    }
    for mutant in &built.mutants {
        let suites = done.get(&mutant.name);
        if built.unusable.get(&mutant.id) == Some(&Unusable::NoSwitch) {
            println!("no switch: {}", mutant.name);
        } else if !built.unusable.contains_key(&mutant.id)
            && !suites.is_some_and(|suites| suites.values().any(|verdict| is_caught(verdict)))
        {
            println!("{}: {suites:?}", mutant.name);
        }
    }
}
