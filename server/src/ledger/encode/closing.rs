//! The end of an account, as it is written.

use waika_domain::event::{AccountClosed, ErasureBegun, Unbound};

use super::{keys, refusal};
use crate::ledger::schema;

pub(super) fn closed(closed: &AccountClosed) -> schema::AccountClosed {
    match &closed.outcome {
        Ok(unbound) => schema::AccountClosed {
            unbound: unbound.iter().map(unbound_card).collect(),
            refused: None,
        },
        Err(refused) => schema::AccountClosed {
            unbound: Vec::new(),
            refused: Some(refusal(refused.reason.number(), &refused.evidence)),
        },
    }
}

fn unbound_card(unbound: &Unbound) -> schema::UnboundCard {
    schema::UnboundCard {
        fingerprint: keys::fingerprint(unbound.card.active()),
        older_cards: keys::older(unbound.card.older()),
        bound_by: unbound.bound_by,
    }
}

pub(super) fn begun(begun: ErasureBegun) -> schema::ErasureBegun {
    let refused = begun.outcome.err();
    schema::ErasureBegun {
        refused: refused.map(|refused| refusal(refused.reason.number(), &refused.evidence)),
    }
}
