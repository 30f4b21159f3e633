//! What the gateway hands to `services`: the session and its request, as one message.
//!
//! The gateway alone reads the forced command, `SSH_ORIGINAL_COMMAND`, `SSH_CONNECTION` and `$SSH_USER_AUTH`.
//! `services` and its authorizer receive what the gateway read, in a sealed message ([`crate::sealed`]), and parse none
//! of them again.

use std::fmt;
use std::str::FromStr;

use crate::name::RepoPath;
use crate::push::BranchName;
use crate::request::{AccountCommand, ForcedCommand, LfsProgram, Operation, Request};

use super::user_auth::{Proven, proven};

/// The first line of a message: its receiver, and the version of its format.
const HEADING: &str = "hubgate services 1";

/// What `services` must know of a session.
///
/// Holding one tells you what sshd and the client said, as the gateway read it. It does not tell you what the session
/// may do: its receiver asks the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Handover {
    /// The session's id in the log.
    pub(crate) sid: String,
    /// The configuration file, if it is not the default one.
    pub(crate) config: Option<String>,
    /// The account or the key that the session speaks for.
    pub(crate) forced_command: ForcedCommand,
    /// What the client proved to sshd, if sshd says so.
    pub(crate) proven: Option<Proven>,
    /// `SSH_CONNECTION`; empty if it does not have sshd's form.
    pub(crate) connection: String,
    /// The client's command, as the log shows it.
    pub(crate) command: String,
    /// What the client asks for.
    pub(crate) work: Work,
}

/// The requests that `services` fulfils.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Work {
    /// An account command.
    Account(AccountCommand),
    /// `git-lfs-authenticate`.
    Authenticate(Operation, RepoPath),
    /// `git-lfs-transfer`.
    Transfer(Operation, RepoPath),
    /// To open a proposal, for the guard of a push.
    Propose(Opened),
}

/// The proposal that a push opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Opened {
    /// The repository's path, as the client wrote it.
    pub(crate) path: RepoPath,
    /// The repository's row.
    pub(crate) row: i64,
    /// The last number that is in use in the repository.
    pub(crate) after: i64,
    /// The branch that the proposal is for.
    pub(crate) branch: BranchName,
}

impl Work {
    /// The work of a request, if it is for `services`.
    pub(crate) fn of(request: &Request) -> Option<Self> {
        match request {
            Request::Account(command) => Some(Self::Account(command.clone())),
            Request::Lfs(LfsProgram::Authenticate, operation, path) => {
                Some(Self::Authenticate(*operation, path.clone()))
            }
            Request::Lfs(LfsProgram::Transfer, operation, path) => Some(Self::Transfer(*operation, path.clone())),
            Request::Greeting | Request::Help | Request::Git(..) => None,
        }
    }

    /// The argument of `services`, which shows in a list of processes.
    pub(crate) fn as_str(&self) -> &'static str {
        match self {
            Self::Account(_) => "account",
            Self::Authenticate(..) => "lfs-authenticate",
            Self::Transfer(..) => "lfs-transfer",
            Self::Propose(_) => "propose",
        }
    }

    fn parse(work: &str, arguments: &[&str]) -> Option<Self> {
        match (work, arguments) {
            ("account", words) => AccountCommand::from_words(words).map(Self::Account),
            ("lfs-authenticate", [operation, path]) => {
                Some(Self::Authenticate(operation.parse().ok()?, path.parse().ok()?))
            }
            ("lfs-transfer", [operation, path]) => Some(Self::Transfer(operation.parse().ok()?, path.parse().ok()?)),
            ("propose", [path, row, after, branch]) => Some(Self::Propose(Opened {
                path: path.parse().ok()?,
                row: row.parse().ok()?,
                after: after.parse().ok()?,
                branch: branch.parse().ok()?,
            })),
            _ => None,
        }
    }
}

impl fmt::Display for Handover {
    /// One line for each field, and one for each argument of the work. No field can contain the end of a line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sid, config, forced_command, proven, connection, command, work } = self;
        let config = config.as_deref().unwrap_or_default();
        let proven = proven.as_ref().map_or_else(String::new, ToString::to_string);
        writeln!(f, "{HEADING}\n{sid}\n{config}\n{forced_command}\n{proven}\n{connection}\n{command}")?;
        writeln!(f, "{}", work.as_str())?;
        match work {
            Work::Account(command) => command.words().try_for_each(|word| writeln!(f, "{word}")),
            Work::Authenticate(operation, path) | Work::Transfer(operation, path) => writeln!(f, "{operation}\n{path}"),
            Work::Propose(Opened { path, row, after, branch }) => writeln!(f, "{path}\n{row}\n{after}\n{branch}"),
        }
    }
}

/// The gateway of this release did not write the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("services cannot read the gateway's message: are both programs of one release?")]
pub(crate) struct BadHandover;

impl FromStr for Handover {
    type Err = BadHandover;

