//! Locks, with Debian's git-lfs and with single messages.

use super::tree;
use super::wire::Wire;
use crate::harness::{Client, Hub, Key, Setup, trials};

trials![
    a_lock_excludes_other_users,
    a_lock_stays_with_its_renamed_account,
    a_deploy_key_locks_for_itself,
    where_the_check_is_on_a_push_changes_no_file_that_another_has_locked,
    a_session_whose_path_has_a_new_target_is_refused,
    a_lock_of_another_repository_is_not_found,
    an_account_and_a_repository_have_at_most_so_many_locks,
    a_path_with_invisible_characters_is_not_locked_and_is_shown_escaped,
];

fn a_lock_excludes_other_users() {
    let hub = Hub::new();
    let (alice, bob) = (hub.user("alice"), hub.user("bob"));
    hub.empty_repo("alice/x", &[]);
    hub.did(&["repo", "collaborator", "set", "alice/x", "bob", "write"]);
    tree(&alice, "alice/x", &[("a.bin", "a".to_owned())]);
    alice.git_in("x", &["push", "--quiet", "origin", "HEAD:main"]).succeeded();
    alice.git_in("x", &["lfs", "lock", "a.bin"]).succeeded();
    bob.git(&["clone", "--quiet", &Client::url("alice/x"), "x"]).succeeded();
    assert_ne!(bob.git_in("x", &["lfs", "lock", "a.bin"]).status, 0);
    assert_ne!(bob.git_in("x", &["lfs", "unlock", "a.bin", "--force"]).status, 0, "a writer breaks nobody's lock");
    let list = hub.did(&["lock", "list", "alice/x"]);
    assert!(list.contains("a.bin") && list.contains("alice"), "{list}");
    let id = list.lines().nth(1).and_then(|line| line.split(' ').next()).expect("an id");
    hub.did(&["lock", "remove", "alice/x", id]);
    let row = hub.sql("SELECT event || ' ' || object || ' ' || detail FROM audit ORDER BY id DESC LIMIT 1");
    assert_eq!(row, "lock.remove alice/x {\"file\":\"a.bin\",\"holder\":\"alice\"}\n");
    bob.git_in("x", &["lfs", "lock", "a.bin"]).succeeded();
}

/// The sentences of a push, without the id of the commit that they name.
fn pushed(client: &Client, branch: &str) -> (i32, Vec<String>) {
    let pushed = client.git_in("x", &["-c", "lfs.locksverify=false", "push", "--quiet", "origin", branch]);
    let head = client.git_in("x", &["rev-parse", "HEAD"]).stdout();
    let said = pushed.stderr().replace(head.trim_end(), "HEAD");
    let sentences = said.lines().filter_map(|line| line.strip_prefix("remote: hubgate: "));
    (pushed.status, sentences.map(|line| line.trim_end().to_owned()).collect())
}

fn where_the_check_is_on_a_push_changes_no_file_that_another_has_locked() {
    let hub = Hub::new();
    let (alice, bob) = (hub.user("alice"), hub.user("bob"));
    hub.empty_repo("alice/x", &[]);
    hub.did(&["repo", "collaborator", "set", "alice/x", "bob", "write"]);
    tree(&alice, "alice/x", &[("a.bin", "a".to_owned()), ("b.bin", "b".to_owned())]);
    alice.git_in("x", &["push", "--quiet", "origin", "HEAD:main"]).succeeded();
    alice.git_in("x", &["lfs", "lock", "a.bin"]).succeeded();
    bob.git(&["clone", "--quiet", &Client::url("alice/x"), "x"]).succeeded();
    bob.commit("x", "a.bin", "as bob has it");
    assert_eq!(pushed(&bob, "HEAD:refs/heads/before"), (0, vec![]), "the check is off");
    hub.did(&["check", "set", "alice/x", "lfs-locks", "on"]);
    let refused = vec![
        "commit HEAD: a.bin is locked by alice".to_owned(),
        "ask who has locked a file to unlock it: git lfs unlock PATH".to_owned(),
    ];
    bob.commit("x", "b.bin", "of bob");
    assert_eq!(pushed(&bob, "HEAD:main"), (0, vec![]), "the commit that changes a.bin is here already");
    bob.git_in("x", &["rm", "--quiet", "a.bin"]).succeeded();
    bob.git_in("x", &["commit", "--quiet", "-m", "Remove"]).succeeded();
    for branch in ["HEAD:main", "HEAD:refs/heads/other"] {
        assert_eq!(pushed(&bob, branch), (1, refused.clone()), "{branch}");
    }
    alice.git_in("x", &["pull", "--quiet", "--no-rebase", "origin", "main"]).succeeded();
    alice.commit("x", "a.bin", "as alice has it");
    assert_eq!(pushed(&alice, "HEAD:main"), (0, vec![]), "the holder may change the file");
    alice.git_in("x", &["lfs", "unlock", "a.bin"]).succeeded();
    assert_eq!(pushed(&bob, "HEAD:refs/heads/other"), (0, vec![]), "the file is unlocked");
    let key = Key::new("ci");
    hub.did(&["deploy-key", "add", "alice/x", "--write", key.public_file().to_str().expect("UTF-8")]);
    let deploy = Client::new(&hub, None, key);
    deploy.git(&["clone", "--quiet", &Client::url("alice/x"), "x"]).succeeded();
    Wire::open(&deploy, "alice/x", "upload").ask(&["lock", "path=b.bin"]);
    for (client, is_refused) in [(&alice, true), (&deploy, false)] {
        client.commit("x", "b.bin", if is_refused { "alice" } else { "the deploy key" });
        let (status, said) = pushed(client, "HEAD:refs/heads/b");
        assert_eq!((status != 0, said.is_empty()), (is_refused, !is_refused), "{said:?}");
    }
}

