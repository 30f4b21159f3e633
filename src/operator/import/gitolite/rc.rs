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
        if !is_understood(code) {
            strange.insert(format!("{}: this Perl is not read", line.trim()));
        }
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

/// Whether a line without its comment has only what gitolite's own example has: `%RC = (`, keys with numbers or texts
/// in quotes, lists, tables, and `1;`. Any other Perl could turn on a feature.
fn is_understood(code: &str) -> bool {
    let mut rest = String::new();
    let mut parts = code.split_inclusive(['\'', '"']);
    while let Some(part) = parts.next() {
        let Some(quote) = part.chars().next_back().filter(|c| "'\"".contains(*c)) else {
            rest.push_str(part);
            break;
        };
        rest.push_str(part.trim_end_matches(quote));
        let mut quoted = String::new();
        while !quoted.ends_with(quote) {
            let Some(more) = parts.next() else { return false };
            quoted.push_str(more);
        }
        if !is_plain_text(quoted.trim_end_matches(quote), quote) {
            return false;
        }
    }
    let rest = rest.replace("%RC =", " ").replace("=>", " > ");
    let words: Vec<&str> = rest.split([' ', '\t', ',', ';', '(', ')', '[', ']', '{', '}']).collect();
    let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
    words.iter().enumerate().all(|(at, word)| {
        let is_key = word.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c));
        let is_number = word.chars().all(|c| c.is_ascii_digit() || c == '.');
        *word == ">" || is_number || is_key && words.get(at + 1) == Some(&">")
    })
}

/// Whether Perl takes a text in these quotes as it stands. Only paths of gitolite's example may have a variable.
fn is_plain_text(text: &str, quote: char) -> bool {
    let of_paths = ["$ENV{HOME}/", "$rc{GL_ADMIN_BASE}/"];
    let text = of_paths.iter().fold(text.to_owned(), |text, path| text.replace(path, ""));
    match quote {
        '"' => !text.contains(['\\', '$', '@']),
        _ => !text.ends_with('\\'),
    }
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
        let known = "%RC = (\n GIT_CONFIG_KEYS => 'core\\.x .*',\n UMASK  =>  0077, LIMIT => 0.1,\n\
                     LOCAL_CODE => \"$rc{GL_ADMIN_BASE}/local\",\n ROLES => { A => 1, },\n\
                     ENABLE => [ 'a', \"Shell $ENV{HOME}/users\", ],\n);\n1;\n";
        assert_eq!(enabled(known).1, Vec::<String>::new());
        for perl in [
            "ENABLE => [ qw( keysubdirs-as-groups help ), ],",
            "push @{ $RC{ENABLE} }, 'macros';",
            "ENABLE => [ q(macros) ],",
            "ENABLE => [ 'a', \"$x\" ],",
            "'one line",
            "ENABLE => [ 'a\\', 'b', ],",
            "ENABLE => [ \"\\x6dacros\" ],",
            "$REF_OR_FILENAME_PATT = qr(^[0-9]);",
            "do '/etc/more';",
            "__END__",
            "ENABLE => features(),",
            "ENABLE => [ lc 'MACROS' ],",
        ] {
            let (_, strange) = enabled(&format!("%RC = (\n{perl}\n);\n"));
            assert_eq!(strange, [format!("{perl}: this Perl is not read")]);
        }
        let (_, strange) = enabled("# GROUPLIST_PGM => 'x'\n GROUPLIST_PGM => '/bin/groups',\n'refex-expr'\n");
        assert_eq!(strange.len(), 2, "{strange:?}");
    }
}
