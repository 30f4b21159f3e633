//! A copy of the sources with the switches, and its build.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::list::Mutant;
use crate::switches::{self, Owned};

/// What precedes the number of the mutant in a program.
pub(crate) const MARK: &[u8; 16] = b"hubgate-mutant::";
/// The number that makes a program note which mutants it reaches.
pub(crate) const NOTE: u32 = u32::MAX;
/// The file in which programs note them, one byte each. All accounts can write it.
pub(crate) const NOTES: &str = "reached";

const SWITCH: &str = r#"
#![allow(missing_docs)]
use std::sync::OnceLock;
static ACTIVE: [u8; 20] = *b"MARK\0\0\0\0";
pub fn is(id: u32) -> bool {
    // SAFETY: a static is readable. The value is that in the file of the program.
    let active = unsafe { std::ptr::read_volatile(&ACTIVE) };
    let active = u32::from_le_bytes([active[16], active[17], active[18], active[19]]);
    if active == u32::MAX {
        note(id);
        return false;
    }
    active == id
}
pub fn is_noting() -> bool {
    let active = unsafe { std::ptr::read_volatile(&ACTIVE) };
    active[16..] == [255; 4]
}
fn note(id: u32) {
    static MAP: OnceLock<usize> = OnceLock::new();
    let map = *MAP.get_or_init(|| unsafe {
        let file = nix::libc::open(c"NOTES".as_ptr(), nix::libc::O_RDWR | nix::libc::O_CLOEXEC);
        if file < 0 {
            return 0;
        }
        let map = nix::libc::mmap(std::ptr::null_mut(), SIZE, 3, nix::libc::MAP_SHARED, file, 0);
        nix::libc::close(file);
        if map == nix::libc::MAP_FAILED { 0 } else { map as usize }
    });
    if map != 0 {
        unsafe { std::ptr::write_volatile((map as *mut u8).add(id as usize), 1) };
    }
}
"#;

/// Why a mutant is not run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Unusable {
    /// It does not compile.
    Unviable,
    /// It cannot be written as a switch, for example in a constant function.
    NoSwitch,
}

/// Copies the sources to `work/tree`, writes the mutants into them and builds everything. Returns what was left out.
pub(crate) fn build(root: &Path, work: &Path, all: &[Mutant]) -> Result<BTreeMap<u32, Unusable>, String> {
    let tree = work.join("tree");
    copy(root, &tree)?;
    let mut unusable = BTreeMap::new();
    let size = all.len() + 1;
    let notes = work.join(NOTES);
    fs::write(&notes, vec![0; size]).map_err(|error| error.to_string())?;
    // Sessions run as accounts of the tests.
    fs::set_permissions(&notes, fs::Permissions::from_mode(0o666)).map_err(|error| error.to_string())?;
    let notes = notes.display().to_string();
    let switch = SWITCH.replace("MARK", "hubgate-mutant::").replace("NOTES", &notes).replace("SIZE", &size.to_string());
    fs::write(tree.join("src/mutant.rs"), switch).map_err(|error| error.to_string())?;
    change(&tree.join("src/lib.rs"), |text| {
        let text = format!("#![allow(warnings, arithmetic_overflow, unconditional_panic, unsafe_code)]\n{text}");
        text.replacen("pub mod access;", "pub mod mutant;\npub mod access;", 1)
    })?;
    change(&tree.join("Cargo.toml"), |text| text.split("[lints.").next().unwrap_or_default().to_owned())?;
    // The tests of the suite that are named in a file, in its order.
    change(&tree.join("tests/e2e/main.rs"), |text| {
        let all = "let trials: Vec<Trial> = tests.into_iter().map(trial).collect();";
        text.replacen(all, &format!("{all}\n    let trials = {CHOICE};"), 1)
    })?;
    // What the sandbox would keep from noting.
    change(&tree.join("src/sandbox.rs"), |text| {
        text.replacen("if mode == Mode::Off {", "if mode == Mode::Off || crate::mutant::is_noting() {", 1)
    })?;
    let sources: BTreeMap<String, String> = all
        .iter()
        .map(|mutant| mutant.file.clone())
        .collect::<BTreeSet<_>>()
        .into_iter()
        .map(|file| fs::read_to_string(tree.join(&file)).map(|text| (file, text)).map_err(|error| error.to_string()))
        .collect::<Result<_, _>>()?;
    loop {
        let mut owners = BTreeMap::new();
        for (file, source) in &sources {
            let mutants: Vec<&Mutant> =
                all.iter().filter(|mutant| mutant.file == *file && !unusable.contains_key(&mutant.id)).collect();
            let (text, owned, unwritten) =
                switches::write(source, &mutants).map_err(|error| format!("{file}: {error}"))?;
            unusable.extend(unwritten.into_iter().map(|id| (id, Unusable::NoSwitch)));
            fs::write(tree.join(file), text).map_err(|error| error.to_string())?;
            owners.insert(file.clone(), owned);
        }
        let errors = check(&tree)?;
        if errors.is_empty() {
            break;
        }
        let before = unusable.len();
        for error in &errors {
            blame(error, &owners, &mut unusable);
        }
        eprintln!("{} errors, {} mutants left out", errors.len(), unusable.len());
        if unusable.len() == before {
            return Err(format!("the copy does not compile: {}", errors[0]["rendered"].as_str().unwrap_or_default()));
        }
    }
    install(&tree, work)?;
    Ok(unusable)
}

