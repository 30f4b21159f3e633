//! Certificates of an organization's CA, made by ssh-keygen: which certificates open an account, and why others do not.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::access::lfs_batch;
use crate::accounts::json_of;
use crate::harness::{Agent, Client, Hub, Key, Setup, refused, run, says, silent, trials};
use crate::revocation::{PROMISED, Running};
use crate::texts::{certificate, hi, not_found, unknown_key};

trials![
    a_certificate_reads_and_writes_its_organization_but_changes_no_state,
    a_certificate_does_not_tell_what_its_account_may_do_elsewhere,
    an_invalid_certificate_is_skipped_and_the_log_says_why,
    a_certificate_that_becomes_invalid_on_a_live_connection_is_refused_with_the_reason,
    a_key_is_either_a_ca_or_an_accounts_key,
    a_ca_that_expires_signs_nothing_and_its_sessions_end,
    a_certificate_that_its_own_key_hides_is_not_lost_silently,
    without_the_database_a_certificate_is_skipped_and_its_key_reads_that_the_hub_is_unavailable,
];

/// The organization acme with its CA, and its members alice and bob.
struct Acme {
    hub: Hub,
    authority: Key,
}

impl Acme {
    fn new() -> Self {
        let hub = Hub::new();
        for user in ["alice", "bob", "mallory"] {
            hub.did(&["user", "add", user]);
        }
        hub.did(&["org", "add", "acme", "--admin", "alice"]);
        hub.did(&["org", "member", "set", "acme", "bob", "read"]);
        let authority = Key::new("authority");
        let file = authority.public_file();
        hub.did(&["org", "ca", "add", "acme", file.to_str().expect("UTF-8"), "--max-ttl", "2h"]);
        Self { hub, authority }
    }

    /// A client with a certificate that is signed with these ssh-keygen options.
    #[track_caller]
    fn certified(&self, options: &[&str]) -> Client {
        self.signed_by(&self.authority, options)
    }

    #[track_caller]
    fn signed_by(&self, authority: &Key, options: &[&str]) -> Client {
        let client = Client::new(&self.hub, Some("alice"), Key::new("certified"));
        let mut sign = Command::new("ssh-keygen");
        sign.arg("-q").arg("-s").arg(&authority.file).args(["-I", "alice at work"]).args(options);
        run(sign.arg(client.key.public_file())).succeeded();
        let certificate = format!("    CertificateFile {}-cert.pub\n", client.key.file.display());
        let config = fs::read_to_string(client.ssh_config()).expect("ssh's configuration");
        fs::write(client.ssh_config(), config + &certificate).expect("ssh's configuration");
        client
    }
}

fn a_certificate_reads_and_writes_its_organization_but_changes_no_state() {
    let acme = Acme::new();
    let hub = &acme.hub;
    hub.repo("acme/model", &["--private"]);
    hub.repo("alice/own", &["--private"]);
    hub.repo("alice/open", &[]);
    let good = acme.certified(&["-n", "alice", "-z", "1", "-V", "-1m:+1h"]);
    hub.log();
    good.greet().is(&says(hi("alice")));
    let ca = &acme.authority.fingerprint;
    hub.logged(&[format!("info hubgate: user=alice key={ca} from=127.0.0.1 verb=greeting decision=allow reason=\"\"")]);
    good.git(&["clone", "--quiet", &Client::url("acme/model")]).is(&silent());
    good.commit("model", "a", "a\n");
    good.git_in("model", &["push", "--quiet", "origin", "HEAD:b"]).is(&silent());
    good.git(&["clone", "--quiet", &Client::url("alice/open")]).is(&silent());
    let you_are = format!("hubgate: you are alice, by a certificate of {ca}\n");
    let hidden = format!("hubgate: repository not found, or you have no access to it\n{you_are}");
    good.ssh("git-upload-pack 'alice/own'").is(&refused(hidden));
    let read_only = format!("hubgate: you have no write access to alice/open\n{you_are}");
    good.ssh("git-receive-pack 'alice/open'").is(&refused(read_only));
    good.ssh("whoami").is(&says(format!("alice by a certificate of {ca}\n")));
    let changes = refused("hubgate: this needs a key on your account: a certificate cannot change anything here\n");
    for command in ["repo create acme/new", "key add", "repo remove acme/model --yes", "org member remove acme bob"] {
        good.ssh(command).is(&changes);
    }
    // It shows nothing else of its account.
    let shows = "hubgate: this needs a key on your account: a certificate shows only what concerns its organization\n";
    good.ssh("key list").is(&refused(shows));
    // A certificate has no more rights than its account.
    let reader = acme.certified(&["-n", "bob", "-V", "-1m:+1h"]);
    reader.greet().is(&says(hi("bob")));
    let read_only =
        format!("hubgate: you have no write access to acme/model\nhubgate: you are bob, by a certificate of {ca}\n");
    reader.ssh("git-receive-pack 'acme/model'").is(&refused(read_only));
    // Options that sshd itself enforces.
    let near = acme.certified(&["-n", "alice", "-V", "-1m:+1h", "-O", "source-address=127.0.0.1/32"]);
    near.greet().is(&says(hi("alice")));
}

