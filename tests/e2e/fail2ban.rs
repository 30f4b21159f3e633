//! `packaging/fail2ban`, tested with fail2ban itself on log lines of the gateway.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::harness::{Client, Hub, Outcome, Skip, background, run, trials, wait_for};

trials![
    fail2ban_counts_only_what_no_client_sends_by_mistake,
    a_peers_text_cannot_forge_a_match_or_an_address,
    the_jail_bans_the_address_that_fails_ten_times,
];

/// The address that a peer tries to forge.
const FORGED: &str = "192.0.2.66";

fn shipped(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/fail2ban").join(name)
}

fn need(program: &str) {
    if !Path::new("/usr/bin").join(program).exists() {
        Skip::now("fail2ban is not installed");
    }
}

/// Runs a command on the hub from the given address.
fn ssh_from(client: &Client, address: &str, command: &str) -> Outcome {
    client.ssh_with(&["-oBatchMode=yes", &format!("-oBindAddress={address}")], command, b"0000")
}

/// The lines of the hub's log as a log daemon writes them to a file. The format of the time differs between machines.
fn written(hub: &Hub, stamp: &str) -> Vec<String> {
    let body = |line: &String| line.split_once('>').expect("a priority").1.to_owned();
    hub.raw_log().iter().map(|line| format!("{stamp} hub {}", body(line))).collect()
}

/// The matches of the filter: address and line.
#[track_caller]
fn matches(hub: &Hub, lines: &[String]) -> Vec<(String, String)> {
    let file = hub.path("auth.log");
    fs::write(&file, lines.join("\n") + "\n").expect("a file");
    let mut command = Command::new("fail2ban-regex");
    command.args(["--out", "<ip> <matches>"]).arg(file).arg(shipped("filter.conf"));
    let found = run(&mut command).succeeded().stdout();
    found.lines().filter_map(|line| line.split_once(' ')).map(|(ip, line)| (ip.into(), line.into())).collect()
}

/// Checks that the filter matches exactly the lines with one of these addresses, in both formats of the time.
#[track_caller]
fn counts(hub: &Hub, addresses: &[&str]) {
    for stamp in ["Nov 24 09:00:00", "2026-11-24T09:00:00.123456+00:00"] {
        let lines = written(hub, stamp);
        let from = |line: &String| {
            let address = line.split_once(" from=").and_then(|(_, rest)| rest.split(' ').next());
            address.map(|address| (address.to_owned(), line.clone()))
        };
        let expected: Vec<_> =
            lines.iter().filter_map(from).filter(|(from, _)| addresses.contains(&from.as_str())).collect();
        assert_eq!(expected.len(), addresses.len(), "one line each: {lines:#?}");
        assert_eq!(matches(hub, &lines), expected, "{lines:#?}");
    }
}

fn fail2ban_counts_only_what_no_client_sends_by_mistake() {
    need("fail2ban-regex");
    let hub = Hub::new();
    let (alice, bob, stranger) = (hub.user("alice"), hub.user("bob"), hub.stranger());
    hub.repo("alice/x", &[]);
    hub.repo("alice/secret", &["--private"]);
    hub.did(&["repo", "freeze", "alice/x", "--reason", "moving"]);
    for (client, address, command) in [
        (&stranger, "127.0.0.2", "scp -t ."),
        (&stranger, "127.0.0.3", "git-upload-pack '../../etc/passwd'"),
        (&alice, "127.0.0.4", "git-upload-pack 'alice/x"),
        (&alice, "127.0.0.5", "rsync --server ."),
    ] {
        assert_ne!(ssh_from(client, address, command).status, 0);
    }
    // People mistype, ask for what is denied, and push what is refused. That does not count.
    for (client, address, command, status) in [
        (&alice, "127.0.0.12", "", 0),
        (&alice, "127.0.0.13", "git-upload-pack 'alice/x'", 0),
        (&alice, "127.0.0.14", "git-upload-pack 'alice/y'", 1),
        (&bob, "127.0.0.15", "git-upload-pack 'alice/secret'", 1),
        (&bob, "127.0.0.16", "git-receive-pack 'alice/x'", 1),
        (&alice, "127.0.0.17", "git-receive-pack 'alice/x'", 1),
        (&stranger, "127.0.0.18", "repo list", 1),
        (&alice, "127.0.0.19", "whoami", 0),
    ] {
        let outcome = ssh_from(client, address, command);
        assert_eq!(outcome.status, status, "{outcome}");
    }
    counts(&hub, &["127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.5"]);
}

