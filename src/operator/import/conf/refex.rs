//! Refexes of gitolite as patterns of refs. Text enters; no I/O.
//!
//! A refex is a regular expression that begins where the ref begins and may end before the ref ends. Where no pattern
//! says the same, [`within`] finds patterns that match fewer refs, for a rule that allows. [`around`] finds patterns
//! that match more, for a rule that denies.

use super::regex::{Node, parse};
use crate::access::rule::Pattern;

/// The most patterns that one refex becomes.
const MOST: usize = 40;
/// Stands for `USER` in what is read as a regular expression. No ref has it.
const USER: char = '\u{1}';
/// The pattern of every ref.
pub(super) const EVERY: &str = "**";

/// Patterns in place of a refex.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Patterns {
    pub(super) patterns: Vec<String>,
    /// Whether they match the same refs.
    pub(super) is_exact: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Within,
    /// For users with a dot in their names, `{user}` is too narrow: gitolite reads the name as an expression.
    Around {
        has_dotted_users: bool,
    },
}

/// A part of one alternative of a refex.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Char(char),
    /// `.`
    One,
    /// `.*`
    Any,
    /// `.+`
    Some,
    /// `[^/]*`
    Level,
    /// `[^/]+`
    SomeLevel,
    /// `$`
    End,
}

/// Patterns that match only refs that a refex matches. The list is empty if there is no such pattern.
pub(super) fn within(refex: &str) -> Patterns {
    let node = read(refex);
    let expanded = node.as_ref().and_then(expand);
    let Some(alternatives) = expanded else { return Patterns { patterns: Vec::new(), is_exact: false } };
    let mut is_exact = !node.as_ref().is_some_and(is_loose);
    let mut patterns = Vec::new();
    for parts in alternatives {
        match written(&parts, Side::Within) {
            Some(Written { pattern, is_same }) => {
                is_exact &= is_same;
                patterns.extend(pattern);
            }
            None => is_exact = false,
        }
    }
    patterns.dedup();
    Patterns { patterns, is_exact }
}

/// Patterns that match all refs that a refex matches, and perhaps more.
pub(super) fn around(refex: &str, has_dotted_users: bool) -> Patterns {
    let side = Side::Around { has_dotted_users };
    let node = read(refex);
    let expanded = node.as_ref().filter(|node| !is_loose(node)).and_then(expand);
    let written: Option<Vec<Written>> = expanded.and_then(|all| all.iter().map(|parts| written(parts, side)).collect());
    match written {
        Some(written) => {
            let is_exact = written.iter().all(|written| written.is_same);
            let mut patterns: Vec<String> = written.into_iter().filter_map(|written| written.pattern).collect();
            patterns.dedup();
            Patterns { patterns, is_exact }
        }
        None => Patterns { patterns: vec![beginning(node.as_ref(), side)], is_exact: false },
    }
}

fn read(refex: &str) -> Option<Node> {
    // gitolite replaces only the first `/USER/`.
    parse(&refex.replacen("/USER/", &format!("/{USER}/"), 1))
}

/// Whether the refex has alternatives of which only the first begins where the ref begins.
fn is_loose(node: &Node) -> bool {
    matches!(node, Node::Either(_))
}

/// The pattern of all refs that begin as a refex does.
fn beginning(node: Option<&Node>, side: Side) -> String {
    let mut parts = Vec::new();
    if let Some(Node::Sequence(nodes)) = node {
        let chars = nodes.iter().map_while(|node| if let Node::Char(c) = node { Some(*c) } else { None });
        parts.extend(chars.map(Part::Char));
    }
    match written(&parts, side) {
        Some(Written { pattern: Some(pattern), .. }) => pattern,
        _ => EVERY.to_owned(),
    }
}

