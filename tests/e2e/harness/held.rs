//! A way to a hub's sshd on which each connection stops after some bytes, until the test lets it go on.

use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use super::client::{Client, HOST};
use super::hub::Hub;

#[derive(Clone, Copy, PartialEq)]
enum Passes {
    /// So many bytes of each connection in each direction.
    Some(usize),
    All,
    /// All, and no new connection.
    End,
}

type State = Arc<(Mutex<Passes>, Condvar)>;

/// Passes a client's connections on to a hub; drop it to end it.
pub(crate) struct Held {
    port: u16,
    state: State,
}

impl Held {
    /// From now on, the client's connections stop after so many bytes in a direction.
    pub(crate) fn after(bytes: usize, client: &Client, hub: &Hub) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let state: State = Arc::new((Mutex::new(Passes::Some(bytes)), Condvar::new()));
        let (sshd, shared) = (hub.port, state.clone());
        std::thread::spawn(move || {
            for from_client in listener.incoming().map_while(Result::ok) {
                if get(&shared) == Passes::End {
                    break;
                }
                let to_sshd = TcpStream::connect(("127.0.0.1", sshd)).expect("sshd");
                let copy = |stream: &TcpStream| stream.try_clone().expect("a socket");
                for (from, to) in [(copy(&from_client), copy(&to_sshd)), (to_sshd, from_client)] {
                    let state = shared.clone();
                    std::thread::spawn(move || pass(from, to, &state));
                }
            }
        });
        // ssh takes the first port that its configuration names.
        let file = client.ssh_config();
        let text = fs::read_to_string(&file).expect("ssh's configuration");
        fs::write(&file, format!("Host {HOST}\n    Port {port}\n{text}")).expect("ssh's configuration");
        Self { port, state }
    }

    /// Lets all bytes pass from now on.
    pub(crate) fn open(&self) {
        self.set(Passes::All);
    }

    fn set(&self, passes: Passes) {
        let (state, changed) = &*self.state;
        *state.lock().unwrap_or_else(PoisonError::into_inner) = passes;
        changed.notify_all();
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.set(Passes::End);
        // The thread that accepts connections sees the end with the next one.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

fn get(state: &State) -> Passes {
    *state.0.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Passes one direction of a connection, until either side ends it.
fn pass(mut from: TcpStream, mut to: TcpStream, state: &State) {
    let mut buffer = vec![0; 64 << 10];
    let mut passed = 0;
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        passed += read;
        let full = |passes: &mut Passes| matches!(passes, Passes::Some(bytes) if passed > *bytes);
        let held = state.0.lock().unwrap_or_else(PoisonError::into_inner);
        drop(state.1.wait_while(held, full).unwrap_or_else(PoisonError::into_inner));
        if to.write_all(&buffer[..read]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
    let _ = from.shutdown(Shutdown::Read);
}
