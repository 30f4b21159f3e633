mod certificates;
mod paths;

use super::{Hub, NOW, add_repository, fingerprint, grantee, owner, path};
use crate::access::{
    Account, CollaboratorRole, Gate, GateMode, GateRequest, Grant, KeyFacts, KeyHolder, OwnerFacts, Removal,
    RepositoryFacts, Role, Scope, Visibility,
};
use crate::db::{Error, ErrorKind, Opens, OwnerKind, SeenBy, ServedRepository, SessionFacts, all};
use crate::key::Fingerprint;

/// The expected facts of alice's key; `disabled` is the reason why the account is disabled.
fn key_facts(hub: &Hub, scope: Scope, disabled: Option<&str>) -> KeyFacts {
    let alice = hub.store.view().owner(&owner("alice")).unwrap();
    let account = Account { id: alice.id, name: alice.name, scope };
    let holder = KeyHolder::Account { account, disabled: disabled.map(str::to_owned) };
    KeyFacts { holder, sources: None, expires_at: None, removed: None }
}

/// The expected facts of acme/x for alice, before any change.
fn repository_facts(hub: &Hub) -> ServedRepository {
    let acme = hub.store.view().owner(&owner("acme")).unwrap();
    let repository = hub.store.view().repository(&path("acme/x")).unwrap();
    let facts = RepositoryFacts {
        id: repository.id,
        owner: acme.id,
        visibility: Visibility::Private,
        gate: Gate::Open,
        frozen: None,
        accepts_proposals: false,
        created_by_account: true,
        role: Some(Grant { value: Role::Admin, until: None }),
        collaborator: None,
        team: None,
        gate_request: None,
    };
    ServedRepository { path: repository.path, directory: repository.directory, facts }
}

/// The facts of a session with this key on this path.
fn session(hub: &Hub, key: u8, text: Option<&str>) -> SessionFacts {
    hub.reader().ask(|view| view.session(Some(&fingerprint(key)), text.map(path).as_ref(), NOW)).unwrap()
}

#[test]
fn a_session_has_one_answer_for_every_key_and_path() {
    let mut hub = Hub::new();
    let repository = repository_facts(&hub);
    let known = Some((key_facts(&hub, Scope::Write, None), "laptop".parse().unwrap()));
    let stranger = RepositoryFacts { created_by_account: false, role: None, ..repository.facts.clone() };
    let seen_by_nobody = ServedRepository { facts: stranger, ..repository.clone() };
    for (number, key) in [(1, known), (9, None)] {
        for (text, repository) in [
            (None, None),
            (Some("nobody/x"), None),
            (Some("acme/nothing"), None),
            (Some("datasets/acme/x"), None),
            (Some("acme/x"), Some(if key.is_some() { &repository } else { &seen_by_nobody })),
            // The answer has the case that the owner chose.
            (Some("ACME/X"), Some(if key.is_some() { &repository } else { &seen_by_nobody })),
        ] {
            let facts = session(&hub, number, text);
            assert_eq!(facts.key, key, "key {number}, {text:?}");
            assert_eq!(facts.repository.as_ref(), repository, "key {number}, {text:?}");
            let names_acme = text.is_some_and(|text| text.to_ascii_lowercase().contains("acme/"));
            assert_eq!(facts.place.is_some(), names_acme, "key {number}, {text:?}");
        }
    }
    hub.change(|change| change.remove_repository(&path("acme/x"))).unwrap();
    assert_eq!(session(&hub, 1, Some("acme/x")).repository, None);
}

