//! What histories met, in sum.

use std::ops::AddAssign;

macro_rules! counts {
    ($($(#[$meaning:meta])* $name:ident),* $(,)?) => {
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub(super) struct Counts {
            $($(#[$meaning])* pub(super) $name: u64,)*
        }

        impl AddAssign for Counts {
            fn add_assign(&mut self, other: Self) {
                $(self.$name += other.$name;)*
            }
        }

        impl Counts {
            /// Everything was met that the histories are for.
            pub(super) fn check(&self) {
                $(assert!(self.$name > 0, "never met: {}", stringify!($name));)*
            }
        }
    };
}

counts! {
    histories,
    lives,
    power_cuts,
    kills,
    /// Stops after which nothing was under way.
    stops,
    /// Lives that a failed write or sync ended.
    failed_disks,
    /// Ends during a start.
    in_starts,
    /// Ends while a snapshot was taken.
    in_snapshots,
    snapshots,
    scrubs,
    /// Answers, those that were given again among them.
    told,
    approved,
    /// Answers for which an issuer was asked between two entries.
    hops,
    replays,
    /// Calls of whose outcome nobody was told,
    lost_answers,
    /// and those of them that were there all the same.
    found_again,
    hung_up,
    month_ends,
}

impl Counts {
    pub(super) fn report(&self) -> String {
        let Self {
            histories,
            lives,
            power_cuts,
            kills,
            failed_disks,
            in_starts,
            in_snapshots,
            told,
            approved,
            hops,
            replays,
            lost_answers,
            found_again,
            ..
        } = self;
        let last = histories.saturating_sub(1);
        format!(
            "{histories} histories (seeds 0 to {last}) of {lives} lives: {power_cuts} power cuts, {kills} \
             kills, {failed_disks} failed disks, {in_starts} of them during a start, {in_snapshots} during a \
             snapshot; {told} answers ({approved} approvals, {hops} by way of an issuer, {replays} given \
             again), 0 lost, 0 given twice otherwise, 0 limits passed; of {lost_answers} calls without an \
             answer {found_again} were there"
        )
    }
}
