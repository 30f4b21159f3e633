//! Signatures of commits by SSH keys (OpenSSH's PROTOCOL.sshsig).
//!
//! A stranger's bytes enter, and the fingerprint of the key that signed leaves. This module does not know which account
//! has the key.

use rsa::pkcs1v15::{Signature as RsaSignature, VerifyingKey};
use rsa::signature::Verifier;
use rsa::{BigUint, RsaPublicKey};
use ssh_key::public::KeyData;
use ssh_key::sha2::{Sha256, Sha512};
use ssh_key::{Algorithm, EcdsaCurve, HashAlg, SshSig};

use super::error::KeyError;
use super::fingerprint::Fingerprint;
use super::key_type::{KeyType, decode_base64, inner_type};
use super::structure;

/// The namespace of git's signatures.
const NAMESPACE: &str = "git";
/// The first line of a signature.
const BEGIN: &str = "-----BEGIN SSH SIGNATURE-----\n";
/// The last line of a signature.
const END: &str = "-----END SSH SIGNATURE-----";
/// The length of the magic and of the version, in bytes.
const HEAD: usize = 10;
/// The length of the lines that ssh-keygen writes, in bytes.
const LINE: usize = 70;
/// The longest signature, in bytes of text. A signature by the largest RSA key has fewer than 6,000.
const TEXT_MAX: usize = 16_384;

/// Why a text is not a valid signature of some bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadSignature {
    /// Not what `ssh-keygen -Y sign` writes, such as a signature by `gpg`.
    #[error("it is not a signature by an SSH key")]
    Format,
    /// Made for another namespace than git's.
    #[error("it was made for another purpose than git")]
    Namespace,
    /// A key that no account can have.
    #[error("its key is not accepted: {0}")]
    Key(KeyError),
    /// An algorithm that does not belong to the type of the key, or RSA with SHA-1.
    #[error("its algorithm is not accepted")]
    Algorithm,
    /// The bytes are not those that were signed.
    #[error("it is not valid")]
    Invalid,
}

/// Verifies a signature in git's namespace. `signed` is the bytes that were signed. Returns the fingerprint of the key.
///
/// # Errors
/// [`BadSignature`].
pub fn verify(text: &[u8], signed: &[u8]) -> Result<Fingerprint, BadSignature> {
    let (signature, blob) = parse(text)?;
    if signature.version() != SshSig::VERSION || !signature.reserved().is_empty() {
        return Err(BadSignature::Format);
    }
    if signature.namespace() != NAMESPACE {
        return Err(BadSignature::Namespace);
    }
    let key = ssh_key::PublicKey::from(signature.public_key().clone());
    let key_type = inner_type(&blob).and_then(KeyType::named).ok_or(BadSignature::Key(KeyError::OtherType))?;
    structure::check(key_type, &blob).map_err(BadSignature::Key)?;
    let is_valid = match (key_type, signature.algorithm()) {
        (KeyType::Rsa, Algorithm::Rsa { hash: Some(hash) }) => is_valid_rsa(&signature, hash, signed),
        (KeyType::Ed25519, Algorithm::Ed25519)
        | (KeyType::SkEd25519, Algorithm::SkEd25519)
        | (KeyType::SkEcdsaP256, Algorithm::SkEcdsaSha2NistP256)
        | (KeyType::EcdsaP256, Algorithm::Ecdsa { curve: EcdsaCurve::NistP256 })
        | (KeyType::EcdsaP384, Algorithm::Ecdsa { curve: EcdsaCurve::NistP384 })
        | (KeyType::EcdsaP521, Algorithm::Ecdsa { curve: EcdsaCurve::NistP521 }) => {
            key.verify(NAMESPACE, signed, &signature).is_ok()
        }
        (_, _) => return Err(BadSignature::Algorithm),
    };
    if is_valid { Ok(Fingerprint::of_blob(&blob)) } else { Err(BadSignature::Invalid) }
}

/// Reads a signature. Also returns the bytes of the key as they are in the signature. `ssh-key` accepts encodings of a
/// key that OpenSSH rejects, and would encode the same key differently.
fn parse(text: &[u8]) -> Result<(SshSig, Vec<u8>), BadSignature> {
    let text = std::str::from_utf8(text).ok().filter(|text| text.len() <= TEXT_MAX).ok_or(BadSignature::Format)?;
    let base64 = text.strip_prefix(BEGIN).and_then(|rest| rest.trim_end().strip_suffix(END));
    let base64 = base64.ok_or(BadSignature::Format)?.replace('\n', "");
    let bytes = decode_base64(base64.as_bytes()).ok_or(BadSignature::Format)?;
    let blob = key_of(&bytes).ok_or(BadSignature::Format)?;
    // ssh-keygen reads lines of any length, and ssh-key only those that ssh-keygen writes.
    let lines = base64.as_bytes().chunks(LINE).map(String::from_utf8_lossy).collect::<Vec<_>>().join("\n");
    let signature = SshSig::from_pem(format!("{BEGIN}{lines}\n{END}\n")).map_err(|_| BadSignature::Format)?;
    Ok((signature, blob.to_vec()))
}

/// The bytes of the key in a signature. `None` if a length does not match the field behind it: `ssh-key` would accept
/// that.
fn key_of(bytes: &[u8]) -> Option<&[u8]> {
    // Behind the magic and the version: the key, the namespace, the reserved field, the hash, and the signature.
    let (key, mut rest) = field(bytes.get(HEAD..)?)?;
    let mut last = &[][..];
    for _ in 0..4 {
        (last, rest) = field(rest)?;
    }
    let (algorithm, made) = field(last)?;
    // A security key adds flags and a counter.
    let trailer = if algorithm.starts_with(b"sk-") { 5 } else { 0 };
    let (_, behind) = field(made)?;
    (rest.is_empty() && behind.len() == trailer).then_some(key)
}

/// A field with its length before it (RFC 4251, section 5), and what is behind it.
fn field(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)
}

/// Whether an RSA key has signed the bytes. [`structure::check`] must have accepted the key. `ssh-key` itself verifies
/// no modulus of more than 4,096 bits, and `rsa` no exponent of more than 33 bits.
fn is_valid_rsa(signature: &SshSig, hash: HashAlg, signed: &[u8]) -> bool {
    let KeyData::Rsa(key) = signature.public_key() else { return false };
    let number = |number: &ssh_key::Mpint| number.as_positive_bytes().map(BigUint::from_bytes_be);
    let (Some(modulus), Some(exponent)) = (number(&key.n), number(&key.e)) else { return false };
    let key = RsaPublicKey::new_unchecked(modulus, exponent);
    let message = SshSig::signed_data(NAMESPACE, signature.hash_alg(), signed);
    let made = RsaSignature::try_from(signature.signature_bytes());
    match (message, made) {
        (Ok(message), Ok(made)) => match hash {
            HashAlg::Sha256 => VerifyingKey::<Sha256>::new(key).verify(&message, &made).is_ok(),
            HashAlg::Sha512 => VerifyingKey::<Sha512>::new(key).verify(&message, &made).is_ok(),
            _ => false,
        },
        (_, _) => false,
    }
}
