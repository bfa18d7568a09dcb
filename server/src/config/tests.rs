use super::*;

fn words(line: &str) -> Vec<OsString> {
    let program = std::iter::once("waika-server");
    program
        .chain(line.split_whitespace())
        .map(OsString::from)
        .collect()
}

fn config(line: &str) -> Config {
    match parse(words(line)) {
        Ok(Command::Serve(config)) => *config,
        other => panic!("{line}: {other:?}"),
    }
}

/// The mistakes of a line must be these, each known by a part of its text.
fn check(line: &str, expected: &[&str]) {
    let failure = parse(words(line)).expect_err(line);
    assert_eq!(failure.reason, Reason::Configuration);
    let mistakes: Vec<_> = failure.text.lines().skip(1).collect();
    assert_eq!(mistakes.len(), expected.len(), "{line}: {mistakes:#?}");
    for (mistake, expected) in mistakes.iter().zip(expected) {
        assert!(mistake.contains(expected), "{line}: {mistake}");
    }
}

#[test]
fn serve_may_be_left_out() {
    for line in ["", "serve"] {
        let config = config(line);
        assert_eq!(config.addresses.rpc.to_string(), "127.0.0.1:50051");
        assert_eq!(config.addresses.admin.to_string(), "127.0.0.1:50052");
        assert_eq!(config.addresses.metrics.to_string(), "127.0.0.1:9464");
        assert_eq!(config.ledger.store, Store::Journal("./waika-data".into()));
        assert_eq!(*config.ledger.policy, Policy::weixin_2023());
        assert_eq!(config.ledger.seed, 1);
        assert_eq!(config.ledger.commit_spacing, Duration::from_micros(500));
        assert!(config.ledger.key_file_is_default);
        assert!(!config.ledger.allow_live_pan && !config.sandbox_asked_for);
        assert_eq!(config.bounds.connections, 10_000);
        assert_eq!(config.bounds.drain_wait, Duration::ZERO);
        assert_eq!(config.bounds.drain, Duration::from_secs(10));
        assert_eq!(config.bounds.preface, Duration::from_secs(10));
    }
}

#[test]
fn every_flag_is_taken() {
    let config = config(
        "serve --listen 0.0.0.0:0 --admin-listen [::1]:1 --metrics-listen 10.0.0.1:2 \
         --insecure-listen --store memory:delay=2ms --cores 3 --sandbox --seed 42 \
         --key-file /k/key --allow-live-pan --log json --log-level debug --drain-wait 5s \
         --drain-timeout 1m --max-connections 7 --commit-spacing 0 --segment-bytes 4096 \
         --preface-timeout 1s",
    );
    assert_eq!(config.addresses.rpc.to_string(), "0.0.0.0:0");
    assert_eq!(config.addresses.admin.to_string(), "[::1]:1");
    assert_eq!(config.cores.get(), 3);
    assert_eq!(config.ledger.store.to_string(), "memory:delay=2ms");
    assert_eq!(config.ledger.key_file, Path::new("/k/key"));
    assert!(!config.ledger.key_file_is_default);
    assert!(config.ledger.allow_live_pan && config.sandbox_asked_for);
    assert_eq!(config.ledger.segment_bytes, 4_096);
    assert_eq!(config.bounds.drain_wait, Duration::from_secs(5));
    assert_eq!(config.bounds.connections, 7);
    assert_eq!(config.bounds.preface, Duration::from_secs(1));
}

#[test]
fn every_mistake_is_named_with_its_value() {
    check(
        "--cores zero --store disk --listen nowhere --seed -1",
        &[
            "--listen: \"nowhere\" is not an address and port",
            "--store: \"disk\" is not a store",
            "--seed: \"-1\" is not a number from 0",
            "--cores: \"zero\" is not a number from 1 to 256",
        ],
    );
    check(
        "--log xml --log-level loud --drain-wait soon --drain-timeout 2h --max-connections 0",
        &[
            "--log: \"xml\"",
            "--log-level: \"loud\"",
            "--max-connections: \"0\"",
            "--drain-wait: \"soon\"",
            "--drain-timeout: \"2h\"",
        ],
    );
    check(
        "--sandbox=perhaps --allow-live-pan=no --insecure-listen=x --commit-spacing 2s \
         --segment-bytes 1 --preface-timeout 0",
        &[
            "--insecure-listen: \"x\"",
            "--allow-live-pan: \"no\"",
            "--commit-spacing: \"2s\"",
            "--segment-bytes: \"1\"",
            "--sandbox: \"perhaps\"",
            "--preface-timeout: \"0\"",
        ],
    );
}

#[test]
fn listeners_stay_on_this_machine_and_apart() {
    check(
        "--listen 0.0.0.0:1 --metrics-listen [2001:db8::1]:2",
        &[
            "--listen: \"0.0.0.0:1\" is reached from other machines",
            "--metrics-listen: \"[2001:db8::1]:2\" is reached",
        ],
    );
    check(
        "--listen 127.0.0.1:9464",
        &["--metrics-listen: \"127.0.0.1:9464\" is taken by --listen already"],
    );
    check(
        "--insecure-listen --listen 0.0.0.0:7 --admin-listen 127.0.0.1:7",
        &["--admin-listen: \"127.0.0.1:7\" is taken by --listen"],
    );
    config("--listen 127.0.0.1:0 --admin-listen 127.0.0.1:0 --metrics-listen 127.0.0.1:0");
    config("--listen 127.0.0.2:50052 --insecure-listen=false");
}

#[test]
fn the_key_stays_out_of_the_data_folder() {
    check(
        "--store journal:/data --key-file /data/keys/key",
        &["--key-file: \"/data/keys/key\" is inside the data folder \"/data\""],
    );
    config("--store journal:/data --key-file /data.key");
    config("--store memory: --key-file /data/key");
}

#[test]
fn the_mistakes_of_a_policy_join_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("policy.toml");
    std::fs::write(&file, "[limits]\nsingle_fen = 0\n").unwrap();
    let file = file.display();
    check(
        &format!("--cores 0 --policy {file}"),
        &[
            &format!("{file}:2: limits.single_fen must be"),
            "--cores: \"0\"",
        ],
    );
    check(
        "--policy /absent/policy.toml",
        &["/absent/policy.toml: the policy file cannot be read"],
    );
}

#[test]
fn help_and_version_are_told() {
    for (line, part) in [
        ("--help", "--drain-wait"),
        ("serve --help", "--drain-wait"),
        ("policy show --help", "--policy"),
        ("--version", "waika-server 0."),
        ("policy show", "single_fen = 600000"),
    ] {
        match parse(words(line)) {
            Ok(Command::Tell(text)) => assert!(text.contains(part), "{line}: {text}"),
            other => panic!("{line}: {other:?}"),
        }
    }
    for line in ["--colour", "policy", "policy check", "dance", "--cores"] {
        let failure = parse(words(line)).expect_err(line);
        assert_eq!(failure.reason, Reason::Configuration, "{line}");
    }
}
