//! What comes of flags, files and presets together.

use clap::ValueEnum as _;

use super::file::parse;
use super::*;
use crate::args::run_args;
use crate::exit::Failure;
use crate::job::{AtLimit, Effective, Job, Pace};
use crate::plan::Transport;
use crate::preset::Preset;
use crate::workload::Spread;

/// What `run` with these flags and a file of this text makes, or what is wrong with it.
fn effective(flags: &[&str], file: Option<&str>) -> Result<Effective, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plan.toml");
    let mut flags = flags.to_vec();
    if let Some(text) = file {
        std::fs::write(&path, text).unwrap();
        flags.extend(["--plan", path.to_str().unwrap()]);
    }
    Effective::of(&run_args(&flags)).map_err(|failure| match failure {
        Failure::Usage(what) => what,
        Failure::Tool(what) => panic!("exit 1 with {what}"),
    })
}

fn job(flags: &[&str], file: Option<&str>) -> Job {
    let effective = effective(flags, file).unwrap();
    Job::new(run_args(flags), &effective).unwrap()
}

#[test]
fn every_preset_reads_back_as_it_is_shown() {
    for preset in Preset::value_variants() {
        let word = setting::word(preset);
        let shown = effective(&["--preset", &word], None).unwrap();
        let text = show(
            shown.preset,
            &shown.settings,
            &["Expected: much.".to_owned()],
        );
        let again = effective(&[], Some(&text)).unwrap();
        assert_eq!(again.settings, shown.settings, "{text}");
        assert_eq!(again.preset, shown.preset);
        let file = parse(String::new(), &text).unwrap();
        assert_eq!(
            file.settings, shown.settings,
            "a field is left out:\n{text}"
        );
    }
}

#[test]
fn plans_with_flags_read_back_too() {
    for flags in [
        ["--closed", "8", "--requests", "100"].as_slice(),
        &["--closed", "8", "--zipf", "1.2"],
        &["--shape", "step:5@1s,0.5x@3s", "--arrivals", "constant"],
        &["--shape", "ramp:5..6", "--scheme", "visa=1,jcb=2"],
        &["--stream", "--batch", "64", "--no-oracle", "--rules"],
        &["--preset", "lunch-rush", "--rate", "12.5", "--timing"],
        &["--preset", "hot-account", "--closed", "8"],
        &["--preset", "steady", "--allow-limits"],
    ] {
        let shown = effective(flags, None).unwrap();
        let text = show(shown.preset, &shown.settings, &[]);
        let again = effective(&[], Some(&text)).unwrap();
        assert_eq!(again.settings, shown.settings, "{flags:?}: {text}");
    }
}

#[test]
fn flags_go_before_the_file_and_the_file_before_its_preset() {
    let file = "version = 1\npreset = \"lunch-rush\"\n[load]\nrate = 500\n[people]\nseed = 7\n";
    let job = job(&["--seed", "9"], Some(file));
    let Pace::Open(_, rate) = job.pace else {
        panic!("{:?} is no open loop", job.pace);
    };
    assert_eq!(rate.to_string(), "500");
    assert_eq!(job.people.seed, 9);
    assert_eq!(job.demand.shape.label(), "diurnal:1x..3x");
    assert_eq!(job.demand.mix.payment_code, 400_000);
    // What nobody says is as it is without a plan.
    assert_eq!(job.people.merchants.get(), 100);
}

#[test]
fn without_a_plan_a_run_is_what_its_flags_say() {
    let plain = job(&[], None);
    assert_eq!(plain.demand.spread, Spread::Zipf(0.5));
    assert_eq!(plain.demand.mix.pay(), 1_000_000);
    assert_eq!(plain.traffic.duplicates, 10_000);
    assert_eq!(plain.manner.transport, Transport::UNARY);
    assert!(plain.manner.oracle && !plain.manner.rules);
    let flags = ["--stream", "--batch", "8", "--no-oracle", "--rules"];
    let other = job(&flags, None);
    assert_eq!(other.manner.transport, Transport::Stream { batch: 8 });
    assert!(!other.manner.oracle && other.manner.rules);
    let named = job(&["--account-hash"], None).manner.transport;
    assert_eq!(named, Transport::Unary { account_hash: true });
    assert!(!job(&["--no-provision"], None).manner.oracle);
}

#[test]
fn a_closed_loop_goes_round_in_turn_unless_it_is_told_otherwise() {
    let check = |flags: &[&str], spread, duplicates| {
        let job = job(flags, None);
        assert!(matches!(job.pace, Pace::Closed(..)), "{flags:?}");
        assert_eq!(
            (job.demand.spread, job.traffic.duplicates),
            (spread, duplicates)
        );
    };
    check(&["--closed", "8"], Spread::InTurn, 0);
    check(&["--closed", "8", "--preset", "steady"], Spread::InTurn, 0);
    check(
        &["--closed", "8", "--zipf", "1", "--duplicates", "2%"],
        Spread::Zipf(1.0),
        20_000,
    );
    check(
        &["--closed", "8", "--preset", "hot-account"],
        Spread::One,
        0,
    );
}

