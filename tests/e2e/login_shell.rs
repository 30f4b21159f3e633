//! The gateway as login shell: no shell runs in between, and nothing that a client could have written is trusted.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};

use crate::harness::{Client, Entry, Hub, Outcome, Setup, refused, run, says, silent, trials};
use crate::texts::{GIT_GIVES_UP, hi, not_found, unknown_key};

trials![
    the_gateway_as_login_shell_greets_and_serves,
    a_command_that_looks_like_the_forced_command_is_refused,
    without_a_forced_command_a_shell_is_refused,
    the_gateway_as_login_shell_needs_the_proven_key,
    under_bin_sh_the_proof_is_optional_but_checked,
    a_file_that_sshd_did_not_write_proves_nothing,
    the_gateway_never_serves_as_another_account,
];

const SHELL: Setup<'_> = Setup {
    keys_help: "",
    anonymous: "any-key",
    git: None,
    archive: false,
    more: "",
    gateway_is_shell: true,
    sshd: |block, _| block,
};

fn the_gateway_as_login_shell_greets_and_serves() {
    let hub = Hub::with(&SHELL);
    let (alice, stranger) = (hub.user("alice"), hub.stranger());
    hub.repo("alice/x", &["--private"]);
    alice.greet().is(&says(hi("alice")));
    stranger.greet().is(&says(hi("anonymous")).warning(unknown_key(&stranger)));
    alice.git(&["clone", "--quiet", &Client::url("alice/x")]).is(&silent());
    alice.commit("x", "file", "1");
    alice.git_in("x", &["push", "--quiet"]).is(&silent());
    let hidden = not_found(&stranger) + GIT_GIVES_UP;
    stranger.git(&["ls-remote", &Client::url("alice/x")]).is(&refused(hidden).status(128));
    // Characters that are special to a shell are ordinary bytes here.
    alice.ssh("$(id)").is(&refused(crate::texts::not_supported(&alice)).status(127));
}

/// sshd without hubgate's helper: a key in a file, and no forced command.
fn plain_keys(_block: String, hub: &Path) -> String {
    // Another test plants an rc file in the login's home.
    let keys = hub.join("authorized_keys");
    format!("AuthorizedKeysFile {}\nStrictModes no\nPermitUserRC no\nExposeAuthInfo yes\n", keys.display())
}

/// Admits a client by [`plain_keys`].
fn let_in(hub: &Hub, client: &Client) {
    fs::write(hub.path("authorized_keys"), format!("{}\n", client.key.line)).expect("a file");
}

#[track_caller]
fn is_critical(log: &[Entry], reference: &str, reason: &str) {
    let [line] = log else { panic!("{log:?}") };
    assert_eq!((line.level, line.sid.as_deref()), ("critical", Some(reference)));
    assert!(line.fields.contains(&format!("decision=fault reason=\"{reason}")), "{line}\nexpected: {reason}");
}

fn a_command_that_looks_like_the_forced_command_is_refused() {
    let hub = Hub::with(&Setup { sshd: plain_keys, ..SHELL });
    let (alice, bob) = (hub.user("alice"), hub.user("bob"));
    let_in(&hub, &alice);
    let gateway = hub.path("libexec/gateway");
    let command =
        |forced_command: &str| format!("{} --config {} {forced_command}", gateway.display(), hub.config().display());
    // Another account with its own key; fingerprints are public.
    let reference = alice.ssh(command(&format!("bob --key {}", bob.key.fingerprint))).is_fault();
    let reason = "the file of SSH_USER_AUTH does not name the key of the forced command";
    is_critical(&hub.log(), &reference, reason);
    // Another account with the proven key.
    let reference = alice.ssh(command(&format!("bob --key {}", alice.key.fingerprint))).is_fault();
    is_critical(&hub.log(), &reference, "the key is on another account than the forced command says");
    // Arguments that hide others.
    let sly = format!("alice --key {} bob --key {}", alice.key.fingerprint, bob.key.fingerprint);
    let mut gateway = hub.gateway_command();
    gateway.args(["-c", &command(&sly)]);
    run(&mut gateway).is_fault();
    // A correct command gives only what the key gives anyway.
    alice.ssh(command(&format!("alice --key {}", alice.key.fingerprint))).is(&says(hi("alice")));
}

fn without_a_forced_command_a_shell_is_refused() {
    let hub = Hub::with(&Setup { sshd: plain_keys, ..SHELL });
    let alice = hub.user("alice");
    let_in(&hub, &alice);
    for command in ["", "id", "git-upload-pack 'alice/x'", "gateway -c id"] {
        alice.ssh(command).is_fault();
    }
}

