//! Which sessions are anonymous in each mode of `[access] anonymous`. No session ever has an account whose key was not
//! proven.

use std::fs;
use std::process::Command;

use hubgate::operator::openssh::Version;

use crate::harness::{Agent, Client, Expected, Hub, Key, Outcome, Setup, machine, refused, run, says, silent, trials};
use crate::operator::on_a_fresh_machine;
use crate::texts::{GIT_GIVES_UP, denied, hi, other_key};

trials![
    any_key_is_the_first_key_of_the_agent_in_every_order,
    login_is_the_first_known_key_of_the_agent_in_every_order,
    fallback_is_the_first_known_key_of_the_agent_in_every_order,
    off_is_the_first_known_key_of_the_agent_in_every_order,
    every_key_is_anonymous_on_the_anonymous_login,
    an_unknown_key_joins_an_account_on_the_anonymous_login,
    the_helper_answers_only_for_the_configured_logins,
    a_client_without_a_known_key_falls_through_to_anonymous,
    a_session_without_a_key_gets_no_shell_no_terminal_and_no_forwarding,
    a_removed_key_stops_on_a_live_connection_that_uses_auth_info,
    every_identity_follows_from_the_proven_key,
    a_missing_database_makes_no_session_anonymous,
    auth_info_works_only_as_login_shell_and_in_its_mode,
    doctor_names_what_a_mode_is_missing,
    init_and_sshd_config_create_what_a_mode_needs,
    the_pam_service_admits_the_login_and_no_other_account,
];

/// A hub in this mode, with the gateway as login shell.
fn hub(anonymous: &'static str) -> Hub {
    Hub::with(&setup(anonymous))
}

