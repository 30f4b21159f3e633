//! Deltas: how an object is made from another one (gitformat-pack(5)).

/// The most bytes of a delta that say the sizes of both objects.
pub(super) const SIZES: usize = 20;

/// The size of the object that a delta makes. The beginning of the delta is enough.
pub(super) fn size(mut delta: &[u8]) -> Option<u64> {
    number(&mut delta)?;
    number(&mut delta)
}

/// Makes an object of so many bytes from `base`. `None` if the delta is malformed.
pub(super) fn apply(base: &[u8], mut delta: &[u8], size: u64, made: &mut Vec<u8>) -> Option<()> {
    let size = usize::try_from(size).ok()?;
    if number(&mut delta)? != base.len() as u64 || number(&mut delta)? != size as u64 {
        return None;
    }
    made.clear();
    made.reserve(size);
    while let Some((code, rest)) = delta.split_first() {
        delta = rest;
        let piece = if code & 0x80 != 0 {
            let begin = field(&mut delta, code & 0x0f)?;
            let length = match field(&mut delta, code >> 4 & 0x07)? {
                0 => 0x1_0000,
                length => length,
            };
            base.get(begin..begin + length)?
        } else {
            // 0 is reserved.
            let (piece, rest) = delta.split_at_checked((*code).into()).filter(|(piece, _)| !piece.is_empty())?;
            delta = rest;
            piece
        };
        if piece.len() > size - made.len() {
            return None;
        }
        made.extend_from_slice(piece);
    }
    (made.len() == size).then_some(())
}

/// A number of up to four bytes, the lowest first. A bit says of each whether it is there, or else zero.
fn field(delta: &mut &[u8], bits: u8) -> Option<usize> {
    let mut number = 0;
    for place in (0..4).filter(|place| bits >> place & 1 != 0) {
        let (byte, rest) = delta.split_first()?;
        *delta = rest;
        number |= usize::from(*byte) << (8 * place);
    }
    Some(number)
}

/// A number with seven bits in each byte, the lowest first.
fn number(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for place in 0..9 {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(base: &[u8], delta: &[u8], size: u64) -> Option<Vec<u8>> {
        let mut made = b"before".to_vec();
        apply(base, delta, size, &mut made).map(|()| made)
    }

    #[test]
    fn a_delta_copies_and_inserts() {
        let base = b"0123456789";
        // Copies 3 bytes from 2, inserts `ab`, copies one byte from 0.
        let delta = [&[10, 6, 0x91, 2, 3, 2][..], b"ab", &[0x90, 1]].concat();
        assert_eq!(applied(base, &delta, 6).as_deref(), Some(b"234ab0".as_slice()));
        assert_eq!(size(&delta), Some(6));
        for length in 0..delta.len() {
            assert_eq!(applied(base, &delta[..length], 6), None, "{length}");
        }
        // Without a length, 64 KiB.
        let long = vec![b'x'; 0x1_0001];
        let delta = [&[0x81, 0x80, 4, 0x80, 0x80, 4, 0x81, 1][..]].concat();
        assert_eq!(applied(&long, &delta, 0x1_0000).map(|made| made.len()), Some(0x1_0000));
        assert_eq!(size(&delta), Some(0x1_0000));
    }

    #[test]
    fn a_delta_that_reaches_beyond_its_objects_is_malformed() {
        let base = b"0123456789";
        for (delta, size) in [
            (&[9, 1, 0x90, 1][..], 1),
            (&[10, 1, 0x90, 1], 2),
            (&[10, 2, 0x90, 1], 2),
            (&[10, 1, 0x90, 2], 1),
            (&[10, 11, 0x90, 11], 11),
            (&[10, 1, 0x91, 10, 1], 1),
            (&[10, 2, 0x9f, 0xff, 0xff, 0xff, 0xff, 1], 2),
            (&[10, 1, 0, 1], 1),
            (&[10, 1, 2, b'a', b'b'], 1),
            (&[10], 0),
            (&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1], 0),
        ] {
            assert_eq!(applied(base, delta, size), None, "{delta:?}");
        }
        assert_eq!(applied(base, &[10, 0], 0), Some(Vec::new()));
    }
}
