//! The identity of a session comes from the proven key and the helper's line, and never from files in a home directory.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use crate::harness::{Account, Client, Hub, Key, KeyKind, Setup, login_home, machine, refused, run, says, trials};
use crate::texts::{denied, hi};

trials![
    a_key_offered_without_proof_opens_nothing,
    each_line_admits_only_its_own_key_in_sshd,
    files_planted_in_the_logins_home_have_no_effect,
    each_account_has_only_the_rights_that_it_needs,
    the_small_programs_run_without_roots_groups,
    sshd_applies_each_line_of_the_example,
];

fn a_key_offered_without_proof_opens_nothing() {
    let hub = Hub::with(&Setup { anonymous: "off", ..Setup::default() });
    let (alice, mallory) = (hub.user("alice"), hub.user("mallory"));
    // Public keys are public: Mallory has only the file.
    let stolen = mallory.home.join("stolen.pub");
    fs::copy(alice.key.public_file(), &stolen).expect("a copy");
    let stolen = format!("-oIdentityFile={}", stolen.display());
    let outcome = mallory.ssh_with(&["-v", "-oBatchMode=yes", &stolen], "", b"");
    let said = outcome.succeeded().stderr();
    let accepted = said.lines().filter(|line| line.contains("Server accepts key: "));
    let accepted: Vec<bool> = accepted.map(|line| line.contains(&alice.key.fingerprint)).collect();
    assert_eq!(accepted, [true, false], "sshd knew both keys\n{outcome}");
    assert_eq!(outcome.stdout(), hi("mallory"));

    // Without a key of her own, she can prove nothing.
    let nobody = Client::new(&hub, None, Key { file: mallory.home.join("stolen.pub"), ..alice.key.clone() });
    let outcome = nobody.greet();
    assert!(outcome.status == 255 && outcome.stderr().ends_with(&denied(&nobody)), "{outcome}");
}

/// A block with which sshd reads the hub's file `lines` and calls no helper.
fn from_a_file(mut block: String, hub: &Path) -> String {
    let file = format!("AuthorizedKeysFile {}", hub.join("lines").display());
    for name in ["AuthorizedKeysCommand ", "AuthorizedKeysCommandUser "] {
        block = block.replace(name, &format!("# {name}"));
    }
    block.replace("AuthorizedKeysFile none", &file)
}

fn each_line_admits_only_its_own_key_in_sshd() {
    let hub = Hub::with(&Setup { sshd: from_a_file, ..Setup::default() });
    let stranger = hub.stranger();
    let mut lines = String::new();
    let mut clients = Vec::new();
    for (index, kind) in KeyKind::ALL.into_iter().enumerate() {
        let (user, key) = (format!("u{index}"), Key::of_kind(kind));
        hub.did(&["user", "add", &user]);
        // A title that looks like options and a second key, if it were in the line.
        let title = format!("\",command=\"id\" {} \\\" # {user}", stranger.key.line);
        hub.add_key(&user, &key, &["--title", &title]);
        let (key_type, blob) = key.type_and_blob();
        let line = hub.helper(&[hub.login.name.as_str(), key_type, blob]).succeeded().stdout();
        assert!(line.lines().count() == 1 && line.ends_with(&format!("{key_type} {blob}\n")), "{line}");
        lines += &line;
        clients.push(Client::new(&hub, Some(&user), key));
    }
    fs::write(hub.path("lines"), &lines).expect("a file");
    let listed = run(Command::new("ssh-keygen").arg("-lf").arg(hub.path("lines"))).succeeded().stdout();
    let listed: Vec<&str> = listed.lines().filter_map(|line| line.split(' ').nth(1)).collect();
    let expected: Vec<&str> = clients.iter().map(|client| client.key.fingerprint.as_str()).collect();
    assert_eq!(listed, expected);
    for client in clients {
        client.greet().is(&says(hi(client.user.as_deref().expect("a user"))));
    }
    stranger.greet().is(&refused(denied(&stranger)).status(255));
}

fn files_planted_in_the_logins_home_have_no_effect() {
    // With and without sshd's information about the proven key.
    let allowing = |block: String, _: &Path| block.replace("PermitUserRC no", "PermitUserRC yes");
    for sshd in [Setup::default().sshd, allowing] {
        let hub = Hub::with(&Setup { anonymous: "off", sshd, ..Setup::default() });
        let (alice, mallory) = (hub.user("alice"), hub.stranger());
        let ran = machine().fresh("ran");
        fs::create_dir(&ran).expect("a directory");
        fs::set_permissions(&ran, fs::Permissions::from_mode(0o777)).expect("a mode");
        let home = login_home(&machine().dir).join(".ssh");
        fs::write(home.join("rc"), format!("touch {}/rc\n", ran.display())).expect("a file");
        fs::write(home.join("environment"), "SSH_ORIGINAL_COMMAND=whoami\n").expect("a file");
        fs::write(home.join("authorized_keys"), format!("{}\n", mallory.key.line)).expect("a file");
        alice.greet().is(&says(hi("alice")));
        assert_eq!(fs::read_dir(&ran).expect("a directory").count(), 0);
        mallory.greet().is(&refused(denied(&mallory)).status(255));
    }
}

