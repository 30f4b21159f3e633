//! The protocol between git and its hook proc-receive (githooks(5)), which decides about each ref of a push.
//!
//! git hands over every ref. The hook gives back each accepted ref, which git then updates itself, and refuses the
//! others. Packets are in the format of gitprotocol-common(5).

use std::io::{self, ErrorKind, Read, Write};

use super::updates::Update;

/// The digits of a packet's length, which counts them too.
const LENGTH: usize = 4;

/// What git asks: the refs, and whether the client wants all of them or none.
pub(super) struct Asked {
    pub(super) updates: Vec<Update>,
    pub(super) is_atomic: bool,
}

/// Reads git's question, and agrees on the protocol's version before the refs come.
///
/// # Errors
/// git speaks another version, or not this protocol.
pub(super) fn ask(input: &mut impl Read, output: &mut impl Write) -> io::Result<Asked> {
    let mut is_atomic = false;
    let mut version = None;
    while let Some(packet) = packet(input)? {
        let mut parts = packet.splitn(2, |byte| *byte == 0);
        version = version.or(parts.next().map(|part| part.trim_ascii_end() == b"version=1"));
        let features = parts.next().unwrap_or_default();
        is_atomic |= features.trim_ascii_end().split(|byte| *byte == b' ').any(|feature| feature == b"atomic");
    }
    if version != Some(true) {
        return Err(io::Error::new(ErrorKind::InvalidData, "git speaks another version of the protocol"));
    }
    output.write_all(&framed(b"version=1\n")?)?;
    output.write_all(b"0000")?;
    output.flush()?;
    let mut updates = Vec::new();
    while let Some(packet) = packet(input)? {
        let line = packet.strip_suffix(b"\n").unwrap_or(&packet);
        let malformed = || io::Error::new(ErrorKind::InvalidData, "a line in git's list of refs is malformed");
        updates.push(Update::parse(line).ok_or_else(malformed)?);
    }
    Ok(Asked { updates, is_atomic })
}

/// What happens to a ref.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    /// git updates it.
    Accepted,
    /// It is refused, for this reason.
    Refused(String),
    /// The hook has created a ref of this name in its place.
    Created(String),
}

/// Answers git: what happens to each ref.
///
/// # Errors
/// git has gone, or a reason is too long.
pub(super) fn answer<'a>(
    output: &mut impl Write,
    outcomes: impl Iterator<Item = (&'a Update, &'a Outcome)>,
) -> io::Result<()> {
    let mut all = Vec::new();
    for (Update { name, old, new }, outcome) in outcomes {
        match outcome {
            Outcome::Refused(reason) => {
                all.extend(framed(&[b"ng ", name.as_slice(), b" ", reason.as_bytes()].concat())?);
            }
            Outcome::Accepted => {
                all.extend(framed(&[b"ok ", name.as_slice()].concat())?);
                all.extend(framed(b"option fall-through")?);
            }
            Outcome::Created(created) => {
                all.extend(framed(&[b"ok ", name.as_slice()].concat())?);
                for option in [format!("refname {created}"), format!("old-oid {old}"), format!("new-oid {new}")] {
                    all.extend(framed(format!("option {option}").as_bytes())?);
                }
            }
        }
    }
    all.extend(b"0000");
    output.write_all(&all)?;
    output.flush()
}

/// The next packet; `None` for the packet that ends a list.
fn packet(input: &mut impl Read) -> io::Result<Option<Vec<u8>>> {
    let mut digits = [0; LENGTH];
    input.read_exact(&mut digits)?;
    let length = std::str::from_utf8(&digits).ok().and_then(|digits| usize::from_str_radix(digits, 16).ok());
    match length.map(|length| (length, length.checked_sub(LENGTH))) {
        Some((0, _)) => Ok(None),
        Some((_, Some(length))) => {
            let mut bytes = vec![0; length];
            input.read_exact(&mut bytes)?;
            Ok(Some(bytes))
        }
        Some((_, None)) | None => Err(io::Error::new(ErrorKind::InvalidData, "the length of a packet is malformed")),
    }
}

/// The bytes as a packet.
fn framed(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let length = u16::try_from(bytes.len() + LENGTH).map_err(|_| io::Error::from(ErrorKind::InvalidInput))?;
    Ok([format!("{length:04x}").as_bytes(), bytes].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = "0000000000000000000000000000000000000000 89e6c98d92887913cadf06b2adb97f26cde4849b refs/heads/a";

    fn question(features: &[u8]) -> Vec<u8> {
        let version = framed(&[b"version=1", features, b"\n"].concat()).unwrap();
        [version, b"0000".to_vec(), framed(LINE.as_bytes()).unwrap(), b"0000".to_vec()].concat()
    }

    #[test]
    fn a_question_of_git_is_read_and_answered_ref_by_ref() {
        for (features, is_atomic) in [(&b""[..], false), (b"\0push-options atomic", true), (b"\0atomics", false)] {
            let mut output = Vec::new();
            let asked = ask(&mut question(features).as_slice(), &mut output).unwrap();
            assert_eq!(asked.is_atomic, is_atomic);
            assert_eq!(output, b"000eversion=1\n0000");
            let [update] = asked.updates.as_slice() else { panic!() };
            assert_eq!(update, &Update::parse(LINE.as_bytes()).unwrap());
            output.clear();
            let outcomes =
                [Outcome::Accepted, Outcome::Refused("no".to_owned()), Outcome::Created("refs/pr/7".to_owned())];
            answer(&mut output, outcomes.iter().map(|outcome| (update, outcome))).unwrap();
            let (old, new) = (&update.old, &update.new);
            let created = format!(
                "0013ok refs/heads/a001coption refname refs/pr/7003boption old-oid {old}003boption new-oid {new}"
            );
            let expected = format!("0013ok refs/heads/a0017option fall-through0016ng refs/heads/a no{created}0000");
            assert_eq!(output, expected.as_bytes());
        }
    }

    #[test]
    fn what_is_no_question_is_a_fault() {
        let whole = question(b"");
        for cut in 0..whole.len() {
            assert!(ask(&mut whole.get(..cut).unwrap(), &mut io::sink()).is_err(), "{cut}");
        }
        for bad in ["", "0000", "000eversion=2\n00000000", "0003", "zzzz", "000eversion=1\n00000008abcd0000"] {
            assert!(ask(&mut bad.as_bytes(), &mut io::sink()).is_err(), "{bad}");
        }
        let long = Update { old: String::new(), new: String::new(), name: vec![b'a'; 1 << 16] };
        assert!(answer(&mut io::sink(), [(&long, &Outcome::Accepted)].into_iter()).is_err());
    }
}
