//! What the page says. Every sentence of it stands here, and holds for this configuration.

use super::document::{Block, Document, Line, Section, Span, command, line, paragraph};
use crate::config::{AnonymousMode, Config, LfsMode};
use crate::operator::host_keys::HostKey;

/// A key where ssh-keygen puts it.
const KEY: &str = "~/.ssh/id_ed25519";

/// What the page is about.
pub(super) struct Facts<'a> {
    pub(super) config: &'a Config,
    pub(super) keys: &'a [HostKey],
    /// Whether an organization has a CA.
    pub(super) has_authorities: bool,
}

/// The page of a hub.
pub(super) fn page(facts: &Facts<'_>) -> Document {
    let certificates = facts.has_authorities.then(|| facts.certificates());
    let before =
        [facts.hub(), Facts::existing_key(), Facts::new_key(), facts.add(), facts.test(), facts.clone_and_push()];
    let after = [facts.systems(), facts.trouble()];
    Document {
        title: format!("Git over SSH at {}", facts.config.hub.name),
        introduction: vec![
            paragraph(
                "With a key on your account, git clones, pushes and transfers large files over SSH. You need no \
                 password and no token.",
                &[],
            ),
            paragraph("Replace words in capitals, such as `OWNER` or `CODE`, by your own.", &[]),
        ],
        sections: before
            .into_iter()
            .chain([facts.large_files(), facts.settings()])
            .chain(certificates)
            .chain(after)
            .collect(),
        end: line(
            "This page was written by `hubgate guide`, from the configuration and the host keys of this hub.",
            &[],
        ),
    }
}

