//! Who may do what: each kind of account clones from and pushes to each kind of repository.

use crate::harness::{Client, Expected, Hub, Setup, refused, says, silent, trials};
use crate::texts::{GIT_GIVES_UP, not_found, not_supported, read_only};

trials![
    a_private_repo_looks_missing,
    a_private_repo_looks_missing_to_git_itself,
    organization_roles_give_the_access_of_the_table,
    collaborators_get_the_granted_access,
    owners_write_only_their_own_repositories,
    grants_that_have_ended_give_no_access,
    revoking_a_grant_takes_effect_at_once,
    changing_visibility_takes_effect_at_once,
    an_internal_repository_is_served_to_accounts_and_looks_missing_to_others,
    a_removed_repository_is_missing,
    hostile_inputs_get_the_decision_of_their_row,
];

/// What a client can do with a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    None,
    Fetch,
    Write,
}
use Level::{Fetch, None, Write};

/// Tries clone and push, and compares the whole answers.
#[track_caller]
fn has(client: &Client, level: Level, path: &str) {
    let git = |answer: String| refused(answer + GIT_GIVES_UP).status(128);
    let fetch = match level {
        None => git(not_found(client)),
        Fetch | Write => silent(),
    };
    let tree = path.replace('/', "-");
    let _ = std::fs::remove_dir_all(client.home.join(&tree));
    client.git(&["clone", "--quiet", "--bare", &Client::url(path), &tree]).is(&fetch);
    let push: Expected = match level {
        None => git(not_found(client)),
        Fetch => git(read_only(client, path)),
        Write => silent(),
    };
    if !client.home.join("own").exists() {
        client.git(&["init", "--quiet", "own"]).is(&silent());
        client.commit("own", "file", client.user.as_deref().unwrap_or("anonymous"));
    }
    let branch = format!("HEAD:refs/heads/{}", client.user.as_deref().unwrap_or("anonymous"));
    client.git_in("own", &["push", "--quiet", "--force", &Client::url(path), &branch]).is(&push);
}

/// All git commands that name a repository.
const GIT_COMMANDS: [&str; 4] =
    ["git-upload-pack '@'", "git-receive-pack '@'", "git-upload-archive '@'", "git upload-pack @"];
/// All LFS commands.
const LFS_COMMANDS: [&str; 4] = [
    "git-lfs-authenticate @ download",
    "git-lfs-authenticate @ upload",
    "git-lfs-transfer @ download",
    "git-lfs-transfer @ upload",
];

/// The first messages of an LFS client, in packets: its version, a batch of one object, quit.
pub(crate) fn lfs_batch() -> Vec<u8> {
    let packet = |text: &str| format!("{:04x}{text}", text.len() + 4);
    let object = format!("{} 4\n", "0".repeat(64));
    format!("{}0000{}0001{}0000{}0000", packet("version 1\n"), packet("batch\n"), packet(&object), packet("quit\n"))
        .into_bytes()
}

fn a_private_repo_looks_missing() {
    let hub = Hub::with(&Setup { archive: true, ..Setup::default() });
    let (_bob, alice, stranger) = (hub.user("bob"), hub.user("alice"), hub.stranger());
    hub.repo("bob/secret", &["--private"]);
    hub.repo("datasets/bob/secret", &["--private"]);
    let paths = ["bob/secret", "datasets/bob/secret", "bob/nope", "spaces/bob/secret", "nobody/nope"];
    for client in [&alice, &stranger] {
        let _master = client.master();
        for command in GIT_COMMANDS {
            for path in paths {
                client.ssh(command.replace('@', path)).is(&refused(not_found(client)));
            }
        }
    }
    let reasons: Vec<String> = hub.log().into_iter().map(|entry| entry.fields).collect();
    assert_eq!(reasons.len(), 2 * GIT_COMMANDS.len() * paths.len());
    assert!(reasons.iter().all(|line| line.ends_with("decision=deny reason=no-repository")), "{reasons:?}");
    for client in [&alice, &stranger] {
        let _master = client.master();
        for command in LFS_COMMANDS {
            let ask = |path: &str| client.ssh_with(&[], command.replace('@', path), &lfs_batch());
            let missing = ask("bob/nope");
            if command.starts_with("git-lfs-transfer") {
                let sentence = "repository not found, or you have no access to it";
                assert!(missing.stdout().contains("status 403\n") && missing.stdout().contains(sentence), "{missing}");
            }
            for path in paths {
                let hidden = ask(path);
                let same = (hidden.stdout == missing.stdout, hidden.stderr == missing.stderr, hidden.status);
                assert_eq!(same, (true, true, missing.status), "{hidden}{missing}");
            }
        }
    }
}

