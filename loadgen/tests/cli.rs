//! What the program promises to those who call it, held against the real binary.

#![expect(
    clippy::unwrap_used,
    reason = "a test that finds the world broken fails"
)]

mod support;

use support::{Floor, check, run, said};

#[test]
fn usage_errors_exit_64_and_name_the_flag() {
    check(&["run", "--rate", "0"], 64, &["--rate", "0.001"]);
    check(&["run", "--duration", "0s"], 64, &["--duration"]);
    check(&["run", "--duration", "soon"], 64, &["--duration", "20s"]);
    check(&["run", "--in-flight", "0"], 64, &["--in-flight"]);
    check(&["run", "--accounts", "0"], 64, &["--accounts"]);
    check(
        &["run", "--target", "127.0.0.1:50051"],
        64,
        &["--target", "http://"],
    );
    check(
        &["run", "--tls-ca", "ca.pem"],
        64,
        &["--tls-ca", "http://127.0.0.1:50051", "write https://"],
    );
    check(
        &["run", "--closed", "4", "--rate", "5"],
        64,
        &["--closed", "--rate"],
    );
    check(&["run", "--requests", "4"], 64, &["--closed"]);
    check(
        &["run", "--workers", "3", "--connections", "2"],
        64,
        &["--workers", "--connections"],
    );
    check(
        &["run", "--rate", "10000000", "--duration", "100h"],
        64,
        &["--rate", "--duration"],
    );
    check(&["run", "--duplicates", "200%"], 64, &["--duplicates"]);
    check(&["run", "--shape", "ramp:0..5"], 64, &["--shape", "0.001"]);
    check(
        &["run", "--shape", "saw"],
        64,
        &["--shape", "ramp:500..2000"],
    );
    check(
        &["run", "--shape", "ramp:1..2", "--rate", "5"],
        64,
        &["load.rate = 5", "load.shape"],
    );
    check(
        &["run", "--closed", "4", "--shape", "ramp:1..2"],
        64,
        &["--closed", "--shape"],
    );
    check(
        &["run", "--batch", "4"],
        64,
        &["transport.batch", "--stream"],
    );
    check(&["run", "--preset", "noon"], 64, &["noon", "lunch-rush"]);
    check(
        &["run", "--preset", "steady", "--plan", "plan.toml"],
        64,
        &["--preset", "--plan"],
    );
    let nowhere = "/nowhere/plan.toml";
    check(&["run", "--plan", nowhere], 64, &["--plan", nowhere]);
    check(&["plan"], 64, &["show"]);
    check(&["floor", "--listen", "nowhere"], 64, &["--listen"]);
    check(&["fly"], 64, &["fly"]);
    check(&[], 64, &["quickstart"]);
}

#[test]
fn help_and_version_are_no_failures() {
    for arguments in [["--help"].as_slice(), &["--version"], &["run", "--help"]] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(0));
        assert!(said(&output.stdout).contains("waika-loadgen"));
    }
}

#[test]
fn a_server_that_is_not_there_is_named() {
    let nobody = "http://127.0.0.1:1";
    let words = ["127.0.0.1:1", "running"];
    check(&["run", "--no-provision", "--target", nobody], 1, &words);
    check(&["run", "--target", nobody, "--admin", nobody], 1, &words);
    check(
        &["provision", "--target", nobody, "--admin", nobody],
        1,
        &words,
    );
}

#[test]
fn a_report_that_cannot_be_written_is_refused_before_the_run() {
    let arguments = ["run", "--no-provision", "--json", "/nowhere/report.json"];
    check(&arguments, 1, &["/nowhere/report.json"]);
}

#[test]
fn quickstart_without_a_server_says_how_to_build_one() {
    check(
        &["quickstart", "--server", "/nowhere/waika-server"],
        1,
        &["cargo build --release"],
    );
}

#[test]
fn a_server_that_is_not_waika_is_told() {
    let floor = Floor::start("multi");
    check(
        &["provision", "--target", &floor.url, "--admin", &floor.url],
        1,
        &["PutMerchant", "no waika-server"],
    );
    floor.stop();
}

#[test]
fn a_port_in_use_is_named() {
    let floor = Floor::start("multi");
    let address = floor.url.strip_prefix("http://").unwrap();
    check(&["floor", "--listen", address], 1, &[address]);
    floor.stop();
}

#[test]
fn a_server_that_does_not_begin_to_serve_is_told() {
    let words = ["did not begin to serve", "ended"];
    check(&["quickstart", "--server", "/bin/false"], 1, &words);
    check(
        &["quickstart", "--server", "/bin/echo"],
        1,
        &["did not begin to serve", "--listen"],
    );
}