/// A value in an answer to `lock`.
fn value<'a>(answer: &'a [String], key: &str) -> &'a str {
    answer.iter().find_map(|line| line.strip_prefix(key)).unwrap_or_else(|| panic!("no {key}: {answer:?}"))
}

fn a_lock_stays_with_its_renamed_account() {
    let hub = Hub::new();
    let (alice, bob) = (hub.user("alice"), hub.user("bob"));
    hub.did(&["org", "add", "acme", "--admin", "alice"]);
    hub.did(&["org", "member", "set", "acme", "bob", "write"]);
    hub.empty_repo("acme/x", &[]);
    tree(&bob, "acme/x", &[("a.bin", "a".to_owned())]);
    bob.git_in("x", &["push", "--quiet", "origin", "HEAD:main"]).succeeded();
    bob.git_in("x", &["lfs", "lock", "a.bin"]).succeeded();
    hub.did(&["user", "rename", "bob", "robert"]);
    // A new account gets the old name.
    hub.did(&["user", "release", "bob"]);
    let second = hub.user("bob");
    hub.did(&["org", "member", "set", "acme", "bob", "write"]);
    let list = |client: &Client| Wire::open(client, "acme/x", "upload").ask(&["list-lock"]);
    for (client, whose) in [(&bob, "ours"), (&alice, "theirs"), (&second, "theirs")] {
        let locks = list(client);
        let owners: Vec<&str> =
            locks.iter().filter(|line| line.starts_with("owner")).filter_map(|line| line.split(' ').nth(2)).collect();
        assert_eq!(owners, ["robert", whose], "{locks:?}");
    }
    assert!(hub.did(&["lock", "list", "acme/x"]).contains("robert"));
    bob.git_in("x", &["lfs", "unlock", "a.bin"]).succeeded();
    assert_eq!(list(&alice), ["status 200", "0001"]);
}

fn a_deploy_key_locks_for_itself() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    hub.empty_repo("alice/x", &[]);
    let keys = [Key::new("one"), Key::new("two")];
    let [one, two] = keys.each_ref().map(|key| {
        let file = key.public_file();
        hub.did(&["deploy-key", "add", "alice/x", "--write", file.to_str().expect("UTF-8")]);
        Client::new(&hub, None, key.clone())
    });
    let locked = Wire::open(&one, "alice/x", "upload").ask(&["lock", "path=a.bin"]);
    assert_eq!(locked[0], "status 201");
    assert_eq!(value(&locked, "ownername="), keys[0].fingerprint);
    let unlock = format!("unlock {}", value(&locked, "id="));
    let refused = Wire::open(&two, "alice/x", "upload").ask(&[&unlock]);
    let sentence = format!(
        "a.bin is locked by {}: only they and administrators of the repository can unlock it",
        keys[0].fingerprint
    );
    assert_eq!(refused, ["status 403", "0001", &sentence]);
    // The repository's administrator may.
    assert_eq!(Wire::open(&alice, "alice/x", "upload").ask(&[&unlock])[0], "status 200");
}

fn a_session_whose_path_has_a_new_target_is_refused() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    hub.empty_repo("alice/x", &[]);
    hub.empty_repo("alice/z", &[]);
    let mut session = Wire::open(&alice, "alice/x", "upload");
    hub.did(&["repo", "rename", "alice/x", "alice/y"]);
    let locked = session.ask(&["lock", "path=a.bin"]);
    assert_eq!(locked[0], "status 201", "a path that was leads to the same repository");
    // A command would end the session at once, so the database is changed directly.
    hub.sql("UPDATE repository SET name = 'x', folded = 'x' WHERE folded = 'z'");
    let moved = ["status 403", "0001", "the repository was moved during this session: try again"];
    assert_eq!(session.ask(&["lock", "path=b.bin"]), moved);
    assert_eq!(session.ask(&[&format!("unlock {}", value(&locked, "id="))]), moved);
    assert_eq!(session.ask(&["batch", "0001"]), moved);
    session.hang_up();
    assert!(hub.did(&["lock", "list", "alice/y"]).contains("a.bin"));
}

