//! The pack of a push, which `git index-pack` has just written and checked.
//!
//! The bytes of a client enter, after git has checked each object. Types, sizes and bytes leave. The checks of a push
//! need little of most objects: `git cat-file` would inflate the whole of each and write it to a pipe, which costs as
//! much as to receive it.

mod delta;
mod error;
mod index;
mod inflate;
mod plan;

use std::fs::File;
use std::path::Path;
use std::thread::available_parallelism;

use super::objects::Kind;
pub use error::BadPack;
use index::Index;
use inflate::Inflater;

/// The most threads that read. git itself unpacks a push in as many.
const THREADS: usize = 4;
/// The fewest objects for which a thread is started.
const FEW: usize = 512;
/// The most bytes before the compressed bytes of an object: type and size, and the place or the id of another object.
const HEAD_MAX: u64 = 10 + 32;

/// The type of an object, and its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Object {
    /// Its type.
    pub kind: Kind,
    /// Its size in bytes.
    pub size: u64,
}

/// A pack. Its objects have numbers, in the order in which they are in it.
pub struct Pack {
    file: File,
    index: Index,
    entries: Vec<Entry>,
    /// Where the last entry ends.
    end: u64,
}

/// An entry of a pack.
#[derive(Debug, Clone, Copy)]
struct Entry {
    /// Where it begins, and where its compressed bytes begin.
    begin: u64,
    data: u64,
    /// The size of what is compressed: the object, or the delta that makes it from `base`.
    inflated: u64,
    object: Object,
    base: Option<u32>,
    /// The number of its id in the index.
    id: u32,
}

/// What an entry says about its object.
enum Made {
    Whole(Kind),
    /// From the object that begins so many bytes before it.
    FromPlace(u64),
    /// From the object with this number in the index.
    FromId(usize),
}

impl Pack {
    /// Opens the pack in a directory of objects; `None` if there are no objects.
    ///
    /// # Errors
    /// [`BadPack`].
    pub fn only_in(objects: &Path) -> Result<Option<Self>, BadPack> {
        let mut found = None;
        for entry in std::fs::read_dir(objects)? {
            let entry = entry?;
            let name = entry.file_name();
            let name = name.to_string_lossy();
            // Objects outside packs are in directories of two digits.
            if name.len() == 2 && std::fs::read_dir(entry.path())?.next().is_some() {
                return Err(BadPack::Several);
            }
            if name != "pack" {
                continue;
            }
            for file in std::fs::read_dir(entry.path())? {
                let path = file?.path();
                if path.extension().is_some_and(|ending| ending == "pack") && found.replace(path).is_some() {
                    return Err(BadPack::Several);
                }
            }
        }
        found.map(|path| Self::open(&path)).transpose()
    }

