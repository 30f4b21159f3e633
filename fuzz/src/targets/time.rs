//! Times that an operator types.

use crate::clock::now;
use crate::input::is_plain;
use crate::operators_times::{BadTime, Expiry, minute, parse_past, rfc3339};

/// Arbitrary text as an end in the future and as a start in the past.
///
/// A duration is relative to now, a date is a whole day, and both can be shown.
pub fn when(data: &[u8]) -> bool {
    if let Some(second) = data.first_chunk::<8>() {
        let second = i64::from_le_bytes(*second);
        assert!(is_plain(&rfc3339(second)) && is_plain(&minute(Some(second))));
    }
    let Ok(text) = std::str::from_utf8(data) else { return false };
    let (end, start) = (text.parse::<Expiry>(), parse_past(text));
    if let Ok(Expiry(end)) = end {
        assert!(end > now());
        shown(end);
    }
    if let Ok(start) = start {
        shown(start);
        assert!(text.is_ascii() && !text.starts_with(['-', '+']));
        if !text.contains('-') {
            assert!(start <= now());
        }
    }
    if let (Ok(Expiry(end)), Ok(start)) = (end, start) {
        // The same duration in both directions, or a day from midnight to midnight.
        assert!(end - now() == now() - start || (end - start == 86_400 && start % 86_400 == 0), "{text:?}");
    }
    if end == Err(BadTime::Past) {
        assert!(start.is_ok(), "{text:?}");
    }
    end.is_ok() || start.is_ok()
}

/// An accepted time can be shown: its year has four digits.
fn shown(second: i64) {
    let (long, short) = (rfc3339(second), minute(Some(second)));
    assert!(long.len() == 20 && long.ends_with('Z'), "{second}: {long:?}");
    assert_eq!(long.replace('T', " ").get(..16), Some(short.as_str()));
}
