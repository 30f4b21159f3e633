//! Rules for paths: which accounts may change which files. No I/O here.
//!
//! A rule is `allow|deny PATTERN WHO…`, and several are separated by `;`. The first rule that names the identity and
//! the path decides. If `by-ref` stands before them, they are about what a push changes of a ref as a whole.

use std::fmt::{self, Display};
use std::str::FromStr;

use super::{GranteeRow, Pattern, Subject, Verdict, WHO_MAX, Who};

/// The longest list of rules in the database, in bytes.
const STORED_MAX: usize = 4_000;
/// The longest list of rules that is read. A name has at most a hundred times as many bytes as its row.
const TEXT_MAX: usize = 100 * STORED_MAX;
/// What a pattern of refs begins with.
const ROOT: &str = "refs/";
/// Stands before rules that compare refs.
const BY_REF: &str = "by-ref";
/// Everything in a directory.
const BELOW: &str = "/**";
/// What separates rules, and what separates words in the form that is one word.
const SEPARATORS: [char; 2] = [';', '|'];

/// Why a text is no list of rules for paths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "rules for paths are: allow|deny PATTERN WHO..., separated by ; such as: allow docs/** bob; deny ** @everyone. \
     A pattern has * for one level and ** for any. by-ref; may stand before them"
)]
pub struct BadPathRules;

/// A pattern of paths: `*` stands for any characters of one level, `**` for any levels, and `{user}` for the name of
/// the account that pushes. It matches a path and everything below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathPattern {
    exact: Pattern,
    /// The same in lower case.
    lower: Pattern,
}

impl PathPattern {
    fn new(exact: Pattern) -> Self {
        // A valid pattern is also valid in lower case.
        let lower = exact.as_str().to_ascii_lowercase().parse().unwrap_or_else(|_| exact.clone());
        Self { exact, lower }
    }

    fn as_str(&self) -> &str {
        self.exact.as_str().strip_prefix(ROOT).unwrap_or_default()
    }

    /// Whether a path in lower case is above all that the pattern matches. What is there in place of a directory is a
    /// file, or a link or a submodule, which can lead to other files.
    fn is_below(&self, lower: &[u8]) -> bool {
        self.lower.literal().as_bytes().strip_prefix(lower).is_some_and(|rest| rest.starts_with(b"/"))
    }
}

impl FromStr for PathPattern {
    type Err = BadPathRules;

    fn from_str(text: &str) -> Result<Self, BadPathRules> {
        if text.starts_with('/') || text.contains(SEPARATORS) {
            return Err(BadPathRules);
        }
        // A pattern for a directory also matches everything in the directory.
        let text = text.strip_suffix(BELOW).unwrap_or(text);
        format!("{ROOT}{text}").parse().map(Self::new).map_err(|_| BadPathRules)
    }
}

impl Display for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A rule for paths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathRule<U> {
    /// Allow or deny.
    pub verdict: Verdict,
    /// Which paths.
    pub pattern: PathPattern,
    /// The identities that it concerns.
    pub who: Vec<Who<U>>,
}

/// Rules for paths. The first rule that matches decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathRules<U> {
    /// Whether the content of a ref before a push is compared with that behind it, as gitolite does. A new or removed
    /// ref has nothing on one side. Otherwise each new commit is compared with its parents.
    pub by_ref: bool,
    /// In the order in which they are asked.
    pub rules: Vec<PathRule<U>>,
}

impl<U> Default for PathRules<U> {
    fn default() -> Self {
        Self { by_ref: false, rules: Vec::new() }
    }
}