fn a_private_repo_looks_missing_to_git_itself() {
    let hub = Hub::new();
    let (_bob, alice, stranger) = (hub.user("bob"), hub.user("alice"), hub.stranger());
    hub.repo("bob/secret", &["--private"]);
    for client in [&alice, &stranger] {
        for path in ["bob/secret", "bob/nope", "nobody/nope", "datasets/bob/secret"] {
            has(client, None, path);
        }
    }
    // Archives are off for all clients, before anything is looked up.
    for path in ["bob/secret", "bob/nope"] {
        let command = format!("git-upload-archive '{path}'");
        alice.ssh(command).is(&refused(not_supported(&alice)).status(127));
    }
}

fn organization_roles_give_the_access_of_the_table() {
    let hub = Hub::new();
    let roles = ["no_access", "read", "contributor", "write", "admin"];
    let members = ["nobody", "reader", "contributor", "writer", "boss"].map(|name| hub.user(name));
    hub.did(&["org", "add", "acme", "--admin", "boss"]);
    for (role, member) in roles.iter().zip(&members) {
        hub.did(&["org", "member", "set", "acme", member.user.as_deref().unwrap_or_default(), role]);
    }
    hub.repo("acme/public", &[]);
    hub.repo("acme/private", &["--private"]);
    hub.repo("datasets/acme/own", &["--private", "--created-by", "contributor"]);
    let table: [(&str, [Level; 5]); 3] = [
        // no_access, read, contributor, write, admin
        ("acme/public", [Fetch, Fetch, Fetch, Write, Write]),
        ("acme/private", [None, Fetch, Fetch, Write, Write]),
        ("datasets/acme/own", [None, Fetch, Write, Write, Write]),
    ];
    for (path, levels) in table {
        for (member, level) in members.iter().zip(levels) {
            has(member, level, path);
        }
    }
    let (outsider, stranger) = (hub.user("outsider"), hub.stranger());
    for client in [&outsider, &stranger] {
        has(client, Fetch, "acme/public");
        has(client, None, "acme/private");
        has(client, None, "datasets/acme/own");
    }
}

fn collaborators_get_the_granted_access() {
    let hub = Hub::new();
    hub.user("owner");
    hub.repo("owner/x", &["--private"]);
    hub.repo("owner/other", &["--private"]);
    for (name, role, level) in [("r", "read", Fetch), ("w", "write", Write), ("a", "admin", Write)] {
        let user = hub.user(name);
        has(&user, None, "owner/x");
        hub.did(&["repo", "collaborator", "set", "owner/x", name, role, "--until", "90d"]);
        has(&user, level, "owner/x");
        has(&user, None, "owner/other");
    }
}

fn owners_write_only_their_own_repositories() {
    let hub = Hub::new();
    let (alice, bob) = (hub.user("alice"), hub.user("bob"));
    for path in ["alice/x", "datasets/alice/x"] {
        hub.repo(path, &[]);
        has(&alice, Write, path);
        has(&bob, Fetch, path);
    }
    hub.repo("spaces/bob/y", &["--private", "--created-by", "alice"]);
    has(&bob, Write, "spaces/bob/y");
    // The creator has no special rights without the role contributor.
    has(&alice, None, "spaces/bob/y");
}

fn grants_that_have_ended_give_no_access() {
    let hub = Hub::new();
    let (alice, bob) = (hub.user("alice"), hub.user("bob"));
    hub.did(&["org", "add", "acme", "--admin", "alice"]);
    hub.repo("acme/x", &["--private"]);
    hub.repo("alice/y", &["--private"]);
    hub.did(&["org", "member", "set", "acme", "bob", "write", "--until", "1d"]);
    hub.did(&["repo", "collaborator", "set", "alice/y", "bob", "write", "--until", "2999-12-31"]);
    has(&bob, Write, "acme/x");
    has(&bob, Write, "alice/y");
    // A grant is valid while `now` is before its end.
    hub.sql("UPDATE member SET until = unixepoch() WHERE until IS NOT NULL");
    hub.sql("UPDATE collaborator SET until = unixepoch() WHERE until IS NOT NULL");
    has(&bob, None, "acme/x");
    has(&bob, None, "alice/y");
    has(&alice, Write, "acme/x");
}

fn revoking_a_grant_takes_effect_at_once() {
    let hub = Hub::new();
    let (alice, bob) = (hub.user("alice"), hub.user("bob"));
    hub.did(&["org", "add", "acme", "--admin", "alice"]);
    hub.repo("acme/x", &["--private"]);
    hub.did(&["org", "member", "set", "acme", "bob", "admin"]);
    hub.did(&["repo", "collaborator", "set", "acme/x", "bob", "read"]);
    let _master = bob.master();
    has(&bob, Write, "acme/x");
    hub.did(&["org", "member", "remove", "acme", "bob"]);
    has(&bob, Fetch, "acme/x");
    hub.did(&["repo", "collaborator", "remove", "acme/x", "bob"]);
    has(&bob, None, "acme/x");
    has(&alice, Write, "acme/x");
}

