//! git as importer: lists the refs of a source, then fetches and checks every object.

use std::io;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::stored::{LONG, StoredRepository, confined};
use super::{BRIEF, NO_HOOKS, output_for, output_of, pin_checks};
use crate::child::{Limits, Terminal};
use crate::config::{Config, ObjectFormat};
use crate::push::{BRANCHES_AND_TAGS, BadRef, check_ref};
use crate::sandbox::Plan;
use crate::tree::{Tree, is_directory, is_link};

/// The variables of the operator's environment that git and ssh get for a remote source.
pub(crate) const FROM_THE_OPERATOR: [&str; 5] =
    ["GIT_SSH_COMMAND", "SSH_AUTH_SOCK", "GIT_SSL_CAINFO", "https_proxy", "no_proxy"];

/// What is fetched. A hub accepts pushes only there too.
const REFSPECS: [&str; 2] = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"];

/// The source of a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    location: String,
    /// The directory, if the source is on this machine.
    pub directory: Option<PathBuf>,
    protocol: &'static str,
}

/// The text is not a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the source of a repository is a directory, or a URL with https://, ssh:// or file://, or USER@HOST:PATH")]
pub struct BadSource;

impl std::str::FromStr for Source {
    type Err = BadSource;

    fn from_str(location: &str) -> Result<Self, BadSource> {
        if location.is_empty() || location.starts_with('-') || location.contains(char::is_control) {
            return Err(BadSource);
        }
        let (protocol, directory) = match location.split_once("://") {
            Some(("https", _)) => ("https", None),
            Some(("ssh", _)) => ("ssh", None),
            Some(("file", path)) if path.starts_with('/') => ("file", Some(PathBuf::from(path))),
            Some(_) => return Err(BadSource),
            // As git reads it (urls.c): a colon before the first slash ends a host name, two colons end the name of a
            // remote helper.
            None => match location.split_once(':') {
                Some((_, path)) if path.starts_with(':') => return Err(BadSource),
                Some((host, _)) if !host.contains('/') => ("ssh", None),
                Some(_) | None => ("file", Some(PathBuf::from(location))),
            },
        };
        Ok(Self { location: location.to_owned(), directory, protocol })
    }
}

/// The refs of a source.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Offer {
    /// The object format; unknown without objects.
    pub object_format: Option<ObjectFormat>,
    /// The branch that HEAD names.
    pub head: Option<String>,
    /// The number of branches.
    pub branches: usize,
    /// The number of tags.
    pub tags: usize,
    /// The number of other refs, which are not fetched.
    pub others: usize,
    /// Branches and tags that a push could not create, which are not fetched either, with the reasons.
    pub refused: Vec<(Vec<u8>, BadRef)>,
}

/// A source as people and the audit table may see it: without the password, or the token, of its URL.
#[must_use]
pub fn without_password(location: &str) -> String {
    let shown = || {
        let (scheme, rest) = location.split_once("://")?;
        let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (user, host) = host.rsplit_once('@')?;
        let user = match user.split_once(':') {
            Some((user, _)) => user,
            // Over https a name alone may be a token. ssh accepts no secret there.
            None if scheme == "ssh" => user,
            None => "",
        };
        let at = if user.is_empty() { "" } else { "@" };
        Some(format!("{scheme}://{user}{at}{host}{path}"))
    };
    shown().unwrap_or_else(|| location.to_owned())
}

impl Source {
    fn command(&self, git: &Path, repository: &Path, verb: &str, allowed: &[String]) -> Command {
        let allow = format!("protocol.{}.allow", self.protocol);
        let mut command = Command::new(git);
        let more = [NO_HOOKS, (&allow, "always"), ("fetch.fsckObjects", "true")];
        pin_checks(&mut command, &more, "fetch.fsck", allowed);
        // As for a stored repository: a path, and no working directory.
        command.arg("--git-dir").arg(repository).arg(verb);
        if self.directory.is_some() {
            // The source's git would otherwise refuse a directory that belongs to another user.
            let quoted = shell_quoted(git);
            command
                .arg(format!("--upload-pack={quoted} -c 'safe.directory=*' -c core.hooksPath=/dev/null upload-pack"));
        } else {
            let words = FROM_THE_OPERATOR.iter().filter_map(|name| Some((name, std::env::var_os(name)?)));
            command.envs(words);
        }
        command
    }