/// `explain` says the same for a member with every kind of grant elsewhere as for a member without any.
fn a_certificate_does_not_tell_what_its_account_may_do_elsewhere() {
    let acme = Acme::new();
    let hub = &acme.hub;
    hub.did(&["org", "member", "set", "acme", "mallory", "read"]);
    hub.did(&["org", "add", "other", "--admin", "alice"]);
    for (path, more) in [
        ("acme/model", &["--private"][..]),
        ("other/public", &[]),
        ("other/private", &["--private"]),
        ("other/accepted", &["--gated", "manual"]),
        ("other/rejected", &["--gated", "manual"]),
        ("bob/own", &[]),
    ] {
        hub.did(&[&["repo", "create", path], more].concat());
    }
    let by = |user: &str| acme.certified(&["-n", user, "-V", "-1m:+1h"]);
    let (bob, mallory) = (by("bob"), by("mallory"));
    let told = |client: &Client, user: &str, path: &str, what: &str| {
        let outcome = client.ssh(format!("explain {path} {what}"));
        (outcome.status, outcome.stdout().replace(user, "USER"), outcome.stderr().replace(user, "USER"))
    };
    hub.did(&["access", "grant", "other/accepted", "bob"]);
    hub.did(&["access", "reject", "other/rejected", "bob"]);
    hub.did(&["repo", "collaborator", "set", "other/public", "bob", "read", "--until", "2999-01-01"]);
    for role in ["no_access", "admin"] {
        hub.did(&["org", "member", "set", "other", "bob", role]);
        for path in ["other/public", "other/private", "other/accepted", "other/rejected"] {
            for what in ["fetch", "push"] {
                assert_eq!(
                    told(&bob, "bob", path, what),
                    told(&mallory, "mallory", path, what),
                    "{role} {path} {what}"
                );
            }
        }
    }
    let public = "identity: by a certificate, account bob\na certificate counts only in its organization\n\
                  bob/own is public\ndeny: may fetch, may not push\n";
    assert_eq!(bob.ssh("explain bob/own push").stdout(), public);
    let own = "identity: by a certificate, account bob\nbob has the role read in acme\nacme/model is private\n\
               allow: fetch\n";
    assert_eq!(bob.ssh("explain acme/model fetch").stdout(), own);
}

