//! `hubgate export`: the content of the database, for another program or hub. Without secrets and invitations.

use std::io::{self, ErrorKind, Write};
use std::ops::ControlFlow;

use serde_json::{Map, Value, json};

use super::context::Context;
use super::failure::Failure;
use super::printer::Printer;
use crate::clock::now;
use crate::report::{Report, json_time, with_times};

/// Prints one object a line: first the hub, then each row of each table while it is read.
pub(super) fn run(context: &Context, printer: &mut Printer) -> Result<Report, Failure> {
    let hub = json!({ "table": "hub", "name": context.config.hub.name, "exported_at": json_time(Some(now())) });
    let mut written = writeln!(printer, "{hub}");
    context.store.export(&mut |(table, row)| {
        if written.is_ok() {
            written = print(printer, table, row);
        }
        if written.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    match written.and_then(|()| printer.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failure::File("standard output".to_owned(), error)),
        Ok(()) | Err(_) => Ok(Report::printed(None)),
    }
}

fn print(printer: &mut Printer, table: &str, row: Map<String, Value>) -> io::Result<()> {
    let mut object = Map::from_iter([("table".to_owned(), table.into())]);
    object.extend(row);
    let mut object = Value::Object(object);
    with_times(&mut object);
    writeln!(printer, "{object}")
}
