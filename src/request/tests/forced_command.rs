use proptest::prelude::{Just, Strategy, any};
use proptest::{collection, option, prop_assert_eq, prop_oneof, sample};

use crate::key::Fingerprint;
use crate::name::Owner;
use crate::request::{Arguments, ForcedCommand, UNAVAILABLE, is_plain_path};
use crate::tests::{HostileInput, holds, hostile_inputs};

const GATEWAY: &str = "/usr/libexec/hubgate/gateway";
const KEY: &str = "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// The arguments as separate words, which `/bin/sh` passes after it split the forced command.
fn words(arguments: &[u8]) -> Option<Arguments> {
    Arguments::parse(&arguments.split(|byte| *byte == b' ').collect::<Vec<_>>())
}

/// The arguments as the one string that a login shell gets.
fn login_shell(arguments: &[u8]) -> Option<Arguments> {
    let command = [GATEWAY.as_bytes(), b" ", arguments].concat();
    Arguments::parse(&[b"-c", &command])
}

/// Parses the arguments in both forms and checks that the results are equal.
fn either_way(arguments: impl AsRef<[u8]>) -> Option<Arguments> {
    let (words, shell) = (words(arguments.as_ref()), login_shell(arguments.as_ref()));
    assert_eq!(shell.as_ref().map(|arguments| arguments.login_shell), shell.as_ref().map(|_| true));
    assert_eq!(words, shell.map(|arguments| Arguments { login_shell: false, ..arguments }));
    words
}

#[test]
fn every_hostile_forced_command_gets_the_expected_verdict() {
    let rows = hostile_inputs("argv");
    assert_eq!(rows.len(), 13);
    for HostileInput { input, accepted, row, .. } in rows {
        assert_eq!(either_way(&input).is_some(), accepted, "{row}");
        if row["why"].as_str().unwrap().starts_with("as the whole identity or its user") {
            let forced_command = [&input, b" --key ".as_slice(), KEY.as_bytes()].concat();
            assert_eq!(either_way(forced_command), None, "as the user: {row}");
        }
    }
    assert_eq!(Arguments::parse(&[]), None);
}

#[test]
fn a_forced_command_gives_an_identity() {
    let forced_command = |arguments: &str| either_way(arguments).and_then(|arguments| arguments.forced_command);
    let key: Fingerprint = KEY.parse().unwrap();
    assert_eq!(
        forced_command(&format!("alice --key {KEY}")),
        Some(ForcedCommand::Account("alice".parse().unwrap(), key))
    );
    assert_eq!(forced_command(&format!("anonymous --key {KEY}")), Some(ForcedCommand::Anonymous(key)));
    // No account can be created with this name, so the database has no such owner.
    assert_eq!(
        forced_command(&format!("Anonymous --key {KEY}")),
        Some(ForcedCommand::Account("Anonymous".parse().unwrap(), key))
    );
    assert_eq!(
        forced_command(&format!("alice --ca {KEY}")),
        Some(ForcedCommand::Certificate("alice".parse().unwrap(), key))
    );
    assert_eq!(forced_command(&format!("--deploy-key {KEY}")), Some(ForcedCommand::DeployKey(key)));
    assert_eq!(forced_command("--auth-info"), Some(ForcedCommand::AuthInfo));
    assert_eq!(
        (ForcedCommand::AuthInfo.user(), ForcedCommand::AuthInfo.fingerprint(), ForcedCommand::AuthInfo.key()),
        ("anonymous", None, "-".to_owned())
    );
    for (arguments, user) in
        [("alice --key", "alice"), ("anonymous --key", "anonymous"), ("alice --ca", "alice"), ("--deploy-key", "-")]
    {
        let forced_command = forced_command(&format!("{arguments} {KEY}")).unwrap();
        assert_eq!(
            (forced_command.user(), forced_command.fingerprint(), forced_command.key()),
            (user, Some(key), KEY.to_owned())
        );
    }
}