/// Whether an account has this access to a path, as test(1) asks the kernel.
fn may(uid: u32, gid: u32, what: char, path: &Path) -> bool {
    let mut test = Command::new("/usr/bin/test");
    run(test.uid(uid).gid(gid).current_dir("/").arg(format!("-{what}")).arg(path)).status == 0
}

fn each_account_has_only_the_rights_that_it_needs() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    hub.repo("alice/x", &[]);
    alice.greet().succeeded();
    let (git, keys) = (hub.login, &machine().keys);
    let accounts = [(git.uid, git.gid), (keys.uid, keys.gid), (65_534, 65_534)];
    let repository = hub.directory("alice/x");
    // For the login, the helper's account, and any other account: r, w, x as in ls.
    for (path, expected) in [
        (hub.path("libexec"), ["r-x"; 3]),
        (hub.path("libexec/gateway"), ["r-x"; 3]),
        (hub.path("libexec/authorized-keys"), ["r-x"; 3]),
        (hub.path("libexec/services"), ["r-x"; 3]),
        (hub.path("libexec/hooks"), ["r-x"; 3]),
        (hub.config(), ["r--"; 3]),
        (hub.path("db"), ["rwx", "r-x", "---"]),
        (hub.path("db/hubgate.db"), ["rw-", "r--", "---"]),
        (hub.path("db/hubgate.db-wal"), ["rw-", "r--", "---"]),
        (hub.path("db/hubgate.db-shm"), ["rw-", "r--", "---"]),
        (hub.path("repositories"), ["rwx", "---", "---"]),
        (repository.join("HEAD"), ["rw-", "---", "---"]),
        (login_home(&machine().dir), ["r-x"; 3]),
    ] {
        let modes = accounts.map(|(uid, gid)| -> String {
            ['r', 'w', 'x'].iter().map(|what| if may(uid, gid, *what, &path) { *what } else { '-' }).collect()
        });
        assert_eq!(modes, expected, "{}", path.display());
    }
}

fn the_small_programs_run_without_roots_groups() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    let (key_type, blob) = alice.key.type_and_blob();
    let (login, keys) = (hub.login, &machine().keys);
    // sshd before 8.8 kept its own groups for the helper (CVE-2021-41617).
    let run_with = |groups: &str, account: &Account, program: &str, words: &[&str]| {
        let mut setpriv = Command::new("/usr/bin/setpriv");
        let ids = [format!("--reuid={}", account.uid), format!("--regid={}", account.gid)];
        setpriv
            .env_clear()
            .env("SSH_CONNECTION", "192.0.2.1 4 192.0.2.2 22")
            .args(ids)
            .arg(format!("--groups={groups}"));
        run(setpriv.arg(hub.path("libexec").join(program)).arg("--config").arg(hub.config()).args(words))
    };
    for (groups, good) in [("65534", true), ("0", false), ("65534,0", false)] {
        let asked = run_with(groups, keys, "authorized-keys", &[&login.name, key_type, blob]);
        let started = run_with(groups, login, "gateway", &["alice", "--key", &alice.key.fingerprint]);
        if good {
            assert!(asked.succeeded().stdout().ends_with(&format!("{blob}\n")), "{asked}");
            started.is(&says(hi("alice")));
        } else {
            asked.is(&refused(""));
            started.is_fault();
        }
    }
}

fn sshd_applies_each_line_of_the_example() {
    let hub = Hub::new();
    let connection = format!("user={},host=client.test,addr=192.0.2.1,laddr=192.0.2.2,lport=22", hub.login.name);
    let mut sshd = Command::new("/usr/sbin/sshd");
    let in_force = run(sshd.args(["-T", "-C", &connection, "-f"]).arg(hub.path("sshd_config"))).succeeded().stdout();
    let in_force: Vec<String> = in_force.lines().map(str::to_lowercase).collect();
    let text = fs::read_to_string(hub.path("sshd_config")).expect("sshd's configuration");
    let (_, block) = text.split_once("\n\n").expect("what the harness adds, and the block");
    let lines = block.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let mut held = 0;
    for line in lines.filter(|line| !line.starts_with("Match ")) {
        assert!(in_force.contains(&line.to_lowercase()), "{line}\n{}", in_force.join("\n"));
        held += 1;
    }
    assert!(held > 30, "{held} lines");
}
