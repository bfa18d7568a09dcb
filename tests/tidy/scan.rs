//! Scanners over text: pure, so that each can be shown to find what it is for.

/// Numbers of the lines on which code (not a comment) says this.
pub(crate) fn lines_that_say(text: &str, words: &str) -> Vec<usize> {
    let says = |line: &str| !line.trim_start().starts_with("//") && line.contains(words);
    (1..)
        .zip(text.lines())
        .filter(|(_, line)| says(line))
        .map(|(number, _)| number)
        .collect()
}

/// True if code names an item of a crate: `tonic::Status`, or `Status` in `tonic::{…}`.
pub(crate) fn names_item(text: &str, krate: &str, item: &str) -> bool {
    let code: Vec<&str> = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect();
    let code = code.join(" ");
    let begins_with_item = |rest: &str| {
        rest.strip_prefix(item)
            .is_some_and(|rest| !rest.starts_with(is_word))
    };
    let group_has_item = |rest: &str| {
        let group = rest.strip_prefix('{').and_then(|rest| rest.split_once('}'));
        group.is_some_and(|(group, _)| group.split(|c| !is_word(c)).any(|word| word == item))
    };
    code.split(&format!("{krate}::"))
        .skip(1)
        .any(|rest| begins_with_item(rest) || group_has_item(rest))
}

fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

/// The names in one table of a manifest, such as `[dependencies]`.
pub(crate) fn names_in_table<'a>(manifest: &'a str, table: &str) -> Vec<&'a str> {
    manifest
        .lines()
        .map(str::trim)
        .skip_while(|line| *line != table)
        .skip(1)
        .take_while(|line| !line.starts_with('['))
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .filter_map(|line| line.split(['.', '=', ' ']).next())
        .collect()
}

/// Numbers of the lines of a `.proto` that declare something without a comment right above.
pub(crate) fn uncommented_declarations(proto: &str) -> Vec<usize> {
    let mut above = "";
    let mut found = Vec::new();
    for (number, line) in (1..).zip(proto.lines().map(str::trim)) {
        let first = line.split([' ', '<']).next().unwrap_or_default();
        let is_statement = ["syntax", "package", "import", "option", "reserved"].contains(&first);
        let declares = !line.starts_with("//") && line.contains([';', '{']) && !is_statement;
        if declares && !above.starts_with("//") {
            found.push(number);
        }
        above = line;
    }
    found
}

/// The values of one enum of a `.proto` with their numbers, without the one that is zero, and
/// without the prefix that all of them carry.
pub(crate) fn proto_enum(proto: &str, name: &str, prefix: &str) -> Vec<(String, i32)> {
    proto
        .lines()
        .map(str::trim)
        .skip_while(|line| *line != format!("enum {name} {{"))
        .skip(1)
        .take_while(|line| *line != "}")
        .filter_map(|line| line.strip_suffix(';')?.split_once(" = "))
        .filter_map(|(value, number)| {
            let value = value.strip_prefix(prefix).unwrap_or(value);
            Some((value.to_owned(), number.parse().ok()?))
        })
        .filter(|(_, number)| *number != 0)
        .collect()
}

/// The lines between `<!-- NAME:begin -->` and `<!-- NAME:end -->`.
pub(crate) fn marked_block<'a>(document: &'a str, name: &str) -> Option<&'a str> {
    let (_, after) = document.split_once(&format!("<!-- {name}:begin -->\n"))?;
    let (block, _) = after.split_once(&format!("<!-- {name}:end -->"))?;
    Some(block)
}

/// True if a text names a rule, such as `R7`, as a word of its own.
pub(crate) fn names_rule(text: &str, rule: &str) -> bool {
    text.match_indices(rule).any(|(start, _)| {
        let before = text[..start].chars().next_back();
        let after = text[start + rule.len()..].chars().next();
        !before.is_some_and(is_word) && !after.is_some_and(is_word)
    })
}

/// A source without the tests at its end.
pub(crate) fn code_part(text: &str) -> &str {
    let end = text
        .find("\n#[cfg(test)]\nmod tests {")
        .unwrap_or(text.len());
    text.get(..end).unwrap_or(text)
}

/// The tests at the end of a source.
pub(crate) fn test_part(text: &str) -> &str {
    text.get(code_part(text).len()..).unwrap_or_default()
}

