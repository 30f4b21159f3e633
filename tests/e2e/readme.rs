//! Runs the transcripts of README.md, and the commands of MOVING.md.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::harness::{BACK_TO_2, BACK_TO_3, Client, Hub, Key, Setup, Skip, machine, run, trials};
use crate::pages::{settled, with_code, wrapper};
use crate::programs::program;

trials![
    the_transcript_of_the_readme_matches_the_programs,
    the_transcripts_of_anonymous_modes_match_the_programs,
    the_transcript_of_large_files_matches_the_programs,
    a_hub_moves_to_another_machine_by_the_commands_of_its_page,
    a_hub_is_upgraded_and_uninstalled_by_the_commands_of_its_page,
    the_programs_are_installed_upgraded_and_uninstalled_by_list,
];

/// A console block of README.md, with this hub's names.
fn transcript(number: usize, client: &Client) -> String {
    let readme = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).expect("README.md");
    let block = readme.split("```console\n").nth(number).expect("a transcript");
    let (block, _) = block.split_once("```").expect("its end");
    let block = block.replace("git@hub.example", &client.at).replace("Example Hub", "Test Hub");
    let nobody = format!("{}@hub.test", machine().anonymous_login);
    block.replace("anonymous@hub.example", &nobody).replace("hub.example", "hub.test")
}

/// Each command with its output; lines from two streams are compared in any order.
fn commands(text: &str) -> Vec<(String, Vec<String>)> {
    let mut commands: Vec<(String, Vec<String>)> = Vec::new();
    for line in text.lines() {
        match (line.starts_with("# ") || line.starts_with("$ "), commands.last_mut()) {
            (false, Some((_, said))) => {
                said.push(line.to_owned());
                said.sort();
            }
            _ => commands.push((line.to_owned(), Vec::new())),
        }
    }
    commands
}

/// Runs a transcript's commands in the client's home and compares their output. Names in `keys` are removed.
#[track_caller]
fn happens(hub: &Hub, client: &Client, transcript: &str, keys: &[&Key]) {
    // The configuration of the hub and of ssh, which the README leaves to the machine.
    let bin = client.home.join("bin");
    fs::create_dir(&bin).expect("a directory");
    for (program, command) in
        [("hubgate", wrapper(hub)), ("ssh", format!("exec /usr/bin/ssh -F {} \"$@\"", client.ssh_config().display()))]
    {
        let file = bin.join(program);
        fs::write(&file, format!("#!/bin/sh\n{command}\n")).expect("a script");
        fs::set_permissions(&file, Permissions::from_mode(0o755)).expect("a mode");
    }
    let echo_and_run =
        |line: &str| format!("printf '%s\\n' '{}'\n{}\n", line.replace('\'', "'\\''"), with_code(&line[2..]));
    let typed: String = commands(transcript).iter().map(|(line, _)| echo_and_run(line)).collect();
    let mut shell = client.command("sh");
    shell.env("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", bin.display())).env("GIT_CONFIG_NOSYSTEM", "1");
    for who in ["AUTHOR", "COMMITTER"] {
        shell.env(format!("GIT_{who}_NAME"), "A").env(format!("GIT_{who}_EMAIL"), "a@example.com");
    }
    let outcome = run(shell.args(["-c", &format!("exec 2>&1\n{typed}")]));
    // In a test, the hub is at an address, which ssh names in its refusal.
    let mut said = outcome.stdout().replace("@127.0.0.1: ", "@hub.test: ");
    for key in keys {
        said = said.replace(&key.fingerprint, "SHA256:…");
    }
    // The id of a lock is random.
    while let Some(at) = said.find("ID:").filter(|at| said.is_char_boundary(at + 35)) {
        said.replace_range(at + 2..at + 35, "\u{0}…");
    }
    // git-lfs shows its progress if it takes long.
    let progress = |line: &&str| !line.starts_with("Uploading LFS objects") && !line.starts_with("Downloading LFS");
    let said: String = said.replace('\0', ":").lines().filter(progress).map(|line| format!("{line}\n")).collect();
    assert_eq!(commands(&settled(&said)), commands(&settled(transcript)), "{outcome}");
}

fn the_transcript_of_the_readme_matches_the_programs() {
    let hub = Hub::new();
    let (key, stranger) = (Key::new("alice"), Key::new("stranger"));
    let client = Client::new(&hub, None, key.clone());
    fs::copy(key.public_file(), client.home.join("id_ed25519.pub")).expect("a copy");
    fs::copy(&stranger.file, client.home.join("id_stranger")).expect("a copy");
    happens(&hub, &client, &transcript(1, &client), &[&key, &stranger]);
}