#[test]
fn a_session_sees_only_the_grants_of_its_own_account() {
    let mut hub = Hub::new();
    let acme = owner("acme");
    hub.change(|change| {
        super::add_key(change, "bob", 2)?;
        change.set_member(&acme, &owner("bob"), Role::Contributor, Some(7))?;
        change.set_collaborator(&path("acme/x"), &grantee("bob"), CollaboratorRole::Write, Some(9))?;
        change.set_visibility(&path("acme/x"), Visibility::Public)?;
        change.set_frozen(&path("acme/x"), Some("moving"))
    })
    .unwrap();
    let frozen = Some("moving".to_owned());
    let common = RepositoryFacts { visibility: Visibility::Public, frozen, ..repository_facts(&hub).facts };
    let bob = RepositoryFacts {
        created_by_account: false,
        role: Some(Grant { value: Role::Contributor, until: Some(7) }),
        collaborator: Some(Grant { value: CollaboratorRole::Write, until: Some(9) }),
        ..common.clone()
    };
    let nobody = RepositoryFacts { created_by_account: false, role: None, ..common.clone() };
    for (key, expected) in [(1, common), (2, bob), (9, nobody)] {
        assert_eq!(session(&hub, key, Some("acme/x")).repository.unwrap().facts, expected, "key {key}");
    }
}

#[test]
fn a_session_sees_its_role_at_the_owner_that_the_path_names() {
    let mut hub = Hub::new();
    let [acme, alice, bob] = ["acme", "alice", "bob"].map(|name| hub.store.view().owner(&owner(name)).unwrap().id);
    let until = Some(7);
    hub.change(|change| {
        super::add_key(change, "bob", 2)?;
        change.set_member(&owner("acme"), &owner("bob"), Role::Contributor, until)?;
        change.add_owner(OwnerKind::User, &owner("carol"), false)?;
        change.rename_owner(OwnerKind::User, &owner("alice"), &owner("alicia"))
    })
    .unwrap();
    let carol = hub.store.view().owner(&owner("carol")).unwrap().id;
    let facts = |id, may_create, role| Some(OwnerFacts { id, may_create, role });
    let contributor = Some(Grant { value: Role::Contributor, until });
    let admin = Some(Grant { value: Role::Admin, until: None });
    for (key, text, expected) in [
        (1, "acme/nothing", facts(acme, true, admin)),
        (2, "Acme/x", facts(acme, true, contributor)),
        (9, "acme/x", facts(acme, true, None)),
        (2, "bob/nothing", facts(bob, true, None)),
        (2, "carol/x", facts(carol, false, None)),
        // The old name leads to the same account.
        (1, "alice/x", facts(alice, true, None)),
        (1, "nobody/x", None),
    ] {
        assert_eq!(session(&hub, key, Some(text)).place.map(|place| place.owner), expected, "key {key}, {text}");
    }
    assert_eq!(session(&hub, 1, None).place, None);
}

#[test]
fn a_session_sees_the_gate_and_the_request_of_its_account() {
    let mut hub = Hub::new();
    let x = path("acme/x");
    for (mode, members, expected) in [
        (GateMode::Auto, false, Gate::Closed),
        (GateMode::Manual, false, Gate::Closed),
        (GateMode::Manual, true, Gate::ClosedToMembers),
        (GateMode::None, true, Gate::Open),
    ] {
        hub.change(|change| change.set_gate(&x, mode, members)).unwrap();
        assert_eq!(session(&hub, 1, Some("acme/x")).repository.unwrap().facts.gate, expected);
    }
    for (state, until) in [
        (GateRequest::Pending, None),
        (GateRequest::Rejected, None),
        (GateRequest::Accepted, None),
        (GateRequest::Accepted, Some(NOW)),
    ] {
        hub.change(|change| change.answer_access(&x, &owner("alice"), state, until)).unwrap();
        let seen = |key| session(&hub, key, Some("acme/x")).repository.unwrap().facts.gate_request;
        assert_eq!((seen(1), seen(9)), (Some(Grant { value: state, until }), None));
    }
}

