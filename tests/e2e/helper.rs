//! `authorized-keys`, called as sshd calls it: what it prints, and what it must never print.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::harness::{Hub, Key, KeyKind, Setup, machine, refused, run, says, silent, trials};

trials![
    every_kind_of_key_gets_one_line_for_its_account,
    an_unknown_key_gets_the_anonymous_line,
    an_unknown_key_gets_nothing_if_anonymous_is_off,
    nothing_is_printed_for_another_login,
    a_certificate_of_an_unknown_ca_gets_nothing,
    a_key_of_an_unknown_type_gets_nothing,
    a_weak_key_is_not_even_anonymous,
    a_title_cannot_add_a_line_to_authorized_keys,
    the_helper_prints_the_key_from_sshd_and_not_the_stored_one,
    a_missing_database_is_unavailable,
    a_corrupt_database_is_unavailable,
    a_directory_in_place_of_the_database_is_unavailable,
    a_helper_that_hangs_ends_after_two_seconds,
    a_database_of_a_future_version_is_unavailable,
    a_database_without_a_version_is_unavailable,
    a_database_without_read_permission_is_unavailable,
    a_missing_configuration_is_a_fault,
    a_broken_configuration_is_a_fault,
    a_configuration_that_others_can_write_is_a_fault,
    missing_or_extra_words_are_a_fault,
    root_is_refused,
    a_log_that_does_not_work_stops_no_login,
];

/// A hub whose user alice has a key, and the helper's arguments for the key.
fn alice(setup: &Setup<'_>) -> (Hub, Key) {
    let hub = Hub::with(setup);
    hub.did(&["user", "add", "alice"]);
    let key = Key::new("alice@laptop");
    hub.add_key("alice", &key, &[]);
    (hub, key)
}

/// The values of `%u %t %k`.
fn words<'a>(hub: &'a Hub, key: &'a Key) -> [&'a str; 3] {
    let (key_type, blob) = key.type_and_blob();
    [&hub.login.name, key_type, blob]
}

fn line(hub: &Hub, user: &str, key: &Key) -> String {
    let (key_type, blob) = key.type_and_blob();
    let (dir, key) = (hub.dir.display(), &key.fingerprint);
    let command = format!("{dir}/libexec/gateway --config {dir}/config.toml {user} --key {key}");
    format!("restrict,command=\"{command}\" {key_type} {blob}\n")
}

/// The helper admits the key so that the gateway can report the fault, and logs this cause in one line.
#[track_caller]
fn is_unavailable(hub: &Hub, key: &Key, cause: &str) {
    let (key_type, blob) = key.type_and_blob();
    let command = format!("{0}/libexec/gateway --config {0}/config.toml --unavailable", hub.dir.display());
    hub.helper(&words(hub, key)).is(&says(format!("restrict,command=\"{command}\" {key_type} {blob}\n")));
    let log: Vec<String> = hub.log().iter().map(ToString::to_string).collect();
    let start = format!("error hubgate-keys: decision=fault cause=\"{cause}");
    assert!(log.len() == 1 && log[0].starts_with(&start), "{log:#?}\nexpected: {start}");
}

/// No output, status 1, and this cause in one line of the machine's log, because the configured log is unknown.
#[track_caller]
fn is_fault_in_dev_log(hub: &Hub, words: &[&str], cause: &str) {
    let mut helper = hub.helper_command();
    helper.arg("--config").arg(hub.config()).args(words);
    hub.with_dev_log(&machine().keys, &helper).is(&refused(""));
    let log: Vec<String> = hub.log().iter().map(ToString::to_string).collect();
    let start = format!("error hubgate-keys: decision=fault cause=\"{cause}");
    assert!(log.len() == 1 && log[0].starts_with(&start), "{log:#?}\nexpected: {start}");
}

fn every_kind_of_key_gets_one_line_for_its_account() {
    let hub = Hub::new();
    hub.did(&["user", "add", "alice"]);
    for kind in KeyKind::ALL {
        let key = Key::of_kind(kind);
        hub.add_key("alice", &key, &[]);
        hub.helper(&words(&hub, &key)).is(&says(line(&hub, "alice", &key)));
    }
    hub.logged::<&str>(&[]);
}

fn an_unknown_key_gets_the_anonymous_line() {
    let hub = Hub::new();
    let key = Key::new("unknown");
    hub.helper(&words(&hub, &key)).is(&says(line(&hub, "anonymous", &key)));
    hub.logged::<&str>(&[]);
}

fn an_unknown_key_gets_nothing_if_anonymous_is_off() {
    let hub = Hub::with(&Setup { anonymous: "off", ..Setup::default() });
    let key = Key::new("unknown");
    hub.helper(&words(&hub, &key)).is(&silent());
    hub.logged::<&str>(&[]);
}

fn nothing_is_printed_for_another_login() {
    let (hub, key) = alice(&Setup::default());
    let (key_type, blob) = key.type_and_blob();
    let login = &hub.login.name;
    for other in ["root", "", "git", &format!("{login}x"), &login[1..], &login.to_uppercase(), &format!("{login} ")] {
        hub.helper(&[other, key_type, blob]).is(&silent());
    }
    hub.logged::<&str>(&[]);
}

