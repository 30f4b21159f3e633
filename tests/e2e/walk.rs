//! A walk through every verb of both command lines: each change has one row in the audit table, everything else has
//! none, and each decision about a session has one line in the log.

use std::collections::BTreeSet;
use std::fs;

use clap::CommandFactory;
use hubgate::operator::cli::Cli;

use crate::harness::{Client, Hub, Key, run, silent, trials};
use crate::lfs::wire::Wire;

trials![
    each_change_of_the_operator_has_one_row,
    each_account_command_has_one_line_and_each_change_one_row,
    a_rewind_cannot_hide_behind_the_other_refs_of_its_push,
    audit_finds_the_longest_path_of_a_repository,
];

/// Enters a proposal of a user in a repository, without a commit.
pub(crate) fn propose(hub: &Hub, owner: &str, name: &str, author: &str) {
    hub.sql(&format!(
        "INSERT INTO proposal SELECT r.id, 1, a.id, 'main', 1700000000, NULL FROM repository r, owner o, owner a
         WHERE o.id = r.owner_id AND o.folded = '{owner}' AND r.folded = '{name}' AND a.folded = '{author}'"
    ));
}

fn rows(hub: &Hub) -> usize {
    hub.sql("SELECT count(*) FROM audit").trim_end().parse().expect("a number")
}

/// The verbs of a command line that have no verbs of their own.
fn leaves(command: &clap::Command, before: &str, found: &mut BTreeSet<String>) {
    for verb in command.get_subcommands().filter(|verb| verb.get_name() != "help") {
        let path = format!("{before} {}", verb.get_name()).trim_start().to_owned();
        if verb.has_subcommands() {
            leaves(verb, &path, found);
        } else {
            found.insert(path);
        }
    }
}

/// Verbs that concern the machine, other programs or the whole database.
const NOT_WALKED: [&str; 9] =
    ["backup", "demo", "doctor", "init", "kept remove", "lfs serve", "migrate", "restore", "sshd-config"];

/// The administration of a gitolite that has nothing.
fn empty_gitolite(hub: &Hub) -> String {
    let gitolite = hub.path("gitolite");
    for directory in ["conf", "keydir"] {
        fs::create_dir_all(gitolite.join(directory)).expect("a directory");
    }
    fs::write(gitolite.join("conf/gitolite.conf"), "").expect("a file");
    gitolite.display().to_string()
}

