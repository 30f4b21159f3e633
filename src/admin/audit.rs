//! `hubgate audit`

use serde_json::{Value, json};

use super::Failure;
use super::context::Context;
use super::report::{Report, json_time};
use super::when::minute;
use crate::db::Event;

pub(super) fn run(since: i64, context: &Context) -> Result<Report, Failure> {
    let events = context.store.events(since)?;
    let row = |event: &Event| {
        [minute(Some(event.at)), event.event.clone(), event.object.clone(), event.actor.clone(), event.detail.clone()]
    };
    let object = |event: &Event| {
        let detail: Value = serde_json::from_str(&event.detail).unwrap_or_default();
        json!({
            "at": json_time(Some(event.at)), "event": event.event, "object": event.object, "actor": event.actor,
            "detail": detail,
        })
    };
    let rows = events.iter().map(row).collect();
    Ok(Report::table(["AT", "EVENT", "OBJECT", "ACTOR", "DETAIL"], rows, events.iter().map(object).collect()))
}