const CHOICE: &str = r#"match std::env::var("HUBGATE_TRIALS") {
        Ok(file) => {
            let mut trials: std::collections::HashMap<String, Trial> =
                trials.into_iter().map(|trial| (trial.name().to_owned(), trial)).collect();
            std::fs::read_to_string(file).expect("names").lines().filter_map(|name| trials.remove(name)).collect()
        }
        Err(_) => trials,
    }"#;

fn change(file: &Path, how: impl FnOnce(String) -> String) -> Result<(), String> {
    let text = fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let changed = how(text.clone());
    if changed == text {
        return Err(format!("{}: nothing to change", file.display()));
    }
    fs::write(file, changed).map_err(|error| error.to_string())
}

fn copy(root: &Path, tree: &Path) -> Result<(), String> {
    let _ = fs::remove_dir_all(tree);
    fs::create_dir_all(tree).map_err(|error| error.to_string())?;
    let script = "git ls-files -z -co --exclude-standard | xargs -0 cp -p --parents -t \"$1\"";
    let status = Command::new("sh").args(["-c", script, "sh"]).arg(tree).current_dir(root).status();
    if status.is_ok_and(|status| status.success()) { Ok(()) } else { Err("cannot copy the sources".to_owned()) }
}

/// The errors of the compiler.
fn check(tree: &Path) -> Result<Vec<Value>, String> {
    let messages = cargo(tree, &["check", "--lib"])?;
    Ok(messages
        .filter(|message| message["reason"] == "compiler-message")
        .map(|mut message| message["message"].take())
        .filter(|message| {
            message["level"] == "error" && message["spans"].as_array().is_some_and(|spans| !spans.is_empty())
        })
        .collect())
}

fn cargo(tree: &Path, words: &[&str]) -> Result<impl Iterator<Item = Value> + use<>, String> {
    let mut command = Command::new("cargo");
    command.args(words).args(["--locked", "--message-format", "json"]).current_dir(tree).stderr(Stdio::null());
    let output = command.output().map_err(|error| error.to_string())?;
    let lines: Vec<Value> =
        output.stdout.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect();
    Ok(lines.into_iter())
}

/// Leaves out the mutants that an error speaks of.
fn blame(error: &Value, owners: &BTreeMap<String, Vec<Owned>>, unusable: &mut BTreeMap<u32, Unusable>) {
    let spans = error["spans"].as_array().map(Vec::as_slice).unwrap_or_default();
    let of = |primary: bool| {
        spans.iter().filter(move |span| span["is_primary"] == primary).filter_map(|span| {
            let number = |key: &str| span[key].as_u64().and_then(|number| usize::try_from(number).ok());
            let (start, end) = (number("byte_start")?, number("byte_end")?);
            let owned = owners.get(span["file_name"].as_str()?)?.iter();
            let around = owned.filter(|owned| owned.range.start <= start && end <= owned.range.end);
            around.min_by_key(|owned| owned.range.len())
        })
    };
    if let Some(owned) = of(true).chain(of(false)).next() {
        let why = if owned.is_replacement { Unusable::Unviable } else { Unusable::NoSwitch };
        for id in &owned.ids {
            unusable.entry(*id).or_insert(why);
        }
    } else if let Some(arms) = arms(spans, owners) {
        // Without each of these arms alone, the match may not be exhaustive either.
        unusable.extend(arms.into_iter().map(|id| (id, Unusable::NoSwitch)));
    } else {
        eprintln!("{}", error["rendered"].as_str().unwrap_or_default());
    }
}

