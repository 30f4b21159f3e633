//! `batch`: which objects of a list are stored, and which must be sent.

use std::collections::HashMap;
use std::io::{ErrorKind, Write};

use super::oid::Oid;
use super::packet::{Broken, Input, Packet, Waiting};
use super::protocol::{Stop, Talk, broken};
use super::reply::{Refusal, status};
use super::request::{Arguments, batch_line};
use crate::request::Operation;
use crate::word::counted;

impl<I: Input, W: Write> Talk<'_, '_, I, W> {
    pub(super) fn batch(&mut self, arguments: &Arguments) -> Result<(), Stop> {
        let is_sha256 = arguments.get_some("hash-algo")?.is_none_or(|algorithm| algorithm == b"sha256");
        if !is_sha256 {
            return Err(Refusal::bad_request("this server names objects by sha256 only").into());
        }
        let listed = self.listed().map_err(broken)??;
        let mut missing = 0_u64;
        let mut actions = Vec::with_capacity(listed.len());
        for (oid, size) in listed {
            // An object of another size counts as missing: a write was cut short, and the next upload replaces it.
            let is_there = self.session.store.size(&oid).map_err(|error| Stop::Fault(error.into()))? == Some(size);
            let action = match (self.session.operation, is_there) {
                (Operation::Upload, false) => {
                    self.check_size(&oid, size)?;
                    missing = missing.saturating_add(size);
                    "upload"
                }
                (Operation::Download, true) => "download",
                (Operation::Upload, true) | (Operation::Download, false) => "noop",
            };
            actions.push((oid, size, action));
        }
        if missing > 0 {
            self.session.policy.admit(missing).map_err(Stop::Fault)??;
            self.check_disk(missing)?;
        }
        let to_send: Vec<Oid> =
            actions.iter().filter(|(.., action)| *action == "upload").map(|(oid, ..)| *oid).collect();
        if !to_send.is_empty() {
            self.session.store.prepare(&to_send).map_err(|error| match error.kind() {
                ErrorKind::StorageFull | ErrorKind::QuotaExceeded => no_space(missing).into(),
                _ => Stop::Fault(error.into()),
            })?;
        }
        self.begin(status::OK, &[]).map_err(broken)?;
        self.writer.delimiter();
        for (oid, size, action) in actions {
            self.writer.line(format_args!("{oid} {size} {action}"));
        }
        self.writer.finish().map_err(broken)
    }

    /// Checks that an object is not too large.
    pub(super) fn check_size(&self, oid: &Oid, size: u64) -> Result<(), Refusal> {
        match self.session.limits.object_size {
            Some(most) if size > most => Err(Refusal::new(
                status::TOO_LARGE,
                format!("the object {oid} has {size} bytes, and this server accepts at most {most}"),
            )),
            Some(_) | None => Ok(()),
        }
    }

    /// Checks that the disk has room for this many bytes.
    pub(super) fn check_disk(&mut self, bytes: u64) -> Result<(), Stop> {
        let free = self.session.store.free().map_err(|error| Stop::Fault(error.into()))?;
        let needed = bytes.saturating_add(self.session.limits.reserve);
        if free.is_some_and(|free| free < needed) { Err(no_space(bytes).into()) } else { Ok(()) }
    }

    /// Reads the list to its end. The result has every object once, in the client's order.
    fn listed(&mut self) -> Result<Result<Vec<(Oid, u64)>, Refusal>, Broken> {
        let most = self.session.limits.batch_objects;
        let mut listed = Vec::new();
        let mut sizes = HashMap::new();
        let mut refusal = None;
        while self.open {
            match self.reader.packet(Waiting::Rest)?.ok_or(Broken::Cut)? {
                Packet::Flush => self.open = false,
                Packet::Delimiter => return Err(Broken::Delimiter),
                Packet::Data(b"") => {}
                Packet::Data(_) if refusal.is_some() => {}
                Packet::Data(line) => match batch_line(line) {
                    Err(reason) => refusal = Some(reason),
                    Ok((oid, size)) => match sizes.insert(oid, size) {
                        None if listed.len() == most => {
                            let sentence = format!("a batch lists at most {most} objects");
                            refusal = Some(Refusal::new(status::TOO_LARGE, sentence));
                        }
                        None => listed.push((oid, size)),
                        Some(other) if other == size => {}
                        Some(_) => {
                            refusal = Some(Refusal::bad_request(format!("the object {oid} is listed with two sizes")));
                        }
                    },
                },
            }
        }
        Ok(refusal.map_or(Ok(listed), Err))
    }
}

/// The refusal for a full disk.
pub(super) fn no_space(bytes: u64) -> Refusal {
    Refusal::new(
        status::FULL,
        format!("this server has no room for {}: tell its operator", counted(bytes, "more byte", "more bytes")),
    )
}
