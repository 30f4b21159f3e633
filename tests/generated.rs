//! The man pages and completions in `packaging/` match the command line. `UPDATE=1 cargo test --test generated` writes
//! them.

#![expect(
    clippy::expect_used,
    clippy::format_push_string,
    reason = "a test that writes files, and text that is made once"
)]

use std::fs;
use std::path::{Path, PathBuf};

use clap::CommandFactory;
use clap_complete::Shell;
use hubgate::operator::cli::Cli;

/// Compares a generated text with the shipped file, or writes the file.
fn hold(file: &Path, text: &[u8], stale: &mut Vec<PathBuf>) {
    if std::env::var_os("UPDATE").is_some() {
        fs::create_dir_all(file.parent().expect("a directory")).expect("make the directory");
        fs::write(file, text).expect("write the file");
    }
    if fs::read(file).ok().as_deref() != Some(text) {
        stale.push(file.to_owned());
    }
}

/// The page of the configuration file, made from the shipped file: its comments are the reference.
fn config_page() -> String {
    let version = env!("CARGO_PKG_VERSION");
    let mut page = format!(
        ".TH HUBGATE.TOML 5 \"\" \"hubgate {version}\"\n.SH NAME\nhubgate.toml \\- configuration of hubgate\n\
         .SH SYNOPSIS\n/etc/hubgate/config.toml\n.SH DESCRIPTION\n"
    );
    let escape =
        |text: &str| text.replace('\\', "\\e").replace('-', "\\-").replace('\'', "\\(aq").replace('"', "\\(dq");
    let mut comment: Vec<String> = Vec::new();
    // An indented line is an item of a list. The line after a list starts a new line too.
    let mut in_list = false;
    for line in hubgate::operator::PACKAGED_CONFIG.lines() {
        if let Some(text) = line.strip_prefix("# ") {
            let is_item = text.starts_with(' ');
            if is_item || in_list {
                comment.push(".br".to_owned());
            }
            in_list = is_item;
            comment.push(escape(text.trim_start()));
        } else if let Some(setting) = line.strip_prefix('#') {
            page += &format!(".TP\n.B {}\n{}\n", escape(setting), comment.join("\n"));
            comment.clear();
            in_list = false;
        } else {
            if !comment.is_empty() {
                page += &format!("{}\n", comment.join("\n"));
                comment.clear();
            }
            if line.starts_with('[') {
                page += &format!(".SS {line}\n");
            }
        }
    }
    page + ".SH SEE ALSO\n.BR hubgate (8),\n.BR hubgate\\-gateway (8)\n"
}

/// The examples of a page, from the file beside it; a test in `tests/e2e/pages.rs` runs them.
fn examples(packaging: &Path, page: &str) -> String {
    let Ok(text) = fs::read_to_string(packaging.join(format!("man/examples/{page}.console"))) else {
        return String::new();
    };
    let escape = |text: &str| text.replace('\\', "\\e").replace('-', "\\-").replace('\'', "\\(aq");
    let mut section = ".SH EXAMPLES\n.nf\n".to_owned();
    for line in text.lines() {
        match line.strip_prefix("% ") {
            Some(prose) => section += &format!(".fi\n{}\n.PP\n.nf\n", escape(prose)),
            // A dot at the start of a line would be a request.
            None => section += &format!("\\&{}\n", escape(line)),
        }
    }
    section.replace(".SH EXAMPLES\n.nf\n.fi\n", ".SH EXAMPLES\n") + ".fi\n"
}

