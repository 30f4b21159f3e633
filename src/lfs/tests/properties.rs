//! Properties of every input.

use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any};
use proptest::{prop_assert, prop_assert_eq, prop_oneof, sample};

use super::*;
use crate::tests::holds;

fn operation() -> impl Strategy<Value = Operation> {
    sample::select(Operation::ALL)
}

/// Checks the files that a session leaves: objects with correct names, and nothing else.
fn stray_files(hub: &Hub) -> Vec<String> {
    let is_object = |(path, bytes): &(String, Vec<u8>)| {
        let name = Oid::of(bytes).to_string();
        *path == format!("lfs/objects/{}/{}/{name}", &name[..2], &name[2..4])
    };
    hub.files().into_iter().filter(|file| !is_object(file)).map(|(path, _)| path).collect()
}

/// Checks that an output consists of packets. Returns the number of answers.
fn answers(output: &[u8]) -> usize {
    // It panics at a malformed length.
    words(output).split("; ").filter(|word| *word == "0000").count()
}

fn hub() -> Hub {
    let mut hub = Hub::with(&["abc"]);
    hub.policy.quota = Some(1_000_000);
    hub
}

#[test]
fn arbitrary_bytes_never_panic_and_never_write_outside() {
    let inputs = (operation(), any::<bool>(), vec(any::<u8>(), 0..300));
    holds(300, &inputs, |(operation, greet, garbage)| {
        let mut hub = hub();
        let greeting = if greet { bytes("version 1; 0000") } else { Vec::new() };
        let input = [greeting, garbage].concat();
        let mut output = Vec::new();
        hub.talk(operation, Plain(input.as_slice()), &mut output);
        prop_assert!(answers(&output) >= 1);
        prop_assert_eq!(stray_files(&hub), Vec::<String>::new());
        Ok(true)
    });
}

/// A word of a request, right or nearly right.
fn word() -> impl Strategy<Value = String> {
    let id = || sample::select(vec!["{abc}", "{}", "{x}", "{test content}", "../../etc/passwd", "{abc}x", "0", ""]);
    let number = || sample::select(vec!["0", "1", "3", "12", "-1", "99999999999999999999", "x", ""]);
    let path = || sample::select(vec!["a", "a/b", "../x", "/x", "", "ü", "a b"]);
    prop_oneof![
        Just("batch".to_owned()),
        id().prop_map(|id| format!("put-object {id}")),
        id().prop_map(|id| format!("verify-object {id}")),
        id().prop_map(|id| format!("get-object {id}")),
        Just("lock".to_owned()),
        Just("unlock 1".to_owned()),
        sample::select(vec!["list-lock", "list-locks", "quit", "version 1", "version 2", "hello", "", "="])
            .prop_map(str::to_owned),
        number().prop_map(|number| format!("size={number}")),
        path().prop_map(|path| format!("path={path}")),
        number().prop_map(|number| format!("limit={number}")),
        (id(), number()).prop_map(|(id, number)| format!("{id} {number}")),
        sample::select(vec!["=abc", "=x", "=test ", "=content", "=\0\u{1}"]).prop_map(str::to_owned),
        ".{0,12}".prop_map(|text| text.replace(['{', '}', ';'], "")),
    ]
}

/// A request with its end, and sometimes a delimiter.
fn request() -> impl Strategy<Value = String> {
    let nearly = (vec(word(), 0..5), vec(word(), 0..4), any::<bool>()).prop_map(|(mut head, data, open)| {
        // A delimiter without a command before it breaks the framing.
        if open && head.iter().all(|word| word.is_empty() || word == "=") {
            head.push("hello".to_owned());
        }
        let middle = if open { vec!["0001".to_owned()] } else { Vec::new() };
        [head, middle, data, vec!["0000".to_owned()]].concat().join("; ")
    });
    let right = sample::select(vec![
        "put-object {abc}; size=3; 0001; =abc; 0000",
        "put-object {test content}; size=12; 0001; =test ; =content; 0000",
        "put-object {}; size=0; 0001; 0000",
        "put-object {x}; size=1; 0001; =y; 0000",
        "batch; transfer=ssh; 0001; {abc} 3; {x} 1; 0000",
        "get-object {abc}; size=3; 0000",
        "verify-object {abc}; size=3; 0000",
        "lock; path=a; refname=refs/heads/main; 0000",
        "list-lock; limit=1; 0000",
    ]);
    prop_oneof![1 => nearly, 2 => right.prop_map(str::to_owned)]
}

#[test]
fn each_request_gets_one_answer_and_only_objects_are_left() {
    let accepted = holds(400, &(operation(), vec(request(), 1..7)), |(operation, requests)| {
        let mut hub = hub();
        let input = bytes(&format!("version 1; 0000; {}", requests.join("; ")));
        let mut output = Vec::new();
        let summary = hub.talk(operation, Plain(input.as_slice()), &mut output);
        let given = answers(&output);
        match summary.ending {
            Ending::Quit => prop_assert!(given <= requests.len() + 2),
            Ending::End => prop_assert_eq!(given, requests.len() + 2),
            Ending::Broken(error) => prop_assert!(false, "{error}: {requests:?}"),
        }
        prop_assert_eq!(stray_files(&hub), Vec::<String>::new());
        prop_assert_eq!(summary.faults, 0);
        if operation == Operation::Download {
            prop_assert_eq!(hub.files().len(), 1, "a reader has written");
        }
        Ok(summary.stored.0 + summary.sent.0 > 0)
    });
    assert!(accepted > 100, "only {accepted} of 400 moved an object");
}

#[test]
fn the_pieces_of_an_input_have_no_effect() {
    /// Returns as many bytes at a time as a list says, over and over.
    struct Pieces<'a>(&'a [u8], std::iter::Cycle<std::slice::Iter<'a, usize>>);
    impl io::Read for Pieces<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let most = buffer.len().min(*self.1.next().unwrap());
            self.0.read(&mut buffer[..most])
        }
    }
    let inputs = (operation(), vec(request(), 1..7), vec(1..40_usize, 1..8), any::<bool>());
    let moved = holds(250, &inputs, |(operation, requests, pieces, cut)| {
        let mut input = bytes(&format!("version 1; 0000; {}", requests.join("; ")));
        if cut {
            input.truncate(input.len() / 2 + 10);
        }
        let (mut whole, mut in_pieces) = (Vec::new(), Vec::new());
        let (mut first, mut second) = (hub(), hub());
        let summary = first.talk(operation, Plain(input.as_slice()), &mut whole);
        second.talk(operation, Plain(Pieces(&input, pieces.iter().cycle())), &mut in_pieces);
        // Only the random ids of locks differ.
        let text =
            |output: &[u8]| words(output).split("; ").filter(|word| !names_a_lock(word)).collect::<Vec<_>>().join("; ");
        prop_assert_eq!(text(&whole), text(&in_pieces));
        prop_assert_eq!(first.files(), second.files());
        Ok(summary.stored.0 + summary.sent.0 > 0)
    });
    assert!(moved > 40, "only {moved} of 250 moved an object");
}

fn names_a_lock(word: &str) -> bool {
    ["id=", "lock ", "path ", "locked-at ", "ownername ", "owner "].iter().any(|start| word.starts_with(start))
}
