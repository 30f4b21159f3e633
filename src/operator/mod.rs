//! Program 4, `hubgate`: the operator's.
//!
//! Words of the command line enter as types, a `Report` leaves. Started as root it opens what only root may open and
//! then becomes the account that serves, for good, before it touches the database or a repository.

mod adopt;
mod atomic_file;
mod audit;
mod backup;
pub mod cli;
mod context;
mod demo;
mod directories;
mod dispatch;
mod doctor;
mod explain;
mod export;
mod failure;
mod gc;
mod guide;
mod host_keys;
mod hub_file;
mod import;
mod kept;
mod key_file;
mod lfs;
mod login;
pub mod openssh;
pub mod pam;
mod policy;
mod printer;
pub mod programs;
mod progress;
mod repo;
mod restore;
mod session;
mod setup;
pub mod sshd_config;
mod stats;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

use crate::commands::ending::ended;
use crate::commands::invite::invite;
use crate::commands::{quota, signers};
use crate::lfs::serve_directory;
use crate::log;
use crate::message::{Status, said};
use crate::report::Report;

pub use setup::PACKAGED_CONFIG;

use cli::{Cli, Command, Export, LfsCommand, QuotaCommand};
use context::Context;
use failure::Failure;
use printer::Printer;

/// Runs the program.
#[must_use]
pub fn main() -> ExitCode {
    let default = crate::config::Log::default().socket;
    log::on_panic(log::Sink::Socket(default), log::PROGRAM, log::Line::default().field("sid", "none"), || {
        let _ = std::io::stderr().write_all(b"hubgate: a fault in hubgate; the system log says where\n");
        Status::Fault.code()
    });
    let cli = Cli::parse();
    let json = cli.json;
    // Its standard output belongs to the protocol.
    if let Command::Lfs(LfsCommand::Serve { directory, operation }) = &cli.command {
        return serve_directory(directory, *operation);
    }
    let is_copied_out = matches!(&cli.command, Command::Backup(command) if backup::is_to_stdout(&command.destination));
    match run(cli) {
        Ok(report) => {
            let report = report.with_ended(ended());
            if let Some(note) = &report.note {
                let _ = std::io::stderr().write_all(said(note).as_bytes());
            }
            let text = report.render(json);
            // The reader may have closed the pipe; then nothing can be reported.
            let _ = if is_copied_out {
                std::io::stderr().write_all(text.as_bytes())
            } else {
                std::io::stdout().write_all(text.as_bytes())
            };
            report.status.into()
        }
        Err(failure) => {
            let _ = std::io::stderr().write_all(failure.lines().as_bytes());
            if json && !is_copied_out {
                let error = crate::report::error_json(&failure.text(), failure.status());
                let _ = std::io::stdout().write_all(format!("{error:#}\n").as_bytes());
            }
            failure.status().into()
        }
    }
}

fn run(cli: Cli) -> Result<Report, Failure> {
    let context = || Context::open(&cli.config);
    let printer = &mut Printer::new(cli.json);
    match cli.command {
        Command::Init(command) => setup::init(&command, &cli.config),
        Command::Demo(command) => demo::run(&command),
        Command::Doctor(command) => doctor::run(&command, &cli.config),
        Command::SshdConfig(command) => sshd_config::run(&command, &cli.config),
        Command::Guide(command) => guide::run(&command, &cli.config),
        Command::HostKeys(command) => host_keys::run(&command, &cli.config),
        Command::Stats(command) => stats::run(&command, cli.json, &cli.config),
        Command::Migrate => setup::migrate(&cli.config),
        Command::User(command) => dispatch::user(&command, context()?, printer),
        Command::Org(command) => dispatch::org(&command, &cli.config, printer),
        Command::Team(command) => dispatch::team(&command, context()?, printer),
        Command::Key(command) => dispatch::key(&command, &cli.config, printer),
        Command::Repo(command) => repo::run(command, context()?, printer),
        Command::Check(command) => dispatch::check(&command, context()?, printer),
        Command::AllowedSigners { scope } => Ok(signers::list(&context()?.requester(), &scope, cli.json, printer)?),
        Command::Rule(command) => dispatch::rule(&command, context()?, printer),
        Command::Proposal(command) => dispatch::proposal(&command, context()?, printer),
        Command::Owner(command) => dispatch::owner_quota(&command, context()?),
        Command::Quota(QuotaCommand::Check { owner }) => {
            Ok(quota::check(&context()?.requester(), owner.as_ref(), cli.json, printer)?)
        }
        Command::Lfs(LfsCommand::Serve { .. }) => Err(Failure::Usage("lfs serve".to_owned())),
        Command::Lfs(LfsCommand::Check { path, quarantine }) => lfs::check(path.as_ref(), quarantine, &context()?),
        Command::Lock(command) => lfs::lock(&command, &mut context()?),
        Command::DeployKey(command) => dispatch::deploy_key(&command, &cli.config, printer),
        Command::Access(command) => dispatch::access(&command, context()?, printer),
        Command::Invite { user, expires } => Ok(invite(&mut context()?.requester(), &user, expires.0)?),
        Command::Explain(command) => explain::run(&command, &cli.config),
        Command::Backup(command) => backup::backup(&command, cli.json, &cli.config, printer),
        Command::Restore(command) => restore::restore(&command, &cli.config),
        Command::Kept(command) => kept::run(&command, &cli.config),
        Command::Import(command) => import::run(command, &cli.config),
        Command::Policy(command) => policy::run(&command, &cli.config),
        Command::Export(Export { toml: true, .. }) => hub_file::export(&context()?, printer),
        Command::Export(command) => export::run(&command, &context()?, printer),
        Command::Plan(arguments) => hub_file::plan(&arguments, &cli.config),
        Command::Apply(command) => hub_file::apply(&command, &cli.config),
        Command::Session(command) => session::run(&command, &context()?),
        Command::Audit(command) => audit::run(&command, cli.json, &cli.config, printer),
    }
}
