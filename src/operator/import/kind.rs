//! What an import gives, takes and leaves out, as the report groups it.

use super::conf;
use crate::key::DSA_REFUSED;

/// Why an entry was not imported as it was, in the order of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Kind {
    /// An owner administers a repository.
    OwnerGained,
    /// Every account may read, where every user of gitolite might.
    Internal,
    /// A user has more here than gitolite gives now.
    More,
    /// A user has no right on any repository.
    Nothing,
    NoAccount,
    NoRepository,
    BadPath,
    SameName,
    SameKey,
    AccountBefore,
    Revoked,
    OtherRules,
    Conf(conf::Kind),
    /// The users of a group have their rights one by one.
    NoTeam,
    /// A user would gain by a team.
    NotJoined,
    /// An account has an RSA key of an old program.
    SmallExponent,
    Dsa,
    BadKey,
    BadName,
    /// As [`Kind::BadName`] and [`Kind::SameName`], in a file of keys.
    BadWord,
    SameWord,
    Unmapped,
    BadLine,
    Expired,
    KeyInUse,
    NoKeyFile,
    Unread,
    Ignored,
    Admin,
    BadDescription,
    Settings,
}

impl Kind {
    /// The first word of the line: what the change means for rights.
    pub(super) fn means(self) -> &'static str {
        match self {
            Self::OwnerGained | Self::Internal | Self::More => "gained",
            Self::Nothing
            | Self::NoAccount
            | Self::NoRepository
            | Self::BadPath
            | Self::SameName
            | Self::Revoked
            | Self::OtherRules
            | Self::Conf(_) => "lost",
            Self::NoTeam | Self::NotJoined | Self::SmallExponent => "warning",
            Self::Dsa
            | Self::SameKey
            | Self::AccountBefore
            | Self::BadKey
            | Self::BadName
            | Self::BadWord
            | Self::SameWord
            | Self::Unmapped
            | Self::BadLine
            | Self::Expired
            | Self::KeyInUse
            | Self::NoKeyFile
            | Self::Unread
            | Self::Ignored
            | Self::Admin
            | Self::BadDescription
            | Self::Settings => "left out",
        }
    }

    /// The rest of the line, and the word in JSON.
    pub(super) fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::OwnerGained => (
                "owners administer their repositories, whatever gitolite permits: --rename OWNER/=OTHER/ to prevent it",
                "owner",
            ),
            Self::Internal => ("repositories that every account may read now (R = @all)", "internal"),
            Self::More => ("users have more here than gitolite gives them now", "more"),
            Self::Nothing => ("users without any right here", "nothing"),
            Self::NoAccount => ("rights of users without a key in keydir or an account here", "no-account"),
            Self::NoRepository => ("rights on repositories that are not here: hubgate repo import", "no-repository"),
            Self::BadPath => {
                ("rights on repositories without a place here: --owner, or --rename NAME=OWNER/NAME", "no-path")
            }
            Self::SameName => ("names that would become one here: --rename OLD=NEW", "same-name"),
            Self::Revoked => ("rights that were withdrawn or changed here", "changed-here"),
            Self::OtherRules => {
                ("rights to push, since the rules of the repository were changed here", "rules-changed-here")
            }
            Self::Conf(kind) => match kind {
                conf::Kind::Everybody => ("rights that every user had by @all", "every-user"),
                conf::Kind::Push => ("rights to push", "push"),
                conf::Kind::Refex => ("refs that no pattern of a rule matches", "refs"),
                conf::Kind::Wider => ("refs that a rule denies too, because no pattern is closer", "denied-refs"),
                conf::Kind::Check => ("pushes of users whose files or commits a rule checks (VREF)", "checks"),
                conf::Kind::Merge => ("pushes of users that may not push merges", "merges"),
                conf::Kind::Group => ("rules with a role, or with a group that is not in the files", "groups"),
                conf::Kind::Directory => {
                    ("rules with a group that a directory of keydir may add to: --rc", "directories")
                }
                conf::Kind::Pattern => ("rules for repositories that only a pattern names", "patterns"),
                conf::Kind::Service => ("rules for gitweb or daemon: hubgate repo visibility PATH public", "services"),
            },
            Self::NoTeam => ("groups whose users have their rights one by one, without a team", "no-team"),
            Self::NotJoined => (
                "users who joined no team that was here, and get their rights one by one: team member add",
                "not-joined",
            ),
            Self::SmallExponent => {
                ("RSA keys with an exponent that only old programs use, to be replaced soon", "small-exponent")
            }
            Self::Dsa => (DSA_REFUSED, "dsa"),
            Self::SameKey => ("files with the key of another user, which gitolite takes", "same-key"),
            Self::AccountBefore => ("keys for accounts that were here before the import: --merge", "account-before"),
            Self::BadKey => ("keys that are not accepted", "key"),
            Self::BadName => ("names that are not accepted: --rename OLD=NEW", "name"),
            Self::BadWord => ("names that are not accepted: --map FILE", "name"),
            Self::SameWord => ("names that would become one here: --map FILE", "same-name"),
            Self::Unmapped => ("keys that no command gives to an account: --map FILE", "unmapped"),
            Self::BadLine => ("lines that are not imported", "line"),
            Self::Expired => ("keys that have expired, or whose end has no time zone", "expired"),
            Self::KeyInUse => ("keys that are in use here, or were removed here", "key-here"),
            Self::NoKeyFile => ("files of keydir that are not NAME.pub or NAME@HOST.pub", "file"),
            Self::Unread => ("lines that are not understood", "unread"),
            Self::Ignored => ("lines that gitolite ignores too", "ignored"),
            Self::Admin => ("the rights on gitolite's own repository", "gitolite-admin"),
            Self::BadDescription => ("descriptions that are not accepted", "description"),
            Self::Settings => ("settings of git and of web pages", "settings"),
        }
    }
}
