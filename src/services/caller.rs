//! For whom the gateway started `services`: its words and environment, and everything that they say asked anew.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;

use crate::clock::now;
use crate::config::{Config, DEFAULT_PATH};
use crate::db::{Error, View};
use crate::log::{self, Level, Line};
use crate::name::RepoPath;
use crate::request::{Arguments, ForcedCommand};
use crate::session::user_auth::{self, Proven};
use crate::session::{SID, SessionContext};

/// What the gateway says, before anything is asked.
#[derive(Debug)]
pub(super) struct Caller {
    pub(super) config: Config,
    pub(super) form: ForcedCommand,
    /// What sshd says was proven.
    pub(super) proven: Option<Proven>,
    /// The peer's address.
    pub(super) address: String,
    /// The session's id in the log.
    pub(super) sid: String,
    /// `SSH_ORIGINAL_COMMAND`.
    pub(super) command: Vec<u8>,
    pub(super) now: i64,
}

impl Caller {
    /// Reads the gateway's words; `None` where they are not the gateway's.
    pub(super) fn read(words: &[OsString]) -> Option<Self> {
        let variable = |name: &str| std::env::var_os(name).unwrap_or_default();
        let text = |name: &str| variable(name).to_string_lossy().into_owned();
        let words: Vec<Vec<u8>> = words.iter().map(|word| word.clone().into_vec()).collect();
        let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
        let Arguments { config, form: Some(form), .. } = Arguments::parse(&words)? else { return None };
        let config = Config::load(Path::new(config.as_deref().unwrap_or(DEFAULT_PATH))).ok()?;
        Some(Self {
            config,
            form,
            proven: std::env::var_os("SSH_USER_AUTH").and_then(|file| user_auth::read(&file).ok()?),
            address: text("SSH_CONNECTION").split(' ').next().unwrap_or_default().to_owned(),
            sid: text(SID),
            command: variable("SSH_ORIGINAL_COMMAND").into_vec(),
            now: now(),
        })
    }

    /// Says who the session speaks for, as the gateway did, and what the path leads to.
    pub(super) fn standing(&self, view: &View<'_>, path: Option<&RepoPath>) -> Result<SessionContext, Error> {
        SessionContext::ask(view, &self.config, &self.form, self.proven.as_ref(), path, &self.address, now())
    }

    /// The first fields of each line of this session.
    pub(super) fn line(&self) -> Line {
        Line::default()
            .field("sid", &self.sid)
            .field("user", self.form.user())
            .field("key", self.form.key())
            .field("from", &self.address)
    }

    /// Logs that something of ours failed.
    pub(super) fn log_fault(&self, cause: &str) {
        let line = self.line().field("decision", "fault").field("cause", cause);
        log::send(&self.config.log.socket, log::PROGRAM, Level::Error, &line);
    }
}