    /// Opens a pack by its path. The hash in its name says how long ids are.
    fn open(path: &Path) -> Result<Self, BadPack> {
        let name = path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.strip_prefix("pack-"));
        let id_length = name.map(|hash| hash.len() / 2).filter(|length| [20, 32].contains(length));
        let id_length = id_length.ok_or(BadPack::Format)?;
        let index = Index::parse(std::fs::read(path.with_extension("idx"))?, id_length).ok_or(BadPack::Format)?;
        let file = File::open(path)?;
        // A checksum of the pack is behind the last entry.
        let end = file.metadata()?.len().checked_sub(id_length as u64).ok_or(BadPack::Format)?;
        let place = |id| Some((index.offset(id)?, u32::try_from(id).ok()?));
        let mut places: Vec<(u64, u32)> =
            (0..index.count()).map(place).collect::<Option<_>>().ok_or(BadPack::Format)?;
        places.sort_unstable();
        let mut pack = Self { file, index, entries: Vec::new(), end };
        pack.entries = pack.entries(&places)?;
        pack.name_kinds()?;
        Ok(pack)
    }

    /// The objects, in the order of their numbers.
    pub fn objects(&self) -> impl Iterator<Item = Object> {
        self.entries.iter().map(|entry| entry.object)
    }

    /// The id of an object, in hexadecimal digits. Empty if there is no such object.
    #[must_use]
    pub fn id(&self, number: usize) -> String {
        let id = self.entries.get(number).and_then(|entry| self.index.id(entry.id as usize)).unwrap_or_default();
        id.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The bytes of an id.
    #[must_use]
    pub fn id_length(&self) -> usize {
        self.index.id_length()
    }

    /// How many threads read so many objects.
    fn threads(objects: usize) -> usize {
        available_parallelism().map_or(1, |processors| processors.get().min(THREADS)).min(objects / FEW).max(1)
    }

    /// Reads what is before the compressed bytes of each entry.
    fn entries(&self, places: &[(u64, u32)]) -> Result<Vec<Entry>, BadPack> {
        // The number of each object by that in the index.
        let mut numbers = vec![0_u32; places.len()];
        for (number, (_, id)) in (0..).zip(places) {
            *numbers.get_mut(*id as usize).ok_or(BadPack::Format)? = number;
        }
        let read = |first: usize, places_of_thread: &[(u64, u32)]| {
            let mut inflater = Inflater::of(&self.file);
            let mut sizes = Vec::new();
            let entry = |(number, (begin, id)): (usize, &(u64, u32))| {
                let end = places.get(number + 1).map_or(self.end, |(next, _)| *next);
                let mut entry = self.entry(&mut inflater, (*begin, end), places, &numbers)?;
                entry.id = *id;
                if entry.base.is_some() {
                    inflater.inflate((entry.data, end), entry.inflated, delta::SIZES as u64, &mut sizes)?;
                    entry.object.size = delta::size(&sizes).ok_or(BadPack::Format)?;
                }
                Ok(entry)
            };
            (first..).zip(places_of_thread).map(entry).collect::<Result<Vec<Entry>, BadPack>>()
        };
        let share = places.len().div_ceil(Self::threads(places.len())).max(1);
        std::thread::scope(|scope| {
            let started: Vec<_> = places
                .chunks(share)
                .enumerate()
                .map(|(thread, places)| scope.spawn(move || read(thread * share, places)))
                .collect();
            let mut entries = Vec::with_capacity(places.len());
            for thread in started {
                entries.extend(thread.join().map_err(|_| BadPack::Format)??);
            }
            Ok(entries)
        })
    }

    /// Reads what is before the compressed bytes of the entry between two places.
    fn entry(
        &self,
        inflater: &mut Inflater<'_>,
        (begin, end): (u64, u64),
        places: &[(u64, u32)],
        numbers: &[u32],
    ) -> Result<Entry, BadPack> {
        let length = end.checked_sub(begin).ok_or(BadPack::Format)?.min(HEAD_MAX);
        let head = inflater.window.bytes(begin, length)?;
        let (made, inflated, length) = self.head(head).ok_or(BadPack::Format)?;
        let (kind, base) = match made {
            Made::Whole(kind) => (kind, None),
            Made::FromPlace(before) => {
                let place = begin.checked_sub(before).ok_or(BadPack::Format)?;
                let base = places.binary_search_by_key(&place, |(place, _)| *place).map_err(|_| BadPack::Format)?;
                (Kind::Blob, Some(u32::try_from(base).map_err(|_| BadPack::Format)?))
            }
            Made::FromId(id) => (Kind::Blob, Some(*numbers.get(id).ok_or(BadPack::Format)?)),
        };
        let object = Object { kind, size: inflated };
        Ok(Entry { begin, data: begin + length, inflated, object, base, id: 0 })
    }

    /// The parts of the beginning of an entry: how its object is made, the size of what is compressed, and how long the
    /// beginning is.
    fn head(&self, head: &[u8]) -> Option<(Made, u64, u64)> {
        let (first, mut rest) = head.split_first()?;
        let (mut size, mut byte, mut shift) = (u64::from(first & 0x0f), *first, 4);
        while byte & 0x80 != 0 {
            (byte, rest) = rest.split_first().map(|(byte, rest)| (*byte, rest))?;
            size |= u64::from(byte & 0x7f).checked_shl(shift).filter(|_| shift < 57)?;
            shift += 7;
        }
        let made = match first >> 4 & 0x07 {
            1 => Made::Whole(Kind::Commit),
            2 => Made::Whole(Kind::Tree),
            3 => Made::Whole(Kind::Blob),
            4 => Made::Whole(Kind::Tag),
            6 => {
                let mut before = 0_u64;
                let mut digits = 0..9;
                loop {
                    digits.next()?;
                    (byte, rest) = rest.split_first().map(|(byte, rest)| (*byte, rest))?;
                    before = before << 7 | u64::from(byte & 0x7f);
                    if byte & 0x80 == 0 {
                        break Made::FromPlace(before);
                    }
                    // No number has two forms.
                    before += 1;
                }
            }
            7 => {
                let (id, behind) = rest.split_at_checked(self.index.id_length())?;
                rest = behind;
                Made::FromId(self.index.find(id)?)
            }
            _ => return None,
        };
        Some((made, size, (head.len() - rest.len()) as u64))
    }

    /// Gives each object that a delta makes the type of the object that it is made from.
    fn name_kinds(&mut self) -> Result<(), BadPack> {
        let mut is_named: Vec<bool> = self.entries.iter().map(|entry| entry.base.is_none()).collect();
        let mut chain = Vec::new();
        for number in 0..self.entries.len() {
            let mut at = number;
            while !is_named.get(at).copied().ok_or(BadPack::Format)? {
                chain.push(at);
                // A circle is longer than the pack.
                if chain.len() > self.entries.len() {
                    return Err(BadPack::Format);
                }
                at = self.entries.get(at).and_then(|entry| entry.base).ok_or(BadPack::Format)? as usize;
            }
            let kind = self.entries.get(at).ok_or(BadPack::Format)?.object.kind;
            for made in chain.drain(..) {
                if let (Some(entry), Some(is_named)) = (self.entries.get_mut(made), is_named.get_mut(made)) {
                    (entry.object.kind, *is_named) = (kind, true);
                }
            }
        }
        Ok(())
    }

    /// Where the compressed bytes of an entry begin and end.
    fn data(&self, number: usize) -> Option<(u64, u64)> {
        let end = self.entries.get(number + 1).map_or(self.end, |next| next.begin);
        self.entries.get(number).map(|entry| (entry.data, end))
    }
}

#[cfg(test)]
mod tests;
