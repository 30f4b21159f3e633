use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::Command;

use super::{HARMLESS, NO_HOOKS, PINNED, Serving, pin};
use crate::request::Service;
use crate::tests::hostile_inputs;

const GIT: &str = "/usr/bin/git";

fn serving(service: Service, protocol: Option<&OsStr>) -> Command {
    let hooks = Path::new("/usr/libexec/hubgate/hooks");
    Serving { git: Path::new(GIT), service, protocol, hooks, push_bytes: 1 << 20 }.command()
}

/// The variables that a command sets.
fn environment(command: &Command) -> BTreeMap<String, String> {
    let text = |text: &OsStr| text.to_str().unwrap().to_owned();
    command.get_envs().map(|(name, value)| (text(name), text(value.unwrap()))).collect()
}

/// The whole environment of a command: the fixed variables, [`PINNED`], and `more` configuration.
fn expected_environment(more: &str) -> BTreeMap<String, String> {
    let fixed = "PATH=/usr/bin:/bin HOME=/nonexistent LC_ALL=C.UTF-8 GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null \
                 GIT_NO_REPLACE_OBJECTS=1 GIT_NO_LAZY_FETCH=1 GIT_TERMINAL_PROMPT=0";
    let pair = |text: &str| text.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned())).unwrap();
    let mut all: BTreeMap<String, String> = fixed.split_whitespace().map(pair).collect();
    let pinned = PINNED.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let configuration: Vec<_> = pinned.into_iter().chain(more.lines().map(pair)).collect();
    all.insert("GIT_CONFIG_COUNT".to_owned(), configuration.len().to_string());
    for (index, (key, value)) in configuration.into_iter().enumerate() {
        all.insert(format!("GIT_CONFIG_KEY_{index}"), key);
        all.insert(format!("GIT_CONFIG_VALUE_{index}"), value);
    }
    all
}

#[test]
fn each_service_is_one_command_with_an_environment_built_from_nothing() {
    let no_hooks = "core.hooksPath=/dev/null";
    let harmless: String = HARMLESS.iter().map(|fault| format!("\nreceive.fsck.{fault}=ignore")).collect();
    let push = "core.hooksPath=/usr/libexec/hubgate/hooks\nreceive.maxInputSize=1048576\npack.threads=4".to_owned();
    let push = &(push + &harmless);
    for (service, arguments, more) in [
        (Service::UploadPack, "upload-pack --strict -- .", no_hooks),
        (Service::ReceivePack, "receive-pack -- .", push),
        (Service::UploadArchive, "upload-archive .", no_hooks),
    ] {
        let command = serving(service, None);
        assert_eq!(command.get_program(), GIT);
        assert_eq!(command.get_args().collect::<Vec<_>>().join(OsStr::new(" ")), arguments);
        assert_eq!(command.get_current_dir(), None, "git starts in the directory that the caller opened");
        assert_eq!(environment(&command), expected_environment(more), "{service}");
    }
}

#[test]
fn no_inherited_variable_is_passed_on() {
    assert!(std::env::vars_os().count() > 1);
    let mut command = Command::new("/usr/bin/env");
    pin(&mut command, &[NO_HOOKS]);
    let output = String::from_utf8(command.output().unwrap().stdout).unwrap();
    let seen = output.lines().map(|line| line.split_once('=').unwrap());
    let seen: BTreeMap<_, _> = seen.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    assert_eq!(seen, expected_environment("core.hooksPath=/dev/null"));
}

#[test]
fn git_accepts_each_pinned_setting_once() {
    let mut command = Command::new(GIT);
    pin(&mut command, &[NO_HOOKS]);
    let output = command.args(["config", "--list"]).current_dir("/").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let sorted = |text: &str| {
        // git writes section and key in lower case.
        let mut lines: Vec<_> = text.lines().map(str::to_ascii_lowercase).collect();
        lines.sort_unstable();
        lines
    };
    let pinned: String = PINNED.iter().map(|(key, value)| format!("{key}={value}\n")).collect();
    let all = sorted(&(pinned + "core.hooksPath=/dev/null"));
    assert_eq!(sorted(&String::from_utf8(output.stdout).unwrap()), all);

    let mut keys: Vec<_> = all.iter().map(|line| line.split_once('=').unwrap().0).collect();
    keys.dedup();
    assert_eq!((keys.len(), all.len()), (PINNED.len() + 1, PINNED.len() + 1));
}

