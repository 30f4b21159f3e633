//! An account command, such as `ssh git@hub key add My laptop`. Every program reads its words here.
//!
//! Words are separated by single blanks, because `ssh` joins them so; blanks at the end of the line are ignored. A word
//! that begins with `'` is quoted as git quotes (`sq_quote_buf`) and may contain blanks. Free text, such as a title, is
//! the rest of the line. Its words are joined again by single blanks, so `"`, `#`, `\` and double blanks in it are
//! kept.

use super::bad_request::BadRequest;
use super::words::{end_of_quoted, unquote};
use crate::word::words;

/// The longest account command, in bytes.
const COMMAND_MAX: usize = 4096;
/// The most words: 32 for the command, and up to 128 for a free text of 255 bytes.
const WORDS_MAX: usize = 160;

words! {
    /// The first word of an account command.
    pub enum Noun {
        /// The account of the session.
        Whoami = "whoami",
        /// The account's keys.
        Key = "key",
        /// The account's e-mail addresses.
        User = "user",
        /// Repositories.
        Repo = "repo",
        /// Organizations.
        Org = "org",
        /// Checks of the content of pushes.
        Check = "check",
        /// Rules for refs.
        Rule = "rule",
        /// Who may sign the commits of a repository.
        AllowedSigners = "allowed-signers",
        /// Proposals.
        Proposal = "proposal",
        /// Teams of organizations.
        Team = "team",
        /// Gated repositories.
        Access = "access",
        /// Why something is allowed or denied.
        Explain = "explain",
        /// An invitation.
        Join = "join",
        /// The help of the other commands. Alone, it is [`super::Request::Help`].
        Help = "help",
    }
}

/// An account command, split into words.
///
/// Holding one tells you that its noun is known, and that each word is one line of UTF-8 without control characters. It
/// does not tell you that the noun has this verb or these arguments; `services` checks them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountCommand {
    noun: Noun,
    arguments: Vec<String>,
}

impl AccountCommand {
    /// Reads a command line. Returns `None` if the first word is not a noun of account commands.
    ///
    /// # Errors
    /// [`BadRequest::Syntax`] for bytes that are not printable UTF-8, a word with bad quotes, or too many words.
    pub(super) fn parse(command: &[u8]) -> Option<Result<Self, BadRequest>> {
        let first = command.split(|byte| *byte == b' ').next().unwrap_or_default();
        let noun: Noun = std::str::from_utf8(first).ok()?.parse().ok()?;
        let arguments = Self::arguments(command);
        // `help` alone is a request of its own, and no other spelling of it is a command.
        if noun == Noun::Help && arguments.as_ref().is_some_and(Vec::is_empty) {
            return None;
        }
        Some(arguments.map(|arguments| Self { noun, arguments }).ok_or(BadRequest::Syntax))
    }

    fn arguments(command: &[u8]) -> Option<Vec<String>> {
        let line = std::str::from_utf8(command).ok().filter(|line| line.len() <= COMMAND_MAX)?;
        if line.contains(char::is_control) {
            return None;
        }
        let mut rest = line.trim_end_matches(' ').split_once(' ').map(|(_, rest)| rest);
        let mut arguments = Vec::new();
        while let Some(text) = rest {
            let end = if text.starts_with('\'') { end_of_quoted(text)? } else { text.find(' ').unwrap_or(text.len()) };
            let (word, after) = text.split_at_checked(end)?;
            arguments.push(if word.starts_with('\'') { unquote(word)? } else { word.to_owned() });
            rest = match after.strip_prefix(' ') {
                None if !after.is_empty() => return None,
                rest => rest,
            };
        }
        (arguments.len() < WORDS_MAX).then_some(arguments)
    }

    /// The command of words that were split before, the noun first; `None` if [`Self::words`] cannot give such words.
    pub(crate) fn from_words(words: &[&str]) -> Option<Self> {
        let (noun, arguments) = words.split_first().filter(|(_, arguments)| arguments.len() < WORDS_MAX)?;
        let is_sound = |word: &&str| !word.contains(char::is_control);
        let arguments = arguments.iter().all(is_sound).then(|| arguments.iter().map(ToString::to_string).collect())?;
        Some(Self { noun: noun.parse().ok()?, arguments })
    }

    /// The first word.
    #[must_use]
    pub fn noun(&self) -> Noun {
        self.noun
    }

    /// All words, beginning with the noun.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.noun.as_str()).chain(self.arguments.iter().map(String::as_str))
    }

    /// Whether the command is `join`.
    #[must_use]
    pub fn is_join(&self) -> bool {
        self.noun == Noun::Join
    }

    /// Whether the command is `key release`. A session may run it even if its key permits nothing else.
    #[must_use]
    pub fn is_release(&self) -> bool {
        self.noun == Noun::Key && self.arguments.first().is_some_and(|verb| verb == "release")
    }
}