fn the_transcripts_of_anonymous_modes_match_the_programs() {
    for (number, anonymous) in [(4, "login"), (5, "fallback")] {
        let hub = Hub::with(&Setup { anonymous, gateway_is_shell: true, ..Setup::default() });
        let (alice, stranger) = (hub.user("alice"), hub.stranger());
        fs::copy(&stranger.key.file, stranger.home.join("id_stranger")).expect("a copy");
        fs::copy(&alice.key.file, stranger.home.join("id_ed25519")).expect("a copy");
        happens(&hub, &stranger, &transcript(number, &stranger), &[&stranger.key]);
    }
}

fn the_transcript_of_large_files_matches_the_programs() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    hub.empty_repo("alice/mini", &["--private"]);
    happens(&hub, &alice, &transcript(6, &alice), &[]);
}

/// The commands of the shell blocks under a heading of a document.
fn shell_blocks(document: &str, heading: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(document);
    let text = fs::read_to_string(path).expect("a document");
    let (_, section) = text.split_once(&format!("## {heading}\n")).expect("a section");
    let section = section.split("\n##").next().expect("its end");
    let blocks = section.split("```sh\n").skip(1);
    blocks.map(|block| block.split_once("```").expect("its end").0.to_owned()).collect()
}

/// Two machines in turn, whose accounts have different uids.
fn a_hub_moves_to_another_machine_by_the_commands_of_its_page() {
    let hub = Hub::new();
    let key = Key::new("alice");
    let blocks = shell_blocks("MOVING.md", "Move to another machine");
    let [old, new] = [0, 1].map(|number: usize| {
        // No systemd and no sshd run there, and /root is the root of this machine.
        let lines = blocks[number].lines().filter(|line| !line.starts_with("systemctl") && !line.contains("--login"));
        lines.map(|line| line.replace("/root/", "/var/lib/kept/") + "\n").collect::<String>()
    });
    let public = fs::read_to_string(key.public_file()).expect("a key");
    let public = public.trim_end();
    let script = format!(
        r#"mkdir /var/lib/kept
cd /var/lib/kept
echo '{public}' >key.pub
ssh-keygen -A >/dev/null
hubgate init --host hub.test >/dev/null
sed -i 's/^#name = .*/name = "The moved hub"/' /etc/hubgate/config.toml
hubgate user add alice >/dev/null
hubgate key add alice key.pub >/dev/null
hubgate repo create alice/x >/dev/null
directory=$(hubgate repo path alice/x)
as_git() {{ setpriv --reuid git --regid git --clear-groups "$@"; }}
tree=$(as_git git --git-dir "$directory" hash-object -t tree -w /dev/null)
commit=$(as_git env GIT_AUTHOR_NAME=A GIT_AUTHOR_EMAIL=a@x GIT_COMMITTER_NAME=A GIT_COMMITTER_EMAIL=a@x \
    git --git-dir "$directory" commit-tree -m first "$tree")
as_git git --git-dir "$directory" update-ref refs/heads/main "$commit"
as_git mkdir -p "$directory/lfs/objects/aa/bb" /var/lib/hubgate/db/last-used
as_git sh -c "echo large >$directory/lfs/objects/aa/bb/large"
used=$(hubgate --json key list | sed -n 's/.*"fingerprint": "SHA256:\(.*\)".*/\1=/p' | base64 -d | od -An -tx1 | tr -d ' \n')
as_git touch -d 2026-01-02T03:04:00Z "/var/lib/hubgate/db/last-used/$used"
state() {{
    (cd /var/lib/hubgate/repositories && find . -type f | sort | xargs sha256sum && cat /etc/hubgate/config.toml)
    cat /etc/ssh/ssh_host_ed25519_key.pub
    hubgate repo list
    hubgate key list
    find /var/lib/hubgate/repositories /var/lib/hubgate/db ! -user git
}}
hubgate sshd-config --install >/dev/null
state >before
id -u git >uid
{old}
rm -rf /etc/hubgate /var/lib/hubgate /etc/ssh/ssh_host_*
userdel git
userdel hubgate-keys
useradd --system other-first
ssh-keygen -A >/dev/null
{new}
state >after
diff before after
grep -q 'The moved hub' after
grep -q '2026-01-02 03:04' after
! grep -qx "$(id -u git)" uid
echo moved
"#
    );
    let outcome = crate::operator::on_a_fresh_machine(&hub, &script);
    assert!(outcome.status == 0 && outcome.stdout().ends_with("moved\n"), "{outcome}");
    assert!(outcome.stdout().contains("every repository has its directory\n"), "{outcome}");
}

