//! Pure: one authorisation request's bytes, without building a message.
//!
//! Requests are written field by field into one buffer. The tests compare them with the generated
//! types. Field numbers are those of `proto/waika/v1/authorisation.proto`.

use bytes::{BufMut, Bytes, BytesMut};
use prost::encoding::{WireType, encode_key, encode_varint};
use waika::v1::Scene;

use crate::plan::Details;
use crate::population::{Payer, Population};
use crate::workload::Request;

/// Path of the RPC that is measured.
pub(crate) const AUTHORISE_PATH: &str = "/waika.v1.AuthorisationService/Authorise";

/// Length of the prefix that gRPC puts before each message: a flag and the length.
pub(crate) const PREFIX: usize = 5;

/// Writes requests of one run.
#[derive(Debug)]
pub(crate) struct RequestWriter {
    run_id: u64,
    want_timing: bool,
    buffer: BytesMut,
}

impl RequestWriter {
    /// A writer whose idempotency keys belong to the run `run_id`, and whose requests ask for what
    /// the report shall show.
    pub(crate) fn new(run_id: u64, details: Details) -> Self {
        Self {
            run_id,
            want_timing: details.timing,
            buffer: BytesMut::new(),
        }
    }

    /// The framed message for `request`; `None` if it names nobody in `population`.
    pub(crate) fn write(&mut self, request: &Request, population: &Population) -> Option<Bytes> {
        let payer = population
            .payers
            .get(usize::try_from(request.account).ok()?)?;
        let merchant = population
            .merchants
            .get(usize::try_from(request.merchant).ok()?)?;
        self.buffer.reserve(512);
        self.buffer.put_bytes(0, PREFIX);
        self.put_key(request.key);
        self.put_text(2, payer.account_id.as_bytes());
        self.put_text(3, payer.card_token.as_bytes());
        self.put_text(4, merchant.as_bytes());
        self.put_number(5, request.amount_fen);
        self.put_text(6, b"CNY");
        self.put_enum(7, Scene::Purchase.into());
        self.put_enum(8, request.mode.wire().into());
        self.put_text(9, &password(request, payer));
        if self.want_timing {
            self.put_number(16, 1);
        }
        let length = u32::try_from(self.buffer.len() - PREFIX).ok()?;
        if let Some(mut prefix) = self.buffer.get_mut(1..PREFIX) {
            prefix.put_u32(length);
        }
        Some(self.buffer.split().freeze())
    }

    fn put_key(&mut self, key: u64) {
        let mut text = [b'-'; 33];
        let (run, rest) = text.split_at_mut(16);
        put_hex(run, self.run_id);
        if let Some(index) = rest.get_mut(1..) {
            put_hex(index, key);
        }
        self.put_text(1, &text);
    }

    fn put_text(&mut self, field: u32, text: &[u8]) {
        encode_key(field, WireType::LengthDelimited, &mut self.buffer);
        encode_varint(text.len() as u64, &mut self.buffer);
        self.buffer.put_slice(text);
    }

    fn put_number(&mut self, field: u32, number: u64) {
        encode_key(field, WireType::Varint, &mut self.buffer);
        encode_varint(number, &mut self.buffer);
    }

    fn put_enum(&mut self, field: u32, value: i32) {
        self.put_number(field, u64::try_from(value).unwrap_or(0));
    }
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

fn put_hex(target: &mut [u8], mut value: u64) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for byte in target.iter_mut().rev() {
        let digit = usize::try_from(value & 15).unwrap_or(0);
        *byte = DIGITS.get(digit).copied().unwrap_or(b'0');
        value >>= 4;
    }
}

#[cfg(test)]
mod tests {
    use prost::Message as _;
    use waika::v1;

    use super::*;
    use crate::answer::tests::framed;
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
        };
        let read = |bytes: &Bytes| v1::AuthoriseRequest::decode(&bytes[PREFIX..]).unwrap();
        let bytes = writer.write(&request, &population).unwrap();
        assert_eq!(bytes, framed(&read(&bytes)));
        let message = read(&bytes);
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
        let asking = RequestWriter::new(0xab, asks).write(&request, &population);
        let asked = v1::AuthoriseRequest {
            want_timing: true,
            ..message
        };
        assert_eq!(asking.unwrap(), framed(&asked));

        request.wrong_password = true;
        let wrong = read(&writer.write(&request, &population).unwrap());
        assert_ne!(wrong.payment_password.as_bytes(), payer.password);
        request.account = 10;
        assert!(writer.write(&request, &population).is_none());
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
        let written = RequestWriter::new(0xab, Details::default()).write(&request, &population);
        assert_eq!(written.unwrap().len(), framed(&real).len());
    }
}
