//! The outcome of every account command, for every kind of identity, on every kind of repository. The tests compare it
//! with tables that were written by hand.

mod hub;

use hub::{Hub, IDENTITIES, account_of, fingerprint_of};

/// The outcomes of requests for a repository, one letter each. The letters stand for: fetch and LFS download; push and
/// LFS upload; `repo show`; `explain`; commands for managers; commands for administrators; answers to requests; `access
/// request`; `allowed-signers`.
///
/// `+` done; `n` no such repository; `g`, `p`, `x` restricted, with no request, a pending or a rejected one; `o` no
/// right to do this; `z` frozen; `m` may fetch already; `w` no gate. `a` needs an account, `k` needs a key of scope
/// write, `c` needs a key instead of a certificate. `E` expired, `D` disabled, `C` compromised, `R` removed.
const REPOSITORIES: &str = "
identity               public     gated      members    private    internal   frozen     hidden     missing
anonymous              +o++aaaaa  ggg+aaaaa  ggg+aaaaa  nnnnaaaaa  nnnnaaaaa  +o++aaaaa  nnnnaaaaa  nnnnaaaaa
stranger               +o++ooom+  ggg+ggg+g  ggg+ggg+g  nnnnnnnnn  +o++ooom+  +o++ooom+  nnnnnnnnn  nnnnnnnnn
no_access              +o++ooom+  ggg+ggg+g  ggg+ggg+g  nnnnnnnnn  +o++ooom+  +o++ooom+  nnnnnnnnn  nnnnnnnnn
ended                  +o++ooom+  ggg+ggg+g  ggg+ggg+g  nnnnnnnnn  +o++ooom+  +o++ooom+  nnnnnnnnn  nnnnnnnnn
read                   +o++ooom+  +o++ooom+  ggg+ggg+g  +o++ooom+  +o++ooom+  +o++ooom+  +o++ooom+  nnnnnnnnn
contributor            +o++ooom+  +o++ooom+  +o++ooom+  +o++ooom+  +o++ooom+  +o++ooom+  +o++ooom+  nnnnnnnnn
maker                  +++++oom+  +++++oom+  +++++oom+  +++++oom+  +++++oom+  +z++zoom+  +z++zoom+  nnnnnnnnn
write                  +++++oom+  +++++oom+  +++++oom+  +++++oom+  +++++oom+  +z++zoom+  +z++zoom+  nnnnnnnnn
admin                  ++++++wm+  +++++++m+  +++++++m+  ++++++wm+  ++++++wm+  +z++zzzm+  +z++zzzm+  nnnnnnnnn
collaborator-read      +o++ooom+  +o++ooom+  +o++ooom+  +o++ooom+  +o++ooom+  +o++ooom+  +o++ooom+  nnnnnnnnn
collaborator-write     ++++ooom+  ++++ooom+  ++++ooom+  ++++ooom+  ++++ooom+  +z++ooom+  +z++ooom+  nnnnnnnnn
collaborator-admin     ++++++wm+  +++++++m+  +++++++m+  ++++++wm+  ++++++wm+  +z++zzzm+  +z++zzzm+  nnnnnnnnn
teammate               ++++ooom+  ++++ooom+  ++++ooom+  ++++ooom+  ++++ooom+  +z++ooom+  +z++ooom+  nnnnnnnnn
pending                +o++ooom+  ppp+ppp+p  ppp+ppp+p  nnnnnnnnn  +o++ooom+  +o++ooom+  nnnnnnnnn  nnnnnnnnn
accepted               +o++ooom+  +o++ooom+  +o++ooom+  nnnnnnnnn  +o++ooom+  +o++ooom+  nnnnnnnnn  nnnnnnnnn
rejected               +o++ooom+  xxx+xxxxx  xxx+xxxxx  nnnnnnnnn  +o++ooom+  +o++ooom+  nnnnnnnnn  nnnnnnnnn
owner                  ++++++wm+  +++++++m+  +++++++m+  ++++++wm+  ++++++wm+  +z++zzzm+  +z++zzzm+  nnnnnnnnn
admin-reading          +o++kkkk+  +o++kkkk+  +o++kkkk+  +o++kkkk+  +o++kkkk+  +o++kkkk+  +o++kkkk+  nnnnkkkkn
read-certified         +o++cccc+  +o++cccc+  ggg+ccccg  +o++cccc+  +o++cccc+  +o++cccc+  +o++cccc+  nnnnccccn
admin-certified        ++++cccc+  ++++cccc+  ++++cccc+  ++++cccc+  ++++cccc+  +z++cccc+  +z++cccc+  nnnnccccn
admin-elsewhere        +o++cccc+  ggg+ccccg  ggg+ccccg  nnnnccccn  nnnnccccn  +o++cccc+  nnnnccccn  nnnnccccn
deploy-reading         +o++aaaa+  ggg+aaaag  ggg+aaaag  +o++aaaa+  nnnnaaaan  +o++aaaa+  nnnnaaaan  nnnnaaaan
deploy-writing         +o++aaaa+  ggg+aaaag  ggg+aaaag  ++++aaaa+  nnnnaaaan  +o++aaaa+  nnnnaaaan  nnnnaaaan
expired                EEEEEEEEE  EEEEEEEEE  EEEEEEEEE  EEEEEEEEE  EEEEEEEEE  EEEEEEEEE  EEEEEEEEE  EEEEEEEEE
disabled               DDDDDDDDD  DDDDDDDDD  DDDDDDDDD  DDDDDDDDD  DDDDDDDDD  DDDDDDDDD  DDDDDDDDD  DDDDDDDDD
compromised            CCCCCCCCC  CCCCCCCCC  CCCCCCCCC  CCCCCCCCC  CCCCCCCCC  CCCCCCCCC  CCCCCCCCC  CCCCCCCCC
removed                RRRRRRRRR  RRRRRRRRR  RRRRRRRRR  RRRRRRRRR  RRRRRRRRR  RRRRRRRRR  RRRRRRRRR  RRRRRRRRR
";

