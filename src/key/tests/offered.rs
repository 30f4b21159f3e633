//! Keys that sshd offers.

use base64ct::{Base64, Encoding};

use super::{ED25519, key, modulus, rsa_blob};
use crate::key::{Fingerprint, KeyError, KeyType, OfferedKey, OfferedKeyError};

#[test]
fn a_type_reads_back_as_it_was_written() {
    for key_type in KeyType::ALL {
        assert_eq!(key_type.as_str().parse(), Ok(key_type));
    }
    for (text, expected) in [
        ("ssh-rsa-cert-v01@openssh.com", KeyError::Certificate),
        ("ssh-dss", KeyError::Dsa),
        ("rsa-sha2-256", KeyError::SignatureName),
        ("ssh-ed25519 ", KeyError::OtherType),
        ("", KeyError::OtherType),
    ] {
        assert_eq!(text.parse::<KeyType>(), Err(expected));
    }
}

#[test]
fn an_offered_key_has_an_accepted_type_in_its_blob_too() {
    let (key_type, base64) = ED25519.split_once(' ').unwrap();
    let offered = OfferedKey::parse(key_type.as_bytes(), base64.as_bytes()).unwrap();
    assert_eq!(offered.key_type(), KeyType::Ed25519);
    assert_eq!(offered.fingerprint(), key(ED25519).fingerprint());
    assert_eq!(offered.to_authorized_keys(), ED25519);
    assert!(offered.is_sound());

    let parse = |key_type: &str, base64: &str| OfferedKey::parse(key_type.as_bytes(), base64.as_bytes());
    for other in ["ssh-ed25519-cert-v01@openssh.com", "ssh-dss", "ssh-foo", "rsa-sha2-256", "SSH-RSA", "", "ssh-rsa\n"]
    {
        assert_eq!(parse(other, base64), Err(OfferedKeyError::OtherType));
    }
    for bad in ["", "====", "AAAA", "/////3NzaC1lZDI1NTE5", &format!("{base64}\n"), &format!(" {base64}"), &base64[1..]]
    {
        assert_eq!(parse(key_type, bad), Err(OfferedKeyError::Malformed), "{bad}");
    }
    assert_eq!(parse("ssh-rsa", base64), Err(OfferedKeyError::Malformed));
    assert_eq!(OfferedKey::parse(b"ssh-ed25519", b"\xff\xfe"), Err(OfferedKeyError::Malformed));
}

#[test]
fn an_offered_key_may_be_unsound() {
    let weak = rsa_blob(&[3], &modulus(1_024));
    let offered = OfferedKey::parse(b"ssh-rsa", Base64::encode_string(&weak).as_bytes()).unwrap();
    assert!(!offered.is_sound());
    assert_eq!(offered.fingerprint(), Fingerprint::of_blob(&weak));
}
