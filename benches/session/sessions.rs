//! Part three: whole sessions, from the client's start to its end, against git-shell behind a one-line file of keys.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::accounts::Accounts;
use super::hub::{Hub, Key, REPOSITORY, configure};
use super::machine::{git_version, gits, shell_of};
use super::place::{Place, run};
use super::samples::{Random, Samples, print_table, ratio};
use super::sshd::{Server, flat_block, hubgate_block};
use super::{Outcome, interrupt};

const ROUNDS: usize = 40;
/// Every server is started anew after so many rounds.
const ROUNDS_OF_A_SERVER: usize = 4;
/// Fewer rounds where they take longer than that.
const AT_MOST: Duration = Duration::from_secs(90);

/// What is done over and over.
struct Operation {
    /// Which other operations it is compared with: the first of them is their floor.
    group: String,
    behind: String,
    server: usize,
    command: Command,
    status: i32,
    expected: &'static str,
    wall: Samples,
    cpu: Samples,
}

/// The servers, the ways to reach them, and what is asked of them.
struct Setting {
    place_dir: PathBuf,
    servers: Vec<Server>,
    ssh_config: String,
    operations: Vec<Operation>,
}

pub(crate) fn measure(place: &Place, accounts: Accounts, hub: &Hub) -> Outcome {
    let mut accounts = accounts;
    // Declared later, the servers end before their accounts go.
    let mut setting = Setting::make(place, &mut accounts, hub)?;
    setting.push_a_commit(place)?;
    for operation in &mut setting.operations {
        operation.once(&setting.servers)?;
    }
    let mut random = Random(3);
    let mut order: Vec<usize> = (0..setting.operations.len()).collect();
    let start = Instant::now();
    for round in 0..ROUNDS {
        interrupt::check()?;
        if start.elapsed() > AT_MOST {
            break;
        }
        if round % ROUNDS_OF_A_SERVER == 0 {
            for server in &mut setting.servers {
                server.restart()?;
            }
        }
        random.shuffle(&mut order);
        for number in &order {
            let Some(operation) = setting.operations.get_mut(*number) else { continue };
            let (wall, cpu) = operation.once(&setting.servers)?;
            operation.wall.push(wall);
            operation.cpu.push(cpu);
        }
    }
    setting.print();
    Ok(())
}

impl Operation {
    /// Does it once: milliseconds of wall time, and of the server's processor time.
    fn once(&mut self, servers: &[Server]) -> Outcome<(f64, f64)> {
        let server = servers.get(self.server).ok_or("no such server")?;
        let before = server.meter.milliseconds()?;
        let start = Instant::now();
        let output = self.command.stdin(Stdio::null()).output()?;
        let wall = start.elapsed().as_secs_f64() * 1e3;
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        if output.status.code() != Some(self.status) || !said.contains(self.expected) {
            return Err(format!("{} behind {}: {}: {said}", self.group, self.behind, output.status).into());
        }
        server.settle()?;
        Ok((wall, server.meter.milliseconds()? - before))
    }
}

impl Setting {
    fn make(place: &Place, accounts: &mut Accounts, hub: &Hub) -> Outcome<Self> {
        let host = Key::make(place, "host")?;
        place.write("known_hosts", &format!("bench {} {}\n", host.algorithm, host.base64))?;
        let (place_dir, ssh_config) = (place.path(""), ssh_config(place, &hub.known));
        let mut setting = Self { place_dir, servers: Vec::new(), ssh_config, operations: Vec::new() };
        setting.add_git_shells(place, accounts, hub)?;
        setting.add_hubgates(place, accounts, hub)?;
        place.write("ssh_config", &setting.ssh_config)?;
        Ok(setting)
    }

