//! All targets, by the module that they test.

/// The modules and their targets.
macro_rules! targets {
    ($($module:ident: $($target:ident),+;)+) => {
        $(mod $module; pub use $module::{$($target),+};)+

        /// All targets with their names, which are also their directories in `corpus/`.
        pub const TARGETS: &[(&str, fn(&[u8]) -> bool)] = &[$($((stringify!($target), $target)),+),+];
    };
}

targets! {
    access: session_matrix, sources;
    authorized_keys: authorized_keys_line, ssh_user_auth;
    certificate: certificate;
    config: config_file;
    import: gitolite_conf;
    key: fingerprint, key_blob, key_line;
    lfs: lfs_names, lfs_packets, lfs_session;
    log: log_escaping;
    message: answers;
    name: names, repository_directory;
    push: push_context, ref_policy, signers;
    request: account_command, forced_command, git_environment, git_quoting, ssh_original_command;
    rule: path_rules, ref_rules;
    signature: commit_parts, commit_signature;
    time: when;
}
