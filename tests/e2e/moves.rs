//! Renamed repositories and accounts: where old paths lead, who may move repositories, and who may use an old name
//! again.

use crate::harness::{Client, Expected, Hub, refused, says, silent, trials};
use crate::texts::{GIT_GIVES_UP, hi, not_found, you_are};

trials![
    an_old_path_works_for_identities_with_access_to_its_target,
    only_administrators_of_its_target_may_use_an_old_path_again,
    an_old_path_says_the_same_in_pushes_and_in_commands_and_does_not_tell_a_hidden_target_from_a_removed_one,
    the_old_name_of_an_account_works_until_the_operator_releases_it,
    repositories_move_by_the_hubs_rules_and_never_between_users,
];

fn moved(client: &Client, path: &str) -> Expected {
    silent().warning(format!("hubgate: this repository is now {path}: use {}:{path}\n", client.at))
}

fn reserved(path: &str) -> String {
    format!(
        "hubgate: {path} is reserved for a repository that was moved: only the operator, and accounts that administer \
         that repository, may use the path again\n"
    )
}

fn an_old_path_works_for_identities_with_access_to_its_target() {
    let hub = Hub::new();
    let (alice, bob, carol) = (hub.user("alice"), hub.user("bob"), hub.user("carol"));
    hub.repo("alice/x", &[]);
    hub.did(&["org", "add", "acme", "--admin", "alice"]);
    hub.did(&["repo", "collaborator", "set", "alice/x", "bob", "read"]);
    hub.did(&["repo", "visibility", "alice/x", "private"]);
    hub.did(&["repo", "rename", "alice/x", "alice/y"]);
    hub.did(&["repo", "rename", "alice/y", "acme/z"]);
    for old in ["alice/x", "alice/y", "ALICE/X"] {
        alice.git(&["clone", "--quiet", &Client::url(old), "tree"]).is(&moved(&alice, "acme/z"));
        alice.commit("tree", "file", old);
        alice
            .git_in("tree", &["push", "--quiet", "origin", "HEAD:refs/heads/b", "--force"])
            .is(&moved(&alice, "acme/z"));
        std::fs::remove_dir_all(alice.home.join("tree")).expect("a tree");
        // Grants move with the repository; access is checked at the new path.
        let fetched = bob.git(&["ls-remote", &Client::url(old), "refs/heads/none"]);
        fetched.is(&moved(&bob, "acme/z"));
        let read_only = format!("hubgate: you have no write access to acme/z\n{}", you_are(&bob));
        bob.ssh(format!("git-receive-pack '{old}'")).is(&refused(read_only));
        for path in [old, "alice/nothing"] {
            carol.git(&["ls-remote", &Client::url(path)]).is(&refused(not_found(&carol) + GIT_GIVES_UP).status(128));
        }
        // LFS follows the same path.
        let packet = |text: &str| format!("{:04x}{text}", text.len() + 4);
        let hello = format!("{}0000{}0000", packet("version 1\n"), packet("quit\n"));
        let said = bob.ssh_with(&[], format!("git-lfs-transfer {old} download"), hello.as_bytes());
        assert!(said.succeeded().stdout().contains("status 200"), "{said}");
        assert_eq!(said.stderr(), format!("hubgate: this repository is now acme/z: use {}:acme/z\n", bob.at));
        let said = carol.ssh_with(&[], format!("git-lfs-transfer {old} download"), hello.as_bytes());
        assert!(said.stderr.is_empty(), "{said}");
    }
    alice.git(&["ls-remote", &Client::url("acme/z"), "refs/heads/none"]).is(&silent());
    hub.log();
    bob.ssh("git-upload-pack 'alice/x'");
    let log = hub.log();
    assert!(log[0].fields.contains(" repo=alice/x "), "the log says what was asked for: {log:?}");
}

fn only_administrators_of_its_target_may_use_an_old_path_again() {
    let hub = Hub::new();
    let (boss, maker) = (hub.user("boss"), hub.user("maker"));
    hub.did(&["org", "add", "acme", "--admin", "boss"]);
    hub.did(&["org", "member", "set", "acme", "maker", "contributor"]);
    hub.repo("acme/old", &["--private"]);
    hub.did(&["repo", "rename", "acme/old", "acme/new"]);
    let taken = reserved("acme/old");
    maker.ssh("repo create acme/old").is(&refused(&taken));
    maker.ssh("repo create acme/own").succeeded();
    maker.ssh("repo rename acme/own acme/old").is(&refused(&taken));
    maker.git(&["ls-remote", &Client::url("acme/old"), "refs/heads/none"]).is(&moved(&maker, "acme/new"));
    boss.ssh("repo create acme/old").succeeded();
    // From here on, the path belongs to the new repository.
    maker.git(&["ls-remote", &Client::url("acme/old")]).is(&silent());
    assert!(hub.directory("acme/old") != hub.directory("acme/new"));
    // The operator may do it too.
    hub.did(&["repo", "rename", "acme/new", "acme/newer"]);
    hub.did(&["repo", "create", "acme/new"]);
    maker.git(&["ls-remote", &Client::url("acme/new")]).is(&silent());
}

