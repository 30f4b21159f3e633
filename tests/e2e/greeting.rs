//! `ssh -T`: the greeting.

use std::process::Command;

use crate::harness::{Client, Hub, Key, KeyKind, Setup, refused, run, says, silent, trials};
use crate::texts::{denied, hi, unknown_key};

trials![
    a_known_key_is_greeted_with_its_account_name,
    every_kind_of_key_is_greeted,
    an_unknown_key_is_greeted_as_anonymous_and_reads_how_to_use_another_key,
    an_unknown_key_reads_where_to_add_keys,
    an_unknown_key_is_denied_if_anonymous_is_off,
    a_client_without_a_key_is_denied,
    a_deploy_key_is_greeted_with_its_repository,
    a_terminal_request_is_refused_and_the_greeting_is_shown,
    a_forced_terminal_request_is_refused,
    help_lists_the_commands,
    nothing_can_be_forwarded,
    a_security_key_gets_its_line,
    a_connection_that_outlives_a_change_of_its_account_or_key_reads_what_changed,
];

fn a_known_key_is_greeted_with_its_account_name() {
    let hub = Hub::new();
    let alice = hub.user("Alice");
    alice.greet().is(&says(hi("Alice")));
    hub.logged(&[format!(
        "info hubgate: user=Alice key={} from=127.0.0.1 verb=greeting decision=allow reason=\"\"",
        alice.key.fingerprint
    )]);
}

fn every_kind_of_key_is_greeted() {
    let hub = Hub::new();
    hub.did(&["user", "add", "alice"]);
    for kind in KeyKind::ALL {
        let key = Key::of_kind(kind);
        hub.add_key("alice", &key, &[]);
        Client::new(&hub, Some("alice"), key).greet().is(&says(hi("alice")));
    }
}

fn an_unknown_key_is_greeted_as_anonymous_and_reads_how_to_use_another_key() {
    let hub = Hub::new();
    for kind in KeyKind::ALL {
        let key = Key::of_kind(kind);
        let stranger = Client::new(&hub, None, key);
        stranger.greet().is(&says(hi("anonymous")).warning(unknown_key(&stranger)));
    }
}

fn an_unknown_key_reads_where_to_add_keys() {
    let hub = Hub::with(&Setup { keys_help: "https://hub.test/settings/keys", ..Setup::default() });
    let stranger = hub.stranger();
    let (fingerprint, at) = (&stranger.key.fingerprint, &stranger.at);
    stranger.greet().is(&says(hi("anonymous")).warning(format!(
        "hubgate: the key {fingerprint} is on no account here\n\
         hubgate: add it to your account: https://hub.test/settings/keys\n\
         hubgate: to use another key: ssh -o IdentitiesOnly=yes -i FILE {at}\n"
    )));
    hub.logged(&[format!(
        "info hubgate: user=anonymous key={fingerprint} from=127.0.0.1 verb=greeting decision=allow reason=\"\""
    )]);
}

fn an_unknown_key_is_denied_if_anonymous_is_off() {
    let hub = Hub::with(&Setup { anonymous: "off", ..Setup::default() });
    let (alice, stranger) = (hub.user("alice"), hub.stranger());
    alice.greet().is(&says(hi("alice")));
    stranger.greet().is(&refused(denied(&stranger)).status(255));
}

fn a_client_without_a_key_is_denied() {
    let hub = Hub::new();
    let nobody = hub.stranger();
    let outcome = nobody.ssh_with(&["-oBatchMode=yes", "-oPubkeyAuthentication=no"], "", b"");
    outcome.is(&refused(denied(&nobody)).status(255));
    hub.logged::<&str>(&[]);
}

fn a_deploy_key_is_greeted_with_its_repository() {
    let hub = Hub::new();
    hub.did(&["user", "add", "acme"]);
    hub.repo("datasets/acme/x", &["--private"]);
    let key = Key::new("ci");
    let file = key.public_file();
    hub.did(&["deploy-key", "add", "datasets/acme/x", file.to_str().expect("UTF-8")]);
    let ci = Client::new(&hub, None, key);
    ci.greet().is(&says(hi("deploy key of datasets/acme/x")));
    ci.git(&["clone", "--quiet", &Client::url("datasets/acme/x")]).is(&silent());
}

