//! The merchants in memory (D11).

use std::sync::Arc;

use dashmap::DashMap;
use foldhash::fast::RandomState;
use waika_domain::identifiers::MerchantId;
use waika_domain::merchant::Merchant;

/// Every merchant.
#[derive(Debug, Default)]
pub(crate) struct Merchants {
    map: DashMap<MerchantId, Arc<Merchant>, RandomState>,
}

impl Merchants {
    /// The merchant of that id.
    pub(crate) fn find(&self, id: &MerchantId) -> Option<Arc<Merchant>> {
        self.map.get(id).map(|merchant| Arc::clone(&merchant))
    }

    /// Adds a merchant or replaces one.
    pub(crate) fn put(&self, merchant: Merchant) {
        self.map.insert(merchant.id.clone(), Arc::new(merchant));
    }

    /// All of them, for a snapshot.
    pub(crate) fn all(&self) -> Vec<Arc<Merchant>> {
        self.map.iter().map(|entry| Arc::clone(&entry)).collect()
    }

    /// At most `size` merchants in the order of their ids, after one of them, and whether there
    /// are more. Reads them all: for operators, not for payments.
    pub(crate) fn page(
        &self,
        after: Option<&MerchantId>,
        size: usize,
    ) -> (Vec<Arc<Merchant>>, bool) {
        let mut page: Vec<_> = self
            .map
            .iter()
            .filter(|merchant| after.is_none_or(|after| merchant.key() > after))
            .map(|merchant| Arc::clone(&merchant))
            .collect();
        page.sort_unstable_by(|one, other| one.id.cmp(&other.id));
        let more = page.len() > size;
        page.truncate(size);
        (page, more)
    }
}
