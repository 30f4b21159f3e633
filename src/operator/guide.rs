//! `hubgate guide`: a page that tells the people of a hub how to use it with git over SSH.
//!
//! The configuration and the host keys enter, HTML or Markdown leaves. Both are written from one document, whose text
//! is in `page`. Only `html` and `markdown` write markup, and both escape every text.

mod document;
mod html;
mod markdown;
mod page;

use std::path::Path;

use serde_json::json;

use super::cli::Guide;
use super::context::Context;
use super::failure::Failure;
use super::host_keys::host_keys;
use crate::clock;
use crate::config::{Config, EXAMPLE_HOST};
use crate::report::Report;

use page::{Facts, page};

pub(super) fn run(command: &Guide, config_path: &Path) -> Result<Report, Failure> {
    // sshd is asked as root. The database is opened as the login account.
    let (keys, left_out) = host_keys(&command.server, &Config::load(config_path)?)?;
    let context = Context::open(config_path)?;
    let has_authorities = context.store.view().has_authorities(clock::now())?;
    let document = page(&Facts { config: &context.config, keys: &keys, has_authorities });
    let (format, text) =
        if command.markdown { ("markdown", markdown::write(&document)) } else { ("html", html::write(&document)) };
    let is_unset = context.config.hub.host == EXAMPLE_HOST;
    let unset = is_unset.then(|| format!("the page names {EXAMPLE_HOST}: set [hub] host to the name that clients use"));
    let notes: Vec<String> = unset.into_iter().chain(left_out).collect();
    let mut report = Report::new(text.clone(), json!({ "format": format, "text": text }));
    report.note = (!notes.is_empty()).then(|| notes.join("; "));
    Ok(report)
}
