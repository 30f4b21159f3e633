//! Certificates that ssh-keygen makes, and certificates that it does not make.

use base64ct::{Base64, Encoding};

use super::openssh::{MADE, Scratch};
use super::{blob, key};
use crate::key::{BadOffer, Fingerprint, KeyError, OfferedCertificate};

const TYPE: &str = "ssh-ed25519-cert-v01@openssh.com";

/// A certificate for alice by the CA with this blob. Its signature is invalid, because sshd checks signatures.
fn certificate(authority: &[u8]) -> Vec<u8> {
    let until = 1_900_000_000_u64.to_be_bytes();
    [
        blob(&[TYPE.as_bytes(), &[7; 32], &[9; 32]]),
        [&7_u64.to_be_bytes()[..], &1_u32.to_be_bytes()].concat(),
        blob(&[b"laptop", &blob(&[b"alice"])]),
        [[0; 8], until].concat(),
        blob(&[b"", b"", b"", authority, &blob(&[b"ssh-ed25519", &[6; 64]])]),
    ]
    .concat()
}

fn parse(blob: &[u8]) -> Result<OfferedCertificate, BadOffer> {
    OfferedCertificate::parse(TYPE.as_bytes(), Base64::encode_string(blob).as_bytes())
}

/// Signs `k.pub` with ssh-keygen and these options. Returns the first two words of the certificate.
fn signed(scratch: &Scratch, options: &str) -> (String, String) {
    assert!(scratch.ssh_keygen(&format!("-q -s ca {options} k.pub")).is_some(), "{options}");
    let line = scratch.read("k-cert.pub");
    let mut words = line.split(' ').map(str::to_owned);
    (words.next().unwrap(), words.next().unwrap())
}

#[test]
fn a_certificates_ca_is_its_exact_bytes() {
    let authority = blob(&[b"ssh-ed25519", &[5; 32]]);
    let found = parse(&certificate(&authority)).unwrap();
    assert_eq!(found.authority(), Fingerprint::of_blob(&authority));
    assert_eq!((found.principal().as_str(), found.serial(), found.key_id()), ("alice", 7, "laptop"));
    assert_eq!(found.validity(), (0, 1_900_000_000));

    // The length of the point; fuzzing found that `ssh-key` reads this CA like the CA above.
    let mut other = authority.clone();
    other[16] = 8;
    assert_eq!(parse(&certificate(&other)), Err(BadOffer::Other));
    assert_eq!(parse(&[certificate(&authority), vec![0]].concat()), Err(BadOffer::Other));
}

#[test]
fn a_certificate_has_the_fields_that_ssh_keygen_was_given() {
    for (options, ..) in MADE {
        let scratch = Scratch::new();
        for name in ["ca", "k"] {
            assert!(scratch.ssh_keygen(&format!("-q {options} -N  -C  -f {name}")).is_some());
        }
        let (key_type, base64) = signed(&scratch, "-I laptop -n alice -z 42 -V 20260102030405Z:20260203040506Z");
        let found = OfferedCertificate::parse(key_type.as_bytes(), base64.as_bytes()).unwrap();
        assert_eq!(found.key(), key(scratch.read("k.pub")).fingerprint(), "{options}");
        assert_eq!(found.authority(), key(scratch.read("ca.pub")).fingerprint(), "{options}");
        assert_eq!(found.authority_words(), scratch.read("ca.pub").trim_end(), "{options}");
        assert_eq!((found.principal().as_str(), found.serial(), found.key_id()), ("alice", 42, "laptop"));
        assert_eq!(found.validity(), (1_767_323_045, 1_770_091_506));
    }
}

