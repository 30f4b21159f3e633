//! Checks of a key blob that `ssh-key` 0.6 does not make. `ssh-key` accepts RSA keys of any size, exponent and parity,
//! and ECDSA points off their curve. It also accepts Ed25519 points of small order, and any text as the application of
//! a security key.
//!
//! sshd verifies that the peer holds the private half, and it rejects blobs that do not decode. It accepts weak keys.

use std::iter;

use ssh_key::Mpint;

use super::curve::{Curve, P256, P384, P521};
use super::error::{KeyError, RSA_BITS_MAX, RSA_BITS_MIN};
use super::key_type::{KeyType, inner_type};

/// The smallest RSA exponent. Keys of OpenSSH before 5.4 have 35, those of other old programs 3, 17 or 37.
const RSA_EXPONENT_MIN: u64 = 3;
/// The longest application of a security key, in bytes.
const APPLICATION_MAX: usize = 255;

/// The odd primes up to 167, which the ROCA test uses.
const ODD_PRIMES: [u32; 38] = [
    3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107, 109,
    113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
];

/// The y coordinates of the eight points of small order, in every encoding that a verifier may accept: little-endian,
/// without the sign of x. The last two are p and p + 1, which equal 0 and 1.
const SMALL_ORDER: [[u8; 32]; 7] = [
    [0; 32],
    [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    *b"\x26\xe8\x95\x8f\xc2\xb2\x27\xb0\x45\xc3\xf4\x89\xf2\xef\x98\xf0\
       \xd5\xdf\xac\x05\xd3\xc6\x33\x39\xb1\x38\x02\x88\x6d\x53\xfc\x05",
    *b"\xc7\x17\x6a\x70\x3d\x4d\xd8\x4f\xba\x3c\x0b\x76\x0d\x10\x67\x0f\
       \x2a\x20\x53\xfa\x2c\x39\xcc\xc6\x4e\xc7\xfd\x77\x92\xac\x03\x7a",
    *b"\xec\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\
       \xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
    *b"\xed\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\
       \xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
    *b"\xee\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\
       \xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
];

/// Checks that a blob is the canonical encoding of a sound key of this type. Returns its bits as
/// [`super::PublicKey::bits`] does.
pub(super) fn check(key_type: KeyType, blob: &[u8]) -> Result<Option<usize>, KeyError> {
    let inner = inner_type(blob).ok_or(KeyError::Structure)?;
    if inner != key_type.as_str().as_bytes() {
        return Err(KeyError::Mismatch);
    }
    let key = ssh_key::PublicKey::from_bytes(blob).map_err(|_| KeyError::Structure)?;
    // A second encoding would give the same key a second fingerprint.
    if key.to_bytes().as_deref() != Ok(blob) {
        return Err(KeyError::Structure);
    }
    let data = key.key_data();
    let bits = match key_type {
        KeyType::Ed25519 => data.ed25519().map(|key| ed25519(&key.0).map(|()| None)),
        KeyType::SkEd25519 => data
            .sk_ed25519()
            .map(|key| application(key.application()).and_then(|()| ed25519(&key.public_key().0)).map(|()| None)),
        KeyType::EcdsaP256 => data.ecdsa().map(|point| ecdsa(&P256, point.as_sec1_bytes()).map(Some)),
        KeyType::EcdsaP384 => data.ecdsa().map(|point| ecdsa(&P384, point.as_sec1_bytes()).map(Some)),
        KeyType::EcdsaP521 => data.ecdsa().map(|point| ecdsa(&P521, point.as_sec1_bytes()).map(Some)),
        KeyType::SkEcdsaP256 => data
            .sk_ecdsa_p256()
            .map(|key| application(key.application()).and_then(|()| ecdsa(&P256, key.ec_point().as_bytes())).map(Some)),
        KeyType::Rsa => data.rsa().map(|key| rsa(positive(&key.n)?, positive(&key.e)?).map(Some)),
    };
    bits.unwrap_or(Err(KeyError::Structure))
}

/// Rejects an application of a security key that is not for ssh or does not print.
fn application(text: &str) -> Result<(), KeyError> {
    let prints = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    if text.starts_with("ssh:") && prints && text.len() <= APPLICATION_MAX {
        Ok(())
    } else {
        Err(KeyError::Application)
    }
}

/// Rejects the points of small order, for which anyone can sign.
fn ed25519(point: &[u8; 32]) -> Result<(), KeyError> {
    let mut y = *point;
    let [.., last] = &mut y;
    *last &= 0x7f;
    if SMALL_ORDER.contains(&y) { Err(KeyError::SmallOrder) } else { Ok(()) }
}

/// Accepts only an uncompressed point on the curve. Returns the bits of the curve.
fn ecdsa(curve: &Curve, point: &[u8]) -> Result<usize, KeyError> {
    // sshd rejects compressed points too (SEC 1, section 2.3.3, has four forms).
    let Some((0x04, coordinates)) = point.split_first() else {
        return Err(KeyError::Structure);
    };
    if curve.holds(coordinates) { Ok(curve.bits) } else { Err(KeyError::OffCurve) }
}

/// The bytes of a number that is not negative, without leading zeros.
fn positive(number: &Mpint) -> Result<&[u8], KeyError> {
    match number.as_bytes() {
        [] => Ok(&[]),
        _ => number.as_positive_bytes().ok_or(KeyError::Structure),
    }
}

/// The bits of a number without leading zero bytes.
fn bits(number: &[u8]) -> usize {
    let unused = number.first().map_or(0, |byte| byte.leading_zeros());
    (number.len() * 8).saturating_sub(unused as usize)
}

/// The value of a number without leading zero bytes, if it has at most 64 bits.
fn number(number: &[u8]) -> Option<u64> {
    (number.len() <= 8).then(|| number.iter().fold(0, |value, byte| (value << 8) + u64::from(*byte)))
}

/// The exponent of a sound RSA key; `None` for a key of another type.
pub(super) fn exponent(blob: &[u8]) -> Option<u64> {
    number(positive(&ssh_key::PublicKey::from_bytes(blob).ok()?.key_data().rsa()?.e).ok()?)
}

/// Checks size, exponent and modulus. Returns the bits of the modulus.
fn rsa(modulus: &[u8], exponent: &[u8]) -> Result<usize, KeyError> {
    let size = bits(modulus);
    if !(RSA_BITS_MIN..=RSA_BITS_MAX).contains(&size) {
        return Err(KeyError::RsaSize(size));
    }
    // OpenSSL limits the exponent to 64 bits for moduli above 3,072 bits (`OPENSSL_RSA_MAX_PUBEXP_BITS`).
    let is_sound = number(exponent).is_some_and(|value| value >= RSA_EXPONENT_MIN && value % 2 == 1);
    if !is_sound {
        return Err(KeyError::RsaExponent);
    }
    if remainder(modulus, 2) == 0 {
        return Err(KeyError::RsaModulus);
    }
    if is_roca(modulus) { Err(KeyError::Roca) } else { Ok(size) }
}

/// The remainder of a big-endian number divided by a small number.
fn remainder(number: &[u8], divisor: u32) -> u32 {
    number.iter().fold(0, |rest, byte| ((rest << 8) + u32::from(*byte)) % divisor)
}

/// Whether the flawed Infineon library made a modulus (CVE-2017-15361).
///
/// Its primes are k*M + (65537^a mod M), where M is the product of the first primes (Nemec et al., CCS 2017). The
/// modulus is therefore also a power of 65537 modulo each of these primes. By chance, one modulus in 2^27 is.
fn is_roca(modulus: &[u8]) -> bool {
    ODD_PRIMES.iter().all(|prime| {
        let rest = remainder(modulus, *prime);
        let powers = iter::successors(Some(1), |power| Some(power * 65_537 % prime));
        powers.take(*prime as usize).any(|power| power == rest)
    })
}
