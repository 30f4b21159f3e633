//! `hubgate sshd-config`: the block that this machine's sshd needs, or the whole configuration of an sshd for hubgate
//! alone. Both are made only from `sshd_config.example`.

mod admission;
mod block;
mod files;
mod fix;
mod judgement;
mod standalone;

use std::io::ErrorKind;
use std::path::Path;
use std::process::Command;

use serde_json::json;

use super::atomic_file::AtomicFile;
use super::cli::SshdConfig;
use super::failure::Failure;
use super::login::KEYS_LOGIN;
use super::openssh::{Settings, output, settings, sshd, sshd_version};
use super::pam;
use super::programs::LIBEXEC;
use crate::config::Config;
use crate::message::Status;
use crate::report::Report;

pub(super) use block::config_option;
pub use block::{Anonymous, Block, EXAMPLE};
pub(super) use fix::{MAIN, STANDALONE, Server, unit};
pub(super) use judgement::is_helper;

/// Settings of the block that apply to every login of the server.
const WHOLE_SERVER: [&str; 2] = ["LoginGraceTime", "MaxStartups"];

pub(super) fn run(command: &SshdConfig, config_path: &Path) -> Result<Report, Failure> {
    let sshd = sshd()?;
    let config = Config::load(config_path)?;
    let block = Block {
        login: &config.ssh.login,
        keys_login: KEYS_LOGIN,
        libexec: Path::new(LIBEXEC),
        config: config_path,
        version: sshd_version(&sshd)?,
        anonymous: Anonymous::of(&config),
    };
    let file = if command.standalone { Path::new(fix::STANDALONE) } else { &command.sshd_config };
    let server = Server { sshd: &sshd, file, block: &block };
    if command.check {
        return check(&server);
    }
    if command.remove {
        let own = server.own_file();
        std::fs::remove_file(&own).map_err(|error| Failure::File(own.display().to_string(), error))?;
        pam::remove(pam::SERVICE, &config.ssh.login)?;
        let next = if command.standalone {
            "stop sshd: systemctl disable --now hubgate-sshd".to_owned()
        } else {
            format!("reload sshd: {}", server.reload())
        };
        let text = format!("removed {}; {next}\n", own.display());
        return Ok(Report::new(text, json!({ "removed": own })));
    }
    let text = if command.standalone {
        standalone::text(&block, config.ssh.port, &standalone::host_keys(&sshd, &command.sshd_config, block.login)?)
    } else {
        block.to_string()
    };
    if command.install {
        install(&server, &text)
    } else {
        Ok(Report::new(text.clone(), json!({ "version": block.version.to_string(), "block": text })))
    }
}

fn check(server: &Server<'_>) -> Result<Report, Failure> {
    let Server { sshd, file, block } = *server;
    let test = output(Command::new(sshd).arg("-t").arg("-f").arg(file))?;
    let mut texts = Vec::new();
    if test.status.success() {
        texts.extend(server.problems()?.into_iter().flat_map(|problem| problem.texts));
    } else {
        texts.push(format!("sshd -t: {}", String::from_utf8_lossy(&test.stderr).trim()));
    }
    let version = block.version.to_string();
    let mut report = if texts.is_empty() {
        let text = format!("sshd {version} reads {} with the settings that hubgate needs\n", file.display());
        Report::new(text, json!({ "version": version, "problems": [] }))
    } else {
        let text = texts.iter().map(|line| format!("{line}\n")).collect();
        Report::new(text, json!({ "version": version, "problems": texts }))
    };
    report.status = if texts.is_empty() { Status::Done } else { Status::Refused };
    Ok(report)
}

/// Writes hubgate's own file. Restores the old state if sshd would not serve the hub with it.
fn install(server: &Server<'_>, text: &str) -> Result<Report, Failure> {
    let Server { sshd, file, block } = *server;
    let own = server.own_file();
    let failed = |error| Failure::File(own.display().to_string(), error);
    let before = match std::fs::read_to_string(&own) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(failed(error)),
    };
    if let Anonymous::ByPam(service) = block.anonymous {
        // The unit of the standalone sshd starts it under the name of the service.
        if block.version < pam::SINCE && !server.is_standalone() {
            return Err(Failure::Refused(format!(
                "OpenSSH {} takes the PAM service from its program name: anonymous = \"fallback\" needs a separate sshd; \
                 write its configuration with hubgate sshd-config --standalone --install",
                block.version
            )));
        }
        pam::install(service, block.login)?;
    }
    let other = if server.is_standalone() { None } else { settings(sshd, file, "root")?.ok() };
    // Renamed into place, so that an sshd that starts now never reads an incomplete file.
    AtomicFile::write(&own, 0o644, text)?;
    let report = check(server)?;
    if report.status == Status::Done {
        let changed = match other {
            Some(before) => {
                settings(sshd, file, "root")?.map(|after| whole_server(&before, &after)).unwrap_or_default()
            }
            None => Vec::new(),
        };
        let lines: String = changed.iter().map(|line| format!("for every login of this server: {line}\n")).collect();
        let next = if server.is_standalone() {
            "start sshd: systemctl enable --now hubgate-sshd".to_owned()
        } else {
            format!("reload sshd: {}", server.reload())
        };
        let text = format!("wrote {}\n{lines}{next}\n", own.display());
        return Ok(Report::new(text, json!({ "installed": own, "whole_server": changed })));
    }
    match before {
        Some(text) => AtomicFile::write(&own, 0o644, &text)?,
        None => std::fs::remove_file(&own).map_err(failed)?,
    }
    Err(Failure::Refused(format!("{}{} is unchanged", report.text, own.display())))
}

/// The settings of the whole server that the block changed: each with its new and its old value.
fn whole_server(before: &Settings, after: &Settings) -> Vec<String> {
    let value = |settings: &Settings, keyword: &str| {
        settings.values(&keyword.to_ascii_lowercase()).next().unwrap_or("nothing").to_owned()
    };
    let lines =
        WHOLE_SERVER.iter().chain(&["UsePAM"]).map(|keyword| (keyword, value(before, keyword), value(after, keyword)));
    lines
        .filter(|(_, old, new)| old != new)
        .map(|(keyword, old, new)| format!("{keyword} is {new}, was {old}"))
        .collect()
}
