//! The directories of a local store: `lfs/objects/aa/bb` and `lfs/incomplete`.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use super::directory::Directory;
use super::place::Place;

/// The settings of a local store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Whether an object is on disk before the client reads that it is stored.
    pub fsync: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { fsync: true }
    }
}

/// A repository's directory, and the directories of objects beneath it.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) repository: Directory,
    /// `lfs/objects`, after it was created or found.
    objects: Option<Directory>,
    pub(super) options: Options,
}

impl Layout {
    pub(super) fn open(repository: BorrowedFd<'_>, options: Options) -> io::Result<Self> {
        let mut layout = Self { repository: Directory::of(repository)?, objects: None, options };
        layout.objects()?;
        Ok(layout)
    }

    /// `lfs/objects`, if it exists.
    pub(super) fn objects(&mut self) -> io::Result<Option<&Directory>> {
        if self.objects.is_none() {
            let lfs = self.repository.open("lfs")?;
            self.objects = lfs.map(|lfs| lfs.open("objects")).transpose()?.flatten();
        }
        Ok(self.objects.as_ref())
    }

    /// The directory of an object, if it exists.
    pub(super) fn parent(&mut self, place: &Place) -> io::Result<Option<Directory>> {
        let Some(objects) = self.objects()? else { return Ok(None) };
        Ok(objects.open(place.first())?.map(|first| first.open(place.second())).transpose()?.flatten())
    }

    /// `lfs/incomplete`. This function creates it and `lfs/objects` if they are missing.
    pub(super) fn incomplete(&mut self) -> io::Result<Directory> {
        let (lfs, made) = self.repository.open_or_make("lfs")?;
        let (objects, made_objects) = lfs.open_or_make("objects")?;
        let (incomplete, _) = lfs.open_or_make("incomplete")?;
        if self.options.fsync && (made || made_objects) {
            lfs.sync()?;
            self.repository.sync()?;
        }
        self.objects = Some(objects);
        Ok(incomplete)
    }

    /// Creates the directories of objects. All are created before the first is synced, so that the file system writes
    /// its journal about once for all of them. Storing an object then syncs its file and one directory.
    pub(super) fn prepare(&mut self, places: impl Iterator<Item = Place>) -> io::Result<()> {
        self.incomplete()?;
        let mut above = Vec::new();
        for place in places {
            above.extend(self.make_parent(&place)?.1);
        }
        if self.options.fsync { above.iter().try_for_each(Directory::sync) } else { Ok(()) }
    }

    /// The directory of an object, created if it is missing, and the directories that must be on disk too for it to
    /// last.
    pub(super) fn make_parent(&self, place: &Place) -> io::Result<(Directory, Vec<Directory>)> {
        let objects = self.objects.as_ref().ok_or(io::ErrorKind::NotFound)?;
        let (first, first_made) = objects.open_or_make(place.first())?;
        let (second, second_made) = first.open_or_make(place.second())?;
        let mut above = Vec::new();
        if second_made {
            above.push(first);
        }
        if first_made {
            above.push(Directory::of(objects.as_fd())?);
        }
        Ok((second, above))
    }
}
