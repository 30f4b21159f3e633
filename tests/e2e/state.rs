//! `[paths] state`: the directory of the files that sessions write.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::harness::{Hub, says, trials};
use crate::operator::on_a_fresh_machine;
use crate::texts::hi;

trials![
    sessions_write_their_files_to_the_directory_of_the_state,
    doctor_names_a_wrong_directory_of_the_state,
    init_makes_the_directory_of_the_state,
];

/// Moves the state of a hub to a directory that does not exist yet.
pub(crate) fn move_state(hub: &Hub) -> String {
    let state = hub.path("state").display().to_string();
    let config = fs::read_to_string(hub.config()).expect("a configuration");
    let moved = config.replace("[paths]\n", &format!("[paths]\nstate = {state:?}\n"));
    assert_ne!(moved, config);
    fs::write(hub.config(), moved).expect("a configuration");
    state
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).expect("a directory").map(|entry| entry.expect("an entry").file_name());
    let mut names: Vec<String> = entries.map(|name| name.to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

fn last_used(hub: &Hub) -> Value {
    let keys: Value = serde_json::from_str(&hub.did(&["--json", "key", "list", "alice"])).expect("JSON");
    keys[0]["last_used_at"].clone()
}

fn sessions_write_their_files_to_the_directory_of_the_state() {
    let hub = Hub::new();
    let state = move_state(&hub);
    let alice = hub.user("alice");
    hub.repo("alice/x", &[]);
    // A state that cannot be written stops no session.
    alice.greet().is(&says(hi("alice")));
    assert_eq!(last_used(&hub), Value::Null);
    // A code is accepted, and only a wrong one cannot be answered.
    hub.did(&["user", "add", "bob"]);
    let invited: Value = serde_json::from_str(&hub.did(&["--json", "invite", "bob"])).expect("JSON");
    let code = invited["code"].as_str().expect("a code");
    let stranger = hub.stranger();
    stranger.ssh(format!("join {}", "0".repeat(32))).is_unavailable();
    stranger.ssh(format!("join {code}")).succeeded();

    fs::create_dir(&state).expect("a directory");
    std::os::unix::fs::chown(&state, Some(hub.login.uid), Some(hub.login.gid)).expect("an owner");
    alice.greet().is(&says(hi("alice")));
    alice.ssh("git-lfs-transfer alice/x download");
    hub.stranger().ssh(format!("join {}", "0".repeat(32)));
    assert_eq!(names(Path::new(&state)), ["last-greeted", "last-used", "lfs-sessions", "running", "wrong-codes"]);
    assert_eq!(names(&hub.path("db")), ["hubgate.db", "hubgate.db-shm", "hubgate.db-wal"]);
    assert!(last_used(&hub).is_string(), "{}", last_used(&hub));
}

fn doctor_names_a_wrong_directory_of_the_state() {
    let hub = Hub::new();
    let state = move_state(&hub);
    let login = &hub.login.name;
    let findings = || {
        let config = hub.path("sshd_config").display().to_string();
        let outcome = hub.hubgate(&["--json", "doctor", "--sshd-config", &config]);
        let findings: Vec<Value> = serde_json::from_str(&outcome.stdout()).expect("JSON");
        findings.into_iter().filter(|finding| finding["check"] == "state").collect::<Vec<_>>()
    };
    let finding =
        |state: &str, text: String, fix: Value| [json!({ "check": "state", "state": state, "text": text, "fix": fix })];
    let missing = format!("{state}: No such file or directory (os error 2)");
    assert_eq!(findings(), finding("bad", missing, format!("hubgate --config {} init", hub.config().display()).into()));

    fs::create_dir(&state).expect("a directory");
    let found = findings();
    let [found] = found.as_slice() else { panic!("{found:?}") };
    let fix = format!("chown {login}:{login} {state} && chmod 750 {state}");
    assert_eq!((&found["state"], &found["fix"]), (&json!("bad"), &json!(fix)));

    crate::harness::run(std::process::Command::new("sh").args(["-c", &fix])).succeeded();
    assert_eq!(findings(), finding("ok", format!("{state} 0750"), Value::Null));
}

fn init_makes_the_directory_of_the_state() {
    let hub = Hub::new();
    let outcome = on_a_fresh_machine(
        &hub,
        "mkdir /etc/hubgate\n\
         printf '[paths]\\nstate = \"/var/lib/hubgate/state\"\\n' >/etc/hubgate/config.toml\n\
         hubgate init | grep directory\n\
         stat -c '%n %U:%G %a' /var/lib/hubgate/*\n",
    );
    outcome.is(&says(
        "created the directory /var/lib/hubgate/db\n\
         created the directory /var/lib/hubgate/repositories\n\
         created the directory /var/lib/hubgate/state\n\
         /var/lib/hubgate/db git:hubgate-keys 2750\n\
         /var/lib/hubgate/repositories git:git 750\n\
         /var/lib/hubgate/state git:git 750\n",
    ));
}
