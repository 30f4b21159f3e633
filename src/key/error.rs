//! Why a key cannot be added to an account: one variant and one sentence for each rule. The person who pasted the key
//! reads the sentence.

use crate::name::NameError;

/// The fewest bits of an RSA modulus.
pub(super) const RSA_BITS_MIN: usize = 2_048;
/// The most bits of an RSA modulus; OpenSSH accepts no more (`SSHBUF_MAX_BIGNUM`).
pub(super) const RSA_BITS_MAX: usize = 16_384;

/// The refusal of a DSA key.
pub const DSA_REFUSED: &str =
    "ssh-dss keys are not accepted: OpenSSH refuses them since 7.0; make a new one with ssh-keygen -t ed25519";

/// Why a text or a blob is not an acceptable key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Nothing but blanks.
    #[error("there is no key here: give the one line of a .pub file")]
    Empty,
    /// More than 64 KiB.
    #[error("this is longer than any key: give the one line of a .pub file")]
    TooLong,
    /// More than one line.
    #[error("this is more than one line: give one key at a time, on one line")]
    Lines,
    /// Starts with `#`.
    #[error("this starts with a comment line: give the line of the key alone")]
    CommentLine,
    /// Starts with a byte-order mark, of UTF-8 or UTF-16.
    #[error("this starts with a byte-order mark: remove the byte-order mark, or save the file as plain UTF-8")]
    ByteOrderMark,
    /// The format of RFC 4716, which `ssh-keygen -e` and other programs write.
    #[error("this is a public key in SSH2 format: convert it with ssh-keygen -i -f FILE")]
    Ssh2,
    /// An OpenSSL public key in PKCS #8.
    #[error("this is a public key in PEM format: convert it with ssh-keygen -i -m PKCS8 -f FILE")]
    Pkcs8,
    /// An OpenSSL RSA public key in PKCS #1.
    #[error("this is a public key in PEM format: convert it with ssh-keygen -i -m PEM -f FILE")]
    Pkcs1,
    /// Words of an `authorized_keys` or `known_hosts` file before the key.
    #[error("there are options or a host name before the key: give the key alone, from its type on")]
    Options,
    /// `rsa-sha2-256` or `rsa-sha2-512` as a key's type.
    #[error("rsa-sha2-256 and rsa-sha2-512 are names of signatures, not of keys: an RSA key starts with ssh-rsa")]
    SignatureName,
    /// Not the line of a `.pub` file.
    #[error("this is not an SSH public key: give the one line of a .pub file, such as ssh-ed25519 AAAAC3... laptop")]
    NotAKey,
    /// The second word is not base64.
    #[error("the key is cut short or damaged: copy the whole line of the .pub file again")]
    Base64,
    /// The blob is of another type than the word before it.
    #[error("the key is of another type than the word before it: copy the whole line of the .pub file again")]
    Mismatch,
    /// The blob is not the canonical encoding of a key of its type.
    #[error("the key is malformed: copy the whole line of the .pub file again")]
    Structure,
    /// The application of a security key is not for ssh.
    #[error(
        "the application of a security key starts with 'ssh:' and has at most 255 printable ASCII characters: \
         make a new key with ssh-keygen -t ed25519-sk"
    )]
    Application,
    /// A certificate where a key is expected.
    #[error("this is a certificate: give the plain key, from the .pub file without -cert in its name")]
    Certificate,
    /// `ssh-dss`.
    #[error("{DSA_REFUSED}")]
    Dsa,
    /// A type that is not accepted.
    #[error("keys of this type are not accepted here: make a new key with ssh-keygen -t ed25519")]
    OtherType,
    /// An RSA modulus of this size in bits.
    #[error(
        "an RSA key has {RSA_BITS_MIN} to {RSA_BITS_MAX} bits, this one has {0}: \
         make a new key with ssh-keygen -t ed25519"
    )]
    RsaSize(usize),
    /// An RSA exponent that is even, below 3 or above 64 bits.
    #[error("the exponent of this RSA key is not safe: make a new key with ssh-keygen -t ed25519")]
    RsaExponent,
    /// An RSA modulus that is even.
    #[error("the modulus of this RSA key is not safe: make a new key with ssh-keygen -t ed25519")]
    RsaModulus,
    /// An RSA modulus from the flawed Infineon library, CVE-2017-15361.
    #[error(
        "this RSA key was made by a device that makes guessable keys (ROCA, CVE-2017-15361): \
         make a new key with ssh-keygen -t ed25519"
    )]
    Roca,
    /// An Ed25519 point of small order: anyone can sign for it without a private key.
    #[error("this key needs no private half to sign: make a new key with ssh-keygen -t ed25519")]
    SmallOrder,
    /// An ECDSA point that is not on its curve.
    #[error("this key is not a point of its curve: make a new key with ssh-keygen -t ed25519")]
    OffCurve,
    /// A key whose private half is published.
    #[error("the private half of this key is known to the public: make a new key with ssh-keygen -t ed25519")]
    Known,
    /// The list of weak keys cannot be read. The key may be fine.
    #[error("the list of weak keys, /usr/share/hubgate/weak-keys, cannot be read: {0}")]
    WeakKeys(std::io::ErrorKind),
    /// A private key, in any format.
    #[error("this is a private key: keep it secret, and give the .pub file")]
    Private,
    /// The comment after the key cannot be its title.
    #[error("the comment after the key cannot be its title: {0}")]
    Comment(NameError),
}

impl KeyError {
    /// The class of the error, for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Empty
            | Self::TooLong
            | Self::Lines
            | Self::CommentLine
            | Self::ByteOrderMark
            | Self::Ssh2
            | Self::Pkcs8
            | Self::Pkcs1
            | Self::Options
            | Self::SignatureName
            | Self::NotAKey
            | Self::Base64
            | Self::Mismatch
            | Self::Structure
            | Self::Application => "K_FORMAT",
            Self::Certificate | Self::Dsa | Self::OtherType => "K_TYPE",
            Self::RsaSize(_) => "K_SIZE",
            Self::RsaExponent
            | Self::RsaModulus
            | Self::Roca
            | Self::SmallOrder
            | Self::OffCurve
            | Self::Known
            | Self::WeakKeys(_) => "K_WEAK",
            Self::Private => "K_PRIVATE",
            Self::Comment(_) => "E_NAME",
        }
    }
}
