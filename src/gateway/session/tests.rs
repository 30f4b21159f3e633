use std::fs::{self, File, Permissions};
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

use nix::sys::stat::Mode;
use nix::unistd::{Gid, mkfifo, setgroups, setresgid, setresuid};

use super::{CODE_DIGITS, Environment, ProcessError, SessionId, check_process, last_time, touch_time, without_codes};
use crate::key::Fingerprint;
use crate::tests::{hostile_inputs, set_umask};

#[test]
fn each_session_has_another_id() {
    let [one, other] = [(), ()].map(|()| SessionId::random().to_string());
    assert_ne!(one, other);
    assert!(one.len() == 16 && one.bytes().all(|byte| byte.is_ascii_hexdigit()), "{one}");
    assert_eq!(SessionId(7).to_string(), "0000000000000007");
}

fn peer(connection: Option<&[u8]>) -> Vec<u8> {
    let connection = connection.map(<[u8]>::to_vec);
    Environment { command: None, connection, user_auth: None, protocol: None }.peer().to_vec()
}

#[test]
fn the_address_is_the_first_word_of_the_connection_if_it_has_that_form() {
    for (connection, expected) in [
        ("192.0.2.1 51234 192.0.2.2 22", "192.0.2.1"),
        ("::1 1 ::1 22", "::1"),
        ("fe80::1%eth0 1 ::1 22", "fe80::1%eth0"),
        ("UNKNOWN 65535 UNKNOWN 65535", "UNKNOWN"),
        ("", "unknown"),
        (" 192.0.2.1", "unknown"),
        ("\"x\" 1 ::1 22", "unknown"),
        ("a=b 1 ::1 22", "unknown"),
    ] {
        assert_eq!(peer(Some(connection.as_bytes())), expected.as_bytes(), "{connection:?}");
    }
    assert_eq!(peer(None), b"unknown");
}

#[test]
fn a_hostile_connection_is_unknown() {
    let rows = hostile_inputs("env");
    let values = rows.iter().filter_map(|row| row.input.strip_prefix(b"SSH_CONNECTION="));
    let seen: Vec<_> = values.map(|value| peer(Some(value))).collect();
    assert_eq!(seen, [b"unknown"]);
}

/// The account that a child of the test below becomes, as `UID GID GROUP DIRECTORY`.
const BECOME: &str = "HUBGATE_TEST_BECOME";

/// Becomes that account and checks it as the gateway does.
fn outcome_as(account: &str) -> &'static str {
    let words: Vec<&str> = account.split(' ').collect();
    let [uid, gid, group] = [words[0], words[1], words[2]].map(|id| id.parse().unwrap());
    setgroups(&[Gid::from_raw(group)]).unwrap();
    setresgid(gid.into(), gid.into(), gid.into()).unwrap();
    setresuid(uid.into(), uid.into(), uid.into()).unwrap();
    match check_process(Path::new(words[3])) {
        Ok(()) => "serves",
        Err(ProcessError::Root) => "is root",
        Err(ProcessError::NotTheLogin(..)) => "is not the login",
        Err(ProcessError::Repositories(_)) => "finds no directory",
    }
}

/// Runs the calling test again in a child process, which may change its ids.
fn outcome_of_child(account: &str) -> String {
    let test = std::thread::current().name().unwrap().to_owned();
    let mut child = Command::new(std::env::current_exe().unwrap());
    let output =
        child.args(["--exact", "--include-ignored", "--nocapture", &test]).env(BECOME, account).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let outcome = text.lines().find_map(|line| line.split_once("outcome: "));
    outcome.map_or_else(|| panic!("{text}"), |(_, outcome)| outcome.to_owned())
}