    /// The tree of a source on this machine.
    ///
    /// A source may be a stranger's, and this account can read every repository of the hub. So neither the source nor
    /// anything in it may be a link to one. git then runs in a sandbox that can read this tree only.
    ///
    /// # Errors
    /// Where the source leads.
    pub fn tree(&self, config: &Config) -> Result<Option<Tree>, String> {
        let Some(directory) = &self.directory else { return Ok(None) };
        let failed = |error: io::Error| error.to_string();
        let tree = Tree::open(directory).map_err(failed)?;
        let root = config.paths.repositories.canonicalize().map_err(failed)?;
        // The operator may name a directory of this hub, but a link of a stranger may not.
        let is_named = [&root, &config.paths.repositories].iter().any(|root| directory.starts_with(root));
        if !is_named && tree.path().map_err(failed)?.starts_with(root) {
            return Err("it is a link to a repository of this hub".to_owned());
        }
        refuse_links(&tree).map_err(failed)?;
        Ok(Some(tree))
    }

    /// Lists the refs of the source.
    ///
    /// # Errors
    /// git's message.
    pub fn offer(&self, config: &Config) -> Result<Offer, String> {
        let git = config.paths.git.as_path();
        let mut command = self.command(git, Path::new("/nonexistent"), "ls-remote", &[]);
        command.args(["--symref", "--", &self.location]);
        let mut list = || output_of(&mut command, Limits { terminal: Terminal::Open, ..BRIEF });
        let said = match self.tree(config)? {
            Some(tree) => confined(config, tree.as_fd(), Plan::fetch(&[git]), list)?,
            None => list()?,
        };
        Ok(read_offer(&said))
    }

    /// Fetches branches and tags into a repository, and points HEAD to the source's branch. Accepts the faults in
    /// `allowed`, which are ids of git-fsck(1).
    ///
    /// # Errors
    /// git's message, or that the source has changed since the offer.
    pub fn fetch(&self, stored: &StoredRepository<'_>, offer: &Offer, allowed: &[String]) -> Result<(), String> {
        // git refuses an id that it does not know, and an id that it cannot ignore.
        stored.check_connectivity(allowed)?;
        let git = stored.config.paths.git.as_path();
        let mut command = self.command(git, stored.place, "fetch", allowed);
        command.args(["--quiet", "--no-tags", "--no-write-fetch-head", "--stdin", "--"]).arg(&self.location);
        let wanted = REFSPECS.iter().map(|refspec| refspec.as_bytes().to_vec());
        // A refspec that begins with ^ excludes a ref (gitglossary(7), refspec).
        let unwanted = offer.refused.iter().map(|(name, _)| [b"^", name.as_slice()].concat());
        let refspecs = wanted.chain(unwanted).collect::<Vec<_>>().join(&b'\n');
        let mut fetch = || output_for(&mut command, Limits { terminal: Terminal::Open, ..LONG }, &refspecs);
        match self.tree(stored.config)? {
            Some(tree) => {
                let (programs, reads) = ([git], [tree.as_fd()]);
                let plan = Plan { reads: &reads, ..Plan::push(&programs) };
                confined(stored.config, stored.directory(), plan, fetch)?;
            }
            None => drop(fetch()?),
        }
        let refs = stored.refs()?;
        if let Some(name) = refs
            .split(|byte| *byte == b'\n')
            .find(|name| !name.is_empty() && check_ref(name, &BRANCHES_AND_TAGS).is_err())
        {
            return Err(format!("it got the ref {} during the import: try again", name.escape_ascii()));
        }
        if let Some(head) = &offer.head {
            stored.choose_head(head)?;
        }
        stored.check_connectivity(allowed)
    }
}

/// Refuses a repository, bare or not, whose objects are elsewhere. git would follow a link, and read the directories
/// that `alternates` and `commondir` name (gitrepository-layout(5)).
fn refuse_links(source: &Tree) -> io::Result<()> {
    let elsewhere =
        |what: &str| io::Error::other(format!("{what}: hubgate imports only what a directory holds itself"));
    let inner = source.within(Path::new(".git"))?;
    if inner.is_none() && source.stat(Path::new(".git"))?.is_some() {
        return Err(elsewhere("its .git is a file or a link"));
    }
    let repository = inner.as_ref().unwrap_or(source);
    for name in ["objects/info/alternates", "commondir"] {
        if repository.stat(Path::new(name))?.is_some() {
            return Err(elsewhere(&format!("it has a file {name}")));
        }
    }
    for name in ["HEAD", "config", "objects", "packed-refs", "refs"] {
        if repository.stat(Path::new(name))?.is_some_and(|stat| is_link(&stat)) {
            return Err(elsewhere(&format!("its {name} is a link")));
        }
    }
    for directory in ["objects", "refs"] {
        if let Some(tree) = repository.within(Path::new(directory))? {
            tree.walk(&mut |path, stat| {
                let what = || format!("its {directory}/{} is a link", path.display());
                if is_link(stat) { Err(elsewhere(&what())) } else { Ok(is_directory(stat)) }
            })?;
        }
    }
    Ok(())
}

/// A path, quoted for the shell that git starts.
fn shell_quoted(path: &Path) -> String {
    format!("'{}'", path.to_string_lossy().replace('\'', "'\\''"))
}

