//! The session for which the gateway started `services`.

use std::io::Write;
use std::path::Path;

use crate::clock::now;
use crate::commands::Peer;
use crate::config::{Config, DEFAULT_PATH};
use crate::db::{Error, View};
use crate::log::{self, Level, Line};
use crate::message::{Answer, FaultKind, Status};
use crate::name::RepoPath;
use crate::request::ForcedCommand;
use crate::sealed::{ReceiveError, Sealed};
use crate::session::user_auth::Proven;
use crate::session::{Handover, SessionContext, Work};

/// A session as the gateway handed it over, and the configuration.
///
/// Holding one tells you that the gateway admitted the session when it began. It does not tell you that the session is
/// still admitted: see [`Caller::session_context`].
#[derive(Debug)]
pub(super) struct Caller {
    pub(super) config: Config,
    pub(super) forced_command: ForcedCommand,
    /// What the client proved to sshd.
    pub(super) proven: Option<Proven>,
    /// The client's address, or `unknown`.
    pub(super) address: String,
    /// `SSH_CONNECTION`; may be empty.
    pub(super) connection: String,
    /// The client's command, as the log shows it.
    pub(super) command: String,
    /// The session's id in the log.
    pub(super) sid: String,
    pub(super) now: i64,
}

impl Caller {
    /// Reads the gateway's message and the configuration file that it names.
    ///
    /// # Errors
    /// The answer to the client; the cause is in the log.
    pub(super) fn read(message: Sealed) -> Result<(Self, Sealed, Work), Answer> {
        // The configuration names the log's socket, so a fault before it was read goes to the default one.
        Self::read_or_log(message, |line| {
            log::send(&crate::config::Log::default().socket, log::PROGRAM, Level::Error, line);
        })
    }

    fn read_or_log(message: Sealed, log: impl Fn(&Line)) -> Result<(Self, Sealed, Work), Answer> {
        let fault = |sid: &str, cause: &dyn std::fmt::Display| {
            log(&Line::default().field("sid", sid).field("decision", "fault").field("cause", cause));
            Answer::fault(FaultKind::Broken, sid)
        };
        let text = message.read().map_err(|error| fault("none", &error))?;
        let handover: Handover = text.parse().map_err(|error| fault("none", &error))?;
        let Handover { sid, config, forced_command, proven, connection, command, work } = handover;
        let address =
            connection.split(' ').next().filter(|address| !address.is_empty()).unwrap_or("unknown").to_owned();
        let config = Config::load(Path::new(config.as_deref().unwrap_or(DEFAULT_PATH)));
        let config = config.map_err(|error| fault(&sid, &error))?;
        Ok((Self { config, forced_command, proven, address, connection, command, sid, now: now() }, message, work))
    }

    /// Asks the database for the identity of the session and for the repository of the path.
    ///
    /// The gateway asked the same before. The answer is deliberately not part of its message: a key may be removed and
    /// an account disabled while the session runs, and each process decides by what the database says when it acts. An
    /// account command asks in the transaction of its change.
    pub(super) fn session_context(&self, view: &View<'_>, path: Option<&RepoPath>) -> Result<SessionContext, Error> {
        let Self { config, forced_command, proven, address, .. } = self;
        SessionContext::ask(view, config, forced_command, proven.as_ref(), path, address, now())
    }

    /// The session as the commands take it.
    pub(super) fn peer(&self) -> Peer<'_> {
        let Self { config, forced_command, proven, address, sid, .. } = self;
        let actor = format!("{} {} sid={sid}", forced_command.user(), forced_command.key());
        Peer { config, forced_command, proven: proven.as_ref(), address, actor, is_barred: false }
    }

    /// The first fields of each log line of this session.
    pub(super) fn line(&self) -> Line {
        Line::default()
            .field("sid", &self.sid)
            .field("user", self.forced_command.user())
            .field("key", self.forced_command.key())
            .field("from", &self.address)
    }

    /// Logs a fault.
    pub(super) fn log_fault(&self, cause: &str) {
        let line = self.line().field("decision", "fault").field("cause", cause);
        log::send(&self.config.log.socket, log::PROGRAM, Level::Error, &line);
    }
}

/// The answer of a process without a message.
pub(super) fn no_message(error: &ReceiveError) -> Answer {
    match error {
        // The program was started by hand, so there is no log line to look up.
        ReceiveError::Descriptors | ReceiveError::NotSealed => {
            let err = vec![format!("only the gateway and git start services: {error}")];
            Answer { out: String::new(), err, status: Status::Fault }
        }
        ReceiveError::Read(_) => Answer::fault(FaultKind::Broken, "none"),
    }
}

/// The client of this session reads the sentence of a fault if the process panics. `connection` is for the sandbox.
pub(super) fn answer_panics(line: Line, sid: &str, sink: log::Sink) {
    let sid = sid.to_owned();
    log::on_panic(sink, log::PROGRAM, line, move || {
        let _ = std::io::stderr().write_all(Answer::fault(FaultKind::Broken, &sid).stderr().as_bytes());
        Status::Fault.code()
    });
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[test]
    fn a_message_or_a_configuration_that_cannot_be_read_is_logged() {
        let key = format!("SHA256:{}", "A".repeat(43));
        for (text, sid, cause) in [
            ("hubgate services 0\n".to_owned(), "none", "are both programs of one release?"),
            (
                format!(
                    "hubgate services 1\n00ff\n/nonexistent/config.toml\nalice --key {key}\n\n\n\naccount\nwhoami\n"
                ),
                "00ff",
                "/nonexistent/config.toml",
            ),
        ] {
            let logged = RefCell::new(Vec::new());
            let answer = Caller::read_or_log(Sealed::write(&text).unwrap(), |line| {
                logged.borrow_mut().push(line.as_str().to_owned());
            });
            assert_eq!(answer.unwrap_err(), Answer::fault(FaultKind::Broken, sid));
            let logged = logged.into_inner();
            assert!(logged.len() == 1 && logged[0].contains(cause), "{logged:?}");
            assert!(logged[0].starts_with(&format!("sid={sid} decision=fault")), "{logged:?}");
        }
    }

    #[test]
    fn each_line_of_a_session_names_its_id_its_account_its_key_and_its_address() {
        let key = format!("SHA256:{}", "A".repeat(43));
        let text = format!("hubgate services 1\n00ff\n\nalice --key {key}\n\n\n\naccount\nwhoami\n");
        let Handover { sid, forced_command, proven, connection, command, .. } = text.parse().unwrap();
        let (config, address) = (Config::default(), "192.0.2.1".to_owned());
        let caller = Caller { config, forced_command, proven, address, connection, command, sid, now: 0 };
        assert_eq!(caller.line().as_str(), format!("sid=00ff user=alice key={key} from=192.0.2.1"));
    }
}
