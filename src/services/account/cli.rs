//! The commands of an account over SSH. They share their arguments with the operator's.

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::commands::arguments::{
    AddRule, AddTeamMember, Confirmation, CreateRepository, DefaultBranch, Describe, Expiring, GrantAccess, KeyTerms,
    ListArguments, MoveRule, OfProposal, OfRepository, OfScope, OfTeam, Protect, RefChange, RemoveCollaborator,
    RemoveKey, RemoveMember, RenameKey, RenameRepository, RenameTeam, SetCheck, SetCollaborator, SetMember,
    SetProposals, SetVisibility, Unprotect,
};
use crate::name::{Email, HubScope, Owner, RepoPath, TeamPath};
use crate::request::AccountCommand;

/// Commands of this hub for your own account.
#[derive(Debug, Parser)]
#[command(name = "ssh", disable_version_flag = true, no_binary_name = true, max_term_width = 100)]
pub(crate) struct Cli {
    /// Print one JSON object or array, for programs.
    #[arg(long, global = true)]
    pub(super) json: bool,
    #[command(subcommand)]
    pub(super) command: Command,
}

impl Cli {
    /// Reads the words of a command. The help begins with `ssh`, such as `ssh git@hub`.
    ///
    /// # Errors
    /// The help that the client asks for, or what is wrong with the words.
    pub(crate) fn read(command: &AccountCommand, ssh: &str) -> Result<Self, clap::Error> {
        let cli = <Self as CommandFactory>::command().bin_name(ssh);
        let matches = cli.try_get_matches_from(with_description(command.words()))?;
        Self::from_arg_matches(&matches)
    }
}

/// Joins the words of a description. It is free text and ends at the next option.
fn with_description<'a>(words: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut joined: Vec<String> = Vec::new();
    let mut description: Option<Vec<&str>> = None;
    for word in words {
        match &mut description {
            Some(text) if !word.starts_with("--") => text.push(word),
            None if word == "--description" => description = Some(Vec::new()),
            Some(_) | None => {
                joined.extend(description.take().as_deref().map(describe));
                joined.push(word.to_owned());
            }
        }
    }
    joined.extend(description.as_deref().map(describe));
    joined
}

