//! From what is written of cards that are bound and unbound.

use waika_domain::card::{Bin, BoundCard, CardExpiry, IssuerCardReference};
use waika_domain::event::{BindReserved, Binding, OlderOfBinding, UnbindDecided, Unbound};
use waika_domain::identifiers::CardToken;
use waika_domain::identity::Identity;
use waika_domain::period::{Day, Timestamp};
use waika_domain::refusal::UnbindRefusal;

use super::{Decoded, issuer, keys, known, password_effect, phone_code_effect, refusal, small};
use crate::ledger::schema;

pub(super) fn reserved(reserved: &schema::BindReserved) -> Decoded<BindReserved> {
    Ok(BindReserved {
        region: known(reserved.region, "a wallet region")?,
        card: keys::fingerprints(&reserved.card, &reserved.older_cards)?,
        phone_code: phone_code_effect(reserved.phone_code.clone())?,
        password: password_effect(reserved.password),
        debit: issuer::transaction(reserved.debit)?,
    })
}

pub(super) fn binding(binding: schema::Binding, at: Timestamp) -> Decoded<Binding> {
    let card = BoundCard {
        token: CardToken::from_bits(binding.card_token),
        fingerprint: keys::fingerprint(&binding.card_fingerprint)?,
        issuer_reference: IssuerCardReference(binding.issuer_reference.into()),
        issuer: issuer::kind(binding.issuer)?,
        bin: Bin::new(binding.bin),
        phone: binding.phone,
        last_four: small(binding.last_four, "a card's last digits")?,
        scheme: known(binding.scheme, "a scheme")?,
        expiry: CardExpiry {
            year: small(binding.expiry_year, "a card's expiry")?,
            month: small(binding.expiry_month, "a card's expiry")?,
        },
        holder_matches: binding.holder_matches,
        bound_at: at,
        bound_by: 0,
    };
    let identity = Identity {
        document: known(binding.document, "a document type")?,
        fingerprint: keys::fingerprint(&binding.document_fingerprint)?,
        expires_on: Day::from_number(binding.document_expires_on),
    };
    Ok(Binding {
        card,
        identity,
        password_set: keys::verifier(&binding.password_set)?,
        older: OlderOfBinding {
            card: keys::older(&binding.older_cards)?,
            document: keys::older(&binding.older_documents)?,
        },
    })
}

pub(super) fn unbind(decided: schema::UnbindDecided) -> Decoded<UnbindDecided> {
    let outcome = match decided.refused {
        None => Ok(Unbound {
            card: keys::fingerprints(&decided.fingerprint, &decided.older_cards)?,
            bound_by: decided.bound_by,
        }),
        refused => Err(refusal(refused, UnbindRefusal::from_number)?),
    };
    Ok(UnbindDecided {
        card: CardToken::from_bits(decided.card_token),
        password: password_effect(decided.password),
        outcome,
    })
}