impl<U> PathRules<U> {
    /// The rules with `change` applied to each user and team.
    ///
    /// # Errors
    /// Those of `change`.
    pub fn with_names<V, E>(&self, mut change: impl FnMut(&U) -> Result<V, E>) -> Result<PathRules<V>, E> {
        let rule = |PathRule { verdict, pattern, who }: &PathRule<U>| {
            let who = who.iter().map(|who| who.with_name(&mut change)).collect::<Result<_, E>>()?;
            Ok(PathRule { verdict: *verdict, pattern: pattern.clone(), who })
        };
        let rules = self.rules.iter().map(rule).collect::<Result<_, E>>()?;
        Ok(PathRules { by_ref: self.by_ref, rules })
    }
}

impl PathRules<GranteeRow> {
    /// The rules that concern an identity, as rules for everyone.
    #[must_use]
    pub fn applied(&self, subject: &Subject<'_>) -> Self {
        let user = subject.user();
        let applied = self.rules.iter().filter(|rule| rule.who.iter().any(|who| subject.is_named(rule.verdict, who)));
        let rule = |PathRule { verdict, pattern, .. }: &PathRule<GranteeRow>| {
            let pattern = PathPattern::new(pattern.exact.for_user(user)?);
            Some(PathRule { verdict: *verdict, pattern, who: vec![Who::Everyone] })
        };
        Self { by_ref: self.by_ref, rules: applied.filter_map(rule).collect() }
    }

    /// The pattern of the rule that denies a change of a path. The rules must be those that [`Self::applied`] returns.
    ///
    /// A rule that denies also matches a path that differs only in upper and lower case, because macOS and Windows
    /// treat both paths as one, and a path that would take the place of a directory above the pattern.
    #[must_use]
    pub fn denies(&self, path: &[u8]) -> Option<&PathPattern> {
        let exact = [ROOT.as_bytes(), path].concat();
        let lower = exact.to_ascii_lowercase();
        let is_named = |PathRule { verdict, pattern, .. }: &&PathRule<GranteeRow>| match verdict {
            Verdict::Allow => pattern.exact.matches_above(&exact),
            Verdict::Deny => pattern.lower.matches_above(&lower) || pattern.is_below(&lower),
        };
        self.rules.iter().find(is_named).filter(|rule| rule.verdict == Verdict::Deny).map(|rule| &rule.pattern)
    }
}

impl<U: Display> PathRules<U> {
    /// The rules as one word, as the database has them.
    #[must_use]
    pub fn word(&self) -> String {
        self.text("|", ";")
    }

    fn text(&self, blank: &str, end: &str) -> String {
        let rule = |PathRule { verdict, pattern, who }: &PathRule<U>| {
            let who: Vec<String> = who.iter().map(ToString::to_string).collect();
            format!("{verdict}{blank}{pattern}{blank}{}", who.join(blank))
        };
        let by_ref = self.by_ref.then(|| BY_REF.to_owned());
        by_ref.into_iter().chain(self.rules.iter().map(rule)).collect::<Vec<_>>().join(end)
    }

    /// Whether the rules are not too long for the database.
    #[must_use]
    pub fn fit(&self) -> bool {
        self.word().len() <= STORED_MAX
    }
}

impl<U: Display> Display for PathRules<U> {
    /// For people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text(" ", "; "))
    }
}

impl<U: FromStr> FromStr for PathRules<U> {
    type Err = BadPathRules;

