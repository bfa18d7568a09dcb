//! What callers send on connections: what it does with that is `waika_server::fuzzing::Connections`.

#![no_main]

use std::sync::{LazyLock, Mutex};

use libfuzzer_sys::fuzz_target;
use waika_server::fuzzing::Connections;

static CONNECTIONS: LazyLock<Mutex<Connections>> = LazyLock::new(Mutex::default);

fuzz_target!(|input: &[u8]| {
    if let Ok(mut connections) = CONNECTIONS.lock() {
        connections.run(input);
    }
});
