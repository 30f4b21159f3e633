//! What the session's guard answers to the push hook about proposals, in one line. No I/O here.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

use super::NoVerdict;
use super::proposal::ProposalNumber;
use crate::access::proposal::{Advance, Opening};

/// What a session may do with proposals at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProposalRights {
    /// Whether it may open proposals.
    pub opening: Opening,
    /// Whether it may push to those that the hook asked about.
    pub advances: HashMap<ProposalNumber, Advance>,
}

/// The guard's answer about proposals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProposalReply {
    /// What the session may do.
    Rights(ProposalRights),
    /// The hub has opened a proposal with this number.
    Opened(ProposalNumber),
    /// The session may no longer do this. The client reads these lines.
    Refused(Vec<String>),
    /// The database does not answer.
    Unknown,
}

impl fmt::Display for ProposalReply {
    /// One line without its end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rights(ProposalRights { opening, advances }) => {
                write!(f, "rights\t{opening}")?;
                advances.iter().try_for_each(|(number, advance)| write!(f, "\t{number}={advance}"))
            }
            Self::Opened(number) => write!(f, "opened\t{number}"),
            Self::Refused(lines) => {
                f.write_str("refused")?;
                lines.iter().try_for_each(|line| write!(f, "\t{}", line.replace(char::is_control, "?")))
            }
            Self::Unknown => f.write_str("unknown"),
        }
    }
}

impl FromStr for ProposalReply {
    type Err = NoVerdict;

    fn from_str(text: &str) -> Result<Self, NoVerdict> {
        let mut words = text.split('\t');
        match (words.next(), words.collect::<Vec<_>>().as_slice()) {
            (Some("rights"), [opening, advances @ ..]) => {
                let advance = |text: &&str| {
                    let (number, advance) = text.split_once('=')?;
                    Some((number.parse().ok()?, advance.parse().ok()?))
                };
                let advances = advances.iter().map(advance).collect::<Option<_>>().ok_or(NoVerdict)?;
                Ok(Self::Rights(ProposalRights { opening: opening.parse().map_err(|_| NoVerdict)?, advances }))
            }
            (Some("opened"), [number]) => number.parse().map(Self::Opened).map_err(|_| NoVerdict),
            (Some("refused"), lines @ [_, ..]) if !lines.iter().any(|line| line.contains(char::is_control)) => {
                Ok(Self::Refused(lines.iter().map(|line| (*line).to_owned()).collect()))
            }
            (Some("unknown"), []) => Ok(Self::Unknown),
            _ => Err(NoVerdict),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_reads_back_and_any_other_text_is_no_reply() {
        let number = |number| ProposalNumber::new(number).unwrap();
        let advances = HashMap::from([(number(7), Advance::Allowed), (number(70), Advance::Closed)]);
        for reply in [
            ProposalReply::Rights(ProposalRights { opening: Opening::Allowed, advances }),
            ProposalReply::Rights(ProposalRights { opening: Opening::NoAuthor, advances: HashMap::new() }),
            ProposalReply::Opened(number(7)),
            ProposalReply::Refused(vec!["acme/x is read-only: moving".to_owned(), "you are alice".to_owned()]),
            ProposalReply::Unknown,
        ] {
            assert_eq!(reply.to_string().parse(), Ok(reply));
        }
        let hostile = ProposalReply::Refused(vec!["a\nopened\t7".to_owned()]);
        assert_eq!(hostile.to_string(), "refused\ta?opened?7");
        for text in [
            "",
            "rights",
            "rights\tyes",
            "rights\tallowed\t7",
            "rights\tallowed\t0=allowed",
            "rights\tallowed\t7=yes",
            "opened",
            "opened\t0",
            "opened\t7\t8",
            "refused",
            "refused\ta\u{1}b",
            "unknown\t",
            "stands",
        ] {
            assert_eq!(text.parse::<ProposalReply>(), Err(NoVerdict), "{text:?}");
        }
    }
}
