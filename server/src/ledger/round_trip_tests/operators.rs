//! What is part of the operator log.

use super::*;
use crate::operator_log::{Change, Operated};

fn operated() -> [Operated; 3] {
    let change = |field: &'static str, before: &str, after: &str| Change {
        field: field.into(),
        before: before.to_owned(),
        after: after.to_owned(),
    };
    let changes = vec![
        change("merchant.name", "", &"面馆".repeat(64)),
        change("shadow_policy", "p", ""),
    ];
    [
        Operated::default(),
        Operated {
            previous: u64::MAX,
            changes: Vec::new(),
        },
        Operated {
            previous: 41,
            changes,
        },
    ]
}

#[test]
fn a_part_of_the_log_reads_back_and_has_the_bytes_of_its_message() {
    for event in every_kind_of_event() {
        for operated in operated() {
            let mut bytes = Vec::new();
            of_an_account(Some(&call()), &event).write_operated(&mut bytes, &operated);
            let read = schema::Entry::decode(&*bytes).unwrap();
            assert_eq!(read.encode_to_vec(), bytes, "{event:?}");
            // Where a server from before the log looks for what happened it finds nothing, and says so.
            assert!(read.body.is_none());
            let stored = decode::entry(&bytes).unwrap();
            assert_eq!(stored.operated.as_deref(), Some(&operated));
            assert_eq!(stored.body, StoredBody::Event(event.clone()));
            assert_eq!((&*stored.account, stored.previous), ("acct", 17));
            assert!(stored.call.is_some());
        }
        let bytes = written(&of_an_account(Some(&call()), &event));
        assert_eq!(decode::entry(&bytes).unwrap().operated, None);
    }
}

#[test]
fn a_kind_that_only_a_newer_server_knows_is_refused_there_too() {
    let operated = schema::Operated {
        happened: Some(Box::default()),
        ..schema::Operated::default()
    };
    let without = schema::Operated::default();
    for operated in [operated, without] {
        let entry = schema::Entry {
            operated: Some(Box::new(operated)),
            ..schema::Entry::default()
        };
        let error = decode::entry(&entry.encode_to_vec()).unwrap_err();
        assert!(error.to_string().starts_with("a kind of entry"), "{error}");
    }
}
