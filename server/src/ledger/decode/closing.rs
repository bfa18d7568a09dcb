//! From what is written of the end of an account.

use waika_domain::event::{AccountClosed, ErasureBegun, Event, Unbound};
use waika_domain::refusal::{ClosingRefusal, ErasureRefusal};

use super::{Decoded, keys, refusal};
use crate::ledger::schema;

pub(super) fn closed(closed: schema::AccountClosed) -> Decoded<Event> {
    let outcome = match closed.refused {
        None => Ok(closed.unbound.iter().map(unbound).collect::<Decoded<_>>()?),
        refused => Err(refusal(refused, ClosingRefusal::from_number)?),
    };
    Ok(Event::AccountClosed(Box::new(AccountClosed { outcome })))
}

fn unbound(card: &schema::UnboundCard) -> Decoded<Unbound> {
    Ok(Unbound {
        card: keys::fingerprints(&card.fingerprint, &card.older_cards)?,
        bound_by: card.bound_by,
    })
}

pub(super) fn begun(begun: schema::ErasureBegun) -> Decoded<Event> {
    let outcome = match begun.refused {
        None => Ok(()),
        refused => Err(refusal(refused, ErasureRefusal::from_number)?),
    };
    Ok(Event::ErasureBegun(ErasureBegun { outcome }))
}