impl Facts<'_> {
    fn mode(&self) -> AnonymousMode {
        self.config.access.anonymous
    }

    /// The beginning of a command, such as `ssh git@hub.example`.
    fn ssh(&self) -> String {
        self.config.address().ssh()
    }

    fn url(&self, path: &str) -> String {
        self.config.address().url(path)
    }

    fn hub(&self) -> Section {
        let address = self.config.address();
        let code = |text: String| vec![Span::Code(text)];
        let text = |text: &str| vec![Span::Text(text.to_owned())];
        let mut rows = vec![
            [text("Host"), code(address.host.to_owned())],
            [text("Port"), code(address.port.to_string())],
            [text("Login"), code(address.login.to_owned())],
        ];
        if self.mode() == AnonymousMode::Login {
            rows.push([text("Anonymous login"), code(self.config.ssh.anonymous_login.clone())]);
        }
        rows.extend(
            self.keys.iter().map(|key| {
                [vec![Span::Text(format!("Host key, {}", key.label()))], code(key.fingerprint().to_string())]
            }),
        );
        Section {
            id: "hub",
            title: "The hub",
            blocks: vec![
                Block::Table(rows),
                paragraph(
                    "At your first connection, ssh shows the fingerprint of the host key and asks whether you want to \
                     continue. Answer `yes` only if this page has that fingerprint.",
                    &[],
                ),
                paragraph("Or add these lines to `~/.ssh/known_hosts`. ssh then compares the key itself:", &[]),
                Block::Lines(self.keys.iter().map(|key| key.known_hosts(&address)).collect()),
            ],
        }
    }

    fn existing_key() -> Section {
        Section {
            id: "existing-key",
            title: "Look for a key",
            blocks: vec![
                command("ls ~/.ssh/*.pub"),
                paragraph(
                    "A file such as `id_ed25519.pub` is the public half of a key, and you can use that key here. You may \
                     give a public key to everyone. The file without `.pub` is the private half: give it to nobody.",
                    &[],
                ),
                paragraph("If `ls` finds no such file, make a key. The hub accepts these types:", &[]),
                Block::List(vec![
                    line("Ed25519, which is the best choice for a new key", &[]),
                    line("ECDSA with 256, 384 or 521 bits", &[]),
                    line("RSA with 2,048 to 16,384 bits", &[]),
                    line("Ed25519 and ECDSA in a security key (FIDO), whose types begin with `sk-`", &[]),
                ]),
                paragraph("A key can be on one account only.", &[]),
            ],
        }
    }

    fn new_key() -> Section {
        Section {
            id: "new-key",
            title: "Make a key",
            blocks: vec![
                command("ssh-keygen -t ed25519"),
                paragraph(
                    "Press Enter to accept the place of the file. Then choose a passphrase, which protects the key if \
                     the file is stolen.",
                    &[],
                ),
                paragraph(
                    "An agent keeps the key in memory, so that you type the passphrase once. Most desktops start one. \
                     Otherwise, start it yourself:",
                    &[],
                ),
                Block::Commands(vec!["eval \"$(ssh-agent -s)\"".to_owned(), format!("ssh-add {KEY}")]),
                paragraph(
                    "With a security key, make the key by `ssh-keygen -t ed25519-sk`. Each use then asks for a touch.",
                    &[],
                ),
            ],
        }
    }

    fn add(&self) -> Section {
        let mut blocks = match self.mode() {
            AnonymousMode::Off => vec![
                paragraph("Send the public key to the operators of the hub. They add it to your account.", &[]),
                command(format!("cat {KEY}.pub")),
            ],
            mode => {
                let (address, input) = match mode {
                    AnonymousMode::Login => (self.config.anonymous_address(), String::new()),
                    AnonymousMode::Fallback => (self.config.address(), format!(" < {KEY}.pub")),
                    AnonymousMode::AnyKey | AnonymousMode::Off => (self.config.address(), String::new()),
                };
                let which = if mode == AnonymousMode::Fallback {
                    "The hub adds the key of that file to your account, and the answer names it."
                } else {
                    "The hub adds the key of this connection to your account, and the answer names it."
                };
                vec![
                    paragraph("The operators of the hub give you a code, which works once:", &[]),
                    command(format!("{} join CODE{input}", address.ssh())),
                    paragraph(which, &[]),
                ]
            }
        };
        blocks.extend(self.help());
        let ssh = self.ssh();
        blocks.extend([
            Block::Heading("More keys"),
            paragraph(
                "Use a key of its own on every machine. Copy its public half to a machine that has a key on your account, \
                 and type there:",
                &[],
            ),
            command(format!("{ssh} key add \"TITLE\" < FILE.pub")),
            paragraph("This lists the keys of your account:", &[]),
            command(format!("{ssh} key list")),
            paragraph("If you lose a machine, remove its key with `{} key remove '\"TITLE\"'`.", &[&ssh]),
        ]);
        Section { id: "add-key", title: "Add the key to your account", blocks }
    }

    /// Where else people add a key.
    fn help(&self) -> Option<Block> {
        let help = self.config.hub.keys_help.as_str();
        let is_address = (help.starts_with("https://") || help.starts_with("http://")) && !help.contains(' ');
        let place = if is_address { Span::Link(help.to_owned()) } else { Span::Text(help.to_owned()) };
        let sentence: Line = line("To add a key, see also: ", &[]).into_iter().chain([place]).collect();
        (!help.is_empty()).then_some(Block::Paragraph(sentence))
    }

    fn test(&self) -> Section {
        let address = self.config.address();
        let hub = self.config.hub.name.as_str();
        let with_key = format!("{} ", address.ssh_with(&format!("-T -o IdentitiesOnly=yes -i {KEY}")));
        let mut blocks = vec![
            command(address.ssh_with("-T")),
            paragraph("The hub greets you by the name of your account:", &[]),
            Block::Lines(vec![format!("Hi NAME, welcome to {hub}.")]),
        ];
        let anonymous = match self.mode() {
            AnonymousMode::AnyKey => vec![
                paragraph(
                    "If the hub greets you as `anonymous`, the key is on no account. You can then clone public \
                     repositories only. The hub takes the first key that ssh offers, and the next line names it.",
                    &[],
                ),
                paragraph("If ssh offered another key than yours, say which one to use:", &[]),
            ],
            AnonymousMode::Fallback => vec![
                paragraph(
                    "If the hub greets you as `anonymous`, none of your keys is on an account. You can then clone public \
                     repositories only.",
                    &[],
                ),
                paragraph("If ssh did not offer your key, say which one to use:", &[]),
            ],
            AnonymousMode::Login => vec![
                paragraph(
                    "If ssh says `Permission denied (publickey)`, none of the keys that it offered is on an account. \
                     `{}` admits every key: the hub greets you as `anonymous`, and you can clone public repositories.",
                    &[&self.config.anonymous_address().to_string()],
                ),
                paragraph("If ssh did not offer your key, say which one to use:", &[]),
            ],
            AnonymousMode::Off => vec![paragraph(
                "If ssh says `Permission denied (publickey)`, none of the keys that it offered is on an account. To say \
                 which key to use:",
                &[],
            )],
        };
        blocks.extend(anonymous);
        blocks.push(command(with_key.trim_end()));
        blocks.push(paragraph("This shows your account, and which key you are using:", &[]));
        blocks.push(command(format!("{} whoami", self.ssh())));
        Section { id: "test", title: "Test it", blocks }
    }

    fn clone_and_push(&self) -> Section {
        let kinds = ["OWNER/MODEL", "datasets/OWNER/DATASET", "spaces/OWNER/SPACE"];
        let clones = kinds.map(|path| format!("git clone {}", self.url(path)));
        Section {
            id: "clone",
            title: "Clone and push",
            blocks: vec![
                paragraph("The hub has models, datasets and spaces. In an address, a model has no prefix:", &[]),
                Block::Commands(clones.to_vec()),
                paragraph(
                    "In a clone, git pulls and pushes as usual. The default branch is `{}`:",
                    &[&self.config.git.default_branch],
                ),
                Block::Commands(vec![
                    "cd MODEL".to_owned(),
                    "echo \"A model\" > README.md".to_owned(),
                    "git add README.md".to_owned(),
                    "git commit -m \"Describe the model\"".to_owned(),
                    format!("git push origin HEAD:{}", self.config.git.default_branch),
                ]),
                paragraph(
                    "You can create a repository of your own. `--private` hides it from others until you give them access.",
                    &[],
                ),
                command(format!("{} repo create datasets/OWNER/NAME --private", self.ssh())),
            ],
        }
    }

    fn large_files(&self) -> Section {
        let limit = self.config.limits.lfs_object_bytes;
        let install = || {
            vec![
                paragraph(
                    "Files of many megabytes belong in Git LFS. Install git-lfs, and run this once on your machine:",
                    &[],
                ),
                command("git lfs install"),
                paragraph("In a clone, say which files are large before you add them:", &[]),
                Block::Commands(vec![
                    "git lfs track \"*.safetensors\"".to_owned(),
                    "git add .gitattributes".to_owned(),
                ]),
            ]
        };
        let mut blocks = match self.config.lfs.mode {
            LfsMode::Off => vec![paragraph("This hub does not serve Git LFS.", &[])],
            LfsMode::Ssh => {
                let how = "Then add, commit and push as usual. git-lfs 3.0 or newer uses the same connection and the same \
                           key as git.";
                install().into_iter().chain([paragraph(how, &[])]).collect()
            }
            LfsMode::Http => {
                let how = "Then add, commit and push as usual. git-lfs gets a token by the same key as git, and transfers \
                           large files over HTTP.";
                install().into_iter().chain([paragraph(how, &[])]).collect()
            }
        };
        if self.config.lfs.mode == LfsMode::Ssh && limit > 0 {
            blocks.push(paragraph("One file may have at most {}.", &[&size(limit)]));
        }
        let push = self.config.limits.push_bytes;
        if push > 0 {
            let text = "One push may have at most {} without Git LFS. The hub refuses large files outside Git LFS, and says \
                        how to move them.";
            blocks.push(paragraph(text, &[&size(push)]));
        }
        Section { id: "large-files", title: "Large files", blocks }
    }

    fn settings(&self) -> Section {
        let address = self.config.address();
        let lines = [
            format!("Host {}", address.host),
            format!("    User {}", address.login),
            format!("    Port {}", address.port),
            format!("    IdentityFile {KEY}"),
            "    IdentitiesOnly yes".to_owned(),
        ];
        Section {
            id: "settings",
            title: "Settings of ssh",
            blocks: vec![
                paragraph("These lines in `~/.ssh/config` choose the login, the port and the key:", &[]),
                Block::Lines(lines.to_vec()),
                paragraph("ssh then offers this key and no other, and commands become shorter:", &[]),
                command(format!("ssh -T {}", address.host)),
            ],
        }
    }

    fn certificates(&self) -> Section {
        let ssh = self.config.address().ssh_with(&format!("-T -o CertificateFile={KEY}-cert.pub -i {KEY}"));
        let name = match self.mode() {
            AnonymousMode::AnyKey => {
                "Name the certificate, because ssh otherwise offers the plain key first: `{}`. The setting \
                 `CertificateFile` in `~/.ssh/config` does the same."
            }
            AnonymousMode::Login | AnonymousMode::Fallback | AnonymousMode::Off => {
                "ssh finds the certificate beside the key. To name another one: `{}`."
            }
        };
        Section {
            id: "certificates",
            title: "Certificates",
            blocks: vec![
                paragraph(
                    "An organization can sign a certificate for your key, which then need not be on your account. Store \
                     it as `{}-cert.pub`.",
                    &[KEY],
                ),
                paragraph(name, &[&ssh]),
                paragraph(
                    "A certificate gives your own rights on the repositories of that organization. It expires, and \
                     `ssh-keygen -L -f {}-cert.pub` shows when.",
                    &[KEY],
                ),
            ],
        }
    }

    fn systems(&self) -> Section {
        let ssh = self.ssh();
        let add = format!("Get-Content FILE.pub | {ssh} key add \"TITLE\"");
        let mut windows = vec![
            Block::Heading("Windows"),
            paragraph(
                "Git for Windows contains git, git-lfs and ssh. In its Git Bash, the commands of this page work as they \
                 are.",
                &[],
            ),
            paragraph("PowerShell has no `<`. Give a file to a command like this:", &[]),
            Block::Lines(vec![add]),
        ];
        if self.mode() == AnonymousMode::Fallback {
            let join = format!("Get-Content $HOME\\.ssh\\id_ed25519.pub | {ssh} join CODE");
            windows.push(Block::Lines(vec![join]));
        }
        windows.extend([
            paragraph("To use the agent of Windows, type this in a PowerShell of an administrator:", &[]),
            Block::Lines(vec![
                "Set-Service ssh-agent -StartupType Automatic".to_owned(),
                "Start-Service ssh-agent".to_owned(),
            ]),
            paragraph("Then add the key to the agent, and let git use the ssh of Windows:", &[]),
            Block::Lines(vec![
                "ssh-add $HOME\\.ssh\\id_ed25519".to_owned(),
                "git config --global core.sshCommand C:/Windows/System32/OpenSSH/ssh.exe".to_owned(),
            ]),
        ]);
        let macos = [
            Block::Heading("macOS"),
            paragraph("macOS contains ssh. Its keychain can keep the passphrase:", &[]),
            Block::Lines(vec![format!("ssh-add --apple-use-keychain {KEY}")]),
            paragraph("In `~/.ssh/config`, these lines load the key from the keychain when it is needed:", &[]),
            Block::Lines(vec!["    AddKeysToAgent yes".to_owned(), "    UseKeychain yes".to_owned()]),
            paragraph("`brew install git git-lfs` installs git and git-lfs.", &[]),
        ];
        Section { id: "systems", title: "Windows and macOS", blocks: windows.into_iter().chain(macos).collect() }
    }

    fn trouble(&self) -> Section {
        let ssh = self.ssh();
        let row = |said: &'static str, text, values: &[&str]| [vec![Span::Code(said.to_owned())], line(text, values)];
        let denied = match self.mode() {
            AnonymousMode::Login | AnonymousMode::Off => {
                "None of the keys that ssh offered is on an account. `ssh -v` shows which keys these are."
            }
            AnonymousMode::AnyKey => "ssh has no key, or none of a type that the hub accepts. `ssh -v` shows its keys.",
            AnonymousMode::Fallback => {
                "None of your keys is on an account, and ssh may not connect without one, because `BatchMode` is set."
            }
        };
        let rows = vec![
            row("Permission denied", denied, &[]),
            row(
                "repository not found",
                "The repository does not exist, or you have no access to it. The next line says who you are.",
                &[],
            ),
            row("you have no write access", "You may fetch this repository and not push to it.", &[]),
            row(
                "REMOTE HOST IDENTIFICATION HAS CHANGED",
                "Compare the fingerprint with this page. If it is not here, do not connect, and ask the operators.",
                &[],
            ),
            row("too many sessions", "Wait until one of your clones or pushes has ended.", &[]),
        ];
        Section {
            id: "trouble",
            title: "If something fails",
            blocks: vec![
                Block::Table(rows),
                paragraph("This says why you may push to a repository, or why not:", &[]),
                command(format!("{ssh} explain OWNER/MODEL push")),
                paragraph("This lists all commands for your account:", &[]),
                command(format!("{ssh} help")),
            ],
        }
    }
}

/// A number of bytes in the largest unit of which it is a whole number.
fn size(bytes: u64) -> String {
    let units = [("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10)];
    let unit = units.into_iter().find(|(_, shift)| bytes.trailing_zeros() >= *shift);
    unit.map_or_else(|| format!("{bytes} bytes"), |(unit, shift)| format!("{} {unit}", bytes >> shift))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_exact() {
        for (bytes, text) in
            [(1, "1 bytes"), (1 << 10, "1 KiB"), (3 << 30, "3 GiB"), (1025, "1025 bytes"), (1 << 52, "4096 TiB")]
        {
            assert_eq!(size(bytes), text);
        }
    }
}