fn an_invalid_certificate_is_skipped_and_the_log_says_why() {
    let acme = Acme::new();
    let hub = &acme.hub;
    let other = Key::new("other authority");
    hub.did(&["org", "ca", "revoke", "acme", "13"]);
    hub.did(&["org", "ca", "revoke", "acme", "lost laptop"]);
    hub.did(&["org", "member", "set", "acme", "mallory", "read"]);
    hub.did(&["org", "member", "remove", "acme", "mallory"]);
    let hour = "-1m:+1h";
    let short = |cause: &str| format!("decision=deny reason=certificate cause=\"{cause}\"");
    for (authority, options, cause) in [
        (&acme.authority, &["-n", "alice", "-V", "-2h:-1h"][..], "it has expired"),
        (&acme.authority, &["-n", "alice", "-V", "+10m:+20m"], "it is not valid yet"),
        (&acme.authority, &["-n", "alice", "-V", "-1m:+3h"], "its lifetime is longer than its CA allows"),
        (&acme.authority, &["-n", "mallory", "-V", hour], "its principal is not a member of the organization"),
        (&acme.authority, &["-n", "nobody", "-V", hour], "its principal is not a member of the organization"),
        (&acme.authority, &["-n", "ALICE", "-V", hour], "its principal is not a member of the organization"),
        (&other, &["-n", "alice", "-V", hour], "its CA belongs to no organization here"),
        (&acme.authority, &["-n", "alice", "-V", hour, "-z", "13"], "it was revoked"),
        (&acme.authority, &["-n", "alice", "-V", hour, "-I", "lost laptop"], "it was revoked"),
    ] {
        let bad = acme.signed_by(authority, options);
        hub.log();
        // The client's own key comes next and is unknown.
        assert!(bad.greet().succeeded().stdout().starts_with("Hi anonymous"), "{options:?}");
        let log: Vec<String> = hub.log().iter().map(ToString::to_string).collect();
        let key = format!("key={} ca={}", bad.key.fingerprint, authority.fingerprint);
        assert!(log[0].starts_with("notice hubgate-keys: user=") && log[0].contains(&key), "{log:?}");
        assert!(log[0].ends_with(&short(cause)) && log.len() == 2, "{log:?}\nexpected: {cause}");
    }
    // Certificates that are rejected before the database is consulted, so the log has fewer fields.
    for (options, cause) in [
        (&["-n", "alice"][..], "it never expires: sign it with ssh-keygen -V"),
        (&["-V", hour], "it has 0 principals instead of one: sign it with ssh-keygen -n USER"),
        (&["-n", "alice,mallory", "-V", hour], "it has 2 principals instead of one: sign it with ssh-keygen -n USER"),
        (&["-n", "a/b", "-V", hour], "its principal is not a valid account name"),
    ] {
        let bad = acme.certified(options);
        hub.log();
        assert!(bad.greet().succeeded().stdout().starts_with("Hi anonymous"), "{options:?}");
        let log: Vec<String> = hub.log().iter().map(ToString::to_string).collect();
        assert!(log.len() == 2 && log[0] == format!("notice hubgate-keys: {}", short(cause)), "{log:?}");
    }
    // Certificates that sshd itself rejects.
    for options in [
        &["-n", "alice", "-V", hour, "-O", "source-address=192.0.2.0/24"][..],
        &["-n", "alice", "-V", hour, "-O", "force-command=id"],
        &["-h", "-n", "alice", "-V", hour],
    ] {
        let bad = acme.certified(options);
        assert!(bad.greet().succeeded().stdout().starts_with("Hi anonymous"), "{options:?}");
    }
    // An invalid certificate does not hide a registered key that comes next.
    let bad = acme.certified(&["-n", "mallory", "-V", hour]);
    hub.add_key("bob", &bad.key, &[]);
    bad.greet().is(&says(hi("bob")));
    // Without another key, the client is denied.
    hub.configure(&Setup { anonymous: "off", ..Setup::default() });
    let bad = acme.certified(&["-n", "alice", "-V", "-2h:-1h"]);
    bad.greet().is(&refused(crate::texts::denied(&bad)).status(255));
}

fn a_certificate_that_becomes_invalid_on_a_live_connection_is_refused_with_the_reason() {
    let acme = Acme::new();
    let hub = &acme.hub;
    let sign = |serial: &str| acme.certified(&["-n", "alice", "-z", serial, "-V", "-1m:+1h"]);
    let [revoked, disabled, compromised, ended] = ["1", "2", "3", "4"].map(sign);
    let masters = [&revoked, &disabled, &compromised, &ended].map(Client::master);
    let is = |client: &Client, line: &str| client.greet().is(&refused(format!("hubgate: {line}\n")));
    hub.did(&["org", "ca", "revoke", "acme", "1"]);
    is(&revoked, "the certificate is not valid: it was revoked");
    disabled.greet().is(&says(hi("alice")));
    hub.did(&["user", "disable", "alice", "--reason", "away"]);
    is(&disabled, "the account alice is disabled: away");
    hub.did(&["user", "enable", "alice"]);
    hub.add_key("bob", &compromised.key, &[]);
    hub.did(&["key", "remove", &compromised.key.fingerprint, "--compromised", "--yes"]);
    is(&compromised, "the certificate is not valid: its key was removed as compromised");
    ended.greet().is(&says(hi("alice")));
    hub.did(&["org", "ca", "remove", "acme", &acme.authority.fingerprint, "--yes"]);
    is(&ended, "the certificate is not valid: its CA has expired or was removed");
    drop(masters);
}

