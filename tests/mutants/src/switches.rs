//! Writes all mutants of a source file into it, each behind a switch.
//!
//! A mutant is a change that cargo-mutants lists. `crate::mutant::is(N)` is true if mutant N is in force.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::ops::Range;

use proc_macro2::{LineColumn, Span};
use serde::{Deserialize, Serialize};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use crate::list::Mutant;

/// Text of the written file and the mutants that a compiler's error in it speaks of.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Owned {
    pub(crate) range: Range<usize>,
    pub(crate) ids: Vec<u32>,
    /// Whether the text is the mutant alone. Otherwise it is the expression that was rewritten.
    pub(crate) is_replacement: bool,
    /// Whether the mutant deletes the arm of a match that ends here.
    pub(crate) is_arm: bool,
}

/// A text that replaces a range of the source. Its parts can belong to mutants.
#[derive(Debug, Default)]
struct Edit {
    range: Range<usize>,
    text: String,
    parts: Vec<(Range<usize>, u32)>,
    /// The rewritten expression that begins or ends here.
    begins: Option<usize>,
    ends: Option<usize>,
}

impl Edit {
    fn at(offset: usize, text: &str) -> Self {
        Self::over(offset..offset, text)
    }

    fn over(range: Range<usize>, text: &str) -> Self {
        Self { range, text: text.to_owned(), ..Self::default() }
    }

    fn push(&mut self, text: &str) {
        self.text.push_str(text);
    }

    fn push_mutant(&mut self, text: &str, id: u32) {
        let start = self.text.len();
        self.text.push_str(text);
        self.parts.push((start..self.text.len(), id));
    }
}

/// The source with switches, and which mutants its parts belong to. Returns also the mutants that no rule can write.
pub(crate) fn write(source: &str, mutants: &[&Mutant]) -> Result<(String, Vec<Owned>, Vec<u32>), String> {
    let file = syn::parse_file(source).map_err(|error| error.to_string())?;
    let mut lines = vec![0];
    lines.extend(source.match_indices('\n').map(|(at, _)| at + 1));
    let (before, after, nodes, without) = (vec![], vec![], vec![], vec![]);
    let mut writer = Writer { source, lines, mutants: HashMap::new(), before, after, nodes, without };
    for mutant in mutants {
        let start = &mutant.span.start;
        let at = writer.offset(LineColumn { line: start.line, column: start.column - 1 });
        writer.mutants.entry((mutant.genre.clone(), at)).or_default().push((*mutant).clone());
    }
    writer.visit_file(&file);
    let left = writer.mutants.values().flatten().map(|mutant| mutant.id);
    let unwritten = left.chain(writer.without.iter().copied()).collect();
    let (text, owned) = writer.render();
    Ok((text, owned, unwritten))
}

struct Writer<'a> {
    source: &'a str,
    lines: Vec<usize>,
    mutants: HashMap<(String, usize), Vec<Mutant>>,
    /// Edits in the order of the visit: outer ones first.
    before: Vec<Edit>,
    after: Vec<Edit>,
    nodes: Vec<Vec<u32>>,
    /// Mutants that no rule can write.
    without: Vec<u32>,
}

