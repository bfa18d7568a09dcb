//! The file that says which caller may call what: TOML.
//!
//! ```toml
//! [[caller]]
//! id = "spiffe://shop.example/acquirer"
//! may = ["waika.v1.AuthorisationService/*", "waika.v1.CardService/GetAccount"]
//! calls_per_second = 5000 # may be left out
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read as _;
use std::ops::RangeInclusive;
use std::path::Path;

use serde::Deserialize;
use toml::Spanned;

use super::allow_list::{AllowList, Grant, METRICS};
use super::{forwarded, spiffe};
use crate::grpc::methods;

/// Room for some ten thousand callers.
const MOST_BYTES: usize = 1_048_576;
/// How often a caller may be allowed to call in a second.
const RATES: RangeInclusive<u32> = 1..=10_000_000;
/// What goes on making mistakes after so many is no file of callers.
const MOST_MISTAKES: usize = 40;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Whole {
    #[serde(default)]
    caller: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    id: Spanned<String>,
    may: Spanned<Vec<Spanned<String>>>,
    calls_per_second: Option<Spanned<i64>>,
}

/// Reads a file. Each mistake names the file, the line, and what mends it.
pub(crate) fn read(path: &Path) -> Result<AllowList, Vec<String>> {
    let file = path.display().to_string();
    let text = read_bounded(path).map_err(|what| vec![format!("{file}: {what}")])?;
    parse(&file, &text)
}

fn read_bounded(path: &Path) -> Result<String, String> {
    let mut bytes = Vec::new();
    // A byte more than fits tells a file that is too long.
    File::open(path)
        .and_then(|file| file.take(MOST_BYTES as u64 + 1).read_to_end(&mut bytes))
        .map_err(|error| format!("the file of callers cannot be read: {error}"))?;
    if bytes.len() > MOST_BYTES {
        return Err(format!("a file of callers has at most {MOST_BYTES} bytes"));
    }
    String::from_utf8(bytes).map_err(|_| "a file of callers is text in UTF-8".to_owned())
}

fn parse(file: &str, text: &str) -> Result<AllowList, Vec<String>> {
    let whole: Whole = toml::from_str(text)
        .map_err(|error| vec![format!("{file}: {}", error.to_string().trim_end())])?;
    let mut reading = Reading {
        file,
        text,
        methods: methods(),
        mistakes: Vec::new(),
    };
    let mut list = AllowList::default();
    for entry in &whole.caller {
        reading.entry(&mut list, entry);
    }
    if whole.caller.is_empty() {
        // A file that is being saved is empty for a moment, and would turn everybody away.
        let mend = "add a [[caller]] with its id and what it may call";
        return Err(vec![format!("{file}: no caller is named: {mend}")]);
    }
    let mut mistakes = reading.mistakes;
    let untold = mistakes.len().saturating_sub(MOST_MISTAKES);
    mistakes.truncate(MOST_MISTAKES);
    if untold > 0 {
        mistakes.push(format!("{file}: and {untold} more"));
    }
    if mistakes.is_empty() {
        Ok(list)
    } else {
        Err(mistakes)
    }
}

struct Reading<'a> {
    file: &'a str,
    text: &'a str,
    methods: BTreeMap<String, BTreeSet<String>>,
    mistakes: Vec<String>,
}

impl Reading<'_> {
    fn entry(&mut self, list: &mut AllowList, entry: &Entry) {
        let id = entry.id.get_ref().as_str();
        let known_id = is_caller(id);
        if !known_id {
            let what = "is no caller: write spiffe://trust-domain/path, with /* at its end for all below it, \
                        or the name that Linkerd gives a workload";
            self.mistake(&entry.id, &format!("id {id:?} {what}"));
        }
        if entry.may.get_ref().is_empty() {
            let what = format!("{id} may call nothing: name an RPC, or leave the caller out");
            self.mistake(&entry.may, &what);
        }
        let mut paths = Vec::new();
        for may in entry.may.get_ref() {
            match self.paths(may.get_ref()) {
                Ok(more) => paths.extend(more),
                Err(what) => self.mistake(may, &what),
            }
        }
        let grant: Grant = paths.into_iter().collect();
        let grant = grant.limited_to(self.rate(entry));
        if known_id && !list.add(id, grant) {
            let what = format!("{id} has an entry already: put both into one");
            self.mistake(&entry.id, &what);
        }
    }

    fn rate(&mut self, entry: &Entry) -> Option<u32> {
        let given = entry.calls_per_second.as_ref()?;
        let rate = u32::try_from(*given.get_ref()).ok();
        let rate = rate.filter(|rate| RATES.contains(rate));
        if rate.is_none() {
            let what = format!(
                "calls_per_second = {} is not a number from {} to {}",
                given.get_ref(),
                RATES.start(),
                RATES.end()
            );
            self.mistake(given, &what);
        }
        rate
    }

    /// The paths that an entry of `may` stands for.
    fn paths(&self, may: &str) -> Result<Vec<String>, String> {
        if may == METRICS {
            return Ok(vec![METRICS.to_owned()]);
        }
        let Some((service, method)) = may.split_once('/') else {
            let like = "write it like waika.v1.CardService/Bind or waika.v1.CardService/*";
            return Err(format!("{may:?} names no RPC: {like}, or {METRICS}"));
        };
        let Some(methods) = self.methods.get(service) else {
            let known: Vec<_> = self.methods.keys().map(String::as_str).collect();
            return Err(format!(
                "{may:?}: there is no such service; there are {}",
                known.join(", ")
            ));
        };
        if method == "*" {
            return Ok(methods
                .iter()
                .map(|method| format!("/{service}/{method}"))
                .collect());
        }
        if !methods.contains(method) {
            let known: Vec<_> = methods.iter().map(String::as_str).collect();
            return Err(format!(
                "{may:?}: {service} has no such RPC; it has {}",
                known.join(", ")
            ));
        }
        Ok(vec![format!("/{service}/{method}")])
    }

    fn mistake<T>(&mut self, at: &Spanned<T>, what: &str) {
        let before = self.text.get(..at.span().start).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        self.mistakes.push(format!("{}:{line}: {what}", self.file));
    }
}

