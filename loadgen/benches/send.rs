//! `waika-loadgen` as it is, with an allocator that counts.
//!
//! It takes the same command line, and tells at its end on standard error how often it has asked for
//! memory. What one call costs it is the difference between a run and a longer one: whatever a run
//! does once is in both. `bash tests/guard.sh` takes these runs, under callgrind for the
//! instructions, against a floor, and holds them to their limits.

#[path = "../../tests/guard/counting.rs"]
mod counting;

use std::io::Write as _;
use std::process::ExitCode;

use counting::{Counting, Counts};

#[global_allocator]
static ALLOCATOR: Counting = Counting::new();

fn main() -> ExitCode {
    // All that `cargo bench` says.
    if std::env::args()
        .nth(1)
        .is_some_and(|word| word == "--bench")
    {
        tell("bash tests/guard.sh counts what one call costs the generator");
        return ExitCode::SUCCESS;
    }
    let begun = ALLOCATOR.counts();
    let code = match waika_loadgen::read_command_line() {
        Ok(invocation) => waika_loadgen::execute(invocation),
        Err(code) => return code,
    };
    let Counts {
        allocations,
        reallocations,
        bytes,
    } = ALLOCATOR.counts().since(begun);
    tell(&format!("asked for {allocations} {reallocations} {bytes}"));
    code
}

fn tell(line: &str) {
    // Standard error may be closed, and there is nobody else to tell.
    let _ = writeln!(std::io::stderr(), "{line}");
}
