//! `hubgate`: the operator's program.

fn main() -> std::process::ExitCode {
    hubgate::operator::main()
}