fn setup(anonymous: &'static str) -> Setup<'static> {
    Setup { anonymous, gateway_is_shell: true, ..Setup::default() }
}

/// `ssh -T` without `BatchMode`, so that ssh may answer questions.
#[track_caller]
fn greet(client: &Client) -> Outcome {
    client.ssh_with(&[], "", b"")
}

/// Every order of four items.
fn orders() -> Vec<[usize; 4]> {
    let mut orders = Vec::new();
    for code in 0..256 {
        let order = [code & 3, code >> 2 & 3, code >> 4 & 3, code >> 6 & 3];
        if (0..4).all(|number| order.contains(&number)) {
            orders.push(order);
        }
    }
    assert_eq!(orders.len(), 24);
    orders
}

/// Four keys in one agent, in every order: an unknown key, alice's key, alice's expired key, and bob's key.
/// `accepts_unknown` says whether sshd accepts the unknown key.
#[track_caller]
fn in_every_order(mode: &'static str, accepts_unknown: bool) {
    let hub = hub(mode);
    for user in ["alice", "bob"] {
        hub.did(&["user", "add", user]);
    }
    let [unknown, alice, expired, bob] = ["unknown", "alice", "expired", "bob"].map(Key::new);
    hub.add_key("alice", &alice, &[]);
    hub.add_key("alice", &expired, &[]);
    hub.add_key("bob", &bob, &[]);
    hub.sql("UPDATE key SET added_at = 0; UPDATE key SET expires_at = 86400 WHERE title = 'expired'");
    let keys = [&unknown, &alice, &expired, &bob];
    let answers = |client: &Client| -> [Expected; 4] {
        let over = format!("hubgate: the key \"expired\" ({}) expired on 1970-01-01\n", expired.fingerprint);
        let nobody = format!("hubgate: the key {} is on no account here\n{}", unknown.fingerprint, other_key(client));
        [says(hi("anonymous")).warning(nobody), says(hi("alice")), refused(over), says(hi("bob"))]
    };
    hub.log();
    for order in orders() {
        let agent = Agent::with(order.map(|index| keys[index]));
        let client = Client::with_agent(&hub, None, unknown.clone(), &agent);
        let first = order.into_iter().find(|index| accepts_unknown || *index != 0).expect("a known key");
        greet(&client).is(&answers(&client)[first]);
        // The session has the key that sshd logged as accepted.
        let log = hub.log();
        let sshd = hub.sshd_log();
        let accepted = sshd.lines().rev().find(|line| line.starts_with("Accepted publickey")).expect("a login");
        let fingerprint = &keys[first].fingerprint;
        assert!(accepted.ends_with(fingerprint.as_str()), "{order:?}: {accepted}");
        assert!(log.len() == 1 && log[0].fields.contains(&format!(" key={fingerprint} ")), "{order:?}: {log:?}");
    }
}

fn any_key_is_the_first_key_of_the_agent_in_every_order() {
    in_every_order("any-key", true);
}

fn login_is_the_first_known_key_of_the_agent_in_every_order() {
    in_every_order("login", false);
}

fn fallback_is_the_first_known_key_of_the_agent_in_every_order() {
    in_every_order("fallback", false);
}

fn off_is_the_first_known_key_of_the_agent_in_every_order() {
    in_every_order("off", false);
}

fn every_key_is_anonymous_on_the_anonymous_login() {
    let hub = hub("login");
    let (alice, bob, stranger) = (hub.user("alice"), hub.user("bob"), hub.stranger());
    hub.repo("alice/x", &[]);
    hub.repo("alice/secret", &["--private"]);
    hub.sql("UPDATE key SET expires_at = 86400 WHERE title = 'bob@laptop'");
    // An unknown key is rejected on the accounts' login.
    stranger.greet().is(&refused(denied(&stranger)).status(255));
    alice.greet().is(&says(hi("alice")));
    let nobody = &machine().anonymous_login;
    let as_nobody = ["-oBatchMode=yes", "-l", nobody];
    let hint = format!("hubgate: to use a registered key: ssh {}\n", alice.at);
    let is = format!("every connection to {nobody}@hub.test is anonymous");
    hub.log();
    for client in [&alice, &bob, &stranger] {
        let said = says(hi("anonymous")).warning(format!("hubgate: {is}\n{hint}"));
        client.ssh_with(&as_nobody, "", b"").is(&said);
        let key = &client.key.fingerprint;
        hub.logged(&[format!(
            "info hubgate: user=anonymous key={key} from=127.0.0.1 verb=greeting decision=allow reason=\"\""
        )]);
        let url = |path: &str| format!("{nobody}@hub.test:{path}");
        client.git(&["ls-remote", &url("alice/x")]).succeeded();
        let hidden = format!(
            "hubgate: repository not found, or you have no access to it\nhubgate: you are anonymous: {is}\n{hint}"
        );
        client.git(&["ls-remote", &url("alice/secret")]).is(&refused(hidden + GIT_GIVES_UP).status(128));
        let whoami = format!("anonymous, like everyone who connects as {nobody}\n");
        client.ssh_with(&as_nobody, "whoami", b"").is(&says(whoami));
        let needs = "hubgate: this needs an account: connect with a key that is on an account here\n";
        client.ssh_with(&as_nobody, "repo create alice/y", b"").is(&refused(needs));
        hub.log();
    }
    hub.did(&["key", "remove", &alice.key.fingerprint, "--compromised", "--yes"]);
    let compromised = format!("hubgate: the key {} was removed as compromised\n", alice.key.fingerprint);
    alice.ssh_with(&as_nobody, "", b"").is(&refused(compromised));
    // In other modes, the second name admits no key.
    hub.configure(&setup("any-key"));
    let denied = format!("{nobody}@127.0.0.1: Permission denied (publickey).\r\n");
    stranger.ssh_with(&as_nobody, "", b"").is(&refused(denied).status(255));
}

fn an_unknown_key_joins_an_account_on_the_anonymous_login() {
    let hub = hub("login");
    hub.did(&["user", "add", "alice"]);
    let code = hub.did(&["invite", "alice"]).lines().next().expect("a code").to_owned();
    let stranger = hub.stranger();
    let as_nobody = ["-oBatchMode=yes", "-l", &machine().anonymous_login];
    let joined = format!("your key {} is now on the account alice\n", stranger.key.fingerprint);
    stranger.ssh_with(&as_nobody, format!("join {code}"), b"").is(&says(joined));
    stranger.greet().is(&says(hi("alice")));
}

fn the_helper_answers_only_for_the_configured_logins() {
    let hub = hub("login");
    let (alice, stranger) = (hub.user("alice"), hub.stranger());
    let (login, nobody) = (hub.login.name.as_str(), machine().anonymous_login.as_str());
    let answer = |login: &str, client: &Client| {
        let (key_type, blob) = client.key.type_and_blob();
        hub.helper(&[login, key_type, blob])
    };
    let line = |forced_command: &str, client: &Client| {
        let (key_type, blob) = client.key.type_and_blob();
        let command = format!("{0}/libexec/gateway --config {0}/config.toml {forced_command}", hub.dir.display());
        says(format!("restrict,command=\"{command} --key {}\" {key_type} {blob}\n", client.key.fingerprint))
    };
    answer(login, &alice).is(&line("alice", &alice));
    answer(login, &stranger).is(&silent());
    answer(nobody, &alice).is(&line("anonymous", &alice));
    answer(nobody, &stranger).is(&line("anonymous", &stranger));
    let upper = nobody.to_uppercase();
    let longer = format!("{nobody}x");
    let blank = format!("{nobody} ");
    for other in ["", "anonymous", "root", &upper, &longer, &blank, &nobody[1..]] {
        answer(other, &alice).is(&silent());
        answer(other, &stranger).is(&silent());
    }
    for mode in ["any-key", "fallback", "off"] {
        hub.configure(&setup(mode));
        answer(nobody, &alice).is(&silent());
        answer(nobody, &stranger).is(&silent());
        answer(login, &alice).is(&line("alice", &alice));
    }
    answer(login, &stranger).is(&silent());
    hub.configure(&setup("fallback"));
    answer(login, &stranger).is(&silent());
}

/// A client without any key.
fn keyless(hub: &Hub) -> Client {
    Client::with_agent(hub, None, Key::new("in no agent"), &Agent::with([]))
}

/// git with an ssh that may use keyboard-interactive authentication.
#[track_caller]
fn git(client: &Client, words: &[&str]) -> Outcome {
    let mut git = client.git_command("");
    git.env("GIT_SSH_COMMAND", format!("ssh -F {}", client.ssh_config().display()));
    run(git.args(words))
}

fn a_client_without_a_known_key_falls_through_to_anonymous() {
    let hub = hub("fallback");
    let alice = hub.user("alice");
    hub.repo("alice/x", &[]);
    hub.repo("alice/secret", &["--private"]);
    let unknown = Key::new("unknown");
    let none = keyless(&hub);
    hub.log();
    let nobody = format!("hubgate: none of your keys is on an account here\n{}", other_key(&none));
    for client in [&none, &Client::new(&hub, None, unknown.clone())] {
        greet(client).is(&says(hi("anonymous")).warning(&nobody));
        hub.logged(&["info hubgate: user=anonymous key=- from=127.0.0.1 verb=greeting decision=allow reason=\"\""]);
        // With BatchMode, ssh does not try keyboard-interactive authentication.
        let login = &hub.login.name;
        let denied = format!("{login}@127.0.0.1: Permission denied (publickey,keyboard-interactive).\r\n");
        client.greet().is(&refused(denied).status(255));
    }
    git(&none, &["clone", "--quiet", &Client::url("alice/x")]).is(&silent());
    let you_are = format!("hubgate: you are anonymous: {}", nobody.trim_start_matches("hubgate: "));
    let hidden = format!("hubgate: repository not found, or you have no access to it\n{you_are}");
    git(&none, &["ls-remote", &Client::url("alice/secret")]).is(&refused(hidden + GIT_GIVES_UP).status(128));
    let read_only = format!("hubgate: you have no write access to alice/x\n{you_are}");
    none.commit("x", "file", "1");
    none.ssh_with(&[], "git-receive-pack 'alice/x'", b"").is(&refused(&read_only));
    none.ssh_with(&[], "whoami", b"").is(&says("anonymous, without a key\n"));
    let whoami = none.ssh_with(&[], "whoami --json", b"").succeeded().stdout();
    let whoami: serde_json::Value = serde_json::from_str(&whoami).expect("JSON");
    assert!(whoami["anonymous"] == true && whoami["key"]["fingerprint"].is_null(), "{whoami}");
    for (command, answer) in [
        ("repo create alice/y", "this needs an account: connect with a key that is on an account here"),
        ("key add", "this needs an account: connect with a key that is on an account here"),
        ("key release --yes", "you connected without a key"),
    ] {
        none.ssh_with(&[], command, b"").is(&refused(format!("hubgate: {answer}\n")));
    }
    greet(&alice).is(&says(hi("alice")));
    // The invitation names a command that works here: the client sends its key, since sshd proves none.
    let invitation = hub.did(&["invite", "alice"]);
    let command = format!("ssh {}@hub.test join ", hub.login.name);
    let (_, typed) = invitation.trim_end().split_once(&command).expect("a command");
    let (code, file) = typed.split_once(" < ").expect("a file");
    assert_eq!(file, "~/.ssh/id_ed25519.pub");
    assert_eq!(none.ssh_with(&[], format!("join {code}"), b"").status, 2);
    let joined = format!("your key {} is now on the account alice\n", unknown.fingerprint);
    none.ssh_with(&[], format!("join {code} my laptop"), unknown.line.as_bytes()).is(&says(joined));
    assert!(hub.did(&["key", "list", "alice"]).contains("my laptop"));
    greet(&Client::new(&hub, None, unknown)).is(&says(hi("alice")));
}

fn a_session_without_a_key_gets_no_shell_no_terminal_and_no_forwarding() {
    let hub = hub("fallback");
    let none = keyless(&hub);
    let unsupported = crate::texts::not_supported(&none);
    for command in ["id", "/bin/sh", "gateway alice --key x", "scp -t x"] {
        none.ssh_with(&[], command, b"").is(&refused(&unsupported).status(127));
    }
    // The words of a forced command are an ordinary command here.
    let alice = hub.user("alice");
    let words = format!(
        "{0}/libexec/gateway --config {0}/config.toml alice --key {1}",
        hub.dir.display(),
        alice.key.fingerprint
    );
    none.ssh_with(&[], words, b"").is(&refused(&unsupported).status(127));
    let sftp = run(none.command("sftp").arg("-F").arg(none.ssh_config()).arg("-b/dev/null").arg("hub.test"));
    assert!(sftp.status != 0 && sftp.stdout().is_empty(), "{sftp}");
    let forwarded = none.ssh_with(&["-W", &format!("127.0.0.1:{}", hub.port)], "", b"");
    assert!(forwarded.status == 255 && forwarded.stdout().is_empty(), "{forwarded}");
    let terminal = none.ssh_with(&["-tt"], "", b"");
    assert!(terminal.stderr().contains("PTY allocation request failed"), "{terminal}");
}

fn a_removed_key_stops_on_a_live_connection_that_uses_auth_info() {
    let hub = hub("fallback");
    let (alice, bob) = (hub.user("alice"), hub.user("bob"));
    let masters = [alice.master(), bob.master()];
    alice.greet().is(&says(hi("alice")));
    let key = &alice.key.fingerprint;
    hub.did(&["key", "remove", key, "--yes"]);
    alice.greet().is(&refused(format!("hubgate: the key {key} is no longer on the account alice\n")));
    // The client proved the key, which is now bob's, so the live connection has bob's account.
    hub.add_key("bob", &alice.key, &[]);
    alice.greet().is(&says(hi("bob")));
    hub.did(&["user", "disable", "bob", "--reason", "away"]);
    bob.greet().is(&refused("hubgate: the account bob is disabled: away\n"));
    drop(masters);
    hub.did(&["user", "enable", "bob"]);
    hub.did(&["key", "remove", key, "--yes"]);
    let nobody = format!("hubgate: none of your keys is on an account here\n{}", other_key(&alice));
    greet(&alice).is(&says(hi("anonymous")).warning(nobody));
}

fn every_identity_follows_from_the_proven_key() {
    let hub = hub("fallback");
    hub.did(&["user", "add", "alice"]);
    hub.did(&["org", "add", "acme", "--admin", "alice"]);
    hub.repo("acme/model", &["--private"]);
    let deploy = Key::new("deploy");
    let file = deploy.public_file();
    hub.did(&["deploy-key", "add", "acme/model", file.to_str().expect("UTF-8"), "--write"]);
    let client = Client::new(&hub, None, deploy);
    client.greet().is(&says(hi("deploy key of acme/model")));
    client.git(&["clone", "--quiet", &Client::url("acme/model"), "x"]).succeeded();
    client.commit("x", "a", "a\n");
    client.git_in("x", &["push", "--quiet", "origin", "HEAD:b"]).is(&silent());
    let authority = Key::new("authority");
    let file = authority.public_file();
    hub.did(&["org", "ca", "add", "acme", file.to_str().expect("UTF-8"), "--max-ttl", "2h"]);
    let certified = Client::new(&hub, Some("alice"), Key::new("certified"));
    let mut sign = Command::new("ssh-keygen");
    sign.arg("-q").arg("-s").arg(&authority.file).args(["-I", "x", "-V", "-1m:+1h", "-n", "alice"]);
    run(sign.arg(certified.key.public_file())).succeeded();
    let certificate = format!("    CertificateFile {}-cert.pub\n", certified.key.file.display());
    let config = fs::read_to_string(certified.ssh_config()).expect("ssh's configuration");
    fs::write(certified.ssh_config(), config + &certificate).expect("ssh's configuration");
    certified.greet().is(&says(hi("alice")));
    certified.git(&["ls-remote", &Client::url("acme/model")]).succeeded();
    certified
        .ssh("repo create acme/new")
        .is(&refused("hubgate: this needs a key on your account: a certificate cannot change anything here\n"));
    hub.did(&["org", "member", "set", "acme", "alice", "admin"]);
    hub.did(&["key", "remove", &client.key.fingerprint, "--compromised", "--yes"]);
    client.greet().is(&refused(format!("hubgate: the key {} was removed as compromised\n", client.key.fingerprint)));
}

fn a_missing_database_makes_no_session_anonymous() {
    let hub = hub("fallback");
    let (alice, none, stranger) = (hub.user("alice"), keyless(&hub), hub.stranger());
    let master = stranger.master_with(&[]);
    for suffix in ["", "-wal", "-shm"] {
        let file = format!("db/hubgate.db{suffix}");
        fs::rename(hub.path(&file), hub.path(&format!("{file}.away"))).expect("a rename");
    }
    for client in [&alice, &none, &stranger] {
        greet(client).is_unavailable();
    }
    drop(master);
    // sshd accepted the unknown key while the database was missing. The session stays unavailable afterwards.
    let master = stranger.master();
    for suffix in ["", "-wal", "-shm"] {
        let file = format!("db/hubgate.db{suffix}");
        fs::rename(hub.path(&format!("{file}.away")), hub.path(&file)).expect("a rename");
    }
    stranger.greet().is_unavailable();
    drop(master);
    assert!(greet(&stranger).succeeded().stdout().starts_with("Hi anonymous"));
    greet(&alice).is(&says(hi("alice")));
}

fn auth_info_works_only_as_login_shell_and_in_its_mode() {
    let hub = hub("fallback");
    let (alice, none) = (hub.user("alice"), keyless(&hub));
    // Otherwise, a lost ForceCommand under another shell would make sessions anonymous.
    let reference = run(hub.gateway_command().arg("--auth-info")).is_fault();
    let log = hub.log();
    assert_eq!((log[0].level, log[0].sid.as_deref()), ("critical", Some(reference.as_str())));
    assert!(log[0].fields.contains("--auth-info needs the gateway as login shell"), "{log:?}");
    // Without `$SSH_USER_AUTH`, the session has no identity.
    let command = format!("{0}/libexec/gateway --config {0}/config.toml --auth-info", hub.dir.display());
    let direct = |file: Option<&str>| {
        let mut gateway = hub.as_login(&hub.path("libexec/gateway"));
        gateway.env("SSH_CONNECTION", "127.0.0.1 40000 127.0.0.1 22").args(["-c", &command]);
        if let Some(file) = file {
            gateway.env("SSH_USER_AUTH", file);
        }
        run(&mut gateway).is_fault();
    };
    direct(None);
    direct(Some("/tmp/sshauth.none"));
    hub.log();
    // After the operator turns the mode off, only accounts are served, also on live connections.
    let _master = none.master_with(&[]);
    for mode in ["off", "login", "any-key"] {
        hub.configure(&setup(mode));
        greet(&alice).is(&says(hi("alice")));
        greet(&none).is(&refused("hubgate: sessions without a registered key are no longer accepted\n"));
        none.ssh_with(&[], "whoami", b"")
            .is(&refused("hubgate: sessions without a registered key are no longer accepted\n"));
    }
}

fn doctor_names_what_a_mode_is_missing() {
    let hub = hub("login");
    let doctor = || {
        let file = hub.path("sshd_config");
        hub.hubgate(&["doctor", "--sshd-config", file.to_str().expect("UTF-8")])
    };
    let (login, nobody) = (&hub.login.name, &machine().anonymous_login);
    let well = doctor();
    assert!(well.succeeded().stdout().contains(&format!("{nobody} is a second name of {login}\n")), "{well}");
    let config = fs::read_to_string(hub.config()).expect("a configuration");
    let broken = |from: &str, to: &str, lines: &[&str]| {
        fs::write(hub.config(), config.replace(from, to)).expect("a configuration");
        let outcome = doctor();
        assert_eq!(outcome.status, 1, "{outcome}");
        for line in lines {
            assert!(outcome.stdout().contains(line), "no {line:?}: {outcome}");
        }
    };
    let init = format!("hubgate --config {} init", hub.config().display());
    broken(nobody, "nobody-else", &["there is no account nobody-else", &format!("fix:           {init}\n")]);
    let other = &machine().login.name;
    broken(
        &format!("anonymous_login = {nobody:?}"),
        &format!("anonymous_login = {other:?}"),
        &[
            &format!("{other} is "),
            &format!("not a second name of {login}"),
            &format!("fix:           userdel {other} && {init}\n"),
        ],
    );
    broken(
        "anonymous = \"login\"",
        "anonymous = \"fallback\"",
        &[
            "forcecommand should be ",
            "kbdinteractiveauthentication should be yes, sshd has no",
            "authenticationmethods should be publickey keyboard-interactive:pam, sshd has publickey",
            "usepam should be yes, sshd has no",
            "/etc/pam.d/hubgate-sshd: No such file or directory",
            "fix:           rm -f /etc/pam.d/hubgate-sshd && hubgate --config ",
            "fix:           sed -i -e '",
        ],
    );
    drop(hub);
    // The reverse, and a login shell that is not the gateway.
    let hub = Hub::with(&Setup { anonymous: "fallback", ..Setup::default() });
    let file = hub.path("sshd_config");
    let doctor = || hub.hubgate(&["doctor", "--sshd-config", file.to_str().expect("UTF-8")]).stdout();
    let text = doctor();
    let login = &hub.login.name;
    assert!(text.contains(&format!("needs the gateway as login shell, and that of {login} is /bin/sh\n")), "{text}");
    let gateway = hub.path("libexec/gateway");
    assert!(text.contains(&format!("fix:           usermod --shell {} {login}\n", gateway.display())), "{text}");
    hub.configure(&Setup::default());
    let text = doctor();
    for line in [
        "forcecommand should be none, sshd has ",
        "kbdinteractiveauthentication should be no, sshd has yes",
        "authenticationmethods should be publickey, sshd has publickey keyboard-interactive:pam",
    ] {
        assert!(text.contains(line), "no {line:?}: {text}");
    }
}

fn init_and_sshd_config_create_what_a_mode_needs() {
    let hub = Hub::new();
    let outcome = on_a_fresh_machine(
        &hub,
        "hubgate init >/dev/null\n\
         ! getent passwd anonymous >/dev/null || userdel anonymous\n\
         mode() { sed -i \"s/^#*anonymous = .*/anonymous = \\\"$1\\\"/\" /etc/hubgate/config.toml; }\n\
         mode login\nhubgate init | head -1\nhubgate init | head -1\n\
         test $(id -u git) = $(id -u anonymous) && test $(id -g git) = $(id -g anonymous)\n\
         getent passwd git anonymous | cut -d: -f1,6,7\ngetent shadow anonymous | cut -d: -f1,2\n\
         hubgate sshd-config | grep '^Match User'\n\
         mode fallback\nhubgate sshd-config | grep -E 'ForceCommand|UsePAM'\n\
         status=0; hubgate sshd-config --install >/dev/null || status=$?\n\
         echo $status $(grep -c 'user = git$' /etc/pam.d/hubgate-sshd 2>/dev/null)\n\
         ls /etc/ssh/sshd_config.d | grep hubgate || true\n",
    );
    let common = "created the login account anonymous, a second name of git\nnothing is missing\n\
                  git:/var/lib/hubgate:/usr/libexec/hubgate/gateway\n\
                  anonymous:/var/lib/hubgate:/usr/libexec/hubgate/gateway\nanonymous:*\n\
                  Match User git,anonymous\n\
                  UsePAM yes\n    ForceCommand /usr/libexec/hubgate/gateway --auth-info\n";
    if machine().sshd_version >= Version(9, 8) {
        outcome.is(&says(format!("{common}0 1\n50-hubgate.conf\n")));
    } else {
        // sshd cannot be told the service's name: nothing is installed, and one sentence says why.
        let version = machine().sshd_version;
        outcome.is(&says(format!("{common}1\n")).warning(format!(
            "hubgate: OpenSSH {version} takes the PAM service from its program name: anonymous = \"fallback\" needs a \
             separate sshd; write its configuration with hubgate sshd-config --standalone --install\n"
        )));
    }
}

/// The shipped service, asked by PAM itself. It reads the services of a directory of this test.
fn the_pam_service_admits_the_login_and_no_other_account() {
    let hub = hub("fallback");
    let directory = hub.path("pam.d");
    fs::create_dir(&directory).expect("a directory");
    let login = hub.login.name.as_str();
    fs::write(directory.join("hubgate-sshd"), hubgate::operator::pam::text(login)).expect("a service");
    let script = r"
import ctypes, sys
pam = ctypes.CDLL('libpam.so.0')
conversing = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)
asked = []
class Conversation(ctypes.Structure):
    _fields_ = [('ask', conversing), ('data', ctypes.c_void_p)]
conversation = Conversation(conversing(lambda *_: asked.append(1) or 19), None)
for user in sys.argv[2:]:
    handle = ctypes.c_void_p()
    words = [word.encode() for word in ('hubgate-sshd', user)]
    started = pam.pam_start_confdir(*words, ctypes.byref(conversation), sys.argv[1].encode(), ctypes.byref(handle))
    print(user, started, pam.pam_authenticate(handle, 0) == 0, len(asked))
    pam.pam_end(handle, 0)
";
    let mut python = Command::new("python3");
    python.args(["-c", script]).arg(&directory).args([
        login,
        "root",
        &machine().keys.name,
        &format!("{login}x"),
        "git",
    ]);
    let said = format!(
        "{login} 0 True 0\nroot 0 False 0\n{} 0 False 0\n{login}x 0 False 0\ngit 0 False 0\n",
        machine().keys.name
    );
    run(&mut python).is(&says(said));
}
