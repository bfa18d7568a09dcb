//! Pure: how many cards an account has, while some are being bound and others unbound (R39).

/// Cards of an account, and those that come and go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Cards {
    /// Bound and not unbound.
    bound: i16,
    /// Binds that are open.
    binding: u16,
    /// Unbinds that are open.
    unbinding: u16,
    /// Unbinds that were done, modulo 256.
    unbound: u8,
}

impl Cards {
    /// So many to begin with.
    pub(super) fn begin(bound: u8) -> Self {
        Self {
            bound: bound.into(),
            ..Self::default()
        }
    }

    /// A bind is about to be sent.
    pub(super) fn bind(&mut self) {
        self.binding = self.binding.saturating_add(1);
    }

    /// A bind is no longer open; it was done, or not.
    pub(super) fn bind_no_more(&mut self, done: bool) {
        self.binding = self.binding.saturating_sub(1);
        self.bound = self.bound.saturating_add(i16::from(done));
    }

    /// An unbind is about to be sent.
    pub(super) fn unbind(&mut self) {
        self.unbinding = self.unbinding.saturating_add(1);
    }

    /// An unbind is no longer open; it was done, or not.
    pub(super) fn unbind_no_more(&mut self, done: bool) {
        self.unbinding = self.unbinding.saturating_sub(1);
        self.bound = self.bound.saturating_sub(i16::from(done));
        self.unbound = self.unbound.wrapping_add(u8::from(done));
    }

    /// Cards that are bound for certain, whatever the open unbinds have done.
    pub(super) fn surely(self) -> u64 {
        let cards = i32::from(self.bound) - i32::from(self.unbinding);
        u64::try_from(cards).unwrap_or(0)
    }

    /// Cards that may be bound, if the open binds were all done and no open unbind was.
    pub(super) fn perhaps(self) -> u64 {
        u64::try_from(i32::from(self.bound) + i32::from(self.binding)).unwrap_or(0)
    }

    /// Cards that may have been bound at one moment since a call of the account was sent, when
    /// [`Cards::mark`] was this.
    pub(super) fn perhaps_since(self, mark: u8) -> u64 {
        self.perhaps() + u64::from(self.unbound.wrapping_sub(mark))
    }

    /// Unbinds that were done, modulo 256.
    pub(super) fn mark(self) -> u8 {
        self.unbound
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r39_what_is_open_may_have_happened_or_not() {
        let mut cards = Cards::begin(2);
        cards.bind();
        assert_eq!((cards.surely(), cards.perhaps()), (2, 3));
        cards.unbind();
        assert_eq!((cards.surely(), cards.perhaps()), (1, 3));
        cards.bind_no_more(true);
        assert_eq!((cards.surely(), cards.perhaps()), (2, 3));
        let mark = cards.mark();
        cards.unbind_no_more(true);
        assert_eq!((cards.surely(), cards.perhaps()), (2, 2));
        assert_eq!(cards.perhaps_since(mark), 3);
        assert_eq!(cards.perhaps_since(cards.mark()), 2);
    }

    #[test]
    fn what_was_refused_changes_nothing() {
        let mut cards = Cards::begin(3);
        cards.bind();
        cards.bind_no_more(false);
        cards.unbind();
        cards.unbind_no_more(false);
        assert_eq!(cards, Cards::begin(3));
    }
}