/// The alternatives of an expression; `None` if there are too many, or if one has a part that no pattern has.
fn expand(node: &Node) -> Option<Vec<Vec<Part>>> {
    let one = |part| Some(vec![vec![part]]);
    match node {
        Node::Char(c) => one(Part::Char(*c)),
        Node::Any => one(Part::One),
        Node::End => one(Part::End),
        Node::Set(ranges, false) => {
            let chars: Vec<char> = ranges.iter().flat_map(|(first, last)| *first..=*last).take(MOST + 1).collect();
            (chars.len() <= MOST).then(|| chars.into_iter().map(|c| vec![Part::Char(c)]).collect())
        }
        Node::Set(_, true) => None,
        Node::Sequence(nodes) => {
            nodes.iter().try_fold(vec![Vec::new()], |before, node| joined(&before, &expand(node)?))
        }
        Node::Either(nodes) => {
            let all: Vec<Vec<Part>> = nodes.iter().map(expand).collect::<Option<Vec<_>>>()?.concat();
            (all.len() <= MOST).then_some(all)
        }
        Node::Repeat(node, least, None) => match (node.as_ref(), least) {
            (Node::Any, 0) => one(Part::Any),
            (Node::Any, 1) => one(Part::Some),
            (Node::Set(ranges, true), 0) if ranges.as_slice() == [('/', '/')] => one(Part::Level),
            (Node::Set(ranges, true), 1) if ranges.as_slice() == [('/', '/')] => one(Part::SomeLevel),
            _ => None,
        },
        Node::Repeat(node, least, Some(most)) => {
            let once = expand(node)?;
            let mut all = Vec::new();
            let mut times = vec![Vec::new()];
            for count in 0..=*most {
                if count >= *least {
                    all.extend(times.clone());
                }
                if count < *most {
                    times = joined(&times, &once)?;
                }
            }
            (all.len() <= MOST).then_some(all)
        }
    }
}

fn joined(before: &[Vec<Part>], behind: &[Vec<Part>]) -> Option<Vec<Vec<Part>>> {
    let is_short = |parts: &Vec<Part>| parts.len() <= 255;
    let all = before.iter().flat_map(|before| behind.iter().map(|behind| [before.as_slice(), behind].concat()));
    let all: Vec<Vec<Part>> = all.take(MOST + 1).collect();
    (all.len() <= MOST && all.iter().all(is_short)).then_some(all)
}

/// One alternative as a pattern.
struct Written {
    /// `None` if it matches no ref.
    pattern: Option<String>,
    /// Whether it matches the same refs as the alternative.
    is_same: bool,
}

