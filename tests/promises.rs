//! SECURITY.md names the test for each promise. Each of those tests must exist under that name.

#![expect(clippy::expect_used, reason = "a test that cannot read the tree fails")]

use std::collections::HashSet;
use std::fs;
use std::path::Path;

/// The names of the tests in a directory: functions with `#[test]`, and tests that suites with a `main` register in
/// `trials!` or as `("name", function)`.
fn tests(directory: &Path, names: &mut HashSet<String>) {
    for entry in fs::read_dir(directory).expect("a directory").map(|entry| entry.expect("an entry").path()) {
        if entry.is_dir() {
            tests(&entry, names);
        } else if entry.extension().is_some_and(|extension| extension == "rs") {
            tests_in(&fs::read_to_string(&entry).expect("a source"), names);
        }
    }
}

fn tests_in(source: &str, names: &mut HashSet<String>) {
    let (mut is_test, mut in_trials) = (false, false);
    for line in source.lines().map(str::trim) {
        let pairs = line.split("(\"").skip(1).filter_map(|pair| pair.split_once("\",")).map(|(name, _)| name);
        names.extend(pairs.filter(|name| is_name(name)).map(str::to_owned));
        if let Some((name, _)) = line.strip_prefix("fn ").filter(|_| is_test).and_then(|line| line.split_once('(')) {
            names.insert(name.to_owned());
            is_test = false;
        } else if in_trials || line.starts_with("trials![") {
            in_trials = !line.contains(']');
            let words = line.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            names.extend(words.filter(|word| is_name(word)).map(str::to_owned));
        }
        is_test |= line == "#[test]";
    }
}

/// The words in backquotes.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// The cells of a line of a table.
fn cells(line: &str) -> Vec<&str> {
    line.trim_matches('|').split('|').map(str::trim).collect()
}

/// The rows of all tables whose last column has this title.
fn rows<'a>(text: &'a str, last: &str) -> Vec<Vec<&'a str>> {
    let mut rows = Vec::new();
    let mut head: Option<Vec<&str>> = None;
    for line in text.lines() {
        match &head {
            _ if !line.starts_with('|') => head = None,
            None => head = Some(cells(line)),
            Some(_) if line.starts_with("|---") => {}
            Some(head) => {
                let row = cells(line);
                assert_eq!(row.len(), head.len(), "a row has as many cells as its head: {line}");
                rows.extend(Some(row).filter(|_| head.last() == Some(&last)));
            }
        }
    }
    rows
}

/// Whether a word is a test name, which is a sentence.
fn is_name(word: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    word.bytes().all(plain) && word.matches('_').count() >= 2
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn security_md() -> String {
    fs::read_to_string(root().join("SECURITY.md")).expect("SECURITY.md")
}

#[test]
fn each_row_names_a_test_or_check_and_every_named_test_and_file_exists() {
    let script = fs::read_to_string(root().join("tests/run.sh")).expect("the script");
    let mut known = HashSet::new();
    for directory in ["src", "tests"] {
        tests(&root().join(directory), &mut known);
    }
    let text = security_md();
    let mut named = 0;
    for row in rows(&text, "shown by") {
        let shown_by: Vec<&str> = quoted(row.last().expect("a cell")).collect();
        assert!(!shown_by.is_empty(), "this row names no test: {row:?}");
        for word in shown_by {
            let exists = match word.strip_prefix("run.sh: ") {
                Some(check) => script.contains(&format!("\"{check}\"")),
                None => known.contains(word),
            };
            assert!(exists, "`{word}` is neither a test nor a check: {row:?}");
            named += 1;
        }
    }
    assert!(named > 100, "{named} names");
    for row in rows(&text, "measured by") {
        assert!(row.last().is_some_and(|cell| !cell.is_empty()), "this row names no measurement: {row:?}");
    }
    for word in text.lines().filter(|line| line.starts_with('|')).flat_map(quoted) {
        let is_path = !word.contains(' ') && (word.starts_with("src/") || word.starts_with("tests/"));
        assert!(!is_name(word) || known.contains(word), "`{word}` is no test");
        assert!(!is_path || root().join(word).exists(), "`{word}` is no file");
    }
}

#[test]
fn security_md_has_one_whole_row_for_each_number() {
    let text = security_md();
    let rows = rows(&text, "shown by");
    for row in &rows {
        assert!(row.iter().all(|cell| !cell.is_empty()), "a cell of this row is empty: {row:?}");
    }
    let numbers = rows.iter().filter_map(|row| row.first()?.strip_prefix('T'));
    let mut numbers: Vec<usize> = numbers.map(|number| number.parse().expect("a number after T")).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=numbers.len()).collect::<Vec<_>>());
    assert!(numbers.len() >= 51, "rows were removed");
}

#[test]
fn documents_and_the_fuzz_targets_state_the_rust_version_of_cargo_toml() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |name: &str| fs::read_to_string(root.join(name)).expect("a file of the tree");
    let version = env!("CARGO_PKG_RUST_VERSION");
    assert!(read("README.md").contains(&format!("with cargo {version} or newer")), "README.md states not {version}");
    assert!(
        read("CONTRIBUTING.md").contains(&format!("cargo {version} or newer")),
        "CONTRIBUTING.md states not {version}"
    );
    assert!(
        read("fuzz/Cargo.toml").contains(&format!("\nrust-version = \"{version}\"\n")),
        "fuzz states not {version}"
    );
}

