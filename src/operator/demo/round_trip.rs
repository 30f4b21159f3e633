//! The steps that the demo shows: each command as a person would type it, and its result.

use std::path::Path;
use std::process::{Command, Stdio};

use super::place::{HOST, Place, find_program, own, say};
use crate::operator::failure::Failure;
use crate::operator::openssh::output;

struct Step<'a> {
    /// What the command demonstrates.
    why: &'a str,
    /// The command as shown.
    shown: String,
    command: Command,
    /// The expected exit status.
    status: i32,
    /// A text that the output must contain.
    expect: String,
}

/// Greets, clones, pushes, clones again and is refused, always through the demo's sshd.
pub(super) fn show(place: &Place) -> Result<(), Failure> {
    let work = place.dir.join("work");
    std::fs::create_dir(&work).map_err(|error| Failure::File(work.display().to_string(), error))?;
    let own = own()?;
    let key = place.dir.join("id_demo.pub");
    let repository = "demo/hello";
    let url = format!("{HOST}:{repository}");
    let hubgate = |words: &[&str]| {
        let mut command = Command::new(&own);
        command.arg("--config").arg(place.config()).args(words);
        (format!("hubgate {}", typed(words)), command)
    };
    let ssh = |host: &str| {
        let mut command = Command::new("ssh");
        command.arg("-F").arg(place.dir.join("ssh_config")).args(["-T", host]);
        (format!("ssh -T {host}"), command)
    };
    let git = |directory: &str, words: &[&str]| -> Result<(String, Command), Failure> {
        let mut command = Command::new(find_program("git")?);
        let ssh = format!("ssh -F {}/ssh_config", place.dir.display());
        command.env("GIT_SSH_COMMAND", ssh).env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
        for (key, value) in [("NAME", "Demo"), ("EMAIL", "demo@hub.demo")] {
            command.env(format!("GIT_AUTHOR_{key}"), value).env(format!("GIT_COMMITTER_{key}"), value);
        }
        command.args(words).current_dir(work.join(directory));
        Ok((format!("git {}", typed(words)), command))
    };
    let step = |why, (shown, command): (String, Command), status, expect: &str| {
        show_step(Step { why, shown, command, status, expect: expect.to_owned() })
    };

    step("an account, its key, its first repository", hubgate(&["user", "add", "demo"]), 0, "added demo")?;
    let key = key.to_string_lossy();
    step("", hubgate(&["key", "add", "demo", &key, "--title", "demo key"]), 0, "added \"demo key\"")?;
    step("", hubgate(&["repo", "create", repository, "--private"]), 0, "created the model")?;
    step("the greeting", ssh(HOST), 0, "Hi demo, welcome to Demo Hub.")?;
    step("clone, commit, push", git("", &["clone", &url, "hello"])?, 0, "Cloning into")?;
    let readme = work.join("hello/README.md");
    std::fs::write(&readme, "# hello\n").map_err(|error| Failure::File(readme.display().to_string(), error))?;
    step("", git("hello", &["add", "README.md"])?, 0, "")?;
    step("", git("hello", &["commit", "-m", "A first file"])?, 0, "A first file")?;
    step("", git("hello", &["push", "origin", "HEAD:main"])?, 0, "main")?;
    step("a large file, with the same key", git("hello", &["lfs", "install", "--local"])?, 0, "Git LFS initialized")?;
    step("", git("hello", &["lfs", "track", "*.bin"])?, 0, "Tracking")?;
    let weights = work.join("hello/weights.bin");
    std::fs::write(&weights, vec![42; 1 << 20]).map_err(|error| Failure::File(weights.display().to_string(), error))?;
    step("", git("hello", &["add", ".gitattributes", "weights.bin"])?, 0, "")?;
    step("", git("hello", &["commit", "-m", "Weights"])?, 0, "Weights")?;
    step("", git("hello", &["push", "origin", "HEAD:main"])?, 0, "main")?;
    step("", hubgate(&["lfs", "check", repository]), 0, "1 object, 1048576 bytes: no problems found")?;
    step("and back", git("", &["clone", &url, "again"])?, 0, "Cloning into")?;
    compare(&readme, &work.join("again/README.md"))?;
    step("", git("again", &["lfs", "install", "--local"])?, 0, "Git LFS initialized")?;
    step("", git("again", &["lfs", "pull"])?, 0, "")?;
    compare(&weights, &work.join("again/weights.bin"))?;
    step("a key on no account", ssh("stranger"), 0, "Hi anonymous, welcome to Demo Hub.")?;
    let stranger = format!("stranger:{repository}");
    step("it cannot see a private repository", git("", &["ls-remote", &stranger])?, 128, "repository not found")?;
    step("it may fetch a public repository", hubgate(&["repo", "visibility", repository, "public"]), 0, "is public")?;
    step("", git("", &["ls-remote", &stranger])?, 0, "refs/heads/main")?;
    step("but not push to it", git("hello", &["push", &stranger, "HEAD:main"])?, 128, "you have no write access")?;
    write_guide(place, hubgate(&["guide"]))
}

