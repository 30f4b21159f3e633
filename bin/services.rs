//! `services`: account commands, LFS and push checks; started by the gateway, or by git as its push hook.

fn main() -> std::process::ExitCode {
    hubgate::services::main()
}
