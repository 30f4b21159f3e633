//! Requests to pass a gate, and the answers to them.

use serde_json::{Value, json};

use super::listing::{Column, Table};
use super::when::minute;
use super::{Report, json_time};
use crate::access::GateRequest;
use crate::db::GateRequestRow;
use crate::name::{Owner, RepoPath};

/// A list of requests on a repository, with the user and the state of each request.
pub(crate) struct Requests<'a> {
    pub(crate) path: &'a RepoPath,
}

/// A request in JSON. Without a row, the user has not asked.
pub(crate) fn request_json(path: &RepoPath, user: &Owner, request: Option<&GateRequestRow>) -> Value {
    json!({
        "path": path.to_string(), "user": user.as_str(),
        "state": request.map_or(GateRequest::None, |request| request.state).as_str(),
        "asked_at": json_time(request.map(|request| request.at)),
        "until": json_time(request.and_then(|request| request.until)),
    })
}

impl Table<GateRequestRow> for Requests<'_> {
    fn columns(&self) -> Vec<Column> {
        ["USER", "STATE", "ASKED", "UNTIL"].map(Column::new).to_vec()
    }

    fn cells(&self, request: &GateRequestRow) -> Vec<String> {
        let state = request.state.to_string();
        vec![request.user.to_string(), state, minute(Some(request.at)), minute(request.until)]
    }

    fn json(&self, request: &GateRequestRow) -> Value {
        request_json(self.path, &request.user, Some(request))
    }

    fn position(&self, request: &GateRequestRow) -> String {
        request.user.to_string()
    }
}

/// The report of an answer to a request.
pub(crate) fn answer_report(path: &RepoPath, user: &Owner, request: Option<&GateRequestRow>) -> Report {
    let text = match request.map_or(GateRequest::None, |request| request.state) {
        GateRequest::Accepted => format!("{user} may fetch {path}\n"),
        GateRequest::Rejected => format!("{user} was refused access to {path}\n"),
        GateRequest::None | GateRequest::Pending => format!("{user} may request access to {path} again\n"),
    };
    Report::new(text, request_json(path, user, request))
}
