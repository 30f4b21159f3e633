//! Over sshd: what a client of any speed sees, what git-lfs sees, and what a cipher costs.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::Outcome;
use super::accounts::Accounts;
use super::hub::{Hub, Key, REPOSITORY, configure};
use super::machine::gits;
use super::object::Object;
use super::place::{Place, run};
use super::runs::{self, Run};
use super::sshd::{Server, flat_block, hubgate_block};

const ROUNDS: usize = 3;

pub(crate) fn measure(
    place: &Place,
    accounts: &mut Accounts,
    hub: &Hub,
    object: &Object,
    peer: Option<&Path>,
) -> Outcome {
    let host = Key::make(place, "host")?;
    place.write("known_hosts", &format!("bench {} {}\n", host.algorithm, host.base64))?;
    let mut ssh_config = format!(
        "HostName 127.0.0.1\nHostKeyAlias bench\nUserKnownHostsFile {}\nStrictHostKeyChecking yes\nBatchMode yes\n\
         UpdateHostKeys no\nIdentityFile {}\nIdentitiesOnly yes\nKexAlgorithms curve25519-sha256\n",
        place.path("known_hosts").display(),
        hub.known.file.display()
    );
    let git = gits()?.into_iter().next().ok_or("no git")?;
    let ours = hub_server(place, accounts, hub, &git, "hub", "")?;
    // As the peer does it: whoever hears that an object is stored does not know that it is on the disk.
    let hasty = hub_server(place, accounts, hub, &git, "hasty", "\n[lfs]\nfsync = false\n")?;
    let theirs = peer_server(place, accounts, hub, peer)?;
    for (name, server) in [("hub", &ours), ("hasty", &hasty), ("peer", &theirs)] {
        // Writing to a String cannot fail.
        let _ = write!(ssh_config, "Host {name}\n    Port {}\n    User {}\n", server.port, Accounts::name(name));
    }
    let ssh_config = place.write("ssh_config", &ssh_config)?;
    let peer_repository = place.path("peer.git");
    run(Command::new(&git).args(["init", "--quiet", "--bare"]).arg(&peer_repository))?;
    run(Command::new("chown").arg("-R").arg(format!("{}:{}", hub.login.uid, hub.login.gid)).arg(&peer_repository))?;

    let setting = Setting { hub, object, ours, hasty, theirs, peer_repository, has_peer: peer.is_some(), ssh_config };
    setting.by_ssh()?;
    setting.by_git_lfs(&Clients::make(place, &setting, &git)?)?;
    println!("\nServer CPU is of sshd and all that it starts: {}.", setting.ours.meter.describe());
    Ok(())
}

/// The servers, and what they serve.
struct Setting<'a> {
    hub: &'a Hub,
    object: &'a Object,
    ours: Server,
    hasty: Server,
    theirs: Server,
    peer_repository: PathBuf,
    has_peer: bool,
    ssh_config: PathBuf,
}

/// One of the servers, as a client reaches it.
struct Side<'a> {
    host: &'static str,
    name: &'static str,
    path: String,
    repository: &'a Path,
    server: &'a Server,
}

impl Setting<'_> {
    /// hubgate, as shipped and without fsync, behind what it is held against, if that is there.
    fn sides(&self) -> Vec<Side<'_>> {
        let theirs = self.has_peer.then(|| Side {
            host: "peer",
            name: "scutiger",
            path: self.peer_repository.display().to_string(),
            repository: &self.peer_repository,
            server: &self.theirs,
        });
        let ours = |host, name, server| Side {
            host,
            name,
            path: REPOSITORY.to_owned(),
            repository: &self.hub.repository,
            server,
        };
        let hasty = ours("hasty", "hubgate without fsync", &self.hasty);
        theirs.into_iter().chain([ours("hub", "hubgate", &self.ours), hasty]).collect()
    }

    fn ssh(&self, words: &[&str]) -> Command {
        let mut command = Command::new("/usr/bin/ssh");
        command.arg("-F").arg(&self.ssh_config).args(words).env_clear().env("PATH", "/usr/bin:/bin");
        command
    }

    fn transfer(&self, side: &Side<'_>, operation: &str) -> Command {
        self.ssh(&[side.host, &format!("git-lfs-transfer {} {operation}", side.path)])
    }

    /// Whether the object is in a repository's store, or a tree's.
    fn is_in(&self, repository: &Path) -> Outcome {
        if self.object.is_in(repository) {
            Ok(())
        } else {
            Err(format!("no object in {}", repository.display()).into())
        }
    }

    /// Puts the object there where it is not.
    fn put(&self, side: &Side<'_>) -> Outcome {
        if self.object.is_in(side.repository) {
            return Ok(());
        }
        let session = std::fs::File::open(self.object.path("put"))?;
        self.transfer(side, "upload").stdin(session).stdout(Stdio::null()).status()?;
        self.is_in(side.repository)
    }

    /// By a client that costs next to nothing: ssh, and a session that was written before.
    fn by_ssh(&self) -> Outcome {
        let (up, down) = ("up: ssh and cat", "down: ssh and cat");
        let (object, sides) = (self.object, self.sides());
        let cat = format!("cat {}", object.path("object").display());
        let mut runs = vec![
            Run::new(up, up, self.ssh(&["peer", "cat > /dev/null"])).reading(object.path("put")).at(&self.theirs),
            Run::new(down, down, self.ssh(&["peer", &cat])).at(&self.theirs),
        ];
        for cipher in ["aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "aes128-ctr"] {
            let command = self.ssh(&["-c", cipher, "peer", &cat]);
            runs.push(Run::new(&format!("{down}, {cipher}"), down, command).at(&self.theirs));
        }
        for side in &sides {
            let put = Run::new(&format!("up: put-object, {}", side.name), up, self.transfer(side, "upload"));
            let put = put.reading(object.path("put")).at(side.server).before(|| Object::forget(side.repository));
            runs.push(put.after(|| self.is_in(side.repository)));
            let get = Run::new(&format!("down: get-object, {}", side.name), down, self.transfer(side, "download"));
            runs.push(get.reading(object.path("get")).at(side.server).before(|| self.put(side)));
        }
        runs::measure(&mut runs, ROUNDS)?;
        runs::print(&format!("## Over sshd, {} bytes, by ssh alone", object.bytes), &runs, ("s", 1.0));
        Ok(())
    }

    /// By the git-lfs of this machine.
    fn by_git_lfs(&self, clients: &Clients) -> Outcome {
        let sides = self.sides();
        let local = clients.fetcher.join(".git");
        let mut runs = Vec::new();
        for Side { name, host, repository, server, .. } in &sides {
            let push = clients.git(&clients.pusher, &["lfs", "push", "--object-id", host, &self.object.oid]);
            let push = Run::new(&format!("git lfs push, {name}"), "git lfs push, scutiger", push).at(server);
            runs.push(push.before(|| Object::forget(repository)).after(|| self.is_in(repository)));
        }
        for side in &sides {
            let fetch = clients.git(&clients.fetcher, &["lfs", "fetch", side.host, "origin/main"]);
            let fetch = Run::new(&format!("git lfs fetch, {}", side.name), "git lfs fetch, scutiger", fetch);
            let fetch = fetch.at(side.server).before(|| self.put(side).and_then(|()| Object::forget(&local)));
            runs.push(fetch.after(|| self.is_in(&local)));
        }
        runs::measure(&mut runs, ROUNDS)?;
        runs::print(&format!("## Over sshd, {} bytes, by git-lfs", self.object.bytes), &runs, ("s", 1.0));
        Ok(())
    }
}

