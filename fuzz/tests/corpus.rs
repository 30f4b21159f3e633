//! Runs every target on its corpus, without a fuzzer.

use std::collections::BTreeSet;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use hubgate_fuzz::TARGETS;
use libtest_mimic::{Arguments, Failed, Trial};

/// The most bytes of all corpora together.
const CORPORA_MAX: u64 = 300_000;

fn directory(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// The files of a directory, sorted by name.
fn files(directory: &Path) -> Result<BTreeSet<PathBuf>, Failed> {
    let entries = fs::read_dir(directory).map_err(|error| format!("{}: {error}", directory.display()))?;
    Ok(entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?)
}

/// Runs a target on its corpus, which must have accepted and rejected inputs, and on the empty input.
fn replay(name: &str, target: fn(&[u8]) -> bool) -> Result<(), Failed> {
    let mut accepted = 0;
    let files = files(&directory("corpus").join(name))?;
    for file in &files {
        let data = fs::read(file)?;
        match catch_unwind(AssertUnwindSafe(|| target(&data))) {
            Ok(is_accepted) => accepted += usize::from(is_accepted),
            Err(panic) => {
                let text = panic.downcast_ref::<String>().map(String::as_str);
                let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or_default();
                return Err(format!("{}: {text}", file.display()).into());
            }
        }
    }
    target(b"");
    if accepted == 0 || accepted == files.len() {
        return Err(format!("{accepted} of {} inputs are accepted", files.len()).into());
    }
    Ok(())
}

/// Each target has a corpus, and no other directory is there.
fn in_step() -> Result<(), Failed> {
    let names: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    let stems = |directory: &Path| -> Result<BTreeSet<String>, Failed> {
        let stem = |file: &PathBuf| file.file_stem().map(|stem| stem.to_string_lossy().into_owned());
        Ok(files(directory)?.iter().filter_map(stem).collect())
    };
    if stems(&directory("corpus"))? != names {
        return Err("corpus/ does not hold what src/targets.rs lists".into());
    }
    let mut bytes = 0;
    for corpus in files(&directory("corpus"))? {
        for file in files(&corpus)? {
            bytes += file.metadata()?.len();
        }
    }
    if bytes > CORPORA_MAX { Err(format!("the corpora have {bytes} bytes").into()) } else { Ok(()) }
}

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let mut trials = vec![Trial::test("every_target_has_its_corpus", in_step)];
    trials.extend(TARGETS.iter().map(|(name, target)| Trial::test(*name, || replay(name, *target))));
    libtest_mimic::run(&arguments, trials).exit_code()
}