/// Writes the page for the people of the hub.
fn write_guide(place: &Place, (shown, mut command): (String, Command)) -> Result<(), Failure> {
    let page = place.guide();
    say(&format!("\n# a page for the people who use this hub\n$ {shown} > {}\n", page.display()));
    let output = output(command.arg("--sshd-config").arg(place.sshd_config()).stdin(Stdio::null()))?;
    if output.status.success() {
        return std::fs::write(&page, output.stdout).map_err(|error| Failure::File(page.display().to_string(), error));
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(Failure::Refused(format!("the demo failed: {shown} ended with {}: {}", output.status, said.trim())))
}

/// Words as a person would type them.
fn typed(words: &[&str]) -> String {
    let quoted = words.iter().map(|word| if word.contains(' ') { format!("'{word}'") } else { (*word).to_owned() });
    quoted.collect::<Vec<_>>().join(" ")
}

/// Shows a command, runs it, shows its output, and compares the result.
fn show_step(mut step: Step<'_>) -> Result<(), Failure> {
    if !step.why.is_empty() {
        say(&format!("\n# {}\n", step.why));
    }
    say(&format!("$ {}\n", step.shown));
    let output =
        step.command.stdin(Stdio::null()).output().map_err(|error| Failure::File(step.shown.clone(), error))?;
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    say(&text);
    if output.status.code() == Some(step.status) && text.contains(&step.expect) {
        return Ok(());
    }
    Err(Failure::Refused(format!(
        "the demo failed: {} ended with {}, expected status {} and {:?}",
        step.shown, output.status, step.status, step.expect
    )))
}

fn compare(pushed: &Path, cloned: &Path) -> Result<(), Failure> {
    let read = |path: &Path| std::fs::read(path).map_err(|error| Failure::File(path.display().to_string(), error));
    if read(pushed)? == read(cloned)? {
        return Ok(());
    }
    Err(Failure::Refused("the demo failed: the cloned file differs from the pushed file".to_owned()))
}

/// What the operator can try in another terminal.
pub(super) fn what_to_try(place: &Place, own: &Path) -> String {
    let Place { dir, .. } = place;
    let (dir, own) = (dir.display(), own.display());
    format!(
        "\nThe hub runs until Ctrl-C. In another terminal, as root:\n  \
         ssh -F {dir}/ssh_config -T {HOST}\n  \
         GIT_SSH_COMMAND='ssh -F {dir}/ssh_config' git clone {HOST}:demo/hello\n  \
         {own} --config {dir}/config.toml key list\n  \
         {own} --config {dir}/config.toml repo list\n  \
         {own} --config {dir}/config.toml doctor --sshd-config {dir}/sshd_config\n\
         The page for the people who use this hub, for a browser:\n  {}\n",
        place.guide().display()
    )
}