fn the_gateway_as_login_shell_needs_the_proven_key() {
    let hub = Hub::with(&Setup { sshd: |block, _| block.replace("ExposeAuthInfo yes", "ExposeAuthInfo no"), ..SHELL });
    let alice = hub.user("alice");
    let reference = alice.greet().is_fault();
    is_critical(&hub.log(), &reference, "SSH_USER_AUTH is not set");
    // A client that may set the variable itself.
    let hub = Hub::with(&Setup {
        sshd: |block, _| {
            block.replace("ExposeAuthInfo yes", "ExposeAuthInfo no").replace("AcceptEnv GIT_PROTOCOL", "AcceptEnv *")
        },
        ..SHELL
    });
    let alice = hub.user("alice");
    for value in ["/dev/null", "/tmp/sshauth.x/../../etc/passwd", "/tmp/sshauth.", "/tmp/sshauth.x.y", ""] {
        let mut ssh = alice.ssh_command(&["-oSendEnv=SSH_USER_AUTH"]);
        let reference = run(ssh.env("SSH_USER_AUTH", value)).is_fault();
        is_critical(&hub.log(), &reference, "SSH_USER_AUTH does not name a file of sshd's: ");
    }
}

/// A file as sshd writes it for a session, removed on drop.
struct UserAuth(PathBuf);

impl UserAuth {
    fn new(hub: &Hub, name: &str, text: &str, mode: u32) -> Self {
        let path = PathBuf::from(format!("/tmp/sshauth.{name}{}{}", std::process::id(), hub.port));
        fs::write(&path, text).expect("a file");
        chown(&path, Some(hub.login.uid), Some(hub.login.gid)).expect("an owner");
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("a mode");
        Self(path)
    }
}

impl Drop for UserAuth {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn gateway_with(hub: &Hub, file: &Path, client: &Client) -> Outcome {
    let mut gateway = hub.gateway_command();
    run(gateway.env("SSH_USER_AUTH", file).args(["alice", "--key", &client.key.fingerprint]))
}

fn proof(client: &Client) -> String {
    let (key_type, blob) = client.key.type_and_blob();
    format!("publickey {key_type} {blob}\n")
}

fn under_bin_sh_the_proof_is_optional_but_checked() {
    let hub = Hub::with(&Setup {
        sshd: |block, _| block.replace("ExposeAuthInfo yes", "ExposeAuthInfo no"),
        ..Setup::default()
    });
    let (alice, bob) = (hub.user("alice"), hub.user("bob"));
    alice.greet().is(&says(hi("alice")));
    hub.log();
    let own = UserAuth::new(&hub, "own", &proof(&alice), 0o600);
    gateway_with(&hub, &own.0, &alice).is(&says(hi("alice")));
    hub.log();
    let other = UserAuth::new(&hub, "other", &proof(&bob), 0o600);
    let reference = gateway_with(&hub, &other.0, &alice).is_fault();
    let reason = "the file of SSH_USER_AUTH does not name the key of the forced command";
    is_critical(&hub.log(), &reference, reason);
}

fn a_file_that_sshd_did_not_write_proves_nothing() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    let untrusted = "the file of SSH_USER_AUTH is not one that sshd wrote for this session";
    let is_refused = |file: &Path, reason: &str| {
        let reference = gateway_with(&hub, file, &alice).is_fault();
        is_critical(&hub.log(), &reference, reason);
    };
    let open = UserAuth::new(&hub, "open", &proof(&alice), 0o644);
    is_refused(&open.0, untrusted);
    let foreign = UserAuth::new(&hub, "foreign", &proof(&alice), 0o600);
    chown(&foreign.0, Some(0), Some(0)).expect("an owner");
    is_refused(&foreign.0, "the file of SSH_USER_AUTH cannot be read: Permission denied");
    let two = UserAuth::new(&hub, "two", &(proof(&alice) + &proof(&alice)), 0o600);
    is_refused(&two.0, "the file of SSH_USER_AUTH does not name the key of the forced command");
    let good = UserAuth::new(&hub, "good", &proof(&alice), 0o600);
    let twin = UserAuth(good.0.with_extension("twin").with_file_name(format!("sshauth.twin{}", hub.port)));
    fs::hard_link(&good.0, &twin.0).expect("a link");
    is_refused(&good.0, untrusted);
    drop(twin);
    gateway_with(&hub, &good.0, &alice).is(&says(hi("alice")));
    hub.log();
    let link = UserAuth(PathBuf::from(format!("/tmp/sshauth.link{}", hub.port)));
    symlink(&good.0, &link.0).expect("a link");
    is_refused(&link.0, "the file of SSH_USER_AUTH cannot be read: Too many levels of symbolic links");
}

fn the_gateway_never_serves_as_another_account() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    let forced_command = ["alice", "--key", &alice.key.fingerprint];
    let run_as = |uid: u32, gid: u32| {
        use std::os::unix::process::CommandExt;
        run(hub.gateway_command().uid(uid).gid(gid).args(forced_command))
    };
    let (uid, gid) = (hub.login.uid, hub.login.gid);
    run_as(uid, gid).is(&says(hi("alice")));
    hub.log();
    for (uid, gid) in [(0, 0), (uid, 0), (0, gid), (65534, 65534), (uid, 65534)] {
        let reference = run_as(uid, gid).is_fault();
        let log = hub.log();
        assert_eq!(
            (log[0].level, log[0].sid.as_deref(), log.len()),
            ("error", Some(reference.as_str()), 1),
            "{uid} {gid}"
        );
    }
}
