//! Tests of the check itself, on small sources with deliberate faults.

use std::collections::BTreeSet;

use super::graph::{circles, graph};
use super::source::{Crate, parse};
use super::{Layer, wrong_arrows, wrong_outside};

const LAYERS: [Layer; 2] = [("programs", &[("top", "low"), ("other", "")]), ("names", &[("low", "")])];

/// A crate with these files, each with the path of its module.
fn crate_of(files: &[(&str, &str)]) -> Crate {
    let file = |(module, text): &(&str, &str)| {
        let module: Vec<String> = module.split("::").filter(|part| !part.is_empty()).map(str::to_owned).collect();
        let source = parse(text, &module);
        (module, source)
    };
    files.iter().map(file).collect()
}

/// A crate in which the module `low` has this text.
fn with_low(text: &str) -> Crate {
    crate_of(&[("top", "use crate::low::Name;"), ("other", ""), ("low", text), ("low::part", "")])
}

#[test]
fn a_wrong_use_is_found_in_every_form() {
    assert_eq!(wrong_arrows(&with_low("pub struct Name;"), &LAYERS), [""; 0]);
    for text in [
        "use crate::top::Thing;",
        "use crate::{top::Thing, low};",
        "use super::top;",
        "pub(crate) use crate::top::Thing as Other;",
        "fn f() -> crate::top::Thing { loop {} }",
        "fn f() { let thing: Option<&crate::top::Thing> = None; }",
        "fn f() { format!(\"{}\", crate::top::thing()); }",
        "#[derive(Debug)] struct S { #[from] field: super::top::Thing }",
        "mod inner { use super::super::top::Thing; }",
        "#[cfg(feature = \"x\")] use crate::top::Thing;",
        "macro_rules! m { () => { $crate::top::Thing }; }",
    ] {
        assert_eq!(wrong_arrows(&with_low(text), &LAYERS), ["low uses top"], "{text}");
    }
}

#[test]
fn only_code_of_the_program_counts() {
    for text in [
        "// use crate::top::Thing;",
        "/// See [`crate::top::Thing`].\npub struct Name;",
        "const TEXT: &str = \"use crate::top::Thing;\";",
        "#[cfg(test)] mod tests { use crate::top::Thing; }",
        "#[cfg(test)] use crate::{top::Thing};",
        "#[cfg(test)] fn f() -> u8 { crate::top::thing() }",
    ] {
        assert_eq!(wrong_arrows(&with_low(text), &LAYERS), [""; 0], "{text}");
    }
    let after = "#[cfg(test)] mod tests { use super::Name; } use crate::top::Thing;";
    assert_eq!(wrong_arrows(&with_low(after), &LAYERS), ["low uses top"]);
}

#[test]
fn the_table_itself_is_checked() {
    let files = with_low("");
    let up: [Layer; 2] = [("programs", &[("top", "low"), ("other", "")]), ("names", &[("low", "top")])];
    assert_eq!(wrong_arrows(&files, &up), ["low does not use top", "low of the names may not use top"]);
    let across: [Layer; 2] = [("programs", &[("top", "low other"), ("other", "")]), ("names", &[("low", "")])];
    assert_eq!(
        wrong_arrows(&files, &across),
        ["top does not use other", "the program top may not use the program other"]
    );
    assert_eq!(
        wrong_arrows(&files, &LAYERS[..1]),
        ["low, which top uses, is in no layer", "the module low is in no layer"]
    );
}

#[test]
fn circles_through_reexports_are_found() {
    let straight = [("a", "pub use b::B;"), ("a::b", "use super::c::C;"), ("a::c", "pub struct C;")];
    assert_eq!(circles(&graph(&crate_of(&straight))), []);
    // `super::B` belongs to `b`, not to the parent.
    let round = [("a", "pub use b::B;"), ("a::b", "use super::c::C;"), ("a::c", "use super::B;")];
    let circle = ["b", "c"].map(|name| vec!["a".to_owned(), name.to_owned()]);
    assert_eq!(circles(&graph(&crate_of(&round))), [BTreeSet::from(circle)]);
    let parent = [("a", "fn f() { b::g() }"), ("a::b", "use super::f;")];
    assert_eq!(circles(&graph(&crate_of(&parent))).len(), 1);
}

#[test]
fn crates_and_processes_are_found_in_every_form() {
    let outside = [("rusqlite", "db"), ("std::process::Command", "git")];
    let files =
        |text| crate_of(&[("db", "use rusqlite::Row;"), ("git", "use std::process::{Child, Command};"), ("x", text)]);
    assert_eq!(wrong_outside(&files(""), &outside), [""; 0]);
    for (text, wrong) in [
        ("fn f(row: &rusqlite::Row<'_>) {}", "x uses rusqlite"),
        ("use rusqlite::{self, Row};", "x uses rusqlite"),
        ("use std::process::Command;", "x uses std::process::Command"),
        ("use std::process; fn f() { process::Command::new(\"sh\"); }", "x uses std::process::Command"),
        ("fn f() { std::process::Command::new(\"sh\"); }", "x uses std::process::Command"),
    ] {
        assert_eq!(wrong_outside(&files(text), &outside), [wrong], "{text}");
    }
    let unused = crate_of(&[("db", ""), ("git", "use std::process::Command;")]);
    assert_eq!(wrong_outside(&unused, &outside), ["db does not use rusqlite"]);
}
