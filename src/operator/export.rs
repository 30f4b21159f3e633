//! `hubgate export`: the content of the database, for another program or hub. Without secrets and invitations.

use std::io::{self, ErrorKind, Write};
use std::ops::ControlFlow;

use serde_json::{Map, Value, json};

use super::cli::Export;
use super::context::Context;
use super::failure::Failure;
use super::printer::Printer;
use crate::access::{GateMode, Visibility};
use crate::clock::now;
use crate::report::{Report, json_time, with_times};

/// Prints the database, or what another program needs of it.
pub(super) fn run(command: &Export, context: &Context, printer: &mut Printer) -> Result<Report, Failure> {
    let written = if command.cgit { cgit(context, printer)? } else { tables(context, printer)? };
    match written.and_then(|()| printer.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failure::File("standard output".to_owned(), error)),
        Ok(()) | Err(_) => Ok(Report::printed(None)),
    }
}

/// Prints the repositories that everyone may fetch, as cgitrc(5) has them. No value has the end of a line.
fn cgit(context: &Context, printer: &mut Printer) -> Result<io::Result<()>, Failure> {
    let root = &context.config.paths.repositories;
    let mut written = Ok(());
    context.store.view().repositories(None, &mut |row| {
        if row.visibility == Visibility::Public && row.gate == GateMode::None {
            let place = root.join(row.directory.relative());
            let (path, owner, about) = (&row.path, &row.path.owner, &row.description);
            written = writeln!(printer, "repo.url={path}\nrepo.path={}\nrepo.owner={owner}", place.display());
            if written.is_ok() && !about.is_empty() {
                written = writeln!(printer, "repo.desc={about}");
            }
        }
        if written.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    Ok(written)
}

/// Prints one object a line: first the hub, then each row of each table while it is read.
fn tables(context: &Context, printer: &mut Printer) -> Result<io::Result<()>, Failure> {
    let hub = json!({ "table": "hub", "name": context.config.hub.name, "exported_at": json_time(Some(now())) });
    let mut written = writeln!(printer, "{hub}");
    context.store.export(&mut |(table, row)| {
        if written.is_ok() {
            written = print(printer, table, row);
        }
        if written.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    Ok(written)
}

fn print(printer: &mut Printer, table: &str, row: Map<String, Value>) -> io::Result<()> {
    let mut object = Map::from_iter([("table".to_owned(), table.into())]);
    object.extend(row);
    let mut object = Value::Object(object);
    with_times(&mut object);
    writeln!(printer, "{object}")
}