/// The tests that show what each pinned setting does, with each git of the machine. A fetch shows it under versions 0
/// and 2 of the protocol.
const SHOWN_BY: [(&str, &str); 12] = [
    ("safe.directory", "a_repository_of_another_owner_is_served_only_with_the_pinned_setting"),
    ("core.alternateRefsCommand core.fsmonitor protocol.allow", "nothing_planted_in_a_repository_runs"),
    ("core.bigFileThreshold", "a_pack_that_unpacks_to_450_mb_uses_little_memory"),
    ("gpg.program gpg.x509.program gpg.ssh.program", "a_push_certificate_is_neither_asked_for_nor_kept"),
    (
        "transfer.advertiseSID receive.advertisePushOptions",
        "no_setting_of_a_repository_changes_what_sessions_offer_and_accept",
    ),
    ("receive.fsckObjects", "a_dangerous_object_is_refused_and_imported_only_on_request"),
    ("receive.unpackLimit", "a_small_pack_cannot_take_memory"),
    ("receive.autogc gc.auto maintenance.auto", "no_setting_of_a_repository_changes_what_sessions_offer_and_accept"),
    ("receive.denyDeleteCurrent", "a_push_does_not_delete_the_default_branch"),
    ("receive.procReceiveRefs", "a_refused_ref_leaves_the_others_unless_the_push_is_atomic"),
    ("uploadpack.allowAnySHA1InWant", "an_object_is_fetched_by_its_id_under_every_version_of_the_protocol"),
    (
        "uploadpack.allowFilter uploadpackfilter.allow uploadpackfilter.blob:none.allow \
         uploadpackfilter.blob:limit.allow uploadpackfilter.tree.allow uploadpackfilter.tree.maxDepth \
         uploadpackfilter.object:type.allow",
        "a_partial_clone_works_under_every_version_of_the_protocol",
    ),
];

/// Settings without such a test. A fetch shows the memory of `pack.windowMemory` only if its repository plants a larger
/// window.
const NOT_SHOWN: [&str; 1] = ["pack.windowMemory"];

#[test]
fn each_pinned_setting_has_a_test_of_what_it_does() {
    let mut shown: Vec<&str> = SHOWN_BY.iter().flat_map(|(keys, _)| keys.split_whitespace()).chain(NOT_SHOWN).collect();
    let mut pinned: Vec<&str> = PINNED.iter().map(|(key, _)| *key).collect();
    shown.sort_unstable();
    pinned.sort_unstable();
    assert_eq!(shown, pinned);
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut sources = String::new();
    for directory in ["tests/e2e", "tests/sandbox", "src/git"] {
        for file in std::fs::read_dir(root.join(directory)).unwrap() {
            sources += &std::fs::read_to_string(file.unwrap().path()).unwrap_or_default();
        }
    }
    for (keys, test) in SHOWN_BY {
        let is_there = sources.contains(&format!("fn {test}(")) || sources.contains(&format!("(\"{test}\","));
        assert!(is_there, "{keys}: there is no test {test}");
    }
}

#[test]
fn a_protocol_is_passed_on_if_it_looks_like_one() {
    let (longest, longer) = ("a".repeat(64), "a".repeat(65));
    for (value, passed) in [
        ("version=2", true),
        ("version=1:object-format=sha256", true),
        ("a.b_c", true),
        (&longest, true),
        (&longer, false),
        ("", false),
        ("version=2 x", false),
        ("version=2\n", false),
        ("version=2;id", false),
        ("$(id)", false),
        ("version=2/..", false),
        ("é", false),
    ] {
        for service in Service::ALL {
            let command = serving(*service, Some(OsStr::new(value)));
            let expected = passed.then(|| value.to_owned());
            assert_eq!(environment(&command).remove("GIT_PROTOCOL"), expected, "{value:?}");
        }
    }
}

#[test]
fn every_hostile_variable_is_dropped() {
    let (mut protocols, mut others) = (0, 0);
    for row in hostile_inputs("env") {
        let equals = row.input.iter().position(|byte| *byte == b'=').unwrap();
        let (name, value) = (OsStr::from_bytes(&row.input[..equals]), OsStr::from_bytes(&row.input[equals + 1..]));
        let protocol = (name == "GIT_PROTOCOL").then_some(value);
        let command = serving(Service::ReceivePack, protocol);
        let found = command.get_envs().find(|(known, _)| *known == name).and_then(|(_, value)| value);
        match protocol {
            Some(value) => assert_eq!(found, (row.accepted && !value.is_empty()).then_some(value), "{}", row.row),
            None => assert_ne!(found, Some(value), "{}", row.row),
        }
        *(if protocol.is_some() { &mut protocols } else { &mut others }) += 1;
    }
    assert_eq!((protocols, others), (5, 9));
}
