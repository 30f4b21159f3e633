//! Signatures of commits by SSH keys.

use base64ct::{Base64, Encoding};
use hubgate::fuzzing::signed_commit;
use hubgate::key::{BadSignature, Fingerprint, PublicKey, verify};

use crate::input::{Fields, is_sentence};

/// What the seeds sign.
const SIGNED: &[u8] = b"tree 1\n\nmessage\n";
const BEGIN: &str = "-----BEGIN SSH SIGNATURE-----\n";
const END: &str = "-----END SSH SIGNATURE-----\n";
/// The magic and the version, before the key.
const HEAD: usize = 10;

/// One byte that says whether a text or the bytes in it follow.
///
/// A valid signature is valid for no other bytes, in lines of any length. Its key is one that an account can have,
/// under the same fingerprint.
pub fn commit_signature(data: &[u8]) -> bool {
    let Some((kind, rest)) = data.split_first() else { return false };
    let text = if kind % 2 == 0 { rest.to_vec() } else { armored(&Base64::encode_string(rest), 70) };
    match verify(&text, SIGNED) {
        Ok(key) => {
            sound(&text, key);
            true
        }
        Err(error) => {
            assert!(is_sentence(&error.to_string()), "{error}");
            false
        }
    }
}

fn sound(text: &[u8], key: Fingerprint) {
    for other in [b"".as_slice(), b"tree 1\n\nmessage", b"tree 2\n\nmessage\n"] {
        assert_eq!(verify(text, other), Err(BadSignature::Invalid));
    }
    let text = std::str::from_utf8(text).expect("a signature is ASCII");
    let base64: String = text.lines().filter(|line| !line.starts_with('-')).collect();
    for width in [1, 64, base64.len()] {
        assert_eq!(verify(&armored(&base64, width), SIGNED), Ok(key));
    }
    let bytes = Base64::decode_vec(&base64).expect("base64");
    let blob = Fields(&bytes[HEAD..]).string();
    let name = String::from_utf8_lossy(Fields(blob).string()).into_owned();
    let line = format!("{name} {}", Base64::encode_string(blob));
    let (pasted, _) = PublicKey::parse_line(line.as_bytes()).expect("a key that an account can have");
    assert_eq!(pasted.fingerprint(), key);
    // No byte may follow.
    let longer = Base64::encode_string(&[&bytes[..], b"\0"].concat());
    assert!(verify(&armored(&longer, 70), SIGNED).is_err());
}

fn armored(base64: &str, width: usize) -> Vec<u8> {
    let lines = base64.as_bytes().chunks(width.max(1)).map(|line| [line, b"\n"].concat());
    [BEGIN.as_bytes(), &lines.collect::<Vec<_>>().concat(), END.as_bytes()].concat()
}

/// Arbitrary bytes as a commit with an id of SHA-1 and of SHA-256.
///
/// What a signature signs has no signature any more, and no byte comes from elsewhere.
pub fn commit_parts(data: &[u8]) -> bool {
    let parsed = [40, 64].map(|digits| {
        let (signature, signed, email) = signed_commit(data, digits)?;
        assert!(signature.len() + signed.len() < data.len());
        let head: Vec<&[u8]> = signed.split(|byte| *byte == b'\n').take_while(|line| !line.is_empty()).collect();
        assert!(!head.iter().any(|line| line.starts_with(b"gpgsig")));
        for digits in [40, 64] {
            assert_eq!(signed_commit(&signed, digits), None);
        }
        if let Some(email) = email {
            assert!(data.windows(email.len()).any(|window| window == email.as_bytes()) && !email.contains(['<', '>']));
        }
        Some(())
    });
    parsed.into_iter().flatten().count() > 0
}
