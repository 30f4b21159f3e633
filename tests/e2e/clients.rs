//! Clients other than git: dulwich (its own protocol code, over ssh and over paramiko) and libgit2 (over libssh2).

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use crate::harness::{Agent, Client, Hub, Key, KeyKind, Outcome, Skip, run, trials};

trials![
    dulwich_clones_and_pushes_over_ssh,
    dulwich_clones_and_pushes_over_paramiko,
    libgit2_clones_and_pushes_with_a_key_file,
    libgit2_clones_and_pushes_through_an_agent,
    other_clients_show_the_refusals_of_the_hub,
];

/// Kept between runs.
const VENV: &str = "/var/cache/hubgate-tools/venv";
const PACKAGES: [&str; 3] = ["dulwich==1.2.21", "pygit2==1.21.0", "paramiko==5.1.0"];

/// A Python with the clients, which are installed with pip if missing.
fn python() -> &'static str {
    static PYTHON: OnceLock<Result<String, String>> = OnceLock::new();
    match PYTHON.get_or_init(install) {
        Ok(python) => python,
        Err(problem) => Skip::now(problem.clone()),
    }
}

fn install() -> Result<String, String> {
    let python = format!("{VENV}/bin/python");
    let has_all = |python: &str| {
        Path::new(python).exists()
            && run(Command::new(python).args(["-c", "import dulwich, pygit2, paramiko"])).status == 0
    };
    if has_all(&python) {
        return Ok(python);
    }
    // Installed under a temporary name, so that a concurrent run never uses an incomplete installation.
    let unfinished = format!("{VENV}.{}", std::process::id());
    let made = run(Command::new("python3").args(["-m", "venv", &unfinished]));
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--retries=1", "--timeout=10"];
    let made = if made.status == 0 {
        run(Command::new(format!("{unfinished}/bin/python")).args(pip).args(PACKAGES))
    } else {
        made
    };
    if made.status != 0 {
        let _ = fs::remove_dir_all(&unfinished);
        return Err(format!("no dulwich and pygit2 on this machine, and PyPI gave none:\n{made}"));
    }
    let _ = fs::remove_dir_all(VENV);
    let _ = fs::rename(&unfinished, VENV);
    if has_all(&python) { Ok(python) } else { Err(format!("{VENV} does not work")) }
}

/// Runs one of the scripts as a client that clones `path` and pushes a file.
fn client(hub: &Hub, client: &Client, script: &str, how: &str, path: &str) -> Outcome {
    let script = format!("{}/tests/e2e/clients/{script}", env!("CARGO_MANIFEST_DIR"));
    let mut command = client.command(python());
    command.args(["-W", "ignore", &script, how, "127.0.0.1", &hub.port.to_string(), &hub.login.name, path]);
    command.arg(&client.key.file).arg(client.ssh_config()).arg(client.home.join("tree"));
    run(&mut command)
}

#[track_caller]
fn clones_and_pushes(hub: &Hub, alice: &Client, script: &str, how: &str, words: &str) {
    let before = hub.git_in("alice/x", &["rev-parse", "main"]);
    let outcome = client(hub, alice, script, how, "alice/x");
    let head = outcome.succeeded().stdout();
    assert_ne!(head, before);
    assert_eq!(hub.git_in("alice/x", &["rev-parse", "main", "main~"]), format!("{head}{before}"), "{outcome}");
    assert_eq!(hub.git_in("alice/x", &["show", "main:pushed"]), format!("{words}\n"));
    assert_eq!(hub.git_in("alice/x", &["show", "main:README.md"]), "hello\n");
    // The log has its push.
    let pushed = hub.log().iter().any(|line| line.fields.contains(&format!("new={}", head.trim_end())));
    assert!(pushed, "no line for the push");
}

fn dulwich_clones_and_pushes_over_ssh() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    hub.repo("alice/x", &["--private"]);
    clones_and_pushes(&hub, &alice, "dulwich_client.py", "ssh", "by dulwich over ssh");
}

fn dulwich_clones_and_pushes_over_paramiko() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    hub.repo("alice/x", &["--private"]);
    clones_and_pushes(&hub, &alice, "dulwich_client.py", "paramiko", "by dulwich over paramiko");
}

fn libgit2_clones_and_pushes_with_a_key_file() {
    let hub = Hub::new();
    hub.did(&["user", "add", "alice"]);
    for kind in [KeyKind::ED25519, KeyKind { name: "rsa", bits: "2048" }] {
        let key = Key::of_kind(kind);
        hub.add_key("alice", &key, &[]);
        let alice = Client::new(&hub, Some("alice"), key);
        let path = format!("alice/{}", kind.name);
        hub.repo(&path, &["--private"]);
        hub.did(&["repo", "rename", &path, "alice/x"]);
        clones_and_pushes(&hub, &alice, "pygit2_client.py", "keypair", "by libgit2 with keypair");
        hub.did(&["repo", "remove", "alice/x", "--yes"]);
    }
}

fn libgit2_clones_and_pushes_through_an_agent() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    hub.repo("alice/x", &["--private"]);
    let agent = Agent::with([&alice.key]);
    let client = Client::with_agent(&hub, Some("alice"), alice.key.clone(), &agent);
    clones_and_pushes(&hub, &client, "pygit2_client.py", "agent", "by libgit2 with agent");
}

fn other_clients_show_the_refusals_of_the_hub() {
    let hub = Hub::new();
    let (_alice, stranger) = (hub.user("alice"), hub.stranger());
    hub.repo("alice/secret", &["--private"]);
    for (script, how) in
        [("dulwich_client.py", "ssh"), ("dulwich_client.py", "paramiko"), ("pygit2_client.py", "keypair")]
    {
        let missing = client(&hub, &stranger, script, how, "alice/nope");
        assert!(missing.status != 0 && missing.stdout.is_empty(), "{missing}");
        assert!(missing.stderr().contains("repository not found, or you have no access to it"), "{missing}");
        let hidden = client(&hub, &stranger, script, how, "alice/secret");
        assert_eq!(hidden.status, missing.status, "{hidden}");
        assert_eq!(hidden.stderr().replace("secret", "nope"), missing.stderr(), "{hidden}");
    }
}
