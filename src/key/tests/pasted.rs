//! Texts that people paste, and the message for each text that is not a key.

use super::{ED25519, error, key};
use crate::key::{KeyError, PublicKey};
use crate::name::NameError;

#[test]
fn a_comment_becomes_the_title_or_is_rejected_as_a_title() {
    let title = |comment: &[u8]| PublicKey::parse_line(&[ED25519.as_bytes(), b" ", comment].concat());
    assert_eq!(title(b"alice's laptop  (2)").unwrap().1.unwrap().as_str(), "alice's laptop  (2)");
    assert_eq!(title(b"\t \r\n").unwrap().1, None);
    assert_eq!(title(b"\xff\xfe"), Err(KeyError::Comment(NameError::TitleCharacter)));
    assert_eq!(title(b"a\tb"), Err(KeyError::Comment(NameError::TitleCharacter)));
    assert_eq!(title(&[b'a'; 256]), Err(KeyError::Comment(NameError::TitleLength)));
}

#[test]
fn a_title_cannot_add_a_line_to_authorized_keys() {
    for end in ["\n", "\r", "\r\n"] {
        assert_eq!(error(format!("{ED25519} laptop{end}command=\"id\" {ED25519}")), KeyError::Lines);
    }
}

#[test]
fn blanks_around_and_between_the_words_are_ignored() {
    let plain = key(ED25519);
    assert_eq!(key(format!("\r\n \n{}  \t laptop \r\n\n", ED25519.replace(' ', "\t  "))), plain);
    assert_eq!(plain.to_string(), ED25519);
}

#[test]
fn each_text_that_is_not_a_key_has_its_message() {
    let base64 = ED25519.split_once(' ').unwrap().1;
    for (text, expected) in [
        (String::new(), KeyError::Empty),
        (" \r\n\t".to_owned(), KeyError::Empty),
        ("a".repeat(65_536), KeyError::NotAKey),
        ("a".repeat(65_537), KeyError::TooLong),
        (format!("# laptop\n{ED25519}"), KeyError::CommentLine),
        (format!("{ED25519}\n# laptop"), KeyError::Lines),
        (format!("\u{feff}{ED25519}"), KeyError::ByteOrderMark),
        ("---- BEGIN SSH2 PUBLIC KEY ----\nAAAA".to_owned(), KeyError::Ssh2),
        ("-----BEGIN PUBLIC KEY-----\nMIIB".to_owned(), KeyError::Pkcs8),
        ("-----BEGIN RSA PUBLIC KEY-----\nMIIB".to_owned(), KeyError::Pkcs1),
        (format!("restrict {ED25519}"), KeyError::Options),
        (format!("command=\"a b\",no-pty {ED25519}"), KeyError::Options),
        (format!("hub.example {ED25519}"), KeyError::Options),
        (format!("@cert-authority *.example {ED25519}"), KeyError::Options),
        (format!("rsa-sha2-512 {base64}"), KeyError::SignatureName),
        (base64.to_owned(), KeyError::NotAKey),
        (format!("SSH-ED25519 {base64}"), KeyError::NotAKey),
        (format!("laptop {base64}"), KeyError::NotAKey),
        ("ssh-ed25519".to_owned(), KeyError::Base64),
        (ED25519.trim_end_matches('/').to_owned(), KeyError::Base64),
        (format!("{ED25519}="), KeyError::Base64),
        (format!("ssh-rsa {base64}"), KeyError::Mismatch),
        (format!("ssh-ed25519-cert-v01@openssh.com {base64}"), KeyError::Certificate),
        (format!("ssh-dss {base64}"), KeyError::Dsa),
    ] {
        assert_eq!(error(&text), expected, "{text:.80}");
    }
    let utf_16: Vec<u8> = format!("\u{feff}{ED25519}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(error(utf_16), KeyError::ByteOrderMark);
}

#[test]
fn a_private_key_is_recognized_after_any_text() {
    for start in [
        "-----BEGIN OPENSSH PRIVATE KEY-----",
        "-----BEGIN RSA PRIVATE KEY-----",
        "-----BEGIN EC PRIVATE KEY-----",
        "-----BEGIN DSA PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----",
        "-----BEGIN ENCRYPTED PRIVATE KEY-----",
        "---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----",
        "PuTTY-User-Key-File-2: ssh-rsa",
        "SSH PRIVATE KEY FILE FORMAT 1.1",
        "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAE",
    ] {
        for before in [String::new(), "\u{feff}".to_owned(), "  \r\n".to_owned(), format!("{ED25519} laptop\n")] {
            assert_eq!(error(format!("{before}{start}\nAAAA\n")), KeyError::Private, "{before}{start}");
        }
    }
}

#[test]
fn every_error_is_one_line_without_a_full_stop() {
    for error in [
        KeyError::Empty,
        KeyError::TooLong,
        KeyError::Lines,
        KeyError::CommentLine,
        KeyError::ByteOrderMark,
        KeyError::Ssh2,
        KeyError::Pkcs8,
        KeyError::Pkcs1,
        KeyError::Options,
        KeyError::SignatureName,
        KeyError::NotAKey,
        KeyError::Base64,
        KeyError::Mismatch,
        KeyError::Structure,
        KeyError::Application,
        KeyError::Certificate,
        KeyError::Dsa,
        KeyError::OtherType,
        KeyError::RsaSize(1_024),
        KeyError::RsaExponent,
        KeyError::RsaModulus,
        KeyError::Roca,
        KeyError::SmallOrder,
        KeyError::OffCurve,
        KeyError::Known,
        KeyError::Private,
        KeyError::Comment(NameError::TitleLength),
    ] {
        let text = error.to_string();
        assert!(text.bytes().all(|byte| matches!(byte, b' '..=b'~')) && !text.ends_with('.'), "{text}");
        assert!(!text.contains("  "), "{text}");
    }
}
