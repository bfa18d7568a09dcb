use super::*;

fn words(line: &str) -> Vec<OsString> {
    let program = std::iter::once("waika-server");
    program
        .chain(line.split_whitespace())
        .map(OsString::from)
        .collect()
}

pub(super) fn config(line: &str) -> Config {
    match parse(words(line)) {
        Ok(Command::Serve(config)) => *config,
        other => panic!("{line}: {other:?}"),
    }
}

/// The mistakes of a line must be these, each known by a part of its text.
pub(super) fn check(line: &str, expected: &[&str]) {
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
        assert_eq!(
            config.listening.addresses.rpc.to_string(),
            "127.0.0.1:50051"
        );
        assert_eq!(
            config.listening.addresses.admin.to_string(),
            "127.0.0.1:50052"
        );
        assert_eq!(
            config.listening.addresses.metrics.to_string(),
            "127.0.0.1:9464"
        );
        assert_eq!(config.ledger.store, Store::Journal("./waika-data".into()));
        assert_eq!(*config.ledger.policy, Policy::weixin_2023());
        assert_eq!(config.ledger.policy_file, None);
        assert_eq!(config.ledger.seed, 1);
        assert_eq!(config.ledger.commit_spacing, Duration::from_millis(1));
        assert_eq!(config.ledger.min_free_bytes, 128 << 20);
        assert!(config.ledger.key_file_is_default);
        assert!(!config.ledger.allow_live_pan && !config.sandbox_asked_for);
        let partners = config.partners;
        assert!(partners.issuer.is_none() && partners.sms_gateway.is_none());
        assert!(partners.identity_verifier.is_none());
        let kept = config.ledger.personal_data_retention;
        assert_eq!(kept, Duration::from_secs(2 * 86_400));
        assert_eq!(config.bounds.connections, 10_000);
        assert_eq!(config.bounds.drain_wait, Duration::ZERO);
        assert_eq!(config.bounds.drain, Duration::from_secs(10));
        assert_eq!(config.bounds.preface, Duration::from_secs(5));
        assert_eq!(config.bounds.max_age, None);
    }
}

#[test]
fn every_flag_is_taken() {
    let config = config(
        "serve --listen 0.0.0.0:0 --admin-listen [::1]:1 --metrics-listen 10.0.0.1:2 \
         --insecure-listen --store memory:delay=2ms --cores 3 --sandbox --seed 42 \
         --key-file /k/key --allow-live-pan --log json --log-level debug --drain-wait 5s \
         --drain-timeout 1m --max-connections 7 --commit-spacing 0 --segment-bytes 4096 \
         --preface-timeout 1s --min-free-bytes 0 --personal-data-retention 1825d \
         --max-connection-age 30m --max-connection-age-grace 20s",
    );
    assert_eq!(config.listening.addresses.rpc.to_string(), "0.0.0.0:0");
    assert_eq!(config.listening.addresses.admin.to_string(), "[::1]:1");
    assert_eq!(config.cores.get(), 3);
    assert_eq!(config.ledger.store.to_string(), "memory:delay=2ms");
    assert_eq!(config.ledger.key_file, Path::new("/k/key"));
    assert!(!config.ledger.key_file_is_default);
    assert!(config.ledger.allow_live_pan && config.sandbox_asked_for);
    assert_eq!(config.ledger.segment_bytes, 4_096);
    assert_eq!(config.ledger.min_free_bytes, 0);
    let kept = config.ledger.personal_data_retention;
    assert_eq!(kept, Duration::from_secs(1_825 * 86_400));
    assert_eq!(config.bounds.drain_wait, Duration::from_secs(5));
    assert_eq!(config.bounds.connections, 7);
    assert_eq!(config.bounds.preface, Duration::from_secs(1));
    let [limit, grace] = [30 * 60, 20].map(Duration::from_secs);
    assert_eq!(config.bounds.max_age, Some(MaxAge { limit, grace }));
}

