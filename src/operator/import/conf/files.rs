//! Refexes of files as patterns of paths. Text enters; no I/O.
//!
//! gitolite compares `VREF/NAME/PATH` with a refex, for each file that differs between the old and the new commit of a
//! ref. [`refused`] finds patterns that match at least the files of a refex, and [`accepted`] at most these. Only
//! refexes of a few characters are read, because a file may have names that no ref has.

use super::refex::{EVERY, around, within};

/// What a refex for files begins with.
const NAME: &str = "VREF/NAME/";
const ROOT: &str = "refs/";
/// A directory with everything below it, and the same without the directory itself.
const BELOW: &str = "/**";
const INSIDE: &str = "/*";

/// Patterns for a rule that denies, and whether they match the same files. `None` if the refex is not read.
pub(super) fn refused(refex: &str) -> Option<(Vec<String>, bool)> {
    let found = around(&plain(refex)?, false);
    (!found.patterns.is_empty()).then(|| (found.patterns.iter().map(|pattern| path(pattern)).collect(), found.is_exact))
}

/// Patterns for a rule that allows. `None` if no pattern says the same.
pub(super) fn accepted(refex: &str) -> Option<Vec<String>> {
    let found = within(&plain(refex)?);
    // A pattern of paths also matches what is below a file of this name.
    let is_same = found.is_exact && !found.patterns.is_empty();
    let is_open = found.patterns.iter().all(|pattern| pattern.ends_with(EVERY));
    (is_same && is_open).then(|| found.patterns.iter().map(|pattern| path(pattern)).collect())
}

/// The refex as one of refs, if it is of files and has nothing that a file can have and a ref cannot.
fn plain(refex: &str) -> Option<String> {
    let rest = refex.strip_prefix(NAME)?;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/_-.@,$()|+*\\".contains(c);
    let dots = rest.matches("\\.").count();
    // A backslash stands before a dot only. `USER` would be a user.
    let is_read = rest.chars().all(is_plain) && rest.matches('\\').count() == dots && !rest.contains("USER");
    is_read.then(|| format!("{ROOT}{rest}"))
}

/// A pattern of refs as one of paths.
fn path(pattern: &str) -> String {
    let path = pattern.strip_prefix(ROOT).unwrap_or(pattern);
    path.strip_suffix(BELOW).map_or_else(|| path.to_owned(), |directory| format!("{directory}{INSIDE}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refex_of_files_denies_at_least_its_files_and_allows_at_most_these() {
        for (refex, denied, allowed) in [
            ("VREF/NAME/", Some("**"), Some("**")),
            ("VREF/NAME/.*", Some("**"), Some("**")),
            ("VREF/NAME/doc/", Some("doc/*"), Some("doc/*")),
            ("VREF/NAME/Makefile", Some("Makefile**"), Some("Makefile**")),
            ("VREF/NAME/src/a\\.c", Some("src/a.c**"), Some("src/a.c**")),
            ("VREF/NAME/src/.*\\.h$", Some("src/**.h"), None),
            ("VREF/NAME/Makefile$", Some("Makefile"), None),
            ("VREF/NAME/(a|b)/", Some("a/* b/*"), Some("a/* b/*")),
            ("VREF/NAME/a.c", Some("a**c**"), None),
            ("VREF/NAME/ab+", Some("a**"), None),
            ("VREF/NAME/a|b", Some("**"), None),
            ("VREF/NAME/[ab]", None, None),
            ("VREF/NAME/a\\*b", None, None),
            ("VREF/NAME/a\\d", None, None),
            ("VREF/NAME/u/USER/", None, None),
            ("VREF/COUNT/9", None, None),
            ("refs/heads/x", None, None),
        ] {
            assert_eq!(refused(refex).map(|(patterns, _)| patterns.join(" ")).as_deref(), denied, "{refex}");
            assert_eq!(accepted(refex).map(|patterns| patterns.join(" ")).as_deref(), allowed, "{refex}");
        }
        let is_exact = |refex| refused(refex).is_some_and(|(_, is_exact)| is_exact);
        assert!(is_exact("VREF/NAME/doc/") && !is_exact("VREF/NAME/a.c"));
    }
}
