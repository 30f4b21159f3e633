//! `join CODE`: how a person adds the first key, and the cost of guessing codes.

use std::fs;
use std::time::{Duration, Instant};

use crate::harness::{Client, Hub, Key, Setup, refused, says, trials};
use crate::texts::{denied, hi};

trials![
    a_code_puts_the_proven_key_on_its_account_once,
    wrong_used_and_expired_codes_read_the_same_cost_a_second_and_are_logged,
    five_wrong_codes_an_hour_slow_down_one_key_and_lock_out_nobody,
];

const WRONG: &str = "hubgate: this code is wrong, used or expired: ask for a new one\n";

fn invite(hub: &Hub, user: &str) -> String {
    hub.did(&["invite", user]).lines().next().expect("a code").to_owned()
}

fn a_code_puts_the_proven_key_on_its_account_once() {
    let hub = Hub::new();
    hub.did(&["user", "add", "alice"]);
    let bob = hub.user("bob");
    let code = invite(&hub, "alice");
    assert_eq!((code.len(), code.bytes().all(|byte| byte.is_ascii_hexdigit())), (32, true), "{code}");
    // Hashed, so a reader of the database learns no code.
    assert_eq!(hub.sql(&format!("SELECT count(*) FROM invite WHERE instr(hex(code), upper('{code}'))")), "0\n");
    let stranger = hub.stranger();
    // A registered key cannot join another account, and does not use up the code.
    let taken = "hubgate: the key that you are using is already in use: join with a new one\n";
    bob.ssh(format!("join {code}")).is(&refused(taken));
    hub.log();
    let key = &stranger.key.fingerprint;
    stranger.ssh(format!("join {code}")).is(&says(format!("your key {key} is now on the account alice\n")));
    let log = hub.log();
    assert!(log.iter().all(|entry| !entry.fields.contains(&code)), "{log:?}");
    stranger.greet().is(&says(hi("alice")));
    let event = hub.sql("SELECT actor || ' ' || event || ' ' || object FROM audit ORDER BY id DESC LIMIT 1");
    assert!(
        event.starts_with(&format!("anonymous {key} sid=")) && event.ends_with(&format!(" key.add {key}\n")),
        "{event}"
    );
    // If unknown keys are rejected, no key can join.
    hub.configure(&Setup { anonymous: "off", ..Setup::default() });
    let late = hub.stranger();
    late.ssh("join 00112233445566778899aabbccddeeff").is(&refused(denied(&late)).status(255));
    hub.hubgate(&["invite", "alice"]).is(&refused(
        "hubgate: [access] anonymous is off, so the holder of a code could not connect: add the key yourself: \
         hubgate key add USER FILE\n",
    ));
}

fn wrong_used_and_expired_codes_read_the_same_cost_a_second_and_are_logged() {
    let hub = Hub::new();
    for user in ["alice", "disabled", "gone"] {
        hub.did(&["user", "add", user]);
    }
    let used = invite(&hub, "alice");
    hub.stranger().ssh(format!("join {used}")).succeeded();
    let over = invite(&hub, "alice");
    hub.sql("UPDATE invite SET expires_at = unixepoch() WHERE used_at IS NULL");
    let disabled = invite(&hub, "disabled");
    hub.did(&["user", "disable", "disabled", "--reason", "away"]);
    let gone = invite(&hub, "gone");
    hub.did(&["user", "remove", "gone", "--yes"]);
    let stranger = hub.stranger();
    let key = &stranger.key.fingerprint;
    let wrong = "0123456789abcdef0123456789abcdef".to_owned();
    // A live code in an invalid command does not reach the log either.
    let live = invite(&hub, "alice");
    hub.log();
    assert_eq!(stranger.ssh(format!("Join {live}")).status, 127);
    let log: Vec<String> = hub.log().iter().map(ToString::to_string).collect();
    assert!(log.iter().any(|line| line.contains("[code]")) && !log.concat().contains(&live), "{log:?}");
    for code in [&wrong, &used, &over, &disabled, &gone] {
        hub.log();
        let start = Instant::now();
        stranger.ssh(format!("join {code}")).is(&refused(WRONG));
        assert!(start.elapsed() >= Duration::from_secs(1), "{:?}", start.elapsed());
        // Like the answers, the log lines of these codes are equal.
        let who = format!("user=anonymous key={key} from=127.0.0.1");
        hub.logged(&[format!(
            "notice hubgate: {who} verb=account command=\"join [code]\" decision=deny reason=wrong-code"
        )]);
    }
}

fn five_wrong_codes_an_hour_slow_down_one_key_and_lock_out_nobody() {
    let hub = Hub::new();
    hub.did(&["user", "add", "alice"]);
    let code = invite(&hub, "alice");
    let (first, second) = (hub.stranger(), Client::new(&hub, None, Key::new("second")));
    for _ in 0..5 {
        first.ssh("join x").is(&refused(WRONG));
    }
    let enough = refused("hubgate: too many wrong codes: check the code, or ask for a new one\n");
    hub.log();
    first.ssh("join x").is(&enough);
    let log: Vec<String> = hub.log().iter().map(ToString::to_string).collect();
    assert!(log.iter().any(|line| line.ends_with(" decision=deny reason=too-many-codes")), "{log:?}");
    // Another key at this address is not held up.
    second.ssh("join x").is(&refused(WRONG));
    // All wrong codes are in one file, whatever keys and addresses they came from.
    let file = fs::read_to_string(hub.path("db/wrong-codes")).expect("the wrong codes");
    assert_eq!(file.lines().count(), 6, "{file}");
    // A valid code is always accepted.
    first.ssh(format!("join {code}")).succeeded();
    first.greet().is(&says(hi("alice")));
}
