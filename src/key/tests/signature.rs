//! Signatures that ssh-keygen has made or accepts.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use base64ct::{Base64, Encoding};
use rsa::BigUint;
use rsa::signature::Signer;
use sha2::{Digest, Sha256};
use ssh_key::{PrivateKey, Signature};

use crate::key::{BadSignature, Fingerprint, PublicKey, verify};

const MESSAGE: &[u8] = b"tree 1\n\nmessage\n";

fn run(directory: &Path, words: &[&str], input: &[u8]) -> (bool, Vec<u8>) {
    let mut command = Command::new("ssh-keygen");
    command.args(words).current_dir(directory).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    (output.status.success(), output.stdout)
}

/// Whether ssh-keygen accepts a signature of these bytes.
fn accepts(directory: &Path, text: &[u8], signed: &[u8]) -> bool {
    fs::write(directory.join("signature"), text).unwrap();
    run(directory, &["-Y", "check-novalidate", "-n", "git", "-s", "signature"], signed).0
}

fn generate(directory: &Path, kind: &str, bits: &str) -> PublicKey {
    let _ = fs::remove_file(directory.join("id"));
    let (is_made, _) = run(directory, &["-q", "-t", kind, "-b", bits, "-N", "", "-f", "id"], b"");
    assert!(is_made, "{kind} {bits}");
    PublicKey::parse_line(&fs::read(directory.join("id.pub")).unwrap()).unwrap().0
}

fn string(bytes: &[u8]) -> Vec<u8> {
    [&u32::try_from(bytes.len()).unwrap().to_be_bytes(), bytes].concat()
}

fn armored(blob: &[u8]) -> Vec<u8> {
    let base64 = Base64::encode_string(blob);
    let lines: Vec<&str> = base64.as_bytes().chunks(70).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN SSH SIGNATURE-----\n{}\n-----END SSH SIGNATURE-----\n", lines.join("\n")).into_bytes()
}

/// The bytes between the two lines of text.
fn blob_of(text: &[u8]) -> Vec<u8> {
    let lines: String = std::str::from_utf8(text).unwrap().lines().filter(|line| !line.starts_with("-----")).collect();
    Base64::decode_vec(&lines).unwrap()
}

/// Asserts that a signature is not valid with one byte changed or one byte added, where ssh-keygen refuses it. The
/// changed bytes are `step` bytes apart, from the first byte on.
fn no_change_is_valid(directory: &Path, text: &[u8], fingerprint: Fingerprint, step: usize) {
    let blob = blob_of(text);
    assert_eq!(armored(&blob), text);
    let changed = |index: usize, change: u8| {
        let mut bytes = blob.clone();
        bytes[index] = bytes[index].wrapping_add(change);
        bytes
    };
    let changes =
        (0..blob.len()).step_by(step).flat_map(|index| [1, u8::MAX].map(|change| (index, changed(index, change))));
    for (index, bytes) in changes.chain([(blob.len(), [&blob[..], b"x"].concat())]) {
        let text = armored(&bytes);
        if let Ok(key) = verify(&text, MESSAGE) {
            assert_eq!(key, fingerprint, "byte {index}");
            assert!(accepts(directory, &text, MESSAGE), "byte {index} of {}", String::from_utf8_lossy(&text));
        }
    }
}