#[test]
fn a_session_sees_why_its_key_is_not_valid() {
    let hub = Hub::new();
    let good = key_facts(&hub, Scope::Write, None);
    for (change, expected) in [
        ("UPDATE key SET expires_at = 7", KeyFacts { expires_at: Some(7), ..good.clone() }),
        (
            "UPDATE key SET expires_at = NULL, removal = 'ordinary'",
            KeyFacts { removed: Some(Removal::Ordinary), ..good.clone() },
        ),
        ("UPDATE key SET removal = 'compromised'", KeyFacts { removed: Some(Removal::Compromised), ..good.clone() }),
        (
            "UPDATE key SET removal = NULL, sources = '192.0.2.0/24'",
            KeyFacts { sources: Some("192.0.2.0/24".parse().unwrap()), ..good.clone() },
        ),
        ("UPDATE key SET sources = NULL, scope = 'read'", key_facts(&hub, Scope::Read, None)),
        (
            "UPDATE key SET scope = 'write'; UPDATE owner SET disabled = 'left' WHERE folded = 'alice'",
            key_facts(&hub, Scope::Write, Some("left")),
        ),
    ] {
        hub.tamper(change);
        assert_eq!(session(&hub, 1, None).key.unwrap().0, expected, "{change}");
    }
}

#[test]
fn a_deploy_key_opens_one_repository_until_it_is_removed() {
    let mut hub = Hub::new();
    hub.change(|change| super::add_deploy_key(change, "acme/x", 2)).unwrap();
    let id = hub.store.view().repository(&path("acme/x")).unwrap().id;
    let holder = KeyHolder::Repository { id, path: path("acme/x"), scope: Scope::Read };
    let (key, title) = session(&hub, 2, Some("acme/x")).key.unwrap();
    assert_eq!((key.holder, title.as_str()), (holder, "ci"));
    // A deploy key has no account.
    let facts = session(&hub, 2, Some("acme/x")).repository.unwrap().facts;
    assert_eq!((facts.role, facts.created_by_account), (None, false));
    hub.change(|change| change.rename_repository(&path("acme/x"), &path("bob/y"))).unwrap();
    let holder = KeyHolder::Repository { id, path: path("bob/y"), scope: Scope::Read };
    assert_eq!(session(&hub, 2, None).key.unwrap().0.holder, holder);
    hub.change(|change| change.remove_repository(&path("bob/y"))).unwrap();
    assert_eq!(session(&hub, 2, None).key, None);
}

#[test]
fn the_helper_knows_keys_that_open_something_and_keys_that_the_gateway_rejects_with_a_reason() {
    let mut hub = Hub::new();
    hub.change(|change| super::add_deploy_key(change, "acme/x", 2)).unwrap();
    let holder = |hub: &Hub, key| hub.reader().ask(|view| view.key_holder(&fingerprint(key))).unwrap();
    let alice = Some(Opens::Account(owner("alice")));
    assert_eq!([1, 2, 9].map(|key| holder(&hub, key)), [alice.clone(), Some(Opens::Repository), None]);
    // The helper admits an expired key and a disabled account, so that the gateway can say so.
    hub.tamper("UPDATE key SET expires_at = 7; UPDATE owner SET disabled = 'left'");
    assert_eq!([1, 2].map(|key| holder(&hub, key)), [alice.clone(), Some(Opens::Repository)]);
    for key in [1, 2] {
        hub.change(|change| change.remove_key(&fingerprint(key), Removal::Ordinary)).unwrap();
        assert_eq!(holder(&hub, key), None, "an unknown key from now on");
        hub.change(|change| change.remove_key(&fingerprint(key), Removal::Compromised)).unwrap();
    }
    assert_eq!([1, 2].map(|key| holder(&hub, key)), [alice, Some(Opens::Repository)]);
}

