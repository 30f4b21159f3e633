//! What `hubgate doctor` found: each thing that was looked at, how it stands, and the line that mends it.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::message::Status;
use crate::report::Report;

/// What brings sshd's block in step.
pub(super) const INSTALL: &str = "hubgate sshd-config --install && systemctl reload ssh";

/// How a finding stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Good,
    Odd,
    Bad,
}

impl Verdict {
    fn as_str(self) -> &'static str {
        match self {
            Self::Good => "ok",
            Self::Odd => "warning",
            Self::Bad => "bad",
        }
    }
}

/// One thing that was looked at.
#[derive(Debug)]
struct Finding {
    check: &'static str,
    verdict: Verdict,
    text: String,
    mend: Option<String>,
}

/// All that was looked at.
#[derive(Debug, Default)]
pub(super) struct Findings(Vec<Finding>);

impl Findings {
    pub(super) fn good(&mut self, check: &'static str, text: impl Into<String>) {
        self.0.push(Finding { check, verdict: Verdict::Good, text: text.into(), mend: None });
    }

    pub(super) fn bad(&mut self, check: &'static str, text: impl Into<String>, mend: impl Into<String>) {
        self.0.push(Finding { check, verdict: Verdict::Bad, text: text.into(), mend: Some(mend.into()) });
    }

    pub(super) fn odd(&mut self, check: &'static str, text: impl Into<String>, mend: impl Into<String>) {
        self.0.push(Finding { check, verdict: Verdict::Odd, text: text.into(), mend: Some(mend.into()) });
    }

    fn is_well(&self) -> bool {
        self.0.iter().all(|finding| finding.verdict != Verdict::Bad)
    }

    /// All of it, for people and for programs. Status 1 where something is bad; a warning is none.
    pub(super) fn report(&self) -> Report {
        let mut text = String::new();
        let mut json = Vec::new();
        for Finding { check, verdict, text: what, mend } in &self.0 {
            let _ = writeln!(text, "{:8} {check:14} {what}", verdict.as_str());
            if let Some(mend) = mend {
                let _ = writeln!(text, "{:8} {:14} {mend}", "", "mend:");
            }
            json.push(json!({ "check": check, "state": verdict.as_str(), "text": what, "mend": mend }));
        }
        let well = self.is_well();
        text.push_str(if well { "all is well\n" } else { "something needs mending\n" });
        let mut report = Report::new(text, Value::Array(json));
        report.status = if well { Status::Done } else { Status::Refused };
        report
    }
}
