//! Pure: one authorisation request's bytes, without building a message.
//!
//! Requests are written field by field into one buffer. The tests compare them with the generated
//! types. Field numbers are those of `proto/waika/v1/authorisation.proto`.

use bytes::BufMut;
use prost::encoding::{WireType, encode_key, encode_varint};
use waika::v1::Scene;

use crate::plan::Details;
use crate::population::{Payer, Population};
use crate::workload::Request;

/// Length of the prefix that gRPC puts before each message: a flag and the length.
pub(crate) const PREFIX: usize = 5;

/// Writes requests of one run.
#[derive(Debug)]
pub(crate) struct RequestWriter {
    /// The key up to where it differs from call to call.
    key_begins: Vec<u8>,
    /// Currency and scene, which are the same in all.
    same_in_all: Vec<u8>,
    want_timing: bool,
    buffer: Vec<u8>,
}

impl RequestWriter {
    /// A writer whose idempotency keys belong to the run `run_id`, and whose requests ask for what
    /// the report shall show.
    pub(crate) fn new(run_id: u64, details: Details) -> Self {
        let mut key = Vec::new();
        put_text(&mut key, 1, &key_bytes(run_id, 0));
        key.truncate(key.len() - HEX_DIGITS);
        let mut same_in_all = Vec::new();
        put_text(&mut same_in_all, 6, b"CNY");
        put_enum(&mut same_in_all, 7, Scene::Purchase.into());
        Self {
            key_begins: key,
            same_in_all,
            want_timing: details.timing,
            buffer: Vec::new(),
        }
    }

    /// The framed message for `request`, which holds until the next is written; `None` if it names
    /// nobody in `population`. A payment code stands for account, card and password.
    pub(crate) fn write(
        &mut self,
        request: &Request,
        population: &Population,
        payment_code: Option<&str>,
    ) -> Option<&[u8]> {
        self.buffer.clear();
        self.buffer.put_bytes(0, PREFIX);
        self.put_request(request, population, payment_code)?;
        let length = u32::try_from(self.buffer.len() - PREFIX).ok()?;
        if let Some(mut prefix) = self.buffer.get_mut(1..PREFIX) {
            prefix.put_u32(length);
        }
        Some(&self.buffer)
    }

    /// The message for `request` without a prefix, as it stands in a message of a stream. It holds
    /// until the next is written.
    pub(crate) fn write_bare(
        &mut self,
        request: &Request,
        population: &Population,
        payment_code: Option<&str>,
    ) -> Option<&[u8]> {
        self.buffer.clear();
        self.put_request(request, population, payment_code)?;
        Some(&self.buffer)
    }

    fn put_request(
        &mut self,
        request: &Request,
        population: &Population,
        payment_code: Option<&str>,
    ) -> Option<()> {
        let payer = population.payer(request.account)?;
        let merchant = population.merchant(request.merchant)?;
        let buffer = &mut self.buffer;
        buffer.put_slice(&self.key_begins);
        buffer.put_slice(&hex(request.key));
        if payment_code.is_none() {
            put_text(buffer, 2, payer.account_id.as_bytes());
            put_text(buffer, 3, payer.card_token.as_bytes());
        }
        put_text(buffer, 4, merchant.as_bytes());
        put_number(buffer, 5, request.amount_fen);
        buffer.put_slice(&self.same_in_all);
        put_enum(buffer, 8, request.mode.wire().into());
        match payment_code {
            Some(code) => put_text(buffer, 13, code.as_bytes()),
            None => put_text(buffer, 9, &password(request, payer)),
        }
        if self.want_timing {
            put_number(buffer, 16, 1);
        }
        Some(())
    }
}

fn put_text(buffer: &mut Vec<u8>, field: u32, text: &[u8]) {
    encode_key(field, WireType::LengthDelimited, buffer);
    encode_varint(text.len() as u64, buffer);
    buffer.put_slice(text);
}

fn put_number(buffer: &mut Vec<u8>, field: u32, number: u64) {
    encode_key(field, WireType::Varint, buffer);
    encode_varint(number, buffer);
}

fn put_enum(buffer: &mut Vec<u8>, field: u32, value: i32) {
    put_number(buffer, field, u64::try_from(value).unwrap_or(0));
}

/// An idempotency key: the run's id and the number of the arrival that it belongs to.
pub(crate) fn key_text(run_id: u64, key: u64) -> String {
    String::from_utf8_lossy(&key_bytes(run_id, key)).into_owned()
}

/// Digits of a number in a key.
const HEX_DIGITS: usize = 16;