#[test]
fn man_pages_and_completions_match_the_command_line() {
    let packaging = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging");
    let mut stale = Vec::new();
    for (shell, name) in [(Shell::Bash, "hubgate.bash"), (Shell::Zsh, "_hubgate"), (Shell::Fish, "hubgate.fish")] {
        let mut text = Vec::new();
        clap_complete::generate(shell, &mut Cli::command(), "hubgate", &mut text);
        hold(&packaging.join("completions").join(name), &text, &mut stale);
    }
    let pages = tempfile::tempdir().expect("a directory");
    let man = Cli::command().disable_help_subcommand(true);
    clap_mangen::generate_to(man, pages.path()).expect("generate the pages");
    for page in fs::read_dir(pages.path()).expect("list the pages") {
        let page = page.expect("a page").path();
        let name = page.file_stem().expect("a name").to_str().expect("ASCII").to_owned() + ".8";
        let text = fs::read_to_string(&page).expect("read a page");
        // Commands of the administrator belong to section 8.
        let title = page.file_stem().expect("a name").to_str().expect("ASCII").to_uppercase();
        let heading = format!(".TH {title} 8 \"\" \"hubgate {}\"", env!("CARGO_PKG_VERSION"));
        let line = |line: &str| if line.starts_with(".TH ") { heading.clone() } else { line.replace("(1)", "(8)") };
        let text: String = text.lines().map(|text| line(text) + "\n").collect();
        let text = text + &examples(&packaging, name.trim_end_matches(".8"));
        hold(&packaging.join("man").join(name), text.as_bytes(), &mut stale);
    }
    // Written by hand, except for the examples.
    let gateway = packaging.join("man/hubgate-gateway.8");
    let text = fs::read_to_string(&gateway).expect("read the page");
    let (before, rest) = text.split_once(".SH EXAMPLES\n").expect("the examples");
    let (_, after) = rest.split_once(".SH SEE ALSO\n").expect("what follows");
    let page = format!("{before}{}.SH SEE ALSO\n{after}", examples(&packaging, "hubgate-gateway"));
    hold(&gateway, page.as_bytes(), &mut stale);
    hold(&packaging.join("man/hubgate.toml.5"), config_page().as_bytes(), &mut stale);
    assert!(stale.is_empty(), "stale: {stale:#?}\nrun: UPDATE=1 cargo test --test generated");
}

/// The commands that README.md names in its table for operators, each as words.
fn commands_of_readme() -> Vec<Vec<String>> {
    let readme = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).expect("README.md");
    let (_, table) = readme.split_once("| task | command |\n").expect("the table");
    let rows: String = table.lines().take_while(|line| line.starts_with('|')).collect();
    let mut commands = Vec::new();
    for text in rows.split('`').filter_map(|text| text.strip_prefix("hubgate ")) {
        let is_word = |word: &&str| word.bytes().all(|byte| byte.is_ascii_lowercase() || b"-\\|".contains(&byte));
        let words: Vec<&str> = text.split(' ').take_while(is_word).take_while(|word| !word.starts_with('-')).collect();
        let (last, first) = words.split_last().expect("a command");
        let first: Vec<String> = first.iter().map(ToString::to_string).collect();
        commands.extend(last.split("\\|").map(|last| [first.as_slice(), &[last.to_owned()]].concat()));
    }
    commands
}

#[test]
fn the_table_in_readme_has_every_command_and_no_other() {
    let mut listed = commands_of_readme();
    let mut left: Vec<(Vec<String>, clap::Command)> = vec![(Vec::new(), Cli::command())];
    let mut missing = Vec::new();
    while let Some((words, command)) = left.pop() {
        let is_listed = listed.contains(&words);
        listed.retain(|known| *known != words);
        let visible: Vec<&clap::Command> = command.get_subcommands().filter(|command| !command.is_hide_set()).collect();
        if visible.is_empty() && !is_listed {
            missing.push(words.join(" "));
        } else if !is_listed {
            let of = |command: &clap::Command| [words.as_slice(), &[command.get_name().to_owned()]].concat();
            left.extend(visible.into_iter().map(|command| (of(command), command.clone())));
        }
    }
    assert!(missing.is_empty() && listed.is_empty(), "README.md lacks {missing:?}, and has no command for {listed:?}");
}
