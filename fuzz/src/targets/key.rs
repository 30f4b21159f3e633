//! Keys: pasted texts, keys that sshd offers, fingerprints.

use arbitrary::Unstructured;
use base64ct::{Base64, Encoding};
use hubgate::key::{Fingerprint, KeyError, KeyType, OfferedKey, PublicKey, WeakKeys};

use crate::input::{self, Fields, is_sentence, one_of};
use crate::oracle::openssh_reads;

/// Arbitrary bytes as a pasted text.
///
/// An accepted text is one key: OpenSSH reads the two words that it becomes as the same key, and the rest is its title.
/// A rejected text gets a sentence without any part of the input.
pub fn key_line(data: &[u8]) -> bool {
    let (key, title) = match PublicKey::parse_line(data) {
        Ok(accepted) => accepted,
        Err(error) => {
            sound_error(error);
            return false;
        }
    };
    sound_key(&key);
    let line = key.to_string();
    assert_eq!(PublicKey::parse_line(line.as_bytes()), Ok((key.clone(), None)));
    if let Some(title) = &title {
        let text = title.as_str();
        assert!(!text.is_empty() && text.len() <= 255 && !text.contains(char::is_control) && text.trim_ascii() == text);
        assert_eq!(PublicKey::parse_line(format!("{line} {title}").as_bytes()), Ok((key.clone(), Some(title.clone()))));
    }
    let base64 = line.split(' ').nth(1).expect("two words").as_bytes();
    assert!(data.windows(base64.len()).any(|window| window == base64), "the key is not one that was given");

    let padded = [b" \r\n\t", data, b"\t\n "].concat();
    assert_eq!(PublicKey::parse_line(&padded), Ok((key, title)));
    for end in [&b"\n"[..], b"\r", b"\r\n"] {
        let two = [data.trim_ascii(), end, line.as_bytes()].concat();
        assert_eq!(PublicKey::parse_line(&two), Err(KeyError::Lines));
    }
    let private = [data.trim_ascii(), b"\n-----BEGIN OPENSSH PRIVATE KEY-----\n"].concat();
    assert_eq!(PublicKey::parse_line(&private), Err(KeyError::Private));
    true
}

fn sound_error(error: KeyError) {
    let text = error.to_string();
    assert!(is_sentence(&text), "{text:?}");
    assert!(["K_FORMAT", "K_TYPE", "K_SIZE", "K_WEAK", "K_PRIVATE", "E_NAME"].contains(&error.code()));
}

/// A type and a blob: arbitrary bytes, arbitrary bytes after the type's name, or the type's fields with arbitrary
/// content.
///
/// A blob is accepted for one type only and has no second encoding. Its numbers match the type and the rules for RSA.
pub fn key_blob(data: &[u8]) -> bool {
    let mut u = Unstructured::new(data);
    let key_type = one_of(&mut u, &KeyType::ALL);
    let name = key_type.as_str().as_bytes();
    let blob = match u.arbitrary::<u8>().unwrap_or(0) % 3 {
        0 => u.take_rest().to_vec(),
        1 => [input::blob(&[name]), u.take_rest().to_vec()].concat(),
        _ => fields(u, key_type),
    };
    match PublicKey::from_blob(key_type, blob.clone()) {
        Ok(key) => {
            assert_eq!((key.key_type(), key.blob()), (key_type, blob.as_slice()));
            sound_key(&key);
            true
        }
        Err(error) => {
            sound_error(error);
            false
        }
    }
}

/// The fields of a key of this type (RFC 4253, 5656, 8709; OpenSSH's PROTOCOL.u2f).
fn fields(mut u: Unstructured<'_>, key_type: KeyType) -> Vec<u8> {
    let name = key_type.as_str().as_bytes();
    let point = |u: &mut Unstructured<'_>, size: usize| [b"\x04", u.bytes(size.min(u.len())).unwrap()].concat();
    match key_type {
        KeyType::Ed25519 => input::blob(&[name, u.take_rest()]),
        KeyType::SkEd25519 => input::blob(&[name, u.bytes(u.len().min(32)).unwrap(), u.take_rest()]),
        KeyType::EcdsaP256 => input::blob(&[name, b"nistp256", &point(&mut u, 64)]),
        KeyType::EcdsaP384 => input::blob(&[name, b"nistp384", &point(&mut u, 96)]),
        KeyType::EcdsaP521 => input::blob(&[name, b"nistp521", &point(&mut u, 132)]),
        KeyType::SkEcdsaP256 => input::blob(&[name, b"nistp256", &point(&mut u, 64), u.take_rest()]),
        KeyType::Rsa => input::blob(&[name, input::bytes(&mut u), u.take_rest()]),
    }
}