fn key_bytes(run_id: u64, key: u64) -> [u8; 2 * HEX_DIGITS + 1] {
    let mut text = [b'-'; 2 * HEX_DIGITS + 1];
    let (run, rest) = text.split_at_mut(HEX_DIGITS);
    run.copy_from_slice(&hex(run_id));
    if let Some(index) = rest.get_mut(1..) {
        index.copy_from_slice(&hex(key));
    }
    text
}

fn password(request: &Request, payer: &Payer) -> [u8; 6] {
    let mut digits = payer.password;
    if request.wrong_password
        && let Some(last) = digits.last_mut()
    {
        *last = if *last == b'9' { b'0' } else { *last + 1 };
    }
    digits
}

/// A number in hexadecimal, with its zeros.
pub(crate) fn hex(value: u64) -> [u8; HEX_DIGITS] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    std::array::from_fn(|place| {
        let digit = usize::try_from(value >> (60 - 4 * place) & 15).unwrap_or(0);
        DIGITS.get(digit).copied().unwrap_or(b'0')
    })
}

#[cfg(test)]
mod tests {
    use prost::Message as _;
    use waika::v1;

    use super::*;
    use crate::answer::tests::framed;
    use crate::errand::Errand;
    use crate::population::members;
    use crate::workload::Mode;

    #[test]
    fn what_is_written_is_what_the_generated_types_read() {
        let population = Population::synthetic(1, &members(None, 10), 3);
        let mut writer = RequestWriter::new(0xab, Details::default());
        let mut request = Request {
            key: 0x1_0000_0001,
            account: 4,
            merchant: 2,
            amount_fen: 123_456,
            mode: Mode::OnlineApp,
            wrong_password: false,
            errand: Errand::Pay,
        };
        let read = |bytes: &[u8]| v1::AuthoriseRequest::decode(&bytes[PREFIX..]).unwrap();
        let bytes = writer.write(&request, &population, None).unwrap();
        assert_eq!(bytes, framed(&read(bytes)));
        let message = read(bytes);
        let payer = &population.payers[4];
        assert_eq!(message.idempotency_key, "00000000000000ab-0000000100000001");
        assert_eq!(message.account_id, *payer.account_id);
        assert_eq!(message.card_token, *payer.card_token);
        assert_eq!(message.merchant_id, *population.merchants[2]);
        assert_eq!(
            (message.amount_fen, message.currency.as_str()),
            (123_456, "CNY")
        );
        assert_eq!(
            (message.scene(), message.mode()),
            (Scene::Purchase, v1::PaymentMode::OnlineApp)
        );
        assert_eq!(message.payment_password.as_bytes(), payer.password);

        assert!(!message.want_timing);
        let asks = Details {
            timing: true,
            by_scheme: false,
        };
        let mut asking = RequestWriter::new(0xab, asks);
        let asking = asking.write(&request, &population, None);
        let asked = v1::AuthoriseRequest {
            want_timing: true,
            ..message
        };
        assert_eq!(asking.unwrap(), framed(&asked));

        request.wrong_password = true;
        let wrong = read(writer.write(&request, &population, None).unwrap());
        assert_ne!(wrong.payment_password.as_bytes(), payer.password);
        request.account = 10;
        assert!(writer.write(&request, &population, None).is_none());
    }

    #[test]
    fn an_invented_payers_request_is_as_long_as_a_real_ones() {
        let request = Request {
            key: 0x1_0000_0001,
            account: 4,
            merchant: 2,
            amount_fen: 6_000,
            mode: Mode::MerchantQr,
            wrong_password: false,
            errand: Errand::Pay,
        };
        let real = v1::AuthoriseRequest {
            idempotency_key: "00000000000000ab-0000000100000001".to_owned(),
            account_id: "acct-1-4".to_owned(),
            card_token: "card_0123456789ABC".to_owned(),
            merchant_id: "merchant-1-2".to_owned(),
            amount_fen: 6_000,
            currency: "CNY".to_owned(),
            scene: Scene::Purchase.into(),
            mode: v1::PaymentMode::MerchantQr.into(),
            payment_password: "123456".to_owned(),
            client: None,
            quote_token: String::new(),
            ..v1::AuthoriseRequest::default()
        };
        let population = Population::synthetic(1, &members(None, 10), 3);
        let mut writer = RequestWriter::new(0xab, Details::default());
        let written = writer.write(&request, &population, None);
        assert_eq!(written.unwrap().len(), framed(&real).len());
    }
}