fn a_ca_that_expires_signs_nothing_and_its_sessions_end() {
    let acme = Acme::new();
    let hub = &acme.hub;
    hub.repo("acme/model", &["--private"]);
    let ca = &acme.authority.fingerprint;
    let file = acme.authority.public_file();
    let add = |more: &[&str]| {
        hub.did(&["org", "ca", "remove", "acme", ca, "--yes"]);
        hub.did(&[&["org", "ca", "add", "acme", file.to_str().expect("UTF-8")], more].concat())
    };
    let said = add(&["--expires", "30d"]);
    assert!(
        said.starts_with(&format!("acme accepts certificates of {ca}, valid for at most 86400 s, until 2")),
        "{said}"
    );
    let client = acme.certified(&["-n", "alice", "-V", "-1m:+1h"]);
    client.greet().is(&says(hi("alice")));
    let list = json_of(hub, &["org", "ca", "list", "acme"]);
    assert_eq!((list.as_array().map(Vec::len), &list[0]["expires_at"]), (Some(1), &json!("TIME")));
    add(&["--expires", "6s"]);
    let session = Running::open(&client, "git-upload-pack 'acme/model'");
    let begin = Instant::now();
    let errors = session.ended(Duration::from_secs(6) + PROMISED, "an expired CA");
    assert!(begin.elapsed() > Duration::from_secs(2), "the session did not end before its CA did");
    assert_eq!(errors, "hubgate: the certificate is not valid: its CA has expired or was removed\n");
    hub.log();
    assert!(client.greet().succeeded().stdout().starts_with("Hi anonymous"));
    let log: Vec<String> = hub.log().iter().map(ToString::to_string).collect();
    let cause = "decision=deny reason=certificate cause=\"its CA has expired or was removed\"";
    assert!(log[0].ends_with(cause), "{log:?}");
    assert_eq!(json_of(hub, &["org", "ca", "list", "acme"]), json!([]));
}

fn a_key_is_either_a_ca_or_an_accounts_key() {
    let acme = Acme::new();
    let hub = &acme.hub;
    let fingerprint = &acme.authority.fingerprint;
    let file = acme.authority.public_file();
    let file = file.to_str().expect("UTF-8");
    let in_use =
        format!("hubgate: the key {fingerprint} is already in use: it signs the certificates of an organization\n");
    hub.hubgate(&["key", "add", "alice", file]).is(&refused(&in_use));
    hub.repo("acme/model", &[]);
    hub.hubgate(&["deploy-key", "add", "acme/model", file]).is(&refused(&in_use));
    let bob = Key::new("bob@laptop");
    hub.add_key("bob", &bob, &[]);
    let client = Client::new(hub, Some("bob"), bob.clone());
    let line = format!("{}\n", acme.authority.line);
    client.ssh_with(&["-oBatchMode=yes"], "key add", line.as_bytes()).is(&refused(&in_use));
    // A CA's key cannot join an account by an invitation either.
    let code = hub.did(&["invite", "mallory"]).lines().next().expect("a code").to_owned();
    let authority = Client::new(hub, None, acme.authority.clone());
    authority.ssh(format!("join {code}")).is(&refused(&in_use));
    // Nor can an account's key become a CA.
    let file = bob.public_file();
    let add = ["org", "ca", "add", "acme", file.to_str().expect("UTF-8")];
    hub.hubgate(&add).is(&refused(format!("hubgate: the key {} is already in use\n", bob.fingerprint)));
}

