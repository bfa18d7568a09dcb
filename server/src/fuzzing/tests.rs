//! The fuzz targets without a fuzzer: what was kept, and a number of changes to it.
//!
//! `WAIKA_FUZZED=100000 cargo test -p waika-server --lib fuzzing` makes so many changes for each target;
//! `WAIKA_FUZZ_INPUT=FILE` runs one input alone, such as one that failed.

mod mutations;
mod seeds;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use self::mutations::Mutator;
use super::*;

/// No input takes as long, however busy the machine is.
const LIMIT: Duration = Duration::from_secs(60);

#[expect(
    clippy::disallowed_methods,
    reason = "a test has no command line of its own"
)]
fn environment(variable: &str) -> Option<String> {
    std::env::var(variable).ok()
}

/// Where what is kept of a target stands.
fn folder(target: &str) -> PathBuf {
    let server = Path::new(env!("CARGO_MANIFEST_DIR"));
    server.join("fuzz/corpus").join(target)
}

/// All inputs of a target that are kept, in the order of their names.
fn kept(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = folder(target);
    let mut inputs: Vec<_> = fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, fs::read(path).unwrap())
        })
        .collect();
    inputs.sort();
    inputs
}

/// The input that is under way: written to a file if it fails, so that it can be looked at alone.
struct UnderWay<'a> {
    target: &'a str,
    name: &'a str,
    input: &'a [u8],
}

impl UnderWay<'_> {
    fn keep(&self) {
        let Self {
            target,
            name,
            input,
        } = self;
        let file = std::env::temp_dir().join(format!("waika-fuzz-{target}-{name}"));
        let written = fs::write(&file, input);
        let file = file.display();
        eprintln!("{target}: {name} failed; WAIKA_FUZZ_INPUT={file} is it alone: {written:?}");
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.keep();
        }
    }
}

/// Runs what is kept of a target, then so many changes of it, each of which follows from its number.
fn check(target: &'static str, changes: u64, mut run: impl FnMut(&[u8]) + Send + 'static) {
    let changes = environment("WAIKA_FUZZED").map_or(changes, |number| number.parse().unwrap());
    let (tell, told) = channel();
    let running = thread::spawn(move || {
        let mut run = |name: &str, input: &[u8]| {
            tell.send((name.to_owned(), input.to_vec())).unwrap();
            let under_way = UnderWay {
                target,
                name,
                input,
            };
            run(input);
            drop(under_way);
        };
        if let Some(file) = environment("WAIKA_FUZZ_INPUT") {
            return run("alone", &fs::read(file).unwrap());
        }
        let kept = kept(target);
        for (name, input) in &kept {
            run(name, input);
        }
        for number in 0..changes {
            let input = Mutator::new(number).change(&kept);
            run(&format!("change-{number}"), &input);
        }
    });
    let mut last = (String::new(), Vec::new());
    loop {
        match told.recv_timeout(LIMIT) {
            Ok(next) => last = next,
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {
                let (name, input) = &last;
                let _hangs = UnderWay {
                    target,
                    name,
                    input,
                };
                panic!("{target}: {name} hangs");
            }
        }
    }
    if let Err(failed) = running.join() {
        panic::resume_unwind(failed);
    }
}

#[test]
fn messages_are_refused_or_decided_and_nothing_else() {
    let mut decoder = Decoder::default();
    check("decoder", 3_000, move |input| decoder.run(input));
}

#[test]
fn a_policy_s_text_is_read_as_it_is_shown_or_has_mistakes() {
    check("policy", 4_000, policy);
}

#[test]
fn no_bytes_are_taken_for_a_journal_that_they_are_not() {
    check("journal", 8_000, journal);
}

#[test]
fn whatever_comes_on_a_connection_it_ends_and_leaves_nothing() {
    let mut connections = Connections::default();
    check("http2", 2_000, move |input| connections.run(input));
}
