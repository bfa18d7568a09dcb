//! What the corpora begin with, made of real messages: `WAIKA_WRITE_SEEDS=1 cargo test -p waika-server --lib
//! fuzzing` writes them anew.

use waika_domain::policy::Policy;

use super::*;
use crate::config::render;
use crate::grpc::fuzzing::seeds::calls;
use crate::ledger::encode::Entry;
use crate::ledger::round_trip_tests::{NOW, every_kind_of_event, written};

/// The most that all corpora take together, in bytes.
const MOST_BYTES: usize = 200 * 1_024;
const TARGETS: [&str; 4] = ["decoder", "policy", "journal", "http2"];

/// Every seed, with its target and its name.
fn seeds() -> Vec<(&'static str, String, Vec<u8>)> {
    let mut seeds = Vec::new();
    for (name, input) in calls() {
        seeds.push(("http2", format!("seed-call-{name}"), over_http2(&input)));
        seeds.push(("decoder", format!("seed-{name}"), input));
    }
    for (name, text) in policies() {
        seeds.push(("policy", format!("seed-{name}"), text.into_bytes()));
    }
    for (name, input) in journals() {
        seeds.push(("journal", format!("seed-{name}"), input));
    }
    for (name, input) in connections() {
        seeds.push(("http2", format!("seed-{name}"), input));
    }
    seeds
}

fn policies() -> Vec<(&'static str, String)> {
    let guide = Policy::weixin_2023();
    let dated = "name = \"dated\"\neffective_from = 2026-12-01\neffective_until = 2027-01-01T00:00:00+08:00\n";
    let wrong = "name = \"a b\"\nunknown = 1\n[limits]\nsingle_fen = 0\nmonth_fen = \"x\"\n[fee]\nrate = 0.03\n";
    vec![
        ("guide", render(&guide)),
        ("dated", dated.to_owned()),
        ("mistakes", wrong.to_owned()),
        ("empty", String::new()),
    ]
}

/// Kinds 0 and 2: each kind of event alone, and all of them one after the other. Kinds 1, 3 and 4: what is
/// shortest of each.
fn journals() -> Vec<(String, Vec<u8>)> {
    let events = every_kind_of_event();
    let mut seeds = Vec::new();
    let mut history = vec![2];
    for (place, event) in events.iter().enumerate() {
        let entry = Entry {
            account: "acct",
            previous: 17,
            ..Entry::of_none(NOW, None, event)
        };
        let bytes = written(&entry);
        history.extend_from_slice(&u16::try_from(bytes.len()).unwrap().to_le_bytes());
        history.extend_from_slice(&bytes);
        seeds.push((format!("entry-{place:02}"), [&[0], &*bytes].concat()));
    }
    seeds.push(("history".to_owned(), history));
    let record = crate::ledger::snapshot::an_account();
    seeds.push(("account".to_owned(), [&[1], &*record].concat()));
    seeds.push(("flips".to_owned(), vec![3, 0, 70, 0, 1, 4, 9, 0, 128]));
    seeds.push(("cut".to_owned(), vec![3, 3, 0, 8, 0]));
    let number = 5_u64.to_le_bytes();
    let foreign = [&[4, 1, 0][..], &number, &[3, 0], b"WKS"].concat();
    seeds.push(("foreign".to_owned(), foreign));
    seeds
}

/// An input of `decoder` as calls on a connection that begins as it should and ends politely.
fn over_http2(calls: &[u8]) -> Vec<u8> {
    let mut input = vec![0b11];
    let mut calls = Input::new(calls);
    let mut number = 0;
    while !calls.is_at_end() {
        let (rpc, message) = (calls.byte(), calls.delimited());
        input.extend_from_slice(&[11, number, rpc]);
        input.extend_from_slice(&u16::try_from(message.len()).unwrap().to_le_bytes());
        input.extend_from_slice(message);
        number += 1;
    }
    input
}

/// Frames by kind, flags, stream and payload, behind what a connection begins with.
fn connections() -> Vec<(&'static str, Vec<u8>)> {
    let frames = |how: u8, frames: &[(u8, u8, u8, &[u8])]| {
        let mut input = vec![how];
        for (kind, flags, stream, payload) in frames {
            input.extend_from_slice(&[*kind, *flags, *stream]);
            input.extend_from_slice(&u16::try_from(payload.len()).unwrap().to_le_bytes());
            input.extend_from_slice(payload);
        }
        input
    };
    let head = b"\x83\x86\x04\x01/\x01\x05waika";
    vec![
        ("silent", vec![0]),
        ("http1", b"\0GET / HTTP/1.1\r\n\r\n".to_vec()),
        ("half-a-preface", b"\0PRI * HTTP/2".to_vec()),
        ("begun", vec![1]),
        ("begun-in-pieces", vec![0b1101]),
        ("told-to-go", vec![0b100_0001]),
        ("hangs-up", vec![0b1_0001]),
        ("ping", frames(3, &[(6, 0, 0, b"12345678")])),
        (
            "settings",
            frames(3, &[(4, 0, 0, &[0, 3, 0, 0, 0, 1]), (4, 1, 0, b"")]),
        ),
        ("window", frames(3, &[(8, 0, 0, &[0x7f, 0xff, 0xff, 0xff])])),
        (
            "reset",
            frames(3, &[(1, 4, 1, head), (3, 0, 1, &[0, 0, 0, 8])]),
        ),
        ("continued", frames(3, &[(1, 0, 1, head), (9, 4, 1, b"")])),
        ("deaf", frames(0b11_0011, &[(1, 5, 1, head)])),
        ("priority", frames(3, &[(2, 0, 1, &[0, 0, 0, 0, 16])])),
        ("goaway", frames(3, &[(7, 0, 0, &[0; 8])])),
    ]
}

#[test]
fn the_corpora_begin_with_real_messages_and_are_small() {
    let writes = environment("WAIKA_WRITE_SEEDS").is_some();
    for (target, name, input) in seeds() {
        let file = folder(target).join(name);
        if writes {
            fs::create_dir_all(folder(target)).unwrap();
            fs::write(&file, &input).unwrap();
        }
        let found = fs::read(&file).unwrap_or_default();
        let file = file.display();
        assert!(
            found == input,
            "{file} is not what it is made of: WAIKA_WRITE_SEEDS=1"
        );
    }
    let kept = TARGETS.iter().flat_map(|target| kept(target));
    let bytes: usize = kept.map(|(_, input)| input.len()).sum();
    assert!(bytes <= MOST_BYTES, "the corpora take {bytes} bytes");
}