/// A machine with hubgate, from its installation on, with this run's programs. Its `/usr` and `/var/log` are copies.
fn a_hub_is_upgraded_and_uninstalled_by_the_commands_of_its_page() {
    let hub = Hub::new();
    let of = |document: &str, heading: &str| {
        let lines = shell_blocks(document, heading).concat();
        // No systemd runs there, /root is the root of this machine, and doctor misses a running sshd.
        let lines = lines.lines().filter(|line| !line.starts_with("systemctl"));
        let lines = lines.map(|line| if line == "hubgate doctor" { "hubgate doctor || true" } else { line });
        lines.map(|line| line.replace("/root/", "/var/lib/kept/") + "\n").collect::<String>()
    };
    let uninstall = of("MOVING.md", "Uninstall what a source tree installed");
    let (leave, delete) = uninstall.split_once("rm -r").expect("two blocks");
    let upgrade = of("MOVING.md", "Upgrade from a source tree");
    let (before, after) = upgrade.split_once("sh packaging/install.sh").expect("the new version");
    let script = format!(
        r#"source={source} programs={programs}
mount -t tmpfs tmpfs /mnt
mkdir /mnt/usr /mnt/work /mnt/tree /mnt/bin /mnt/target /var/lib/kept
mount -t overlay -o lowerdir=/usr,upperdir=/mnt/usr,workdir=/mnt/work overlay /usr || exit 77
mount -t tmpfs tmpfs /var/log
host=$(rustc -vV | sed -n 's/^host: //p')
mkdir "/mnt/target/$host"
ln -s "$programs" "/mnt/target/$host/release"
printf '#!/bin/sh\n[ "$1" = build ] && exit 0\nexec %s "$@"\n' "$(command -v cargo)" >"/mnt/bin/cargo"
chmod 755 "/mnt/bin/cargo"
export PATH="/mnt/bin:$PATH:/usr/sbin" CARGO_TARGET_DIR="/mnt/target"
cp -r "$source/packaging" "$source/sshd_config.example" "$source/Cargo.toml" "/mnt/tree/"
cd "/mnt/tree"
sh packaging/install.sh
hubgate init --host hub.test >/dev/null
hubgate user add alice
hubgate sshd-config --install >/dev/null
echo "$(date -u +%Y-%m-%dT%H:%M:%SZ) hub hubgate[1]: sid=00 user=alice verb=greeting decision=allow" >/var/log/auth.log
{log}
{before}
# From here on, the database is that of a previous version.
setpriv --reuid git --regid git --clear-groups sqlite3 /var/lib/hubgate/db/hubgate.db "{BACK_TO_3} {BACK_TO_2} DROP TABLE audit_about;
    DROP INDEX collaborator_user; UPDATE hubgate SET version = 1"
! hubgate user add bob
rm /usr/libexec/hubgate/gateway
sh packaging/install.sh{after}
[ -x /usr/libexec/hubgate/gateway ]
hubgate user add carol
sed -i 's/^#anonymous = .*/anonymous = "login"/' /etc/hubgate/config.toml
hubgate init >/dev/null
{leave}
find /usr -name '*hubgate*' -o -name pre-receive
[ ! -e /etc/ssh/sshd_config.d/50-hubgate.conf ]
getent passwd git hubgate-keys | wc -l
[ -e /var/lib/hubgate/db/hubgate.db ]
userdel anonymous
rm -r{delete}
! getent passwd git hubgate-keys anonymous
[ ! -e /etc/hubgate ]
[ ! -e /var/lib/hubgate ]
echo gone
"#,
        source = env!("CARGO_MANIFEST_DIR"),
        programs = program("hubgate").parent().expect("a directory").display(),
        log = of("README.md", "The log"),
    );
    let outcome = crate::operator::on_a_fresh_machine(&hub, &script);
    if outcome.status == 77 {
        Skip::now("this container may not make an overlay of /usr");
    }
    let stdout = outcome.stdout();
    assert!(outcome.status == 0 && stdout.ends_with("stay\n2\ngone\n"), "{outcome}");
    // One change in both lists, and one session in the second.
    assert_eq!((stdout.matches("user.create").count(), stdout.matches("verb=greeting").count()), (2, 1), "{outcome}");
    assert!(stdout.contains("added carol\n") && !stdout.contains("added bob"), "{outcome}");
    assert!(outcome.stderr().contains("hubgate migrate"), "{outcome}");
}

