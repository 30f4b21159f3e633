//! Reading, in every program.

use std::path::Path;

use super::{DatabaseError, Error, View, engine};

/// The database, opened only for questions.
#[derive(Debug)]
pub struct Reader {
    engine: engine::Reader,
}

impl Reader {
    /// Opens the database read-only.
    ///
    /// # Errors
    /// [`Error::Open`]. Faults inside the file show with the first question.
    pub fn open(path: &Path) -> Result<Self, Error> {
        Ok(Self { engine: engine::Reader::open(path)? })
    }

    /// Asks until an answer is consistent, so `question` may run several times. Each run sees one committed state.
    ///
    /// # Errors
    /// The errors of the question.
    pub fn ask<T, E: DatabaseError>(&self, mut question: impl FnMut(&View<'_>) -> Result<T, E>) -> Result<T, E> {
        self.engine.ask(|connection| question(&View { connection }))
    }
}