/// A SPIFFE id, all that lie below one or below a trust domain, or a name of Linkerd's.
fn is_caller(id: &str) -> bool {
    match id.strip_suffix("/*") {
        Some(above) => spiffe::is_above(above),
        None => spiffe::is_id(id) || forwarded::is_name(id),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_says_who_may_call_what() {
        let list = parse(
            "callers.toml",
            r#"
            # Merchants' acquirers
            [[caller]]
            id = "spiffe://shop.example/acquirer"
            may = ["waika.v1.AuthorisationService/*", "waika.v1.CardService/GetAccount"]
            [[caller]]
            id = "spiffe://shop.example/ops/*"
            may = ["waika.v1.AdminService/*", "metrics"]
            [[caller]]
            id = "shop.pay.serviceaccount.identity.linkerd.cluster.local"
            may = ["waika.v1.CardService/Bind"]
            "#,
        )
        .unwrap();
        assert_eq!(list.len(), 3);
        let allows =
            |name: &str, path: &str| list.grant(name).is_some_and(|grant| grant.allows(path));
        let acquirer = "spiffe://shop.example/acquirer";
        assert!(allows(acquirer, "/waika.v1.AuthorisationService/Authorise"));
        assert!(allows(acquirer, "/waika.v1.CardService/GetAccount"));
        assert!(!allows(acquirer, "/waika.v1.CardService/Bind"));
        assert!(!allows(acquirer, "/waika.v1.AdminService/SetClock"));
        assert!(allows(
            "spiffe://shop.example/ops/anna",
            "/waika.v1.AdminService/SetClock"
        ));
        assert!(allows("spiffe://shop.example/ops/anna", METRICS));
        assert!(!allows("spiffe://shop.example/ops", METRICS));
    }

    fn mistakes(text: &str) -> Vec<String> {
        parse("callers.toml", text).unwrap_err()
    }

    #[test]
    fn every_mistake_is_named_with_its_line() {
        let found = mistakes(
            "[[caller]]\nid = \"shop\"\nmay = [\"Bind\"]\n\
             [[caller]]\nid = \"spiffe://a/b\"\nmay = [\"waika.v1.CardService/Bnd\", \"waika.v2.CardService/Bind\"]\n\
             [[caller]]\nid = \"spiffe://a/b\"\nmay = []\n",
        );
        let begins = [
            "callers.toml:2: id \"shop\" is no caller: ",
            "callers.toml:3: \"Bind\" names no RPC: ",
            "callers.toml:6: \"waika.v1.CardService/Bnd\": waika.v1.CardService has no such RPC; it has Bind, ",
            "callers.toml:6: \"waika.v2.CardService/Bind\": there is no such service; there are grpc.health",
            "callers.toml:9: spiffe://a/b may call nothing: ",
            "callers.toml:8: spiffe://a/b has an entry already: ",
        ];
        assert_eq!(found.len(), begins.len(), "{found:#?}");
        for (found, begin) in found.iter().zip(begins) {
            assert!(found.starts_with(begin), "{found}");
        }
    }

    #[test]
    fn what_is_no_such_file_is_refused() {
        for (text, expected) in [
            ("", "no caller is named"),
            ("# nobody\n", "no caller is named"),
            ("[[caller]]\nid = 7\nmay = []", "invalid type"),
            ("[[caller]]\nid = \"a.b\"\n", "missing field `may`"),
            ("[[callers]]\nid = \"a.b\"\n", "unknown field `callers`"),
            (
                "[[caller]]\nid = \"a.b\"\nmay = [\"metrics\"]\nadmin = true",
                "unknown field `admin`",
            ),
            ("[[caller", "TOML parse error"),
            (
                "[[caller]]\nid = \"a.b\"\nmay = [\"metrics\"]\ncalls_per_second = 0",
                "callers.toml:4: calls_per_second = 0 is not a number from 1",
            ),
        ] {
            let found = mistakes(text).join("\n");
            assert!(found.contains(expected), "{text}: {found}");
        }
        let many = "[[caller]]\nid = \"x\"\nmay = [\"metrics\"]\n".repeat(100);
        assert_eq!(mistakes(&many).len(), MOST_MISTAKES + 1);
    }
}