fn a_lock_of_another_repository_is_not_found() {
    let hub = Hub::new();
    let (alice, bob) = (hub.user("alice"), hub.user("bob"));
    hub.empty_repo("alice/x", &["--private"]);
    hub.empty_repo("bob/y", &[]);
    let locked = Wire::open(&alice, "alice/x", "upload").ask(&["lock", "path=secret.bin"]);
    let id = value(&locked, "id=").to_owned();
    let unlock = format!("unlock {id}");
    // Bob administers his own repository and may break any lock there.
    for lines in [vec![unlock.as_str()], vec![unlock.as_str(), "force=true"]] {
        let answer = Wire::open(&bob, "bob/y", "upload").ask(&lines);
        assert_eq!(answer[0], "status 404", "{answer:?}");
    }
    for argument in [format!("id={id}"), "path=secret.bin".to_owned()] {
        assert_eq!(Wire::open(&bob, "bob/y", "upload").ask(&["list-lock", &argument]), ["status 200", "0001"]);
    }
    assert_eq!(hub.hubgate(&["lock", "remove", "bob/y", &id]).status, 1);
    assert!(hub.did(&["lock", "list", "alice/x"]).contains("secret.bin"));
}

fn an_account_and_a_repository_have_at_most_so_many_locks() {
    let more = "[limits]\nlfs_locks = 3\nlfs_locks_per_account = 2\n";
    let hub = Hub::with(&Setup { more, ..Setup::default() });
    let (alice, bob) = (hub.user("alice"), hub.user("bob"));
    hub.empty_repo("alice/x", &[]);
    hub.did(&["repo", "collaborator", "set", "alice/x", "bob", "write"]);
    tree(&alice, "alice/x", &[("a.bin", "a".to_owned()), ("b.bin", "b".to_owned()), ("c.bin", "c".to_owned())]);
    alice.git_in("x", &["push", "--quiet", "origin", "HEAD:main"]).succeeded();
    for file in ["a.bin", "b.bin"] {
        alice.git_in("x", &["lfs", "lock", file]).succeeded();
    }
    let third = alice.git_in("x", &["lfs", "lock", "c.bin"]);
    let sentence = "you hold 2 locks in this repository, and no more are accepted: unlock files that you do not change";
    assert!(third.status != 0 && third.stderr().contains(sentence), "{third}");
    let mut session = Wire::open(&bob, "alice/x", "upload");
    assert_eq!(session.ask(&["lock", "path=c.bin"])[0], "status 201");
    let sentence = "this repository has 3 locks, and no more are accepted: ask its users to unlock files that they do \
                    not change";
    assert_eq!(session.ask(&["lock", "path=d.bin"]), ["status 403", "0001", sentence]);
    alice.git_in("x", &["lfs", "unlock", "a.bin"]).succeeded();
    assert_eq!(session.ask(&["lock", "path=d.bin"])[0], "status 201");
}

fn a_path_with_invisible_characters_is_not_locked_and_is_shown_escaped() {
    let hub = Hub::new();
    let (alice, bob) = (hub.user("alice"), hub.user("bob"));
    hub.empty_repo("alice/x", &[]);
    hub.did(&["repo", "collaborator", "set", "alice/x", "bob", "write"]);
    let path = "path=model\u{202e}nib.exe";
    let mut session = Wire::open(&alice, "alice/x", "upload");
    let refused = session.ask(&["lock", path]);
    assert_eq!(refused[0], "status 400");
    assert!(refused[2].contains("a path to lock is UTF-8 without control characters and invisible"), "{refused:?}");
    // An earlier version has locked it. Clients still find it by its path.
    assert_eq!(session.ask(&["lock", "path=model.bin"])[0], "status 201");
    let file = hub.directory("alice/x").join("lfs/locks.txt");
    let text = std::fs::read_to_string(&file).expect("locks").replace("model.bin", "model\u{202e}nib.exe");
    std::fs::write(&file, text).expect("locks");
    session.hang_up();
    let mut session = Wire::open(&bob, "alice/x", "upload");
    let listed = session.ask(&["list-lock", path]);
    assert!(listed.iter().any(|line| line.ends_with(" model\u{202e}nib.exe")), "{listed:?}");
    let id = listed.iter().find_map(|line| line.strip_prefix("lock ")).expect("a lock").to_owned();
    let refused = session.ask(&[&format!("unlock {id}")]);
    assert!(refused[2].starts_with(r"model\u{202e}nib.exe is locked by alice: "), "{refused:?}");
    assert!(hub.did(&["lock", "list", "alice/x"]).contains(r" model\u{202e}nib.exe "));
    let removed = hub.did(&["lock", "remove", "alice/x", &id]);
    assert_eq!(removed, "removed the lock of alice on model\\u{202e}nib.exe\n");
}
