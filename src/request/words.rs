//! The words of a command line, as git quotes them.

/// Undoes git's quoting: the whole `word` is `'…'`, with `'` written as `'\''` and `!` as `'\!'`. Returns `None` for
/// other words.
///
/// A bare `!` inside quotes is also accepted, because dulwich does not escape it.
#[must_use]
pub fn unquote(word: &str) -> Option<String> {
    let mut rest = word.strip_prefix('\'')?;
    let mut text = String::with_capacity(word.len());
    loop {
        let (quoted, after) = rest.split_once('\'')?;
        text.push_str(quoted);
        if after.is_empty() {
            return Some(text);
        }
        let mut escaped = after.strip_prefix('\\')?.chars();
        text.push(escaped.next().filter(|c| matches!(c, '\'' | '!'))?);
        rest = escaped.as_str().strip_prefix('\'')?;
    }
}

/// The end of a word that begins with a quote. The word ends after the first quote that no escaped character follows.
pub(super) fn end_of_quoted(text: &str) -> Option<usize> {
    let mut end = 1;
    loop {
        end += text.get(end..)?.find('\'')? + 1;
        // After `'\''` and `'\!'` the word continues.
        match text.get(end..)?.strip_prefix('\\') {
            Some(escaped) if escaped.get(1..)?.starts_with('\'') => end += 3,
            _ => return Some(end),
        }
    }
}
