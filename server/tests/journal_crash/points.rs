//! F2: the end comes at each of the first calls that change the disk, one after the other, and not only at
//! those that chance hits.
//!
//! `WAIKA_POINTS=2000 cargo test --release --test journal_crash each_of -- --nocapture` is the long form.

use waika_server::ledger::journal::Opened;
use waika_server::ledger::journal::disk::{Faults, SimulatedDisk};

use super::{Counts, History, honest, number};

const POINTS: u64 = 150;
/// The history whose calls they are.
const SEED: u64 = 7;

/// What ends: the process, or the machine.
#[derive(Clone, Copy, Debug)]
enum End {
    Kill,
    PowerCut,
}

#[test]
fn f2_an_end_at_each_of_the_first_calls_loses_nothing() {
    let points = number("WAIKA_POINTS").unwrap_or(POINTS);
    let seed = number("WAIKA_SEED").unwrap_or(SEED);
    let mut counts = Counts::default();
    let mut acknowledged = 0;
    for at in 0..points {
        for end in [End::Kill, End::PowerCut] {
            acknowledged += ended(seed, at, end, &mut counts);
        }
    }
    println!(
        "F2: seed {seed}: killed, and without power, at each of {points} calls; {acknowledged} entries \
         acknowledged by then, 0 lost; {} ends while it started",
        counts.crashes_in_recovery
    );
    assert!(acknowledged > points && counts.starts_from_snapshots > 0);
}

/// One end; gives how much was acknowledged by then.
fn ended(seed: u64, at: u64, end: End, counts: &mut Counts) -> u64 {
    let history = &mut History::new(seed);
    let faults = Faults {
        power_off_at: Some(at),
        ..Faults::default()
    };
    let disk = SimulatedDisk::new(seed, faults);
    match history.open(&disk) {
        Ok(Opened { mut journal, .. }) => while !history.append(&mut journal, &disk, counts) {},
        Err(_) => counts.crashes_in_recovery += 1,
    }
    let [changes, ..] = disk.counts();
    assert!(changes > at, "seed {seed}, call {at}: it was never made");
    history.copying = None;
    let told = history.acknowledged;
    let disk = match end {
        End::Kill => disk.after_kill(Faults::default()),
        End::PowerCut => disk.after_power_cut(Faults::default()),
    };
    // It compares what is there with what was told.
    let mut journal = honest(history, &disk, counts);
    let failed = history.append(&mut journal, &disk, counts);
    assert!(
        !failed,
        "seed {seed}, call {at}, {end:?}: it takes nothing more"
    );
    drop(journal);
    history.copying = None;
    honest(history, &disk.after_power_cut(Faults::default()), counts);
    told
}