fn a_terminal_request_is_refused_and_the_greeting_is_shown() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    // script(1) gives ssh a terminal, as a person has; all output goes to it.
    let ssh = format!("ssh -F {} hub.test", alice.ssh_config().display());
    let outcome = run(alice.command("script").args(["-qec", &ssh, "/dev/null"]).env("TERM", "xterm"));
    outcome.is(&says(
        "PTY allocation request failed on channel 0\r\nHi alice, welcome to Test Hub.\r\n\
         Connection to 127.0.0.1 closed.\r\r\n",
    ));
}

fn a_forced_terminal_request_is_refused() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    let outcome = run(alice.command("ssh").arg("-F").arg(alice.ssh_config()).args(["-tt", "hub.test"]));
    // ssh gives up here, whatever the server sends next.
    outcome.is(&refused("PTY allocation request failed on channel 0\r\n").status(255));
}

fn help_lists_the_commands() {
    let hub = Hub::new();
    let (alice, stranger) = (hub.user("alice"), hub.stranger());
    for client in [&alice, &stranger] {
        let at = &client.at;
        client.ssh("help").is(&says(format!(
            "This server speaks git over SSH:\n  \
             git clone {at}:OWNER/NAME              a model\n  \
             git clone {at}:datasets/OWNER/NAME     a dataset\n  \
             git clone {at}:spaces/OWNER/NAME       a space\n  \
             ssh -T {at}                            shows who you are\n\
             and has commands for your account, each with --help and --json:\n  \
             ssh {at} whoami\n  \
             ssh {at} key add [TITLE] < id_ed25519.pub    key list|rename|remove|release\n  \
             ssh {at} user email add|remove|list\n  \
             ssh {at} repo create|list|show|rename|visibility|describe|default-branch|remove|collaborator\n  \
             ssh {at} repo protect|unprotect PATH BRANCH    rule list|add|remove|move\n  \
             ssh {at} check list|set SCOPE\n  \
             ssh {at} allowed-signers PATH\n  \
             ssh {at} proposal list|show|close|reopen PATH [NUMBER]    repo proposals PATH on|off\n  \
             ssh {at} org member list|set|remove\n  \
             ssh {at} team add|list|show|rename|remove    team member list|add|remove\n  \
             ssh {at} access request|list|grant|reject|revoke\n  \
             ssh {at} explain PATH fetch|push\n  \
             ssh {at} join CODE\n"
        )));
    }
    let help = alice.ssh("help key").succeeded().stdout();
    assert!(help.contains(&format!("Usage: ssh {} key [OPTIONS] <COMMAND>", alice.at)), "{help}");
    assert_eq!(help, alice.ssh("key --help").succeeded().stdout());
    let unknown = alice.ssh("help me");
    assert!(unknown.status == 2 && unknown.stderr().contains("unrecognized subcommand 'me'"), "{unknown}");
    // An error is JSON too, beside the lines for people.
    let error = alice.ssh("repo show alice/none --json");
    let shown: serde_json::Value = serde_json::from_str(&error.stdout()).expect("JSON");
    assert_eq!((error.status, &shown["status"]), (1, &serde_json::json!(1)), "{error}");
    assert!(shown["error"].as_str().is_some_and(|text| text.starts_with("repository not found")), "{shown}");
}

fn nothing_can_be_forwarded() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    // sshd's own port certainly has a listener.
    let to = format!("127.0.0.1:{}", hub.port);
    let outcome = run(alice.command("ssh").arg("-F").arg(alice.ssh_config()).args(["-W", &to, "hub.test"]));
    outcome.is(&refused(
        "channel 0: open failed: administratively prohibited: open failed\r\nstdio forwarding failed\r\n",
    )
    .status(255));
    let options = ["-oBatchMode=yes", "-oExitOnForwardFailure=yes", "-R", "0:127.0.0.1:1"];
    alice
        .ssh_with(&options, "", b"")
        .is(&refused("Error: remote port forwarding failed for listen port 0\r\n").status(255));
    let sftp = run(alice.command("sftp").args(["-qF"]).arg(alice.ssh_config()).arg("hub.test"));
    assert!(sftp.status != 0 && sftp.stdout.is_empty(), "{sftp}");
}