/// The commands for each of the last seven letters. All commands for one letter have that outcome.
const OF_A_REPOSITORY: [&[&str]; 7] = [
    &["repo show PATH", "repo show PATH --json"],
    &["explain PATH fetch", "explain PATH push"],
    &["repo rename PATH OWNER/renamed", "repo remove PATH --yes"],
    &[
        "repo visibility PATH public",
        "repo visibility PATH private",
        "repo visibility PATH internal",
        "repo describe PATH a text",
        "repo collaborator set PATH stranger read",
        "repo collaborator set PATH stranger admin --until 30d",
        "repo collaborator remove PATH collaborator-read",
        "access list PATH",
        "access revoke PATH pending",
        "repo proposals PATH on",
        "rule list PATH",
        "check list PATH",
        "check set PATH blob-size off",
        "rule add PATH deny force refs/heads/main stranger",
        "repo protect PATH main --update @admin",
    ],
    &["access grant PATH stranger --until 30d", "access reject PATH stranger"],
    &["access request PATH"],
    &["allowed-signers PATH", "allowed-signers PATH --json"],
];

/// The outcomes of the other commands, in the order of [`OF_AN_ACCOUNT`]. Further letters: `u` wrong usage, because
/// there is no key on standard input; `l` not a member; `s` needs a key instead of a certificate, which shows
/// nothing of its account; `i` in use already; `j` a wrong code; `q` a key that is on no account and no repository.
const ACCOUNTS: &str = "
identity               whoami key: list add rename remove release  repo: create own list  member: list set remove  rule: list add own hub  join  email: add list remove  team: list show add member
anonymous              +           a    a   a      a      q              a      a   +             a    a   a            a    a   a   a    j                  a   a    a              a    a    a   a
stranger               +           +    u   +      +      +              o      +   +             l    o   o            o    o   +   o    i                  +   +    +              l    l    o   o
no_access              +           +    u   +      +      +              o      +   +             +    o   o            o    o   +   o    i                  +   +    +              +    +    o   o
teammate               +           +    u   +      +      +              o      +   +             +    o   o            o    o   +   o    i                  +   +    +              +    +    o   o
ended                  +           +    u   +      +      +              o      +   +             l    o   o            o    o   +   o    i                  +   +    +              l    l    o   o
read                   +           +    u   +      +      +              o      +   +             +    o   o            o    o   +   o    i                  +   +    +              +    +    o   o
contributor            +           +    u   +      +      +              +      +   +             +    o   o            o    o   +   o    i                  +   +    +              +    +    o   o
maker                  +           +    u   +      +      +              +      +   +             +    o   o            o    o   +   o    i                  +   +    +              +    +    o   o
write                  +           +    u   +      +      +              +      +   +             +    o   o            o    o   +   o    i                  +   +    +              +    +    o   o
admin                  +           +    u   +      +      +              +      +   +             +    +   +            +    +   +   o    i                  +   +    +              +    +    +   +
collaborator-admin     +           +    u   +      +      +              o      +   +             l    o   o            o    o   +   o    i                  +   +    +              l    l    o   o
owner                  +           +    u   +      +      +              o      +   +             l    o   o            o    o   +   o    i                  +   +    +              l    l    o   o
admin-reading          +           +    k   k      k      +              k      k   +             +    k   k            k    k   k   k    i                  k   +    k              +    +    k   k
read-certified         +           s    c   c      c      q              c      c   +             +    c   c            c    c   c   c    i                  c   s    c              +    +    c   c
admin-certified        +           s    c   c      c      q              c      c   +             +    c   c            c    c   c   c    i                  c   s    c              +    +    c   c
admin-elsewhere        +           s    c   c      c      q              c      c   +             l    c   c            c    c   c   c    i                  c   s    c              l    l    c   c
deploy-reading         +           a    a   a      a      +              a      a   +             a    a   a            a    a   a   a    i                  a   a    a              a    a    a   a
deploy-writing         +           a    a   a      a      +              a      a   +             a    a   a            a    a   a   a    i                  a   a    a              a    a    a   a
expired                E           E    E   E      E      +              E      E   E             E    E   E            E    E   E   E    E                  E   E    E              E    E    E   E
disabled               D           D    D   D      D      +              D      D   D             D    D   D            D    D   D   D    D                  D   D    D              D    D    D   D
compromised            C           C    C   C      C      C              C      C   C             C    C   C            C    C   C   C    C                  C   C    C              C    C    C   C
removed                R           R    R   R      R      R              R      R   R             R    R   R            R    R   R   R    R                  R   R    R              R    R    R   R
";

