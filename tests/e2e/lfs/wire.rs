//! A client of `git-lfs-transfer` that sends one message at a time, for sequences that real clients do not send.

use std::io::{Read, Write};
use std::process::{ChildStdin, ChildStdout, Stdio};

use sha2::{Digest, Sha256};

use crate::harness::{Background, Client, background};

/// A session, packet by packet.
pub(crate) struct Wire {
    stdin: Option<ChildStdin>,
    stdout: ChildStdout,
    process: Background,
}

impl Wire {
    /// Opens a session and negotiates the version.
    #[track_caller]
    pub(crate) fn open(client: &Client, path: &str, operation: &str) -> Self {
        let mut command = client.ssh_command(&["-oBatchMode=yes"]);
        command.arg(format!("git-lfs-transfer {path} {operation}"));
        let mut process = background(command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()));
        let (stdin, stdout) = process.streams();
        let mut wire = Self { stdin: Some(stdin), stdout, process };
        assert_eq!(wire.answer(), ["version=1", "locking"]);
        assert_eq!(wire.ask(&["version 1"]), ["status 200"]);
        wire
    }

    /// Sends text packets and a flush packet. Returns the answer.
    #[track_caller]
    pub(crate) fn ask(&mut self, lines: &[&str]) -> Vec<String> {
        self.send(lines);
        self.raw(b"0000");
        self.answer()
    }

    /// Sends text packets; `0001` is a delimiter.
    #[track_caller]
    pub(crate) fn send(&mut self, lines: &[&str]) {
        for line in lines {
            match *line {
                "0001" => self.raw(b"0001"),
                line => self.data(format!("{line}\n").as_bytes()),
            }
        }
    }

    /// Sends a packet with bytes of an object.
    #[track_caller]
    pub(crate) fn data(&mut self, bytes: &[u8]) {
        self.raw(&[format!("{:04x}", bytes.len() + 4).as_bytes(), bytes].concat());
    }

    /// Sends bytes as they are.
    #[track_caller]
    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        self.stdin.as_mut().expect("an open session").write_all(bytes).expect("a session that reads");
    }

    /// Reads an answer up to its flush packet.
    #[track_caller]
    fn answer(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            let mut digits = [0; 4];
            self.stdout.read_exact(&mut digits).expect("an answer");
            let digits = String::from_utf8_lossy(&digits).into_owned();
            match usize::from_str_radix(&digits, 16).expect("a length") {
                0 => return lines,
                1 => lines.push(digits),
                length => {
                    let mut line = vec![0; length - 4];
                    self.stdout.read_exact(&mut line).expect("a packet");
                    lines.push(String::from_utf8_lossy(&line).trim_end().to_owned());
                }
            }
        }
    }

    /// Waits until the server has ended the session. The client's end stays open.
    pub(super) fn ended(self) {
        self.process.ended();
    }

    /// Closes the client's end and waits until the session has ended.
    pub(crate) fn hang_up(mut self) {
        self.stdin = None;
        let _ = self.stdout.read_to_end(&mut Vec::new());
        self.process.ended();
    }
}

/// The id of an object.
pub(crate) fn oid(content: impl AsRef<[u8]>) -> String {
    format!("{:x}", Sha256::digest(content))
}