#[test]
#[ignore = "needs root"]
fn the_gateway_serves_as_the_owner_of_the_repositories_and_never_as_root() {
    if let Ok(account) = std::env::var(BECOME) {
        println!("outcome: {}", outcome_as(&account));
        return;
    }
    let root = tempfile::tempdir().unwrap();
    fs::set_permissions(root.path(), Permissions::from_mode(0o755)).unwrap();
    let directory = root.path().join("repositories");
    fs::create_dir(&directory).unwrap();
    for ((uid, gid, group), (owner, owning_group), expected) in [
        ((60_001, 60_001, 60_001), (60_001, 60_001), "serves"),
        ((60_001, 60_001, 60_003), (60_001, 60_001), "serves"),
        ((60_001, 60_001, 60_001), (60_002, 60_001), "is not the login"),
        ((60_001, 60_001, 60_001), (60_001, 60_002), "is not the login"),
        ((60_001, 60_001, 60_001), (0, 0), "is not the login"),
        ((60_001, 60_001, 0), (60_001, 60_001), "is root"),
        ((60_001, 0, 60_001), (60_001, 0), "is root"),
        ((0, 60_001, 60_001), (0, 60_001), "is root"),
        ((0, 0, 0), (0, 0), "is root"),
    ] {
        chown(&directory, Some(owner), Some(owning_group)).unwrap();
        assert_eq!(outcome_of_child(&format!("{uid} {gid} {group} {}", directory.display())), expected);
    }
    let missing = root.path().join("missing");
    assert_eq!(outcome_of_child(&format!("1 1 1 {}", missing.display())), "finds no directory");
}

fn key() -> Fingerprint {
    Fingerprint::from_bytes([0xab; 32])
}

#[test]
fn the_last_use_of_a_key_is_the_time_of_a_small_file() {
    set_umask();
    let root = tempfile::tempdir().unwrap();
    let directory = root.path().join("last-used");
    touch_time(&directory, key());
    let file = directory.join("ab".repeat(32));
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    assert_eq!((mode(&directory), mode(&file)), (0o750, 0o640));
    let old = SystemTime::now() - Duration::from_secs(9_999);
    File::options().write(true).open(&file).unwrap().set_modified(old).unwrap();
    touch_time(&directory, key());
    let metadata = fs::metadata(&file).unwrap();
    assert!(metadata.modified().unwrap() > old + Duration::from_secs(9_000));
    assert_eq!((metadata.len(), fs::read_dir(&directory).unwrap().count()), (0, 1));
    let seconds = metadata.modified().unwrap().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    assert_eq!(last_time(&directory, key()), i64::try_from(seconds).ok());
    assert_eq!(last_time(&directory, Fingerprint::from_bytes([0; 32])), None);
    assert_eq!(last_time(root.path().join("nowhere").as_path(), key()), None);
}

#[test]
fn a_link_or_a_pipe_planted_in_place_of_that_file_is_neither_followed_nor_waited_for() {
    let root = tempfile::tempdir().unwrap();
    let file = root.path().join("ab".repeat(32));
    let target = root.path().join("target");
    symlink(&target, &file).unwrap();
    touch_time(root.path(), key());
    assert!(!target.exists());
    fs::remove_file(&file).unwrap();
    mkfifo(&file, Mode::from_bits_truncate(0o600)).unwrap();
    touch_time(root.path(), key());
    // A directory that cannot be created is ignored too.
    touch_time(Path::new("/proc/nowhere"), key());
}

#[test]
fn a_code_stays_out_of_the_log_in_every_command() {
    let code = "0123456789abcdef0123456789ABCDEF";
    for (typed, logged) in [
        ("join CODE", "join [code]"),
        ("Join CODE", "Join [code]"),
        ("joinCODE", "join[code]"),
        ("join 'CODE", "join '[code]"),
        ("CODECODE fade", "[code] fade"),
        ("git-upload-pack 'a/0123456789abcdef'", "git-upload-pack 'a/0123456789abcdef'"),
    ] {
        let typed = typed.replace("CODE", code);
        assert_eq!(String::from_utf8(without_codes(typed.as_bytes())).unwrap(), logged);
    }
    assert_eq!(without_codes(b""), b"");
    assert_eq!(crate::db::Code::random().unwrap().as_str().len(), CODE_DIGITS);
}