/// The scripts with this run's programs. `tests/bare.sh` runs them with a build.
fn the_programs_are_installed_upgraded_and_uninstalled_by_list() {
    let hub = Hub::new();
    let (tree, bin, target) = (hub.path("tree"), hub.path("bin"), hub.path("target"));
    fs::create_dir_all(&bin).expect("a directory");
    let script = r#"set -e
tree=$1 bin=$2 target=$3 source=$4 programs=$5
mkdir -p "$tree" "$target"
cp -r "$source/packaging" "$source/sshd_config.example" "$source/Cargo.toml" "$tree/"
host=$(rustc -vV | sed -n 's/^host: //p')
mkdir "$target/$host"
ln -s "$programs" "$target/$host/release"
# cargo as it is, except that it does not build.
cargo=$(command -v cargo)
printf '#!/bin/sh
[ "$1" = build ] && exit 0
exec %s "$@"
' "$cargo" >"$bin/cargo"
chmod 755 "$bin/cargo"
export PATH="$bin:$PATH" CARGO_TARGET_DIR="$target"
cd "$tree"
sh packaging/install.sh "$tree/machine" >"$tree/said" 2>&1
grep -q '^building hubgate with cargo 1\.' "$tree/said"
grep -q "^installing it in $tree/machine/usr: programs" "$tree/said"
find machine -type f -o -type l | sed 's,^machine/,,' | LC_ALL=C sort | diff - machine/usr/share/hubgate/installed
cmp machine/usr/bin/hubgate "$programs/hubgate"
# An upgrade removes what the new version lacks, and leaves the files of others. The previous version was installed in
# another locale: its list ignores punctuation and case.
rm packaging/man/hubgate-kept-list.8
touch machine/usr/libexec/hubgate/own
cp machine/usr/share/hubgate/installed "$tree/before"
LC_ALL=C sort -df "$tree/before" >machine/usr/share/hubgate/installed
! cmp -s "$tree/before" machine/usr/share/hubgate/installed
sh packaging/install.sh "$tree/machine" >/dev/null 2>&1
find machine -type f -o -type l | sed 's,^machine/,,' | grep -vx usr/libexec/hubgate/own | LC_ALL=C sort |
    diff - machine/usr/share/hubgate/installed
grep -vx usr/share/man/man8/hubgate-kept-list.8 "$tree/before" | diff - machine/usr/share/hubgate/installed
[ ! -e machine/usr/share/man/man8/hubgate-kept-list.8 ]
[ -e machine/usr/share/man/man8/hubgate-kept-remove.8 ]
# While sshd uses the programs, they stay.
mkdir -p machine/etc/ssh/sshd_config.d
touch machine/etc/ssh/sshd_config.d/50-hubgate.conf
! sh packaging/uninstall.sh "$tree/machine" 2>/dev/null
[ -x machine/usr/libexec/hubgate/gateway ]
rm machine/etc/ssh/sshd_config.d/50-hubgate.conf
sh packaging/uninstall.sh "$tree/machine"
find machine -type f -o -type l
! sh packaging/uninstall.sh "$tree/machine" 2>/dev/null
# Without cargo, the script says so and installs nothing.
rm "$bin/cargo"
! PATH=/usr/sbin:/usr/bin:/sbin:/bin sh packaging/install.sh "$tree/other"
[ ! -e "$tree/other" ]
"#;
    let programs = program("hubgate").parent().expect("a directory").to_owned();
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", script, "sh"]).args([&tree, &bin, &target]).arg(env!("CARGO_MANIFEST_DIR")).arg(programs);
    let outcome = run(&mut shell);
    let said = "removed the programs; /etc/hubgate, /var/lib/hubgate and the login accounts stay\n\
                machine/usr/libexec/hubgate/own\n";
    assert!(outcome.status == 0 && outcome.stdout() == said, "{outcome}");
    assert!(outcome.stderr().contains("hubgate needs cargo 1."), "{outcome}");
}
