use super::*;

/// The mistakes of a text must be these, each known by its line and a part of its text.
fn check(text: &str, expected: &[(usize, &str)]) {
    let mistakes = parse("p.toml", text).map_or_else(|mistakes| mistakes, |_| Vec::new());
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
fn an_empty_file_is_the_guides_policy() {
    assert_eq!(parse("p.toml", ""), Ok(Policy::weixin_2023()));
    let shown = render(&Policy::weixin_2023());
    assert_eq!(parse("p.toml", &shown), Ok(Policy::weixin_2023()));
}

#[test]
fn every_key_is_read_and_written_back() {
    let text = r#"
        name = "strict-1"
        [limits]
        single_fen = 1
        month_fen = 2_000
        year_fen = 0x7d0
        [fee]
        rate = "0"
        waived_up_to_fen = 0
        [cards]
        cap = 1
        [password]
        tries = 1
        lock_seconds = 7
        [phone_code]
        valid_seconds = 8
        resend_seconds = 0
        tries = 9
        [client]
        android = "8.0.9"
        ios = "8"
        google_play = "1.2.3.4"
        [passport]
        review = "deferred"
        [rollout]
        percent = 0
    "#;
    let policy = parse("p.toml", text).unwrap();
    assert_eq!(&*policy.name, "strict-1");
    assert_eq!(policy.limits.year, Fen::new(2_000));
    assert_eq!(policy.fee.rate, Decimal::ZERO);
    assert_eq!(policy.client.google_play.to_string(), "1.2.3.4");
    assert_eq!(policy.passport_review, PassportReview::Deferred);
    assert_eq!(policy.rollout_percent, 0);
    assert_eq!(parse("p.toml", &render(&policy)), Ok(policy));
}

#[test]
fn every_wrong_value_is_named() {
    for (key, value) in [
        ("limits.single_fen", "0"),
        ("limits.single_fen", "-5"),
        ("limits.month_fen", "1000000000000"),
        ("limits.year_fen", "99999999999999999999"),
        ("limits.single_fen", "\"6000\""),
        ("limits.single_fen", "6000.5"),
        ("fee.rate", "\"1\""),
        ("fee.rate", "\"-0.01\""),
        ("fee.rate", "\"3 %\""),
        ("fee.rate", "\"\""),
        ("fee.rate", "0.03"),
        ("fee.waived_up_to_fen", "-1"),
        ("cards.cap", "0"),
        ("cards.cap", "256"),
        ("password.tries", "0"),
        ("password.lock_seconds", "0"),
        ("phone_code.valid_seconds", "0"),
        ("phone_code.resend_seconds", "-1"),
        ("phone_code.tries", "0"),
        ("client.android", "\"eight\""),
        ("client.ios", "8.0"),
        ("passport.review", "\"never\""),
        ("passport.review", "true"),
        ("rollout.percent", "101"),
    ] {
        let text = format!("name = \"mine\"\n{key} = {value}");
        check(&text, &[(2, key)]);
    }
    for name in ["", "with space", "a/b", "\\u0000", &"x".repeat(65)] {
        check(
            &format!("name = \"{name}\""),
            &[(1, "name must be 1 to 64")],
        );
    }
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
            (1, "name must be"),
            (3, "limits.single_fen must be a whole number from 1"),
        ],
    );
    check("limits = 7", &[(1, "limits must be a section")]);
    check("cap = 7", &[(1, "\"cap\" is no section")]);
}

#[test]
fn what_is_no_toml_names_its_line() {
    check("[limits]\nsingle_fen = \n", &[(2, "")]);
    check("name = \"a\"\nname = \"b\"\n", &[(2, "duplicate key")]);
}

#[test]
fn contradictions_name_both_keys() {
    check(
        "name = \"a\"\n[limits]\nsingle_fen = 200\nmonth_fen = 100\n",
        &[(
            3,
            "limits.single_fen (200, line 3) is above limits.month_fen (100, line 4)",
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
        "name = \"a\"\n[limits]\nsingle_fen = 7_000_000\nmonth_fen = -1\n",
        &[(4, "limits.month_fen must be")],
    );
}

#[test]
fn the_known_name_belongs_to_the_known_values() {
    let expected = "cards.cap (line 2) is not what that policy has";
    check("[cards]\ncap = 2\n", &[(2, expected)]);
    check("name = \"weixin-2023\"\ncards.cap = 2\n", &[(1, expected)]);
    check("name = \"weixin-2023\"\ncards.cap = 3\n", &[]);
    check("name = \"other\"\ncards.cap = 2\n", &[]);
}

#[test]
fn files_that_are_no_text_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("policy.toml");
    for (content, part) in [
        (vec![b'#'; 65_537], "at most 65536 bytes"),
        (vec![0xff, 0xfe], "text in UTF-8"),
    ] {
        std::fs::write(&path, content).unwrap();
        let mistakes = read(&path).unwrap_err();
        assert!(mistakes[0].contains(part), "{mistakes:?}");
    }
    assert!(read(folder.path()).unwrap_err()[0].contains("cannot be read"));
}