fn a_certificate_of_an_unknown_ca_gets_nothing() {
    let (hub, key) = alice(&Setup::default());
    let ca = Key::new("ca");
    let mut keygen = Command::new("ssh-keygen");
    keygen.args(["-q", "-I", "id", "-n", "alice", "-V", "+1h", "-s"]).arg(&ca.file).arg(key.public_file());
    run(&mut keygen).succeeded();
    let mut certificate = key.file.as_os_str().to_owned();
    certificate.push("-cert.pub");
    let certificate = fs::read_to_string(certificate).expect("a certificate");
    let mut parts = certificate.split(' ');
    let (key_type, blob) = (parts.next().expect("a type"), parts.next().expect("a blob"));
    assert_eq!(key_type, "ssh-ed25519-cert-v01@openssh.com");
    hub.helper(&[hub.login.name.as_str(), key_type, blob]).is(&silent());
    // The other types, and a blob that is not a key.
    for key_type in ["ssh-rsa-cert-v01@openssh.com", "ecdsa-sha2-nistp256-cert-v01@openssh.com"] {
        hub.helper(&[hub.login.name.as_str(), key_type, blob]).is(&silent());
    }
    let (key, ca) = (&key.fingerprint, &ca.fingerprint);
    hub.logged(&[format!(
        "notice hubgate-keys: user=alice key={key} ca={ca} serial=0 id=id decision=deny reason=certificate \
         cause=\"its CA belongs to no organization here\""
    )]);
}

fn a_key_of_an_unknown_type_gets_nothing() {
    let hub = Hub::new();
    // The second type is new in OpenSSH 10.4; later types are unknown too.
    for key_type in ["ssh-dss", "ssh-mldsa44-ed25519@openssh.com", "", "x"] {
        hub.helper(&[hub.login.name.as_str(), key_type, "AAAAB3NzaC1kc3MAAAABAQAAAAEBAAAAAQEAAAABAQ=="]).is(&silent());
    }
    hub.logged::<&str>(&[]);
}

fn a_weak_key_is_not_even_anonymous() {
    let hub = Hub::new();
    // Ed25519 of small order: anyone can sign for it.
    let weak = "AAAAC3NzaC1lZDI1NTE5AAAAIAEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    hub.helper(&[hub.login.name.as_str(), "ssh-ed25519", weak]).is(&silent());
    hub.logged::<&str>(&[]);
}

fn a_title_cannot_add_a_line_to_authorized_keys() {
    let (hub, key) = alice(&Setup::default());
    let title = r#""; command="id" ssh-ed25519 AAAA \"#;
    hub.did(&["key", "rename", &key.fingerprint, title]);
    hub.helper(&words(&hub, &key)).is(&says(line(&hub, "alice", &key)));
    // A title that hubgate cannot have written has no effect either.
    hub.sql("UPDATE key SET title = 'x' || char(10) || 'ssh-ed25519 AAAA'");
    hub.helper(&words(&hub, &key)).is(&says(line(&hub, "alice", &key)));
    // A name that hubgate cannot have written is rejected.
    hub.sql("UPDATE owner SET name = 'alice\"' || char(10)");
    hub.log();
    is_unavailable(&hub, &key, "the database holds a value in column name that hubgate does not write");
}

fn the_helper_prints_the_key_from_sshd_and_not_the_stored_one() {
    let (hub, key) = alice(&Setup::default());
    hub.sql("UPDATE key SET blob = x'00', type = 'ssh-rsa'");
    hub.helper(&words(&hub, &key)).is(&says(line(&hub, "alice", &key)));
}

fn a_missing_database_is_unavailable() {
    let (hub, key) = alice(&Setup { anonymous: "off", ..Setup::default() });
    fs::rename(hub.path("db/hubgate.db"), hub.path("db/away")).expect("a rename");
    is_unavailable(&hub, &key, &format!("the database {}/db/hubgate.db: ", hub.dir.display()));
    assert!(!hub.path("db/hubgate.db").exists(), "the helper makes no database");
}

fn a_corrupt_database_is_unavailable() {
    let (hub, key) = alice(&Setup::default());
    for content in [
        "",
        "not a database at all, and long enough to have a header of one hundred bytes in the file that SQLite reads first",
    ] {
        fs::write(hub.path("db/hubgate.db"), content).expect("a file");
        is_unavailable(&hub, &key, "the database");
    }
}

fn a_directory_in_place_of_the_database_is_unavailable() {
    let (hub, key) = alice(&Setup::default());
    fs::rename(hub.path("db/hubgate.db"), hub.path("db/away")).expect("a rename");
    fs::create_dir(hub.path("db/hubgate.db")).expect("a directory");
    is_unavailable(&hub, &key, "the database");
}