impl Writer<'_> {
    fn offset(&self, at: LineColumn) -> usize {
        let start = self.lines[at.line - 1];
        let line = &self.source[start..];
        start + line.char_indices().nth(at.column).map_or(line.len(), |(offset, _)| offset)
    }

    fn range(&self, span: Span) -> Range<usize> {
        self.offset(span.start())..self.offset(span.end())
    }

    fn take(&mut self, genre: &str, at: usize) -> Vec<Mutant> {
        self.mutants.remove(&(genre.to_owned(), at)).unwrap_or_default()
    }

    fn node(&mut self, mut first: Edit, last: Edit, ids: Vec<u32>) {
        self.nodes.push(ids);
        first.begins = Some(self.nodes.len() - 1);
        self.before.push(first);
        self.after.push(Edit { ends: Some(self.nodes.len() - 1), ..last });
    }

    fn body(&mut self, signature: &syn::Signature, block: &syn::Block) {
        let Some(first) = block.stmts.first() else { return };
        let at = self.range(first.span()).start;
        let mut edit = Edit::at(at, "");
        let is_opaque = match &signature.output {
            syn::ReturnType::Type(_, output) => matches!(**output, syn::Type::ImplTrait(_)),
            syn::ReturnType::Default => false,
        };
        for mutant in self.take("FnValue", at) {
            if is_opaque {
                // All values must have one type, so an iterator is cut short. Other values have no switch.
                match block.stmts.last() {
                    Some(syn::Stmt::Expr(last, None)) if mutant.replacement == "::std::iter::empty()" => {
                        let range = self.range(last.span());
                        let end = format!(").take(if crate::mutant::is({}) {{ 0 }} else {{ usize::MAX }})", mutant.id);
                        self.node(Edit::at(range.start, "("), Edit::at(range.end, &end), vec![mutant.id]);
                    }
                    _ => self.without.push(mutant.id),
                }
                continue;
            }
            let _ = write!(edit.text, "if crate::mutant::is({}) {{ return ", mutant.id);
            edit.push_mutant(&mutant.replacement, mutant.id);
            edit.push("; } ");
        }
        self.before.push(edit);
    }

    /// Returns whether the left side is written as it is.
    fn binary(&mut self, binary: &syn::ExprBinary) -> bool {
        let operator = self.range(binary.op.span());
        let mutants = self.take("BinaryOperator", operator.start);
        if mutants.is_empty() {
            return false;
        }
        let whole = self.range(binary.span());
        let ids = mutants.iter().map(|mutant| mutant.id).collect();
        let (word, end) = (&self.source[operator.clone()], whole.end);
        match word {
            "&&" | "||" => {
                // The mutant is the other operator.
                let sign = if word == "&&" { "!=" } else { "==" };
                let is = mutants.iter().fold(String::new(), |mut all, mutant| {
                    let _ = write!(all, "{}crate::mutant::is({})", if all.is_empty() { "" } else { " | " }, mutant.id);
                    all
                });
                let middle = format!("; if __left {sign} ({is}) {{ ");
                self.node(Edit::at(whole.start, "({ let __left: bool = "), Edit::at(end, " } else { __left } })"), ids);
                self.before.push(Edit::over(operator, &middle));
            }
            "==" | "!=" | "<" | "<=" | ">" | ">=" => {
                let last = choose(end, ")) { (__left, __right) => ", &mutants, word, "*__left", "*__right");
                self.node(Edit::at(whole.start, "(match (&("), last, ids);
                self.before.push(Edit::over(operator, "), &("));
            }
            _ if word.ends_with('=') => {
                let left = self.source[whole.start..operator.start].to_owned();
                let last = choose(end, ") { __right => ", &mutants, word, &left, "__right");
                self.node(Edit::over(whole.start..operator.end, "(match ("), last, ids);
                return true;
            }
            _ => {
                let last = choose(end, ")) { (__left, __right) => ", &mutants, word, "__left", "__right");
                self.node(Edit::at(whole.start, "(match (("), last, ids);
                self.before.push(Edit::over(operator, "), ("));
            }
        }
        false
    }

    fn unary(&mut self, unary: &syn::ExprUnary) {
        let operator = self.range(unary.op.span());
        let mutants = self.take("UnaryOperator", operator.start);
        let Some(mutant) = mutants.first() else { return };
        let word = &self.source[operator.clone()];
        let mut last = Edit::at(self.range(unary.span()).end, "");
        let _ = write!(last.text, ") {{ __value => if crate::mutant::is({}) {{ ", mutant.id);
        last.push_mutant("__value", mutant.id);
        let _ = write!(last.text, " }} else {{ {word}__value }} }})");
        self.node(Edit::over(operator, "(match ("), last, vec![mutant.id]);
    }

    fn arm(&mut self, arm: &syn::Arm) {
        let deleted = self.take("MatchArm", self.range(arm.span()).start);
        let Some((_, guard)) = &arm.guard else {
            if let Some(mutant) = deleted.first() {
                let end = self.range(arm.pat.span()).end;
                let mut edit = Edit::at(end, "");
                edit.push_mutant(&format!(" if !crate::mutant::is({})", mutant.id), mutant.id);
                self.before.push(edit);
            }
            return;
        };
        let range = self.range(guard.span());
        let mutants = self.take("MatchArmGuard", range.start);
        let ids: Vec<u32> = deleted.iter().chain(&mutants).map(|mutant| mutant.id).collect();
        if ids.is_empty() {
            return;
        }
        let any = |of: Vec<&Mutant>| {
            let mut text = "false".to_owned();
            for mutant in of {
                let _ = write!(text, " || crate::mutant::is({})", mutant.id);
            }
            text
        };
        let never = any(deleted.iter().chain(mutants.iter().filter(|mutant| mutant.replacement == "false")).collect());
        let always = any(mutants.iter().filter(|mutant| mutant.replacement == "true").collect());
        let first = format!("(!({never}) && (({always}) || (");
        self.node(Edit::at(range.start, &first), Edit::at(range.end, ")))"), ids);
    }

    fn structure(&mut self, structure: &syn::ExprStruct) {
        let Some(rest) = &structure.rest else { return };
        let rest = self.source[self.range(rest.span())].to_owned();
        let path = &self.source[self.range(structure.path.span())];
        let base =
            if rest == "Default::default()" { format!("<{path} as ::std::default::Default>::default()") } else { rest };
        for field in &structure.fields {
            let range = self.range(field.span());
            let mutants = self.take("StructField", range.start);
            let Some(mutant) = mutants.first() else { continue };
            let name = &self.source[self.range(field.member.span())];
            let switch = format!("if crate::mutant::is({}) {{ {base}.{name} }} else {{ ", mutant.id);
            if field.colon_token.is_some() {
                let value = self.range(field.expr.span());
                self.node(Edit::at(value.start, &switch), Edit::at(value.end, " }"), vec![mutant.id]);
            } else {
                let text = format!(": {switch}{name} }}");
                self.node(Edit::at(range.end, &text), Edit::at(range.end, ""), vec![mutant.id]);
            }
        }
    }

    fn render(self) -> (String, Vec<Owned>) {
        // At the same place, what ends there comes first, the inner before the outer; then the outer beginnings.
        let mut edits: Vec<(usize, u8, usize, Edit)> = vec![];
        let count = self.after.len();
        for (order, edit) in self.before.into_iter().enumerate() {
            edits.push((edit.range.start, 1, order, edit));
        }
        for (order, edit) in self.after.into_iter().enumerate() {
            edits.push((edit.range.start, 0, count - order, edit));
        }
        edits.sort_by_key(|(at, kind, order, _)| (*at, *kind, *order));
        let (mut text, mut from) = (String::new(), 0);
        let (mut owned, mut begins) = (vec![], HashMap::new());
        for (at, _, _, edit) in edits {
            if at >= from {
                text.push_str(&self.source[from..at]);
                from = edit.range.end;
            }
            let start = text.len();
            if let Some(node) = edit.begins {
                begins.insert(node, start);
            }
            text.push_str(&edit.text);
            for (part, id) in edit.parts {
                let (range, is_arm) = (start + part.start..start + part.end, edit.text.starts_with(" if !"));
                owned.push(Owned { range, ids: vec![id], is_replacement: true, is_arm });
            }
            if let Some(node) = edit.ends {
                let range = begins.get(&node).copied().unwrap_or(start)..text.len();
                owned.push(Owned { range, ids: self.nodes[node].clone(), is_replacement: false, is_arm: false });
            }
        }
        text.push_str(&self.source[from..]);
        (text, owned)
    }
}

