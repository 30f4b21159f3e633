use std::os::fd::AsFd;

use super::*;

fn group(connection: Option<&str>) -> GroupId {
    let root = File::open("/").unwrap();
    GroupId::of(connection.map(str::as_bytes), root.as_fd(), Operation::Upload).unwrap()
}

#[test]
fn a_group_is_one_connection_one_repository_one_operation() {
    let this = "192.0.2.1 50000 192.0.2.2 22";
    assert_eq!(group(Some(this)), group(Some(this)));
    assert_ne!(group(Some(this)), group(Some("192.0.2.1 50001 192.0.2.2 22")));
    let (root, other) = (File::open("/").unwrap(), File::open("/usr").unwrap());
    assert_ne!(group(Some(this)), GroupId::of(Some(this.as_bytes()), root.as_fd(), Operation::Download).unwrap());
    assert_ne!(group(Some(this)), GroupId::of(Some(this.as_bytes()), other.as_fd(), Operation::Upload).unwrap());
    let by_parent = group(None);
    assert_eq!(group(Some("UNKNOWN 65535 UNKNOWN 65535")), by_parent);
    assert_eq!(group(Some("")), by_parent);
    assert_ne!(group(Some(this)), by_parent);
}

#[test]
fn a_process_differs_from_a_later_one_with_the_same_id() {
    let words = started_by(Pid::this());
    let (pid, start) = words.split_once(' ').unwrap();
    assert_eq!(pid, Pid::this().to_string());
    assert!(start.parse::<u64>().unwrap() > 0);
}

/// Far longer than any grace period.
const HOUR: Duration = Duration::from_secs(3_600);

/// A session process in the model, and its next step.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Step {
    /// Not started yet.
    Unborn,
    /// Has read the group's event, and waits for a command; `true` after its first command.
    Waiting(bool),
    /// Has read the command, and has not noted it.
    Read,
    /// Has noted the command and sent the answer. The process may take any time before it waits again.
    Answered,
}

/// The state of the whole machine between two steps.
#[derive(Clone)]
struct Model {
    sessions: Vec<Step>,
    waits: Vec<Option<Wait>>,
    born: Vec<Option<Event>>,
    last: Option<Event>,
    has_quit: bool,
    now: Instant,
    events: u64,
    steps: Vec<String>,
}

impl Clone for Wait {
    fn clone(&self) -> Self {
        Self { grace: self.grace, at_start: self.at_start, since: self.since }
    }
}

impl Model {
    fn new(sessions: usize, last: Option<Event>) -> Self {
        let (unborn, none) = (vec![Step::Unborn; sessions], vec![None; sessions]);
        let now = Instant::now();
        Self {
            sessions: unborn,
            waits: vec![None; sessions],
            born: none,
            last,
            has_quit: false,
            now,
            events: 10,
            steps: vec![],
        }
    }

    fn note(&mut self, is_quit: bool) {
        self.events += 1;
        self.last = Some(Event::new(self.events, is_quit));
    }

    /// Lets each waiting session read the group's event until it is certain. Returns the sessions that end.
    fn pause(&mut self, time: Duration) -> Vec<usize> {
        let mut ended = Vec::new();
        for step in [Duration::ZERO, GRACE, time] {
            self.now += step;
            for (number, wait) in self.waits.iter_mut().enumerate() {
                if wait.as_mut().is_some_and(|wait| wait.has_ended(self.last, self.now)) && !ended.contains(&number) {
                    ended.push(number);
                }
            }
        }
        ended.sort_unstable();
        ended
    }