/// What `plan show` prints with these flags.
fn plan(flags: &[&str]) -> String {
    let output = run(&[&["plan", "show"], flags].concat());
    let message = said(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{flags:?}: {message}");
    said(&output.stdout)
}

#[test]
fn a_plan_that_is_shown_can_be_edited_and_given_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plan.toml");
    let file = path.to_str().unwrap();
    for preset in [
        "steady",
        "lunch-rush",
        "payday",
        "retry-storm",
        "hot-account",
        "month-end",
    ] {
        let shown = plan(&["--preset", preset]);
        for words in [preset, "[load]", "Expected", "idempotency keys", "yuan"] {
            assert!(shown.contains(words), "no {words:?} in {shown}");
        }
        std::fs::write(&path, &shown).unwrap();
        assert_eq!(plan(&["--plan", file]), shown);
        std::fs::write(&path, shown.replace("seed = 1\n", "seed = 2\n")).unwrap();
        assert!(plan(&["--plan", file]).contains("seed = 2\n"));
        assert!(plan(&["--plan", file, "--seed", "3"]).contains("seed = 3\n"));
    }
}

#[test]
fn everything_that_is_wrong_with_a_plan_file_is_told_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plan.toml");
    let text = "version = 1\n[load]\nrate = 0\nraet = 5\n[modes]\nonline = \"90%\"\n";
    std::fs::write(&path, text).unwrap();
    let words = ["plan.toml:3: load.rate = 0", "plan.toml:4", "raet", "150%"];
    for command in [["run", "--plan"].as_slice(), &["plan", "show", "--plan"]] {
        check(&[command, &[path.to_str().unwrap()]].concat(), 64, &words);
    }
}

#[test]
fn steady_refuses_a_plan_that_will_meet_limits() {
    let mends = ["--accounts", "--rate", "--duration", "--allow-limits"];
    let few = ["run", "--preset", "steady", "--accounts", "10"];
    check(&few, 64, &mends);
    // Allowed or asked for otherwise it is a warning, before nobody is found there.
    let nobody = [
        "--target",
        "http://127.0.0.1:1",
        "--admin",
        "http://127.0.0.1:1",
    ];
    let warning = ["warning", "60,000", "127.0.0.1:1"];
    check(
        &[few.as_slice(), &["--allow-limits"], nobody.as_slice()].concat(),
        1,
        &warning,
    );
    check(
        &[["run", "--accounts", "10"].as_slice(), nobody.as_slice()].concat(),
        1,
        &warning,
    );
}

#[test]
fn a_plan_that_fills_the_server_s_keys_is_warned_of() {
    let much = [
        "run",
        "--rate",
        "100000",
        "--duration",
        "100m",
        "--accounts",
        "20000000",
    ];
    let nobody = [
        "--target",
        "http://127.0.0.1:1",
        "--admin",
        "http://127.0.0.1:1",
    ];
    let words = ["warning", "idempotency keys", "--rate", "--duration"];
    check(&[&much[..], &nobody].concat(), 1, &words);
}

#[test]
fn more_wrong_passwords_than_a_server_takes_are_warned_of() {
    let wrong = ["run", "--preset", "steady", "--wrong-passwords", "10%"];
    let nobody = [
        "--target",
        "http://127.0.0.1:1",
        "--admin",
        "http://127.0.0.1:1",
    ];
    let words = [
        "warning",
        "2200 wrong passwords",
        "600",
        "--wrong-passwords",
    ];
    check(&[&wrong[..], &nobody].concat(), 1, &words);
}

#[test]
fn a_month_s_end_needs_a_clock_that_can_be_moved() {
    let floor = Floor::start("multi");
    let place = ["--target", &floor.url, "--admin", &floor.url];
    let month_end = ["run", "--preset", "month-end", "--no-provision"];
    let words = ["clock", "GetClock", "sandbox", "--admin"];
    check(&[&month_end[..], &place].concat(), 1, &words);
    floor.stop();
}

#[test]
fn a_report_names_the_shape_of_the_rate() {
    let floor = Floor::start("multi");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.json");
    let shape = "burst:1x..3x@100ms/500ms";
    let arguments = [
        "run",
        "--no-provision",
        "--target",
        &floor.url,
        "--rate",
        "100",
        "--duration",
        "1s",
        "--warm-up",
        "0s",
        "--deadline",
        "5s",
        "--shape",
        shape,
        "--json",
        path.to_str().unwrap(),
    ];
    let output = run(&arguments);
    // A busy machine is told, and is no matter here.
    assert!(matches!(output.status.code(), Some(0 | 5)));
    let report = std::fs::read_to_string(path).unwrap();
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["plan"]["shape"], shape);
    assert_eq!(report["plan"]["rate_per_second"], 140.0);
    floor.stop();
}
