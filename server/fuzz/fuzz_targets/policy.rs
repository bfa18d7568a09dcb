//! Texts of policies: what it does with them is `waika_server::fuzzing::policy`.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| waika_server::fuzzing::policy(input));