/// Opening a FIFO waits for a writer, as a file of a network file system that does not answer would.
fn a_helper_that_hangs_ends_after_two_seconds() {
    let (hub, key) = alice(&Setup::default());
    let database = hub.path("db/hubgate.db");
    fs::remove_file(&database).expect("a file");
    let mode = nix::sys::stat::Mode::from_bits_truncate(0o644);
    nix::unistd::mkfifo(&database, mode).expect("a FIFO");
    let begin = Instant::now();
    let outcome = hub.helper(&words(&hub, &key));
    let took = begin.elapsed();
    // SIGALRM. A wait without end would take until the harness loses its patience.
    assert!(outcome.status == 128 + 14 && outcome.stdout.is_empty(), "{outcome}");
    assert!((Duration::from_millis(1_900)..Duration::from_secs(20)).contains(&took), "{took:?}");
}

fn a_database_of_a_future_version_is_unavailable() {
    let (hub, key) = alice(&Setup::default());
    hub.sql("UPDATE hubgate SET version = 99");
    // Newer, but `min_reader` permits reading.
    hub.helper(&words(&hub, &key)).is(&says(line(&hub, "alice", &key)));
    hub.sql("UPDATE hubgate SET min_reader = 98");
    is_unavailable(&hub, &key, "the database has schema version 99 and needs 98 or newer; this hubgate has ");
}

fn a_database_without_a_version_is_unavailable() {
    let (hub, key) = alice(&Setup::default());
    hub.sql("DELETE FROM hubgate");
    is_unavailable(&hub, &key, "the database was not made by hubgate: run hubgate init");
}

fn a_database_without_read_permission_is_unavailable() {
    let (hub, key) = alice(&Setup::default());
    fs::set_permissions(hub.path("db/hubgate.db"), Permissions::from_mode(0o600)).expect("a mode");
    is_unavailable(&hub, &key, &format!("the database {}/db/hubgate.db: ", hub.dir.display()));
}

fn a_missing_configuration_is_a_fault() {
    let (hub, key) = alice(&Setup::default());
    fs::remove_file(hub.config()).expect("a file");
    let cause = format!("cannot read the configuration file {}: No such file", hub.config().display());
    is_fault_in_dev_log(&hub, &words(&hub, &key), &cause);
}

fn a_broken_configuration_is_a_fault() {
    let (hub, key) = alice(&Setup::default());
    for (text, cause) in [
        ("[hub\n", "TOML parse error at line 1, column 5"),
        ("[hub]\nnane = \"x\"\n", "TOML parse error at line 2, column 1"),
        ("[access]\nanonymous = \"everybody\"\n", "TOML parse error at line 2, column 13"),
        ("[ssh]\nlogin = \"root\"\n", "[ssh] login is the name of a login account, and not root"),
    ] {
        fs::write(hub.config(), text).expect("a file");
        is_fault_in_dev_log(&hub, &words(&hub, &key), &format!("{}: {cause}", hub.config().display()));
    }
}

fn a_configuration_that_others_can_write_is_a_fault() {
    let (hub, key) = alice(&Setup::default());
    let file = hub.config();
    let config = file.display();
    fs::set_permissions(&file, Permissions::from_mode(0o664)).expect("a mode");
    is_fault_in_dev_log(&hub, &words(&hub, &key), &format!("{config} must be owned by root"));
    fs::set_permissions(&file, Permissions::from_mode(0o644)).expect("a mode");
    chown(&file, Some(machine().login.uid), None).expect("an owner");
    is_fault_in_dev_log(&hub, &words(&hub, &key), &format!("{config} must be owned by root"));
    chown(&file, Some(0), None).expect("an owner");
    fs::set_permissions(&hub.dir, Permissions::from_mode(0o775)).expect("a mode");
    is_fault_in_dev_log(&hub, &words(&hub, &key), &format!("{} must be owned by root", hub.dir.display()));
    fs::set_permissions(&hub.dir, Permissions::from_mode(0o755)).expect("a mode");
    hub.helper(&words(&hub, &key)).is(&says(line(&hub, "alice", &key)));
}

fn missing_or_extra_words_are_a_fault() {
    let (hub, key) = alice(&Setup::default());
    let [login, key_type, blob] = words(&hub, &key);
    let cause = "usage: authorized-keys [--config FILE] %u %t %k, and no other words: \
                 sshd passes a comment after AuthorizedKeysCommand";
    for words in
        [&[][..], &[login], &[login, key_type], &[login, key_type, blob, "#", "why"], &[login, key_type, blob, ""]]
    {
        // The log truncates a field after 256 bytes.
        is_fault_in_dev_log(&hub, words, &cause[..100]);
    }
}

fn root_is_refused() {
    let (hub, key) = alice(&Setup::default());
    let mut helper = Command::new(hub.path("libexec/authorized-keys"));
    helper.env_clear().arg("--config").arg(hub.config()).args(words(&hub, &key));
    run(&mut helper).is(&refused(""));
}

fn a_log_that_does_not_work_stops_no_login() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    fs::remove_file(hub.path("log")).expect("a file");
    alice.greet().is(&says(crate::texts::hi("alice")));
    hub.helper(&[hub.login.name.as_str(), "ssh-ed25519", "not*base64"]).is(&refused(""));
}
