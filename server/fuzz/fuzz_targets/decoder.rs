//! Messages of calls: what it does with them is `waika_server::fuzzing::Decoder`.

#![no_main]

use std::sync::{LazyLock, Mutex};

use libfuzzer_sys::fuzz_target;
use waika_server::fuzzing::Decoder;

static DECODER: LazyLock<Mutex<Decoder>> = LazyLock::new(Mutex::default);

fuzz_target!(|input: &[u8]| {
    if let Ok(mut decoder) = DECODER.lock() {
        decoder.run(input);
    }
});
