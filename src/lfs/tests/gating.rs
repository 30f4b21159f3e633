//! Access: by the session's operation, by its refusal, and by the policy at each step.

use super::*;

#[test]
fn a_session_serves_its_own_direction_only() {
    let put = "put-object {abc}; size=3; 0001; =abc; 0000";
    let forbidden = |operation| format!("status 403; 0001; this session is for {operation} only; 0000");
    for request in [put, "verify-object {abc}; size=3; 0000", "lock; path=a; 0000", "unlock 1; 0000"] {
        let mut hub = Hub::new();
        let answer = hub.download(&format!("{request}; batch; 0001; {{abc}} 3; 0000"));
        let next = "status 200; 0001; {abc} 3 noop; 0000";
        assert_answer(&answer, &format!("{}; {next}", forbidden(Operation::Download)), request);
        assert_eq!(hub.files(), vec![], "{request}");
        assert!(hub.locks.list(&Filter::default(), 0, 9).unwrap().is_empty());
    }
    let mut hub = Hub::with(&["abc"]);
    let answer = hub.upload(&format!("get-object {{abc}}; size=3; 0000; {PING}"));
    assert_answer(&answer, &format!("{}; {PONG}", forbidden(Operation::Upload)), "get-object");
}

#[test]
fn both_directions_list_objects_and_locks() {
    for command in ["batch", "list-lock", "list-locks"] {
        for operation in [Operation::Upload, Operation::Download] {
            let (answer, _) = Hub::new().answers(operation, &format!("{command}; 0000"));
            assert_eq!(answer, "status 200; 0001; 0000", "{command} {operation}");
        }
    }
}

#[test]
fn a_refused_session_answers_each_command_with_the_refusal_and_does_nothing() {
    let refusal = Refusal::new(403, "repository not found, or you have no access to it\nyou are alice");
    let sentence = "0001; repository not found, or you have no access to it; you are alice; 0000";
    for (operation, request, status) in [
        (Operation::Upload, "batch; 0001; {abc} 3; 0000", 403),
        (Operation::Download, "batch; 0001; {abc} 3; 0000", 403),
        (Operation::Upload, "put-object {abc}; size=3; 0001; =abc; 0000", 422),
        (Operation::Upload, "verify-object {abc}; size=3; 0000", 403),
        (Operation::Download, "get-object {abc}; 0000", 403),
        (Operation::Upload, "lock; path=a; 0000", 403),
        (Operation::Upload, "unlock 1; 0000", 403),
        (Operation::Upload, "list-lock; 0000", 403),
        (Operation::Download, "list-locks; 0000", 403),
    ] {
        let mut hub = Hub { refusal: Some(refusal.clone()), ..Hub::with(&["abc"]) };
        let before = hub.files();
        let (answer, summary) = hub.answers(operation, &format!("{request}; batch; 0000; quit; 0000"));
        let expected = format!("status {status}; {sentence}; status 403; {sentence}; status 200; 0000");
        assert_answer(&answer, &expected, request);
        assert_eq!(hub.policy.asked, vec![], "the policy is not asked: {request}");
        assert_eq!(hub.files(), before);
        assert_eq!(summary.refused, 2);
    }
}

#[test]
fn a_refusal_always_has_a_status_and_a_sentence() {
    for (status, sentence, expected) in [
        (501, "LFS is off here", "status 501; 0001; LFS is off here; 0000"),
        (200, "no", "status 500; 0001; no; 0000"),
        (0, "no", "status 500; 0001; no; 0000"),
        (403, "", "status 403; 0001; refused; 0000"),
        (403, "\n \n", "status 403; 0001; refused; 0000"),
        (403, "a\r\n\nb\x1b[2J\n", "status 403; 0001; a; b?[2J; 0000"),
    ] {
        let mut hub = Hub { refusal: Some(Refusal::new(status, sentence)), ..Hub::new() };
        assert_eq!(hub.upload("batch; 0000"), expected);
    }
}

#[test]
fn the_policy_is_asked_again_at_each_batch_put_lock_and_unlock() {
    let mut hub = Hub::new();
    hub.upload(
        "batch; 0000; put-object {a}; size=1; 0001; =a; 0000; put-object {b}; size=1; 0001; =b; 0000; \
         verify-object {a}; size=1; 0000; lock; path=a; 0000; unlock 1; 0000; list-lock; 0000; batch; 0000",
    );
    assert_eq!(hub.policy.asked, vec![Ask::Batch, Ask::Put, Ask::Put, Ask::Lock, Ask::Unlock, Ask::Batch]);
    let mut hub = Hub::with(&["a"]);
    hub.download("batch; 0000; get-object {a}; 0000; get-object {a}; 0000");
    assert_eq!(hub.policy.asked, vec![Ask::Batch]);
}

#[test]
fn a_withdrawn_right_ends_with_the_next_step() {
    let refusal = |status| Refusal::new(status, "you have no write access to alice/x");
    for (ask, request, status) in [
        (Ask::Batch, "batch; 0001; {abc} 3; 0000", 403),
        // After 403, a client would send the object eight more times.
        (Ask::Put, "put-object {abc}; size=3; 0001; =abc; 0000", 422),
        (Ask::Lock, "lock; path=a; 0000", 403),
        (Ask::Unlock, "unlock 1; 0000", 403),
    ] {
        let mut hub = Hub::new();
        hub.policy.refused.push((ask, refusal(403)));
        let answer = hub.upload(&format!("{request}; {PING}"));
        let expected = format!("status {status}; 0001; you have no write access to alice/x; 0000; {PONG}");
        assert_answer(&answer, &expected, request);
        assert_eq!(hub.files(), vec![]);
    }
    let mut hub = Hub::new();
    hub.policy.refused.push((Ask::Put, refusal(429)));
    let answer = hub.upload("put-object {abc}; size=3; 0001; =abc; 0000");
    assert!(answer.starts_with("status 429; 0001; "), "a client that is to try again later is told so: {answer}");
}

#[test]
fn a_fault_of_the_policy_gives_no_access() {
    for request in [
        "batch; 0001; {abc} 3; 0000",
        "put-object {abc}; size=3; 0001; =abc; 0000",
        "lock; path=a; 0000",
        "unlock 1; 0000",
    ] {
        let mut hub = Hub::new();
        hub.policy.failing = true;
        let answer = hub.upload(&format!("{request}; {PING}"));
        assert_answer(&answer, &format!("status 500; 0001; {FAULT}; 0000; {PONG}"), request);
        assert_eq!(hub.faults, ["database is locked"], "{request}");
        assert_eq!(hub.files(), vec![]);
    }
}
