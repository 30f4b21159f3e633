//! The words of a command line, as git quotes them.

/// Undoes git's quoting: the whole of `word` is `'…'`, with `'` written as `'\''` and `!` as `'\!'`. `None` otherwise.
///
/// A bare `!` inside quotes is taken as well: dulwich does not escape it.
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

/// Where a word that begins with a quote ends: behind the quote that no escaped character follows.
pub(super) fn end_of_quoted(text: &str) -> Option<usize> {
    let mut end = 1;
    loop {
        end += text.get(end..)?.find('\'')? + 1;
        // `'\''` and `'\!'` go on with the word.
        match text.get(end..)?.strip_prefix('\\') {
            Some(escaped) if escaped.get(1..)?.starts_with('\'') => end += 3,
            _ => return Some(end),
        }
    }
}