/// Writes one alternative; `None` if there is no such pattern on that side.
fn written(parts: &[Part], side: Side) -> Option<Written> {
    let (parts, is_closed) = match parts.split_last() {
        Some((Part::End, before)) => (before, true),
        _ => (parts, false),
    };
    let mut is_same = true;
    let mut text = String::new();
    // Adjacent parts that match any text become one part. An open end is such a part.
    let mut simple: Vec<Part> = Vec::new();
    let open = if is_closed { None } else { Some(&Part::Any) };
    for part in parts.iter().chain(open) {
        match (simple.last(), part) {
            (_, Part::End) => return None,
            (Some(Part::Any), Part::Any | Part::Level) | (Some(Part::Level), Part::Level) => {}
            (Some(Part::Level), Part::Any) => {
                simple.pop();
                simple.push(Part::Any);
            }
            _ => simple.push(*part),
        }
    }
    let mut index = 0;
    while let Some(part) = simple.get(index) {
        let behind = simple.get(index + 1..).unwrap_or_default();
        let begins_level = text.ends_with('/');
        let ends_level = matches!(behind.first(), None | Some(Part::Char('/')));
        // Nothing follows but the open end.
        let is_last = matches!(behind, [] | [Part::Any]);
        index += 1;
        match part {
            Part::Char(USER) if side == (Side::Around { has_dotted_users: true }) => {
                is_same = false;
                text.push('*');
            }
            Part::Char(USER) => text.push_str("{user}"),
            // No ref has these.
            Part::Char('*' | '?' | '[' | '\\' | '^' | '~' | ':') => return Some(Written { pattern: None, is_same }),
            Part::Char(c) => text.push(*c),
            Part::One if side == Side::Within => {
                is_same = false;
                text.push('.');
            }
            Part::Level => text.push('*'),
            // A level of a ref is never empty.
            Part::SomeLevel if begins_level && ends_level => text.push('*'),
            // The text between two slashes is not empty either. In a pattern, `/**/` also matches one slash.
            Part::Any | Part::Some if begins_level && behind.first() == Some(&Part::Char('/')) => {
                text.push_str("*/**");
                if behind == [Part::Char('/'), Part::Any] {
                    index = simple.len();
                }
            }
            Part::Any => text.push_str(EVERY),
            Part::SomeLevel | Part::Some if begins_level && is_last => {
                text.push_str(EVERY);
                index = simple.len();
            }
            Part::SomeLevel | Part::Some if side == Side::Within => return None,
            Part::SomeLevel => {
                is_same = false;
                text.push('*');
            }
            Part::Some | Part::One => {
                is_same = false;
                text.push_str(EVERY);
                while matches!(
                    simple.get(index),
                    Some(Part::Any | Part::One | Part::Some | Part::Level | Part::SomeLevel)
                ) {
                    index += 1;
                }
            }
            Part::End => return None,
        }
    }
    let text = if text == "refs/**" { EVERY.to_owned() } else { text };
    let is_pattern = text.len() <= 255 && text.parse::<Pattern>().is_ok();
    is_pattern.then_some(Written { pattern: Some(text), is_same })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refex_becomes_the_patterns_that_say_the_same() {
        for (refex, patterns) in [
            ("refs/.*", "**"),
            ("refs/", "**"),
            ("refs/heads/", "refs/heads/**"),
            ("refs/heads/master", "refs/heads/master**"),
            ("refs/heads/master$", "refs/heads/master"),
            ("refs/heads/dev/", "refs/heads/dev/**"),
            ("refs/heads/dev/.*", "refs/heads/dev/**"),
            ("refs/heads/dev/.+", "refs/heads/dev/**"),
            ("refs/heads/dev/.*$", "refs/heads/dev/**"),
            ("refs/heads/users/USER/", "refs/heads/users/{user}/**"),
            ("refs/heads/USER/x/USER/", "refs/heads/{user}/x/USER/**"),
            ("refs/heads/USER", "refs/heads/USER**"),
            ("refs/heads/[^/]+/x$", "refs/heads/*/x"),
            ("refs/heads/[^/]*x$", "refs/heads/*x"),
            ("refs/heads/[^/]*[^/]*x$", "refs/heads/*x"),
            ("refs/.+/x", "refs/*/**/x**"),
            ("refs/heads/[^/]+$", "refs/heads/*"),
            ("refs/heads/[^/]+", "refs/heads/**"),
            ("refs/heads/.*x", "refs/heads/**x**"),
            ("refs/heads/a/.*/b$", "refs/heads/a/*/**/b"),
            ("refs/heads/a/.*/", "refs/heads/a/*/**"),
            ("refs/heads/(master|dev)$", "refs/heads/master refs/heads/dev"),
            ("refs/heads/v1\\.0$", "refs/heads/v1.0"),
            ("refs/tags/v[0-2]", "refs/tags/v0** refs/tags/v1** refs/tags/v2**"),
            ("refs/tags/v\\d$", &(0..10).map(|n| format!("refs/tags/v{n}")).collect::<Vec<_>>().join(" ")),
            ("refs/heads/ab?c$", "refs/heads/ac refs/heads/abc"),
            ("refs/heads/a{2}$", "refs/heads/aa"),
            ("refs/heads/a\\*b", ""),
        ] {
            let expected: Vec<&str> = patterns.split(' ').filter(|pattern| !pattern.is_empty()).collect();
            for found in [within(refex), around(refex, false)] {
                assert_eq!(
                    (found.patterns, found.is_exact),
                    (expected.iter().map(|p| (*p).to_owned()).collect(), true),
                    "{refex}"
                );
            }
        }
    }

    #[test]
    fn a_refex_without_a_pattern_allows_less_and_denies_more() {
        for (refex, allowed, denied) in [
            ("refs/tags/v1.0$", "refs/tags/v1.0", "refs/tags/v1**0"),
            ("refs/tags/v[0-9]+", "", "refs/tags/v**"),
            ("refs/heads/[^x]", "", "refs/heads/**"),
            ("refs/heads/master|dev", "refs/heads/master**", "**"),
            ("refs/heads/a|refs/heads/b$", "refs/heads/a** refs/heads/b", "**"),
            ("refs/heads/ab*c", "", "refs/heads/a**"),
            ("refs/heads/a.+b", "", "refs/heads/a**b**"),
            ("refs/heads/^x", "", "**"),
            ("refs/heads/(?=x)", "", "**"),
            ("refs/heads/x//y", "", "**"),
            ("refs/heads/[a-z][a-z]", "", "refs/heads/**"),
        ] {
            let (allows, denies) = (within(refex), around(refex, false));
            assert_eq!((allows.patterns.join(" ").as_str(), allows.is_exact), (allowed, false), "{refex}");
            assert_eq!((denies.patterns.join(" ").as_str(), denies.is_exact), (denied, false), "{refex}");
        }
        // In gitolite, the dot of a name matches every character.
        assert_eq!(around("refs/heads/USER/", true).patterns, ["refs/heads/*/**"]);
    }
}
