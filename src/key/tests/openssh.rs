//! Keys, certificates and other formats of keys, as ssh-keygen writes and reads them.

use std::fs;
use std::process::Command;

use tempfile::TempDir;

use super::{blob, error, key, line, sk_ed25519};
use crate::key::{KeyError, KeyType, OfferedKey, OfferedKeyError, PublicKey};

/// A temporary directory in which ssh-keygen runs.
pub(super) struct Scratch(TempDir);

impl Scratch {
    pub(super) fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    /// The output of ssh-keygen, if it succeeds.
    pub(super) fn ssh_keygen(&self, words: &str) -> Option<String> {
        let output = Command::new("ssh-keygen").args(words.split(' ')).current_dir(self.0.path()).output().unwrap();
        output.status.success().then(|| String::from_utf8(output.stdout).unwrap())
    }

    pub(super) fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        fs::write(self.0.path().join(name), text).unwrap();
    }

    pub(super) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.path().join(name)).unwrap()
    }

    /// The bits and the fingerprint of a key according to ssh-keygen, if it accepts the key.
    fn lists(&self, text: impl AsRef<[u8]>) -> Option<(usize, String)> {
        self.write("listed.pub", text);
        let listing = self.ssh_keygen("-lf listed.pub")?;
        let mut words = listing.split(' ');
        Some((words.next().unwrap().parse().unwrap(), words.next().unwrap().to_owned()))
    }
}

/// The types that ssh-keygen can make without hardware.
pub(super) const MADE: [(&str, KeyType, Option<usize>); 5] = [
    ("-t ed25519", KeyType::Ed25519, None),
    ("-t ecdsa -b 256", KeyType::EcdsaP256, Some(256)),
    ("-t ecdsa -b 384", KeyType::EcdsaP384, Some(384)),
    ("-t ecdsa -b 521", KeyType::EcdsaP521, Some(521)),
    ("-t rsa -b 2048", KeyType::Rsa, Some(2_048)),
];

#[test]
fn a_key_from_ssh_keygen_has_the_same_fingerprint_there() {
    let scratch = Scratch::new();
    assert!(scratch.ssh_keygen("-q -t ed25519 -N  -f ca").is_some());
    for (number, (options, key_type, bits)) in MADE.into_iter().enumerate() {
        assert!(scratch.ssh_keygen(&format!("-q {options} -N  -C laptop -f k{number}")).is_some());
        let text = scratch.read(&format!("k{number}.pub"));
        let (key, title) = PublicKey::parse_line(text.as_bytes()).unwrap();
        assert_eq!((key.key_type(), key.bits(), title.unwrap().as_str()), (key_type, bits, "laptop"));
        assert_eq!(scratch.lists(&text), Some((bits.unwrap_or(256), key.fingerprint().to_string())));
        assert_eq!(format!("{key} laptop\n"), text);
        assert_eq!(error(scratch.read(&format!("k{number}"))), KeyError::Private);

        assert!(scratch.ssh_keygen(&format!("-q -s ca -I x -n alice k{number}.pub")).is_some());
        let certificate = scratch.read(&format!("k{number}-cert.pub"));
        assert_eq!(error(&certificate), KeyError::Certificate);
        let words: Vec<&str> = certificate.split(' ').collect();
        let offered = OfferedKey::parse(words[0].as_bytes(), words[1].as_bytes());
        assert_eq!(offered, Err(OfferedKeyError::OtherType));
    }
}

#[test]
fn a_security_key_has_the_same_fingerprint_in_ssh_keygen() {
    let scratch = Scratch::new();
    assert!(scratch.ssh_keygen("-q -t ecdsa -b 256 -N  -f k").is_some());
    let point = &key(scratch.read("k.pub")).blob[39..];
    let name = KeyType::SkEcdsaP256.as_str().as_bytes();
    let sk_ecdsa = |application: &[u8]| blob(&[name, b"nistp256", point, application]);
    for (key_type, blob, bits) in
        [(KeyType::SkEd25519, sk_ed25519(b"ssh:"), None), (KeyType::SkEcdsaP256, sk_ecdsa(b"ssh:hub"), Some(256))]
    {
        let key = key(line(key_type, &blob));
        assert_eq!((key.key_type(), key.bits()), (key_type, bits));
        assert_eq!(scratch.lists(key.to_string()), Some((256, key.fingerprint().to_string())));
    }
    let elsewhere = PublicKey::from_blob(KeyType::SkEcdsaP256, sk_ecdsa(b"https://hub.example"));
    assert_eq!(elsewhere, Err(KeyError::Application));
}