fn each_change_of_the_operator_has_one_row() {
    let hub = Hub::new();
    let keys: Vec<Key> = ["first", "second", "deploy", "ca", "imported"].map(Key::new).into();
    let [first, second, deploy, ca, imported] =
        [0, 1, 2, 3, 4].map(|number: usize| keys[number].public_file().display().to_string());
    let print = |number: usize| keys[number].fingerprint.clone();
    let (first_key, deploy_key, ca_key) = (print(0), print(2), print(3));
    let file = |name: &str, text: String| {
        fs::write(hub.path(name), text).expect("a file");
        hub.path(name).display().to_string()
    };
    let policy = file("policy", "carol fetch alice/y = deny\n".to_owned());
    let authorized = file(
        "authorized",
        format!("command=\"/usr/bin/gitolite-shell carol\" {}\n", fs::read_to_string(&imported).expect("a key")),
    );
    let gitolite = empty_gitolite(&hub);
    let hub_file = file("hub.toml", "[repositories.\"alice/y\"]\ndescription = \"From a file\"\n".to_owned());
    let source = hub.path("source").display().to_string();
    run(std::process::Command::new("git").args(["init", "--quiet", "--bare", &source])).succeeded();
    let mut walked = BTreeSet::new();
    let mut step = |verb: &str, arguments: &str, expected: usize| {
        let before = rows(&hub);
        // `~` is a blank within a word.
        let arguments = arguments.split(' ').filter(|word| !word.is_empty()).map(|word| word.replace('~', " "));
        let words: Vec<String> = verb.split(' ').map(str::to_owned).chain(arguments).collect();
        let outcome = hub.hubgate(&words.iter().map(String::as_str).collect::<Vec<_>>());
        assert!(outcome.status == 0, "{words:?}: {outcome}");
        assert_eq!(rows(&hub) - before, expected, "rows of {words:?}");
        walked.insert(verb.to_owned());
        outcome.stdout()
    };
    step("user add", "alice", 1);
    step("user add", "bob", 1);
    step("user add", "carol", 1);
    step("user list", "", 0);
    step("user show", "alice", 0);
    step("session list", "", 0);
    step("session end", "--all", 0);
    step("kept list", "", 0);
    step("host-keys", &format!("--sshd-config {}", hub.path("sshd_config").display()), 0);
    step("guide", &format!("--sshd-config {}", hub.path("sshd_config").display()), 0);
    step("stats", &format!("--sshd-config {}", hub.path("sshd_config").display()), 0);
    step("user email add", "alice alice@example.org", 1);
    step("user email add", "bob bob@example.org", 1);
    step("user email list", "", 0);
    step("user email remove", "alice alice@example.org", 1);
    step("allowed-signers", "alice", 0);
    step("user disable", "bob --reason away", 1);
    step("user enable", "bob", 1);
    step("key add", &format!("alice {first}"), 1);
    step("key add", &format!("alice {second}"), 1);
    step("key list", "alice", 0);
    step("key show", &first_key, 0);
    step("key find", &first, 0);
    step("key rename", &format!("{first_key} desk"), 1);
    step("key remove", "--user alice desk --yes", 1);
    // The organization, and its first member.
    step("org add", "acme --admin alice", 2);
    step("org add", "gone --admin alice", 2);
    step("org list", "", 0);
    step("org show", "acme", 0);
    step("org member set", "acme bob write", 1);
    step("org member list", "acme", 0);
    step("team add", "acme/devs", 1);
    step("team list", "acme", 0);
    step("team rename", "acme/devs builders", 1);
    step("team member add", "acme/builders bob", 1);
    step("team member list", "acme/builders", 0);
    step("team show", "acme/builders", 0);
    step("team member remove", "acme/builders bob", 1);
    step("team remove", "acme/builders --yes", 1);
    step("org member remove", "acme bob", 1);
    step("org ca add", &format!("acme {ca}"), 1);
    step("org ca list", "acme", 0);
    step("org ca revoke", "acme 7", 1);
    step("org ca remove", &format!("acme {ca_key} --yes"), 1);
    step("org rename", "gone lost", 1);
    step("org remove", "lost --yes", 1);
    step("repo create", "alice/x", 1);
    step("repo list", "", 0);
    step("repo show", "alice/x", 0);
    step("repo path", "alice/x", 0);
    step("repo rename", "alice/x alice/y", 1);
    step("repo visibility", "alice/y private", 1);
    step("repo visibility", "alice/y public", 1);
    step("repo describe", "alice/y A~model", 1);
    step("repo default-branch", "alice/y main", 1);
    step("repo protect", "alice/y main --update @admin", 1);
    step("repo unprotect", "alice/y main", 1);
    step("repo proposals", "alice/y on", 1);
    propose(&hub, "alice", "y", "bob");
    step("proposal list", "alice/y", 0);
    step("proposal show", "alice/y 1", 0);
    step("proposal close", "alice/y 1", 1);
    step("proposal reopen", "alice/y 1", 1);
    step("check set", "hub blob-size 20M", 1);
    step("check set", "alice/y binary default", 1);
    step("check list", "alice/y", 0);
    step("rule add", "hub deny force refs/heads/** @everyone --final", 1);
    step("rule add", "alice deny delete ** bob", 1);
    step("rule add", "alice/y deny all refs/tags/** @everyone", 1);
    step("rule add", "alice/y allow create refs/tags/v* @admin --at 1", 1);
    step("rule move", "alice/y 2 1", 1);
    step("rule list", "alice/y", 0);
    step("rule remove", "hub 1", 1);
    step("repo gate", "alice/y manual", 1);
    step("repo freeze", "alice/y --reason audit", 1);
    step("repo unfreeze", "alice/y", 1);
    step("repo collaborator set", "alice/y bob write", 1);
    step("repo collaborator list", "alice/y", 0);
    step("repo collaborator remove", "alice/y bob", 1);
    step("repo quota", "alice/y 1000000", 1);
    step("owner quota", "alice 1000000", 1);
    step("quota check", "", 0);
    step("access list", "alice/y", 0);
    step("access grant", "alice/y bob", 1);
    step("access reject", "alice/y bob", 1);
    step("access revoke", "alice/y bob", 1);
    step("deploy-key add", &format!("alice/y {deploy}"), 1);
    step("deploy-key list", "alice/y", 0);
    step("deploy-key remove", &format!("{deploy_key} --yes"), 1);
    step("invite", "bob", 1);
    let alice = Key::new("alice@laptop");
    step("key add", &format!("alice {}", alice.public_file().display()), 1);
    let locked = Wire::open(&Client::new(&hub, Some("alice"), alice), "alice/y", "upload").ask(&["lock", "path=a.bin"]);
    let id = locked.iter().find_map(|line| line.strip_prefix("id=")).expect("an id");
    step("lock list", "alice/y", 0);
    step("lock remove", &format!("alice/y {id}"), 1);
    step("repo check", "", 0);
    step("repo gc", "alice/y", 0);
    step("lfs check", "alice/y", 0);
    step("repo import", &format!("alice/imported {source}"), 1);
    step("repo remove", "alice/y --yes", 1);
    step("repo restore", "alice/y", 1);
    let lost = hub.directory("alice/imported");
    hub.sql("DELETE FROM repository WHERE name = 'imported'");
    step("repo adopt", &format!("{} --as alice/adopted", lost.display()), 1);
    step("explain", "--user alice --command git-upload-pack~alice/y", 0);
    step("policy test", &policy, 0);
    step("export", "", 0);
    step("kept list", "", 0);
    step("host-keys", &format!("--sshd-config {}", hub.path("sshd_config").display()), 0);
    step("guide", &format!("--sshd-config {}", hub.path("sshd_config").display()), 0);
    step("stats", &format!("--sshd-config {}", hub.path("sshd_config").display()), 0);
    step("kept remove", "--all --yes", 0);
    step("audit", "", 0);
    step("import authorized-keys", &format!("{authorized} --merge"), 1);
    step("import gitolite", &gitolite, 0);
    step("apply", &format!("{hub_file} --yes"), 1);
    // It would change nothing now: a plan of changes ends with another status.
    step("plan", &hub_file, 0);
    step("user rename", "bob robert", 1);
    step("user release", "bob", 1);
    step("user remove", "robert --yes", 1);
    // What each command wrote is what a restore accepts.
    let copy = hub.path("copy.db").display().to_string();
    hub.did(&["backup", &copy]);
    hub.did(&["restore", &copy, "--yes"]);
    let mut all = BTreeSet::new();
    leaves(&Cli::command(), "", &mut all);
    walked.extend(NOT_WALKED.map(str::to_owned));
    assert_eq!(walked, all, "every verb is walked");
}