const OF_AN_ACCOUNT: [&str; 24] = [
    "whoami",
    "key list",
    "key add a title",
    "key rename KEY another title",
    "key remove KEY --yes",
    "key release --yes",
    "repo create acme/new",
    "repo create SELF/new --private",
    "repo list acme",
    "org member list acme",
    "org member set acme stranger write --until 30d",
    "org member remove acme read",
    "rule list acme",
    "rule add acme deny force ** @everyone --final",
    "rule list SELF",
    "rule add hub deny force ** @everyone",
    "join 00112233445566778899aabbccddeeff",
    "user email add new@example.org",
    "user email list",
    "user email remove SELF@old.example",
    "team list acme",
    "team show acme/writers",
    "team add acme/new",
    "team member add acme/writers read --until 30d",
];

/// The rows of a table by their first word.
fn rows(table: &str) -> Vec<(&str, Vec<String>)> {
    let lines = table.lines().skip(2).filter(|line| !line.is_empty());
    lines
        .map(|line| {
            let (identity, cells) = line.split_once(' ').unwrap();
            (identity, cells.split_whitespace().map(str::to_owned).collect())
        })
        .collect()
}

#[test]
fn each_command_on_each_repository_has_the_outcome_of_the_table() {
    let hub = Hub::new();
    let rows = rows(REPOSITORIES);
    let columns: Vec<&str> = REPOSITORIES.lines().nth(1).unwrap().split_whitespace().skip(1).collect();
    let mut asked = 0;
    for (identity, cells) in &rows {
        assert_eq!(cells.len(), columns.len(), "{identity}");
        for (column, expected) in columns.iter().zip(cells) {
            let owner = if *identity == "owner" { "owner" } else { "acme" };
            let path = format!("{owner}/{column}");
            let mut expected = expected.chars();
            let transfers = hub.transfers(identity, &path);
            assert_eq!(transfers, [expected.next().unwrap(), expected.next().unwrap()], "{identity} {path}");
            for commands in OF_A_REPOSITORY {
                let expected = expected.next().unwrap();
                for command in commands {
                    let command = command.replace("PATH", &path).replace("OWNER", owner);
                    hub.run(identity, &command, expected);
                    asked += 1;
                }
            }
            assert_eq!(expected.next(), None);
        }
    }
    let named: Vec<&str> = rows.iter().map(|(identity, _)| *identity).collect();
    assert_eq!(named, IDENTITIES, "every identity has its row");
    assert_eq!(asked, 27 * 8 * 26);
}

#[test]
fn each_other_command_has_the_outcome_of_the_table() {
    let hub = Hub::new();
    let rows = rows(ACCOUNTS);
    assert_eq!(rows.len(), 22);
    for (identity, cells) in rows {
        assert_eq!(cells.len(), OF_AN_ACCOUNT.len(), "{identity}");
        for (command, expected) in OF_AN_ACCOUNT.iter().zip(cells) {
            let command = command.replace("KEY", &fingerprint_of(identity)).replace("SELF", &account_of(identity));
            hub.run(identity, &command, expected.chars().next().unwrap());
        }
    }
}

/// The arguments without a description, of a command line and of all its commands.
fn undescribed(command: &clap::Command, before: &str, found: &mut Vec<String>) {
    let name = format!("{before} {}", command.get_name());
    if command.get_about().is_none() {
        found.push(name.clone());
    }
    let silent = |argument: &&clap::Arg| argument.get_help().is_none_or(|help| help.to_string().trim().is_empty());
    found.extend(command.get_arguments().filter(silent).map(|argument| format!("{name} {}", argument.get_id())));
    for command in command.get_subcommands() {
        undescribed(command, &name, found);
    }
}

#[test]
fn each_command_and_each_argument_has_a_description() {
    use clap::CommandFactory;
    let mut found = Vec::new();
    undescribed(&super::cli::Cli::command(), "", &mut found);
    undescribed(&crate::operator::cli::Cli::command(), "", &mut found);
    assert_eq!(found, [""; 0]);
}