#[test]
fn the_conversion_that_an_error_names_works_with_ssh_keygen() {
    let scratch = Scratch::new();
    assert!(scratch.ssh_keygen("-q -t rsa -b 2048 -N  -C  -f k").is_some());
    let plain = key(scratch.read("k.pub"));
    for (to, expected, back) in [
        ("-e -f k.pub", KeyError::Ssh2, "-i -f converted"),
        ("-e -m PKCS8 -f k.pub", KeyError::Pkcs8, "-i -m PKCS8 -f converted"),
        ("-e -m PEM -f k.pub", KeyError::Pkcs1, "-i -m PEM -f converted"),
    ] {
        let converted = scratch.ssh_keygen(to).unwrap();
        scratch.write("converted", &converted);
        assert_eq!(error(&converted), expected);
        assert!(expected.to_string().ends_with(&back.replace("converted", "FILE")));
        assert_eq!(key(scratch.ssh_keygen(back).unwrap()), plain);
    }
    for format in ["PEM", "PKCS8"] {
        assert!(scratch.ssh_keygen(&format!("-q -p -N  -m {format} -f k")).is_some());
        assert_eq!(error(scratch.read("k")), KeyError::Private);
    }
}

#[test]
fn an_ecdsa_key_is_an_uncompressed_point_of_its_curve() {
    let scratch = Scratch::new();
    for (bits, key_type) in [(256, KeyType::EcdsaP256), (384, KeyType::EcdsaP384), (521, KeyType::EcdsaP521)] {
        assert!(scratch.ssh_keygen(&format!("-q -t ecdsa -b {bits} -N  -f k{bits}")).is_some());
        let sound = key(scratch.read(&format!("k{bits}.pub"))).blob;
        let size: usize = usize::div_ceil(bits, 8);
        let (head, point) = sound.split_at(sound.len() - 2 * size - 1);

        // One bit changed in x or in y, in the lowest, a middle or the highest byte.
        for index in [1, size / 2, size, size + 1, 2 * size] {
            let mut bent = sound.clone();
            bent[head.len() + index] ^= 1;
            assert_eq!(PublicKey::from_blob(key_type, bent.clone()), Err(KeyError::OffCurve));
            assert_eq!(scratch.lists(line(key_type, &bent)), None);
        }
        for (fill, expected) in [(0, KeyError::OffCurve), (0xff, KeyError::OffCurve)] {
            let point = [vec![4], vec![fill; 2 * size]].concat();
            assert_eq!(PublicKey::from_blob(key_type, [head, &point].concat()), Err(expected));
        }
        let name = key_type.as_str().as_bytes();
        let curve = format!("nistp{bits}");
        for tag in [2, 3, 6] {
            let compressed = blob(&[name, curve.as_bytes(), &[&[tag], &point[1..=size]].concat()]);
            assert_eq!(PublicKey::from_blob(key_type, compressed), Err(KeyError::Structure));
        }
    }
    // x + p stands for the same residue as x and fits in 66 bytes, so it would be a second name for one key. So would y
    // + p.
    let blob = key(scratch.read("k521.pub")).blob;
    for start in [blob.len() - 132, blob.len() - 66] {
        let mut second = blob.clone();
        let number = &mut second[start..start + 66];
        // p is 2^521 - 1.
        number[0] += 2;
        let lowest = number.iter().rposition(|byte| *byte != 0).unwrap();
        number[lowest] -= 1;
        number[lowest + 1..].fill(0xff);
        assert_eq!(PublicKey::from_blob(KeyType::EcdsaP521, second), Err(KeyError::OffCurve));
    }
}
