//! Shared by the tests of keys: the table of hostile inputs, and keys built byte by byte.

mod certificate;
mod fingerprint;
mod offered;
mod openssh;
mod pasted;
mod properties;
mod signature;
mod structure;

use std::iter;

use base64ct::{Base64, Encoding};

use super::{KeyError, KeyType, PublicKey, WeakKeys, title};

/// Hostile inputs of every kind with the expected verdict.
const HOSTILE_INPUTS: &str = include_str!("../../tests/data/hostile-inputs.jsonl");
/// The list that the packages install.
const PACKAGED_WEAK_KEYS: &str = include_str!("../../packaging/weak-keys");

const ED25519: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIyvsxAYqLJqm+UWlMSptsaMpMGhaX8h9WrhcObQu61/";

/// phusion/baseimage-docker's `insecure_key.pub`; its private half is in the same repository.
const PHUSION: &str = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQDVmzBG5v7cO9IScGLIzlhGlHNFhXzy87VfaPzru7qnIIdQ1e9FEKvtqEws8hVixnCUdviwX5lvcMk4Ef4Tbrmj3dyF0zFtYbjiTSyl/XQlF68DQlc2sTAdHy96wJHvh7ky511tKJzzyWwSqeef4WjeVK28TqcGnq1up0S7saFO0dJh6OfDAg2cDmhyweR3VgT0vZJyrDV7hte95MBCdK+Gp7fdCyEZcWm3S1DBFaeBqHzzt/Y/njAVKbYL9TIVPum8iMg0rMiLi9ShfP+dT5Xud5Oa3dcN2OWhiDfJw5pfhFJWd44cJ/uGRwQpvNs/PNKsYABhgLlTMUH4iawhu1Xb hongli@asuna-3939";

/// Vagrant's `keys/vagrant.pub.rsa`, with the exponent 35; its private half is in the same repository.
const VAGRANT: &str = "ssh-rsa AAAAB3NzaC1yc2EAAAABIwAAAQEA6NF8iallvQVp22WDkTkyrtvp9eWW6A8YVr+kz4TjGYe7gHzIw+niNltGEFHzD8+v1I2YJ6oXevct1YeS0o9HZyN1Q9qgCgzUFtdOKLv6IedplqoPkcmF0aYet2PkEDo3MlTBckFXPITAMzF8dJSIFo9D8HfdOV0IAdx4O7PtixWKn5y2hMNG0zQPyUecp4pzC6kivAIhyfHilFR61RGL+GPXQ2MWZWFYbAGjyiYJnAmCP3NOTd0jMZEnDkbUvxhMmBYSdETk1rRgm+R4LOzFUGaHqHDLKLX+FIPKcF96hrucXzcWyLbIbEgE98OHlnVYCzRdK8jlqm8tehUc9c9WhQ==";

/// The verdict on a text as a key: `accept`, or the code of the error.
fn verdict(text: impl AsRef<[u8]>) -> &'static str {
    PublicKey::parse_line(text.as_ref()).map_or_else(|error| error.code(), |_| "accept")
}

fn error(text: impl AsRef<[u8]>) -> KeyError {
    PublicKey::parse_line(text.as_ref()).unwrap_err()
}

fn key(text: impl AsRef<[u8]>) -> PublicKey {
    PublicKey::parse_line(text.as_ref()).unwrap().0
}

/// A blob of these fields, each with its length before it (RFC 4251, section 5).
fn blob(fields: &[&[u8]]) -> Vec<u8> {
    fields.iter().flat_map(|field| [&u32::try_from(field.len()).unwrap().to_be_bytes(), *field].concat()).collect()
}

fn line(key_type: KeyType, blob: &[u8]) -> String {
    format!("{key_type} {}", Base64::encode_string(blob))
}

/// The bytes of a positive mpint.
fn mpint(number: &[u8]) -> Vec<u8> {
    let digits: Vec<u8> = number.iter().copied().skip_while(|byte| *byte == 0).collect();
    if digits.first().is_some_and(|byte| *byte >= 0x80) { [vec![0], digits].concat() } else { digits }
}

fn rsa_blob(exponent: &[u8], modulus: &[u8]) -> Vec<u8> {
    blob(&[b"ssh-rsa", &mpint(exponent), &mpint(modulus)])
}

fn rsa(exponent: &[u8], modulus: &[u8]) -> Result<PublicKey, KeyError> {
    PublicKey::from_blob(KeyType::Rsa, rsa_blob(exponent, modulus))
}