    /// One sshd with flat files: the no-op, git-shell with a greeting and without, and one for each git.
    fn add_git_shells(&mut self, place: &Place, accounts: &mut Accounts, hub: &Hub) -> Outcome {
        let server = self.servers.len();
        let keys = place.directory("authorized_keys")?;
        let line = format!("restrict {} {}\n", hub.known.algorithm, hub.known.base64);
        let home = place.path("home");
        let greeting_home = place.directory("home/greets")?;
        place.directory("home/greets/git-shell-commands")?;
        // As git-shell(1) has it.
        place.write_script(
            "home/greets/git-shell-commands/no-interactive-login",
            "#!/bin/sh\nprintf '%s\\n' \"Hi $USER! You've successfully authenticated, but I do not\"\n\
             printf '%s\\n' \"provide interactive shell access.\"\nexit 128\n",
        )?;
        let mut logins = Vec::new();
        let mut add = |suffix: &str, home: &Path, shell: &Path| -> Outcome<()> {
            let login = accounts.alias(suffix, home, shell)?;
            place.write(&format!("authorized_keys/{login}"), &line)?;
            logins.push(login);
            Ok(())
        };
        let gits = gits()?;
        let first = shell_of(gits.first().ok_or("no git")?);
        add("noop", &home, &hub.no_op)?;
        add("greets", &greeting_home, &first)?;
        for (number, git) in gits.iter().enumerate() {
            add(&format!("shell{number}"), &home, &shell_of(git))?;
        }
        let block = flat_block(hub, &logins.join(","), &keys)?;
        self.servers.push(Server::start(place, "flat", &block)?);
        for login in
            ["noop", "greets"].into_iter().map(str::to_owned).chain((0..gits.len()).map(|n| format!("shell{n}")))
        {
            self.reach(server, &login);
        }
        self.greet("shell0", server, "git-shell, which refuses", 128, "Interactive git shell is not enabled");
        self.greet("greets", server, "git-shell, greeting as in git-shell(1)", 128, "Hi ");
        self.greet("noop", server, "sshd alone: a static no-op as shell", 0, "");
        let path = hub.repository.display().to_string();
        for (number, git) in gits.iter().enumerate() {
            self.list(git, &format!("shell{number}"), server, "git-shell", &path)?;
        }
        Ok(())
    }

    /// One sshd for each login shell and git.
    fn add_hubgates(&mut self, place: &Place, accounts: &mut Accounts, hub: &Hub) -> Outcome {
        let gateway = hub.libexec.join("gateway");
        let home = place.path("home");
        for (number, git) in gits()?.iter().enumerate() {
            let all = [
                ("gateway", gateway.as_path(), "hubgate, the gateway as shell"),
                ("sh", Path::new("/bin/sh"), "hubgate, /bin/sh as shell"),
            ];
            // The second git with one of them: what differs is git.
            for (suffix, shell, behind) in all.into_iter().take(if number == 0 { 2 } else { 1 }) {
                let suffix = format!("{suffix}{number}");
                let login = accounts.alias(&suffix, &home, shell)?;
                let config = configure(place, &format!("{suffix}.toml"), &login, &hub.database, git)?;
                let server = self.servers.len();
                self.servers.push(Server::start(place, &suffix, &hubgate_block(hub, &login, &config)?)?);
                self.reach(server, &suffix);
                if number == 0 {
                    self.greet(&suffix, server, behind, 0, "Hi bench, welcome");
                }
                self.list(git, &suffix, server, behind, REPOSITORY)?;
            }
        }
        Ok(())
    }

    /// Gives the client a name for an account behind a server.
    fn reach(&mut self, server: usize, suffix: &str) {
        let port = self.servers.get(server).map_or(0, |server| server.port);
        let user = Accounts::name(suffix);
        // Writing to a String cannot fail.
        let _ = write!(self.ssh_config, "Host {suffix}\n    Port {port}\n    User {user}\n");
    }

