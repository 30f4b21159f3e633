//! `authorized-keys`: sshd's `AuthorizedKeysCommand`.

fn main() -> std::process::ExitCode {
    hubgate::authorized_keys::main()
}
