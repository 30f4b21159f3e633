//! Modules use each other in one direction, and each external crate belongs to certain modules.
//!
//! The tables below are the layout. The tests compare the source with them, and ARCHITECTURE.md prints them.

#![expect(clippy::expect_used, reason = "a test that reads the project's own files")]

mod errors;
mod graph;
mod source;
mod statements;
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use graph::{Target, circles, graph, target};
use source::Crate;

/// Layers from the top down; for each module, the modules that it uses. A module uses no module of a layer above its
/// own.
const LAYERS: [Layer; 5] = [
    (
        "programs",
        &[
            ("authorized_keys", "access clock config db key log message privilege request"),
            (
                "gateway",
                "access child clock config db git key log message name privilege process push random repository request sandbox sealed session session_limits usage",
            ),
            (
                "services",
                "access bounded child clock commands config content db git key lfs log message name process push report \
                 repository request sandbox sealed session usage word",
            ),
            (
                "operator",
                "access bounded clock commands config content db git key lfs log message name passwd privilege process push random report \
                 repository request sandbox session tree usage word",
            ),
        ],
    ),
    (
        "shared by programs",
        &[
            (
                "commands",
                "access clock config content db git key log message name process push quota report repository request session session_limits usage word",
            ),
            ("session", "access bounded clock config content db key log message name process push quota request usage"),
            ("report", "access clock config content db key message name word"),
        ],
    ),
    (
        "internal services",
        &[
            ("db", "access clock config content key name push quota random repository word"),
            ("repository", "config git lfs random sandbox tree"),
            ("git", "bounded child config log push request sandbox tree word"),
            ("lfs", "access bounded clock message name passwd process random request word"),
            ("sandbox", "config"),
            ("child", ""),
            ("sealed", ""),
            ("session_limits", "bounded"),
            ("usage", "quota repository tree"),
            ("tree", ""),
            ("process", ""),
            ("passwd", ""),
            ("log", ""),
        ],
    ),
    (
        "policy",
        &[
            ("message", "access config name request"),
            ("access", "key name request word"),
            ("push", "access config content key name word"),
            ("content", "access name quota word"),
        ],
    ),
    (
        "names",
        &[
            ("config", "bounded quota request word"),
            ("request", "key name word"),
            ("key", "name"),
            ("name", "word"),
            ("quota", "word"),
            ("word", ""),
            ("clock", ""),
            ("random", ""),
            ("bounded", ""),
            ("privilege", ""),
        ],
    ),
];

/// A layer's name, and its modules with the modules that each uses.
type Layer = (&'static str, &'static [(&'static str, &'static str)]);

/// Which modules or files use an external crate or start processes.
const OUTSIDE: [(&str, &str); 30] = [
    ("rusqlite", "db::engine::sqlite"),
    ("git2", "repository::head"),
    ("ssh_key", "key::certificate key::signature key::structure"),
    ("rsa", "key::signature"),
    ("base16ct", "key::fingerprint lfs"),
    ("base64ct", "key::fingerprint key::key_type services::authenticate"),
    (
        "sha2",
        "db::store::invite git::stored key::fingerprint lfs operator::gc repository::large_files services session_limits",
    ),
    ("hmac", "services::authenticate"),
    ("getrandom", "random"),
    ("landlock", "sandbox::filesystem"),
    ("seccompiler", "sandbox::filter"),
    ("syslog", "log"),
    ("toml", "config operator::hub_file::file"),
    ("serde", "config operator::hub_file::file services::transfer::authorizer"),
    ("serde_json", "commands db operator report services"),
    ("clap", "commands::arguments operator services::account"),
    ("shlex", "operator::import::authorized_keys"),
    ("signal_hook", "lfs::stdio operator"),
    ("unicode_width", "report"),
    ("unicode_normalization", "push::canonical"),
    ("zlib_rs", "git::pack"),
    ("ipnet", "access::sources"),
    ("time", "lfs::locking message operator report::when"),
    (
        "nix",
        "authorized_keys child commands::ending config::file db gateway git lfs log operator privilege process \
         report::spool repository sandbox sealed services session::user_auth session_limits tree usage",
    ),
    (
        "thiserror",
        "access authorized_keys commands::refused config content db gateway git key lfs name operator passwd process push quota \
         report repository request sandbox sealed services session usage word",
    ),
    (
        COMMAND,
        "child gateway::serving git operator::audit operator::backup operator::demo operator::doctor operator::login \
         operator::openssh operator::sshd_config passwd services::authenticate services::push \
         services::transfer::authorizer",
    ),
    ("std::fs", FILES),
    ("std::env::var", "operator::context sealed services::push"),
    ("std::env::var_os", "gateway::session git::import lfs::standalone services::push"),
    ("std::env::vars_os", "privilege"),
];

