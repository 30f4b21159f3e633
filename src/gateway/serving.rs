//! What a session becomes when the answer is yes: git in its box, or `services`.

use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::process::Command;

use super::{Context, Fault, Session, briefing};
use crate::access::Identity;
use crate::config::Config;
use crate::db::ServedRepository;
use crate::git::{self, Serving};
use crate::log::{self, Level};
use crate::message::Status;
use crate::push::{Brief, DESCRIPTORS};
use crate::repository::open_repository;
use crate::request::{Arguments, ForcedCommand, Service};
use crate::sandbox::{self, Plan};
use crate::session::{SID, Work};
use crate::session_limits::{self, SessionLock};

impl Session {
    /// Becomes git, in the box, with the repository as its directory.
    pub(super) fn serve(
        &mut self,
        context: &Context<'_>,
        service: Service,
        repository: &ServedRepository,
    ) -> Result<Status, Fault> {
        let Context { config, form, lock, .. } = context;
        let directory = open_repository(&config.paths.repositories, &repository.directory)?;
        let own = std::env::current_exe().map_err(Fault::Git)?;
        let hooks = own.with_file_name("hooks");
        let services = own.with_file_name("services");
        let serving = Serving {
            git: &config.paths.git,
            service,
            protocol: self.environment.protocol.as_deref(),
            hooks: &hooks,
            push_bytes: config.limits.push_bytes,
        };
        let mut command = serving.command();
        // The last thing that is opened by path outside the repository.
        self.connection = log::connect(&config.log.socket).ok();
        let lock = match lock {
            SessionLock::Held(file) => Some(file.as_fd()),
            SessionLock::LimitReached | SessionLock::Unavailable => None,
        };
        let briefing = match service {
            Service::ReceivePack => Some(briefing::open(&self.brief(config, form, repository)?, &hooks)?),
            Service::UploadPack | Service::UploadArchive => None,
        };
        let log = self.connection.as_ref().map(AsFd::as_fd);
        let (brief, hook_log) = match &briefing {
            Some(brief) => (Some(brief.as_fd()), log),
            None => (None, None),
        };
        if let Some(brief) = brief {
            command.env(DESCRIPTORS, briefing::descriptors(brief, hook_log));
        }
        let keep: Vec<_> = [lock, brief, hook_log].into_iter().flatten().collect();
        let programs = [config.paths.git.as_path(), services.as_path()];
        // A fetch runs no hook.
        let programs = if briefing.is_some() { programs.as_slice() } else { programs.get(..1).unwrap_or_default() };
        let limit = (config.limits.push_bytes > 0).then(|| config.limits.push_bytes.saturating_mul(2));
        let plan = match service {
            Service::ReceivePack => Plan { keep: &keep, file_size_limit: limit, ..Plan::push(programs) },
            Service::UploadPack | Service::UploadArchive => Plan { keep: &keep, ..Plan::fetch(programs) },
        };
        let in_force = sandbox::enter(config.sandbox.mode, directory.as_fd(), &plan)?;
        self.line.add("sandbox", in_force);
        self.log(Level::Info, "allow", "");
        Err(Fault::Git(git::exec_git(command, directory)))
    }

    /// Becomes `services`, which asks everything anew.
    pub(super) fn become_services(
        &self,
        work: Work,
        arguments: &Arguments,
        form: &ForcedCommand,
    ) -> Result<Status, Fault> {
        let services = std::env::current_exe().map_err(Fault::Services)?.with_file_name("services");
        let mut command = Command::new(services);
        command.env_clear().env("PATH", git::SAFE_PATH).env("LC_ALL", "C.UTF-8").env(SID, self.id.to_string());
        for name in ["SSH_ORIGINAL_COMMAND", "SSH_CONNECTION", "SSH_USER_AUTH"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command.current_dir("/").arg(work.as_str());
        if let Some(config) = &arguments.config {
            command.arg("--config").arg(config);
        }
        command.args(form.to_string().split(' '));
        let command_line = self.environment.command_for_log();
        let line = self.line.clone().bytes("command", &command_line).field("decision", "allow").field("reason", "");
        self.send(Level::Info, &line);
        Err(Fault::Services(command.exec()))
    }

    /// What the push hook must know.
    fn brief(&self, config: &Config, form: &ForcedCommand, repository: &ServedRepository) -> Result<Brief, Fault> {
        Ok(Brief {
            sid: self.id.to_string(),
            user: form.user().to_owned(),
            key: form.fingerprint().ok_or(Fault::Keyless)?,
            from: String::from_utf8_lossy(self.environment.peer()).into_owned(),
            repository: repository.path.clone(),
            git: config.paths.git.clone(),
            refs: config.limits.push_refs,
            commits: config.limits.push_commits,
        })
    }

    /// Takes a lock among the sessions of the account, or of the address where there is no account.
    pub(super) fn take_session_lock(&self, config: &Config, identity: &Identity) -> SessionLock {
        let address = || String::from_utf8_lossy(self.environment.peer()).into_owned();
        let (whose, most) = match identity {
            Identity::Account(account) | Identity::Certificate { account, .. } => {
                (format!("account {}", account.id), config.limits.sessions_per_account)
            }
            Identity::DeployKey { repository, .. } => {
                (format!("deploy {repository}"), config.limits.sessions_per_account)
            }
            Identity::Anonymous => (format!("address {}", address()), config.limits.sessions_per_address),
        };
        session_limits::acquire(&config.sessions_file(), &whose, most)
    }
}
