//! Which file uses which: follows each path to the file that defines its target.

use std::collections::{BTreeMap, BTreeSet};

use super::source::{Crate, Named};

/// Files and the files that they use, by the paths of their modules.
pub(crate) type Graph = BTreeMap<Vec<String>, BTreeSet<Vec<String>>>;

/// The target of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// A file of the crate.
    File(Vec<String>),
    /// An external crate.
    Crate(String),
    /// A name of the same file or of the language.
    Own,
}

/// Follows a path to the file that defines its target, through all re-exports.
pub(crate) fn target(files: &Crate, named: &Named) -> Target {
    follow(files, named, 0)
}

fn follow(files: &Crate, named: &Named, depth: usize) -> Target {
    let Some(first) = named.segments.first() else { return Target::Own };
    let (mut module, mut rest) = match first.as_str() {
        "crate" | "hubgate" => (Vec::new(), named.segments.get(1..).unwrap_or_default()),
        "self" => (named.module.clone(), named.segments.get(1..).unwrap_or_default()),
        "super" => {
            let ups = named.segments.iter().take_while(|segment| *segment == "super").count();
            let length = named.module.len().saturating_sub(ups);
            (named.module.iter().take(length).cloned().collect(), named.segments.get(ups..).unwrap_or_default())
        }
        name => {
            let child = [named.module.as_slice(), &[name.to_owned()]].concat();
            if files.contains_key(&child) {
                (named.module.clone(), named.segments.as_slice())
            } else if named.binds.is_some() {
                return Target::Crate(name.to_owned());
            } else {
                // The `use` that imports the name is followed on its own; other names belong to a crate or to the file.
                return if binding(files, &named.module, name).is_some() {
                    Target::Own
                } else {
                    Target::Crate(name.to_owned())
                };
            }
        }
    };
    while let Some((name, after)) = rest.split_first() {
        let child = [module.as_slice(), std::slice::from_ref(name)].concat();
        if files.contains_key(&child) {
            module = child;
            rest = after;
            continue;
        }
        // Re-exported by the module, or defined in it.
        return match binding(files, &module, name).filter(|_| depth < 8) {
            Some(handed_on) => match follow(files, handed_on, depth + 1) {
                Target::Own | Target::Crate(_) => Target::File(file_of(files, &module)),
                target @ Target::File(_) => target,
            },
            None => Target::File(file_of(files, &module)),
        };
    }
    Target::File(file_of(files, &module))
}

/// The `use` that imports a name into a module.
fn binding<'a>(files: &'a Crate, module: &[String], name: &str) -> Option<&'a Named> {
    let source = files.get(&file_of(files, module))?;
    source.paths.iter().find(|named| named.module == module && named.binds.as_deref() == Some(name))
}

/// The file of a module; an inline module belongs to its parent's file.
fn file_of(files: &Crate, module: &[String]) -> Vec<String> {
    let mut module = module.to_vec();
    while !module.is_empty() && !files.contains_key(&module) {
        module.pop();
    }
    module
}

/// The files that each file uses.
///
/// A module that re-exports a name from a file beneath it does not use that file.
pub(crate) fn graph(files: &Crate) -> Graph {
    let uses = |(file, source): (&Vec<String>, &super::source::Source)| {
        let targets = source.paths.iter().filter_map(|named| match target(files, named) {
            Target::File(used) if used != *file && !(named.is_handed_on && used.starts_with(file)) => Some(used),
            Target::File(_) | Target::Crate(_) | Target::Own => None,
        });
        (file.clone(), targets.collect())
    };
    files.iter().map(uses).collect()
}

/// The circles: sets of several files, each of which leads to all others (Tarjan).
pub(crate) fn circles(graph: &Graph) -> Vec<BTreeSet<Vec<String>>> {
    let reach = |start: &Vec<String>| {
        let mut seen: BTreeSet<&Vec<String>> = BTreeSet::new();
        let mut next = vec![start];
        while let Some(file) = next.pop() {
            for used in graph.get(file).into_iter().flatten() {
                if seen.insert(used) {
                    next.push(used);
                }
            }
        }
        seen
    };
    let reached: BTreeMap<&Vec<String>, BTreeSet<&Vec<String>>> =
        graph.keys().map(|file| (file, reach(file))).collect();
    let leads = |from: &Vec<String>, to: &Vec<String>| reached.get(from).is_some_and(|seen| seen.contains(to));
    let mut circles: BTreeSet<BTreeSet<Vec<String>>> = BTreeSet::new();
    for file in graph.keys().filter(|file| leads(file, file)) {
        circles.insert(graph.keys().filter(|other| leads(file, other) && leads(other, file)).cloned().collect());
    }
    circles.into_iter().collect()
}
