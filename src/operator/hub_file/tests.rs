//! A hub becomes a file, and a file becomes a hub.

mod hub;
mod random;
mod teams;

use super::file::HubFile;
use super::run_again;
use super::step::Directories;
use crate::access::{Scope, Visibility};
use crate::content::ContentCheck;
use crate::db::{KeyRange, NewKey, OwnerKind, all};
use hub::{CREATING, Hub, PRUNING, READING, add_repository, key, owner, path, set_check};

#[test]
fn a_file_says_what_changes_and_who_gains_or_loses() {
    let mut hub = Hub::small();
    let lines = hub.applied(
        r#"
        [organizations.ACME]
        members = { Bob = "read" }
        [organizations.new]
        members = { carol = { role = "write", until = 2100-01-01 }, bob = "admin" }
        [repositories."acme/x"]
        visibility = "internal"
        description = "What it is"
        collaborators = { carol = "write" }
        rules = ["deny force,delete refs/heads/main @everyone", "allow all ** carol"]
        checks = { blob-size = "5M" }
        [repositories."datasets/new/d"]
        visibility = "public"
        gate = "manual"
        "#,
        READING,
    );
    let expected = [
        "+ organization new",
        "+ new: member bob: admin",
        "+ acme: member Bob: read",
        "+ new: member carol: write until 2100-01-02T00:00:00Z",
        "+ repository datasets/new/d: public, gate manual",
        "+ acme/x: collaborator carol: write",
        "~ acme/x: visibility: private -> internal",
        "~ acme/x: description: nothing -> What it is",
        "+ acme/x: rule 1: deny force,delete refs/heads/main @everyone",
        "+ acme/x: rule 2: allow all ** carol",
        "+ acme/x: check blob-size: 5242880",
        "Bob gains: none -> admin on datasets/new/d",
        "carol gains: none -> write on acme/x, datasets/new/d",
        "every account gains: none -> fetch on acme/x",
        "made 11 changes",
    ];
    assert_eq!(lines, expected);
    // The second rule goes; the others stay in their order.
    let lines = hub.applied(
        r#"
        [repositories."acme/x"]
        visibility = "private"
        collaborators = { carol = "read" }
        rules = ["deny force,delete refs/heads/main @everyone", "deny all refs/tags/** Bob"]
        checks = { blob-size = "off" }
        "#,
        READING,
    );
    let expected = [
        "~ acme/x: collaborator carol: write -> read",
        "~ acme/x: visibility: internal -> private",
        "- acme/x: rule 2: allow all ** carol",
        "+ acme/x: rule 2: deny all refs/tags/** Bob",
        "~ acme/x: check blob-size: 5242880 -> off",
        "carol loses: write -> fetch on acme/x",
        "every account loses: fetch -> none on acme/x",
        "made 5 changes",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn what_a_file_does_not_mention_stays_unless_it_is_pruned() {
    let mut hub = Hub::small();
    hub.applied(
        r#"
        [hub]
        rules = ["deny create refs/heads/x @everyone"]
        [users.alice]
        checks = { binary = "on" }
        [organizations.acme]
        members = { Bob = "write" }
        [organizations.old]
        members = { alice = "admin" }
        [repositories."acme/x"]
        gate = "auto"
        collaborators = { carol = "write" }
        [repositories."old/y"]
        visibility = "public"
        "#,
        READING,
    );
    let text = hub.export();
    for nothing in ["", "[hub]", "[repositories.\"acme/x\"]", "[organizations.acme]\nmembers = {}"] {
        assert_eq!(hub.applied(nothing, READING), ["nothing to change"], "{nothing}");
    }
    assert_eq!(hub.export(), text);
    let lines = hub.applied(
        "[organizations.acme]\nmembers = { alice = \"admin\" }\n[repositories.\"acme/x\"]\nvisibility = \"private\"",
        PRUNING,
    );
    let expected = [
        "- acme: member Bob: write",
        "- acme/x: collaborator carol: write",
        "- repository old/y: public",
        "- hub: rule 1: deny create refs/heads/x @everyone",
        "~ acme/x: gate: auto -> none",
        "- alice: check binary: on",
        "- organization old",
        "Bob loses: write -> none on acme/x",
        "alice loses: admin -> none on old/y",
        "carol loses: write -> none on acme/x",
        "everyone loses: fetch -> none on old/y",
        "made 7 changes",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn a_file_that_a_single_command_would_refuse_is_refused_with_its_sentence_and_changes_nothing() {
    let mut hub = Hub::small();
    hub.change(|change| {
        let (key, title) = (key(9), "ci".parse().unwrap());
        let new = NewKey { key: &key, title: &title, scope: Scope::Read, expires_at: None, sources: None };
        change.add_deploy_key(&path("acme/x"), &new)?;
        change.add_owner(OwnerKind::User, &owner("gone"), true)?;
        change.remove_owner(OwnerKind::User, &owner("gone"), None)?;
        change.add_owner(OwnerKind::User, &owner("guest"), false).map(drop)
    })
    .unwrap();
    let key = key(9).to_string();
    for (file, sentence) in [
        (
            "[organizations.acme]\nmembers = { alice = \"write\" }".to_owned(),
            "[organizations.acme]: acme would have no admin: first give the role to another member",
        ),
        (
            "[organizations.new]\nmembers = { alice = { role = \"admin\", until = 2100-01-01 } }".to_owned(),
            "[organizations.new]: new would have no admin: first give the role to another member",
        ),
        (
            "[organizations.new]".to_owned(),
            "[organizations.new]: new would have no admin: first give the role to another member",
        ),
        (
            "[organizations.acme]\nmembers = { dave = \"read\" }".to_owned(),
            "[organizations.acme]: there is no user dave",
        ),
        (
            "[organizations.acme]\nmembers = { acme = \"read\" }".to_owned(),
            "[organizations.acme]: there is no user acme: acme is an organization",
        ),
        ("[organizations.alice]".to_owned(), "[organizations.alice]: there is no organization alice: alice is a user"),
        ("[organizations.git]".to_owned(), "[organizations.git]: git: this name is reserved"),
        (
            "[repositories.\"nobody/x\"]\nvisibility = \"public\"".to_owned(),
            "[repositories.\"nobody/x\"]: there is no user nobody",
        ),
        (
            "[repositories.\"acme/new\"]".to_owned(),
            "[repositories.\"acme/new\"]: a new repository needs a visibility: public, internal or private",
        ),
        (
            "[repositories.\"guest/x\"]\nvisibility = \"public\"".to_owned(),
            "[repositories.\"guest/x\"]: the account guest may not create repositories",
        ),
        (
            "[repositories.\"acme/x\"]\nrules = [\"final deny all ** @everyone\"]".to_owned(),
            "[repositories.\"acme/x\"]: a rule of a repository cannot be final: give it to its owner or to the hub",
        ),
        (
            "[repositories.\"acme/x\"]\nobject_format = \"sha256\"".to_owned(),
            "[repositories.\"acme/x\"]: acme/x has the object format sha1, which cannot change",
        ),
        (
            "[repositories.\"acme/x\"]\ncreated_by = \"alice\"".to_owned(),
            "[repositories.\"acme/x\"]: acme/x was created by the operator, which cannot change",
        ),
        (
            format!("[repositories.\"alice/x\"]\nvisibility = \"public\"\ndeploy_keys = [{{ key = \"{key}\" }}]"),
            "[repositories.alice/x]: the key",
        ),
    ] {
        let refusal = hub.refusal(&file, READING);
        if sentence.ends_with("the key") {
            let sentence = format!(
                "[repositories.\"alice/x\"]: the key {} is already in use: it is \"ci\" of acme/x",
                self::key(9).fingerprint()
            );
            assert_eq!(refusal, sentence);
        } else {
            assert_eq!(refusal, sentence, "{file}");
        }
    }
    let reserved = "[organizations.acme]\nmembers = { gone = \"read\" }";
    assert_eq!(
        hub.refusal(reserved, CREATING),
        "[organizations.acme]: the name gone belonged to an account before: to free it run hubgate user release gone"
    );
    let both = "[organizations.new]\nmembers = { new = \"read\", alice = \"admin\" }";
    assert_eq!(hub.refusal(both, CREATING), "[organizations.new]: the name new is in use by an organization");
    let over = "[organizations.acme]\nmembers = { alice = { role = \"admin\", until = 2001-01-01 } }";
    let last = "[organizations.acme]: acme would have no admin: first give the role to another member";
    assert_eq!(hub.refusal(over, READING), last);
    // An admin may change places with another one that comes later, and a grant that has ended is no grant.
    let swap = "[organizations.acme.members]\nalice = \"read\"\ncarol = \"admin\"\n\
                Bob = { role = \"read\", until = 2001-01-01 }";
    assert_eq!(hub.applied(swap, READING).len(), 5);
}

#[test]
fn an_unknown_key_or_a_bad_value_is_an_error_with_its_place() {
    for (text, place, why) in [
        ("[hub]\nrule = []", "line 2, column 1", "unknown field `rule`"),
        ("[organization.acme]", "line 1, column 2", "unknown field `organization`"),
        ("[users.a]\n\n  keys = []", "line 3, column 3", "unknown field `keys`"),
        (
            "[repositories.\"a/b\"]\nvisibility = \"secret\"",
            "line 2, column 14",
            "\"secret\" is not one of public, internal, private",
        ),
        ("[repositories.\"../b\"]", "line 1, column 15", "\"../b\": a name starts and ends with a letter"),
        ("[repositories.b]", "line 1, column 15", "\"b\": a repository is OWNER/NAME"),
        (
            "[organizations.acme]\nmembers = { a = \"owner\" }",
            "line 2, column 17",
            "\"owner\" is not one of no_access, read",
        ),
        (
            "[organizations.acme]\nmembers = { a = { role = \"read\", till = 2027-01-31 } }",
            "line 2, column 34",
            "unknown field `till`",
        ),
        ("[organizations.acme]\nmembers = { a = { role = \"read\", until = \"1d\" } }", "line 2, column 42", ""),
        (
            "[organizations.acme]\nmembers = { a = { role = \"read\", until = 2027-01-31T00:00:00 } }",
            "line 2, column 42",
            "an instant is a date",
        ),
        ("[organizations.acme]\nmembers = { a = \"read\", A = \"read\" }", "line 2", "is in this table twice"),
        ("[organizations.acme]\nmembers = { a = \"read\", a = \"read\" }", "line 2, column 25", "duplicate key"),
        ("[organizations.acme]\nteams.a = [\"b\", \"B\"]", "line 2, column 11", "B is in this team twice"),
        ("[organizations.acme]\nteams.a = [{ user = \"b\", role = \"x\" }]", "line 2", "unknown field `role`"),
        ("[organizations.acme]\nteams.\"a/b\" = []", "line 2, column 7", "\"a/b\": a name"),
        ("[repositories.\"a/b\"]\ncollaborators = { \"@c\" = \"read\" }", "line 2, column 19", "\"@c\": "),
        ("[hub]\nrules = [\"allow all refs/heads/[ @everyone\"]", "line 2, column 10", ""),
        ("[hub]\nchecks = { binary = \"maybe\" }", "line 2, column 21", "the value of binary is on, or off"),
        ("[hub]\nchecks = { path = \"deny docs #7\" }", "line 2, column 19", "the value of path is rules"),
        ("[hub]\nchecks = { size = \"1\" }", "line 2, column 12", "\"size\" is not one of blob-size"),
        ("[repositories.\"a/b\"]\ndeploy_keys = [{ key = \"ssh-rsa AAAA\" }]", "line 2, column 24", ""),
        ("[repositories.\"a/b\"]\ndescription = \"a\\nb\"", "line 2, column 15", "a title is printable text"),
        ("[hub\n", "line 1", ""),
    ] {
        let error = HubFile::parse(text).unwrap_err();
        assert!(error.contains(place) && error.contains(why), "{text}\n{error}");
    }
}

#[test]
fn what_has_ended_in_the_file_ends_here() {
    let mut hub = Hub::small();
    let key = key(9).to_string();
    let file = |until: &str| {
        format!(
            "[organizations.acme]\nmembers = {{ Bob = \"read\", carol = {{ role = \"read\"{until} }} }}\n\
             teams.devs = [{{ user = \"Bob\"{until} }}]\n[repositories.\"acme/x\"]\n\
             collaborators = {{ carol = {{ role = \"write\"{until} }} }}\n\
             deploy_keys = [{{ key = \"{key} ci\"{} }}]",
            until.replace("until", "expires")
        )
    };
    hub.applied(&file(""), READING);
    let lines = hub.applied(&file(", until = 2001-01-01"), READING);
    let fingerprint = self::key(9).fingerprint();
    let expected = [
        "- @acme/devs: user Bob: member".to_owned(),
        "- acme: member carol: read".to_owned(),
        "- acme/x: collaborator carol: write".to_owned(),
        format!("- acme/x: deploy key {fingerprint}: \"ci\", fetch"),
        "carol loses: write -> none on acme/x".to_owned(),
        format!("deploy key {fingerprint} loses: fetch -> none on acme/x"),
        "made 4 changes".to_owned(),
    ];
    assert_eq!(lines, expected);
    let team =
        "[organizations.acme]\nmembers = { Bob = { role = \"read\", until = 2001-01-01 } }\nteams.devs = [\"Bob\"]";
    assert!(hub.refusal(team, READING).starts_with("[organizations.acme]: Bob is not a member of acme"));
}

#[test]
fn users_are_created_only_on_request_and_get_no_keys() {
    let mut hub = Hub::new();
    let file = r#"
        [users.guest]
        may_create = false
        [organizations.acme]
        members = { alice = "admin" }
        rules = ["allow all ** Rita"]
        [repositories."guest/own"]
        visibility = "private"
        created_by = "maker"
        collaborators = { Carol = "read", alice = "write" }
    "#;
    assert_eq!(hub.refusal(file, READING), "[organizations.acme]: there is no user alice");
    let lines = hub.applied(file, CREATING);
    let users = ["alice", "Carol", "guest", "maker", "Rita"].map(|user| format!("+ user {user}"));
    assert!(users.iter().all(|line| lines.contains(line)), "{lines:#?}");
    // The right to create ends after the repository of the file was created.
    assert!(lines.contains(&"~ guest: may_create: true -> false".to_owned()), "{lines:#?}");
    let next = "[repositories.\"guest/two\"]\nvisibility = \"private\"";
    let refusal = "[repositories.\"guest/two\"]: the account guest may not create repositories";
    assert_eq!(hub.refusal(next, CREATING), refusal);
    assert!(all(|each| hub.store.view().keys(&KeyRange::default(), each)).unwrap().is_empty());
}

#[test]
fn a_deploy_key_moves_and_changes_what_it_may_do() {
    let mut hub = Hub::small();
    let (key, fingerprint) = (key(9).to_string(), key(9).fingerprint());
    let table = |path: &str, more: &str| {
        format!("[repositories.\"{path}\"]\nvisibility = \"private\"\ndeploy_keys = [{{ key = \"{key} ci\"{more} }}]\n")
    };
    let lines = hub.applied(&table("acme/x", ""), READING);
    let gains = format!("deploy key {fingerprint} gains: none -> fetch on acme/x");
    assert_eq!(
        lines,
        [format!("+ acme/x: deploy key {fingerprint}: \"ci\", fetch"), gains, "made 1 change".to_owned()]
    );
    let lines = hub.applied(&table("acme/x", ", title = \"CI\""), READING);
    assert_eq!(
        lines,
        [format!("~ acme/x: deploy key {fingerprint}: \"ci\", fetch -> \"CI\", fetch"), "made 1 change".to_owned()]
    );
    let lines = hub.applied(&table("acme/x", ", write = true"), READING);
    assert!(lines.contains(&format!("deploy key {fingerprint} gains: none -> write on acme/x")), "{lines:#?}");
    // It is on a repository that keeps it, so it can be on no other.
    let moved = table("acme/y", "") + "[repositories.\"acme/x\"]\n";
    let in_use = format!("[repositories.\"acme/y\"]: the key {fingerprint} is already in use: it is \"ci\" of acme/x");
    assert_eq!(hub.refusal(&moved, READING), in_use);
    let moved = moved + "[organizations.acme]\nmembers = { alice = \"admin\" }\n";
    let lines = hub.applied(&moved, PRUNING);
    assert!(lines.contains(&format!("- acme/x: deploy key {fingerprint}: \"ci\", write")), "{lines:#?}");
}

#[test]
fn what_was_not_in_the_plan_is_not_applied() {
    let mut hub = Hub::small();
    let text = "[organizations.acme]\nmembers = { alice = \"admin\" }\n";
    let planned = hub.plan(text, PRUNING).unwrap();
    assert_eq!(planned.question().unwrap(), "Remove acme/x from the hub?");
    hub.change(|change| add_repository(change, "acme/new", Visibility::Private, None)).unwrap();
    let (before, file) = ((hub.export(), hub.events()), HubFile::parse(text).unwrap());
    let applied = hub
        .store
        .change("operator:test", |change| run_again(change, &file, PRUNING, &Directories::Rehearsal, &planned));
    let why = "another command has changed the hub: run this command again";
    assert_eq!(applied.unwrap_err().to_string(), why);
    assert_eq!((hub.export(), hub.events()), before);
}

#[test]
fn rules_for_paths_are_in_the_file_by_names_and_fit_another_hub() {
    let mut hub = Hub::small();
    hub.change(|change| {
        change.add_owner(OwnerKind::User, &owner("gone"), true)?;
        set_check(change, "acme/x", ContentCheck::Path, "allow docs Bob gone; deny secrets gone; deny docs @everyone")?;
        set_check(change, "acme", ContentCheck::Path, "deny docs gone")?;
        change.remove_owner(OwnerKind::User, &owner("gone"), None)?;
        change.set_proposals(&path("acme/x"), Some(false))
    })
    .unwrap();
    let text = hub.export();
    for line in [
        "checks = { path = \"off\" }\n",
        "checks = { path = \"allow docs Bob; deny docs @everyone\" }\n",
        "\nproposals = false\n",
    ] {
        assert!(text.contains(line), "{text}");
    }
    assert!(!hub.plan(&text, PRUNING).unwrap().changes());
    // A name in another case is the same name, and a pattern in another case is another one.
    assert!(!hub.plan(&text.replace("docs Bob", "docs BOB"), READING).unwrap().changes());
    assert!(hub.plan(&text.replace("docs Bob", "Docs Bob"), READING).unwrap().changes());
    // Rows of another hub have other numbers.
    let mut other = Hub::new();
    other.change(|change| change.add_owner(OwnerKind::User, &owner("mallory"), true).map(drop)).unwrap();
    other.applied(&text, CREATING);
    assert_eq!(other.export(), text);
    let mut third = Hub::new();
    third.applied("[organizations.acme]\nmembers = { alice = \"admin\" }", CREATING);
    let missing = "[organizations.acme]\nchecks = { path = \"deny docs bob\" }";
    assert_eq!(third.refusal(missing, READING), "[organizations.acme]: there is no user bob");
    let team = "[organizations.acme]\nchecks = { path = \"deny docs @acme/devs\" }";
    assert_eq!(third.refusal(team, READING), "[organizations.acme]: there is no team acme/devs");
    let changes = third.applied("[organizations.acme]\nchecks = { path = \"deny docs alice\" }", READING);
    assert_eq!(changes, ["+ acme: check path: deny docs alice", "made 1 change"]);
    let pruned = third.applied("[organizations.acme]\nmembers = { alice = \"admin\" }", PRUNING);
    assert_eq!(pruned, ["- acme: check path: deny docs alice", "made 1 change"]);
}

#[test]
fn the_longest_rules_for_paths_are_in_the_file_though_names_are_longer_than_rows() {
    let mut hub = Hub::small();
    let long = "a".repeat(40);
    let rules = vec![format!("deny a {long}"); 390].join("; ");
    hub.change(|change| {
        change.add_owner(OwnerKind::User, &owner(&long), true)?;
        set_check(change, "acme/x", ContentCheck::Path, &rules)
    })
    .unwrap();
    let text = hub.export();
    assert!(text.contains(&rules));
    let mut other = Hub::new();
    other.applied(&text, CREATING);
    assert_eq!(other.export(), text);
    let longer = text.replace(&rules, &vec![format!("deny a {long}"); 410].join("; "));
    let refusal = "[repositories.\"acme/x\"]: the rules for paths of acme/x would be too long";
    assert_eq!(other.refusal(&longer, READING), refusal);
}