fn describe(words: &[&str]) -> String {
    // Without words, clap says what is missing.
    if words.is_empty() { "--description".to_owned() } else { format!("--description={}", words.join(" ")) }
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Show who you are on this hub, and which key you use.
    Whoami,
    /// Your keys.
    #[command(subcommand)]
    Key(KeyCommand),
    /// Your account.
    #[command(subcommand)]
    User(UserCommand),
    /// Repositories.
    #[command(subcommand)]
    Repo(RepoCommand),
    /// Checks of the content of pushes, of repositories and owners that you administer.
    #[command(subcommand)]
    Check(CheckCommand),
    /// Rules for refs, of repositories and owners that you administer.
    #[command(subcommand)]
    Rule(RuleCommand),
    /// Print the keys of the accounts that may write to a repository, as a file for git's gpg.ssh.allowedSignersFile.
    AllowedSigners {
        /// The repository.
        path: RepoPath,
    },
    /// Proposals: commits for a branch, from accounts that may fetch. To open one: git push … HEAD:refs/for/BRANCH
    #[command(subcommand)]
    Proposal(ProposalCommand),
    /// Organizations that you administer.
    #[command(subcommand)]
    Org(OrgCommand),
    /// Teams of organizations. Members of an organization see its teams, and administrators change them.
    #[command(subcommand)]
    Team(TeamCommand),
    /// Gated repositories: request access, and answer requests.
    #[command(subcommand)]
    Access(AccessCommand),
    /// Explain why you may or may not fetch from a repository, or push to it.
    Explain {
        /// The repository.
        path: RepoPath,
        /// What you want to do.
        #[arg(value_parser = ["fetch", "push"])]
        what: String,
        #[command(flatten)]
        change: RefChange,
    },
    /// Add the key that you are using to an account, with a code that you were given. If you connected without a key,
    /// send the public key on standard input.
    Join {
        /// The code.
        code: String,
        /// The title of the key, as one or more words. Default: its type and fingerprint.
        title: Vec<String>,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum KeyCommand {
    /// Add the public key on standard input: ssh … key add TITLE < `id_ed25519.pub`
    Add {
        /// The title, as one or more words. Default: the key's comment.
        title: Vec<String>,
        #[command(flatten)]
        terms: KeyTerms,
    },
    /// List your keys.
    List {
        #[command(flatten)]
        expiring: Expiring,
        #[command(flatten)]
        rows: ListArguments,
    },
    /// Change the title of a key.
    Rename(RenameKey),
    /// Remove a key from your account. Only the key in use can be marked as compromised.
    Remove {
        #[command(flatten)]
        key: RemoveKey,
        #[command(flatten)]
        confirmation: Confirmation,
    },
    /// Remove the key that you are using from the account or repository that it is on.
    Release {
        #[command(flatten)]
        confirmation: Confirmation,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum UserCommand {
    /// Your e-mail addresses, by which signed commits name you.
    #[command(subcommand)]
    Email(EmailCommand),
}

#[derive(Debug, Subcommand)]
pub(super) enum EmailCommand {
    /// Claim an e-mail address. It names you in signed commits after the operator has confirmed it.
    Add {
        /// The address.
        address: Email,
    },
    /// Remove one of your e-mail addresses.
    Remove {
        /// The address.
        address: Email,
    },
    /// List your e-mail addresses.
    List {
        #[command(flatten)]
        rows: ListArguments,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum RepoCommand {
    /// Create an empty repository for yourself, or for an organization in which you may create repositories. The
    /// description is the rest of the line, up to the next option.
    Create(CreateRepository),
    /// List the repositories of an owner that you may fetch.
    List {
        /// The owner. Default: you.
        owner: Option<Owner>,
        /// List what you may fetch as owner, member or collaborator, and with which access.
        #[arg(long, conflicts_with = "owner")]
        reachable: bool,
        #[command(flatten)]
        rows: ListArguments,
    },
    /// Show one repository.
    Show {
        /// The repository.
        path: RepoPath,
    },
    /// Change the name or the owner of a repository.
    Rename(RenameRepository),
    /// Show a repository to everyone or to the accounts of this hub, or hide it.
    Visibility(SetVisibility),
    /// Say what a repository is about. The text is the rest of the line.
    Describe(Describe),
    /// Show the branch that a clone checks out, or choose it.
    DefaultBranch(DefaultBranch),
    /// Accept proposals from accounts that may fetch, or accept none.
    Proposals(SetProposals),
    /// Protect branches: they cannot be rewritten or deleted.
    Protect(Protect),
    /// End the protection of branches. Other rules stay.
    Unprotect(Unprotect),
    /// Remove a repository from the hub. The operator can restore it for 30 days.
    Remove {
        /// The repository.
        path: RepoPath,
        #[command(flatten)]
        confirmation: Confirmation,
    },
    /// Users and teams that were granted a role on one repository.
    #[command(subcommand)]
    Collaborator(CollaboratorCommand),
}

#[derive(Debug, Subcommand)]
pub(super) enum CollaboratorCommand {
    /// List the users and teams that were granted a role on a repository.
    List {
        /// The repository.
        path: RepoPath,
        #[command(flatten)]
        expiring: Expiring,
        #[command(flatten)]
        rows: ListArguments,
    },
    /// Grant a user or a team a role on a repository. It replaces the previous role.
    Set(SetCollaborator),
    /// Remove the role of a user or a team on a repository.
    Remove(RemoveCollaborator),
}

#[derive(Debug, Subcommand)]
pub(super) enum CheckCommand {
    /// List the checks of the content of pushes, with the values that apply to a repository or to an owner.
    List {
        /// OWNER/NAME or OWNER.
        scope: HubScope,
        #[command(flatten)]
        rows: ListArguments,
    },
    /// Set the value of a check.
    Set(SetCheck),
}

#[derive(Debug, Subcommand)]
pub(super) enum RuleCommand {
    /// List the rules of a repository or of an owner, in the order in which they are asked.
    List {
        /// OWNER/NAME or OWNER.
        scope: HubScope,
        #[command(flatten)]
        rows: ListArguments,
    },
    /// Add a rule for refs. The first rule that names the account, the action and the ref decides.
    Add(AddRule),
    /// Remove a rule. The rules behind it get smaller numbers.
    Remove(OfScope),
    /// Give a rule another place among the rules of its scope.
    Move(MoveRule),
}

#[derive(Debug, Subcommand)]
pub(super) enum ProposalCommand {
    /// List the proposals of a repository, by number.
    List {
        /// The repository.
        path: RepoPath,
        #[command(flatten)]
        rows: ListArguments,
    },
    /// Show one proposal.
    Show(OfProposal),
    /// Close a proposal that you opened, or any proposal of a repository that you may write to.
    Close(OfProposal),
    /// Open a closed proposal again, of a repository that you may write to.
    Reopen(OfProposal),
}

#[derive(Debug, Subcommand)]
pub(super) enum OrgCommand {
    /// Members of an organization.
    #[command(subcommand)]
    Member(MemberCommand),
}

#[derive(Debug, Subcommand)]
pub(super) enum MemberCommand {
    /// List the members.
    List {
        /// The organization.
        organization: Owner,
        #[command(flatten)]
        expiring: Expiring,
        #[command(flatten)]
        rows: ListArguments,
    },
    /// Give a user a role in an organization. It replaces the previous role.
    Set(SetMember),
    /// Remove a user from an organization.
    Remove(RemoveMember),
}

#[derive(Debug, Subcommand)]
pub(super) enum TeamCommand {
    /// Add a team to an organization.
    Add {
        /// ORG/TEAM.
        team: TeamPath,
    },
    /// List the teams of an organization.
    List {
        /// The organization.
        organization: Owner,
        #[command(flatten)]
        rows: ListArguments,
    },
    /// Show a team, its members, and its roles on repositories that you may fetch.
    Show {
        /// ORG/TEAM.
        team: TeamPath,
    },
    /// Change the name of a team. It keeps its members and its roles.
    Rename(RenameTeam),
    /// Remove a team. Its members lose the roles that it gave them.
    Remove {
        /// ORG/TEAM.
        team: TeamPath,
        #[command(flatten)]
        confirmation: Confirmation,
    },
    /// Members of a team.
    #[command(subcommand)]
    Member(TeamMemberCommand),
}

#[derive(Debug, Subcommand)]
pub(super) enum TeamMemberCommand {
    /// List the members.
    List {
        /// ORG/TEAM.
        team: TeamPath,
        #[command(flatten)]
        expiring: Expiring,
        #[command(flatten)]
        rows: ListArguments,
    },
    /// Add a member of the organization to a team, or change when the membership ends.
    Add(AddTeamMember),
    /// Remove a user from a team.
    Remove(OfTeam),
}

#[derive(Debug, Subcommand)]
pub(super) enum AccessCommand {
    /// Request access to a gated repository.
    Request {
        /// The repository.
        path: RepoPath,
    },
    /// List the requests to pass the gate of a repository, and the answers.
    List {
        /// The repository.
        path: RepoPath,
        #[command(flatten)]
        rows: ListArguments,
    },
    /// Let a user pass the gate, with or without a request.
    Grant(GrantAccess),
    /// Reject a user. The user cannot request access again.
    Reject(OfRepository),
    /// Withdraw a grant or a rejection. The user may request access again.
    Revoke(OfRepository),
}
