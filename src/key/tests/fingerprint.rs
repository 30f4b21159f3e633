//! Fingerprints, and the list of weak keys.

use super::{ED25519, PACKAGED_WEAK_KEYS, PHUSION, key};
use crate::key::{Fingerprint, FingerprintError, KeyError, WeakKeys, WeakKeysError};

#[test]
fn a_fingerprint_has_one_text() {
    let fingerprint = key(ED25519).fingerprint();
    let text = fingerprint.to_string();
    assert_eq!(text.len(), 50);
    assert_eq!(text.parse(), Ok(fingerprint));
    assert_eq!(Fingerprint::from_bytes(*fingerprint.as_bytes()), fingerprint);
    assert_eq!(Fingerprint::from_bytes([0x0a; 32]).to_hex(), "0a".repeat(32));

    let base64 = text.strip_prefix("SHA256:").unwrap();
    let last = |c: char| format!("SHA256:{}{c}", "A".repeat(42));
    for bad in [
        base64.to_owned(),
        format!("sha256:{base64}"),
        format!("{text}="),
        format!("{text}\n"),
        format!(" {text}"),
        text[..49].to_owned(),
        format!("{text}A"),
        text.replace("SHA256:", "SHA256: "),
        last('-'),
        // The last character carries four bits, and two of its bits must be zero. Otherwise a hash would have four
        // texts.
        last('B'),
        last('C'),
        last('D'),
    ] {
        assert_eq!(bad.parse::<Fingerprint>(), Err(FingerprintError), "{bad}");
    }
    assert_eq!(last('A').parse(), Ok(Fingerprint::from_bytes([0; 32])));
    assert!(last('E').parse::<Fingerprint>().is_ok());
}

#[test]
fn a_list_of_weak_keys_contains_keys_and_reports_its_bad_lines() {
    let (one, two) = (key(ED25519), key(PHUSION));
    let list: WeakKeys = format!("# keys\r\n\n{} # one\r\n", one.fingerprint()).parse().unwrap();
    assert_eq!(list.check(&one), Err(KeyError::Known));
    assert_eq!(list.check(&two), Ok(()));
    assert!(list.contains(&one.fingerprint()));
    assert_eq!(WeakKeys::default().check(&one), Ok(()));

    assert_eq!("# a\nMD5:00".parse::<WeakKeys>(), Err(WeakKeysError { line: 2 }));
    assert!(WeakKeysError { line: 2 }.to_string().starts_with("line 2: a fingerprint is"));
}

#[test]
fn the_packaged_list_can_be_read() {
    let list: WeakKeys = PACKAGED_WEAK_KEYS.parse().unwrap();
    assert_eq!(list.check(&key(PHUSION)), Err(KeyError::Known));
    assert_eq!(list.check(&key(ED25519)), Ok(()));
}
