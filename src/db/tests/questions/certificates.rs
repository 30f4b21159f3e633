use std::fs;
use std::path::Path;
use std::process::Command;

use super::{Hub, NOW, owner, path, repository_facts};
use crate::access::{AuthorityFacts, CertificateFacts, Grant, Role};
use crate::clock::now;
use crate::key::{OfferedCertificate, PublicKey};

/// Makes an authority, and a certificate with serial number 7 and key id `badge` for these principals.
fn sign(directory: &Path, principals: &str) -> (PublicKey, Option<OfferedCertificate>) {
    let run = |words: &[&str]| {
        let output = Command::new("ssh-keygen").arg("-q").args(words).current_dir(directory).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    for name in ["ca", "user"].iter().filter(|name| !directory.join(name).exists()) {
        run(&["-t", "ed25519", "-f", name, "-N", ""]);
    }
    let validity = "19700101010000Z:19700101020000Z";
    run(&["-s", "ca", "-I", "badge", "-n", principals, "-z", "7", "-V", validity, "user.pub"]);
    let read = |name: &str| fs::read_to_string(directory.join(name)).unwrap();
    let (authority, certificate) = (read("ca.pub"), read("user-cert.pub"));
    let words: Vec<&str> = certificate.split(' ').collect();
    let offered = OfferedCertificate::parse(words[0].as_bytes(), words[1].as_bytes()).ok();
    (PublicKey::parse_line(authority.as_bytes()).unwrap().0, offered)
}

/// The facts of a certificate. The path must be found.
fn facts(hub: &Hub, certificate: &OfferedCertificate) -> CertificateFacts {
    let x = path("acme/x");
    let (facts, repository) = hub.reader().ask(|view| view.session_by_certificate(certificate, Some(&x), NOW)).unwrap();
    assert_eq!(repository.map(|repository| repository.path), Some(x));
    facts
}

#[test]
fn a_certificate_has_one_answer_whether_its_authority_is_known_or_not() {
    let mut hub = Hub::new();
    let directory = tempfile::tempdir().unwrap();
    let (authority, certificate) = sign(directory.path(), "alice");
    let certificate = certificate.unwrap();
    let (acme, alice) = (owner("acme"), hub.store.view().owner(&owner("alice")).unwrap());

    let unknown = facts(&hub, &certificate);
    assert_eq!((unknown.authority, unknown.member, unknown.revoked), (None, None, false));
    assert_eq!(unknown.validity, (3_600, 7_200));

    hub.change(|change| change.add_authority(&acme, &authority, 900, None)).unwrap();
    let known = facts(&hub, &certificate);
    let organization = hub.store.view().owner(&acme).unwrap().id;
    assert_eq!(known.authority, Some(AuthorityFacts { organization, max_ttl: 900, until: None }));
    assert_eq!(known.member, Some(Grant { value: Role::Admin, until: None }));
    assert_eq!(
        known.account.as_ref().map(|(account, disabled)| (account.id, disabled.clone())),
        Some((alice.id, None))
    );
    let (_, repository) =
        hub.reader().ask(|view| view.session_by_certificate(&certificate, Some(&path("acme/x")), NOW)).unwrap();
    assert_eq!(repository, Some(repository_facts(&hub)));

    hub.change(|change| change.set_disabled(&owner("alice"), Some("left"))).unwrap();
    assert_eq!(facts(&hub, &certificate).account.unwrap().1.as_deref(), Some("left"));
    hub.change(|change| change.remove_authority(&acme, &authority.fingerprint())).unwrap();
    assert!(facts(&hub, &certificate).authority.unwrap().until.unwrap() <= now());
    // With an end, it can be added again.
    let end = now() + 100;
    hub.change(|change| change.add_authority(&acme, &authority, 900, Some(end))).unwrap();
    assert_eq!(facts(&hub, &certificate).authority.unwrap().until, Some(end));
}

#[test]
fn a_certificate_is_revoked_by_its_serial_number_or_its_key_id() {
    let directory = tempfile::tempdir().unwrap();
    let (authority, certificate) = sign(directory.path(), "alice");
    let certificate = certificate.unwrap();
    for (what, revoked) in [("7", true), ("badge", true), ("8", false), ("Badge", false), ("", false)] {
        let mut hub = Hub::new();
        hub.change(|change| {
            change.add_authority(&owner("acme"), &authority, 900, None)?;
            change.revoke_certificate(&owner("acme"), what)
        })
        .unwrap();
        assert_eq!(facts(&hub, &certificate).revoked, revoked, "{what:?}");
    }
}

#[test]
fn a_certificate_speaks_only_for_its_one_principal() {
    let hub = Hub::new();
    let directory = tempfile::tempdir().unwrap();
    for principals in ["alice,bob", "alice,alice"] {
        assert_eq!(sign(directory.path(), principals).1, None, "{principals}");
    }
    // sshd compares principals byte for byte, and so does hubgate.
    for principal in ["Alice", "nobody", "acme"] {
        let certificate = sign(directory.path(), principal).1.unwrap();
        let facts = facts(&hub, &certificate);
        assert!(facts.account.is_none() || principal == "acme", "{principal}");
        assert_eq!(facts.member, None);
    }
}
