use super::*;
use crate::report::html::samples;

fn fault(text: &str) -> String {
    let path = Path::new("old.json");
    parse(text).expect_err(text).of(path)
}

#[test]
fn what_is_no_result_is_told_with_place_and_mend() {
    let check = |text: &str, words: &[&str]| {
        let message = fault(text);
        for word in words {
            assert!(message.contains(word), "{text:?}: no {word:?} in {message}");
        }
    };
    check("", &["old.json: is empty"]);
    check(" \n", &["old.json: is empty"]);
    check("{", &["old.json:1:1: ends in the middle"]);
    check(
        "{\n  \"schema\": \"waika",
        &["old.json:2:", "ends in the middle"],
    );
    check(
        "{\n  \"schema\": ,",
        &["old.json:2:13: is no JSON from here on"],
    );
    check("[1]", &["old.json:1:", "no object", "--json"]);
    check("7", &["no object"]);
    check("{}", &["without a field \"schema\""]);
    check("{\"schema\": null}", &["without a field \"schema\""]);
    check("{\"schema\": 7}", &["old.json:1:", "invalid type"]);
    check("<html/>", &["page or XML"]);
    check("#[Histogram log]", &[".hlog", "merge"]);
    check("{\"a\": 1}\n{\"b\": 2}\n", &["several results"]);
    check(
        "{\"schema\": \"k6/1\"}",
        &["\"k6/1\"", "not this program's", "run/1"],
    );
    check(
        "{\"schema\": \"waika-loadgen/run/2\"}",
        &["newer than waika-loadgen", "the version that wrote it"],
    );
    check(
        "{\"schema\": \"waika-loadgen/run/99999999999999999999999\"}",
        &["newer than waika-loadgen"],
    );
    for version in ["0", "01", "", "-2", "2a"] {
        let text = format!("{{\"schema\": \"waika-loadgen/run/{version}\"}}");
        check(&text, &["does not know"]);
    }
    check(
        "{\"schema\": \"waika-loadgen/weather/1\"}",
        &["\"waika-loadgen/weather/1\"", "does not know"],
    );
    check("{\"schema\": \"waika-loadgen/trace/1\"}", &["run --replay"]);
    check(
        "{\n\"schema\": \"waika-loadgen/run/1\"\n}",
        &["old.json:3:1:", "missing field `verdict`", "run again"],
    );
    check("{\"schema\": \"\\u001b[31m\"}", &["\\u{fffd}[31m"]);
}

#[test]
fn no_form_of_a_result_commands_a_terminal() {
    use crate::report::document::Document as _;
    use crate::report::outputs::Form;
    let (_, mut report) = samples::all().swap_remove(0);
    let evil = "x\u{1b}]0;owned\u{7}\u{9b}31m\r";
    report.host.name = evil.to_owned();
    report.server.version = Some(evil.to_owned());
    report.server.target = evil.to_owned();
    report.plan.shape = evil.to_owned();
    report.verdict.reasons = vec![evil.to_owned()];
    let text = serde_json::to_string_pretty(&report).unwrap();
    let Stored::Run(again) = parse(&text).unwrap() else {
        panic!("a run was read as something else");
    };
    assert!(again.text(false).contains("x\u{fffd}]0;owned"));
    for form in [
        Form::Text,
        Form::Json,
        Form::Junit,
        Form::Markdown,
        Form::Prometheus,
        Form::Html,
    ] {
        let shown = form.render(again.as_ref(), false).unwrap();
        let found = shown
            .chars()
            .find(|char| char.is_control() && !matches!(char, '\n' | '\t'));
        assert_eq!(found, None, "{form:?}");
    }
}

#[test]
fn files_that_cannot_be_results_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let check = |path: &Path, words: &[&str]| {
        let Err(Failure::Usage(message)) = read(path) else {
            panic!("{} was read", path.display());
        };
        for word in words {
            assert!(message.contains(word), "no {word:?} in {message}");
        }
    };
    check(folder.path(), &["is a folder"]);
    check(
        &folder.path().join("none.json"),
        &["none.json", "No such file"],
    );
    check(Path::new("/dev/zero"), &["/dev/zero", "64 MiB"]);
    let path = folder.path().join("binary.json");
    std::fs::write(&path, b"{\n\"a\": \"\xff\"}").unwrap();
    check(&path, &["binary.json:2:7", "UTF-8"]);
}

#[test]
fn a_report_survives_being_stored_to_the_last_digit() {
    for (_, report) in samples::all() {
        let text = serde_json::to_string_pretty(&report).unwrap();
        let Stored::Run(again) = parse(&text).unwrap() else {
            panic!("a run was read as something else");
        };
        assert_eq!(serde_json::to_string_pretty(&again).unwrap(), text);
    }
}

#[test]
fn every_way_to_cut_a_report_is_found() {
    let (_, report) = samples::all().swap_remove(0);
    let text = serde_json::to_string_pretty(&report).unwrap();
    for end in (0..text.len() - 2).step_by(997) {
        let message = fault(&text[..end]);
        let is_told = message.contains("ends in the middle") || message.contains("is empty");
        assert!(is_told, "cut after {end}: {message}");
    }
}
