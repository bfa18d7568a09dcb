//! What a message holds, without its schema.

/// The fields of a message that are neither texts nor messages, from the innermost; None if it is no message.
pub(crate) fn binary_fields(mut message: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut found = Vec::new();
    while !message.is_empty() {
        let key = prost::encoding::decode_varint(&mut message).ok()?;
        if !(1..=64).contains(&(key >> 3)) {
            return None;
        }
        let length = match key & 7 {
            0 => prost::encoding::decode_varint(&mut message)
                .map(|_| 0)
                .ok()?,
            1 => 8,
            5 => 4,
            2 => usize::try_from(prost::encoding::decode_varint(&mut message).ok()?).ok()?,
            _ => return None,
        };
        let (field, rest) = message.split_at_checked(length)?;
        message = rest;
        if key & 7 != 2 {
            continue;
        }
        match binary_fields(field) {
            Some(inner) => found.extend(inner),
            // What an entry names its key by stays.
            None if field.len() >= 16 && !field.is_ascii() => found.push(field[..15].to_vec()),
            None => {}
        }
    }
    Some(found)
}
