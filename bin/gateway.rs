//! `gateway`: the forced command of every session.

fn main() -> std::process::ExitCode {
    hubgate::gateway::main()
}
