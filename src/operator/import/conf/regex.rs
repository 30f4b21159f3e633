//! Regular expressions of gitolite: the part of Perl's expressions that names of repositories and refs use. Text
//! enters; no I/O.

use std::collections::BTreeSet;

/// The deepest nesting of groups, and the most repetitions that a count may ask for.
const DEPTH_MAX: usize = 8;
const COUNT_MAX: usize = 100;

/// A regular expression without a part that this module does not understand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Node {
    Char(char),
    /// `.`
    Any,
    /// `[…]`: the ranges, and whether it is every other character.
    Set(Vec<(char, char)>, bool),
    Sequence(Vec<Node>),
    Either(Vec<Node>),
    /// At least and at most so often.
    Repeat(Box<Node>, usize, Option<usize>),
    /// `$`
    End,
}

/// Reads an expression; `None` if it has anything that is not understood here.
pub(super) fn parse(text: &str) -> Option<Node> {
    let mut reader = Reader { rest: text.chars().collect(), at: 0 };
    let node = reader.either(0)?;
    reader.peek().is_none().then_some(node)
}

/// Whether an expression matches a whole name.
pub(super) fn matches(node: &Node, name: &str) -> bool {
    let name: Vec<char> = name.chars().collect();
    next(node, &name, &BTreeSet::from([0])).contains(&name.len())
}

/// The places that an expression reaches in a name from these places.
fn next(node: &Node, name: &[char], from: &BTreeSet<usize>) -> BTreeSet<usize> {
    let one = |is: &dyn Fn(char) -> bool| -> BTreeSet<usize> {
        from.iter().filter(|at| name.get(**at).is_some_and(|c| is(*c))).map(|at| at + 1).collect()
    };
    match node {
        Node::Char(wanted) => one(&|c| c == *wanted),
        Node::Any => one(&|_| true),
        Node::Set(ranges, is_other) => one(&|c| contains(ranges, c) != *is_other),
        Node::Sequence(nodes) => nodes.iter().fold(from.clone(), |from, node| next(node, name, &from)),
        Node::Either(nodes) => nodes.iter().flat_map(|node| next(node, name, from)).collect(),
        Node::Repeat(node, least, most) => {
            let mut reached = (0..*least).fold(from.clone(), |from, _| next(node, name, &from));
            let mut new = reached.clone();
            let mut count = *least;
            while !new.is_empty() && most.is_none_or(|most| count < most) {
                new = next(node, name, &new).difference(&reached).copied().collect();
                reached.extend(&new);
                count += 1;
            }
            reached
        }
        Node::End => from.iter().copied().filter(|at| *at == name.len()).collect(),
    }
}

fn contains(ranges: &[(char, char)], c: char) -> bool {
    ranges.iter().any(|(first, last)| (*first..=*last).contains(&c))
}

struct Reader {
    rest: Vec<char>,
    at: usize,
}

impl Reader {
    fn peek(&self) -> Option<char> {
        self.rest.get(self.at).copied()
    }

    fn take(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += 1;
        Some(c)
    }

    fn take_if(&mut self, wanted: char) -> bool {
        let is = self.peek() == Some(wanted);
        self.at += usize::from(is);
        is
    }

    fn either(&mut self, depth: usize) -> Option<Node> {
        let mut nodes = vec![self.sequence(depth)?];
        while self.take_if('|') {
            nodes.push(self.sequence(depth)?);
        }
        Some(if nodes.len() == 1 { nodes.remove(0) } else { Node::Either(nodes) })
    }

    fn sequence(&mut self, depth: usize) -> Option<Node> {
        let mut nodes = Vec::new();
        while let Some(c) = self.peek() {
            if matches!(c, '|' | ')') {
                break;
            }
            let node = self.atom(depth)?;
            nodes.push(self.repeated(node)?);
        }
        Some(Node::Sequence(nodes))
    }

    fn atom(&mut self, depth: usize) -> Option<Node> {
        match self.take()? {
            '(' if depth < DEPTH_MAX && self.peek() != Some('?') => {
                let node = self.either(depth + 1)?;
                self.take_if(')').then_some(node)
            }
            '[' => self.set(),
            '.' => Some(Node::Any),
            '$' => Some(Node::End),
            '\\' => {
                let ranges = self.escaped()?;
                match ranges.as_slice() {
                    [(first, last)] if first == last => Some(Node::Char(*first)),
                    _ => Some(Node::Set(ranges, false)),
                }
            }
            '^' | '(' | ')' | '*' | '+' | '?' | '{' | '}' | ']' => None,
            c => Some(Node::Char(c)),
        }
    }

    /// Reads what follows a backslash.
    fn escaped(&mut self) -> Option<Vec<(char, char)>> {
        match self.take()? {
            'd' => Some(vec![('0', '9')]),
            'w' => Some(vec![('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')]),
            c if c.is_ascii_punctuation() => Some(vec![(c, c)]),
            _ => None,
        }
    }