#[test]
fn a_list_of_repositories_reads_no_row_that_the_session_cannot_see() {
    let mut hub = Hub::new();
    hub.change(|change| {
        for (number, name) in (0..).zip(["shown", "hidden", "shared", "inside", "lent"]) {
            add_repository(change, &format!("bob/{name}"), 100 + number)?;
            let visibility = match name {
                "shown" => Visibility::Public,
                "inside" | "lent" => Visibility::Internal,
                _ => Visibility::Private,
            };
            change.set_visibility(&path(&format!("bob/{name}")), visibility)?;
        }
        change.set_collaborator(&path("bob/lent"), &grantee("alice"), CollaboratorRole::Write, None)?;
        change.set_collaborator(&path("bob/shared"), &grantee("alice"), CollaboratorRole::Read, None)
    })
    .unwrap();
    let view = hub.store.view();
    let id = |name: &str| view.owner(&owner(name)).unwrap().id;
    let row = |name: &str| view.repository(&path(name)).unwrap().id;
    let seen = |account: Option<i64>, deployed: Option<i64>, is_insider: bool, sees_internal: bool| -> Vec<String> {
        let seen_by = SeenBy { owner: id("bob"), account, deployed, is_insider, sees_internal, now: NOW };
        let rows = all(|each| view.visible_repositories(&seen_by, None, each)).unwrap();
        let after = path("bob/hidden");
        let rest = all(|each| view.visible_repositories(&seen_by, Some(&after), each)).unwrap();
        assert_eq!(rest.len(), rows.iter().filter(|(row, _)| row.path.name.as_str() > "hidden").count());
        rows.into_iter().map(|(row, _)| row.path.name.to_string()).collect()
    };
    assert_eq!(seen(None, None, false, false), ["shown"]);
    assert_eq!(seen(Some(id("alice")), None, false, true), ["inside", "lent", "shared", "shown"]);
    // A certificate of another organization does not see internal repositories.
    assert_eq!(seen(Some(id("alice")), None, false, false), ["lent", "shared", "shown"]);
    assert_eq!(seen(None, Some(row("bob/hidden")), false, false), ["hidden", "shown"]);
    assert_eq!(seen(Some(id("bob")), None, true, true), ["hidden", "inside", "lent", "shared", "shown"]);
    let plan = view.plan_of_visible().unwrap();
    for line in plan.iter().filter(|line| line.contains(" r ") || line.contains(" x ")) {
        let by =
            ["repository_shown (owner_id=? AND internal=?", "collaborator_user (user_id=?)", "PRIMARY KEY (rowid=?)"];
        assert!(by.iter().any(|by| line.contains(by)), "{plan:#?}");
    }
}

#[test]
fn what_an_account_reaches_is_found_by_its_own_rows() {
    let mut hub = Hub::new();
    hub.change(|change| {
        for (number, name) in (0..).zip(["bob/shown", "bob/lent", "alice/own", "datasets/acme/y"]) {
            add_repository(change, name, 100 + number)?;
        }
        change.set_visibility(&path("bob/shown"), Visibility::Public)?;
        change.set_collaborator(&path("bob/lent"), &grantee("alice"), CollaboratorRole::Read, None)?;
        // Two rights on one repository are one row.
        change.set_collaborator(&path("acme/x"), &grantee("alice"), CollaboratorRole::Read, None)
    })
    .unwrap();
    let view = hub.store.view();
    let reached = |user: &str, after: Option<&str>| -> Vec<String> {
        let (id, after) = (view.owner(&owner(user)).unwrap().id, after.map(path));
        let rows = all(|each| view.reachable_repositories(id, NOW, after.as_ref(), each)).unwrap();
        rows.into_iter().map(|(row, _)| row.path.to_string()).collect()
    };
    assert_eq!(reached("alice", None), ["datasets/acme/y", "acme/x", "alice/own", "bob/lent"]);
    assert_eq!(reached("alice", Some("acme/x")), ["alice/own", "bob/lent"]);
    assert_eq!(reached("bob", None), ["bob/lent", "bob/shown"]);
    let plan = view.plan_of_reachable().unwrap();
    for line in plan.iter().filter(|line| line.starts_with("SCAN ")) {
        assert_eq!(line, "SCAN i", "{plan:#?}");
    }
}

#[test]
fn each_question_of_a_session_finds_its_rows_by_an_index() {
    let plans = Hub::new().reader().ask(|view| view.plan_of_sessions()).unwrap();
    let searches = plans.iter().filter(|line| line.starts_with("SEARCH "));
    assert!(searches.clone().count() > 20, "{plans:#?}");
    for line in searches {
        // The teams of an account are among its roles.
        let by_account = line.contains("INDEX member_user (user_id=?)");
        assert!(by_account || line.contains("PRIMARY KEY") || line.contains("sqlite_autoindex_"), "{line}");
        // A repository may have a million roles.
        assert!(!line.contains("SEARCH z") || line.contains("(repository_id=? AND user_id=?)"), "{line}");
    }
    for line in plans.iter().filter(|line| !line.starts_with("SEARCH ")) {
        // `w` is one row from two lookups.
        let harmless = ["CO-ROUTINE w", "SCAN w", "SCAN CONSTANT ROW"].contains(&line.as_str());
        assert!(harmless || line.contains("SCALAR SUBQUERY"), "{line}");
    }
}