/// The verbs that `help` lists over SSH.
fn listed(help: &str, ssh: &str) -> Vec<String> {
    let mut verbs = Vec::new();
    for line in help.lines().filter_map(|line| line.strip_prefix(&format!("  {ssh} "))) {
        for part in line.split("    ").filter(|part| !part.is_empty()) {
            let is_verb = |word: &&str| word.bytes().all(|byte| byte.is_ascii_lowercase() || b"|-".contains(&byte));
            let words: Vec<&str> = part.split(' ').take_while(is_verb).collect();
            let (last, noun) = words.split_last().expect("a verb");
            verbs.extend(last.split('|').map(|verb| [noun, &[verb]].concat().join(" ")));
        }
    }
    verbs
}

fn each_account_command_has_one_line_and_each_change_one_row() {
    let hub = Hub::new();
    let (alice, bob, stranger) = (hub.user("alice"), hub.user("bob"), hub.stranger());
    hub.did(&["org", "add", "acme", "--admin", "alice"]);
    hub.repo("acme/gated", &["--gated", "manual"]);
    let (new, joining) = (Key::new("new"), Key::new("joining"));
    let code = hub.did(&["invite", "bob"]).lines().next().expect("a code").to_owned();
    let mut walked = BTreeSet::new();
    let mut step = |client: &Client, verb: &str, arguments: &str, change: bool| {
        let command = format!("{verb} {arguments}").trim_end().to_owned();
        // A refused command changes nothing and has one line too.
        let input = format!("{}\n", new.line);
        for (client, may) in [(&stranger, false), (client, true)] {
            if !may && ["join", "whoami"].contains(&verb) {
                continue;
            }
            hub.log();
            let before = rows(&hub);
            let outcome = client.ssh_with(&["-oBatchMode=yes"], &command, input.as_bytes());
            let is_done = outcome.status == 0;
            let done = usize::from(may && change);
            assert!(is_done || !may || verb == "explain", "{command}: {outcome}");
            assert_eq!(rows(&hub) - before, done, "rows of {command}: {outcome}");
            let log: Vec<String> = hub.log().iter().map(ToString::to_string).collect();
            // An explanation of a denial is an answer, with status 1.
            let decision = if is_done || verb == "explain" { "decision=allow" } else { "decision=deny" };
            assert!(log.len() == 1 && log[0].contains(decision), "{command}: {outcome}\n{log:#?}");
        }
        walked.insert(verb.to_owned());
    };
    step(&alice, "whoami", "", false);
    step(&alice, "key add", "desk", true);
    step(&alice, "key list", "", false);
    step(&alice, "user email add", "alice@example.org", true);
    step(&alice, "user email add", "a@example.org", true);
    step(&alice, "user email list", "", false);
    step(&alice, "user email remove", "a@example.org", true);
    step(&alice, "key rename", &format!("{} table", new.fingerprint), true);
    step(&alice, "key remove", "table --yes", true);
    step(&alice, "repo create", "alice/x --private", true);
    step(&alice, "repo list", "alice", false);
    step(&alice, "repo show", "alice/x", false);
    step(&alice, "repo rename", "alice/x alice/y", true);
    step(&alice, "repo collaborator set", "alice/y bob write", true);
    step(&alice, "repo collaborator list", "alice/y", false);
    step(&alice, "repo collaborator remove", "alice/y bob", true);
    step(&alice, "repo visibility", "alice/y private", true);
    step(&alice, "repo describe", "alice/y A model", true);
    step(&alice, "repo default-branch", "alice/y main", true);
    step(&alice, "repo protect", "alice/y main --update alice", true);
    step(&alice, "repo unprotect", "alice/y main", true);
    step(&alice, "repo proposals", "alice/y on", true);
    propose(&hub, "alice", "y", "bob");
    step(&alice, "proposal list", "alice/y", false);
    step(&alice, "proposal show", "alice/y 1", false);
    step(&alice, "proposal close", "alice/y 1", true);
    step(&alice, "proposal reopen", "alice/y 1", true);
    step(&alice, "check set", "alice/y binary on", true);
    step(&alice, "check list", "alice/y", false);
    step(&alice, "allowed-signers", "alice/y", false);
    step(&alice, "rule add", "alice/y deny all refs/heads/main bob", true);
    step(&alice, "rule add", "alice deny force ** @everyone --final", true);
    step(&alice, "rule add", "alice/y allow all ** alice", true);
    step(&alice, "rule move", "alice/y 2 1", true);
    step(&alice, "rule list", "alice/y", false);
    step(&alice, "rule remove", "alice/y 2", true);
    step(&alice, "repo remove", "alice/y --yes", true);
    step(&alice, "org member list", "acme", false);
    step(&alice, "org member set", "acme bob no_access", true);
    step(&alice, "team add", "acme/devs", true);
    step(&alice, "team list", "acme", false);
    step(&alice, "team rename", "acme/devs builders", true);
    step(&alice, "team member add", "acme/builders bob", true);
    step(&alice, "team member list", "acme/builders", false);
    step(&alice, "team show", "acme/builders", false);
    step(&alice, "team member remove", "acme/builders bob", true);
    step(&alice, "team remove", "acme/builders --yes", true);
    step(&bob, "access request", "acme/gated", true);
    step(&alice, "access list", "acme/gated", false);
    step(&alice, "access grant", "acme/gated bob", true);
    step(&alice, "access reject", "acme/gated bob", true);
    step(&alice, "access revoke", "acme/gated bob", true);
    step(&alice, "org member remove", "acme bob", true);
    step(&alice, "explain", "acme/gated push", false);
    let unknown = Client::new(&hub, None, joining);
    step(&unknown, "join", &code, true);
    step(&unknown, "key release", "--yes", true);
    let help = alice.ssh("help").succeeded().stdout();
    for verb in listed(&help, &format!("ssh {}", alice.at)) {
        assert!(walked.iter().any(|walked| format!("{walked} ").starts_with(&format!("{verb} "))), "{verb}: {help}");
    }
    assert_eq!(listed(&help, &format!("ssh {}", alice.at)).len(), 50, "{help}");
    // What each command wrote is what a restore accepts.
    let copy = hub.path("copy.db").display().to_string();
    hub.did(&["backup", &copy]);
    hub.did(&["restore", &copy, "--yes"]);
}