    fn set(&mut self) -> Option<Node> {
        let is_other = self.take_if('^');
        let mut ranges = Vec::new();
        loop {
            let first = match self.take()? {
                ']' if !ranges.is_empty() => return Some(Node::Set(ranges, is_other)),
                // `[]` and `[[:alpha:]]` mean other things in other places.
                ']' | '[' => return None,
                '\\' => {
                    let escaped = self.escaped()?;
                    match escaped.as_slice() {
                        [(first, last)] if first == last => *first,
                        _ => {
                            ranges.extend(escaped);
                            continue;
                        }
                    }
                }
                c => c,
            };
            if self.peek() == Some('-') && self.rest.get(self.at + 1).is_some_and(|c| *c != ']') {
                self.at += 1;
                let last = self.take()?;
                if !(first.is_ascii_alphanumeric() && last.is_ascii_alphanumeric() && first <= last) {
                    return None;
                }
                ranges.push((first, last));
            } else {
                ranges.push((first, first));
            }
        }
    }

    fn repeated(&mut self, node: Node) -> Option<Node> {
        let (least, most) = match self.peek() {
            Some('*') => (0, None),
            Some('+') => (1, None),
            Some('?') => (0, Some(1)),
            Some('{') => {
                let (least, most) = self.counts()?;
                self.at -= 1;
                (least, most)
            }
            _ => return Some(node),
        };
        self.at += 1;
        // A second sign makes a repetition lazy or possessive.
        let is_plain = !matches!(self.peek(), Some('*' | '+' | '?' | '{')) && node != Node::End;
        is_plain.then(|| Node::Repeat(Box::new(node), least, most))
    }

    /// `{2}`, `{2,}` or `{2,4}`.
    fn counts(&mut self) -> Option<(usize, Option<usize>)> {
        let open = self.at + 1;
        let length = self.rest.get(open..)?.iter().position(|c| *c == '}')?;
        let text: String = self.rest.get(open..open + length)?.iter().collect();
        self.at = open + length + 1;
        let number = |text: &str| {
            let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse().ok().filter(|number| is_number && *number <= COUNT_MAX)
        };
        match text.split_once(',') {
            None => number(&text).map(|count| (count, Some(count))),
            Some((least, "")) => Some((number(least)?, None)),
            Some((least, most)) => {
                let (least, most) = (number(least)?, number(most)?);
                (least <= most).then_some((least, Some(most)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_matches_the_same_names_as_in_perl() {
        for (expression, names, others) in [
            ("foo", "foo", "fo food Foo"),
            ("foo/.*", "foo/ foo/a foo/a/b", "foo fooa/b"),
            ("foo/..*", "foo/a foo/ab", "foo/ foo"),
            ("[a-c]x[0-9]+", "ax1 cx22", "dx1 ax x1"),
            ("[^/]+/x", "a/x ab/x", "/x a/b/x"),
            ("(a|bc)d?", "a ad bc bcd", "d abc ab"),
            ("v\\d\\.\\d", "v1.2", "v1x2 v1."),
            ("a{2}", "aa", "a aaa"),
            ("a{2,}", "aa aaaa", "a"),
            ("a{1,2}b", "ab aab", "b aaab"),
            ("(ab)*c", "c abc ababc", "abab ac"),
            ("a|b$", "a b", "ab c"),
            ("(a*)*b", "b aab", "a"),
            ("x[.]y[a\\d]", "x.y1 x.ya", "xzy1"),
        ] {
            let node = parse(expression).unwrap();
            for name in names.split(' ') {
                assert!(matches(&node, name), "{expression} {name}");
            }
            for name in others.split(' ') {
                assert!(!matches(&node, name), "{expression} {name}");
            }
        }
    }

    #[test]
    fn an_expression_that_could_mean_something_else_is_not_understood() {
        let deep = format!("{}a{}", "(".repeat(9), ")".repeat(9));
        for expression in [
            "^a",
            "a**",
            "a*?",
            "a++",
            "(?=a)",
            "(a",
            "a)",
            "[a",
            "[]a]",
            "[[:alpha:]]",
            "[z-a]",
            "a{",
            "a{x}",
            "a{1,0}",
            "a{200}",
            "*a",
            "\\b",
            "\\1",
            "a\\",
            "a{1}{2}",
            "$*",
            &deep,
        ] {
            assert_eq!(parse(expression), None, "{expression}");
        }
    }

    #[test]
    fn a_long_name_and_a_bad_expression_end_at_once() {
        let node = parse("(a*)*(a|a)*(a*a*)*b").unwrap();
        assert!(!matches(&node, &"a".repeat(500)));
    }
}
