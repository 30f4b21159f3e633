//! What the hook asks: the session's guard, and git in the repository.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::process::Command;
use std::time::Duration;

use crate::access::{SignedBy, SignerVerdict};
use crate::child::{self, Ended, Limits, Terminal};
use crate::push::{FromHook, NoVerdict, PushContext, PushVerdict, SignerVerdicts, Signing};

/// What one git of the hook may take. Its answers are short.
pub(super) const GIT: Limits = Limits { time: Duration::from_secs(600), output: 1 << 20, terminal: Terminal::Closed };

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("cannot ask the session's guard: {0}")]
    Guard(std::io::Error),
    #[error(transparent)]
    Verdict(#[from] NoVerdict),
    #[error("cannot run git: {0}")]
    Git(std::io::Error),
}

/// The connection to the session's guard.
pub(super) struct Guard(pub(super) UnixStream);

impl Guard {
    /// Tells the guard what the log must show. Errors are ignored, because a push must not fail because of its log.
    pub(super) fn tell(&self, event: &FromHook) {
        let _ = (&self.0).write_all(&event.line());
    }

    /// The reasons why the session may not move refs to objects of so many bytes, as the client reads them.
    pub(super) fn problems(&self, bytes: u64) -> Result<Vec<String>, Error> {
        match self.ask(&FromHook::Decide(bytes))?.parse()? {
            PushVerdict::Stands => Ok(Vec::new()),
            PushVerdict::Refused(lines) => Ok(lines),
            PushVerdict::Unknown => Err(NoVerdict.into()),
        }
    }

    /// What the hub says about keys that signed commits, in their order.
    pub(super) fn signers(&self, by: SignedBy, signings: &[Signing]) -> Result<Vec<SignerVerdict>, Error> {
        let SignerVerdicts(verdicts) = self.ask(&FromHook::Signers(by, signings.to_vec()))?.parse()?;
        if verdicts.len() == signings.len() { Ok(verdicts) } else { Err(NoVerdict.into()) }
    }

    /// The answer to a question.
    pub(super) fn ask(&self, question: &FromHook) -> Result<String, Error> {
        (&self.0).write_all(&question.line()).map_err(Error::Guard)?;
        let mut answer = String::new();
        BufReader::new(&self.0).read_line(&mut answer).map_err(Error::Guard)?;
        Ok(answer.strip_suffix('\n').ok_or(NoVerdict)?.to_owned())
    }
}

/// Runs git in the repository, with the hook's environment: the gateway made it, and git passed it on.
pub(super) fn git(context: &PushContext, words: &[&str], input: &[u8]) -> Result<Ended<Vec<u8>>, Error> {
    child::output_for(Command::new(&context.git).args(words), GIT, input).map_err(Error::Git)
}

/// Whether a commit contains another one. git fails for an object that is no commit.
pub(super) fn contains(context: &PushContext, new: &str, old: &str) -> bool {
    git(context, &["merge-base", "--is-ancestor", old, new], b"").is_ok_and(|output| output.status.success())
}

/// The refs of the repository whose names begin with `prefix`.
pub(super) fn refs(context: &PushContext, prefix: &str) -> Result<Vec<String>, Error> {
    let mut command = Command::new(&context.git);
    let limits = Limits { output: 256 << 20, ..GIT };
    let said =
        child::output(command.args(["for-each-ref", "--format=%(refname)", prefix]), limits).map_err(Error::Git)?;
    Ok(String::from_utf8_lossy(&said.read).lines().map(str::to_owned).collect())
}
