//! `.gitolite.rc`: which features gitolite has. Text enters; no I/O.

use std::collections::BTreeSet;

/// Features that change what `gitolite.conf` means, and that are not read here.
const STRANGE: [(&str, &str); 3] = [
    ("GROUPLIST_PGM", "another program says who belongs to a group"),
    ("SYNTACTIC_SUGAR", "other programs change what the lines of gitolite.conf mean"),
    ("refex-expr", "rules can have expressions of refexes"),
];

/// The words in quotes that are not in a comment, roles as `role:NAME`, and what cannot be read here.
///
/// The file is Perl, of which this reads what gitolite's own example has.
pub(super) fn enabled(text: &str) -> (BTreeSet<String>, Vec<String>) {
    let mut words = BTreeSet::new();
    let mut strange = BTreeSet::new();
    let mut is_in_roles = false;
    for line in text.lines() {
        let code = without_comment(line);
        for quote in ['\'', '"'] {
            // The text between the first two quotes, the next two, and so on.
            let quoted = code.split(quote).skip(1).step_by(2);
            words.extend(quoted.filter_map(|text| text.split_whitespace().next()).map(str::to_owned));
        }
        if is_in_roles || code.contains("ROLES") {
            let names = code.split(|c: char| !(c.is_ascii_alphanumeric() || "-_".contains(c)));
            words.extend(
                names
                    .filter(|name| !name.is_empty() && *name != "ROLES" && name.parse::<u32>().is_err())
                    .map(|name| format!("role:{name}")),
            );
            is_in_roles = !code.contains('}');
        }
        for (word, why) in STRANGE {
            if code.contains(word) {
                strange.insert(format!("{word}: {why}"));
            }
        }
    }
    (words, strange.into_iter().collect())
}

/// A line up to a `#` that is not in quotes.
fn without_comment(line: &str) -> &str {
    let mut quote = None;
    for (at, c) in line.char_indices() {
        match (quote, c) {
            (None, '#') => return line.get(..at).unwrap_or(line),
            (None, '\'' | '"') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            _ => {}
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_are_those_outside_comments() {
        let text = "%RC = (\n  ROLES => {\n    READERS => 1,\n    TESTERS => 1,\n  },\n  ENABLE => [\n    'help',\n\
                    \x20   # 'macros',\n    'continuation-lines', # 'x'\n    \"renice 10\",\n  ],\n);\n1;\n";
        let (words, strange) = enabled(text);
        let expected = ["continuation-lines", "help", "renice", "role:READERS", "role:TESTERS"];
        assert_eq!(words.into_iter().collect::<Vec<_>>(), expected);
        assert_eq!(strange, Vec::<String>::new());
        let (_, strange) = enabled("# GROUPLIST_PGM => 'x'\n GROUPLIST_PGM => '/bin/groups',\n'refex-expr'\n");
        assert_eq!(strange.len(), 2, "{strange:?}");
    }
}
