//! Objects of many packets: the second thread, uneven sizes, and every split of the input.

use std::io::Read;

use super::super::hash::BESIDE;
use super::*;

/// Bytes that show a shift: a pattern whose length does not divide a packet's.
fn large(length: u64) -> Vec<u8> {
    let length = usize::try_from(length).unwrap();
    let pattern: Vec<u8> = (0..1021_u32).map(|i| u8::try_from(i * i % 256).unwrap()).collect();
    let mut bytes = pattern.repeat(length / pattern.len() + 1);
    bytes.truncate(length);
    bytes
}

fn put(object: &[u8], packet_size: usize) -> Vec<u8> {
    let head = bytes(&format!("put-object {}; size={}; 0001", Oid::of(object), object.len()));
    let data: Vec<u8> = object.chunks(packet_size).flat_map(packet).collect();
    [head, data, b"0000".to_vec()].concat()
}

#[test]
fn objects_of_all_sizes_are_stored_and_sent() {
    for size in [1, 65_516, 65_517, 262_144, BESIDE - 1, BESIDE + 1_000_001] {
        let object = large(size);
        let mut hub = Hub::new();
        let input = [bytes("version 1; 0000"), put(&object, 32_768), bytes(PING)].concat();
        let mut output = Vec::new();
        let summary = hub.talk(Operation::Upload, Plain(input.as_slice()), &mut output);
        assert!(words(&output).ends_with(&named(&format!("status 200; 0000; status 200; 0000; {PONG}"))), "{size}");
        assert_eq!(summary.stored, (1, size));

        let mut output = Vec::new();
        let input = bytes(&format!("version 1; 0000; get-object {}; 0000; quit; 0000", Oid::of(&object)));
        hub.talk(Operation::Download, Plain(input.as_slice()), &mut output);
        let head = bytes(&format!("version=1; locking; 0000; status 200; 0000; status 200; size={size}; 0001"));
        let data = object.chunks(65_516).flat_map(packet).collect();
        assert!(output == [head, data, b"0000".to_vec(), bytes("status 200; 0000")].concat(), "{size}");
    }
}

#[test]
fn a_large_object_with_any_wrong_byte_is_not_stored_and_the_next_is_understood() {
    let object = large(BESIDE + 1_000_000);
    let whole = put(&object, 65_516);
    for (at, change) in [(200, 1_u8), (5_000_000, 0x80)] {
        let mut wrong = whole.clone();
        wrong[at] ^= change;
        let mut hub = Hub::new();
        let input = [bytes("version 1; 0000"), wrong, bytes(PING)].concat();
        let mut output = Vec::new();
        hub.talk(Operation::Upload, Plain(input.as_slice()), &mut output);
        let words = words(&output);
        assert!(words.contains("; status 400; 0001; the bytes that came are not those of"), "{words}");
        assert!(words.ends_with(&named(PONG)), "{words}");
        assert_eq!(hub.files(), vec![]);
    }
    // Far more bytes than announced, and far fewer.
    for (announced, came) in [(BESIDE, 2 * BESIDE), (2 * BESIDE, BESIDE), (10, BESIDE)] {
        let object = large(came);
        let data: Vec<u8> = object.chunks(40_000).flat_map(packet).collect();
        let head = bytes(&format!("version 1; 0000; put-object {}; size={announced}; 0001", Oid::of(&object)));
        let mut output = Vec::new();
        let mut hub = Hub::new();
        let input = [head, data, b"0000".to_vec(), bytes(PING)].concat();
        hub.talk(Operation::Upload, Plain(input.as_slice()), &mut output);
        let sentence = format!("was announced with {announced} bytes, but {came} came; 0000; {PONG}");
        assert!(words(&output).ends_with(&named(&sentence)), "{}", words(&output));
        assert_eq!(hub.files(), vec![]);
    }
}

#[test]
fn an_interrupted_upload_leaves_nothing() {
    let object = large(BESIDE + 100_000);
    let input = [bytes("version 1; 0000"), put(&object, 32_768)].concat();
    for cut in [100, 150, 2_000_000, input.len() - 1] {
        for naming in [None, Some(super::super::storage::Naming::Rename)] {
            let mut hub = Hub::new();
            let mut store = hub.store();
            if let Some(naming) = naming {
                store = store.naming(naming);
            }
            let summary = hub.talk_with(&mut store, Operation::Upload, Plain(&input[..cut]), io::sink());
            assert!(matches!(summary.ending, Ending::Broken(Broken::Cut)), "{cut}: {summary:?}");
            assert_eq!(hub.files(), vec![], "{cut}");
        }
    }
}

/// Returns one byte, then a few, then many, so reads never match the packets.
struct Uneven<'a>(&'a [u8], usize);

impl Read for Uneven<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.1 = self.1 * 7 % 65_521 + 1;
        let most = buffer.len().min(self.1);
        self.0.read(&mut buffer[..most])
    }
}

#[test]
fn one_session_transfers_many_objects() {
    let objects: Vec<Vec<u8>> = [3, 100_000, 0, 70_000, BESIDE, 1, BESIDE + 3, 50_000].map(large).into();
    let mut input = bytes("version 1; 0000");
    input.extend(objects.iter().flat_map(|object| put(object, 32_768)));
    input.extend(bytes("quit; 0000"));
    let mut hub = Hub::new();
    let mut output = Vec::new();
    let summary = hub.talk(Operation::Upload, Plain(Uneven(&input, 1)), &mut output);
    assert!(matches!(summary.ending, Ending::Quit));
    assert_eq!(words(&output).matches("status 200; 0000").count(), objects.len() + 2);
    assert_eq!(hub.files().len(), objects.len());
}
