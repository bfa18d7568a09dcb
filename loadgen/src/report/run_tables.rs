//! Pure: a run's main figures, for people who read only a few lines.

use super::document::Table;
use super::text::{grouped, grouped_real, time};
use super::{OutcomeFacts, Report, TimeFacts};

impl Report {
    /// All of them, the most looked at first.
    pub(super) fn all_tables(&self) -> Vec<Table> {
        let mut tables = vec![
            self.times_table(),
            self.counts_table(),
            self.outcomes_table(),
        ];
        if let Some(schemes) = &self.schemes {
            tables.push(Table {
                title: "Response times by scheme".to_owned(),
                head: words(&TIME_HEAD),
                rows: schemes
                    .iter()
                    .map(|facts| time_row(&facts.scheme, &facts.response))
                    .collect(),
            });
        }
        if let Some(timing) = self.timing.filter(|timing| timing.answers_with > 0) {
            tables.push(Table {
                title: "Where the server's time went".to_owned(),
                head: words(&TIME_HEAD),
                rows: timing
                    .rows()
                    .map(|(name, facts)| time_row(name, facts))
                    .into(),
            });
        }
        tables.push(self.surroundings_table());
        tables
    }

    fn times_table(&self) -> Table {
        let mut rows = vec![time_row("response (due-done)", &self.response)];
        // In a closed loop nothing is due: the other two would say the same, or nothing.
        if self.plan.arrivals.is_some() {
            rows.push(time_row("service (sent-done)", &self.service));
            rows.push(time_row("lag (due-sent)", &self.lag));
        }
        Table {
            title: "Times".to_owned(),
            head: words(&TIME_HEAD),
            rows,
        }
    }

    fn counts_table(&self) -> Table {
        let (counts, rates) = (self.counts, self.rates);
        let mut rows: Vec<Vec<String>> = [
            ("planned", counts.planned),
            ("sent", counts.sent),
            ("answered", counts.answered),
            ("errors", counts.errors),
            ("timed out", counts.timed_out),
            ("unfinished", counts.unfinished),
            ("dropped", counts.dropped),
            ("skipped", counts.skipped),
            ("not connected", counts.not_connected),
        ]
        .map(|(name, count)| vec![name.to_owned(), grouped(count)])
        .into();
        if let Some(offered) = rates.offered_per_second {
            rows.push(words(&["offered", &per_second(offered)]));
        }
        rows.push(words(&["achieved", &per_second(rates.achieved_per_second)]));
        Table {
            title: "Requests".to_owned(),
            head: words(&["", "count"]),
            rows,
        }
    }

    fn outcomes_table(&self) -> Table {
        let row = |facts: &OutcomeFacts| {
            vec![
                facts.name.clone(),
                facts.kind.to_string(),
                grouped(facts.count),
                format!("{:.3} %", facts.share * 100.0),
                cell(facts.response.p50_ns),
                cell(facts.response.p99_ns),
            ]
        };
        Table {
            title: "Outcomes".to_owned(),
            head: words(&["outcome", "kind", "count", "share", "response p50", "p99"]),
            rows: self.outcomes.iter().map(row).collect(),
        }
    }

    fn surroundings_table(&self) -> Table {
        let known = |text: &Option<String>| text.clone().unwrap_or_else(|| "not known".to_owned());
        let cost = |ns: Option<u64>| ns.map_or_else(|| "not known".to_owned(), time);
        let (plan, server, host) = (&self.plan, &self.server, &self.host);
        Table {
            title: "Where and what".to_owned(),
            head: words(&["", ""]),
            rows: [
                ("server", server.place()),
                ("its version", known(&server.version)),
                ("its store", known(&server.store)),
                ("its processor time a call", cost(server.cpu_ns_per_call)),
                ("generator", self.generator.version.to_string()),
                (
                    "its processor time a call",
                    cost(self.generator.cpu_ns_per_call),
                ),
                ("loop", plan.discipline.to_string()),
                ("shape", plan.shape.clone()),
                ("seed, run", format!("{}, {}", plan.seed, plan.run_id)),
                ("accounts", grouped(plan.accounts)),
                ("host", format!("{}, {} cores", host.name, host.cores)),
                ("began", host.started_at.clone()),
            ]
            .map(|(name, value)| vec![name.to_owned(), value])
            .into(),
        }
    }
}

const TIME_HEAD: [&str; 8] = ["", "p50", "p90", "p99", "p99.9", "p99.99", "max", "samples"];

fn time_row(name: &str, facts: &TimeFacts) -> Vec<String> {
    let times = [
        facts.p50_ns,
        facts.p90_ns,
        facts.p99_ns,
        facts.p999_ns,
        facts.p9999_ns,
        facts.max_ns,
    ];
    std::iter::once(name.to_owned())
        .chain(times.map(cell))
        .chain([grouped(facts.count)])
        .collect()
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(ToString::to_string).collect()
}

fn cell(ns: Option<u64>) -> String {
    ns.map_or_else(|| "-".to_owned(), time)
}

fn per_second(rate: f64) -> String {
    format!("{}/s", grouped_real(rate))
}