    fn from_str(text: &str) -> Result<Self, BadHandover> {
        let lines: Vec<&str> = text.strip_suffix('\n').ok_or(BadHandover)?.split('\n').collect();
        let [HEADING, sid, config, forced_command, proof, connection, command, work, arguments @ ..] = lines.as_slice()
        else {
            return Err(BadHandover);
        };
        let text_if_any = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Ok(Self {
            sid: (*sid).to_owned(),
            config: text_if_any(config),
            forced_command: forced_command.parse().map_err(|_| BadHandover)?,
            proven: match *proof {
                "" => None,
                line => Some(proven(line.as_bytes()).ok_or(BadHandover)?),
            },
            connection: (*connection).to_owned(),
            command: (*command).to_owned(),
            work: Work::parse(work, arguments).ok_or(BadHandover)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIyvsxAYqLJqm+UWlMSptsaMpMGhaX8h9WrhcObQu61/";
    /// For alice, by ssh-keygen: a certificate of an Ed25519 key.
    const CERTIFICATE: &str = "ssh-ed25519-cert-v01@openssh.com \
        AAAAIHNzaC1lZDI1NTE5LWNlcnQtdjAxQG9wZW5zc2guY29tAAAAIORy68j/LIAqexUQv3nRkpl4WoSQuECGmjPV+MjnI+sMAAAA\
        IG4HPViSGyzz2e+b3iyui4/A5kDcy4XHHdOxwylLtvl4AAAAAAAAAAAAAAABAAAAAXgAAAAJAAAABWFsaWNlAAAAAF4L4QAAAAAA\
        f+gXgAAAAAAAAACCAAAAFXBlcm1pdC1YMTEtZm9yd2FyZGluZwAAAAAAAAAXcGVybWl0LWFnZW50LWZvcndhcmRpbmcAAAAAAAAA\
        FnBlcm1pdC1wb3J0LWZvcndhcmRpbmcAAAAAAAAACnBlcm1pdC1wdHkAAAAAAAAADnBlcm1pdC11c2VyLXJjAAAAAAAAAAAAAAAz\
        AAAAC3NzaC1lZDI1NTE5AAAAIEUoSQ8lhrEyA1Z3WbeuB61ye/evfJde+RVykqVBPmRZAAAAUwAAAAtzc2gtZWQyNTUxOQAAAEA9\
        8BhZ6OZb8FqfN/3ox5EBm8TmAhB+8UGTnCkFJdGW122mC0ZQC/G3yxEVl/TJWIB0Q68w48YOx0+5IiiOIesP";
    const FINGERPRINT: &str = "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU";

    fn handover(command: &str, forced_command: &str, proof: &str) -> Handover {
        let request = Request::parse(Some(command.as_bytes())).unwrap();
        Handover {
            sid: "00ff".to_owned(),
            config: None,
            forced_command: forced_command.parse().unwrap(),
            proven: proven(proof.as_bytes()),
            connection: "::1 40000 ::1 22".to_owned(),
            command: command.to_owned(),
            work: Work::of(&request).unwrap(),
        }
    }

    #[test]
    fn a_message_reads_back_as_it_was_written() {
        let certificate = format!("publickey {CERTIFICATE}");
        for command in [
            "whoami",
            "key rename SHA256:x My #1 key's \"\\ two  blanks",
            "key rename SHA256:x '' x",
            "key add ''",
            "git-lfs-authenticate 'datasets/a/x' upload",
            "git-lfs-transfer a/x download",
        ] {
            for forced_command in [
                format!("alice --key {FINGERPRINT}"),
                format!("anonymous --key {FINGERPRINT}"),
                format!("--deploy-key {FINGERPRINT}"),
                format!("alice --ca {FINGERPRINT}"),
                "--auth-info".to_owned(),
            ] {
                for proof in ["", "keyboard-interactive/pam", &format!("publickey {KEY}"), &certificate] {
                    let mut sent = handover(command, &forced_command, proof);
                    assert_eq!(sent.proven.is_some(), !proof.is_empty());
                    assert_eq!(sent.to_string().parse(), Ok(sent.clone()));
                    sent.config = Some("/etc/hubgate/config.toml".to_owned());
                    assert_eq!(sent.to_string().parse(), Ok(sent));
                }
            }
        }
    }

    #[test]
    fn no_request_of_a_client_is_to_open_a_proposal() {
        let opened = Opened { path: "a/x".parse().unwrap(), row: 7, after: 3, branch: "größe/x".parse().unwrap() };
        let alice = format!("alice --key {FINGERPRINT}");
        let sent = Handover { work: Work::Propose(opened), ..handover("whoami", &alice, "") };
        assert_eq!(sent.to_string().parse(), Ok(sent));
        for command in ["propose", "propose a/x 7 3 main", "git-propose 'a/x'"] {
            let work = Request::parse(Some(command.as_bytes())).ok().as_ref().and_then(Work::of);
            assert!(!matches!(work, Some(Work::Propose(_))), "{command}: {work:?}");
        }
    }

    #[test]
    fn any_other_text_is_not_a_message() {
        let text = handover("git-lfs-transfer a/x download", &format!("alice --key {FINGERPRINT}"), "").to_string();
        assert!(text.parse::<Handover>().is_ok());
        for bad in [
            String::new(),
            text.replace("services 1", "services 2"),
            text.trim_end().to_owned(),
            text.clone() + "more\n",
            text.clone() + "\n",
            text.replace("\ndownload", "\nsideways"),
            text.replace("\na/x", "\n../x"),
            text.replace("lfs-transfer", "lfs-steal"),
            text.replace("alice --key", "alice --root"),
            text.replace("\n\n::1", "\npublickey x\n::1"),
            text.replace("\n::1 40000 ::1 22\n", "\n"),
        ] {
            assert_eq!(bad.parse::<Handover>(), Err(BadHandover), "{bad}");
        }
        let account = handover("key add x", &format!("alice --key {FINGERPRINT}"), "").to_string();
        for bad in [account.replace("\nkey\n", "\nkeys\n"), account.replace("\nadd\n", "\na\u{1b}dd\n")] {
            assert_eq!(bad.parse::<Handover>(), Err(BadHandover), "{bad}");
        }
    }
}
