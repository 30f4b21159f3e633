//! `hubgate host-keys`: what it prints is what ssh-keygen says of the keys, and what ssh accepts from the server.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::harness::{Hub, Key, KeyKind, machine, refused, run, says, trials};
use crate::operator::on_a_fresh_machine;
use crate::texts::hi;

trials![
    host_keys_are_those_that_ssh_keygen_names,
    ssh_accepts_the_server_by_the_lines_for_known_hosts,
    a_public_file_of_another_key_is_not_believed,
    host_keys_are_those_of_the_sshd_that_serves_the_hub,
];

/// `host-keys` about this configuration file of sshd.
fn host_keys<'a>(file: &'a Path, words: &[&'a str]) -> Vec<&'a str> {
    [&["host-keys", "--sshd-config", file.to_str().expect("UTF-8")], words].concat()
}

/// sshd's configuration of the hub with other host keys.
fn with_keys(hub: &Hub, keys: &[&Key]) -> std::path::PathBuf {
    let text = fs::read_to_string(hub.path("sshd_config")).expect("a file");
    let own = text.lines().filter(|line| !line.starts_with("HostKey ")).map(|line| format!("{line}\n"));
    let lines = keys.iter().map(|key| format!("HostKey {}\n", key.file.display()));
    let file = hub.path("other_sshd_config");
    fs::write(&file, lines.chain(own).collect::<String>()).expect("a file");
    file
}

/// A setting of the configuration.
fn set(hub: &Hub, before: &str, after: &str) {
    let text = fs::read_to_string(hub.config()).expect("a file");
    assert!(text.contains(before), "{text}");
    fs::write(hub.config(), text.replace(before, after)).expect("a file");
}

fn keygen(words: &[&str], key: &Key) -> String {
    run(Command::new("ssh-keygen").args(words).arg("-f").arg(&key.file)).succeeded().stdout()
}

fn host_keys_are_those_that_ssh_keygen_names() {
    let hub = Hub::new();
    let of = |name, bits| Key::of_kind(KeyKind { name, bits });
    let keys = [Key::new("a comment, \"quoted\""), of("ecdsa", "384"), of("rsa", "3072")];
    let file = with_keys(&hub, &keys.each_ref());
    let [first, second, third] = keys.each_ref().map(|key| key.fingerprint.as_str());
    let list = format!("TYPE     FINGERPRINT\nED25519  {first}\nECDSA    {second}\nRSA      {third}\n");
    hub.hubgate(&host_keys(&file, &[])).is(&says(list));
    // ssh-keygen also prints SHA-1, and names the host as it is told.
    let records = keys.iter().map(|key| {
        let both = keygen(&["-r", "hub.test."], key);
        both.lines().find(|line| line.split(' ').nth(4) == Some("2")).expect("SHA-256").to_owned() + "\n"
    });
    hub.hubgate(&host_keys(&file, &["--sshfp"])).is(&says(records.collect::<String>()));
    let line = |key: &Key| {
        let (kind, blob) = key.type_and_blob();
        format!("{kind} {blob}")
    };
    let lines = keys.iter().map(|key| format!("hub.test {}\n", line(key)));
    hub.hubgate(&host_keys(&file, &["--known-hosts"])).is(&says(lines.collect::<String>()));
    let json: Value = serde_json::from_str(&hub.did(&host_keys(&file, &["--json"]))).expect("JSON");
    assert_eq!((json["host"].as_str(), json["port"].as_u64()), (Some("hub.test"), Some(22)), "{json}");
    for (key, object) in keys.iter().zip(json["keys"].as_array().expect("an array")) {
        assert_eq!(object["type"], key.type_and_blob().0);
        assert_eq!(object["fingerprint"], key.fingerprint);
        assert_eq!(object["public_key"], line(key));
        assert_eq!(object["known_hosts"], format!("hub.test {}", line(key)));
        assert!(object["sshfp"].as_str().is_some_and(|record| record.starts_with("hub.test. IN SSHFP ")), "{json}");
    }
    // A record of a name cannot name an address.
    set(&hub, "host = \"hub.test\"", "host = \"192.0.2.1\"");
    let problem = "hubgate: [hub] host is the address 192.0.2.1: SSHFP records belong to a host name\n";
    hub.hubgate(&host_keys(&file, &["--sshfp"])).is(&refused(problem));
    let json: Value = serde_json::from_str(&hub.did(&host_keys(&file, &["--json"]))).expect("JSON");
    assert!(json["keys"][0]["sshfp"].is_null(), "{json}");
    // Only root can read the private keys.
    let mut command = hub.as_login(&crate::programs::program("hubgate"));
    let outcome = run(command.arg("--config").arg(hub.config()).arg("host-keys"));
    assert!(outcome.status == 1 && outcome.stderr().contains("run this command as root"), "{outcome}");
}

fn ssh_accepts_the_server_by_the_lines_for_known_hosts() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    // Port and address as the client uses them.
    set(&hub, "host = \"hub.test\"", "host = \"127.0.0.1\"");
    set(&hub, "[ssh]\n", &format!("[ssh]\nport = {}\n", hub.port));
    let file = hub.path("sshd_config");
    let lines = hub.did(&host_keys(&file, &["--known-hosts"]));
    // Without the comment of the key.
    assert_eq!(format!("{} host", lines.trim_end()), format!("[127.0.0.1]:{} {}", hub.port, machine().host_key));
    let greet = || {
        let mut ssh = alice.command("ssh");
        ssh.args(["-F", "none", "-T", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes"]);
        ssh.args(["-o", "GlobalKnownHostsFile=none", "-o", "IdentitiesOnly=yes"]);
        ssh.arg("-o").arg(format!("UserKnownHostsFile={}", alice.home.join("lines").display()));
        ssh.arg("-i").arg(&alice.key.file).arg("-p").arg(hub.port.to_string());
        run(ssh.arg(format!("{}@127.0.0.1", hub.login.name)))
    };
    fs::write(alice.home.join("lines"), lines.replace(&hub.port.to_string(), "1")).expect("a file");
    assert_eq!(greet().status, 255);
    fs::write(alice.home.join("lines"), lines).expect("a file");
    greet().is(&says(hi("alice")));
}

fn a_public_file_of_another_key_is_not_believed() {
    let hub = Hub::new();
    let (key, other) = (Key::new("host"), Key::new("other"));
    fs::copy(other.public_file(), key.public_file()).expect("a copy");
    let file = with_keys(&hub, &[&key]);
    let outcome = hub.hubgate(&host_keys(&file, &[]));
    outcome.is(&says(format!("TYPE     FINGERPRINT\nED25519  {}\n", key.fingerprint)));
    // Without the file, nothing is missing.
    fs::remove_file(key.public_file()).expect("a file");
    outcome.is(&says(hub.did(&host_keys(&file, &[]))));
}

fn host_keys_are_those_of_the_sshd_that_serves_the_hub() {
    let hub = Hub::new();
    let script = r"ssh-keygen -A >/dev/null
rm -f /etc/ssh/hubgate_sshd_config
hubgate init --host hub.test >/dev/null
of() { ssh-keygen -lf $1 | cut -d' ' -f2; }
hubgate host-keys >said
for file in $(sshd -T | sed -n 's/^hostkey //p'); do grep -c $(of $file) said; done
ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/alone
hubgate sshd-config --standalone --install >/dev/null
sed -i -e /^HostKey/d -e '1iHostKey /etc/ssh/alone' /etc/ssh/hubgate_sshd_config
hubgate host-keys | grep -c $(of /etc/ssh/alone)
hubgate host-keys | wc -l
! hubgate host-keys --sshd-config /etc/ssh/sshd_config | grep $(of /etc/ssh/alone)
! hubgate host-keys --sshd-config /etc/ssh/missing
";
    let outcome = on_a_fresh_machine(&hub, &format!("cd /var/lib\n{script}").replace("sshd -T", "/usr/sbin/sshd -T"));
    assert_eq!((outcome.status, outcome.stdout().as_str()), (0, "1\n1\n1\n1\n2\n"), "{outcome}");
    assert!(outcome.stderr().contains("hubgate: sshd -T: /etc/ssh/missing: No such file"), "{outcome}");
}