#[test]
fn only_steady_refuses_limits_and_can_be_told_not_to() {
    let check = |flags: &[&str], file, expected| {
        assert_eq!(job(flags, file).demand.at_limit, expected, "{flags:?}");
    };
    check(&[], None, AtLimit::Warn);
    check(&["--preset", "steady"], None, AtLimit::Refuse);
    check(
        &["--preset", "steady", "--allow-limits"],
        None,
        AtLimit::Warn,
    );
    check(&["--preset", "payday"], None, AtLimit::Warn);
    let file = "version = 1\npreset = \"steady\"\n";
    check(&[], Some(file), AtLimit::Refuse);
}

/// Checks that the flags and a file of this text are refused with so many lines, each with words.
fn check_told(flags: &[&str], file: &str, mistakes: &[&[&str]]) {
    let text = format!("version = 1\n{file}");
    let told = effective(flags, Some(&text)).unwrap_err();
    let told: Vec<&str> = told.lines().collect();
    assert_eq!(told.len(), mistakes.len(), "{told:#?}");
    for (told, words) in told.iter().zip(mistakes) {
        assert!(told.contains("plan.toml:"), "{told}");
        for word in *words {
            assert!(told.contains(word), "no {word:?} in {told}");
        }
    }
}

#[test]
fn shares_that_make_no_whole_are_told_with_everything_else() {
    check_told(
        &[],
        "[modes]\npayment_code = \"30%\"",
        &[&[
            "modes.payment_code = \"30%\" (line 3)",
            "130%",
            "must make 100%",
        ]],
    );
    check_told(
        &[],
        "[errands]\nreversals = \"60%\"\nrefunds = \"50%\"",
        &[&["errands.reversals = \"60%\"", "110%", "at most 100%"]],
    );
    // With what is wrong with a field by itself, all at once.
    check_told(
        &[],
        "[load]\nrate = 0\n[people]\naccounts = 0\n[modes]\nonline = \"50%\"",
        &[
            &["plan.toml:3", "load.rate = 0"],
            &["plan.toml:5", "people.accounts = 0"],
            &["110%"],
        ],
    );
}

#[test]
fn a_pace_that_cannot_be_is_told_with_names_values_and_mends() {
    check_told(
        &[],
        "[load]\nclosed = 4\nshape = \"ramp:1..2\"\narrivals = \"poisson\"",
        &[
            &["load.closed = 4 (line 3)", "load.shape", "no schedule"],
            &["load.arrivals = \"poisson\" (line 5)"],
        ],
    );
    check_told(
        &["--closed", "4"],
        "preset = \"lunch-rush\"",
        &[&["load.closed = 4 and load.shape = \"diurnal:1x..3x\""]],
    );
    check_told(
        &[],
        "load.requests = 5\nload.warm_up = \"1s\"",
        &[&["load.requests = 5", "load.closed"], &["load.warm_up"]],
    );
    check_told(
        &[],
        "load.closed = 5\nload.requests = 5\nload.clock = \"month-end\"",
        &[&["load.requests = 5", "load.clock"]],
    );
    check_told(
        &["--rate", "5"],
        "load.shape = \"ramp:1..2\"",
        &[&["load.rate = 5", "ramp:1..2", "1.5x"]],
    );
    check_told(
        &["--rate", "5000000"],
        "load.shape = \"ramp:1x..3x\"",
        &[&["load.shape", "3x of 5000000", "10000000"]],
    );
}

#[test]
fn traffic_that_cannot_be_is_told_with_names_values_and_mends() {
    check_told(
        &[],
        "preset = \"retry-storm\"\ntraffic.duplicates = \"1%\"\nerrands.churn = \"1%\"",
        &[
            &["traffic.keys = 100", "traffic.duplicates", "\"0%\""],
            &["errands.churn"],
        ],
    );
    check_told(
        &[],
        "traffic.fixed_fen = 700000\ntraffic.amount_percent = 10001",
        &[
            &["traffic.amount_percent"],
            &["700000", "600000"],
            &["10000"],
        ],
    );
    check_told(
        &["--batch", "2"],
        "",
        &[&["transport.batch = 2", "--stream"]],
    );
    check_told(
        &[],
        "transport.rpc = \"stream\"\ntransport.account_hash = true",
        &[&[
            "transport.account_hash = true",
            "\"unary\"",
            "many accounts",
        ]],
    );
    check_told(
        &["--duplicates", "95%"],
        "",
        &[&["traffic.duplicates = \"95%\"", "90%", "traffic.keys"]],
    );
}
