use prost::encoding::{WireType, encode_key, encode_varint};

use super::Wire;

/// Both ways of writing a message inside give prost's bytes, whether the room for its length fits or not.
#[test]
fn any_length_of_a_message_is_written_as_prost_writes_it() {
    for long in [
        0, 1, 126, 127, 128, 129, 255, 256, 16_383, 16_384, 16_385, 2_097_151, 2_097_152,
    ] {
        let inside: Vec<u8> = (0..=250).cycle().take(long).collect();
        let mut expected = b"before".to_vec();
        encode_key(21, WireType::LengthDelimited, &mut expected);
        encode_varint(u64::try_from(long).unwrap_or(u64::MAX), &mut expected);
        expected.extend_from_slice(&inside);

        let mut short = b"before".to_vec();
        Wire::new(&mut short).message(21, |wire| wire.bytes().extend_from_slice(&inside));
        assert!(short == expected, "a message of {long} bytes");

        let mut longer = b"before".to_vec();
        Wire::new(&mut longer).longer_message(21, |wire| wire.bytes().extend_from_slice(&inside));
        assert!(longer == expected, "a longer message of {long} bytes");
    }
}