#[test]
fn what_ssh_keygen_signs_is_valid_and_every_change_of_it_is_not() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    for (kind, bits) in
        [("ed25519", "256"), ("ecdsa", "256"), ("ecdsa", "384"), ("ecdsa", "521"), ("rsa", "2048"), ("rsa", "5120")]
    {
        let key = generate(path, kind, bits);
        for hash in ["hashalg=sha256", "hashalg=sha512"] {
            let words = ["-q", "-Y", "sign", "-n", "git", "-O", hash, "-f", "id"];
            let (is_signed, text) = run(path, &words, MESSAGE);
            assert!(is_signed && accepts(path, &text, MESSAGE), "{kind} {bits} {hash}");
            assert_eq!(verify(&text, MESSAGE), Ok(key.fingerprint()), "{kind} {bits} {hash}");
            let other = [MESSAGE, b"x"].concat();
            assert!(!accepts(path, &text, &other));
            assert_eq!(verify(&text, &other), Err(BadSignature::Invalid), "{kind} {bits} {hash}");
            no_change_is_valid(path, &text, key.fingerprint(), if kind == "ed25519" { 1 } else { 97 });
        }
        let (_, text) = run(path, &["-q", "-Y", "sign", "-n", "file", "-f", "id"], MESSAGE);
        assert_eq!(verify(&text, MESSAGE), Err(BadSignature::Namespace), "{kind} {bits}");
    }
    for text in [
        "",
        "-----BEGIN PGP SIGNATURE-----\n\nx\n",
        "-----BEGIN SSH SIGNATURE-----\nU1NI\n-----END SSH SIGNATURE-----\n",
    ] {
        assert_eq!(verify(text.as_bytes(), MESSAGE), Err(BadSignature::Format), "{text}");
    }
    let small = {
        let _ = fs::remove_file(path.join("id"));
        run(path, &["-q", "-t", "rsa", "-b", "1024", "-N", "", "-f", "id"], b"");
        run(path, &["-q", "-Y", "sign", "-n", "git", "-f", "id"], MESSAGE).1
    };
    assert!(matches!(verify(&small, MESSAGE), Err(BadSignature::Key(_))), "a small RSA key");
}

/// A signature as a security key makes it (OpenSSH's PROTOCOL.u2f), with the private half of an ordinary key.
fn of_security_key(private: &PrivateKey, key_type: &str, algorithm: &str, key: &[u8], message: &[u8]) -> Vec<u8> {
    let tosign =
        [b"SSHSIG".as_slice(), &string(b"git"), &string(b""), &string(b"sha256"), &string(&Sha256::digest(message))]
            .concat();
    let trailer = [1, 0, 0, 0, 9];
    let data = [&Sha256::digest(b"ssh:")[..], &trailer, &Sha256::digest(&tosign)].concat();
    let made: Signature = match (private.key_data().ed25519(), private.key_data().ecdsa()) {
        (Some(pair), _) => pair.try_sign(&data).unwrap(),
        (_, Some(pair)) => {
            let ssh_key::private::EcdsaKeypair::NistP256 { private, .. } = pair else { panic!("another curve") };
            private.try_sign(&data).unwrap()
        }
        (None, None) => panic!("another key"),
    };
    let signature = [string(algorithm.as_bytes()), string(made.as_bytes()), trailer.to_vec()].concat();
    let public = [&string(key_type.as_bytes()), key, &string(b"ssh:")].concat();
    let blob = [
        b"SSHSIG".as_slice(),
        &1_u32.to_be_bytes(),
        &string(&public),
        &string(b"git"),
        &string(b""),
        &string(b"sha256"),
        &string(&signature),
    ];
    armored(&blob.concat())
}

#[test]
fn a_signature_of_a_security_key_is_valid_as_ssh_keygen_says() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    for (kind, key_type) in [("ed25519", "sk-ssh-ed25519@openssh.com"), ("ecdsa", "sk-ecdsa-sha2-nistp256@openssh.com")]
    {
        let key = generate(path, kind, "256");
        let private = PrivateKey::from_openssh(fs::read(path.join("id")).unwrap()).unwrap();
        // The fields of the key without its type.
        let fields = &key.blob()[4 + key.key_type().as_str().len()..];
        let text = of_security_key(&private, key_type, key_type, fields, MESSAGE);
        assert!(accepts(path, &text, MESSAGE), "{kind}");
        let blob = [&string(key_type.as_bytes()), fields, &string(b"ssh:")].concat();
        assert_eq!(verify(&text, MESSAGE), Ok(Fingerprint::of_blob(&blob)), "{kind}");
        assert_eq!(verify(&text, b"other"), Err(BadSignature::Invalid), "{kind}");
        no_change_is_valid(path, &text, Fingerprint::of_blob(&blob), 5);
        let plain = of_security_key(&private, key_type, key.key_type().as_str(), fields, MESSAGE);
        assert!(!accepts(path, &plain, MESSAGE));
        assert!(verify(&plain, MESSAGE).is_err(), "{kind}: an algorithm of another type of key");
    }
}

