//! Several gits that read commits at once, each for a thread that verifies their signatures, which costs the most. An
//! earlier push may have brought the commits, so they are not all in the pack.

use std::io::{self, Write};
use std::process::Command;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{Scope, ScopedJoinHandle, available_parallelism};
use std::time::Duration;

use crate::child::{self, ANY_LENGTH, Limits, Terminal};
use crate::git::objects::{Listed, Objects};

/// How many objects one git reads before the next one gets some. Neighbours in a pack are often deltas of each other.
const CHUNK: usize = 512;
/// How many of these portions wait for a git.
const WAITING: usize = 4;
/// The most gits of one check. git itself unpacks a push in as many threads.
const MOST: usize = 4;
/// What one git may take. Objects are read one by one.
pub(super) const GIT: Limits =
    Limits { time: Duration::from_secs(3_600), output: ANY_LENGTH, terminal: Terminal::Closed };

/// Why objects cannot be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("cannot run git or read its output: {0}")]
    Git(io::Error),
    #[error("git cannot read the objects of the push")]
    Objects,
}

/// The objects that one git reads.
pub(super) struct Portions {
    ids: Receiver<String>,
    /// The place of this git in their order, and how many there are.
    place: usize,
    gits: usize,
}

impl Portions {
    /// Reads the objects by `command`, which is a `git cat-file --batch`. Calls `each` with the number of each object,
    /// in the order in which they were named, with the object and with its first bytes, of which `most` says how many
    /// are wanted.
    pub(super) fn read<E: From<Error>>(
        self,
        mut command: Command,
        most: impl Fn(Listed<'_>) -> Option<u64>,
        mut each: impl FnMut(usize, Listed<'_>, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let Self { ids, place, gits } = self;
        let input = move |input: &mut dyn Write| ids.iter().try_for_each(|portion| input.write_all(portion.as_bytes()));
        let ended = child::ask(&mut command, GIT, input, |output| {
            let mut objects = Objects::of(output);
            let mut count = 0;
            while let Some((object, bytes)) = objects.next(&most).map_err(Error::Git)? {
                let number = (count / CHUNK * gits + place) * CHUNK + count % CHUNK;
                each(number, object, bytes)?;
                count += 1;
            }
            Ok::<(), E>(())
        });
        let ended = ended.map_err(Error::Git)?;
        ended.read?;
        if ended.status.success() { Ok(()) } else { Err(Error::Objects.into()) }
    }
}

/// What a thread for each git does.
type Read<'env, T, E> = dyn Fn(Portions) -> Result<T, E> + Sync + 'env;

/// A git that was started: where its objects go, and its thread.
type Started<'scope, T, E> = (SyncSender<String>, ScopedJoinHandle<'scope, Result<T, E>>);

/// The gits. Each is started when there are objects for it, so a small push starts one.
pub(super) struct Readers<'scope, 'env, T, E> {
    scope: &'scope Scope<'scope, 'env>,
    read: &'env Read<'env, T, E>,
    gits: usize,
    started: Vec<Started<'scope, T, E>>,
    /// The ids of the next portion, a line for each.
    portion: String,
    /// Their number.
    count: usize,
    /// The git that gets them.
    next: usize,
}

impl<'scope, 'env, T: Send + 'scope, E: From<Error> + Send + 'scope> Readers<'scope, 'env, T, E> {
    pub(super) fn new(scope: &'scope Scope<'scope, 'env>, read: &'env Read<'env, T, E>) -> Self {
        let gits = available_parallelism().map_or(1, |processors| processors.get().min(MOST));
        Self { scope, read, gits, started: Vec::new(), portion: String::new(), count: 0, next: 0 }
    }

    /// Lets a git read this object. It is an error if that git has ended.
    pub(super) fn add(&mut self, id: &str) -> io::Result<()> {
        self.portion.push_str(id);
        self.portion.push('\n');
        self.count += 1;
        if self.count == CHUNK { self.send() } else { Ok(()) }
    }

    fn send(&mut self) -> io::Result<()> {
        if self.next == self.started.len() {
            let (sender, ids) = sync_channel(WAITING);
            let portions = Portions { ids, place: self.next, gits: self.gits };
            let read = self.read;
            self.started.push((sender, self.scope.spawn(move || read(portions))));
        }
        let (sender, _) = self.started.get(self.next).ok_or(io::ErrorKind::BrokenPipe)?;
        self.next = (self.next + 1) % self.gits;
        self.count = 0;
        sender.send(std::mem::take(&mut self.portion)).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }

    /// Waits for the gits, and returns what `read` returned for each.
    pub(super) fn end(mut self) -> Result<Vec<T>, E> {
        let sent = if self.count > 0 { self.send() } else { Ok(()) };
        let (senders, threads): (Vec<_>, Vec<_>) = self.started.into_iter().unzip();
        // A git ends at the end of its input.
        drop(senders);
        let read = threads.into_iter().map(|thread| thread.join().unwrap_or_else(|_| Err(Error::Objects.into())));
        // Why a git has ended says more than that it has.
        let read = read.collect::<Result<_, E>>()?;
        sent.map_err(Error::Git)?;
        Ok(read)
    }
}
