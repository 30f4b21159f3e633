//! Times as an operator writes and reads them.

use std::str::FromStr;

use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{Date, OffsetDateTime, Time};

use crate::clock::now;

/// The first second at which something no longer holds, in the future.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct When(pub i64);

/// Why a text is no time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadWhen {
    /// Neither a duration nor a date.
    #[error("a time is a duration such as 30s, 15m, 24h or 90d, or a date such as 2027-01-31")]
    Format,
    /// Over already.
    #[error("this time is past")]
    Past,
}

impl FromStr for When {
    type Err = BadWhen;

    fn from_str(text: &str) -> Result<Self, BadWhen> {
        at(text, now(), 1).and_then(|end| if end > now() { Ok(Self(end)) } else { Err(BadWhen::Past) })
    }
}

/// Reads a duration in seconds.
///
/// # Errors
/// [`BadWhen::Format`].
pub(crate) fn parse_duration(text: &str) -> Result<i64, BadWhen> {
    if text.contains('-') { Err(BadWhen::Format) } else { at(text, 0, 1) }
}

/// Reads how far back: a duration before now, or the first second of a day.
///
/// # Errors
/// [`BadWhen::Format`].
pub(crate) fn parse_past(text: &str) -> Result<i64, BadWhen> {
    at(text, now(), -1)
}

/// A duration counted from `now` in a direction; or a day: its end going forward, its start going back, in UTC.
fn at(text: &str, now: i64, direction: i64) -> Result<i64, BadWhen> {
    // `time` would take a sign before the year.
    let is_unsigned = text.starts_with(|c: char| c.is_ascii_digit());
    let day = Date::parse(text, format_description!("[year]-[month]-[day]"));
    if let (Ok(day), true) = (day, is_unsigned) {
        let day = if direction > 0 { day.next_day().ok_or(BadWhen::Format)? } else { day };
        return Ok(OffsetDateTime::new_utc(day, Time::MIDNIGHT).unix_timestamp());
    }
    let unit = text.chars().next_back().ok_or(BadWhen::Format)?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return Err(BadWhen::Format),
    };
    let count = text.strip_suffix(unit).filter(|count| count.bytes().all(|byte| byte.is_ascii_digit()));
    let count: i64 = count.and_then(|count| count.parse().ok()).ok_or(BadWhen::Format)?;
    // Beyond the year 9999 no date can be shown.
    let most = OffsetDateTime::new_utc(Date::MAX, Time::MIDNIGHT).unix_timestamp();
    count
        .checked_mul(seconds * direction)
        .and_then(|span| now.checked_add(span))
        .filter(|instant| (0..most).contains(instant))
        .ok_or(BadWhen::Format)
}

/// A second since 1970 in RFC 3339, UTC: `2026-01-31T12:00:00Z`.
pub(crate) fn rfc3339(second: i64) -> String {
    let instant = OffsetDateTime::from_unix_timestamp(second).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    instant.format(&Rfc3339).unwrap_or_default()
}

/// The same for people: `2026-01-31 12:00`, or a dash.
pub(crate) fn minute(second: Option<i64>) -> String {
    let instant = second.and_then(|second| OffsetDateTime::from_unix_timestamp(second).ok());
    let format = format_description!("[year]-[month]-[day] [hour]:[minute]");
    instant.and_then(|instant| instant.format(format).ok()).unwrap_or_else(|| "-".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_dates_are_read() {
        for (text, expected) in [
            ("30s", 1_000_030),
            ("15m", 1_000_900),
            ("24h", 1_086_400),
            ("90d", 8_776_000),
            ("1970-01-31", 31 * 86_400),
        ] {
            assert_eq!(at(text, 1_000_000, 1), Ok(expected), "{text}");
        }
        assert_eq!(at("1d", 1_000_000, -1), Ok(913_600));
        assert_eq!(at("1970-01-31", 1_000_000, -1), Ok(30 * 86_400));
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in
            ["", "d", "1", "1w", "-1d", "+1d", "1.5h", "2026-13-01", "2026-02-30", "99999999999999999999d", "1é"]
        {
            assert_eq!(at(text, 0, 1), Err(BadWhen::Format), "{text}");
        }
        for text in ["+2027-01-31", "-2027-01-31", " 2027-01-31"] {
            assert_eq!(at(text, 0, 1), Err(BadWhen::Format), "{text}");
        }
        assert_eq!("2001-01-01".parse::<When>(), Err(BadWhen::Past));
        assert_eq!("0s".parse::<When>(), Err(BadWhen::Past));
    }

    #[test]
    fn times_are_shown_in_utc() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00Z");
        assert_eq!(minute(Some(86_399)), "1970-01-01 23:59");
        assert_eq!(minute(None), "-");
    }
}
