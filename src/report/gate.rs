//! Requests to pass a gate, and the answers to them.

use serde_json::{Value, json};

use super::listing::{Column, Table};
use super::when::minute;
use super::{Report, json_time};
use crate::access::GateRequest;
use crate::db::GateRequestRow;
use crate::name::{Owner, RepoPath};

/// A list of requests, with the user and the state of each request.
pub(crate) struct Requests;

impl Table<GateRequestRow> for Requests {
    fn columns(&self) -> Vec<Column> {
        ["USER", "STATE", "AT", "UNTIL"].map(Column::new).to_vec()
    }

    fn cells(&self, request: &GateRequestRow) -> Vec<String> {
        let state = request.state.to_string();
        vec![request.user.to_string(), state, minute(Some(request.at)), minute(request.until)]
    }

    fn json(&self, request: &GateRequestRow) -> Value {
        json!({
            "user": request.user.as_str(), "state": request.state.as_str(),
            "at": json_time(Some(request.at)), "until": json_time(request.until),
        })
    }

    fn position(&self, request: &GateRequestRow) -> String {
        request.user.to_string()
    }
}

/// The report of an answer to a request.
pub(crate) fn answer_report(path: &RepoPath, user: &Owner, state: GateRequest, until: Option<i64>) -> Report {
    let text = match state {
        GateRequest::Accepted => format!("{user} may fetch {path}\n"),
        GateRequest::Rejected => format!("{user} was refused access to {path}\n"),
        GateRequest::None | GateRequest::Pending => format!("{user} may request access to {path} again\n"),
    };
    let json = json!({
        "path": path.to_string(), "user": user.as_str(), "state": state.as_str(), "until": json_time(until),
    });
    Report::new(text, json)
}
