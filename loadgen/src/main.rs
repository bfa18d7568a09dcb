//! `waika-loadgen`: read the command line, do what it says, and leave with the code that says how
//! it went.

use std::process::ExitCode;

fn main() -> ExitCode {
    match waika_loadgen::read_command_line() {
        Ok(invocation) => waika_loadgen::execute(invocation),
        Err(code) => code,
    }
}