/// number * factor + addend, in as many bytes as needed.
fn multiply_add(number: &[u8], factor: u32, addend: u32) -> Vec<u8> {
    let mut carry = u64::from(addend);
    let mut digits: Vec<u8> = Vec::new();
    for byte in number.iter().rev() {
        carry += u64::from(*byte) * u64::from(factor);
        digits.push(carry.to_le_bytes()[0]);
        carry >>= 8;
    }
    while carry > 0 {
        digits.push(carry.to_le_bytes()[0]);
        carry >>= 8;
    }
    digits.reverse();
    digits
}

/// A modulus of this many bits: its highest bit, zeros, and a small odd number.
fn modulus(bits: usize) -> Vec<u8> {
    let mut number = vec![0; bits.div_ceil(8)];
    number[0] = 1 << ((bits - 1) % 8);
    *number.last_mut().unwrap() = 3;
    number
}

/// A modulus as the flawed Infineon library makes it: 65537^128 + k * M, with M the product of the primes to 167.
fn roca_modulus() -> Vec<u8> {
    let power = (0..128).fold(vec![1], |number, _| multiply_add(&number, 65_537, 0));
    let primes = (2..=167).filter(|n| (2..*n).all(|divisor| n % divisor != 0));
    let multiple = primes.fold(vec![0xC0, 0xFF, 0xEE], |number, prime| multiply_add(&number, prime, 0));
    let padded = iter::repeat_n(0, power.len() - multiple.len()).chain(multiple);
    let mut carry = 0;
    let mut sum: Vec<u8> = Vec::new();
    for (a, b) in power.iter().zip(padded.collect::<Vec<u8>>()).rev() {
        carry += u16::from(*a) + u16::from(b);
        sum.push(carry.to_le_bytes()[0]);
        carry >>= 8;
    }
    sum.reverse();
    sum
}

fn sk_ed25519(application: &[u8]) -> Vec<u8> {
    let point = &key(ED25519).blob[19..];
    blob(&[KeyType::SkEd25519.as_str().as_bytes(), point, application])
}

/// The verdict on an input that the table describes in words.
fn generated(id: &str) -> &'static str {
    let big = vec![0x41; 1 << 20];
    match id {
        "key-052" => verdict(line(KeyType::Rsa, &rsa_blob(&[1, 0, 1], &big))),
        "key-059" => verdict(line(KeyType::SkEd25519, &sk_ed25519(&big))),
        "key-075" => verdict(line(KeyType::Rsa, &rsa_blob(&[1, 0, 1], &roca_modulus()))),
        // Keys of these generators can only be recognized by a list. This key represents them.
        "key-074" | "key-076" => {
            let listed = key(ED25519);
            let list: WeakKeys = format!("{} # {id}\n", listed.fingerprint()).parse().unwrap();
            list.check(&listed).map_or_else(|error| error.code(), |()| "accept")
        }
        "key-080" => {
            let list: WeakKeys = PACKAGED_WEAK_KEYS.parse().unwrap();
            list.check(&key(PHUSION)).map_or_else(|error| error.code(), |()| "accept")
        }
        _ => panic!("{id} is not known"),
    }
}

#[test]
fn every_hostile_key_and_comment_gets_the_expected_verdict() {
    let (mut keys, mut comments) = (0, 0);
    for row in HOSTILE_INPUTS.lines().map(|row| serde_json::from_str::<serde_json::Value>(row).unwrap()) {
        let text = |name| row.get(name).and_then(serde_json::Value::as_str);
        let (id, kind) = (text("id").unwrap(), text("kind").unwrap());
        let input = text("input").map_or_else(
            || Base64::decode_vec(text("input_b64").unwrap_or_default()).unwrap(),
            |input| input.as_bytes().to_vec(),
        );
        let expected = match id {
            // "Already registered": only the database can tell.
            "key-077" | "key-078" => continue,
            // 16,384 bits, and the exponent 3: the table rejects them, the design accepts them.
            "key-041" | "key-049" => "accept",
            _ => text("message").unwrap_or_else(|| text("expect").unwrap()),
        };
        let actual = match kind {
            "key" if input.starts_with(b"@generated:") => generated(id),
            "key" => verdict(&input),
            "comment" => title(&input).map_or_else(|error| error.code(), |_| "accept"),
            _ => continue,
        };
        assert_eq!(actual, expected, "{id}: {}", text("why").unwrap());
        *(if kind == "key" { &mut keys } else { &mut comments }) += 1;
    }
    assert_eq!((keys, comments), (46, 12));
}

#[test]
fn a_published_key_with_the_exponent_35_is_in_the_list() {
    let (key, list) = (key(VAGRANT), PACKAGED_WEAK_KEYS.parse::<WeakKeys>().unwrap());
    assert_eq!((key.small_exponent(), list.check(&key)), (Some(35), Err(KeyError::Known)));
}
