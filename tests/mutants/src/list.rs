//! The mutants, as `cargo mutants --list --json` prints them.

use std::collections::HashSet;
use std::path::Path;
use std::process::Command;

use serde::{Deserialize, Serialize};

/// A change of the code.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Mutant {
    /// Counted from 1. 0 is the code as it is.
    #[serde(default)]
    pub(crate) id: u32,
    pub(crate) file: String,
    /// Such as `src/git.rs:78:9: replace …`.
    pub(crate) name: String,
    pub(crate) genre: String,
    pub(crate) replacement: String,
    pub(crate) span: Span,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Span {
    pub(crate) start: Place,
    pub(crate) end: Place,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Place {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

/// The mutants of the files that these patterns match. cargo-mutants lists a module twice that is declared twice.
pub(crate) fn list(root: &Path, patterns: &[String]) -> Result<Vec<Mutant>, String> {
    let mut command = Command::new("cargo");
    command.args(["mutants", "--list", "--json"]).current_dir(root);
    for pattern in patterns {
        command.arg("--file").arg(pattern);
    }
    let output = command.output().map_err(|error| format!("cargo mutants: {error}"))?;
    if !output.status.success() {
        return Err(format!("cargo mutants: {}", String::from_utf8_lossy(&output.stderr)));
    }
    let mut all: Vec<Mutant> = serde_json::from_slice(&output.stdout).map_err(|error| error.to_string())?;
    let mut seen = HashSet::new();
    all.retain(|mutant| seen.insert(mutant.name.clone()));
    for (mutant, id) in all.iter_mut().zip(1..) {
        mutant.id = id;
    }
    Ok(all)
}
