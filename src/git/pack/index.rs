//! The index of a pack (gitformat-pack(5), version 2): ids, and where their objects are.

/// The magic and the version.
const HEAD: [u8; 8] = [0xff, b't', b'O', b'c', 0, 0, 0, 2];
/// Where the ids begin, after a table of 256 counts, of which the last counts all.
const IDS: usize = HEAD.len() + 4 * 256;
/// In an offset: the other bits are a place in the table of long offsets.
const IS_LONG: u32 = 1 << 31;

/// An index. Objects have numbers in the order of their ids.
pub(super) struct Index {
    bytes: Vec<u8>,
    count: usize,
    /// The bytes of an id.
    id_length: usize,
}

impl Index {
    /// Reads an index of ids of so many bytes; `None` if its head or its length is wrong.
    pub(super) fn parse(bytes: Vec<u8>, id_length: usize) -> Option<Self> {
        let count = usize::try_from(short(bytes.get(IDS - 4..)?)?).ok()?;
        let index = Self { bytes, count, id_length };
        // A checksum of the pack and one of the index are behind the offsets.
        let is_whole = index.bytes.starts_with(&HEAD) && index.long_offsets() + 2 * id_length <= index.bytes.len();
        is_whole.then_some(index)
    }

    pub(super) fn id_length(&self) -> usize {
        self.id_length
    }

    pub(super) fn count(&self) -> usize {
        self.count
    }

    pub(super) fn id(&self, number: usize) -> Option<&[u8]> {
        let begin = IDS + number * self.id_length;
        self.bytes.get(begin..begin + self.id_length).filter(|_| number < self.count)
    }

    /// Where an object begins in the pack.
    pub(super) fn offset(&self, number: usize) -> Option<u64> {
        // A checksum of four bytes for each object is behind the ids.
        let offset = short(self.bytes.get(IDS + self.count * (self.id_length + 4) + number * 4..)?)?;
        if offset & IS_LONG == 0 {
            return Some(offset.into());
        }
        let place = usize::try_from(offset & !IS_LONG).ok()?;
        let long = self.bytes.get(self.long_offsets() + place * 8..)?;
        long.first_chunk().map(|bytes| u64::from_be_bytes(*bytes))
    }

    /// The number of the object with this id.
    pub(super) fn find(&self, id: &[u8]) -> Option<usize> {
        let (mut low, mut high) = (0, self.count);
        while low < high {
            let middle = low + (high - low) / 2;
            match self.id(middle)?.cmp(id) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Equal => return Some(middle),
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        None
    }

    fn long_offsets(&self) -> usize {
        IDS + self.count * (self.id_length + 8)
    }
}

fn short(bytes: &[u8]) -> Option<u32> {
    bytes.first_chunk().map(|bytes| u32::from_be_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An index of ids of two bytes: 1 at 12, and 2 behind four gigabytes.
    fn bytes() -> Vec<u8> {
        let mut bytes = [&HEAD[..], &[0; 4 * 255], &[0, 0, 0, 2]].concat();
        bytes.extend([0, 1, 0, 2]);
        bytes.extend([0; 8]);
        bytes.extend([0, 0, 0, 12, 0x80, 0, 0, 0]);
        bytes.extend([0, 0, 0, 1, 0, 0, 0, 5]);
        bytes.extend([0; 4]);
        bytes
    }

    #[test]
    fn an_index_has_short_and_long_offsets() {
        let index = Index::parse(bytes(), 2).unwrap();
        assert_eq!((index.count(), index.offset(0), index.offset(1)), (2, Some(12), Some((1 << 32) + 5)));
        assert_eq!((index.id(1), index.id(2)), (Some([0, 2].as_slice()), None));
        assert_eq!([[0, 0], [0, 1], [0, 2], [0, 3]].map(|id| index.find(&id)), [None, Some(0), Some(1), None]);
    }

    #[test]
    fn an_index_that_is_cut_or_of_another_version_is_none() {
        // The table of long offsets is as long as it is needed.
        for length in 0..bytes().len() - 8 {
            assert!(Index::parse(bytes()[..length].to_vec(), 2).is_none(), "{length}");
        }
        let index = Index::parse(bytes()[..bytes().len() - 8].to_vec(), 2).unwrap();
        assert_eq!((index.offset(0), index.offset(1)), (Some(12), None));
        for place in 0..HEAD.len() {
            let mut other = bytes();
            other[place] ^= 1;
            assert!(Index::parse(other, 2).is_none(), "{place}");
        }
    }
}