/// hubgate behind sshd, with more lines in its configuration.
fn hub_server(
    place: &Place,
    accounts: &mut Accounts,
    hub: &Hub,
    git: &Path,
    name: &str,
    more: &str,
) -> Outcome<Server> {
    let login = accounts.alias(name, &place.path("home"), &hub.libexec.join("gateway"))?;
    let config = configure(place, &format!("{name}.toml"), &login, &hub.database, git)?;
    std::fs::write(&config, std::fs::read_to_string(&config)? + more)?;
    Server::start(place, name, &hubgate_block(hub, &login, &config)?)
}

/// sshd with a file of keys, and whatever command the client sends.
fn peer_server(place: &Place, accounts: &mut Accounts, hub: &Hub, peer: Option<&Path>) -> Outcome<Server> {
    let login = accounts.alias("peer", &place.path("home"), Path::new("/bin/sh"))?;
    let keys = place.directory("authorized_keys")?;
    let bin = place.directory("bin")?;
    if let Some(peer) = peer {
        std::fs::copy(peer, bin.join("git-lfs-transfer"))?;
    }
    let script = place
        .write_script("run", &format!("#!/bin/sh\nPATH={}:$PATH\neval \"$SSH_ORIGINAL_COMMAND\"\n", bin.display()))?;
    let line = format!("restrict,command=\"{}\" {} {}\n", script.display(), hub.known.algorithm, hub.known.base64);
    place.write(&format!("authorized_keys/{login}"), &line)?;
    Server::start(place, "peer", &flat_block(hub, &login, &keys)?)
}

/// Two trees of a person: one that has the object, one that has its pointer.
struct Clients {
    pusher: PathBuf,
    fetcher: PathBuf,
    git: PathBuf,
    home: PathBuf,
    ssh: String,
}

impl Clients {
    fn make(place: &Place, setting: &Setting<'_>, git: &Path) -> Outcome<Self> {
        let object = setting.object;
        let clients = Self {
            pusher: object.path("pusher"),
            fetcher: object.path("fetcher"),
            git: git.to_owned(),
            home: place.directory("person")?,
            ssh: format!("/usr/bin/ssh -F {}", setting.ssh_config.display()),
        };
        let at = |directory: &Path, words: &[&str]| run(&mut clients.git(directory, words)).map(drop);
        std::fs::create_dir(&clients.pusher)?;
        at(&clients.pusher, &["init", "--quiet", "--initial-branch=main"])?;
        at(&clients.pusher, &["lfs", "install", "--local"])?;
        at(&clients.pusher, &["lfs", "track", "object"])?;
        std::fs::hard_link(object.path("object"), clients.pusher.join("object"))?;
        at(&clients.pusher, &["add", "."])?;
        let identity = ["-c", "user.name=Bench", "-c", "user.email=bench@hub.example"];
        at(&clients.pusher, &[&identity[..], &["commit", "--quiet", "-m", "The object"]].concat())?;
        let (from, to) = (clients.pusher.display().to_string(), clients.fetcher.display().to_string());
        at(&object.directory, &["clone", "--quiet", "--no-checkout", &from, &to])?;
        for tree in [&clients.pusher, &clients.fetcher] {
            for Side { host, path, .. } in setting.sides() {
                at(tree, &["remote", "add", host, &format!("{host}:{path}")])?;
            }
        }
        Ok(clients)
    }

    /// git with nothing of this machine's configuration.
    fn git(&self, directory: &Path, words: &[&str]) -> Command {
        let mut command = Command::new(&self.git);
        command.env_clear().env("PATH", "/usr/bin:/bin").env("HOME", &self.home).current_dir(directory);
        command.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_SSH_COMMAND", &self.ssh);
        command.args(words);
        command
    }
}
