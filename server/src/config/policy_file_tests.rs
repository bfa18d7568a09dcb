use super::super::policy_render::render;
use super::*;

fn parse(text: &str) -> Result<Policy, Vec<String>> {
    parse_text("p.toml", text)
}

/// The mistakes of a text must be these, each known by its line and a part of its text.
fn check(text: &str, expected: &[(usize, &str)]) {
    let mistakes = parse(text).map_or_else(|mistakes| mistakes, |_| Vec::new());
    assert_eq!(mistakes.len(), expected.len(), "{text}: {mistakes:#?}");
    for (mistake, (line, part)) in mistakes.iter().zip(expected) {
        assert!(
            mistake.starts_with(&format!("p.toml:{line}: ")),
            "{mistake}"
        );
        assert!(mistake.contains(part), "{mistake}");
    }
}

#[test]
fn a_text_without_keys_is_the_guides_policy() {
    assert_eq!(parse(""), Ok(Policy::weixin_2023()));
    let shown = render(&Policy::weixin_2023());
    assert_eq!(parse(&shown), Ok(Policy::weixin_2023()));
}

#[test]
fn a_file_may_have_sections_and_every_form_of_number() {
    let text = r#"
        name = "strict-1"
        effective_from = 2026-12-01
        effective_until = "2026-12-31T16:00:00Z"
        [limits]
        single_fen = 1
        month_fen = 2_000
        year_fen = 0x7d0
        [fee]
        rate = "0"
        [client]
        google_play = "1.2.3.4"
        [passport]
        review = "deferred"
        [settlement]
        refund_restores_limit = true
    "#;
    let policy = parse(text).unwrap();
    assert_eq!(&*policy.name, "strict-1");
    assert_eq!(policy.limits.year, Fen::new(2_000));
    assert_eq!(policy.client.google_play.to_string(), "1.2.3.4");
    let shown = render(&policy);
    let dates = "\neffective_from = 2026-12-01T00:00:00+08:00\n\
                 effective_until = 2027-01-01T00:00:00+08:00\n";
    assert!(shown.contains(dates), "{shown}");
    assert_eq!(parse(&shown), Ok(policy));
}

#[test]
fn all_mistakes_are_told_together() {
    check(
        "name = 5\n[limits]\nsingle_fen = 0\nmonthly_fen = 1\n[card]\ncap = 2\n",
        &[
            (5, "\"card\" is no section"),
            (
                4,
                "limits.monthly_fen is no key here; [limits] has single_fen",
            ),
            (3, "limits.single_fen must be a whole number from 1"),
            (1, "name must be"),
        ],
    );
    check("limits = 7", &[(1, "limits must be a section")]);
    check("cap = 7", &[(1, "\"cap\" is no section")]);
    check("[[fee]]\nrate = \"0\"", &[(1, "fee must be a section")]);
    check(
        "[limits]\neffective_from = 2026-12-01",
        &[(2, "limits.effective_from is no key here")],
    );
}

#[test]
fn what_is_no_toml_names_its_line() {
    check("[limits]\nsingle_fen = \n", &[(2, "")]);
    check("name = \"a\"\nname = \"b\"\n", &[(2, "duplicate key")]);
    check("effective_from = 2026-02-30\n", &[(1, "day")]);
}

#[test]
fn contradictions_name_both_keys_their_lines_and_the_mend() {
    check(
        "name = \"a\"\nfee.rate = \"0\"\n[limits]\nsingle_fen = 200\nmonth_fen = 100\n",
        &[(
            4,
            "limits.single_fen (200, line 4) is above limits.month_fen (100, line 5): lower the one",
        )],
    );
    check(
        "name = \"a\"\n[limits]\nyear_fen = 4_000_000\n",
        &[(
            3,
            "limits.month_fen (5000000, its default) is above limits.year_fen (4000000, line 3)",
        )],
    );
    check(
        "name = \"a\"\nfee.waived_up_to_fen = 600_000\n",
        &[(
            2,
            "fee.waived_up_to_fen (600000, line 2) is not below limits.single_fen (600000, its \
             default), so no payment would have a fee: lower the one, raise the other, or write \
             fee.rate = \"0\"",
        )],
    );
    check(
        "name = \"a\"\nlimits.single_fen = 15_000\n",
        &[(
            2,
            "fee.waived_up_to_fen (20000, its default) is not below limits.single_fen (15000, line 2)",
        )],
    );
    check(
        "name = \"a\"\neffective_until = 2026-12-01\neffective_from = \"2026-12-01\"\n",
        &[(
            3,
            "effective_from (2026-12-01T00:00:00+08:00, line 3) is not before effective_until \
             (2026-12-01T00:00:00+08:00, line 2): dates out of order",
        )],
    );
}

