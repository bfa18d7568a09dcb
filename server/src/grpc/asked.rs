//! A payment as its caller wrote it, with every text where it came.

use std::fmt;

use waika::v1;

use crate::wire::{Field, Reader};

/// What the fields of an `AuthoriseRequest` say, secrets and all; the contract tells what they mean.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Asked<'a> {
    pub(super) idempotency_key: &'a str,
    pub(super) account_id: &'a str,
    pub(super) card_token: &'a str,
    pub(super) merchant_id: &'a str,
    pub(super) amount_fen: i64,
    pub(super) currency: &'a str,
    pub(super) scene: i32,
    pub(super) mode: i32,
    pub(super) payment_password: &'a str,
    pub(super) client: Option<Client<'a>>,
    pub(super) quote_token: &'a str,
    pub(super) payment_token: &'a str,
    pub(super) payment_code: &'a str,
    pub(super) funding: i32,
    pub(super) want_receipt: bool,
    pub(super) want_timing: bool,
}

/// What a `ClientInfo` says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Client<'a> {
    pub(super) channel: i32,
    pub(super) version: &'a str,
}

/// One payment of a stream.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Streamed<'a> {
    /// All of it.
    pub(super) message: &'a [u8],
    pub(super) correlation_id: u64,
    /// None where it must be given and is not.
    pub(super) asked: Option<Asked<'a>>,
}

impl fmt::Debug for Asked<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Asked").finish_non_exhaustive()
    }
}

impl<'a> Asked<'a> {
    /// Reads an `AuthoriseRequest`. None if it is not one, and for what is allowed and hardly ever done:
    /// whoever gets None asks prost.
    pub(super) fn read(message: &'a [u8]) -> Option<Self> {
        let mut asked = Self::default();
        let mut fields = Reader::new(message);
        while !fields.is_at_end() {
            let (tag, field) = fields.next()?;
            match tag {
                1 => asked.idempotency_key = field.text()?,
                2 => asked.account_id = field.text()?,
                3 => asked.card_token = field.text()?,
                4 => asked.merchant_id = field.text()?,
                5 => asked.amount_fen = field.int()?,
                6 => asked.currency = field.text()?,
                7 => asked.scene = field.value()?,
                8 => asked.mode = field.value()?,
                9 => asked.payment_password = field.text()?,
                // Said twice, the two would be one.
                10 if asked.client.is_none() => asked.client = Some(Client::read(field)?),
                11 => asked.quote_token = field.text()?,
                12 => asked.payment_token = field.text()?,
                13 => asked.payment_code = field.text()?,
                14 => asked.funding = field.value()?,
                15 => asked.want_receipt = field.flag()?,
                16 => asked.want_timing = field.flag()?,
                10 => return None,
                _ => {}
            }
        }
        Some(asked)
    }
}

impl<'a> Client<'a> {
    fn read(message: Field<'a>) -> Option<Self> {
        let mut client = Self::default();
        let mut fields = Reader::new(message.bytes()?);
        while !fields.is_at_end() {
            let (tag, field) = fields.next()?;
            match tag {
                1 => client.channel = field.value()?,
                2 => client.version = field.text()?,
                _ => {}
            }
        }
        Some(client)
    }
}

impl<'a> Streamed<'a> {
    /// Reads a `StreamedRequest`; None as above.
    pub(super) fn read(message: &'a [u8]) -> Option<Self> {
        let mut streamed = Self {
            message,
            ..Self::default()
        };
        let mut fields = Reader::new(message);
        while !fields.is_at_end() {
            let (tag, field) = fields.next()?;
            match tag {
                1 => streamed.correlation_id = field.uint()?,
                2 if streamed.asked.is_none() => {
                    streamed.asked = Some(Asked::read(field.bytes()?)?);
                }
                2 => return None,
                _ => {}
            }
        }
        Some(streamed)
    }

    /// Reads the payments of an `AuthoriseStreamRequest`; None as above. Of those beyond `most` one is
    /// kept, so that they do not go unnoticed.
    pub(super) fn read_all(message: &'a [u8], most: usize) -> Option<Vec<Self>> {
        let mut all = Vec::new();
        let mut fields = Reader::new(message);
        while !fields.is_at_end() {
            if let (1, field) = fields.next()? {
                let streamed = Self::read(field.bytes()?)?;
                if all.len() <= most {
                    all.push(streamed);
                }
            }
        }
        Some(all)
    }
}

impl<'a> From<&'a v1::ClientInfo> for Client<'a> {
    fn from(client: &'a v1::ClientInfo) -> Self {
        Self {
            channel: client.channel,
            version: &client.version,
        }
    }
}

impl<'a> From<&'a v1::AuthoriseRequest> for Asked<'a> {
    fn from(request: &'a v1::AuthoriseRequest) -> Self {
        Self {
            idempotency_key: &request.idempotency_key,
            account_id: &request.account_id,
            card_token: &request.card_token,
            merchant_id: &request.merchant_id,
            amount_fen: request.amount_fen,
            currency: &request.currency,
            scene: request.scene,
            mode: request.mode,
            payment_password: &request.payment_password,
            client: request.client.as_ref().map(Client::from),
            quote_token: &request.quote_token,
            payment_token: &request.payment_token,
            payment_code: &request.payment_code,
            funding: request.funding,
            want_receipt: request.want_receipt,
            want_timing: request.want_timing,
        }
    }
}

#[cfg(test)]
mod tests;