#[test]
fn a_forced_command_that_sshd_cannot_have_written_is_rejected() {
    for forced_command in [
        format!("--key {KEY}"),
        format!("alice {KEY}"),
        format!("alice --key={KEY}"),
        format!("alice --KEY {KEY}"),
        format!("alice bob --key {KEY}"),
        format!("--key {KEY} alice"),
        format!("alice --key {}", KEY.to_lowercase()),
        format!("alice --key {KEY}="),
        format!("alice --key {KEY} x"),
        format!("alice --key {KEY} "),
        format!(" alice --key {KEY}"),
        format!("alice  --key {KEY}"),
        format!("alice --key  {KEY}"),
        format!("alice\t--key {KEY}"),
        format!("alice --key {KEY}\n"),
        format!("alice/x --key {KEY}"),
        format!("alice/x --ca {KEY}"),
        format!("alice --ca {}", &KEY[1..]),
        format!("--deploy-key {}", &KEY[1..]),
        format!("\u{430}lice --key {KEY}"),
        format!("{GATEWAY} alice --key {KEY}"),
        format!("anonymous --ca {KEY}"),
        format!("--ca {KEY}"),
        format!("alice --deploy-key {KEY}"),
        format!("--deploy-key {KEY} {KEY}"),
        format!("--deploy-key={KEY}"),
        "--deploy-key".to_owned(),
        "--unavailable x".to_owned(),
        "--auth-info x".to_owned(),
        "--auth-info ".to_owned(),
        "--auth-info=x".to_owned(),
        format!("--auth-info {KEY}"),
        format!("--auth-info --key {KEY}"),
        format!("alice --auth-info {KEY}"),
    ] {
        assert_eq!(either_way(&forced_command), None, "{forced_command:?}");
    }
    assert_eq!(either_way([b"al\xffice --key ", KEY.as_bytes()].concat()), None);
    assert_eq!(either_way([b"alice --key \xff", KEY.as_bytes()].concat()), None);
    assert_eq!(either_way([b"--deploy-key \xff", KEY.as_bytes()].concat()), None);
}

#[test]
fn unavailable_replaces_the_identity() {
    let (option, login_shell) = ("--config /srv/config.toml", false);
    assert_eq!(either_way(UNAVAILABLE), Some(Arguments { config: None, forced_command: None, login_shell }));
    let config = Some("/srv/config.toml".to_owned());
    let arguments = either_way(format!("{option} {UNAVAILABLE}"));
    assert_eq!(arguments, Some(Arguments { config, forced_command: None, login_shell }));
    for forced_command in [
        format!("{UNAVAILABLE} --key {KEY}"),
        format!("alice {UNAVAILABLE}"),
        format!("{UNAVAILABLE} alice --key {KEY}"),
        format!("{UNAVAILABLE} {UNAVAILABLE}"),
        format!("{UNAVAILABLE} {option}"),
        format!("{UNAVAILABLE}=yes"),
        "--Unavailable".to_owned(),
        "unavailable".to_owned(),
    ] {
        assert_eq!(either_way(&forced_command), None, "{forced_command:?}");
    }
}

#[test]
fn a_configuration_file_may_precede_the_identity() {
    let file = "/srv/my-hub_2/config.toml";
    let arguments = either_way(format!("--config {file} alice --key {KEY}")).unwrap();
    assert_eq!(arguments.config.as_deref(), Some(file));
    assert_eq!(either_way(format!("alice --key {KEY}")).unwrap().config, None);
    for arguments in [
        format!("--config alice --key {KEY}"),
        format!("--config config.toml alice --key {KEY}"),
        format!("--config=/srv/config.toml alice --key {KEY}"),
        format!("--config  alice --key {KEY}"),
        format!("--config /srv/a\"b alice --key {KEY}"),
        format!("--config /srv/a'b alice --key {KEY}"),
        format!("--config /srv/a\\b alice --key {KEY}"),
        format!("--config /srv/$x alice --key {KEY}"),
        format!("--config /srv/é alice --key {KEY}"),
        format!("--config /a --config /b alice --key {KEY}"),
        format!("alice --key {KEY} --config /srv/config.toml"),
        format!("alice --config /srv/config.toml --key {KEY}"),
        "--config /srv/config.toml".to_owned(),
        "--config".to_owned(),
    ] {
        assert_eq!(either_way(&arguments), None, "{arguments:?}");
    }
}