#[test]
fn a_certificate_is_for_one_user_and_has_the_type_that_it_is_offered_as() {
    let scratch = Scratch::new();
    for name in ["ca", "k"] {
        assert!(scratch.ssh_keygen(&format!("-q -t ed25519 -N  -f {name}")).is_some());
    }
    let parse = |(key_type, base64): (String, String)| {
        assert_eq!(key_type, TYPE);
        OfferedCertificate::parse(key_type.as_bytes(), base64.as_bytes())
    };
    assert!(parse(signed(&scratch, "-I x -n alice -V always:20380101")).is_ok());
    for (options, what) in [
        ("-I x -n alice", BadOffer::Endless),
        ("-I x -n alice -V 20200101:forever", BadOffer::Endless),
        ("-h -I x -n alice -V always:20380101", BadOffer::Other),
        ("-I x -V always:20380101", BadOffer::Principals(0)),
        ("-I x -n alice,bob -V always:20380101", BadOffer::Principals(2)),
        ("-I x -n a/b -V always:20380101", BadOffer::Principal),
    ] {
        assert_eq!(parse(signed(&scratch, options)), Err(what), "{options}");
    }

    let (key_type, base64) = signed(&scratch, "-I x -n alice -V always:20380101");
    let words = [key_type.as_bytes(), base64.as_bytes()];
    assert!(OfferedCertificate::parse(words[0], words[1]).is_ok());
    for (key_type, base64) in [
        (&b"ssh-ed25519"[..], base64.as_bytes()),
        (b"ssh-rsa-cert-v01@openssh.com", base64.as_bytes()),
        (b"-cert-v01@openssh.com", base64.as_bytes()),
        (key_type.as_bytes(), b""),
        (key_type.as_bytes(), b"\xff\xfe"),
        (key_type.as_bytes(), &base64.as_bytes()[1..]),
        (key_type.as_bytes(), &base64.as_bytes()[4..]),
    ] {
        assert_eq!(OfferedCertificate::parse(key_type, base64), Err(BadOffer::Other));
    }
}

#[test]
fn a_ca_is_a_key_of_an_accepted_type() {
    let number = |length: usize| [vec![0, 0x80], vec![1; length - 1]].concat();
    let dsa = blob(&[b"ssh-dss", &number(128), &number(20), &number(128), &number(128)]);
    assert!(ssh_key::PublicKey::from_bytes(&dsa).is_ok());
    assert_eq!(parse(&certificate(&dsa)), Err(BadOffer::Authority));
    assert!(parse(&certificate(&blob(&[b"ssh-ed25519", &[5; 32]]))).is_ok());
}

#[test]
fn the_end_of_a_certificate_is_found_for_every_key_type() {
    for (options, ..) in MADE {
        let scratch = Scratch::new();
        assert!(scratch.ssh_keygen(&format!("-q {options} -N  -C  -f k")).is_some());
        assert!(scratch.ssh_keygen("-q -t ed25519 -N  -f ca").is_some());
        let (key_type, base64) = signed(&scratch, "-I laptop -n alice");
        let found = OfferedCertificate::parse(key_type.as_bytes(), base64.as_bytes());
        assert_eq!(found, Err(BadOffer::Endless), "{options}");
    }
}

#[test]
fn a_certified_key_must_be_acceptable_for_an_account() {
    let scratch = Scratch::new();
    assert!(scratch.ssh_keygen("-q -t ed25519 -N  -f ca").is_some());
    assert!(scratch.ssh_keygen("-q -t rsa -b 1024 -N  -f k").is_some());
    let (key_type, base64) = signed(&scratch, "-I x -n alice -V always:20380101");
    let found = OfferedCertificate::parse(key_type.as_bytes(), base64.as_bytes());
    assert_eq!(found, Err(BadOffer::Key(KeyError::RsaSize(1_024))));
    // A point of small order, for which anyone can sign.
    let authority = blob(&[b"ssh-ed25519", &[5; 32]]);
    let at = certificate(&authority).windows(32).position(|bytes| bytes == [9; 32]).unwrap();
    let mut weak = certificate(&authority);
    weak[at..at + 32].fill(0);
    assert_eq!(parse(&weak), Err(BadOffer::Key(KeyError::SmallOrder)));
}

#[test]
fn the_end_of_a_security_keys_certificate_follows_three_key_fields() {
    let name = b"sk-ecdsa-sha2-nistp256-cert-v01@openssh.com";
    let endless = [
        blob(&[name, &[7; 32], b"nistp256", &[4; 65], b"ssh:"]),
        [&7_u64.to_be_bytes()[..], &1_u32.to_be_bytes()].concat(),
        blob(&[b"laptop", &blob(&[b"alice"])]),
        [[0; 8], [0xff; 8]].concat(),
    ]
    .concat();
    let parse = |blob: &[u8]| OfferedCertificate::parse(name, Base64::encode_string(blob).as_bytes());
    assert_eq!(parse(&endless), Err(BadOffer::Endless));
    let cut = endless.split_last().unwrap().1;
    assert_eq!(parse(cut), Err(BadOffer::Other));
}
