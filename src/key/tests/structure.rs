//! The structure of a blob: numbers, points, applications.

use base64ct::{Base64, Encoding};

use super::{ED25519, blob, key, modulus, mpint, multiply_add, roca_modulus, rsa, sk_ed25519};
use crate::key::curve::{P256, P384, P521};
use crate::key::{KeyError, KeyType, PublicKey};

#[test]
fn an_rsa_key_has_2048_to_16384_bits() {
    for (bits, accepted) in [(2_047, false), (2_048, true), (8_193, true), (16_384, true), (16_385, false)] {
        let key = rsa(&[1, 0, 1], &modulus(bits));
        let expected = if accepted { Ok(Some(bits)) } else { Err(KeyError::RsaSize(bits)) };
        assert_eq!(key.map(|key| key.bits()), expected);
    }
}

#[test]
fn an_rsa_exponent_is_odd_and_from_3_to_64_bits() {
    let modulus = modulus(2_048);
    for (exponent, small) in [
        (&[3][..], Some(3)),
        (&[35], Some(35)),
        (&[37], Some(37)),
        (&[0xff, 0xff], Some(65_535)),
        (&[1, 0, 1], None),
        (&[1, 0, 3], None),
        (&[0xff; 8], None),
    ] {
        assert_eq!(rsa(exponent, &modulus).unwrap().small_exponent(), small, "{exponent:?}");
    }
    // These have 65 bits, the last one with low bits that alone would be accepted.
    let longer = [&[1, 0, 0, 0, 0, 0, 0, 0, 1][..], &[1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]];
    let of_modulus = [&modulus[..], &multiply_add(&modulus, 1, 2), &multiply_add(&modulus, 2, 1)];
    let short = [&[][..], &[1], &[2], &[36], &[1, 0, 0], &[1, 0, 2]];
    for exponent in short.into_iter().chain(longer).chain(of_modulus) {
        assert_eq!(rsa(exponent, &modulus), Err(KeyError::RsaExponent), "{exponent:?}");
    }
    // 0 and 35 with zeros before them, and -35.
    for exponent in [&[0][..], &[0, 0, 0, 35], &[0xdd]] {
        let key = blob(&[b"ssh-rsa", exponent, &mpint(&modulus)]);
        assert_eq!(PublicKey::from_blob(KeyType::Rsa, key), Err(KeyError::Structure), "{exponent:?}");
    }
    assert_eq!(key(ED25519).small_exponent(), None);
}

#[test]
fn an_rsa_modulus_is_odd_and_not_from_the_flawed_library() {
    assert_eq!(rsa(&[1, 0, 1], &multiply_add(&modulus(2_048), 1, 1)), Err(KeyError::RsaModulus));
    assert!(roca_modulus().len() >= 256);
    assert_eq!(rsa(&[1, 0, 1], &roca_modulus()), Err(KeyError::Roca));
    // Its neighbour has the same size and parity but not this structure.
    assert!(rsa(&[1, 0, 1], &multiply_add(&roca_modulus(), 1, 2)).is_ok());
}

#[test]
fn a_number_is_positive_and_in_its_shortest_encoding() {
    let (e, n) = (mpint(&[1, 0, 1]), mpint(&modulus(2_048)));
    assert!(PublicKey::from_blob(KeyType::Rsa, blob(&[b"ssh-rsa", &e, &n])).is_ok());
    for (e, n) in [(&e[..], &n[1..]), (&e, &[&[0], &n[..]].concat()), (&[0, 1, 0, 1], &n), (&[0xff, 1], &n)] {
        let key = PublicKey::from_blob(KeyType::Rsa, blob(&[b"ssh-rsa", e, n]));
        assert_eq!(key, Err(KeyError::Structure));
    }
}

#[test]
fn a_key_has_one_encoding() {
    // `ssh-key` ignores this length of the point, so another blob would give one key a second fingerprint.
    let mut other = key(ED25519).blob().to_vec();
    assert_eq!(other.get(15..19), Some(&[0, 0, 0, 32][..]));
    other[18] = 33;
    assert_eq!(PublicKey::from_blob(KeyType::Ed25519, other), Err(KeyError::Structure));
}

/// y of the points that l times any point gives, computed without this crate; as hexadecimal, little-endian.
const SMALL_ORDER: [&str; 7] = [
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
];

#[test]
fn an_ed25519_key_is_not_a_point_of_small_order() {
    for hex in SMALL_ORDER {
        let digits = (0..64).step_by(2).map(|index| u8::from_str_radix(&hex[index..index + 2], 16).unwrap());
        let point: Vec<u8> = digits.collect();
        for sign in [0, 0x80] {
            let mut point = point.clone();
            point[31] |= sign;
            let plain = blob(&[b"ssh-ed25519", &point]);
            assert_eq!(PublicKey::from_blob(KeyType::Ed25519, plain), Err(KeyError::SmallOrder));
            let sk = blob(&[KeyType::SkEd25519.as_str().as_bytes(), &point, b"ssh:"]);
            assert_eq!(PublicKey::from_blob(KeyType::SkEd25519, sk), Err(KeyError::SmallOrder));
        }
    }
}

#[test]
fn an_application_is_for_ssh_and_printable() {
    let sk = |application: &[u8]| PublicKey::from_blob(KeyType::SkEd25519, sk_ed25519(application)).map(|_| ());
    let long = [b"ssh:".as_slice(), &[b'a'; 251]].concat();
    for application in [b"ssh:".as_slice(), b"ssh:my hub", &long] {
        assert_eq!(sk(application), Ok(()));
    }
    for application in [&b""[..], b"ssh", b"SSH:", b"ssh:\x7f", "ssh:é".as_bytes(), &[&long[..], b"a"].concat()] {
        assert_eq!(sk(application), Err(KeyError::Application));
    }
    assert_eq!(sk(b"ssh:\xff"), Err(KeyError::Structure));
}

#[test]
fn the_curve_in_the_blob_matches_the_type() {
    let p384 = "AAAAE2VjZHNhLXNoYTItbmlzdHAzODQAAAAIbmlzdHAzODQAAABhBDTnkWlhAPjNa0AlAOksfZ18ZB+3DGdn5Mv9XQ350u6SBYK/9Abt5DsDKUtDDf9Yd2SzX624Jc4I3mhl22Oo3akQKsaJD9bif0f1mtq1TM2qdbRZbNRJ62tnxPlzZ5m1nA==";
    let mut lying = Base64::decode_vec(p384).unwrap();
    assert!(PublicKey::from_blob(KeyType::EcdsaP384, lying.clone()).is_ok());
    lying[4..23].copy_from_slice(b"ecdsa-sha2-nistp256");
    assert_eq!(PublicKey::from_blob(KeyType::EcdsaP256, lying), Err(KeyError::Structure));
}

#[test]
fn coordinates_have_twice_the_curves_size() {
    // FIPS 186-4, D.1.2.3: the base point.
    let base =
        Base64::decode_vec("axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9Q==")
            .unwrap();
    assert!(P256.holds(&base));
    for wrong in [&base[..63], &base[..32], &[], &[&base[..], &[0]].concat(), &[&[0], &base[..]].concat()] {
        assert!(!P256.holds(wrong), "{} bytes", wrong.len());
    }
    assert!(!P384.holds(&base) && !P521.holds(&base));
}
