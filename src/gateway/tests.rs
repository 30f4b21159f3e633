use super::*;
use crate::access::{Account, Grant, OwnerFacts, Role};

#[test]
fn only_a_fault_that_sshd_cannot_cause_is_critical() {
    let broken = |level| (FaultKind::Broken, level);
    for (fault, expected) in [
        (Fault::NotSshd, broken(Level::Critical)),
        (Fault::OtherAccount, broken(Level::Critical)),
        (Fault::UserAuth(user_auth::Error::OtherKey), broken(Level::Critical)),
        // The client has disconnected.
        (Fault::UserAuth(user_auth::Error::Gone), broken(Level::Error)),
        (Fault::NoProcess, broken(Level::Error)),
        (Fault::Unavailable, (FaultKind::Unavailable, Level::Error)),
    ] {
        assert_eq!(fault.kind(), expected, "{fault}");
    }
}

#[test]
fn only_a_push_by_a_key_that_may_create_the_repository_reads_how() {
    let path: crate::name::RepoPath = "acme/missing".parse().unwrap();
    let account = |scope| Identity::Account(Account { id: 1, name: "alice".parse().unwrap(), scope });
    let place = |role| {
        let role = Some(Grant { value: role, until: None });
        Place { path: path.clone(), owner: OwnerFacts { id: 2, may_create: true, role }, moved: None }
    };
    let created = Refusal::NotCreated(path.clone());
    for (identity, role, service, expected) in [
        (account(Scope::Write), Role::Contributor, Service::ReceivePack, &created),
        (account(Scope::Write), Role::Read, Service::ReceivePack, &Refusal::NoRepository),
        (account(Scope::Write), Role::Contributor, Service::UploadPack, &Refusal::NoRepository),
        (account(Scope::Read), Role::Admin, Service::ReceivePack, &Refusal::NoRepository),
        (Identity::Anonymous, Role::Admin, Service::ReceivePack, &Refusal::NoRepository),
    ] {
        assert_eq!(missing(&identity, Some(&place(role)), service, 0), *expected, "{identity:?} {role:?} {service:?}");
        assert_eq!(missing(&identity, None, service, 0), Refusal::NoRepository);
    }
}
