//! The findings of `hubgate doctor`: each check, its result, and a command that fixes it.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::message::Status;
use crate::report::Report;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Ok,
    Warning,
    Bad,
}

impl Verdict {
    fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Bad => "bad",
        }
    }
}

#[derive(Debug)]
struct Finding {
    check: &'static str,
    verdict: Verdict,
    text: String,
    fix: Option<String>,
}

#[derive(Debug, Default)]
pub(super) struct Findings(Vec<Finding>);

impl Findings {
    pub(super) fn ok(&mut self, check: &'static str, text: impl Into<String>) {
        self.0.push(Finding { check, verdict: Verdict::Ok, text: text.into(), fix: None });
    }

    /// Adds a problem, unless an earlier one has this fix: then both have one cause.
    pub(super) fn bad(&mut self, check: &'static str, text: impl Into<String>, fix: impl Into<String>) {
        let fix = fix.into();
        if self.0.iter().any(|finding| finding.fix.as_ref() == Some(&fix)) {
            return;
        }
        self.0.push(Finding { check, verdict: Verdict::Bad, text: text.into(), fix: Some(fix) });
    }

    pub(super) fn warn(&mut self, check: &'static str, text: impl Into<String>, fix: impl Into<String>) {
        self.0.push(Finding { check, verdict: Verdict::Warning, text: text.into(), fix: Some(fix.into()) });
    }

    pub(super) fn is_well(&self) -> bool {
        self.0.iter().all(|finding| finding.verdict != Verdict::Bad)
    }

    /// Whether one of these checks found a problem. Its consequences are no findings.
    pub(super) fn is_bad(&self, checks: &[&str]) -> bool {
        self.0.iter().any(|finding| finding.verdict == Verdict::Bad && checks.contains(&finding.check))
    }

    /// All findings for people and for programs. The status is 1 if a finding is bad; a warning does not count.
    pub(super) fn report(&self) -> Report {
        let mut text = String::new();
        let mut json = Vec::new();
        for Finding { check, verdict, text: what, fix } in &self.0 {
            let _ = writeln!(text, "{:8} {check:14} {what}", verdict.as_str());
            if let Some(fix) = fix {
                let _ = writeln!(text, "{:8} {:14} {fix}", "", "fix:");
            }
            json.push(json!({ "check": check, "state": verdict.as_str(), "text": what, "fix": fix }));
        }
        let well = self.is_well();
        text.push_str(if well { "no problems found\n" } else { "problems found\n" });
        let mut report = Report::new(text, Value::Array(json));
        report.status = if well { Status::Done } else { Status::Refused };
        report
    }
}