    fn greet(&mut self, host: &str, server: usize, behind: &str, status: i32, expected: &'static str) {
        let mut command = self.client(Path::new("/usr/bin/ssh"));
        command.arg("-F").arg(self.place_dir.join("ssh_config")).args(["-T", host]);
        self.add("`ssh -T`".to_owned(), behind, server, command, status, expected);
    }

    fn list(&mut self, git: &Path, host: &str, server: usize, behind: &str, path: &str) -> Outcome {
        let mut command = self.client(git);
        command.args(["ls-remote", &format!("{host}:{path}")]);
        let group = format!("`git ls-remote`, git {}", git_version(git)?);
        self.add(group, behind, server, command, 0, "refs/heads/main");
        Ok(())
    }

    fn add(
        &mut self,
        group: String,
        behind: &str,
        server: usize,
        command: Command,
        status: i32,
        expected: &'static str,
    ) {
        let (wall, cpu) = (Samples::default(), Samples::default());
        let behind = behind.to_owned();
        self.operations.push(Operation { group, behind, server, command, status, expected, wall, cpu });
    }

    /// A client's program with nothing of this machine's configuration.
    fn client(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        let home = self.place_dir.join("home");
        let ssh = format!("/usr/bin/ssh -F {}", self.place_dir.join("ssh_config").display());
        command.env_clear().env("PATH", "/usr/bin:/bin").env("HOME", home).current_dir("/");
        command.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_SSH_COMMAND", ssh);
        command
    }

    /// Gives the repository its one commit, by the way that everybody goes.
    fn push_a_commit(&self, place: &Place) -> Outcome {
        let work = place.directory("work")?;
        let git = gits()?.into_iter().next().ok_or("no git")?;
        let identity = ["-c", "user.name=Bench", "-c", "user.email=bench@hub.example"];
        for words in [
            &["init", "--quiet"][..],
            &["commit", "--quiet", "--allow-empty", "-m", "The one commit"],
            &["push", "--quiet", &format!("gateway0:{REPOSITORY}"), "HEAD:main"],
        ] {
            run(self.client(&git).args(identity).args(words).current_dir(&work))?;
        }
        Ok(())
    }

    fn print(&self) {
        let cpu = |operation: &Operation| {
            let server = self.servers.get(operation.server);
            server.map_or(f64::NAN, |server| server.meter.sum_up(&operation.cpu))
        };
        let row = |operation: &Operation| {
            let floor = self.operations.iter().find(|floor| floor.group == operation.group).unwrap_or(operation);
            vec![
                format!("{} behind {}", operation.group, operation.behind),
                format!("{:.0}", operation.wall.median()),
                operation.wall.spread(),
                ratio(operation.wall.median(), floor.wall.median()),
                format!("{:.1}", cpu(operation)),
                ratio(cpu(operation), cpu(floor)),
            ]
        };
        let mut operations: Vec<&Operation> = self.operations.iter().collect();
        operations.sort_by(|one, other| one.group.cmp(&other.group));
        let rounds = self.operations.first().map_or(0, |operation| operation.wall.len());
        let title = format!("## Whole sessions ({rounds} runs each)");
        let head = ["session", "wall ms", "quartiles", "x git-shell", "server CPU ms", "x git-shell"];
        print_table(&title, &head, &operations.into_iter().map(row).collect::<Vec<_>>());
        for server in self.servers.iter().take(1) {
            println!("\nServer CPU is of sshd and all that it starts: {}.", server.meter.describe());
        }
    }
}

/// The client's configuration, up to the hosts. Curve25519: the post-quantum exchange would add to both sides.
fn ssh_config(place: &Place, key: &Key) -> String {
    format!(
        "HostName 127.0.0.1\nHostKeyAlias bench\nUserKnownHostsFile {}\nStrictHostKeyChecking yes\nBatchMode yes\n\
         UpdateHostKeys no\nIdentityFile {}\nIdentitiesOnly yes\nKexAlgorithms curve25519-sha256\n",
        place.path("known_hosts").display(),
        key.file.display()
    )
}
