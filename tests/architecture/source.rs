//! The names in the source as the compiler sees them: files, their modules, and the paths in them.
//!
//! `proc-macro2` splits files into tokens, so comments and strings are never mistaken for code, and the arguments of
//! macros are read like other code. Code for tests is skipped.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::str::FromStr;

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// A path in a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Named {
    /// Its segments, as written.
    pub(crate) segments: Vec<String>,
    /// The module that contains it, as a path from the crate's root.
    pub(crate) module: Vec<String>,
    /// In a `use`, the name that it imports.
    pub(crate) binds: Option<String>,
    /// Whether a `pub use` re-exports it.
    pub(crate) is_handed_on: bool,
}

/// One file of the crate.
#[derive(Debug, Default)]
pub(crate) struct Source {
    /// All paths in it, in order.
    pub(crate) paths: Vec<Named>,
    /// The number of conditions on each feature.
    pub(crate) features: BTreeMap<String, usize>,
}

/// The files of a crate, by the paths of their modules.
pub(crate) type Crate = BTreeMap<Vec<String>, Source>;

/// Reads the files of a directory that belong to the program.
pub(crate) fn read(root: &Path) -> Crate {
    let mut files = Crate::new();
    let mut directories = vec![root.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(&directory).expect("a directory of the source") {
            let path = entry.expect("an entry").path();
            let name = path.file_stem().and_then(|name| name.to_str()).expect("a name");
            if name == "tests" {
                continue;
            }
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let relative = path.strip_prefix(root).expect("beneath the root").with_extension("");
                let mut module: Vec<String> = relative.iter().map(|part| part.to_string_lossy().into_owned()).collect();
                if matches!(module.last().map(String::as_str), Some("mod" | "lib")) {
                    module.pop();
                }
                let text = fs::read_to_string(&path).expect("a file of the source");
                let source = parse(&text, &module);
                files.insert(module, source);
            }
        }
    }
    files
}

/// Reads one file as the module with this path.
pub(crate) fn parse(text: &str, module: &[String]) -> Source {
    let tokens = TokenStream::from_str(text).expect("tokens of Rust");
    let mut source = Source::default();
    walk(tokens, module, &mut source);
    source
}

fn walk(tokens: TokenStream, module: &[String], source: &mut Source) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut at = 0;
    let mut is_public = false;
    while let Some(token) = tokens.get(at) {
        at += 1;
        match token {
            TokenTree::Punct(punct) if punct.as_char() == '#' => {
                let inner = tokens.get(at).is_some_and(|next| is_punct(next, '!'));
                at += usize::from(inner);
                let Some(TokenTree::Group(attribute)) = tokens.get(at) else { continue };
                at += 1;
                let text = attribute.stream().to_string().replace(' ', "");
                if let Some((_, rest)) = text.split_once("feature=\"") {
                    let feature = rest.split('"').next().unwrap_or_default();
                    *source.features.entry(feature.to_owned()).or_default() += 1;
                }
                if (text == "cfg(test)" || text.starts_with("cfg(all(test,")) && !inner {
                    at = end_of_item(&tokens, at);
                } else {
                    walk(attribute.stream(), module, source);
                }
            }
            TokenTree::Ident(ident) => {
                let word = ident.to_string();
                match word.as_str() {
                    "pub" => {
                        is_public = true;
                        if let Some(TokenTree::Group(group)) = tokens.get(at) {
                            at += usize::from(group.delimiter() == Delimiter::Parenthesis);
                        }
                        continue;
                    }
                    "use" => {
                        let end = tokens.iter().skip(at).position(|token| is_punct(token, ';')).map_or(at, |n| at + n);
                        let tree = tokens.get(at..end).unwrap_or_default();
                        use_tree(tree, &[], module, is_public, source);
                        at = end + 1;
                    }
                    "mod" => {
                        // An inline module has its own level.
                        if let (Some(TokenTree::Ident(name)), Some(TokenTree::Group(body))) =
                            (tokens.get(at), tokens.get(at + 1))
                        {
                            let inner = [module, &[name.to_string()]].concat();
                            walk(body.stream(), &inner, source);
                            at += 2;
                        } else {
                            at += 1;
                        }
                    }
                    _ => {
                        // After `<T as Trait>::`, a path continues that began elsewhere.
                        let goes_on = at >= 3 && tokens.get(at - 3..at - 1).is_some_and(|two| two.iter().all(is_colon));
                        let mut segments = vec![word];
                        while let Some(name) = segment(&tokens, at) {
                            segments.push(name);
                            at += 3;
                        }
                        if segments.len() > 1 && !goes_on {
                            let module = module.to_vec();
                            source.paths.push(Named { segments, module, binds: None, is_handed_on: false });
                        }
                    }
                }
            }
            TokenTree::Group(group) => walk(group.stream(), module, source),
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
        is_public = false;
    }
}

/// The segment after a `::`.
fn segment(tokens: &[TokenTree], at: usize) -> Option<String> {
    let [first, second, TokenTree::Ident(name)] = tokens.get(at..at + 3)? else { return None };
    (is_colon(first) && is_colon(second)).then(|| name.to_string())
}

fn is_colon(token: &TokenTree) -> bool {
    is_punct(token, ':')
}

/// The end of a skipped item: after its body or its semicolon.
fn end_of_item(tokens: &[TokenTree], start: usize) -> usize {
    let is_use = tokens.iter().skip(start).take(3).any(|token| token.to_string() == "use");
    let ends = |token: &TokenTree| match token {
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace && !is_use,
        token => is_punct(token, ';'),
    };
    tokens.iter().skip(start).position(ends).map_or(tokens.len(), |length| start + length + 1)
}

/// Reads the tree of a `use` after a prefix.
fn use_tree(tokens: &[TokenTree], prefix: &[String], module: &[String], is_public: bool, source: &mut Source) {
    let mut segments = prefix.to_vec();
    let mut binds = None;
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        at += 1;
        match token {
            TokenTree::Ident(ident) if *ident == "as" => {
                binds = tokens.get(at).map(ToString::to_string);
                at += 1;
            }
            TokenTree::Ident(ident) => segments.push(ident.to_string()),
            TokenTree::Group(group) => return use_group(group, &segments, module, is_public, source),
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
    }
    if segments.len() > 1 && segments.last().is_some_and(|last| last == "self") {
        segments.pop();
    }
    let binds = binds.or_else(|| segments.last().cloned());
    source.paths.push(Named { segments, module: module.to_vec(), binds, is_handed_on: is_public });
}

fn use_group(group: &Group, prefix: &[String], module: &[String], is_public: bool, source: &mut Source) {
    let tokens: Vec<TokenTree> = group.stream().into_iter().collect();
    for tree in tokens.split(|token| is_punct(token, ',')).filter(|tree| !tree.is_empty()) {
        use_tree(tree, prefix, module, is_public, source);
    }
}

fn is_punct(token: &TokenTree, character: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == character)
}