fn a_rewind_cannot_hide_behind_the_other_refs_of_its_push() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    hub.repo("alice/x", &[]);
    alice.git(&["clone", "--quiet", &Client::url("alice/x")]).is(&silent());
    let lost = alice.commit("x", "file", "content");
    alice.git_in("x", &["push", "--quiet", "origin", "HEAD:main", "HEAD:old"]).is(&silent());
    hub.log();
    // `old` keeps the commit that `main` loses.
    let dummies: Vec<String> = (0..300).map(|number| format!("HEAD~1:refs/heads/a/{number}")).collect();
    let mut words = vec!["push", "--quiet", "--force", "origin"];
    words.extend(dummies.iter().map(String::as_str));
    words.extend(["HEAD~1:refs/heads/main", ":refs/tags/v1", "HEAD:refs/heads/new"]);
    alice.git_in("x", &words).is(&silent());
    let log: Vec<String> =
        hub.log().iter().map(ToString::to_string).filter(|line| line.contains("verb=push")).collect();
    assert_eq!(log.len(), 303, "{log:#?}");
    assert!(log[0].contains("ref=refs/tags/v1 ") && log[0].ends_with("effect=deleted"), "{}", log[0]);
    let rewound = format!("ref=refs/heads/main old={lost} new=");
    assert!(log[1].contains(&rewound) && log[1].ends_with("effect=forced"), "{}", log[1]);
    assert!(log[2..].iter().all(|line| line.ends_with("effect=created")), "{log:#?}");
    alice.git_in("x", &["push", "--quiet", "origin", "HEAD:main"]).is(&silent());
    assert!(hub.log().iter().any(|line| line.to_string().ends_with(&format!("new={lost} effect=updated"))));
}

fn audit_finds_the_longest_path_of_a_repository() {
    let hub = Hub::new();
    // A name of an owner from before the shorter limit is as long as a name can be.
    let alice = hub.user("alice");
    let longest = "n".repeat(96);
    hub.sql(&format!("UPDATE owner SET name = '{longest}', folded = '{longest}'"));
    let path = format!("datasets/{longest}/{longest}");
    hub.did(&["repo", "create", &path]);
    assert_eq!(alice.ssh(format!("git-upload-pack '{path}'")).status, 128);
    let file = hub.path("auth.log");
    let lines = hub.raw_log();
    let lines = lines.iter().map(|raw| format!("Nov 24 09:00:00 hub {}\n", raw.split_once('>').expect("a priority").1));
    fs::write(&file, lines.collect::<String>()).expect("a file");
    let found = hub.did(&["--json", "audit", "--log", file.to_str().expect("UTF-8"), "--repo", &path]);
    let entries: Vec<serde_json::Value> = serde_json::from_str(&found).expect("JSON");
    let events: Vec<&str> = entries.iter().filter_map(|entry| entry["event"].as_str()).collect();
    assert_eq!(events, ["repo.create", "session"], "{found}");
}