fn an_old_path_says_the_same_in_pushes_and_in_commands_and_does_not_tell_a_hidden_target_from_a_removed_one() {
    let hub = Hub::new();
    let (alice, bob) = (hub.user("alice"), hub.user("bob"));
    hub.did(&["org", "add", "acme", "--admin", "bob"]);
    hub.did(&["org", "member", "set", "acme", "alice", "contributor"]);
    for name in ["hidden", "removed"] {
        alice.ssh(format!("repo create alice/{name} --private")).succeeded();
        alice.ssh(format!("repo rename alice/{name} acme/{name}")).succeeded();
    }
    // Her own repository, moved within her account and removed there.
    alice.ssh("repo create alice/own").succeeded();
    alice.ssh("repo rename alice/own alice/elsewhere").succeeded();
    alice.ssh("repo remove alice/elsewhere --yes").succeeded();
    // While she sees the target, the path leads there, and she may not use it again.
    alice.ssh("repo create alice/hidden").is(&refused(reserved("alice/hidden")));
    hub.did(&["org", "member", "remove", "acme", "alice"]);
    bob.ssh("repo remove acme/removed --yes").succeeded();
    let create = |path: &str| format!("hubgate: create it with: ssh {} repo create {path}\n", alice.at);
    let pushes = |client: &Client, path: &str| client.ssh(format!("git-receive-pack '{path}'"));
    for name in ["hidden", "removed"] {
        let path = format!("alice/{name}");
        pushes(&alice, &path).is(&refused(not_found(&alice) + &reserved(&path)));
        alice.ssh(format!("repo create {path}")).is(&refused(reserved(&path)));
        alice.ssh(format!("repo create {path} --private")).is(&refused(reserved(&path)));
        // Reading it, and every account that may not create there, sees nothing.
        for command in ["git-upload-pack '@'", "repo show @", "repo remove @ --yes", "access request @"] {
            alice.ssh(command.replace('@', &path)).is(&refused(not_found(&alice)));
        }
    }
    alice.ssh("repo create alice/new").succeeded();
    alice.ssh("repo rename alice/new alice/hidden").is(&refused(reserved("alice/hidden")));
    let others = hub.user("carol");
    for path in ["alice/hidden", "alice/removed", "alice/nothing"] {
        pushes(&others, path).is(&refused(not_found(&others)));
        others.ssh(format!("repo create {path}")).is(&refused("hubgate: you may not create repositories of alice\n"));
    }
    // What a push offers works: on a free path, and on an old path whose repository she administered.
    for path in ["alice/free", "alice/own"] {
        pushes(&alice, path).is(&refused(not_found(&alice) + &create(path)));
        alice.ssh(format!("repo create {path}")).succeeded();
    }
    // The operator may give the path away.
    hub.did(&["repo", "create", "alice/hidden"]);
    alice.git(&["ls-remote", &Client::url("alice/hidden")]).is(&silent());
    // After a rename of the account, a push by the old name offers the name that can be used.
    hub.did(&["user", "rename", "alice", "alicia"]);
    let you_are = you_are(&alice).replace("you are alice", "you are alicia");
    let missing = format!("hubgate: repository not found, or you have no access to it\n{you_are}");
    pushes(&alice, "alice/other").is(&refused(missing + &create("alicia/other")));
    alice.ssh("repo create alicia/other").succeeded();
}

