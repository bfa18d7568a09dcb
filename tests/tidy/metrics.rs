//! What is said of metrics elsewhere is true of those that there are.

use std::collections::BTreeSet;

use crate::{Source, assert_none, files};

const PREFIXES: [&str; 3] = ["waika_", "grpc_server_", "process_"];
/// What Prometheus adds to the name of a histogram.
const OF_HISTOGRAMS: [&str; 3] = ["_bucket", "_sum", "_count"];

/// Every word of a text that looks like a metric's name.
fn names(text: &str) -> BTreeSet<&str> {
    let is_of_a_word = |letter: char| letter.is_ascii_alphanumeric() || "_:".contains(letter);
    let words = text.split(|letter| !is_of_a_word(letter));
    let words = words.filter(|word| PREFIXES.iter().any(|prefix| word.starts_with(prefix)));
    words.collect()
}

/// The names that the server gives its metrics: those that it describes.
fn given(sources: &[Source]) -> BTreeSet<&str> {
    let mut given = BTreeSet::new();
    for source in sources {
        for described in source.text.split("describe_").skip(1) {
            given.extend(described.split('"').nth(1));
        }
        // Those that are written beside the recorder begin a line of a table or a call of `head`.
        let quoted = source.text.split('"').skip(1).step_by(2);
        given.extend(quoted.filter(|word| {
            PREFIXES[1..].iter().any(|prefix| word.starts_with(prefix))
                && names(word).contains(word)
        }));
    }
    given.retain(|name| PREFIXES.iter().any(|prefix| name.starts_with(prefix)));
    given
}

#[test]
fn the_dashboard_and_the_alerts_ask_for_metrics_that_there_are() {
    let sources = files(&["server/src"], ".rs");
    let given = given(&sources);
    assert!(given.len() > 50, "{given:?}");
    let deploy = ["server/deploy"];
    let asking = [".json", ".yml", ".yaml"].map(|ending| files(&deploy, ending));
    let asking: Vec<_> = asking.iter().flatten().collect();
    assert!(asking.len() >= 3);
    let mut offences = Vec::new();
    for source in asking {
        for name in names(&source.text) {
            let whole = OF_HISTOGRAMS.iter().find_map(|end| name.strip_suffix(end));
            if !given.contains(name) && whole.is_none_or(|whole| !given.contains(whole)) {
                offences.push(format!("{} asks for {name}", source.name));
            }
        }
    }
    assert_none("no metric of the server's is named so", &offences);
}

#[test]
fn every_metric_is_in_the_documentation_and_described() {
    let sources = files(&["server/src"], ".rs");
    let given = given(&sources);
    let documents = files(&["server/docs"], "metrics.md");
    let told = names(&documents[0].text);
    let mut offences = Vec::new();
    offences.extend(
        given
            .difference(&told)
            .map(|name| format!("{name} is not in metrics.md")),
    );
    offences.extend(
        told.difference(&given)
            .map(|name| format!("{name} is in metrics.md alone")),
    );
    for source in &sources {
        let lines = source.text.lines();
        for (line, place) in lines.zip(1..) {
            let asked = ["counter!(\"", "gauge!(\"", "histogram!(\""];
            let named = asked.iter().find_map(|begin| line.split_once(begin));
            let name = named.and_then(|(_, rest)| rest.split('"').next());
            if let Some(name) =
                name.filter(|name| name.starts_with("waika_") && !given.contains(name))
            {
                offences.push(format!(
                    "{}:{place} counts {name}, which nothing describes",
                    source.name
                ));
            }
        }
    }
    assert_none(
        "describe it in server/src/metrics.rs and server/docs/metrics.md",
        &offences,
    );
}