fn a_security_key_gets_its_line() {
    // No security key is available, so the helper is called directly. ssh-keygen made both keys.
    const KEYS: [&str; 2] = [
        "sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAAIOMK5L44mGvJzcd/EXD1se558ABEBcnT7mJknNpvbswBAAAABHNzaDo=",
        "sk-ecdsa-sha2-nistp256@openssh.com AAAAInNrLWVjZHNhLXNoYTItbmlzdHAyNTZAb3BlbnNzaC5jb20AAAAIbmlzdHAyNTYAAABBBFuf6S7UVDqezdccE36R/Z5BSqtyASCGKlhaRpUPKolizaWRxOmFwSyPfOE392btqi2XVvi/AierfSOyJ+8vKBoAAAAEc3NoOg==",
    ];
    let hub = Hub::new();
    hub.did(&["user", "add", "alice"]);
    for key in KEYS {
        hub.hubgate_with(&["key", "add", "alice", "-"], key.as_bytes()).succeeded();
        let words: Vec<&str> = std::iter::once(hub.login.name.as_str()).chain(key.split(' ')).collect();
        let file = hub.path("line");
        std::fs::write(&file, key).expect("a file");
        let fingerprint = run(Command::new("ssh-keygen").arg("-lf").arg(&file)).succeeded().stdout();
        let fingerprint = fingerprint.split(' ').nth(1).expect("a fingerprint");
        let line = format!(
            "restrict,command=\"{}/libexec/gateway --config {} alice --key {fingerprint}\" {key}\n",
            hub.dir.display(),
            hub.config().display()
        );
        let outcome = hub.helper(&words);
        outcome.is(&says(&line));
        // ssh-keygen reads the line as sshd does: options, type, key.
        std::fs::write(&file, &line).expect("a file");
        let read = run(Command::new("ssh-keygen").arg("-lf").arg(&file)).succeeded().stdout();
        assert!(read.contains(fingerprint), "{read}");
    }
}

fn a_connection_that_outlives_a_change_of_its_account_or_key_reads_what_changed() {
    let hub = Hub::with(&Setup { keys_help: "https://hub.test/settings", ..Setup::default() });
    let (alice, stranger) = (hub.user("alice"), hub.stranger());
    hub.repo("alice/x", &[]);
    let masters = [&alice, &stranger].map(Client::master);
    alice.greet().is(&says(hi("alice")));
    let close = format!("close this connection (ssh -O exit {}) and connect again", alice.at);
    for name in ["alicia", "Alicia"] {
        hub.did(&["user", "rename", if name == "alicia" { "alice" } else { "alicia" }, name]);
        let renamed = refused(format!("hubgate: the account alice is now {name}: {close}\n"));
        hub.log();
        for command in ["", "git-upload-pack 'alice/x'", "whoami", "repo create alice/y"] {
            alice.ssh(command).is(&renamed);
        }
        let log: Vec<String> = hub.log().iter().map(ToString::to_string).collect();
        assert!(log.len() == 4 && log.iter().all(|line| line.starts_with("notice ")), "{log:#?}");
        assert!(log[0].ends_with("decision=deny reason=account-renamed"), "{log:#?}");
    }
    hub.add_key("Alicia", &stranger.key, &[]);
    let key = &stranger.key.fingerprint;
    let added = format!(
        "hubgate: the key {key} was added to an account or a repository while this connection was open\n\
         hubgate: to use it: {close}\n"
    );
    stranger.greet().is(&says(hi("anonymous")).warning(&added));
    let whoami = format!("anonymous by the key {key}, which was added while this connection was open\n");
    stranger.ssh("whoami").is(&says(whoami));
    let missing = stranger.ssh("git-upload-pack 'alice/missing'");
    assert!(missing.status == 1 && missing.stderr().ends_with(&format!("to use it: {close}\n")), "{missing}");
    drop(masters);
    alice.greet().succeeded();
    assert!(stranger.greet().succeeded().stdout().starts_with("Hi Alicia"));
}
