//! Who a session speaks for and what its path leads to: the one question to the database, asked at every start.

use crate::access::{Identity, KeyFacts, KeyHolder, NotAdmitted, OwnerFacts, identify, identify_certificate};
use crate::config::{AnonymousMode, Config};
use crate::db::{Error, Reader, ServedRepository};
use crate::key::OfferedCertificate;
use crate::message::Speaker;
use crate::name::{RepoPath, Title};
use crate::request::Form;

/// What the database says of a session.
#[derive(Debug)]
pub(crate) struct Standing {
    /// For whom, or why for nobody.
    pub(crate) identity: Result<Identity, NotAdmitted>,
    /// The key as its row has it.
    pub(crate) key: Option<(KeyFacts, Title)>,
    /// What the path leads to.
    pub(crate) repository: Option<ServedRepository>,
    /// The owner that the path names.
    pub(crate) owner: Option<OwnerFacts>,
}

impl Standing {
    /// Asks, for the words of the forced command and, where one was proven, the certificate.
    ///
    /// # Errors
    /// The database's.
    pub(crate) fn ask(
        reader: &Reader,
        config: &Config,
        form: &Form,
        certificate: Option<&OfferedCertificate>,
        path: Option<&RepoPath>,
        address: &str,
        now: i64,
    ) -> Result<Self, Error> {
        if let Some(certificate) = certificate {
            let (facts, repository) = reader.session_by_certificate(certificate, path)?;
            let identity = identify_certificate(&facts, now);
            return Ok(Self { identity, key: None, repository, owner: None });
        }
        let facts = reader.session(&form.fingerprint(), path)?;
        let identity = match (form, config.access.anonymous) {
            // Turned off since the connection was opened.
            (Form::Anonymous(_), AnonymousMode::Off) => Err(NotAdmitted::NoLongerOn),
            _ => identify(form, facts.key.as_ref().map(|(key, _)| key), address, now),
        };
        Ok(Self { identity, key: facts.key, repository: facts.repository, owner: facts.owner })
    }

    /// Words answers for this session.
    pub(crate) fn speaker<'a>(&'a self, config: &'a Config, form: &'a Form) -> Speaker<'a> {
        let deployed = self.key.as_ref().and_then(|(key, _)| match &key.holder {
            KeyHolder::Repository { path, .. } => Some(path),
            KeyHolder::Account { .. } => None,
        });
        Speaker { config, form, title: self.key.as_ref().map(|(_, title)| title), deployed }
    }
}