/// Every way to name a certificate to ssh, and whether ssh offers it before the plain key.
fn a_certificate_that_its_own_key_hides_is_not_lost_silently() {
    let hub = Hub::with(&Setup { gateway_is_shell: true, ..Setup::default() });
    let key = Key::new("certified");
    let client = Client::new(&hub, None, key.clone());
    hub.did(&["user", "add", "alice"]);
    hub.did(&["org", "add", "acme", "--admin", "alice"]);
    hub.repo("acme/model", &["--private"]);
    // Without a CA there is nothing to hide.
    client.greet().is(&says(hi("anonymous")).warning(unknown_key(&client)));
    client.ssh("git-upload-pack 'acme/model'").is(&refused(not_found(&client)));
    let authority = Key::new("authority");
    let ca = authority.public_file();
    hub.did(&["org", "ca", "add", "acme", ca.to_str().expect("UTF-8")]);
    let mut sign = Command::new("ssh-keygen");
    sign.arg("-q").arg("-s").arg(&authority.file).args(["-I", "alice", "-n", "alice", "-V", "-1m:+1h"]);
    run(sign.arg(key.public_file())).succeeded();
    let plain = key.file.display().to_string();
    let cert = format!("{plain}-cert.pub");
    let config = fs::read_to_string(client.ssh_config()).expect("ssh's configuration");
    let offer = |options: &str| fs::write(client.ssh_config(), format!("{config}{options}")).expect("a file");
    let anonymous = says(hi("anonymous")).warning(format!("{}{}", unknown_key(&client), certificate(&client)));
    // ssh's configuration names the key, and ssh finds the certificate beside it.
    for only in ["yes", "no"] {
        let with = |options: &[&str]| client.ssh_with(&[&["-oBatchMode=yes"], options].concat(), "", b"");
        let only = format!("-oIdentitiesOnly={only}");
        with(&[&only]).is(&anonymous);
        with(&[&only, "-i", &plain]).is(&anonymous);
        // What the hub tells the client to use.
        with(&[&only, &format!("-oCertificateFile={cert}"), "-i", &plain]).is(&says(hi("alice")));
        with(&[&only, &format!("-oCertificateFile={cert}")]).is(&says(hi("alice")));
    }
    offer(&format!("    CertificateFile {cert}\n"));
    client.greet().is(&says(hi("alice")));
    offer("");
    // An agent with both offers the key first too.
    let agent = Agent::with([&key]);
    let with_agent = Client::with_agent(&hub, None, key.clone(), &agent);
    with_agent.greet().is(&anonymous);
    // Each refusal says it: in git, in LFS and in account commands.
    let lost = format!("{}{}", not_found(&client), certificate(&client));
    client.ssh("git-upload-pack 'acme/model'").is(&refused(&lost));
    client.ssh("repo show acme/model").is(&refused(&lost));
    client.ssh("git-upload-pack 'acme/missing'").is(&refused(&lost));
    let lfs = client.ssh_with(&[], "git-lfs-transfer acme/model download", &lfs_batch());
    assert!(String::from_utf8_lossy(&lfs.stdout).contains("to use a certificate: ssh -o CertificateFile="), "{lfs}");
    let doctor = hub.hubgate(&["--json", "doctor", "--sshd-config", &hub.path("sshd_config").display().to_string()]);
    let findings: serde_json::Value = serde_json::from_slice(&doctor.stdout).expect("findings");
    let of = |findings: &serde_json::Value| {
        findings
            .as_array()
            .expect("a list")
            .iter()
            .filter(|finding| finding["check"] == "certificates")
            .cloned()
            .collect::<Vec<_>>()
    };
    assert_eq!(of(&findings).len(), 1, "{findings:#}");
    assert_eq!(of(&findings)[0]["state"], "warning", "{findings:#}");
    // The other modes go on to the certificate, so they say nothing.
    for mode in ["off", "fallback"] {
        hub.configure(&Setup { anonymous: mode, gateway_is_shell: true, ..Setup::default() });
        client.greet().is(&says(hi("alice")));
        with_agent.greet().is(&says(hi("alice")));
        let doctor =
            hub.hubgate(&["--json", "doctor", "--sshd-config", &hub.path("sshd_config").display().to_string()]);
        let findings = serde_json::from_slice(&doctor.stdout).expect("findings");
        assert!(of(&findings).is_empty(), "{mode}");
    }
}

fn without_the_database_a_certificate_is_skipped_and_its_key_reads_that_the_hub_is_unavailable() {
    let acme = Acme::new();
    let hub = &acme.hub;
    let certified = acme.certified(&["-n", "alice", "-V", "-1m:+1h"]);
    certified.greet().is(&says(hi("alice")));
    let away = |from: &str, to: &str| fs::rename(hub.path(from), hub.path(to)).expect("a rename");
    away("db/hubgate.db", "db/away");
    hub.log();
    certified.greet().is_unavailable();
    let faults = hub.log().iter().filter(|entry| entry.program == "hubgate-keys").count();
    assert!(faults >= 2, "one for the certificate, and one for the key");
    away("db/away", "db/hubgate.db");
    certified.greet().is(&says(hi("alice")));
}
