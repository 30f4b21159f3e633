//! Opening a proposal, for the guard of a push. The answer is the number, or the reason why the session may not open
//! one.

use crate::commands::{Refused, proposal};
use crate::db::Reader;
use crate::message::{Answer, FaultKind, Status};
use crate::services::caller::Caller;
use crate::session::Opened;

/// Opens a proposal for the session that the gateway handed over.
pub(super) fn run(caller: &Caller, opened: &Opened) -> Answer {
    let refused = match proposal::open(&caller.peer(), opened) {
        Ok(number) => return Answer { out: format!("{number}\n"), err: Vec::new(), status: Status::Done },
        Err(Refused::Fault(kind, cause)) => return fault(caller, kind, &cause),
        Err(Refused::Database(error)) => return fault(caller, FaultKind::Unavailable, &error.to_string()),
        Err(refused) => refused,
    };
    let Refused::Refusal(refusal) = &refused else {
        return Answer { out: String::new(), err: vec![refused.to_string()], status: Status::Refused };
    };
    // The text of a refusal names the key by its title, which is in the database.
    let asked = Reader::open(&caller.config.paths.database)
        .and_then(|reader| reader.ask(|view| caller.session_context(view, Some(&opened.path))));
    match asked {
        Ok(context) => Answer { status: Status::Refused, ..context.messages(&caller.config).refusal(refusal) },
        Err(error) => fault(caller, FaultKind::Unavailable, &error.to_string()),
    }
}

fn fault(caller: &Caller, kind: FaultKind, cause: &str) -> Answer {
    caller.log_fault(cause);
    Answer::fault(kind, &caller.sid)
}