/// The functions of a source that bear a rule in their names: `r7_is_kept` bears R7.
pub(crate) fn tests_that_name<'a>(text: &'a str, rule: &str) -> Vec<&'a str> {
    let rule = rule.to_lowercase();
    let functions = text.lines().filter_map(|line| {
        line.trim_start()
            .trim_start_matches("async ")
            .strip_prefix("fn ")
    });
    let names = functions.filter_map(|rest| rest.split('(').next());
    names
        .filter(|name| name.split('_').any(|word| word == rule))
        .collect()
}

/// Numbers of the lines where an `#[expect` or `#![expect` gives no reason before it closes.
pub(crate) fn expects_without_reason(text: &str) -> Vec<usize> {
    let mut found = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        if line.trim_start().starts_with("#[expect(") || line.trim_start().starts_with("#![expect(")
        {
            let rest = text.lines().skip(number - 1);
            let mut attribute = String::new();
            for line in rest {
                attribute.push_str(line);
                if line.contains(")]") {
                    break;
                }
            }
            if !attribute.contains("reason = ") {
                found.push(number);
            }
        }
    }
    found
}

#[test]
fn comments_do_not_count_as_code() {
    let text = "// dashmap here\nuse dashmap::DashMap;\n/// dashmap\nlet x = dashmap();";
    assert_eq!(lines_that_say(text, "dashmap"), [2, 4]);
}

#[test]
fn an_item_is_found_alone_and_in_a_group() {
    for (text, found) in [
        ("fn a() -> tonic::Status", true),
        ("use tonic::{Request, Response,\n    Status};", true),
        ("use tonic::{Request as Status1};", false),
        ("// tonic::Status", false),
        ("tonic::StatusExt", false),
        ("use tonic::transport::Server;", false),
        ("use tonic_types::{Status}", false),
    ] {
        assert_eq!(names_item(text, "tonic", "Status"), found, "{text}");
    }
}

#[test]
fn a_table_of_a_manifest_ends_at_the_next() {
    let manifest = "[dependencies]\n# why\na.workspace = true\nb-c = \"1\"\n\n[lints]\nd = 1";
    assert_eq!(names_in_table(manifest, "[dependencies]"), ["a", "b-c"]);
    assert!(names_in_table(manifest, "[dev-dependencies]").is_empty());
}

#[test]
fn a_declaration_needs_a_comment_right_above() {
    let proto = "syntax = \"proto3\";\n// A.\nmessage A {\n  // B.\n  int32 b = 1;\n  int32 c = 2;\n\n  oneof d {\n  }\n}\nenum E {";
    assert_eq!(uncommented_declarations(proto), [6, 8, 11]);
}

#[test]
fn an_enum_is_read_in_its_order() {
    let proto = "enum Other {\n  OTHER_A = 1;\n}\nenum E {\n  E_UNSPECIFIED = 0;\n  // B.\n  E_B = 2;\n  E_A = 1;\n}";
    let expected = [("B".to_owned(), 2), ("A".to_owned(), 1)];
    assert_eq!(proto_enum(proto, "E", "E_"), expected);
}

#[test]
fn a_block_is_what_stands_between_its_marks() {
    let document = "x\n<!-- a:begin -->\n1\n2\n<!-- a:end -->\ny";
    assert_eq!(marked_block(document, "a"), Some("1\n2\n"));
    assert_eq!(marked_block(document, "b"), None);
}

#[test]
fn a_rule_is_a_word_of_its_own() {
    for (text, named) in [
        ("(R7, D1)", true),
        ("R72", false),
        ("xR7", false),
        ("r7_", false),
        ("R7", true),
        ("R72 R7.", true),
    ] {
        assert_eq!(names_rule(text, "R7"), named, "{text}");
    }
}

#[test]
fn a_source_is_cut_where_its_tests_begin() {
    let text = "fn a() {}\n\n#[cfg(test)]\nmod tests {\n    async fn r7_d1_holds() {}\n}\n";
    assert_eq!(code_part(text), "fn a() {}\n");
    assert_eq!(tests_that_name(test_part(text), "R7"), ["r7_d1_holds"]);
    assert_eq!(tests_that_name(text, "D1"), ["r7_d1_holds"]);
    assert!(tests_that_name(text, "R71").is_empty());
    assert_eq!((code_part("fn b"), test_part("fn b")), ("fn b", ""));
}

#[test]
fn an_expect_gives_its_reason() {
    let hash = '#';
    let text = format!(
        "{hash}[expect(a, reason = \"b\")]\n{hash}[expect(a)]\n{hash}![expect(\n    a,\n    reason = \"b\"\n)]\n{hash}[expect(\n    a\n)]\n"
    );
    assert_eq!(expects_without_reason(&text), [2, 7]);
}