#[test]
fn a_greeting_reads_only_rows_of_its_account() {
    let [plan, memberships] = Hub::new().reader().ask(|view| view.plans_of_greetings()).unwrap();
    let expected = [
        "SEARCH k USING INDEX key_owner (owner_id=?)",
        "SCALAR SUBQUERY 1",
        "SEARCH key USING PRIMARY KEY (fingerprint=?)",
    ];
    assert_eq!(plan, expected);
    assert!(memberships.iter().all(|line| !line.starts_with("SCAN")), "{memberships:#?}");
    let search = "SEARCH n USING PRIMARY KEY (name=? AND at>?)";
    assert!(memberships.iter().any(|line| line == search), "{memberships:#?}");
}

#[test]
fn a_greeting_names_other_valid_keys_that_were_added_since() {
    let hub = Hub::new();
    let alice = 1;
    for (key, owner, added_at, rest) in [
        (11, "1, NULL", 100, "NULL, NULL"),
        (12, "1, NULL", 100, "NULL, NULL"),
        (13, "1, NULL", 150, "NULL, NULL"),
        (14, "1, NULL", 150, "'ordinary', 150"),
        (15, "2, NULL", 150, "NULL, NULL"),
    ] {
        hub.tamper(&format!(
            "INSERT INTO key SELECT CAST(zeroblob(31) || x'{key:02x}' AS BLOB), {owner}, 'ssh-ed25519', x'00', 'k{key}', 'write', NULL,
                 {added_at}, NULL, {rest}"
        ));
    }
    let key = |last: u8| {
        let mut bytes = [0; 32];
        bytes[31] = last;
        Fingerprint::from_bytes(bytes)
    };
    let added = |asks: u8, since: Option<i64>| {
        let keys = hub.reader().ask(|view| view.keys_added(alice, key(asks), since)).unwrap();
        let mut titles: Vec<String> = keys.iter().map(|key| key.title.to_string()).collect();
        titles.retain(|title| title.starts_with('k'));
        titles.sort();
        titles
    };
    // Never greeted: keys that were added after this key, and not in the same second.
    assert_eq!(added(11, None), ["k13"]);
    assert_eq!(added(13, None), [""; 0]);
    // Greeted in that second: the key may be named twice, and is never left out.
    assert_eq!(added(11, Some(100)), ["k13"]);
    assert_eq!(added(11, Some(150)), ["k13"]);
    assert_eq!(added(11, Some(151)), [""; 0]);
    // Keys that were added before this key are not named.
    assert_eq!(added(13, Some(100)), [""; 0]);
}

#[test]
fn a_value_that_hubgate_does_not_write_is_an_error() {
    for (statement, column) in [
        ("UPDATE owner SET name = 'al ice' WHERE folded = 'alice'", "account_name"),
        ("UPDATE owner SET name = 'ac me' WHERE folded = 'acme'", "owner_name"),
        ("UPDATE key SET scope = 'root'", "scope"),
        ("UPDATE key SET title = char(10)", "title"),
        ("UPDATE key SET removal = 'lost'", "removal"),
        ("UPDATE repository SET name = 'x.git'", "repository_name"),
        ("UPDATE repository SET directory = '../../etc'", "directory"),
        ("UPDATE repository SET visibility = 'secret'", "visibility"),
        ("UPDATE repository SET gate = 'ajar'", "gate"),
        ("UPDATE key SET sources = 'home'", "sources"),
        ("UPDATE member SET role = 'owner'", "role"),
        ("INSERT INTO collaborator SELECT r.id, k.owner_id, 'owner', NULL FROM repository r, key k", "collaborator"),
    ] {
        let hub = Hub::new();
        hub.tamper(statement);
        match hub.reader().ask(|view| view.session(Some(&fingerprint(1)), Some(&path("acme/x")), NOW)) {
            Err(Error::Value(named)) => assert_eq!(named, column, "{statement}"),
            other => panic!("{statement}: {other:?}"),
        }
    }
    let hub = Hub::new();
    hub.tamper("UPDATE owner SET name = 'alice\" x'");
    assert!(matches!(hub.reader().ask(|view| view.key_holder(&fingerprint(1))), Err(Error::Value(_))));
}

