//! The parts of a signed commit, as git reads them (commit.c, `parse_buffer_signed_by_header`). No I/O here.

use crate::name::Email;

/// The number of digits of an id of SHA-256.
const SHA256_DIGITS: usize = 64;

/// A commit with one signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SignedCommit {
    /// The text of the signature.
    pub(crate) signature: Vec<u8>,
    /// What it signs: the commit without its signatures.
    pub(crate) signed: Vec<u8>,
    /// The address of the committer, if it can be the address of an account.
    pub(crate) email: Option<Email>,
}

impl SignedCommit {
    /// Reads a commit whose id has `id_digits` digits. Returns `None` if it has no signature for that kind of id, or
    /// several. git reads the lines of several signatures as one text.
    pub(crate) fn parse(commit: &[u8], id_digits: usize) -> Option<Self> {
        let own: &[u8] = if id_digits == SHA256_DIGITS { b"gpgsig-sha256 " } else { b"gpgsig " };
        let (mut signature, mut signed, mut email) = (Vec::new(), Vec::new(), None);
        // In which header the line is: the wanted signature, another one, or none.
        let (mut in_own, mut in_other) = (false, false);
        let (mut count, mut rest) = (0, commit);
        while !rest.is_empty() {
            let length = rest.iter().position(|byte| *byte == b'\n').map_or(rest.len(), |end| end + 1);
            let (line, after) = rest.split_at_checked(length)?;
            if line == b"\n" {
                signed.extend(rest);
                break;
            }
            let continued = line.strip_prefix(b" ");
            match (continued, line.strip_prefix(own)) {
                (Some(text), _) if in_own => signature.extend(text),
                (Some(_), _) if in_other => {}
                (None, Some(text)) => {
                    count += 1;
                    (in_own, in_other) = (true, false);
                    signature.extend(text);
                }
                (None, None) if line.starts_with(b"gpgsig") => (in_own, in_other) = (false, true),
                (_, _) => {
                    (in_own, in_other) = (false, false);
                    signed.extend(line);
                    if email.is_none() {
                        email = line.strip_prefix(b"committer ").map(address);
                    }
                }
            }
            rest = after;
        }
        (count == 1).then(|| Self { signature, signed, email: email.flatten() })
    }
}

/// The address in the rest of a committer's line. The name before it may have any bytes.
fn address(line: &[u8]) -> Option<Email> {
    let behind = |text: &[u8], end: u8| text.iter().position(|byte| *byte == end);
    let rest = line.get(behind(line, b'<')? + 1..)?;
    let address = rest.get(..behind(rest, b'>')?)?;
    std::str::from_utf8(address).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "tree 1\nauthor A <a@x> 0 +0000\ncommitter B < B@x > 0 +0000\n";

    fn parse(text: &str, digits: usize) -> Option<(String, String)> {
        let commit = SignedCommit::parse(text.as_bytes(), digits)?;
        assert_eq!(commit.email, Some("B@x".parse().unwrap()));
        Some((String::from_utf8(commit.signature).unwrap(), String::from_utf8(commit.signed).unwrap()))
    }

    #[test]
    fn a_signature_is_its_header_and_what_it_signs_is_the_rest() {
        let signed = format!("{HEAD}\ngpgsig in the message\n\nmore\n");
        for (own, other, digits) in [("gpgsig", "gpgsig-sha256", 40), ("gpgsig-sha256", "gpgsig", 64)] {
            for headers in [
                format!("{own} BEGIN\n line\n END\n"),
                format!("{other} X\n Y\n{own} BEGIN\n line\n END\n"),
                format!("{own} BEGIN\n line\n END\n{other} X\n Y\n"),
            ] {
                let text = format!("{HEAD}{headers}\ngpgsig in the message\n\nmore\n");
                let expected = ("BEGIN\nline\nEND\n".to_owned(), signed.clone());
                assert_eq!(parse(&text, digits), Some(expected), "{text}");
            }
            for text in [
                signed.clone(),
                format!("{HEAD}{other} X\n Y\n\nm\n"),
                format!("{HEAD}{own} A\n{own} B\n\nm\n"),
                format!("{HEAD}\n{own} A\n B\n"),
                String::new(),
            ] {
                assert_eq!(SignedCommit::parse(text.as_bytes(), digits), None, "{text}");
            }
        }
        // A name in Latin-1 names the account of the address all the same.
        let text = [b"tree 1\ncommitter \xe9 <b@x> 0 +0000\ngpgsig A\n\n".as_slice(), b"m\n"].concat();
        assert_eq!(SignedCommit::parse(&text, 40).unwrap().email, Some("b@x".parse().unwrap()));
        // A header after the signature, with a line that continues it.
        let text = format!("{HEAD}gpgsig A\n B\nmergetag object 1\n type commit\n\nm\n");
        let signed = format!("{HEAD}mergetag object 1\n type commit\n\nm\n");
        assert_eq!(parse(&text, 40), Some(("A\nB\n".to_owned(), signed)));
    }
}