#[test]
fn security_md_states_the_fuzz_targets_and_how_long_each_is_fuzzed() {
    let corpora = fs::read_dir(root().join("fuzz/corpus")).expect("the corpora").count();
    let script = fs::read_to_string(root().join("tests/run.sh")).expect("the script");
    let (_, seconds) = script.split_once("sh fuzz/run.sh ").expect("a run of the targets");
    let seconds: String = seconds.chars().take_while(char::is_ascii_digit).collect();
    let stated = format!("| fuzz targets | {corpora}; a full test run fuzzes each for {seconds} s ");
    assert!(security_md().contains(&stated), "SECURITY.md states not: {stated}");
}

#[test]
fn the_block_in_readme_is_a_part_of_the_configuration_of_sshd() {
    let read = |name: &str| fs::read_to_string(root().join(name)).expect("a file of the tree");
    let (readme, example) = (read("README.md"), read("sshd_config.example"));
    let (_, block) = readme.split_once("```\nMatch User git\n").expect("the block");
    let (block, _) = block.split_once("```").expect("its end");
    assert!(block.lines().count() > 5, "{block}");
    for line in block.lines() {
        assert!(example.lines().any(|known| known == line), "sshd_config.example does not have: {line}");
    }
    let is_directive = |line: &str| {
        let line = line.trim_start();
        !line.is_empty() && !line.starts_with('#') && !line.starts_with("Match ")
    };
    for (above, line) in example.lines().zip(example.lines().skip(1)).filter(|(_, line)| is_directive(line)) {
        assert!(above.trim_start().starts_with("# "), "no comment gives the reason of: {line}");
    }
}

#[test]
fn readme_states_the_versions_of_the_clients_that_the_script_installs() {
    let read = |name: &str| fs::read_to_string(root().join(name)).expect("a file of the tree");
    let (readme, script) = (read("README.md"), read("tests/clients.sh"));
    let (_, table) = readme.split_once("| client | version |").expect("the table");
    let table: String = table.lines().skip(1).take_while(|line| line.starts_with('|')).collect();
    let assigned = |name: &str| {
        let line = script.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        line.unwrap_or_else(|| panic!("tests/clients.sh does not set {name}")).trim_matches('"').to_owned()
    };
    let python = ["python_packages", "dvc_packages", "uv_packages"].map(assigned).join(" ");
    let mut versions: Vec<(&str, &str)> = python.split(' ').filter_map(|package| package.split_once("==")).collect();
    // The table has the version of libgit2, which pygit2 brings.
    versions.retain(|(name, _)| *name != "pygit2");
    assert!(versions.len() >= 4, "{versions:?}");
    let gitoxide = assigned("gitoxide_version");
    for (name, version) in versions.into_iter().chain([("gitoxide", gitoxide.as_str())]) {
        assert!(table.contains(name) && table.contains(version), "README.md does not state {name} {version}");
    }
}

/// The documents that name files of the tree.
const DOCUMENTS: [&str; 7] = [
    "README.md",
    "MOVING.md",
    "SECURITY.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "RELEASING.md",
    "benches/README.md",
];

#[test]
fn every_file_that_a_document_names_exists() {
    let is_path = |word: &str| {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-./".contains(&byte);
        let begins =
            ["src/", "tests/", "packaging/", "fuzz/", "benches/", "bin/"].iter().any(|top| word.starts_with(top));
        begins && word.bytes().all(plain)
    };
    let mut named = 0;
    for document in DOCUMENTS {
        let text = fs::read_to_string(root().join(document)).expect("a document");
        let words = text.split(|c: char| c.is_whitespace() || "`()[],;:\"".contains(c));
        for word in words.map(|word| word.trim_end_matches('.')).filter(|word| is_path(word)) {
            assert!(root().join(word).exists(), "{document} names {word}");
            named += 1;
        }
        for target in text.split("](").skip(1).filter_map(|link| link.split_once(')')).map(|(target, _)| target) {
            let (file, heading) = target.split_once('#').unwrap_or((target, ""));
            if file.starts_with("http") || file.starts_with("mailto") {
                continue;
            }
            let file = if file.is_empty() { root().join(document) } else { root().join(document).with_file_name(file) };
            assert!(file.exists(), "{document} links to {target}");
            let anchor = |line: &str| {
                let kept = |c: &char| c.is_alphanumeric() || "-_ ".contains(*c);
                line.trim_start_matches('#')
                    .trim()
                    .to_lowercase()
                    .chars()
                    .filter(kept)
                    .collect::<String>()
                    .replace(' ', "-")
            };
            let text = if heading.is_empty() { String::new() } else { fs::read_to_string(file).expect("a document") };
            let found = text.lines().any(|line| line.starts_with('#') && anchor(line) == heading);
            assert!(heading.is_empty() || found, "{document} links to {target}");
        }
    }
    assert!(named > 40, "{named} names");
}

#[test]
fn every_module_in_the_table_of_contributing_md_exists() {
    let text = fs::read_to_string(root().join("CONTRIBUTING.md")).expect("CONTRIBUTING.md");
    let rows = rows(&text, "rule");
    assert!(rows.len() >= 5, "{rows:?}");
    for module in rows.iter().filter_map(|row| row.get(1)).flat_map(|cell| quoted(cell)) {
        assert!(root().join("src").join(module).exists() || root().join(module).exists(), "there is no {module}");
    }
}