/// Reads the output of `git ls-remote --symref`.
fn read_offer(said: &[u8]) -> Offer {
    let mut offer = Offer::default();
    for line in said.split(|byte| *byte == b'\n') {
        let Some(tab) = line.iter().position(|byte| *byte == b'\t') else { continue };
        let (value, name) = (line.get(..tab).unwrap_or_default(), line.get(tab + 1..).unwrap_or_default());
        if let Some(target) = value.strip_prefix(b"ref: ") {
            let target = std::str::from_utf8(target).ok().filter(|target| target.starts_with("refs/heads/"));
            if name == b"HEAD" {
                offer.head =
                    target.filter(|target| check_ref(target.as_bytes(), &BRANCHES_AND_TAGS).is_ok()).map(str::to_owned);
            }
            continue;
        }
        offer.object_format = match value.len() {
            40 => Some(ObjectFormat::Sha1),
            64 => Some(ObjectFormat::Sha256),
            _ => offer.object_format,
        };
        // The line of a tag object is followed by a line for the tagged object.
        if name.ends_with(b"^{}") || name == b"HEAD" {
            continue;
        }
        let is_branch = name.starts_with(b"refs/heads/");
        match check_ref(name, &BRANCHES_AND_TAGS) {
            _ if !is_branch && !name.starts_with(b"refs/tags/") => offer.others += 1,
            Err(reason) => offer.refused.push((name.to_vec(), reason)),
            Ok(()) if is_branch => offer.branches += 1,
            Ok(()) => offer.tags += 1,
        }
    }
    offer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_a_directory_or_a_url_that_git_serves_safely() {
        for (location, protocol, is_directory) in [
            ("/srv/git/x.git", "file", true),
            ("x.git", "file", true),
            ("./a:b", "file", true),
            ("file:///srv/x", "file", true),
            ("https://hub.example/a/x", "https", false),
            ("ssh://git@hub.example/a/x", "ssh", false),
            ("git@hub.example:a/x", "ssh", false),
        ] {
            let source: Source = location.parse().unwrap();
            assert_eq!((source.protocol, source.directory.is_some()), (protocol, is_directory), "{location}");
        }
        for location in
            ["", "-x", "--upload-pack=x", "http://x/y", "git://x/y", "ext::sh -c id", "file://host/x", "x\ny", "fd::17"]
        {
            assert_eq!(location.parse::<Source>(), Err(BadSource), "{location}");
        }
    }

    #[test]
    fn a_shown_source_has_no_password() {
        for (location, shown) in [
            ("https://alice:secret@host/a/x", "https://alice@host/a/x"),
            ("https://token@host/a/x", "https://host/a/x"),
            ("https://a:b@c@host/x", "https://a@host/x"),
            ("ssh://git:secret@host:22/a/x", "ssh://git@host:22/a/x"),
            ("ssh://git@host/a@b", "ssh://git@host/a@b"),
            ("https://host/a@b", "https://host/a@b"),
            ("git@host:a/x", "git@host:a/x"),
            ("/srv/a:b@c", "/srv/a:b@c"),
        ] {
            assert_eq!(without_password(location), shown);
        }
    }

    #[test]
    fn an_offer_names_the_refs_that_a_push_could_not_create() {
        let id = "a".repeat(40);
        let names: [&[u8]; 4] =
            [b"refs/heads/-x", b"refs/tags/a\xc2\xa0b", b"refs/heads/caf\xe9", b"refs/heads/\xe2\x80\xae"];
        let mut said = b"ref: refs/heads/-x\tHEAD\n".to_vec();
        for name in names.iter().chain([&b"refs/heads/main".as_slice()]) {
            said.extend([id.as_bytes(), b"\t", name, b"\n"].concat());
        }
        let offer = read_offer(&said);
        assert_eq!(offer.object_format, Some(ObjectFormat::Sha1));
        assert_eq!(offer.refused, names.map(|name| (name.to_vec(), BadRef::Character)));
        assert_eq!((offer.head, offer.branches, offer.tags, offer.others), (None, 1, 0, 0));
    }

    #[test]
    fn an_offer_counts_what_comes_and_what_stays() {
        let id = "a".repeat(64);
        let said = format!(
            "ref: refs/heads/dev\tHEAD\n{id}\tHEAD\n{id}\trefs/heads/dev\n{id}\trefs/pull/1/head\n\
             {id}\trefs/tags/v1\n{id}\trefs/tags/v1^{{}}\n"
        );
        let head = Some("refs/heads/dev".to_owned());
        let refused = Vec::new();
        let expected =
            Offer { object_format: Some(ObjectFormat::Sha256), head, branches: 1, tags: 1, others: 1, refused };
        assert_eq!(read_offer(said.as_bytes()), expected);
        assert_eq!(read_offer(b""), Offer::default());
    }
}