#[test]
fn the_schema_itself_refuses_such_values() {
    let hub = Hub::new();
    for statement in [
        "UPDATE owner SET kind = 'robot'",
        "UPDATE key SET scope = 'root'",
        "UPDATE key SET removal = 'lost'",
        "UPDATE key SET fingerprint = x'00'",
        "UPDATE key SET added_at = 'yesterday'",
        "UPDATE repository SET visibility = 'secret'",
        "UPDATE repository SET gate = 'ajar'",
        "UPDATE key SET owner_id = NULL",
        "UPDATE key SET repository_id = 1",
        "UPDATE member SET role = 'owner'",
        "INSERT INTO hubgate (id, version, min_reader) VALUES (2, 1, 1)",
    ] {
        assert!(hub.store.view().connection.execute(statement, &[]).is_err(), "{statement}");
    }
}

#[test]
fn an_internal_repository_is_private_to_older_programs_and_an_older_database_has_none() {
    let mut hub = Hub::new();
    let seen = |hub: &Hub| {
        let facts = hub.reader().ask(|view| view.session(Some(&fingerprint(1)), Some(&path("acme/x")), NOW));
        facts.unwrap().repository.unwrap().facts.visibility
    };
    let stored = |hub: &Hub| {
        let query = "SELECT visibility || internal AS stored FROM repository";
        hub.store.view().connection.first(query, &[], |row| row.get::<String>("stored")).unwrap().unwrap()
    };
    for (visibility, columns) in
        [(Visibility::Internal, "private1"), (Visibility::Public, "public0"), (Visibility::Private, "private0")]
    {
        hub.change(|change| change.set_visibility(&path("acme/x"), visibility)).unwrap();
        assert_eq!((seen(&hub), stored(&hub).as_str()), (visibility, columns));
        assert_eq!(hub.store.view().repository(&path("acme/x")).unwrap().visibility, visibility);
    }
    hub.change(|change| change.set_visibility(&path("acme/x"), Visibility::Internal)).unwrap();
    let public = hub.store.view().connection.define("UPDATE repository SET visibility = 'public'");
    assert_eq!(public.unwrap_err().kind(), ErrorKind::Constraint);
    let full = hub.dump();
    hub.go_back_to(3);
    assert_eq!(seen(&hub), Visibility::Private);
    assert_eq!(hub.store.view().versions().unwrap(), (3, 1));
    let x = path("acme/x");
    let account = hub.reader().ask(|view| view.session_of_account(&owner("alice"), Some(&x), NOW)).unwrap();
    assert!(account.0.is_some() && account.1.is_some());
    assert_eq!(hub.store.migrate().unwrap(), 3);
    assert_ne!(hub.dump(), full);
    hub.change(|change| change.set_visibility(&path("acme/x"), Visibility::Internal)).unwrap();
    assert_eq!(seen(&hub), Visibility::Internal);
    // A newer database without the column is damaged, and not older.
    hub.tamper("DROP INDEX repository_shown; ALTER TABLE repository DROP COLUMN internal");
    assert!(hub.reader().ask(|view| view.session(Some(&fingerprint(1)), Some(&path("acme/x")), NOW)).is_err());
}

#[test]
fn each_question_about_proposals_finds_its_row_by_an_index() {
    let plans = Hub::new().reader().ask(|view| view.plans_of_proposals()).unwrap();
    assert_eq!(
        plans,
        [
            ["SEARCH repository USING INTEGER PRIMARY KEY (rowid=?)"],
            ["SEARCH proposal USING PRIMARY KEY (repository_id=? AND number=?)"]
        ]
    );
}