    /// Every possible next step. The client quits session 0 after every session has answered, or has no more work.
    fn next(&self) -> Vec<Self> {
        let mut next = Vec::new();
        for number in 0..self.sessions.len() {
            let mut model = self.clone();
            let step = match self.sessions[number] {
                Step::Unborn => {
                    model.born[number] = model.last;
                    model.waits[number] = Some(Wait { grace: GRACE, at_start: model.last, since: None });
                    Step::Waiting(false)
                }
                Step::Waiting(false) if !self.has_quit => {
                    model.waits[number] = None;
                    Step::Read
                }
                Step::Read => {
                    model.note(false);
                    Step::Answered
                }
                Step::Answered => {
                    model.waits[number] = Some(Wait { grace: GRACE, at_start: model.born[number], since: None });
                    Step::Waiting(true)
                }
                Step::Waiting(_) => continue,
            };
            model.sessions[number] = step;
            model.steps.push(format!("session {number}: {step:?}"));
            next.push(model);
        }
        let is_done = |step: &Step| matches!(step, Step::Answered | Step::Waiting(_));
        if !self.has_quit && self.sessions.iter().all(is_done) && matches!(self.sessions[0], Step::Waiting(_)) {
            let mut model = self.clone();
            model.waits[0] = None;
            model.has_quit = true;
            model.note(true);
            model.steps.push("session 0 quits".to_owned());
            next.push(model);
        }
        next
    }
}

/// Tries every order of the steps of one client's sessions. Each step may take any time. No session ends before the
/// client quits, and all end soon after.
#[test]
fn in_every_order_of_events_exactly_the_forgotten_sessions_end() {
    let stale_quit = Event::new(1, true);
    let stale_work = Event::new(2, false);
    let mut ends = 0;
    for before in [None, Some(stale_quit), Some(stale_work)] {
        let mut open = vec![Model::new(3, before)];
        while let Some(model) = open.pop() {
            // A pause of any length may come between two steps, before a client's first command too.
            let mut paused = model.clone();
            let ended = paused.pause(HOUR);
            if model.has_quit {
                let waiting = (1..3).filter(|number| model.waits[*number].is_some());
                assert_eq!(ended, waiting.collect::<Vec<_>>(), "{:#?}", model.steps);
            } else {
                assert!(ended.is_empty(), "{ended:?} too early: {:#?}", model.steps);
            }
            let next = model.next();
            if next.is_empty() {
                assert!(model.has_quit && model.waits[1..].iter().all(Option::is_some), "{:#?}", model.steps);
                ends += 1;
            }
            open.extend(next);
        }
    }
    assert!(ends > 1_000, "{ends} orders");
}

fn open(path: &Path, connection: &str) -> Group {
    Group::open(path, group(Some(connection))).unwrap().with_grace(Duration::ZERO)
}

/// Whether the client has forgotten a session that waits now.
fn has_forgotten(group: &Group) -> bool {
    let mut wait = group.wait();
    group.has_forgotten(&mut wait) || group.has_forgotten(&mut wait)
}

#[test]
fn only_sessions_of_the_group_see_a_quit() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("lfs-sessions");
    let (first, waiting, other) = (open(&path, "a"), open(&path, "a"), open(&path, "b"));
    first.note_command();
    assert!(!has_forgotten(&waiting));
    first.note_quit();
    assert!(has_forgotten(&waiting) && !has_forgotten(&other));
    // Work of another session in the group, such as a second client's.
    waiting.note_command();
    assert!(!has_forgotten(&waiting));
    waiting.note_quit();
    assert!(has_forgotten(&first));
    let late = open(&path, "a");
    assert!(!has_forgotten(&late), "it began after the quit, so the quit is another client's");
}

#[test]
fn groups_of_one_row_do_not_hide_each_others_quits() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("lfs-sessions");
    let first = open(&path, "a");
    let same_row = |number: u64| Group { id: GroupId(first.id.0.wrapping_add(ROWS * number)), ..open(&path, "a") };
    let all: Vec<Group> = (0..PLACES as u64).map(same_row).collect();
    for group in &all {
        group.note_quit();
    }
    assert!(all.iter().all(has_forgotten));
    // With one group more than entries, one group loses its entry.
    same_row(PLACES as u64).note_quit();
    assert_eq!(all.iter().filter(|group| has_forgotten(group)).count(), PLACES - 1);
}

#[test]
fn a_file_of_random_bytes_ends_no_working_session() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("lfs-sessions");
    std::fs::write(&path, vec![0xff; 700_000]).unwrap();
    let session = open(&path, "a");
    assert!(!has_forgotten(&session));
    session.note_command();
    assert!(!has_forgotten(&session));
    std::fs::write(&path, "").unwrap();
    assert!(!has_forgotten(&session));
    session.note_quit();
    assert!(has_forgotten(&session));
}
