//! SECURITY.md says which test shows what: each of those tests is in the tree, under that name.

#![expect(clippy::expect_used, reason = "a test that cannot read the tree fails")]

use std::fs;
use std::path::Path;

/// Whatever could hold a test: sources, and the script that runs everything.
fn sources(directory: &Path, all: &mut String) {
    for entry in fs::read_dir(directory).expect("a directory").map(|entry| entry.expect("an entry").path()) {
        let is_source = entry.extension().is_some_and(|extension| extension == "rs" || extension == "sh");
        if entry.is_dir() {
            sources(&entry, all);
        } else if is_source {
            *all += &fs::read_to_string(&entry).expect("a source");
        }
    }
}

/// The words in backquotes.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// The rows of all tables, without their heads.
fn rows(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| line.starts_with('|') && !line.starts_with("|---"))
}

/// Whether a word is the name of a test: a sentence.
fn is_name(word: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    word.bytes().all(plain) && word.matches('_').count() >= 2
}

#[test]
fn every_test_that_security_md_names_is_in_the_tree() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(root.join("SECURITY.md")).expect("SECURITY.md");
    let mut all = String::new();
    for directory in ["src", "tests"] {
        sources(&root.join(directory), &mut all);
    }
    let mut missing = Vec::new();
    let mut named = 0;
    for word in rows(&text).flat_map(quoted) {
        let found = if is_name(word) {
            named += 1;
            // A function, or the name that a suite gives one.
            all.contains(&format!("fn {word}(")) || all.contains(&format!("(\"{word}\","))
        } else if let Some(check) = word.strip_prefix("run.sh: ") {
            all.contains(&format!("check \"{check}\""))
        } else if !word.contains(' ') && (word.starts_with("src/") || word.starts_with("tests/")) {
            root.join(word).exists()
        } else {
            true
        };
        if !found {
            missing.push(word);
        }
    }
    assert!(missing.is_empty(), "SECURITY.md names what is not there: {missing:#?}");
    assert!(named > 100, "{named} names");
}

#[test]
fn security_md_has_a_row_for_each_of_the_48() {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("SECURITY.md")).expect("SECURITY.md");
    for number in 1..=48 {
        let start = format!("| T{number} |");
        let found: Vec<&str> = rows(&text).filter(|row| row.starts_with(&start)).collect();
        assert_eq!(found.len(), 1, "{start}");
        assert!(found.iter().flat_map(|row| quoted(row)).next().is_some(), "{start} names no test");
    }
}

#[test]
fn readme_and_the_fuzz_targets_state_the_rust_version_of_cargo_toml() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |name: &str| fs::read_to_string(root.join(name)).expect("a file of the tree");
    let version = env!("CARGO_PKG_RUST_VERSION");
    assert!(read("README.md").contains(&format!("with cargo {version} or newer")), "README.md states not {version}");
    assert!(
        read("fuzz/Cargo.toml").contains(&format!("\nrust-version = \"{version}\"\n")),
        "fuzz states not {version}"
    );
}
