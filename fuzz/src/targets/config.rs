//! The configuration file, as text.

use hubgate::config::Config;
use hubgate::key::Fingerprint;
use hubgate::message::Messages;
use hubgate::request::ForcedCommand;
use toml::{Table, Value};

/// Arbitrary text as a configuration.
///
/// An accepted configuration means the same after TOML has written it, and is rejected with an unknown key anywhere.
/// Values that peers read are lines of printable text; paths are absolute.
pub fn config_file(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else { return false };
    let config = match Config::parse(text) {
        Ok(config) => config,
        Err(error) => {
            assert!(!error.trim().is_empty() && error.trim_end() == error);
            return false;
        }
    };
    let table: Table = text.parse().expect("an accepted configuration is TOML");
    assert_eq!(Config::parse(&table.to_string()).as_ref(), Ok(&config), "{table}");
    let strange = || Table::from_iter([("nobody-knows".to_owned(), Value::Boolean(true))]);
    for key in table.keys().cloned().chain(["nobody-knows".to_owned()]) {
        let mut table = table.clone();
        match table.entry(&key).or_insert(Value::Table(Table::new())) {
            Value::Table(section) => section.extend(strange()),
            other => panic!("{key} = {other} stands outside of the sections"),
        }
        assert!(Config::parse(&table.to_string()).is_err(), "{table}");
    }

    if hubgate::fuzzing::check_config(&config).is_err() {
        return false;
    }
    let forced_command = ForcedCommand::Anonymous(Fingerprint::of_blob(data));
    let messages = Messages::new(&config, &forced_command);
    let (greeting, help) = (messages.greeting(), messages.help());
    let ordinary = Messages { config: &Config::default(), ..messages }.help().out.lines().count();
    assert_eq!((greeting.out.lines().count(), help.out.lines().count()), (1, ordinary), "{:?}", config.hub);
    assert_eq!(greeting.stderr().lines().count(), greeting.err.len());
    for text in [greeting.out, help.out, greeting.err.concat()] {
        assert!(!text.replace('\n', "").contains(char::is_control), "{text:?}");
    }
    let paths = [&config.paths.database, &config.paths.repositories, &config.paths.git, &config.log.socket];
    assert!(paths.into_iter().chain([&config.last_used_dir(), &config.running_dir()]).all(|path| path.is_absolute()));
    assert!(config.ssh.login != "root" && !config.ssh.login.is_empty() && config.ssh.login.is_ascii());
    true
}
