//! E-mail addresses of accounts.

use std::fmt;
use std::str::FromStr;

use super::fold;

/// The longest address, in bytes (RFC 5321, section 4.5.3.1.3).
const ADDRESS_MAX: usize = 254;
/// The longest part before the `@`, in bytes.
const LOCAL_MAX: usize = 64;

/// An e-mail address.
///
/// Holding one tells you that it is one word of ASCII, which an `allowed_signers` file and a shell read as it is: it
/// has no wildcard, no comma and no quote. It does not tell you that mail reaches a person there.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Email(String);

/// The text is no e-mail address that hubgate accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an e-mail address is NAME@DOMAIN, of ASCII letters, digits and . _ % + = -")]
pub struct BadEmail;

impl Email {
    /// The address in its original case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The address for comparison: two addresses that differ only in case are one.
    #[must_use]
    pub fn folded(&self) -> String {
        fold(&self.0)
    }
}

impl FromStr for Email {
    type Err = BadEmail;

    fn from_str(text: &str) -> Result<Self, BadEmail> {
        let (local, domain) = text.split_once('@').ok_or(BadEmail)?;
        let in_local = |byte: u8| byte.is_ascii_alphanumeric() || b"._%+=-".contains(&byte);
        let begins = |part: &str| part.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let is_label = |label: &str| {
            let inner = label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
            inner && !label.is_empty() && !label.starts_with('-') && !label.ends_with('-')
        };
        let is_sound = text.len() <= ADDRESS_MAX
            && local.len() <= LOCAL_MAX
            && begins(local)
            && local.bytes().all(in_local)
            && domain.split('.').all(is_label);
        is_sound.then(|| Self(text.to_owned())).ok_or(BadEmail)
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_one_word_that_no_file_of_signers_reads_as_a_pattern() {
        for text in ["alice@example.org", "123+Al_ice.x@users.noreply.example", "a@b", "_%=@x-y.z", "A@B.C"] {
            let email: Email = text.parse().unwrap();
            assert_eq!((email.as_str(), email.folded()), (text, text.to_ascii_lowercase()));
        }
        let long = format!("{}@example.org", "a".repeat(65));
        let longer = format!("a@{}example.org", "a.".repeat(130));
        for text in [
            "",
            "a",
            "@",
            "a@",
            "@b",
            "*@example.org",
            "?@b",
            "!a@b",
            "a,b@c",
            "a b@c",
            "a@b c",
            "\"a\"@b",
            "#a@b",
            "-a@b",
            ".a@b",
            "+a@b",
            "a@-b",
            "a@b-",
            "a@b..c",
            "a@.b",
            "a@b.",
            "a@b@c",
            "\u{430}@b",
            "a@b\n",
            "a@*",
            &long,
            &longer,
        ] {
            assert_eq!(text.parse::<Email>(), Err(BadEmail), "{text}");
        }
    }
}