#[test]
fn a_policy_comes_with_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("policy.toml");
    let text = "name = \"mine\" # as it stands\n";
    std::fs::write(&file, text).unwrap();
    let ledger = config(&format!("--policy {}", file.display())).ledger;
    assert_eq!(&*ledger.policy.name, "mine");
    assert_eq!(ledger.policy_file, Some(file));
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
         --segment-bytes 1 --preface-timeout 0 --min-free-bytes 1MiB --personal-data-retention 1d",
        &[
            "--insecure-listen: \"x\"",
            "--allow-live-pan: \"no\"",
            "--commit-spacing: \"2s\"",
            "--segment-bytes: \"1\"",
            "--personal-data-retention: \"1d\"",
            "--min-free-bytes: \"1MiB\"",
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

fn inspection(line: &str) -> Inspection {
    match parse(words(line)) {
        Ok(Command::Inspect(inspection)) => inspection,
        other => panic!("{line}: {other:?}"),
    }
}

#[test]
fn a_journal_is_looked_at_where_a_server_would_put_it() {
    let Inspection::Verify(config) = inspection("journal verify --jobs 3") else {
        panic!("verify");
    };
    assert_eq!(config.folder, Path::new("./waika-data"));
    assert_eq!(config.jobs.get(), 3);
    let line = "journal export --store journal:/d --format csv --output - --from 2 --to 2 \
                --account a --force";
    let Inspection::Export(config) = inspection(line) else {
        panic!("export");
    };
    assert_eq!(config.folder, Path::new("/d"));
    assert_eq!(config.output, Output::Standard);
    assert_eq!((config.from, config.to), (2, Some(2)));
    assert!(config.account.is_some() && config.force);
    let Inspection::FsyncProbe(config) = inspection("fsync-probe --json f") else {
        panic!("probe");
    };
    assert_eq!(config.sizes, [512, 4_096, 65_536]);
    assert_eq!(config.duration, Duration::from_secs(5));
    assert_eq!(config.json, Some(Output::File("f".into())));
}

#[test]
fn mistakes_of_the_commands_that_look_are_named_too() {
    check(
        "journal export --store memory: --format xml --output f --account a/b --from 0",
        &[
            "--store: \"memory:\" is in its server's memory",
            "--format: \"xml\" is not a format",
            "--from: \"0\" is not a number",
            "--account: \"a/b\" must be 1 to 64",
        ],
    );
    check(
        "journal export",
        &["--format: is missing", "--output: is missing"],
    );
    check(
        "journal export --format sqlite --output - --from 9 --to 8",
        &[
            "--to: 8 is before --from",
            "--output: a database cannot be written to standard output",
        ],
    );
    check("journal verify --jobs 0", &["--jobs: \"0\""]);
    check(
        "fsync-probe --duration 0 --bytes 0 --json= --store disk",
        &[
            "--store",
            "--duration",
            "--bytes",
            "--json: \"\" names no file",
        ],
    );
}

#[test]
fn a_settlement_is_of_a_day_of_the_calendar() {
    let line = "settlement export --store journal:/d --day 2024-02-29 --merchant m \
                --format json-lines --output f";
    let Inspection::Settlement(config) = inspection(line) else {
        panic!("settlement");
    };
    assert_eq!(config.day.to_string(), "2024-02-29");
    assert_eq!(config.merchant.unwrap().as_str(), "m");
    assert_eq!(config.format, LineFormat::JsonLines);
    assert_eq!(config.output, Output::File("f".into()));
    assert!(!config.force);
    check(
        "settlement export --merchant a/b --store memory:",
        &[
            "--store: \"memory:\" is in its server's memory",
            "--day: is missing: a day such as 2024-02-02",
            "--merchant: \"a/b\" must be 1 to 64",
            "--format: is missing: json-lines or csv",
            "--output: is missing",
        ],
    );
    for (day, expected) in [
        ("2023-02-29", "must be a day of the calendar, 1900 to 9999"),
        ("1899-12-31", "must be a day of the calendar, 1900 to 9999"),
        ("2024-2-2", "is not a day such as 2024-02-02"),
        ("+2024-02-02", "is not a day such as 2024-02-02"),
        ("-2024-02-02", "is not a day such as 2024-02-02"),
        ("2024-02-02T00:00", "is not a day such as 2024-02-02"),
        ("today", "is not a day such as 2024-02-02"),
    ] {
        let line = format!("settlement export --format csv --output - --day={day}");
        check(&line, &[&format!("--day: \"{day}\" {expected}")]);
    }
    let sqlite = "settlement export --day 2024-02-02 --output f --format sqlite";
    check(
        sqlite,
        &["--format: \"sqlite\" is not a format: json-lines or csv"],
    );
}

#[test]
fn an_issuer_sandbox_takes_what_it_is_given() {
    let read = |line: &str| match parse(words(line)) {
        Ok(Command::IssuerSandbox(config)) => *config,
        other => panic!("{line}: {other:?}"),
    };
    let config = read("issuer-sandbox");
    assert_eq!(config.listen.to_string(), "127.0.0.1:50061");
    assert_eq!((config.books, config.seed), (BooksStore::Memory, 1));
    assert!(config.tls.is_none() && config.latencies.is_empty());
    let config = read(
        "issuer-sandbox --listen 0.0.0.0:0 --insecure-listen --books journal:/b --seed 2 --cores 3 \
         --latency visa:1ms --latency 2ms --errors 1%=51 --errors jcb:1%=mute --outage 1s..2s",
    );
    assert_eq!(config.books.to_string(), "journal:/b");
    assert_eq!((config.seed, config.cores.get()), (2, 3));
    assert_eq!((config.latencies.len(), config.errors.len()), (2, 2));
    assert_eq!(config.outages[0].kind, OutageKind::Unavailable);
    check(
        "issuer-sandbox --cores 0 --latency x --latency 1ms --errors 99%=05 --errors 2%=51",
        &[
            "--latency: \"x\"",
            "--errors: gives every",
            "--cores: \"0\"",
        ],
    );
}

#[test]
fn help_and_version_are_told() {
    for (line, part) in [
        ("--help", "--drain-wait"),
        ("serve --help", "--drain-wait"),
        ("policy show --help", "--policy"),
        ("settlement export --help", "kind"),
        ("issuer-sandbox --help", "wrong-amount"),
        ("--version", "waika-server 0."),
        ("policy show", "single_fen = 600000"),
    ] {
        match parse(words(line)) {
            Ok(Command::Tell(text)) => assert!(text.contains(part), "{line}: {text}"),
            other => panic!("{line}: {other:?}"),
        }
    }
    for line in [
        "--colour",
        "policy",
        "policy check",
        "settlement",
        "dance",
        "--cores",
    ] {
        let failure = parse(words(line)).expect_err(line);
        assert_eq!(failure.reason, Reason::Configuration, "{line}");
    }
}