#[test]
fn a_login_shell_accepts_one_string_that_begins_with_a_path() {
    let forced_command = format!("alice --key {KEY}");
    let command = format!("{GATEWAY} {forced_command}");
    assert!(Arguments::parse(&[b"-c", command.as_bytes()]).is_some());
    for words in [
        vec!["-c"],
        vec!["-c", ""],
        vec!["-c", GATEWAY],
        vec!["-c", &forced_command],
        vec!["-c", &command, ""],
        vec!["-c", &command, "x"],
        vec!["-c", "-c", &command],
        vec!["-l", "-c", &command],
        vec!["-c", GATEWAY, "alice", "--key", KEY],
        vec!["-c", "--key", KEY],
    ] {
        let bytes: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
        assert_eq!(Arguments::parse(&bytes), None, "{words:?}");
    }
    for program in ["gateway", "./gateway", "$SHELL", "/bin/sh;", "'/a'", "", " /a"] {
        let command = format!("{program} {forced_command}");
        assert_eq!(Arguments::parse(&[b"-c", command.as_bytes()]), None, "{command:?}");
    }
}

#[test]
fn a_plain_path_needs_no_quoting() {
    for (path, expected) in [("/", true), ("/a/B.c_d-9", true), ("", false), ("a/b", false), ("-/a", false)] {
        assert_eq!(is_plain_path(path.as_bytes()), expected, "{path:?}");
    }
    for byte in (0..=u8::MAX).filter(|byte| !byte.is_ascii_alphanumeric() && !b"._/-".contains(byte)) {
        assert!(!is_plain_path(&[b'/', byte]), "{byte:#x}");
    }
}

#[test]
fn a_forced_command_reads_back_as_it_was_written() {
    let user = "[A-Za-z0-9_]([A-Za-z0-9._-]{0,6}[A-Za-z0-9_])?";
    let kind = sample::select(vec!["account", "anonymous", "deploy key", "certificate", "auth info", "unavailable"]);
    let config = option::of("/[A-Za-z0-9._/-]{0,9}");
    let read = holds(1_000, &(kind, user, any::<[u8; 32]>(), config), |(kind, user, key, config)| {
        let key = Fingerprint::from_bytes(key);
        let Ok(user) = user.parse::<Owner>() else { return Ok(false) };
        let forced_command = match kind {
            "account" => Some(ForcedCommand::Account(user, key)),
            "anonymous" => Some(ForcedCommand::Anonymous(key)),
            "deploy key" => Some(ForcedCommand::DeployKey(key)),
            "certificate" => Some(ForcedCommand::Certificate(user, key)),
            "auth info" => Some(ForcedCommand::AuthInfo),
            _ => None,
        };
        let option = config.as_ref().map_or(String::new(), |file| format!("--config {file} "));
        let text = forced_command.as_ref().map_or(UNAVAILABLE.to_owned(), ToString::to_string);
        prop_assert_eq!(
            either_way(format!("{option}{text}")),
            Some(Arguments { config, forced_command, login_shell: false })
        );
        Ok(true)
    });
    assert!(read > 500, "{read} read");
}

#[test]
fn accepted_arguments_are_one_known_forced_command() {
    let word = sample::select(vec!["-c", "--config", "/etc/x", GATEWAY, "", "\0", "alice", "--key"]);
    let config = prop_oneof![3 => Just(vec![]), 1 => Just(vec!["--config", "/etc/x"])];
    let forced_command = sample::select(vec![
        vec!["alice", "--key", KEY],
        vec!["anonymous", "--key", KEY],
        vec!["alice", "--ca", KEY],
        vec!["--deploy-key", KEY],
        vec!["alice", KEY],
        vec![UNAVAILABLE],
    ]);
    let nearly = (config, collection::vec(word.clone(), 0..2), forced_command, collection::vec(word, 0..2))
        .prop_map(|parts| [parts.0, parts.1, parts.2, parts.3].concat().join(" ").into_bytes());
    let arguments = prop_oneof![4 => nearly, 1 => collection::vec(any::<u8>(), 0..40)];
    let accepted = holds(4_000, &arguments, |bytes| {
        let arguments = either_way(&bytes);
        if let Some(Arguments { config, forced_command, .. }) = &arguments {
            let option = config.as_ref().map_or(String::new(), |file| format!("--config {file} "));
            let forced_command = forced_command.as_ref().map_or(UNAVAILABLE.to_owned(), ToString::to_string);
            prop_assert_eq!(format!("{option}{forced_command}").into_bytes(), bytes);
        }
        Ok(arguments.is_some())
    });
    assert!((400..3_000).contains(&accepted), "{accepted} accepted");
}