/// An RSA key of 2,048 bits with this exponent, in the file `id`.
fn generate_with_exponent(directory: &Path, exponent: u64) -> PublicKey {
    let _ = fs::remove_file(directory.join("id"));
    let exponent = format!("rsa_keygen_pubexp:{exponent}");
    let words =
        ["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-pkeyopt", &exponent, "-out", "id"];
    assert!(Command::new("openssl").args(words).current_dir(directory).output().unwrap().status.success());
    fs::set_permissions(directory.join("id"), fs::Permissions::from_mode(0o600)).unwrap();
    let (is_read, line) = run(directory, &["-y", "-f", "id"], b"");
    assert!(is_read, "{exponent}");
    fs::write(directory.join("id.pub"), &line).unwrap();
    PublicKey::parse_line(&line).unwrap().0
}

#[test]
fn an_rsa_key_of_every_accepted_exponent_signs_as_ssh_keygen_says() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    // Above 2^33, `rsa` alone would refuse them. OpenSSL soon finds primes for an exponent that is a prime itself.
    for exponent in [3, 35, 37, (1 << 33) + 17, u64::MAX - 58] {
        let key = generate_with_exponent(path, exponent);
        assert_eq!(key.small_exponent(), (exponent < 65_537).then_some(exponent));
        let (is_signed, text) = run(path, &["-q", "-Y", "sign", "-n", "git", "-f", "id"], MESSAGE);
        assert!(is_signed && accepts(path, &text, MESSAGE), "{exponent}");
        assert_eq!(verify(&text, MESSAGE), Ok(key.fingerprint()), "{exponent}");
        assert_eq!(verify(&text, b"other"), Err(BadSignature::Invalid), "{exponent}");
    }
}

/// The smallest number whose cube is not below this one.
fn cube_root(number: &BigUint) -> BigUint {
    let (mut low, mut high) = (BigUint::from(0_u8), BigUint::from(1_u8) << 700);
    while low < high {
        let middle = (&low + &high) >> 1;
        if &middle * &middle * &middle < *number {
            low = middle + 1_u8;
        } else {
            high = middle;
        }
    }
    low
}

#[test]
fn a_cube_that_only_begins_like_a_signature_is_none() {
    // Bleichenbacher's forgery (CRYPTO 2006): with the exponent 3, a verifier that ignores what stands behind the hash
    // accepts the cube root of a number that begins with a padded hash.
    const OF_SHA256: &[u8] = b"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20";
    let directory = tempfile::tempdir().unwrap();
    let key = generate_with_exponent(directory.path(), 3);
    let parts = [b"SSHSIG".as_slice(), &string(b"git"), &string(b""), &string(b"sha256")].concat();
    let tosign = [parts.as_slice(), &string(&Sha256::digest(MESSAGE))].concat();
    let begin =
        [b"\x00\x01\xff\xff\xff\xff\xff\xff\xff\xff\x00".as_slice(), OF_SHA256, &Sha256::digest(&tosign)].concat();
    let whole = [begin.as_slice(), &vec![0; 256 - begin.len()]].concat();
    let root = cube_root(&BigUint::from_bytes_be(&whole));
    let cube = (&root * &root * &root).to_bytes_be();
    assert_eq!((cube.len(), &cube[..begin.len() - 1]), (255, &begin[1..]), "the forgery begins as it should");
    let made = [&[0; 256][root.to_bytes_be().len()..], &root.to_bytes_be()].concat();
    let signature = [string(b"rsa-sha2-256"), string(&made)].concat();
    let blob = [b"SSHSIG".as_slice(), &1_u32.to_be_bytes(), &string(key.blob()), &parts[6..], &string(&signature)];
    let text = armored(&blob.concat());
    assert!(!accepts(directory.path(), &text, MESSAGE));
    assert_eq!(verify(&text, MESSAGE), Err(BadSignature::Invalid));
}