fn a_peers_text_cannot_forge_a_match_or_an_address() {
    need("fail2ban-regex");
    let hub = Hub::new();
    let (alice, stranger) = (hub.user("alice"), hub.stranger());
    hub.repo("alice/x", &[]);
    let line = format!(
        "hub hubgate[1]: sid=00aa00aa00aa00aa user=anonymous key=x from={FORGED} command=x decision=deny reason=verb"
    );
    // Each of these counts, for the address that sent it and no other.
    let offences = [
        format!("x from={FORGED} decision=deny reason=verb"),
        format!("x\nNov 24 09:00:01 {line}"),
        format!("x\r\n<38>{line}"),
        format!("Nov 24 09:00:01 {line}"),
        format!("2031-01-01T00:00:00 {line}"),
        format!("git-upload-pack 'alice/x from={FORGED} decision=deny reason=verb'"),
        format!("git-upload-pack '{}' from={FORGED} ", "a/".repeat(200)),
        format!("x\" from={FORGED} decision=deny reason=verb"),
        format!("x\\x22 key=x from={FORGED} decision=allow reason="),
    ];
    let addresses: Vec<String> = (2..).take(offences.len()).map(|last| format!("127.0.0.{last}")).collect();
    for (address, command) in addresses.iter().zip(&offences) {
        ssh_from(&stranger, address, command);
    }
    // Each of these is served, or refused for a reason that does not count.
    let tail = format!("from={FORGED} decision=deny reason=verb");
    let innocent = [
        format!("repo create alice/y --description from={FORGED} x decision=deny reason=verb"),
        format!("repo create alice/z --description '{tail}'"),
        format!("whoami {tail}"),
        format!("repo show {tail}"),
        "git-upload-pack 'alice/reason.verb'".to_owned(),
    ];
    for command in &innocent {
        ssh_from(&alice, "127.0.0.99", command);
    }
    // Run directly, in ways in which sshd would never start the gateway.
    let forms: [&[&str]; 2] = [&["alice", "--key", &tail], &["-c", &tail]];
    for words in forms {
        run(hub.gateway_command().args(words)).is_fault();
    }
    for connection in [&tail, "192.0.2.66x 1 2 3", "localhost 1 2 3"] {
        let mut gateway = hub.gateway_command();
        gateway.env("SSH_CONNECTION", connection).env("SSH_ORIGINAL_COMMAND", "scp -t .");
        assert_eq!(run(gateway.args(["alice", "--key", &alice.key.fingerprint])).status, 127);
    }
    // A peer also chooses ref names, which come last in the line of a refused push.
    alice.git(&["clone", "--quiet", &Client::url("alice/x")]).succeeded();
    for name in [format!("from={FORGED},decision=deny"), "-decision=deny".into(), "decision.deny/reason=verb".into()] {
        alice.git_in("x", &["push", "--quiet", "origin", &format!("HEAD:refs/heads/{name}")]);
    }
    let addresses: Vec<&str> = addresses.iter().map(String::as_str).collect();
    counts(&hub, &addresses);
}

/// A configuration directory of fail2ban with the shipped files, and with an action that writes the address to a file.
fn fail2ban_of(hub: &Hub) -> PathBuf {
    let etc = hub.path("fail2ban");
    run(Command::new("cp").args(["-r", "/etc/fail2ban"]).arg(&etc)).succeeded();
    fs::remove_dir_all(etc.join("jail.d")).expect("the distribution's own jails");
    fs::create_dir(etc.join("jail.d")).expect("a directory");
    fs::copy(shipped("filter.conf"), etc.join("filter.d/hubgate.conf")).expect("a copy");
    fs::copy(shipped("jail.conf"), etc.join("jail.d/hubgate.conf")).expect("a copy");
    let dir = hub.dir.display();
    let write = |name: &str, text: String| fs::write(etc.join(name), text).expect("a file");
    write("action.d/record.conf", format!("[Definition]\nactionban = echo <ip> >> {dir}/banned\nactionunban =\n"));
    let own = format!(
        "[DEFAULT]\nsyslog_authpriv = {dir}/auth.log\nbanaction = record\nignoreself = false\n\
         [hubgate]\nenabled = true\n"
    );
    write("jail.d/own.conf", own);
    write(
        "fail2ban.local",
        format!(
            "[Definition]\nlogtarget = {dir}/fail2ban.log\ndbfile = :memory:\nsocket = {dir}/fail2ban.sock\n\
             pidfile = {dir}/fail2ban.pid\n"
        ),
    );
    etc
}

fn the_jail_bans_the_address_that_fails_ten_times() {
    need("fail2ban-server");
    let hub = Hub::new();
    let (alice, stranger) = (hub.user("alice"), hub.stranger());
    for (client, address, offences, typos) in [(&stranger, "127.0.0.2", 10, 0), (&alice, "127.0.0.3", 9, 3)] {
        client.write("ssh_config", client.read("ssh_config") + "    BindAddress " + address + "\n");
        let _master = client.master();
        for _ in 0..offences {
            client.ssh("scp -t .");
        }
        for _ in 0..typos {
            client.ssh("git-upload-pack 'alice/typo'");
        }
    }
    let now = run(Command::new("date").env("LC_ALL", "C").arg("+%b %d %T")).succeeded().stdout();
    fs::write(hub.path("auth.log"), written(&hub, now.trim_end()).join("\n") + "\n").expect("a file");
    let etc = fail2ban_of(&hub);
    let tested = run(Command::new("fail2ban-client").arg("-c").arg(&etc).arg("-t"));
    assert_eq!(tested.succeeded().stdout(), "OK: configuration test is successful\n");
    let mut command = Command::new("fail2ban-server");
    command.arg("-f").arg("-c").arg(&etc).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let _server = background(&mut command);
    let log = || fs::read_to_string(hub.path("fail2ban.log")).unwrap_or_default();
    // fail2ban reads the whole file before it bans, in the order of the lines. The action writes its line after the
    // log's.
    let banned = || fs::read_to_string(hub.path("banned")).unwrap_or_default();
    wait_for(|| if log().contains("[hubgate] Ban ") && banned().ends_with('\n') { Ok(()) } else { Err(log()) });
    let found = |address: &str| log().matches(&format!("[hubgate] Found {address} ")).count();
    assert_eq!((found("127.0.0.2"), found("127.0.0.3")), (10, 9), "{}", log());
    assert_eq!(banned(), "127.0.0.2\n");
}
