//! What is read is what prost reads.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use prost::Message as _;

use super::*;

fn request() -> impl Strategy<Value = v1::AuthoriseRequest> {
    let text = || prop_oneof![Just(String::new()), ".{0,200}"];
    let client =
        (any::<i32>(), text()).prop_map(|(channel, version)| v1::ClientInfo { channel, version });
    let texts = (text(), text(), text(), text(), text());
    let secrets = (text(), text(), text(), text());
    let numbers = (any::<i64>(), any::<i32>(), any::<i32>(), any::<i32>());
    let flags = (any::<bool>(), any::<bool>());
    (texts, secrets, numbers, flags, option::of(client)).prop_map(
        |(texts, secrets, numbers, flags, client)| v1::AuthoriseRequest {
            idempotency_key: texts.0,
            account_id: texts.1,
            card_token: texts.2,
            merchant_id: texts.3,
            amount_fen: numbers.0,
            currency: texts.4,
            scene: numbers.1,
            mode: numbers.2,
            payment_password: secrets.0,
            client,
            quote_token: secrets.1,
            payment_token: secrets.2,
            payment_code: secrets.3,
            funding: numbers.3,
            want_receipt: flags.0,
            want_timing: flags.1,
        },
    )
}

proptest! {
    #[test]
    fn a_request_is_read_whole(request in request()) {
        let bytes = request.encode_to_vec();
        prop_assert!(Asked::read(&bytes) == Some(Asked::from(&request)));
    }

    /// Whatever can be read here is read so by prost, too; and what prost cannot read is not read.
    #[test]
    fn spoilt_bytes_are_read_as_prost_reads_them(
        request in request(),
        spoilt in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        end in any::<prop::sample::Index>(),
    ) {
        let mut bytes = request.encode_to_vec();
        prop_assume!(!bytes.is_empty());
        for (place, byte) in spoilt {
            *place.get_mut(&mut bytes) = byte;
        }
        bytes.truncate(end.index(bytes.len() + 1));
        if let Some(asked) = Asked::read(&bytes) {
            let read = v1::AuthoriseRequest::decode(&*bytes);
            prop_assert!(read.is_ok_and(|read| Asked::from(&read) == asked));
        }
    }

    #[test]
    fn a_stream_s_message_is_read_whole(
        requests in vec((any::<u64>(), option::of(request())), 0..5),
    ) {
        let streamed = requests.iter().cloned().map(|(correlation_id, request)| {
            v1::StreamedRequest { correlation_id, request }
        });
        let message = v1::AuthoriseStreamRequest { requests: streamed.collect() };
        let bytes = message.encode_to_vec();
        let read = Streamed::read_all(&bytes, 8).unwrap();
        prop_assert_eq!(read.len(), requests.len());
        for (read, (correlation_id, request)) in read.iter().zip(&requests) {
            prop_assert_eq!(read.correlation_id, *correlation_id);
            prop_assert!(read.asked == request.as_ref().map(Asked::from));
            prop_assert!(Streamed::read(read.message) == Some(*read));
        }
    }
}

#[test]
fn what_is_seldom_written_is_left_to_prost() {
    for (bytes, why) in [
        (b"\x0a".as_slice(), "no length"),
        (b"\x0a\x02k", "shorter than its length"),
        (b"\x0a\x01\xff", "no text"),
        (b"\x08\x01", "a number where a text belongs"),
        (b"\x2a\x01\x01", "a text where a number belongs"),
        (b"\x52\x00\x52\x00", "a message in two parts"),
        (b"\x0d\x00\x00\x00\x00", "four bytes"),
        (b"\x09\x00\x00\x00\x00\x00\x00\x00\x00", "eight bytes"),
        (b"\x0b\x0c", "a group"),
        (b"\x00\x00", "no tag"),
        (
            b"\x28\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02",
            "more than 64 bits",
        ),
        (
            b"\x28\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00",
            "eleven bytes",
        ),
    ] {
        assert!(Asked::read(bytes).is_none(), "{why}");
    }
}

#[test]
fn what_is_not_known_is_passed_over() {
    // Field 100: a number, and then some bytes.
    let asked = Asked::read(b"\xa0\x06\x07\xa2\x06\x02ab\x0a\x01k").unwrap();
    assert!(asked.idempotency_key == "k");
    assert!(Streamed::read_all(b"\x10\x01", 8).is_some_and(|all| all.is_empty()));
}

#[test]
fn too_many_payments_take_no_more_room_than_one_too_many() {
    let message = b"\x0a\x00".repeat(100);
    let read = |most| Streamed::read_all(&message, most).map(|all| all.len());
    assert_eq!(
        (read(100), read(99), read(3)),
        (Some(100), Some(100), Some(4))
    );
    let spoilt = [&*message, b"\x0a\x01"].concat();
    assert!(Streamed::read_all(&spoilt, 3).is_none());
}

#[test]
fn no_secret_is_shown() {
    let asked = Asked {
        payment_password: "246810",
        ..Asked::default()
    };
    assert!(!format!("{asked:?}").contains("246810"));
}
