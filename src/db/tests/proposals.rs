//! Proposals in the database.

use super::{Hub, owner, path};
use crate::access::proposal::ProposalFacts;
use crate::db::{ChangeError, all};
use crate::push::{BranchName, ProposalNumber};

fn branch(name: &str) -> BranchName {
    name.parse().unwrap()
}

fn number(number: i64) -> ProposalNumber {
    ProposalNumber::new(number).unwrap()
}

impl Hub {
    fn id(&self, text: &str) -> i64 {
        self.store.view().repository(&path(text)).unwrap().id
    }

    fn open(&mut self, text: &str, author: &str, after: i64) -> Result<i64, ChangeError> {
        let author = self.store.view().owner(&owner(author)).unwrap().id;
        self.change(|change| change.open_proposal(&path(text), author, &branch("main"), after)).map(ProposalNumber::get)
    }

    fn numbers(&self, text: &str, after: i64) -> Vec<i64> {
        let rows = all(|each| self.store.view().proposals(self.id(text), after, each)).unwrap();
        rows.iter().map(|row| row.number.get()).collect()
    }
}

#[test]
fn a_number_is_given_once_and_is_behind_every_other_of_the_repository() {
    let mut hub = Hub::new();
    hub.change(|change| super::add_repository(change, "acme/y", 2)).unwrap();
    assert_eq!([hub.open("acme/x", "alice", 0).unwrap(), hub.open("acme/x", "bob", 0).unwrap()], [1, 2]);
    assert_eq!(hub.open("acme/y", "bob", 0).unwrap(), 1, "each repository has its own numbers");
    // The repository has a ref with a higher number, such as from an import.
    assert_eq!([hub.open("acme/x", "bob", 7).unwrap(), hub.open("acme/x", "bob", 3).unwrap()], [8, 9]);
    hub.change(|change| change.set_proposal_closed(&path("acme/x"), number(9), true)).unwrap();
    assert_eq!(hub.open("acme/x", "bob", 0).unwrap(), 10, "a closed proposal keeps its number");
    assert_eq!((hub.numbers("acme/x", 0), hub.numbers("acme/x", 2)), (vec![1, 2, 8, 9, 10], vec![8, 9, 10]));
    let mut refused = |after| hub.refusal(|change| change.open_proposal(&path("acme/x"), 1, &branch("main"), after));
    // Numbers would end if one spoiled ref could use them all.
    let far = "acme/x has refs/pr/999999999, and its last proposal is 10: ask the operator to remove the ref";
    assert_eq!(refused(ProposalNumber::LAST), far);
    hub.tamper(&format!("UPDATE proposal SET number = {} WHERE number = 10", ProposalNumber::LAST));
    let said = hub.refusal(|change| change.open_proposal(&path("acme/x"), 1, &branch("main"), 0));
    assert_eq!(said, "acme/x has no number for a proposal left");
}

#[test]
fn two_writers_at_the_same_moment_get_two_numbers() {
    let hub = Hub::new();
    let database = hub.path();
    let author = hub.store.view().owner(&owner("bob")).unwrap().id;
    let open = || {
        let mut store = crate::db::Store::open(&database).unwrap();
        let mut numbers = Vec::new();
        for _ in 0..10 {
            let number =
                store.change("bob", |change| change.open_proposal(&path("acme/x"), author, &branch("main"), 0));
            numbers.push(number.unwrap().get());
        }
        numbers
    };
    let mut given = std::thread::scope(|scope| {
        let threads = [(); 4].map(|()| scope.spawn(open));
        threads.map(|thread| thread.join().unwrap()).concat()
    });
    given.sort_unstable();
    assert_eq!(given, (1..=40).collect::<Vec<_>>());
}

#[test]
fn the_author_is_a_row_that_keeps_its_proposals_under_another_name_and_in_another_place() {
    let mut hub = Hub::new();
    hub.open("acme/x", "bob", 0).unwrap();
    let (bob, repository) = (hub.store.view().owner(&owner("bob")).unwrap().id, hub.id("acme/x"));
    hub.change(|change| change.rename_owner(crate::db::OwnerKind::User, &owner("bob"), &owner("robert"))).unwrap();
    hub.change(|change| change.rename_repository(&path("acme/x"), &path("alice/z"))).unwrap();
    hub.change(|change| change.add_owner(crate::db::OwnerKind::User, &owner("carol"), true)).unwrap();
    let row = hub.store.view().proposal((repository, &path("alice/z")), number(1)).unwrap();
    assert_eq!((row.author, row.author_name, row.branch), (bob, owner("robert"), branch("main")));
    let facts = || hub.reader().ask(|view| view.proposal_facts(repository, 1)).unwrap();
    assert_eq!(facts(), Some(ProposalFacts { author: bob, is_closed: false }));
    assert_eq!(hub.reader().ask(|view| view.proposal_facts(repository, 2)).unwrap(), None);
    assert_eq!(hub.reader().ask(|view| view.proposal_facts(repository + 1, 1)).unwrap(), None);
    hub.change(|change| change.remove_repository(&path("alice/z"))).unwrap();
    hub.change(|change| change.restore_repository(repository, &path("alice/z"))).unwrap();
    assert_eq!(hub.numbers("alice/z", 0), [1]);
}

#[test]
fn each_change_of_a_proposal_has_its_audit_row_and_a_second_one_has_none() {
    let mut hub = Hub::new();
    let x = path("acme/x");
    hub.open("ACME/X", "bob", 0).unwrap();
    assert_eq!(hub.last_event(), r#"proposal.open acme/x {"branch":"main","number":1}"#);
    for (is_closed, event) in [(true, "proposal.close"), (false, "proposal.reopen")] {
        assert!(hub.change(|change| change.set_proposal_closed(&x, number(1), is_closed)).unwrap());
        assert_eq!(hub.last_event(), format!(r#"{event} acme/x {{"number":1}}"#));
        let before = hub.dump();
        assert!(!hub.change(|change| change.set_proposal_closed(&x, number(1), is_closed)).unwrap());
        assert_eq!(hub.dump(), before);
    }
    let said = hub.refusal(|change| change.set_proposal_closed(&x, number(2), true));
    assert_eq!(said, "there is no proposal 2 of acme/x");
}

#[test]
fn a_repository_accepts_proposals_as_it_decides_or_leaves_it_to_the_configuration() {
    let mut hub = Hub::new();
    let id = hub.id("acme/x");
    let accepts = |hub: &Hub| hub.reader().ask(|view| view.accepts_proposals(id)).unwrap();
    assert_eq!(accepts(&hub), None);
    for value in [Some(true), Some(false), None] {
        hub.change(|change| change.set_proposals(&path("acme/x"), value)).unwrap();
        assert_eq!(accepts(&hub), value);
        assert_eq!(hub.store.view().repository(&path("acme/x")).unwrap().proposals, value);
    }
    assert_eq!(hub.last_event(), r#"repo.set_proposals acme/x {"before":false,"proposals":null}"#);
}

#[test]
fn a_database_of_the_previous_version_has_no_proposals_and_accepts_none() {
    let hub = Hub::new();
    let id = hub.id("acme/x");
    hub.go_back_to(3);
    let asked = |hub: &Hub| {
        hub.reader().ask(|view| Ok::<_, crate::db::Error>((view.accepts_proposals(id)?, view.proposal_facts(id, 1)?)))
    };
    assert_eq!(asked(&hub).unwrap(), (Some(false), None));
    // Of this version, such a database is damaged.
    hub.tamper("UPDATE hubgate SET version = 4");
    assert!(asked(&hub).is_err());
}
