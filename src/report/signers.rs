//! A file of signers, as `ssh-keygen -Y verify` and git read it (ssh-keygen(1), ALLOWED SIGNERS).

use std::io;
use std::ops::ControlFlow;

use super::json_time;
use super::when::compact;
use super::writing::{Out, Writing};
use crate::db::Signer;
use serde_json::json;

/// A file of signers in progress.
pub(crate) struct Signers<'a> {
    writing: Writing<'a>,
    json: bool,
    /// Whether the reader may see the addresses of the accounts.
    shows_emails: bool,
}

impl<'a> Signers<'a> {
    pub(crate) fn new(json: bool, shows_emails: bool, out: &'a mut dyn Out) -> Self {
        Self { writing: Writing::from_start(out), json, shows_emails }
    }

    /// Writes the lines of a key: one for the name of its account, and one for each address. ssh-keygen finds one
    /// principal a line.
    pub(crate) fn signer(&mut self, signer: &Signer) -> ControlFlow<()> {
        let emails: Vec<&str> =
            signer.emails.iter().filter(|_| self.shows_emails).map(|email| email.as_str()).collect();
        if self.json {
            self.writing.object(&json!({
                "user": signer.user.as_str(), "emails": emails, "fingerprint": signer.key.fingerprint().to_string(),
                "public_key": signer.key.to_string(), "added_at": json_time(Some(signer.added_at)),
                "until": json_time(signer.until),
            }));
            return self.writing.state();
        }
        // ssh-keygen accepts a signature of the second that `valid-before` names, and wants it behind `valid-after`.
        let last = signer.until.map(|until| (until - 1).max(signer.added_at + 1));
        let before = last.map(|last| format!(",valid-before=\"{}\"", compact(last))).unwrap_or_default();
        let options = format!("namespaces=\"git\",valid-after=\"{}\"{before}", compact(signer.added_at));
        for principal in std::iter::once(signer.user.as_str()).chain(emails) {
            self.writing.text(&format!("{principal} {options} {}\n", signer.key));
        }
        self.writing.state()
    }

    /// Writes the end.
    ///
    /// # Errors
    /// What the operating system says.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        if self.json {
            self.writing.end_of_array();
        }
        self.writing.finish()
    }
}