/// The first mutant that deletes an arm after a match that an error names.
fn arms(spans: &[Value], owners: &BTreeMap<String, Vec<Owned>>) -> Option<Vec<u32>> {
    let span = spans.iter().find(|span| span["is_primary"] == true)?;
    let end = usize::try_from(span["byte_end"].as_u64()?).ok()?;
    let owned = owners.get(span["file_name"].as_str()?)?.iter();
    let arms = owned.filter(|owned| owned.is_arm && owned.range.start >= end);
    arms.min_by_key(|owned| owned.range.start).map(|owned| owned.ids.clone())
}

/// Builds the tests and programs and copies them to `work/programs` and `work/suites`.
fn install(tree: &Path, work: &Path) -> Result<(), String> {
    for directory in ["programs", "suites"] {
        fs::create_dir_all(work.join(directory)).map_err(|error| error.to_string())?;
    }
    let mut count = 0;
    for message in cargo(tree, &["test", "--no-run"])? {
        let Some(built) = message["executable"].as_str() else { continue };
        let (name, is_test) =
            (message["target"]["name"].as_str().unwrap_or_default(), message["profile"]["test"] == true);
        let to: PathBuf = match name {
            "hubgate" if is_test => work.join("suites/unit"),
            _ if is_test => work.join("suites").join(name),
            _ => work.join("programs").join(name),
        };
        let _ = fs::remove_file(&to);
        fs::copy(built, &to).map_err(|error| format!("{built}: {error}"))?;
        let _ = Command::new("strip").arg(&to).status();
        count += 1;
    }
    if count < 8 { Err("the copy does not build".to_owned()) } else { Ok(()) }
}

/// The programs and suites in memory, with the places of the number in them.
pub(crate) struct Programs(Vec<(PathBuf, Vec<u8>, Vec<usize>)>);

impl Programs {
    /// Reads these directories or files below `work`.
    pub(crate) fn read(work: &Path, names: &[&str]) -> Result<Self, String> {
        let mut all = vec![];
        for name in names {
            let path = work.join(name);
            let entries = fs::read_dir(&path).map(|entries| entries.flatten().map(|entry| entry.path()).collect());
            for file in entries.unwrap_or_else(|_| vec![path]) {
                let bytes = fs::read(&file).map_err(|error| format!("{}: {error}", file.display()))?;
                let places = find(&bytes, MARK);
                all.push((file, bytes, places));
            }
        }
        Ok(Self(all))
    }

    /// Puts a mutant in force.
    pub(crate) fn set(&mut self, id: u32) -> Result<(), String> {
        for (file, bytes, places) in &mut self.0 {
            for place in &*places {
                bytes[place + MARK.len()..place + MARK.len() + 4].copy_from_slice(&id.to_le_bytes());
            }
            // A new file, because a process of the last mutant can still run the old one.
            let new = file.with_extension("new");
            let write = || {
                fs::write(&new, &*bytes)?;
                fs::set_permissions(&new, fs::Permissions::from_mode(0o755))?;
                fs::rename(&new, &*file)
            };
            write().map_err(|error| format!("{}: {error}", file.display()))?;
        }
        Ok(())
    }
}

fn find(bytes: &[u8], what: &[u8]) -> Vec<usize> {
    let mut found = vec![];
    let mut from = 0;
    while let Some(at) = bytes[from..].iter().position(|byte| *byte == what[0]) {
        if bytes[from + at..].starts_with(what) {
            found.push(from + at);
        }
        from += at + 1;
    }
    found
}
