//! The findings of `hubgate doctor`: each check, its result, and a command that fixes it.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use serde_json::{Value, json};

use crate::message::Status;
use crate::operator::sshd_config::config_option;
use crate::report::Report;

/// What is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    Whole,
    /// Nothing whose time grows with the hub: neither each page of the database nor each directory of a repository.
    Quick,
}

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
pub(super) struct Findings {
    list: Vec<Finding>,
    /// The option of each command of hubgate's in a fix, such as ` --config /srv/hubgate.toml`.
    option: String,
}

impl Findings {
    /// No findings yet about the hub with this configuration file.
    pub(super) fn of(config_path: &Path) -> Self {
        Self { list: Vec::new(), option: config_option(config_path) }
    }

    pub(super) fn ok(&mut self, check: &'static str, text: impl Into<String>) {
        self.list.push(Finding { check, verdict: Verdict::Ok, text: text.into(), fix: None });
    }

    /// Adds a problem, unless an earlier one has this fix: then both have one cause.
    pub(super) fn bad(&mut self, check: &'static str, text: impl Into<String>, fix: impl Into<String>) {
        let fix = self.command(fix);
        if self.list.iter().any(|finding| finding.verdict == Verdict::Bad && finding.fix.as_ref() == Some(&fix)) {
            return;
        }
        self.list.push(Finding { check, verdict: Verdict::Bad, text: text.into(), fix: Some(fix) });
    }

    pub(super) fn warn(&mut self, check: &'static str, text: impl Into<String>, fix: impl Into<String>) {
        self.list.push(Finding { check, verdict: Verdict::Warning, text: text.into(), fix: Some(self.command(fix)) });
    }

    /// A fix for this hub: its commands name the configuration file.
    fn command(&self, fix: impl Into<String>) -> String {
        fix.into().replace("hubgate ", &format!("hubgate{} ", self.option))
    }

    /// How many findings are ok, warnings and problems, for each check.
    pub(super) fn numbers(&self) -> BTreeMap<&'static str, [u64; 3]> {
        let mut numbers: BTreeMap<_, [u64; 3]> = BTreeMap::new();
        for finding in &self.list {
            let [ok, warnings, bad] = numbers.entry(finding.check).or_default();
            *match finding.verdict {
                Verdict::Ok => ok,
                Verdict::Warning => warnings,
                Verdict::Bad => bad,
            } += 1;
        }
        numbers
    }

    pub(super) fn is_well(&self) -> bool {
        self.list.iter().all(|finding| finding.verdict != Verdict::Bad)
    }

    /// Whether one of these checks found a problem. Its consequences are no findings.
    pub(super) fn is_bad(&self, checks: &[&str]) -> bool {
        self.list.iter().any(|finding| finding.verdict == Verdict::Bad && checks.contains(&finding.check))
    }

    /// All findings for people and for programs. The status is 1 if a finding is bad; a warning does not count.
    pub(super) fn report(&self) -> Report {
        let mut text = String::new();
        let mut json = Vec::new();
        for Finding { check, verdict, text: what, fix } in &self.list {
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
