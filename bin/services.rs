//! `services`: the longer work, started by the gateway, or by git as its push hook.

fn main() -> std::process::ExitCode {
    hubgate::services::main()
}
