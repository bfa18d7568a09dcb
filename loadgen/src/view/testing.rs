//! A run to draw, for the tests.

use crate::clock::SECOND_NS;
use crate::live::testing::approve;
use crate::live::{Count, Live};

use super::snapshot::{Machine, Moment, Phase, Snapshot, Tails};

/// Eight of seventeen seconds at two thousand a second.
pub(super) fn snapshot() -> Snapshot {
    let live = Live::default();
    let board = live.board();
    approve(&board, 11_940, 310_000, 20_000);
    for _ in 0..60 {
        board.count(Count::Declined);
    }
    let tails = Tails {
        p50_ns: Some(310_000),
        p99_ns: Some(1_200_000),
        max_ns: Some(9_800_000),
        count: 12_000,
    };
    let moment = |second: u32| Moment {
        at_s: second.into(),
        offered: 2_000.0,
        answered: 1_990.0,
        response: tails,
    };
    Snapshot {
        target: "http://127.0.0.1:50051".to_owned(),
        is_open: true,
        phase: Phase::Measuring,
        elapsed_ns: 8 * SECOND_NS,
        end_ns: Some(17 * SECOND_NS),
        sent: 16_012,
        planned: Some(34_000),
        open: 3,
        most_open: 1_000,
        now: moment(8),
        recent: tails,
        whole: tails,
        recent_lag_ns: Some(30_000),
        whole_lag_ns: Some(40_000),
        sum: live.sum(),
        doubts: Some(Vec::new()),
        machine: Machine {
            generator: 0.34,
            server: Some(0.52),
            stolen: Some(0.001),
        },
        connections: 4,
        workers: 1,
        history: (1..=8).map(moment).collect(),
    }
}