    /// Reads the form for people and the form that is one word.
    fn from_str(text: &str) -> Result<Self, BadPathRules> {
        if text.len() > TEXT_MAX {
            return Err(BadPathRules);
        }
        let rule = |text: &str| {
            let mut words = text.split([' ', '|']).filter(|word| !word.is_empty());
            let verdict = words.next()?.parse().ok()?;
            let pattern = words.next()?.parse().ok()?;
            let who: Vec<Who<U>> = words.map(|word| word.parse().ok()).collect::<Option<_>>()?;
            (1..=WHO_MAX).contains(&who.len()).then_some(PathRule { verdict, pattern, who })
        };
        let (by_ref, rules) = match text.split_once(';') {
            Some((first, rules)) if first.trim_matches(' ') == BY_REF => (true, rules),
            Some(_) | None => (false, text),
        };
        let rules = rules.split(';').map(rule).collect::<Option<_>>().ok_or(BadPathRules)?;
        Ok(Self { by_ref, rules })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::Grantee;

    fn rules(text: &str) -> PathRules<GranteeRow> {
        text.parse().unwrap()
    }

    #[test]
    fn rules_for_paths_read_back_in_both_forms_and_other_texts_are_refused() {
        for (text, shown) in [
            ("deny .github/** @write", "deny .github @write"),
            ("allow docs bob @admin;deny ** @everyone", "allow docs bob @admin; deny ** @everyone"),
            ("allow|users/{user}/**|@write", "allow users/{user} @write"),
            ("deny **/*.pem @deploy-keys", "deny **/*.pem @deploy-keys"),
            (" by-ref ;allow docs/* bob; deny ** bob", "by-ref; allow docs/* bob; deny ** bob"),
        ] {
            let rules: PathRules<Grantee> = text.parse().unwrap();
            assert_eq!(rules.to_string(), shown);
            assert_eq!(rules.to_string().parse(), Ok(rules.clone()));
            assert!(!rules.word().contains(' '));
            assert_eq!(rules.word().parse(), Ok(rules));
        }
        for text in [
            "",
            "deny",
            "deny a",
            "a @write",
            "refuse a @write",
            "deny /a @write",
            "deny a @nobody",
            "deny a @write;",
            "deny a//b @write",
            "deny a?b @write",
            "deny a/../b[ @write",
            "by-ref",
            "by-ref;",
            "by-ref deny a @write",
            "deny a @write; by-ref",
            "by-ref; by-ref; deny a @write",
        ] {
            assert_eq!(text.parse::<PathRules<Grantee>>(), Err(BadPathRules), "{text}");
        }
        assert_eq!("deny a bob".parse::<PathRules<GranteeRow>>(), Err(BadPathRules), "a name is no row");
        assert_eq!("deny a #1".parse::<PathRules<Grantee>>(), Err(BadPathRules), "a row is no name");
    }

    #[test]
    fn the_first_rule_that_names_a_path_or_its_directory_decides() {
        let found = |text: &str, path: &str| rules(text).denies(path.as_bytes()).map(ToString::to_string);
        let github = "deny .github/** @everyone";
        for path in [".github", ".github/x", ".github/a/b", ".GitHub/x"] {
            assert_eq!(found(github, path).as_deref(), Some(".github"), "{path}");
        }
        for path in ["github/x", "a/.github/x", ".githubx", ".github2/x", ""] {
            assert_eq!(found(github, path), None, "{path}");
        }
        let docs = "allow docs/** @everyone; deny ** @everyone";
        assert_eq!(found(docs, "docs/a"), None);
        // A directory in another case is another one, except on macOS and Windows.
        assert_eq!(found(docs, "Docs/a").as_deref(), Some("**"));
        assert_eq!(found(docs, "x").as_deref(), Some("**"));
        let keys = "deny **/*.pem @everyone";
        for path in ["a.pem", "x/y/a.pem", "x/A.PEM", "a.pem/below"] {
            assert!(found(keys, path).is_some(), "{path}");
        }
        assert_eq!(found("deny *.pem @everyone", "a.pem").as_deref(), Some("*.pem"));
        assert_eq!(found("deny *.pem @everyone", "x/a.pem"), None);
        let deep = "deny Config/prod/** @everyone";
        for path in ["config", "Config", "config/prod", "config/prod/x"] {
            assert_eq!(found(deep, path).as_deref(), Some("Config/prod"), "{path}");
        }
        for path in ["config/x", "conf", "config/prod2", "x/config", ""] {
            assert_eq!(found(deep, path), None, "{path}");
        }
        let bytes = rules("deny ** @everyone");
        assert!(bytes.denies(b"\xff\n").is_some());
    }
}
