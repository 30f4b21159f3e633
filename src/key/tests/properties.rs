//! Properties of arbitrary texts and blobs.

use std::iter;

use proptest::prelude::{Just, Strategy, any};
use proptest::{collection, prop_assert, prop_assert_eq, prop_assert_ne, prop_oneof, sample};

use super::{HOSTILE_INPUTS, blob, mpint, sk_ed25519};
use crate::key::{KeyType, OfferedKey, PublicKey};
use crate::tests::holds;

/// The lines of accepted keys in the table, one of each type in it.
fn sound_lines() -> Vec<String> {
    let rows = HOSTILE_INPUTS.lines().map(|row| serde_json::from_str::<serde_json::Value>(row).unwrap());
    let texts = rows.filter_map(|row| row.get("input").and_then(serde_json::Value::as_str).map(str::to_owned));
    let keys = texts.filter_map(|text| PublicKey::parse_line(text.as_bytes()).ok());
    let sk = PublicKey::from_blob(KeyType::SkEd25519, sk_ed25519(b"ssh:")).unwrap();
    keys.map(|(key, _)| key).chain([sk]).map(|key| key.to_string()).collect()
}

#[test]
fn an_accepted_key_writes_one_line_that_reads_as_the_same_key() {
    let lines = sound_lines();
    assert!(lines.len() > 5);
    let word = sample::select(vec![" ", "\t", "  ", "\n", "\r\n", "#", "\0", "=", "-----BEGIN ", "PRIVATE KEY", "é"]);
    // Nearly valid: a sound line with a prefix, a suffix, and at most one byte changed or removed.
    let nearly = (
        sample::select(lines),
        collection::vec(word.clone(), 0..2),
        collection::vec(prop_oneof!["[ -~]{0,9}".boxed(), word.prop_map(str::to_owned).boxed()], 0..4),
        prop_oneof![Just(None).boxed(), (any::<sample::Index>(), any::<Option<u8>>()).prop_map(Some).boxed()],
    )
        .prop_map(|(line, before, after, change)| {
            let mut text = format!("{}{line}{}", before.concat(), after.concat()).into_bytes();
            if let Some((index, byte)) = change {
                let index = index.index(text.len());
                match byte {
                    Some(byte) => text[index] = byte,
                    None => text.truncate(index),
                }
            }
            text
        });
    let any_text = prop_oneof![4 => nearly, 1 => collection::vec(any::<u8>(), 0..200)];

    let accepted = holds(2_000, &any_text, |text| {
        let read = PublicKey::parse_line(&text);
        match &read {
            Ok((key, title)) => {
                let written = key.to_string();
                prop_assert_eq!(PublicKey::parse_line(written.as_bytes()), Ok((key.clone(), None)));
                prop_assert_eq!(written.split(' ').count(), 2);
                prop_assert!(written.bytes().all(|byte| matches!(byte, b' '..=b'~')));
                prop_assert!(title.as_ref().is_none_or(|title| !title.as_str().contains(['\n', '\r'])));
                let (key_type, base64) = written.split_once(' ').unwrap();
                let offered = OfferedKey::parse(key_type.as_bytes(), base64.as_bytes()).unwrap();
                prop_assert!(offered.is_sound());
                prop_assert_eq!(offered.fingerprint(), key.fingerprint());
            }
            Err(error) => prop_assert_ne!(error.to_string(), ""),
        }
        Ok(read.is_ok())
    });
    assert!((200..1_800).contains(&accepted), "{accepted} accepted");
}

/// The fields after the type, valid or arbitrary.
fn fields(key_type: KeyType) -> impl Strategy<Value = Vec<Vec<u8>>> {
    let bytes = |length| collection::vec(any::<u8>(), length);
    let application = prop_oneof![3 => "ssh:[ -~]{0,9}", 1 => ".{0,9}"].prop_map(String::into_bytes);
    let exponent = prop_oneof![3 => Just(vec![1, 0, 1]), 1 => bytes(0..9)];
    let modulus = bytes(256..260).prop_map(|number| mpint(&number));
    let curve = sample::select(vec!["nistp256", "nistp384", "nistp521"]).prop_map(|name| name.as_bytes().to_vec());
    let point = bytes(65..134).prop_map(|point| [vec![4], point].concat());
    let right = match key_type {
        KeyType::Ed25519 => bytes(32..33).prop_map(|point| vec![point]).boxed(),
        KeyType::SkEd25519 => (bytes(32..33), application).prop_map(|(point, text)| vec![point, text]).boxed(),
        KeyType::Rsa => (exponent, modulus).prop_map(|(e, n)| vec![e, n]).boxed(),
        KeyType::EcdsaP256 | KeyType::EcdsaP384 | KeyType::EcdsaP521 => {
            (curve, point).prop_map(|(name, point)| vec![name, point]).boxed()
        }
        KeyType::SkEcdsaP256 => {
            (curve, point, application).prop_map(|(name, point, text)| vec![name, point, text]).boxed()
        }
    };
    prop_oneof![4 => right, 1 => collection::vec(bytes(0..70), 0..4)]
}

#[test]
fn a_blob_is_rejected_or_is_the_blob_of_the_key() {
    let types = sample::select(KeyType::ALL.to_vec());
    let blobs = types.prop_flat_map(|key_type| (Just(key_type), fields(key_type), collection::vec(any::<u8>(), 0..2)));
    let read = holds(2_000, &blobs, |(key_type, fields, end)| {
        let fields: Vec<&[u8]> =
            iter::once(key_type.as_str().as_bytes()).chain(fields.iter().map(Vec::as_slice)).collect();
        let bytes = [blob(&fields), end].concat();
        let key = PublicKey::from_blob(key_type, bytes.clone());
        if let Ok(key) = &key {
            prop_assert_eq!(key.blob(), &bytes);
        }
        Ok(key.is_ok())
    });
    assert!((100..1_500).contains(&read), "{read} read");
}
