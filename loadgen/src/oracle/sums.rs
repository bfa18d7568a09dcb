//! Pure: sums of a calendar window, and between which figures an answer about one must lie.

/// A sum of a calendar window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sum {
    /// Approved, in fen, with what was used before the run.
    pub(super) counted: u64,
    /// Given back, in fen.
    pub(super) restored: u64,
}

/// What is under way on an account, whatever the window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Flow {
    /// Payments that are open: they may have been approved, in fen.
    pub(super) paying: u64,
    /// Reversals that are open: they may have given back, in fen.
    pub(super) returning: u64,
    /// What was held while an issuer was asked that then declined, in fen.
    pub(super) let_go: u64,
}

/// A sum as it was when a call was sent. It is kept without its upper half: no account turns over
/// 2³² fen while a call is open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Mark {
    counted: u32,
    /// What makes room: given back, or let go.
    eased: u32,
}

/// Between which figures an answer about a sum must lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bounds {
    /// What must have been used.
    pub(super) least: u64,
    /// What may have been used, with the payments that are open.
    pub(super) most: u64,
}

impl Sum {
    /// Nothing given back yet.
    pub(super) fn of(counted: u64) -> Self {
        Self {
            counted,
            restored: 0,
        }
    }

    /// What is used, once nothing is under way.
    pub(super) fn used(self) -> u64 {
        self.counted.saturating_sub(self.restored)
    }

    /// How it stands at this moment.
    pub(super) fn mark(self, flow: Flow) -> Mark {
        Mark {
            counted: low(self.counted),
            eased: low(self.eased(flow)),
        }
    }

    /// What was there before a call was sent had happened when it was decided; what was under way
    /// meanwhile may have. `then` is how the sum stood when it was sent, or none if its window was
    /// not known to be open.
    pub(super) fn bounds(self, flow: Flow, then: Option<Mark>) -> Bounds {
        let eased = self.eased(flow);
        let (counted_then, eased_since) = match then {
            Some(mark) => (
                self.counted
                    .saturating_sub(since(self.counted, mark.counted)),
                since(eased, mark.eased),
            ),
            None => (0, eased),
        };
        let given_back = self.restored.saturating_add(flow.returning);
        let may_be_held = self.counted.saturating_add(flow.paying);
        Bounds {
            least: counted_then.saturating_sub(given_back),
            most: may_be_held
                .saturating_add(eased_since)
                .saturating_sub(self.restored),
        }
    }

    fn eased(self, flow: Flow) -> u64 {
        self.restored.wrapping_add(flow.let_go)
    }
}

fn low(sum: u64) -> u32 {
    u32::try_from(sum & u64::from(u32::MAX)).unwrap_or(0)
}

/// How much a sum has grown since its lower half was noted.
fn since(sum: u64, then: u32) -> u64 {
    low(sum).wrapping_sub(then).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_under_way_widens_what_can_be_told() {
        let sum = |counted, restored| Sum { counted, restored };
        let flow = |paying, returning, let_go| Flow {
            paying,
            returning,
            let_go,
        };
        let check = |then: (Sum, Flow), now: (Sum, Flow), least, most| {
            let bounds = now.0.bounds(now.1, Some(then.0.mark(then.1)));
            assert_eq!(bounds, Bounds { least, most }, "{then:?}, {now:?}");
        };
        let quiet = flow(0, 0, 0);
        // Nothing else is under way: one figure.
        check((sum(500, 0), quiet), (sum(500, 0), quiet), 500, 500);
        check((sum(500, 100), quiet), (sum(500, 100), quiet), 400, 400);
        // Another payment is open, or was approved meanwhile.
        check(
            (sum(500, 0), quiet),
            (sum(500, 0), flow(70, 0, 0)),
            500,
            570,
        );
        check((sum(500, 0), quiet), (sum(570, 0), quiet), 500, 570);
        // A reversal is open, or has given back meanwhile.
        check(
            (sum(500, 0), quiet),
            (sum(500, 0), flow(0, 70, 0)),
            430,
            500,
        );
        check((sum(500, 0), quiet), (sum(500, 70), quiet), 430, 500);
        // An issuer was asked meanwhile, and declined.
        check(
            (sum(500, 0), quiet),
            (sum(500, 0), flow(0, 0, 70)),
            500,
            570,
        );
    }

    #[test]
    fn of_a_window_that_was_not_open_nothing_was_there() {
        let sum = Sum {
            counted: 500,
            restored: 100,
        };
        let bounds = sum.bounds(Flow::default(), None);
        assert_eq!(
            bounds,
            Bounds {
                least: 0,
                most: 500
            }
        );
    }

    #[test]
    fn sums_may_outgrow_what_a_mark_keeps() {
        let big = (1 << 40) + 7;
        let mark = Sum::of(big).mark(Flow::default());
        let bounds = Sum::of(big + 500).bounds(Flow::default(), Some(mark));
        let (least, most) = (big, big + 500);
        assert_eq!(bounds, Bounds { least, most });
    }
}
