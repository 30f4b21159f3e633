//! Certificates: what the helper and the gateway read from them, and the line for them.

use arbitrary::Unstructured;
use base64ct::{Base64, Encoding};
use hubgate::key::{
    BadOffer, Fingerprint, KeyError, KeyType, OfferedCertificate, OfferedKey, OfferedKeyError, PublicKey,
};
use hubgate::request::{ANONYMOUS, Arguments, ForcedCommand};

use super::authorized_keys::sshd_reads;
use crate::input::{self, Fields, is_plain, one_of};
use crate::oracle::openssh_reads;

/// OpenSSH's certificate types, past and present, and the number of key fields in each.
const TYPES: [(&str, usize); 8] = [
    ("ssh-ed25519-cert-v01@openssh.com", 1),
    ("ecdsa-sha2-nistp256-cert-v01@openssh.com", 2),
    ("ecdsa-sha2-nistp384-cert-v01@openssh.com", 2),
    ("ecdsa-sha2-nistp521-cert-v01@openssh.com", 2),
    ("ssh-rsa-cert-v01@openssh.com", 2),
    ("sk-ssh-ed25519-cert-v01@openssh.com", 2),
    ("sk-ecdsa-sha2-nistp256-cert-v01@openssh.com", 3),
    ("ssh-dss-cert-v01@openssh.com", 4),
];

/// A certificate type, and a blob that begins with it or with anything.
///
/// An accepted blob is a user certificate for one principal, with the fields of PROTOCOL.certkeys. Its line admits the
/// CA's key for that principal alone and restricts everything. A certificate is never accepted as a key, under any type
/// name.
pub fn certificate(data: &[u8]) -> bool {
    let mut u = Unstructured::new(data);
    let (name, key_fields) = one_of(&mut u, &TYPES);
    let has_head = one_of(&mut u, &[true, false]);
    let rest = u.take_rest();
    let blob = if has_head { [&input::blob(&[name.as_bytes()]), rest].concat() } else { rest.to_vec() };
    let base64 = Base64::encode_string(&blob);

    let offered = OfferedKey::parse(name.as_bytes(), base64.as_bytes());
    assert_eq!(offered, Err(OfferedKeyError::OtherType));
    let pasted = PublicKey::parse_line(format!("{name} {base64} a title").as_bytes());
    assert_eq!(pasted, Err(KeyError::Certificate));
    for key_type in KeyType::ALL {
        let is_of_type = blob.starts_with(&input::blob(&[key_type.as_str().as_bytes()]));
        let offered = OfferedKey::parse(key_type.as_str().as_bytes(), base64.as_bytes());
        assert_eq!(offered.is_ok(), is_of_type);
        assert!(!has_head || PublicKey::from_blob(key_type, blob.clone()).is_err());
        assert_eq!(OfferedCertificate::parse(key_type.as_str().as_bytes(), base64.as_bytes()), Err(BadOffer::Other));
    }

    let accepted = OfferedCertificate::parse(name.as_bytes(), base64.as_bytes()).ok();
    let proven = hubgate::fuzzing::proven(format!("publickey {name} {base64}\n").as_bytes());
    assert_eq!(proven, accepted.clone().map(Err));
    let Some(accepted) = accepted else { return false };
    same_fields(&accepted, name, key_fields, &blob);
    sound_line(&accepted);
    true
}

/// Reads the blob independently and compares.
fn same_fields(certificate: &OfferedCertificate, name: &str, key_fields: usize, blob: &[u8]) {
    let mut fields = Fields(blob);
    assert_eq!(fields.string(), name.as_bytes());
    // The nonce and the key's fields, which a plain key has after its type.
    fields.string();
    let key: Vec<&[u8]> = (0..key_fields).map(|_| fields.string()).collect();
    let plain = match name.strip_suffix("-cert-v01@openssh.com") {
        Some(key_type) if name.starts_with("sk-") => format!("{key_type}@openssh.com"),
        Some(key_type) => key_type.to_owned(),
        None => panic!("{name}"),
    };
    let key = [input::blob(&[plain.as_bytes()]), input::blob(&key)].concat();
    assert_eq!(certificate.key(), Fingerprint::of_blob(&key));
    assert_eq!(fields.number::<8>(), certificate.serial());
    assert_eq!(fields.number::<4>(), 1, "a user's certificate");
    assert_eq!(fields.string(), certificate.key_id().as_bytes());
    let principals = input::blob(&[certificate.principal().as_str().as_bytes()]);
    assert_eq!(fields.string(), principals);
    let second = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    assert_eq!((second(fields.number::<8>()), second(fields.number::<8>())), certificate.validity());
    // Critical options, extensions and a reserved field: only sshd reads them.
    for _ in 0..3 {
        fields.string();
    }
    let authority = fields.string();
    fields.string();
    assert!(fields.0.is_empty(), "something follows the signature");

    let (key_type, base64) = certificate.authority_words().split_once(' ').expect("two words");
    assert_eq!(Base64::decode_vec(base64).as_deref(), Ok(authority));
    let key = OfferedKey::parse(key_type.as_bytes(), base64.as_bytes()).expect("a key of an admitted type");
    assert_eq!(
        (key.fingerprint(), key.to_authorized_keys().as_str()),
        (certificate.authority(), certificate.authority_words())
    );
}

/// Checks the helper's line for a valid certificate.
fn sound_line(certificate: &OfferedCertificate) {
    let gateway = "/usr/libexec/hubgate/gateway";
    let line = hubgate::fuzzing::certificate_line(gateway, None, certificate);
    let inner = line.strip_suffix('\n').expect("a line ends");
    assert!(is_plain(inner) && !inner.contains(['\\', '\'', '$', '`', ';', '%', '#']), "{line:?}");
    let (options, words) = sshd_reads(inner).expect("sshd reads the line");
    let principal = certificate.principal();
    let principals = format!("principals={principal}");
    let [authority, one, restrict, command] = options.as_slice() else { panic!("{line:?}") };
    assert_eq!([authority, one, restrict], ["cert-authority", &principals, "restrict"]);
    assert_eq!(words, certificate.authority_words());
    let command = command.strip_prefix("command=").expect("a forced command");
    let arguments = Arguments::parse(&[b"-c", command.as_bytes()]);
    // An account cannot have this name, and the gateway rejects it.
    let forced_command = (principal.as_str() != ANONYMOUS)
        .then(|| ForcedCommand::Certificate(principal.clone(), certificate.authority()));
    assert_eq!(arguments.map(|arguments| arguments.forced_command), forced_command.map(Some));

    let (key_type, base64) = words.split_once(' ').expect("two words");
    let blob = Base64::decode_vec(base64).expect("base64");
    if let Ok(key) = PublicKey::from_blob(key_type.parse().expect("a type"), blob) {
        openssh_reads(&line, key.bits().unwrap_or(256), &key.fingerprint().to_string());
    }
}