/// Checks an accepted key as later readers see it.
fn sound_key(key: &PublicKey) {
    let (key_type, blob) = (key.key_type(), key.blob());
    let line = key.to_string();
    let words: Vec<&str> = line.split(' ').collect();
    let [name, base64] = words.as_slice() else { panic!("{line:?}") };
    assert_eq!(*name, key_type.as_str());
    assert_eq!(Base64::decode_vec(base64).as_deref(), Ok(blob));
    let mut fields = Fields(blob);
    assert_eq!(fields.string(), name.as_bytes());
    let count = match key_type {
        KeyType::Ed25519 => 1,
        KeyType::EcdsaP256 | KeyType::EcdsaP384 | KeyType::EcdsaP521 | KeyType::Rsa | KeyType::SkEd25519 => 2,
        KeyType::SkEcdsaP256 => 3,
    };
    for _ in 0..count {
        fields.string();
    }
    assert!(fields.0.is_empty(), "more than the key");
    for other in KeyType::ALL {
        assert_eq!(PublicKey::from_blob(other, blob.to_vec()).is_ok(), other == key_type);
    }
    for longer in [&[0][..], b"AAAA"] {
        assert!(PublicKey::from_blob(key_type, [blob, longer].concat()).is_err(), "a second encoding");
    }
    assert!(PublicKey::from_blob(key_type, blob[..blob.len() - 1].to_vec()).is_err());

    let offered = OfferedKey::parse(name.as_bytes(), base64.as_bytes()).expect("sshd can offer it");
    assert!(offered.is_sound() && offered.key_type() == key_type);
    assert_eq!((offered.to_authorized_keys(), offered.fingerprint()), (line.clone(), key.fingerprint()));

    let bits = match (key_type, key.bits()) {
        (KeyType::Ed25519 | KeyType::SkEd25519, None)
        | (KeyType::EcdsaP256 | KeyType::SkEcdsaP256, Some(256)) => 256,
        (KeyType::EcdsaP384, Some(384)) => 384,
        (KeyType::EcdsaP521, Some(521)) => 521,
        (KeyType::Rsa, Some(bits)) => {
            assert_eq!(rsa_bits(blob), bits);
            bits
        }
        other => panic!("{other:?}"),
    };
    openssh_reads(&line, bits, &key.fingerprint().to_string());
}

/// The bits of an RSA modulus, from independently read numbers: positive, minimal, not even, and not too small.
fn rsa_bits(blob: &[u8]) -> usize {
    let mut fields = Fields(blob);
    let (_, exponent, modulus) = (fields.string(), fields.string(), fields.string());
    for number in [exponent, modulus] {
        assert!(number[0] < 0x80, "negative");
        assert!(number[0] != 0 || number[1] >= 0x80, "longer than necessary");
        assert_eq!(number.last().unwrap() % 2, 1, "even");
    }
    assert!(exponent.len() <= 9 && exponent != [1], "{exponent:?}");
    let first = modulus.iter().position(|byte| *byte != 0).unwrap();
    let bits = (modulus.len() - first) * 8 - modulus[first].leading_zeros() as usize;
    assert!((2_048..=16_384).contains(&bits));
    bits
}

/// Arbitrary bytes as a hash, as a fingerprint and as a list of weak keys.
///
/// A fingerprint has one text. A list contains the keys in it, or reports the line of its first error.
pub fn fingerprint(data: &[u8]) -> bool {
    if let Some(hash) = data.first_chunk::<32>() {
        let fingerprint = Fingerprint::from_bytes(*hash);
        assert_eq!(fingerprint.as_bytes(), hash);
        assert_eq!(fingerprint.to_string().parse(), Ok(fingerprint));
        let hex = fingerprint.to_hex();
        assert!(hex.len() == 64 && hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')));
    }
    let Ok(text) = std::str::from_utf8(data) else { return false };
    let parsed = text.parse::<Fingerprint>();
    if let Ok(fingerprint) = parsed {
        assert_eq!(fingerprint.to_string(), text);
        let base64 = text.strip_prefix("SHA256:").expect("the prefix of ssh-keygen");
        assert_eq!(Base64::decode_vec(&format!("{base64}=")).as_deref(), Ok(fingerprint.as_bytes().as_slice()));
    }
    let entry = |line: &str| line.split('#').next().unwrap_or_default().trim().to_owned();
    match text.parse::<WeakKeys>() {
        Ok(list) => {
            let mut last = None;
            for entry in text.lines().map(entry).filter(|entry| !entry.is_empty()) {
                let fingerprint: Fingerprint = entry.parse().expect("every entry of an accepted list is a fingerprint");
                assert!(list.contains(&fingerprint));
                last = Some(fingerprint);
            }
            let other = Fingerprint::of_blob(data);
            assert!(!list.contains(&other) || text.contains(&other.to_string()));
            last.is_some()
        }
        Err(error) => {
            let is_wrong = |line: &str| !entry(line).is_empty() && entry(line).parse::<Fingerprint>().is_err();
            assert_eq!(text.lines().position(is_wrong), Some(error.line - 1));
            assert!(is_sentence(&error.to_string()));
            parsed.is_ok()
        }
    }
}