/// The type that starts processes.
const COMMAND: &str = "std::process::Command";
/// The modules that open files by path.
const FILES: &str = "commands::repository config::checks config::file db gateway git::pack git::stored key::weak lfs operator process report::spool \
     repository sandbox sealed services session::user_auth session_limits tree usage";

fn files() -> Crate {
    source::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"))
}

/// Uses of modules that the layers do not permit.
fn wrong_arrows(files: &Crate, layers: &[Layer]) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut uses: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (file, used) in &graph(files) {
        // The crate's root declares its modules and exports internal functions for the fuzz targets.
        let Some(module) = file.first() else { continue };
        let used = used.iter().map(|file| file.first().map_or("lib", String::as_str));
        uses.entry(module.clone()).or_default().extend(used.filter(|used| used != module).map(str::to_owned));
    }
    let level_of =
        |module: &str| layers.iter().position(|(_, modules)| modules.iter().any(|(name, _)| *name == module));
    for (level, (layer, modules)) in layers.iter().enumerate() {
        for (module, allowed) in *modules {
            let allowed: BTreeSet<String> = allowed.split_whitespace().map(str::to_owned).collect();
            let Some(found) = uses.remove(*module) else {
                wrong.push(format!("there is no module {module}"));
                continue;
            };
            wrong.extend(found.difference(&allowed).map(|used| format!("{module} uses {used}")));
            wrong.extend(allowed.difference(&found).map(|used| format!("{module} does not use {used}")));
            for used in &allowed {
                match level_of(used) {
                    None => wrong.push(format!("{used}, which {module} uses, is in no layer")),
                    Some(below) if below < level => wrong.push(format!("{module} of the {layer} may not use {used}")),
                    Some(same) if same == level && level == 0 => {
                        wrong.push(format!("the program {module} may not use the program {used}"));
                    }
                    Some(_) => {}
                }
            }
        }
    }
    wrong.extend(uses.into_keys().map(|module| format!("the module {module} is in no layer")));
    wrong
}

/// Uses of crates and of processes that a table does not permit.
fn wrong_outside(files: &Crate, outside: &[(&str, &str)]) -> Vec<String> {
    let mut wrong = Vec::new();
    for (name, places) in outside {
        let wanted: Vec<&str> = name.split("::").collect();
        let users = files.iter().filter(|(_, source)| {
            source.paths.iter().any(|named| {
                let is_outside = matches!(target(files, named), Target::Crate(_) | Target::Own);
                is_outside && names(&named.segments, &wanted)
            })
        });
        let users: BTreeSet<String> = users.map(|(file, _)| file.join("::")).collect();
        let places: Vec<&str> = places.split_whitespace().collect();
        let covers = |place: &str, file: &str| {
            file == place || file.strip_prefix(place).is_some_and(|rest| rest.starts_with("::"))
        };
        for file in &users {
            if !places.iter().any(|place| covers(place, file)) {
                wrong.push(format!("{file} uses {name}"));
            }
        }
        let unused = places.iter().filter(|place| !users.iter().any(|file| covers(place, file)));
        wrong.extend(unused.map(|place| format!("{place} does not use {name}")));
    }
    wrong
}

/// Whether a path names an item of a crate or of a module of `std`, by its whole path or by a part that a `use`
/// imports.
fn names(segments: &[String], wanted: &[&str]) -> bool {
    let starts = |wanted: &[&str]| {
        segments.len() >= wanted.len() && segments.iter().zip(wanted).all(|(one, other)| one == other)
    };
    starts(wanted) || wanted.first() == Some(&"std") && wanted.len() > 2 && starts(wanted.get(1..).unwrap_or_default())
}

/// The tables in the form of ARCHITECTURE.md.
fn printed() -> String {
    let code = |names: &str| {
        let names: Vec<String> = names.split_whitespace().map(|name| format!("`{name}`")).collect();
        if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
    };
    let mut text = "| layer | module | uses |\n|---|---|---|\n".to_owned();
    for (layer, modules) in LAYERS {
        for (index, (module, uses)) in modules.iter().enumerate() {
            let layer = if index == 0 { layer } else { "" };
            text.extend([format!("| {layer} | `{module}` | {} |\n", code(uses))]);
        }
    }
    text.push_str("\n| from outside | used by |\n|---|---|\n");
    text.extend(OUTSIDE.map(|(name, places)| format!("| `{name}` | {} |\n", code(places))));
    text
}

#[test]
fn modules_use_each_other_as_in_the_table() {
    assert_eq!(wrong_arrows(&files(), &LAYERS), [""; 0]);
}

#[test]
fn no_two_files_use_each_other() {
    assert_eq!(circles(&graph(&files())), []);
}

#[test]
fn external_crates_are_used_only_by_their_modules() {
    assert_eq!(wrong_outside(&files(), &OUTSIDE), [""; 0]);
}

