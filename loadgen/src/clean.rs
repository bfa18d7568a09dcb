//! Pure: what others wrote, so that it can be shown. On a terminal a control character is a command.

use std::borrow::Cow;

/// A JSON text whose strings have no control characters but line ends and tabs: others are replaced
/// by U+FFFD, escaped or not. Nothing moves to another line, and what is no JSON stays none.
pub(crate) fn json(text: &str) -> Cow<'_, str> {
    let mut clean = String::new();
    let (mut kept, mut at) = (0, 0);
    while let Some(next) = text.get(at..).and_then(|rest| rest.chars().next()) {
        let (length, replacement) = match next {
            '\\' => escape(text.get(at..).unwrap_or_default()),
            // What is below a space may stand between strings only, and is refused in them.
            next if next >= ' ' && is_command(next) => (next.len_utf8(), Some("\u{fffd}")),
            next => (next.len_utf8(), None),
        };
        if let Some(replacement) = replacement {
            clean.push_str(text.get(kept..at).unwrap_or_default());
            clean.push_str(replacement);
            kept = at + length;
        }
        at += length;
    }
    if kept == 0 {
        return Cow::Borrowed(text);
    }
    clean.push_str(text.get(kept..).unwrap_or_default());
    Cow::Owned(clean)
}

/// How long the escape is that a text begins with, in bytes, and what to write instead.
fn escape(text: &str) -> (usize, Option<&'static str>) {
    const SIGN: &str = "\\ufffd";
    let Some(kind) = text.chars().nth(1) else {
        return (1, None);
    };
    match kind {
        'b' | 'f' | 'r' => (2, Some(SIGN)),
        'u' => {
            let digits = text.get(2..6).unwrap_or_default();
            let is_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
            let code = u32::from_str_radix(digits, 16).ok().filter(|_| is_hex);
            // Half of a pair is no character, and no command.
            let found = code.and_then(char::from_u32);
            match found {
                Some(found) if is_command(found) => (6, Some(SIGN)),
                Some(_) => (6, None),
                None => (2, None),
            }
        }
        kind => (1 + kind.len_utf8(), None),
    }
}

/// Whether a terminal or a reader does more with a character than show it: control characters, and
/// those that turn the direction of writing.
fn is_command(char: char) -> bool {
    match char {
        '\n' | '\t' => false,
        '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => true,
        char => char.is_control(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_to_a_terminal_are_replaced_and_all_else_stays() {
        let check = |text: &str, expected: &str| {
            assert_eq!(json(text), expected, "{text:?}");
        };
        for same in [
            "",
            "{}",
            "{\n\t\"a\": [1, \"b\"]\r\n}",
            r#""a\nb\tc\"d\\""#,
            r#""\\u001b[31m""#,
            r#""\u00e9\ud83d\ude00 😀""#,
            "\u{1b}[31m",
            r"\",
            r"\u",
            r"\u00",
            r"\u+01b",
            "\\😀",
            "\\u😀",
        ] {
            check(same, same);
        }
        check(r#""a\u001b[31mb""#, r#""a\ufffd[31mb""#);
        check(r#""\u001B\u009b\u007F""#, r#""\ufffd\ufffd\ufffd""#);
        check(
            r#""\r\b\f\n\u000d\u000a""#,
            r#""\ufffd\ufffd\ufffd\n\ufffd\u000a""#,
        );
        check(r#""\\\u001b""#, r#""\\\ufffd""#);
        check("\"\u{7f}é\u{9b}31m\"", "\"\u{fffd}é\u{fffd}31m\"");
        check("\"a\u{202e}b\"", "\"a\u{fffd}b\"");
    }

    #[test]
    fn a_text_that_was_cleaned_is_clean_and_as_good() {
        for code in 0..0x300 {
            let Some(char) = char::from_u32(code) else {
                continue;
            };
            let text = serde_json::to_string(&format!("<{char}>")).unwrap();
            let escaped = format!("\"<\\u{code:04x}>\"");
            for text in [&text, &escaped] {
                let read: String = serde_json::from_str(&json(text)).unwrap();
                let shown = if is_command(char) { '\u{fffd}' } else { char };
                assert_eq!(read, format!("<{shown}>"), "{text}");
            }
        }
    }
}
