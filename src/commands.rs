//! Commands on the data of the hub: one function a verb, for the operator and for accounts over SSH.
//!
//! A [`Requester`] and the arguments of a command enter, a [`Report`] leaves. Each function
//! decides and acts in one transaction. No command prints, asks a question, or reads a file that the requester names.

pub(crate) mod access;
pub(crate) mod arguments;
pub(crate) mod authority;
pub(crate) mod check;
pub(crate) mod collaborator;
pub(crate) mod deploy_key;
pub(crate) mod email;
pub(crate) mod ending;
pub(crate) mod invite;
pub(crate) mod key;
pub(crate) mod member;
pub(crate) mod organization;
pub(crate) mod owner;
pub(crate) mod proposal;
pub(crate) mod quota;
pub(crate) mod reachable;
mod refused;
pub(crate) mod repository;
mod rights;
pub(crate) mod rule;
pub(crate) mod signers;
pub(crate) mod team;
pub(crate) mod user;

use std::fmt::Display;
use std::str::FromStr;

use crate::config::Config;
use crate::db::{Change, Each, RepositoryRow, Store, View};
use crate::message::FaultKind;
use crate::name::{Owner, RepoPath};
use crate::report::Report;
use crate::report::listing::{Form, Listing, Table};
use crate::report::writing::Out;

pub(crate) use refused::{Denied, Refused};
pub(crate) use rights::{Peer, Rights};

/// Who asks for a command.
#[derive(Debug)]
pub(crate) enum Requester<'a> {
    /// The operator, who may do everything.
    Operator {
        /// The configuration.
        config: &'a Config,
        /// The open database.
        store: &'a mut Store,
        /// The operator's name in the audit table.
        actor: String,
    },
    /// A session over SSH, which may do what its key and account may.
    Account(&'a Peer<'a>),
}

/// By which rights a question is answered or a change is made.
#[derive(Debug, Clone, Copy)]
pub(crate) enum By<'a> {
    /// The operator, who may do everything.
    Operator,
    /// The rights that the session has in the same view of the database.
    Account(&'a Rights<'a>),
}

/// Where a list is printed, and which of its rows.
pub(crate) struct Output<'a> {
    pub(crate) form: Form,
    /// The position behind which the list begins.
    pub(crate) after: Option<&'a str>,
    pub(crate) out: &'a mut dyn Out,
}

impl Output<'_> {
    /// The position behind which the list begins.
    ///
    /// # Errors
    /// [`Refused::Usage`] if the text is no position in such a list.
    pub(crate) fn after<P: FromStr<Err: Display>>(&self) -> Result<Option<P>, Refused> {
        let bad = |text: &str, error: P::Err| Refused::Usage(format!("--after {text}: {error}"));
        self.after.map(|text| text.parse().map_err(|error| bad(text, error))).transpose()
    }
}

impl Requester<'_> {
    /// The configuration.
    pub(crate) fn config(&self) -> &Config {
        match self {
            Self::Operator { config, .. } => config,
            Self::Account(peer) => peer.config,
        }
    }

    /// Answers a question from the last committed state. A session over SSH does not wait for a writer.
    ///
    /// # Errors
    /// What the question returns, or a fault of the database.
    pub(crate) fn read<T>(
        &self,
        mut question: impl FnMut(By<'_>, &View<'_>) -> Result<T, Refused>,
    ) -> Result<T, Refused> {
        match self {
            Self::Operator { store, .. } => store.read(|view| question(By::Operator, view)),
            Self::Account(peer) => peer.read(|rights, view| question(By::Account(rights), view)),
        }
    }

    /// Prints a list from the last committed state, row by row. `rows` hands each row on.
    ///
    /// # Errors
    /// What `rows` returns, or a fault of the database or of the output.
    pub(crate) fn list<T>(
        &self,
        output: &mut Output<'_>,
        table: &dyn Table<T>,
        mut rows: impl FnMut(By<'_>, &View<'_>, Each<'_, T>) -> Result<(), Refused>,
    ) -> Result<Report, Refused> {
        let note = self.read(|by, view| {
            let mut listing = Listing::new(&output.form, table, output.out);
            rows(by, view, &mut |row| listing.row(&row))?;
            listing.finish().map_err(|error| Refused::Fault(FaultKind::Broken, format!("standard output: {error}")))
        });
        match note {
            Ok(note) => Ok(Report::printed(note)),
            Err(refused) => {
                // Discards the rows that are not sent yet: a refused request gets no part of a list.
                let _ = output.out.restart();
                Err(refused)
            }
        }
    }

    /// Makes a change. The steps decide and act in one transaction, so a right that was withdrawn before the
    /// transaction is not used. A path means one repository throughout. Then ends the running sessions whose rights the
    /// change has withdrawn.
    ///
    /// # Errors
    /// What the steps return, or a fault of the database; then nothing is changed.
    pub(crate) fn change<T>(
        &mut self,
        steps: impl FnOnce(By<'_>, &Change<'_>) -> Result<T, Refused>,
    ) -> Result<T, Refused> {
        match self {
            Self::Operator { config, store, actor } => {
                let changed = store.change(actor, |change| steps(By::Operator, change))?;
                ending::end_withdrawn(config);
                Ok(changed)
            }
            Self::Account(peer) => peer.change(|rights, change| steps(By::Account(rights), change)),
        }
    }
}

impl By<'_> {
    /// A repository that the requester administers.
    ///
    /// # Errors
    /// [`Refused`].
    pub(crate) fn administered(self, view: &View<'_>, path: &RepoPath) -> Result<RepositoryRow, Refused> {
        match self {
            Self::Operator => Ok(view.repository(path)?),
            Self::Account(rights) => Ok(view.repository(&rights.administered(path)?.path)?),
        }
    }

    /// A repository that the requester may rename and remove.
    ///
    /// # Errors
    /// [`Refused`].
    pub(crate) fn managed(self, view: &View<'_>, path: &RepoPath) -> Result<RepositoryRow, Refused> {
        match self {
            Self::Operator => Ok(view.repository(path)?),
            Self::Account(rights) => Ok(view.repository(&rights.managed(path)?.path)?),
        }
    }

    /// Refuses a requester that does not administer the organization.
    ///
    /// # Errors
    /// [`Refused`].
    pub(crate) fn check_administers(self, organization: &Owner) -> Result<(), Refused> {
        match self {
            Self::Operator => Ok(()),
            Self::Account(rights) => rights.check_administers(organization),
        }
    }
}