fn changing_visibility_takes_effect_at_once() {
    let hub = Hub::new();
    let (_alice, stranger) = (hub.user("alice"), hub.stranger());
    hub.repo("alice/x", &[]);
    let _master = stranger.master();
    has(&stranger, Fetch, "alice/x");
    hub.did(&["repo", "visibility", "alice/x", "private"]);
    has(&stranger, None, "alice/x");
    hub.did(&["repo", "visibility", "alice/x", "public"]);
    has(&stranger, Fetch, "alice/x");
}

fn an_internal_repository_is_served_to_accounts_and_looks_missing_to_others() {
    let hub = Hub::new();
    let (alice, bob, stranger) = (hub.user("alice"), hub.user("bob"), hub.stranger());
    hub.repo("alice/x", &["--internal"]);
    hub.repo("alice/y", &[]);
    has(&alice, Write, "alice/x");
    has(&bob, Fetch, "alice/x");
    has(&stranger, None, "alice/x");
    let robot = hub.stranger();
    hub.did(&["deploy-key", "add", "alice/y", robot.key.public_file().to_str().expect("UTF-8")]);
    let missing = |client: &Client, path: &str| client.git(&["ls-remote", &Client::url(path)]);
    for client in [&robot, &stranger] {
        let hidden = missing(client, "alice/x");
        assert_eq!((hidden.status, hidden.stderr()), (128, missing(client, "alice/none").stderr()));
    }
    missing(&robot, "alice/y").succeeded();
    // Each kind of list shows it to an account alone.
    let list = |client: &Client| client.ssh("repo list alice --json").stdout().contains("alice/x");
    assert!(list(&alice) && list(&bob) && !list(&stranger) && !list(&robot));
    assert_eq!(alice.ssh("explain alice/x fetch").succeeded().stdout().lines().nth(3), Some("alice/x is internal"));
    assert!(hub.did(&["repo", "list"]).contains("internal") && hub.did(&["export"]).contains("\"internal\""));
    alice.ssh("repo visibility alice/x private").succeeded();
    has(&bob, None, "alice/x");
    hub.did(&["repo", "visibility", "alice/x", "internal"]);
    has(&bob, Fetch, "alice/x");
    hub.did(&["user", "disable", "bob", "--reason", "left"]);
    assert_eq!(bob.git(&["ls-remote", &Client::url("alice/x")]).status, 128);
    let created = format!("created the model alice/z (internal): git clone {}:alice/z\n", alice.at);
    alice.ssh("repo create alice/z --internal").is(&says(created));
    assert_eq!(alice.ssh("repo create alice/no --internal --private").status, 2);
}

fn a_removed_repository_is_missing() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    hub.repo("alice/x", &[]);
    has(&alice, Write, "alice/x");
    hub.did(&["repo", "remove", "alice/x", "--yes"]);
    let missing = not_found(&alice);
    alice.git(&["ls-remote", &Client::url("alice/x")]).is(&refused(missing.clone() + GIT_GIVES_UP).status(128));
    // A peer that could create the repository reads how.
    let create = format!("hubgate: create it with: ssh {} repo create alice/x\n", alice.at);
    alice.ssh("git-receive-pack 'alice/x'").is(&refused(missing + &create));
    let stranger = hub.stranger();
    has(&stranger, None, "alice/x");
}

fn hostile_inputs_get_the_decision_of_their_row() {
    let hub = Hub::new();
    let (_bob, alice) = (hub.user("bob"), hub.user("alice"));
    hub.repo("bob/secret", &["--private"]);
    hub.repo("bob/pub", &[]);
    hub.repo("bob/gated", &["--gated", "manual"]);
    hub.repo("alice/x", &[]);
    let _master = alice.master();
    let mut tried = 0;
    for row in crate::rows::of_kind("access") {
        let answer = match (row.id.as_str(), row.message.as_deref()) {
            (_, Some("E_GATED")) => {
                let ask = format!("ask for it with: ssh {} access request bob/gated", alice.at);
                let you = crate::texts::you_are(&alice);
                refused(format!("hubgate: access to bob/gated is restricted: {ask}\n{you}"))
            }
            (_, Some("E_NOREPO")) => refused(not_found(&alice)),
            // LFS reports it in its own protocol.
            ("access-009", Some("E_READONLY")) => {
                let said = alice.ssh_with(&[], row.command(), &lfs_batch());
                let answer = said.succeeded().stdout();
                let sentence = "you have no write access to bob/pub";
                assert!(answer.contains("status 403\n") && answer.contains(sentence), "{said}");
                tried += 1;
                continue;
            }
            (_, Some("E_READONLY")) => refused(read_only(&alice, "bob/pub")),
            ("access-012", _) => {
                let outcome = alice.ssh_with(&[], row.command(), b"0000");
                assert!(outcome.succeeded().stdout().contains(" refs/tags/of/alice/x\n"), "{outcome}");
                tried += 1;
                continue;
            }
            (id, message) => panic!("{id}: no answer known for {message:?}"),
        };
        alice.ssh(row.command()).is(&answer);
        tried += 1;
    }
    assert_eq!(tried, 8);
}
