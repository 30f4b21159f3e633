//! Text that is written while the rows are read, and the one form of a JSON array.

use std::io::{self, ErrorKind, Write};
use std::ops::ControlFlow;

use serde_json::Value;

/// Where a list goes.
pub(crate) trait Out: Write {
    /// Forgets what was written, because the question is asked again.
    ///
    /// # Errors
    /// What the operating system says.
    fn restart(&mut self) -> io::Result<()>;
}

/// Writes until the first error, which ends the list.
pub(super) struct Writing<'a> {
    out: &'a mut dyn Out,
    written: io::Result<()>,
    /// The number of objects of the array.
    objects: u64,
}

impl<'a> Writing<'a> {
    /// Writes behind what was written before.
    pub(super) fn new(out: &'a mut dyn Out) -> Self {
        Self { written: Ok(()), out, objects: 0 }
    }

    /// Writes in place of what was written before.
    pub(super) fn from_start(out: &'a mut dyn Out) -> Self {
        Self { written: out.restart(), out, objects: 0 }
    }

    pub(super) fn text(&mut self, text: &str) {
        if self.written.is_ok() {
            self.written = self.out.write_all(text.as_bytes());
        }
    }

    /// Writes the next object of the array, as `serde_json` prints it in a whole array.
    pub(super) fn object(&mut self, object: &Value) {
        let before = if self.objects == 0 { "[" } else { "," };
        self.objects += 1;
        let object = format!("{object:#}").replace('\n', "\n  ");
        self.text(&format!("{before}\n  {object}"));
    }

    pub(super) fn end_of_array(&mut self) {
        self.text(if self.objects == 0 { "[]\n" } else { "\n]\n" });
    }

    /// Breaks if nothing can be written any more.
    pub(super) fn state(&self) -> ControlFlow<()> {
        if self.written.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    }

    /// Writes what is left in a buffer.
    ///
    /// # Errors
    /// What the operating system says. If the reader has gone away, that is no error.
    pub(super) fn finish(self) -> io::Result<()> {
        match self.written.and_then(|()| self.out.flush()) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
            written => written,
        }
    }
}