fn the_old_name_of_an_account_works_until_the_operator_releases_it() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    let bob = hub.user("bob");
    hub.repo("alice/x", &[]);
    hub.did(&["user", "rename", "alice", "alicia"]);
    alice.greet().is(&says(hi("alicia")));
    bob.git(&["ls-remote", &Client::url("alice/x"), "refs/heads/none"]).is(&moved(&bob, "alicia/x"));
    let kept = "hubgate: the name alice belonged to an account before: to free it run hubgate user release alice\n";
    hub.hubgate(&["user", "add", "alice"]).is(&refused(kept));
    hub.hubgate(&["user", "rename", "bob", "Alice"]).is(&refused(kept.replace("alice", "Alice")));
    hub.did(&["user", "release", "alice"]);
    let gone = refused(not_found(&bob) + GIT_GIVES_UP).status(128);
    bob.git(&["ls-remote", &Client::url("alice/x")]).is(&gone);
    bob.git(&["ls-remote", &Client::url("alicia/x"), "refs/heads/none"]).is(&silent());
    // A new owner of the name does not get the old owner's redirects.
    hub.did(&["user", "add", "alice"]);
    bob.git(&["ls-remote", &Client::url("alice/x")]).is(&gone);
    // The name of a removed account stays reserved too, and leads to the repositories that its heir got.
    hub.did(&["user", "remove", "alicia", "--transfer-to", "bob", "--yes"]);
    bob.git(&["ls-remote", &Client::url("alicia/x"), "refs/heads/none"]).is(&moved(&bob, "bob/x"));
    let audit = hub.did(&["audit", "--repo", "alicia/x"]);
    assert!(audit.contains("repo.move"), "{audit}");
    hub.hubgate(&["user", "add", "alicia"]).is(&refused(kept.replace("alice", "alicia")));
    hub.did(&["user", "release", "alicia"]);
    bob.git(&["ls-remote", &Client::url("alicia/x")]).is(&gone);
    bob.git(&["ls-remote", &Client::url("bob/x"), "refs/heads/none"]).is(&silent());
}

fn repositories_move_by_the_hubs_rules_and_never_between_users() {
    let hub = Hub::new();
    let (alice, _bob) = (hub.user("alice"), hub.user("bob"));
    hub.did(&["user", "add", "boss"]);
    let roles = ["no_access", "read", "contributor", "write", "admin"];
    for role in roles {
        let organization = format!("org-{}", role.replace('_', "-"));
        hub.did(&["org", "add", &organization, "--admin", "boss"]);
        hub.did(&["org", "member", "set", &organization, "alice", role]);
        hub.repo(&format!("{organization}/theirs"), &[]);
    }
    hub.repo("alice/x", &["--private"]);
    let rename = |old: &str, new: &str| alice.ssh(format!("repo rename {old} {new}"));
    let not_over = |old: &str, owner: &str| refused(format!("hubgate: you may not transfer {old} to {owner}\n"));
    rename("alice/x", "bob/x").is(&not_over("alice/x", "bob"));
    rename("alice/x", "nobody/x").is(&not_over("alice/x", "nobody"));
    // A contributor may transfer a repository to the organization. Only an admin may transfer it back.
    for (owner, takes) in [
        ("org-no-access", false),
        ("org-read", false),
        ("org-contributor", true),
        ("org-write", true),
        ("org-admin", true),
    ] {
        let there = format!("{owner}/x");
        if !takes {
            rename("alice/x", &there).is(&not_over("alice/x", owner));
            continue;
        }
        rename("alice/x", &there).is(&says(format!("renamed alice/x to {there}\n")));
        match owner {
            "org-admin" => rename(&there, "alice/x").is(&says(format!("renamed {there} to alice/x\n"))),
            "org-write" => rename(&there, "alice/x").is(&not_over(&there, "alice")),
            // The operator created it, so it is not the contributor's own.
            _ => {
                rename(&there, "alice/x").is(&refused(format!("hubgate: you may neither rename nor remove {there}\n")));
            }
        }
        if owner != "org-admin" {
            hub.did(&["repo", "rename", &there, "alice/x"]);
        }
    }
    // Within an organization, the role write is enough to rename a repository.
    for (owner, may) in [("org-read", false), ("org-contributor", false), ("org-write", true), ("org-admin", true)] {
        let (old, new) = (format!("{owner}/theirs"), format!("{owner}/renamed"));
        if may {
            rename(&old, &new).is(&says(format!("renamed {old} to {new}\n")));
        } else {
            rename(&old, &new).is(&refused(format!("hubgate: you may neither rename nor remove {old}\n")));
        }
    }
    // Between organizations, the user must be admin of the source and at least contributor of the target.
    rename("org-admin/renamed", "org-contributor/y").is(&says("renamed org-admin/renamed to org-contributor/y\n"));
    rename("org-write/renamed", "org-contributor/z").is(&not_over("org-write/renamed", "org-contributor"));
    // The kind cannot change.
    rename("alice/x", "datasets/alice/x").is(&refused("hubgate: alice/x is a model: it cannot become a dataset\n"));
}
