//! What the fuzz targets ask of a snapshot's records.

use super::decode::{self, Part};
use super::encode;

/// Reads bytes as a record: an account that is one is the same when it is written anew.
pub(in crate::ledger) fn read_twice(bytes: &[u8]) {
    let Ok(Part::Account(id, account)) = decode::record(bytes) else {
        return;
    };
    let parts = account.into_parts();
    let written = encode::account(id.as_str(), parts.clone());
    let Ok(Part::Account(again, account)) = decode::record(&written) else {
        assert!(written.is_empty(), "an account is written as none");
        return;
    };
    assert_eq!((again, account.into_parts()), (id, parts));
}