#[test]
fn every_dependency_is_in_the_table() {
    let manifest = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")).expect("Cargo.toml");
    let dependencies = manifest.split("\n[").find_map(|part| part.strip_prefix("dependencies]")).expect("dependencies");
    let lines = dependencies.lines().filter(|line| line.starts_with(|c: char| c.is_ascii_lowercase()));
    let missing: Vec<String> = lines
        .filter_map(|line| Some(line.split_once(" = ")?.0.replace('-', "_")))
        .filter(|name| !OUTSIDE.iter().any(|(listed, _)| listed == name))
        .collect();
    assert_eq!(missing, [""; 0]);
}

/// Code that only the operator's programs need must be a whole module, so that few lines depend on the feature.
#[test]
fn only_whole_modules_depend_on_the_feature_operator() {
    let conditions =
        files().into_iter().filter_map(|(file, source)| Some((file.join("::"), *source.features.get("operator")?)));
    let conditions: Vec<(String, usize)> = conditions.collect();
    let allowed = [
        ("", 6),
        ("db", 2),
        ("db::engine", 1),
        ("db::engine::sqlite", 1),
        ("git", 3),
        ("key", 2),
        ("push", 1),
        ("repository", 3),
    ]
    .map(|(file, count)| (file.to_owned(), count));
    assert_eq!(conditions, allowed);
}

/// The commands on the hub's data: the functions of `commands` that a requester calls.
#[test]
fn every_command_has_one_function_and_the_document_lists_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let document = fs::read_to_string(root.join("ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    let (_, table) = document.split_once("| command | function | for |").expect("the table of commands");
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    let listed: BTreeSet<String> =
        rows.filter_map(|line| Some(line.split('|').nth(2)?.trim().trim_matches('`').to_owned())).collect();
    let mut found = BTreeSet::new();
    let files = |directory: &Path| -> Vec<PathBuf> {
        fs::read_dir(directory).expect("a directory").map(|entry| entry.expect("an entry").path()).collect()
    };
    let commands = files(&root.join("src/commands"));
    let inner = commands.iter().filter(|path| path.is_dir()).flat_map(|path| files(path));
    for file in commands.iter().filter(|path| path.is_file()).cloned().chain(inner) {
        let noun = file.file_stem().expect("a name").to_string_lossy().into_owned();
        let text = fs::read_to_string(&file).expect("a source file");
        let functions = text.split("pub(crate) fn ").skip(1).filter_map(|function| function.split_once("Result<"));
        let commands = functions.filter(|(head, _)| {
            [": &mut Requester<", ": &Requester<", ": &Peer<"].iter().any(|asker| head.contains(asker))
        });
        found.extend(commands.filter_map(|(head, _)| Some(format!("{noun}::{}", head.split_once('(')?.0))));
    }
    // It answers no command.
    found.remove("key::check_may_add");
    assert_eq!(listed, found);
}

#[test]
fn the_document_prints_the_tables() {
    let document =
        fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    assert!(document.contains(&printed()), "ARCHITECTURE.md should have:\n{}", printed());
}

#[test]
fn the_document_lists_the_files_with_unsafe_code() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let document = fs::read_to_string(root.join("ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    let (_, section) = document.split_once("## Unsafe code\n").expect("the section");
    let (section, _) = section.split_once("\n## ").expect("its end");
    let quoted =
        section.split('`').skip(1).step_by(2).filter(|word| Path::new(word).extension().is_some_and(|end| end == "rs"));
    let listed: BTreeSet<String> = quoted.map(str::to_owned).collect();
    let mut found = BTreeSet::new();
    let mut directories = vec![root.join("src")];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(&directory).expect("a directory") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                directories.push(path);
            } else if fs::read_to_string(&path).expect("a source file").contains("expect(unsafe_code") {
                let file = path.strip_prefix(root.join("src")).expect("beneath src");
                found.insert(file.display().to_string());
            }
        }
    }
    assert_eq!(listed, found);
}

/// The dependencies without which the two small programs do not build.
#[test]
fn the_document_gives_a_reason_for_each_crate_of_the_small_programs() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let document = fs::read_to_string(root.join("ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    let (_, table) = document.split_once("| crate | reason |\n|---|---|\n").expect("the table");
    let rows = table.lines().take_while(|line| line.starts_with('|'));
    let names = rows.filter_map(|row| row.split('|').nth(1)).flat_map(|cell| cell.split(','));
    let listed: BTreeSet<&str> = names.map(|name| name.split('(').next().unwrap_or_default().trim()).collect();
    let manifest = fs::read_to_string(root.join("Cargo.toml")).expect("Cargo.toml");
    let dependencies = manifest.split("\n[").find_map(|part| part.strip_prefix("dependencies]")).expect("dependencies");
    let lines = dependencies.lines().filter(|line| line.starts_with(|c: char| c.is_ascii_lowercase()));
    let own = lines.filter(|line| !line.contains("optional = true"));
    let found: BTreeSet<&str> = own.filter_map(|line| Some(line.split_once(" = ")?.0)).collect();
    assert_eq!(listed, found);
}
