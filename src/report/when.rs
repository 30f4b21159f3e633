//! Times as people write and read them.

use std::str::FromStr;

use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{Date, OffsetDateTime, Time};

use crate::clock::now;

/// When a key or a grant ends: the first second at which it no longer holds, in the future.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expiry(pub i64);

/// Why a text is not a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadTime {
    /// Neither a duration nor a date.
    #[error("a time is a duration such as 30s, 15m, 24h or 90d, or a date such as 2027-01-31")]
    Format,
    /// Neither an instant nor a date.
    #[error("an instant is a date such as 2027-01-31, or a whole second such as 2027-01-31T12:00:00Z")]
    Instant,
    /// The time is in the past.
    #[error("this time is in the past")]
    Past,
}

impl FromStr for Expiry {
    type Err = BadTime;

    fn from_str(text: &str) -> Result<Self, BadTime> {
        at(text, now(), 1).and_then(|end| if end > now() { Ok(Self(end)) } else { Err(BadTime::Past) })
    }
}

/// Reads a duration in seconds.
///
/// # Errors
/// [`BadTime::Format`].
pub(crate) fn parse_duration(text: &str) -> Result<i64, BadTime> {
    if text.contains('-') { Err(BadTime::Format) } else { at(text, 0, 1) }
}

/// Reads a whole second in RFC 3339, or a day in UTC, which means its end. The instant may be in the past.
///
/// # Errors
/// [`BadTime::Instant`].
pub(crate) fn parse_instant(text: &str) -> Result<i64, BadTime> {
    let instant = match OffsetDateTime::parse(text, &Rfc3339) {
        Ok(instant) if instant.nanosecond() == 0 => Some(instant.unix_timestamp()),
        Err(_) if text.contains('-') => at(text, 0, 1).ok(),
        Ok(_) | Err(_) => None,
    };
    instant.filter(|second| *second >= 0).ok_or(BadTime::Instant)
}

/// Reads the start of a period: a duration before now, or the first second of a day.
///
/// # Errors
/// [`BadTime::Format`].
pub(crate) fn parse_past(text: &str) -> Result<i64, BadTime> {
    at(text, now(), -1)
}

/// Reads a duration, which counts from `now` forward or back, or a day in UTC. Forward, a day means its end; back, its
/// start.
fn at(text: &str, now: i64, direction: i64) -> Result<i64, BadTime> {
    // `time` accepts a sign before the year.
    let is_unsigned = text.starts_with(|c: char| c.is_ascii_digit());
    let day = Date::parse(text, format_description!("[year]-[month]-[day]"));
    if let (Ok(day), true) = (day, is_unsigned) {
        let day = if direction > 0 { day.next_day().ok_or(BadTime::Format)? } else { day };
        return Ok(OffsetDateTime::new_utc(day, Time::MIDNIGHT).unix_timestamp());
    }
    let unit = text.chars().next_back().ok_or(BadTime::Format)?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return Err(BadTime::Format),
    };
    let count = text.strip_suffix(unit).filter(|count| count.bytes().all(|byte| byte.is_ascii_digit()));
    let count: i64 = count.and_then(|count| count.parse().ok()).ok_or(BadTime::Format)?;
    // A date after the year 9999 cannot be shown.
    let most = OffsetDateTime::new_utc(Date::MAX, Time::MIDNIGHT).unix_timestamp();
    count
        .checked_mul(seconds * direction)
        .and_then(|span| now.checked_add(span))
        .filter(|instant| (0..most).contains(instant))
        .ok_or(BadTime::Format)
}

/// A second since 1970 in RFC 3339, UTC: `2026-01-31T12:00:00Z`.
pub(crate) fn rfc3339(second: i64) -> String {
    let instant = OffsetDateTime::from_unix_timestamp(second).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    instant.format(&Rfc3339).unwrap_or_default()
}

/// A second since 1970 for people, UTC: `2026-01-31 12:00`, or a dash for `None`.
pub(crate) fn minute(second: Option<i64>) -> String {
    let instant = second.and_then(|second| OffsetDateTime::from_unix_timestamp(second).ok());
    let format = format_description!("[year]-[month]-[day] [hour]:[minute]");
    instant.and_then(|instant| instant.format(format).ok()).unwrap_or_else(|| "-".to_owned())
}

/// A second since 1970 as ssh-keygen reads it, UTC: `20260131120000Z`. OpenSSH knows the `Z` since 9.1.
pub(crate) fn compact(second: i64) -> String {
    let format = format_description!("[year][month][day][hour][minute][second]Z");
    let instant = OffsetDateTime::from_unix_timestamp(second).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    instant.format(format).unwrap_or_default()
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
    fn a_text_that_is_not_a_time_is_rejected() {
        for text in
            ["", "d", "1", "1w", "-1d", "+1d", "1.5h", "2026-13-01", "2026-02-30", "99999999999999999999d", "1é"]
        {
            assert_eq!(at(text, 0, 1), Err(BadTime::Format), "{text}");
        }
        for text in ["+2027-01-31", "-2027-01-31", " 2027-01-31"] {
            assert_eq!(at(text, 0, 1), Err(BadTime::Format), "{text}");
        }
        assert_eq!("2001-01-01".parse::<Expiry>(), Err(BadTime::Past));
        assert_eq!("0s".parse::<Expiry>(), Err(BadTime::Past));
    }

    #[test]
    fn an_instant_is_a_whole_second_or_a_day() {
        for (text, expected) in [
            ("1970-01-02T00:00:00Z", 86_400),
            ("1970-01-02T02:00:00+02:00", 86_400),
            ("1970-01-01T23:59:59-00:01", 86_459),
            ("1970-01-01", 86_400),
        ] {
            assert_eq!(parse_instant(text), Ok(expected), "{text}");
        }
        for text in
            ["1970-01-02T00:00:00", "1970-01-02T00:00:00.5Z", "00:00:00", "1969-12-30", "90d", "", "-", "9999-12-31"]
        {
            assert_eq!(parse_instant(text), Err(BadTime::Instant), "{text}");
        }
    }

    #[test]
    fn times_are_shown_in_utc() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00Z");
        assert_eq!(minute(Some(86_399)), "1970-01-01 23:59");
        assert_eq!(minute(None), "-");
    }
}