/// `) { … => if is(1) { left op1 right } else … { left word right } })`
fn choose(at: usize, first: &str, mutants: &[Mutant], word: &str, left: &str, right: &str) -> Edit {
    let mut edit = Edit::at(at, first);
    for mutant in mutants {
        let _ = write!(edit.text, "if crate::mutant::is({}) {{ ", mutant.id);
        edit.push_mutant(&format!("{left} {} {right}", mutant.replacement), mutant.id);
        edit.push(" } else ");
    }
    let _ = write!(edit.text, "{{ {left} {word} {right} }} }})");
    edit
}

impl<'ast> Visit<'ast> for Writer<'_> {
    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        // A constant function cannot read a switch.
        if function.sig.constness.is_none() {
            self.body(&function.sig, &function.block);
            visit::visit_item_fn(self, function);
        }
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        // A constant function cannot read a switch.
        if function.sig.constness.is_none() {
            self.body(&function.sig, &function.block);
            visit::visit_impl_item_fn(self, function);
        }
    }

    fn visit_trait_item_fn(&mut self, function: &'ast syn::TraitItemFn) {
        if let Some(block) = &function.default {
            self.body(&function.sig, block);
        }
        visit::visit_trait_item_fn(self, function);
    }

    fn visit_expr_binary(&mut self, binary: &'ast syn::ExprBinary) {
        if self.binary(binary) {
            // The left side is written twice, without switches.
            self.visit_expr(&binary.right);
        } else {
            visit::visit_expr_binary(self, binary);
        }
    }

    fn visit_expr_unary(&mut self, unary: &'ast syn::ExprUnary) {
        self.unary(unary);
        visit::visit_expr_unary(self, unary);
    }

    fn visit_arm(&mut self, arm: &'ast syn::Arm) {
        self.arm(arm);
        visit::visit_arm(self, arm);
    }

    fn visit_expr_struct(&mut self, structure: &'ast syn::ExprStruct) {
        self.structure(structure);
        visit::visit_expr_struct(self, structure);
    }
}