#[test]
fn a_wrong_value_contradicts_nothing() {
    for (text, part) in [
        (
            "limits.single_fen = 7_000_000\nlimits.month_fen = -1",
            "limits.month_fen must be",
        ),
        (
            "effective_from = 2026-12-02\neffective_until = 5",
            "effective_until must be",
        ),
        (
            "fee.waived_up_to_fen = 600_000\nlimits.single_fen = \"\"",
            "limits.single_fen must be",
        ),
        ("limits.single_fen = 1\nfee.rate = 0", "fee.rate must stand"),
    ] {
        check(&format!("name = \"a\"\n{text}\n"), &[(3, part)]);
    }
}

#[test]
fn what_can_be_meant_is_no_contradiction() {
    for text in [
        "limits.single_fen = 7\nlimits.month_fen = 7\nlimits.year_fen = 7\nfee.rate = \"0\"",
        "limits.single_fen = 20_001",
        "fee.waived_up_to_fen = 600_000\nfee.rate = \"0.000\"",
        "effective_from = 2026-12-01\neffective_until = 2026-12-01T00:00:00.001+08:00",
        "effective_until = 1999-01-01",
        "phone_code.resend_seconds = 600",
        "payment_code.valid_seconds = 86_400\npassword.token_valid_seconds = 1",
        "password.caller_wrong_per_minute = 1",
    ] {
        check(&format!("name = \"a\"\n{text}\n"), &[]);
    }
}

#[test]
fn the_known_name_belongs_to_the_known_values() {
    let expected = "cards.cap (line 2) is not what that policy has";
    check("[cards]\ncap = 2\n", &[(2, expected)]);
    check("name = \"weixin-2023\"\ncards.cap = 2\n", &[(1, expected)]);
    check("name = \"weixin-2023\"\ncards.cap = 3\n", &[]);
    check("name = \"other\"\ncards.cap = 2\n", &[]);
    let expected = "effective_from (line 1) is not what that policy has";
    check("effective_from = 2026-12-01", &[(1, expected)]);
}

#[test]
fn a_text_of_nothing_but_mistakes_is_answered_briefly() {
    let shown_key = "\"limits.\\u{1b}[2J";
    check("limits.\"\\u001b[2J\" = 1", &[(1, shown_key)]);
    let long = "x".repeat(30_000);
    let many = |keys: usize| {
        let keys: Vec<_> = (0..keys).map(|key| format!("k{key} = 1\n")).collect();
        keys.concat()
    };
    let deep = format!("a = {}", "[".repeat(30_000));
    let dotted = "a.".repeat(15_000) + "a = 1";
    let broken = "=\n".repeat(15_000);
    for text in [
        format!("{long} = 1"),
        format!("[limits]\n{long} = 1"),
        format!("name = \"{long}\""),
        format!("[{long}"),
        many(2_500),
        deep,
        dotted,
        broken,
    ] {
        let mistakes = parse(&text).unwrap_err();
        let told: usize = mistakes.iter().map(String::len).sum();
        assert!(mistakes.len() <= 41 && told < 5_000, "{mistakes:#?}");
        let lines = mistakes.iter().filter(|mistake| mistake.contains('\n'));
        assert_eq!(lines.count(), 0, "{mistakes:#?}");
    }
    let mistakes = parse(&many(50)).unwrap_err();
    assert_eq!(mistakes.last().unwrap(), "p.toml: and 10 more");
}

#[test]
fn files_that_are_no_text_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("policy.toml");
    for (content, part) in [
        (vec![b'#'; 32_769], "at most 32768 bytes"),
        (vec![0xff, 0xfe], "text in UTF-8"),
        (Vec::new(), "the policy file is empty: name the policy"),
        (b"\n  # soon\n".to_vec(), "the policy file is empty"),
    ] {
        std::fs::write(&path, content).unwrap();
        let mistakes = read_file(&path).unwrap_err();
        assert!(mistakes[0].contains(part), "{mistakes:?}");
    }
    assert!(read_file(folder.path()).unwrap_err()[0].contains("cannot be read"));
    let longest = format!("name = \"weixin-2023\"\n{:#<32747}", "");
    assert_eq!(longest.len(), 32_768);
    std::fs::write(&path, longest).unwrap();
    assert!(read_file(&path).is_ok());
    let mistakes = parse(&"#".repeat(32_769)).unwrap_err();
    assert_eq!(mistakes, ["p.toml: a policy has at most 32768 bytes"]);
}
