//! Pure: reading thresholds. Every error tells at which character, what stands there, and what may.

use std::str::FromStr;

use super::select::ModeName;
use super::{
    Class, Clock, Comparison, Figure, Limit, Reason, Selection, Statistic, Threshold, Thresholds,
};
use crate::scheme::CardScheme;
use crate::values::decimal;

/// What there is to be looked at.
const FIGURES: &str = "p(99), avg, min, med, max, with response_, service_ or lag_ before it if you like, \
                       rate(approved), errors, dropped, skipped, not_sent, count, throughput, server_cpu or generator_cpu";

impl FromStr for Thresholds {
    type Err = String;

    /// Reads thresholds with commas between them, such as `p(99)<5ms, errors<0.1%`.
    fn from_str(text: &str) -> Result<Self, String> {
        Self::offered(text, FIGURES)
    }
}

impl Thresholds {
    /// The same, where only these figures are offered to whoever names another.
    pub(crate) fn offered(text: &str, figures: &str) -> Result<Self, String> {
        let mut reader = Reader {
            text,
            at: 0,
            figures,
        };
        let mut all = Vec::new();
        loop {
            all.push(reader.threshold()?);
            reader.spaces();
            if reader.is_at_end() {
                return Ok(Self(all));
            }
            if !reader.take(",") {
                return Err(reader.wrong("write a comma before the next threshold, or end here"));
            }
        }
    }
}

/// A text, and how far it was read, in bytes.
struct Reader<'t> {
    text: &'t str,
    at: usize,
    figures: &'t str,
}

/// What a selector said.
#[derive(Default)]
struct Selector {
    outcome: Option<Class>,
    selection: Selection,
}

impl<'t> Reader<'t> {
    fn threshold(&mut self) -> Result<Threshold, String> {
        self.spaces();
        let start = self.at;
        let (figure, named) = self.figure()?;
        self.spaces();
        let before_selector = self.at;
        let selector = self.selector()?;
        let figure = self.with_outcome(figure, selector.outcome, named, before_selector)?;
        if selector.selection != Selection::default() && !can_be_selected(&figure) {
            self.at = before_selector;
            return Err(self.wrong("this figure is of all payments: leave the selector out"));
        }
        self.spaces();
        let comparison = self.comparison(&figure)?;
        self.spaces();
        let before_limit = self.at;
        let limit = self.limit(&figure)?;
        if comparison == Comparison::Below && limit.is_zero() {
            self.at = before_limit;
            return Err(self.wrong("nothing is below 0: compare with <= instead"));
        }
        let text = self.text.get(start..self.at).unwrap_or_default();
        Ok(Threshold {
            text: text.split_whitespace().collect(),
            figure,
            selection: selector.selection,
            comparison,
            limit,
        })
    }

    /// A figure, and whether it names its outcome already.
    fn figure(&mut self) -> Result<(Figure, bool), String> {
        let start = self.at;
        let word = self.word();
        let (clock, rest) = [
            ("response_", Clock::Response),
            ("service_", Clock::Service),
            ("lag_", Clock::Lag),
        ]
        .into_iter()
        .find_map(|(prefix, clock)| Some((clock, word.strip_prefix(prefix)?)))
        .unwrap_or((Clock::Response, word));
        if let Some(statistic) = self.statistic(rest)? {
            return Ok((Figure::Time(clock, statistic, None), false));
        }
        let figure = match word {
            "rate" => return Ok((Figure::Share(self.class()?), true)),
            "count" if self.rest().starts_with('(') => {
                return Ok((Figure::Count(Some(self.class()?)), true));
            }
            "throughput" if self.rest().starts_with('(') => {
                return Ok((Figure::Throughput(self.class()?), true));
            }
            "errors" => return Ok((Figure::Share(Class::Errors), true)),
            "dropped" => Figure::Unsent(Reason::Dropped),
            "skipped" => Figure::Unsent(Reason::Skipped),
            "not_sent" => Figure::Unsent(Reason::Any),
            "count" => Figure::Count(None),
            "throughput" => Figure::Throughput(Class::Decided),
            "server_cpu" => Figure::ServerCpu,
            "generator_cpu" => Figure::GeneratorCpu,
            _ => {
                self.at = start;
                return Err(self.wrong(&format!("write one of {}", self.figures)));
            }
        };
        Ok((figure, false))
    }

    /// What of a distribution a word asks for, if that is what it does.
    fn statistic(&mut self, word: &str) -> Result<Option<Statistic>, String> {
        Ok(Some(match word {
            "avg" => Statistic::Average,
            "min" => Statistic::Least,
            "max" => Statistic::Most,
            "med" => Statistic::Percentile(500_000),
            "p" => {
                let has_bracket = self.take("(");
                if has_bracket {
                    self.spaces();
                }
                let start = self.at;
                let number = self.number();
                let Some(parts) = percentile(number) else {
                    self.at = start;
                    return Err(self.wrong(
                        "a percentile is a number between 0 and 100, to four decimals, such as p(99.9); \
                         the longest of all is max",
                    ));
                };
                if has_bracket {
                    self.spaces();
                    self.expect(")", "close the percentile with )")?;
                }
                Statistic::Percentile(parts)
            }
            _ => return Ok(None),
        }))
    }

    /// An outcome in brackets.
    fn class(&mut self) -> Result<Class, String> {
        self.expect("(", "name an outcome, such as rate(approved)")?;
        self.spaces();
        let class = self.outcome()?;
        self.spaces();
        self.expect(")", "close the outcome with )")?;
        Ok(class)
    }

    fn outcome(&mut self) -> Result<Class, String> {
        let start = self.at;
        let word = self.word();
        if word.is_empty() {
            return Err(self.wrong("name an outcome, such as approved"));
        }
        Class::named(word).map_err(|what| {
            self.at = start;
            self.wrong(&what)
        })
    }

    /// `{outcome=approved,mode=qr,scheme=visa}`, or nothing.
    fn selector(&mut self) -> Result<Selector, String> {
        let mut found = Selector::default();
        if !self.take("{") {
            return Ok(found);
        }
        loop {
            self.spaces();
            let start = self.at;
            let key = self.word();
            self.spaces();
            let is_again = match key {
                "outcome" => found.outcome.is_some(),
                "mode" => found.selection.mode.is_some(),
                "scheme" => found.selection.scheme.is_some(),
                _ => {
                    self.at = start;
                    return Err(self.wrong("a selector has outcome, mode or scheme"));
                }
            };
            if is_again {
                self.at = start;
                return Err(self.wrong(&format!("the selector has {key} already")));
            }
            self.expect("=", "write = and a name")?;
            self.spaces();
            match key {
                "outcome" => found.outcome = Some(self.outcome()?),
                "mode" => found.selection.mode = Some(self.mode()?),
                _ => found.selection.scheme = Some(self.scheme()?),
            }
            self.spaces();
            if self.take("}") {
                return Ok(found);
            }
            self.expect(
                ",",
                "write a comma before the next name, or close the selector with }",
            )?;
        }
    }

    fn mode(&mut self) -> Result<ModeName, String> {
        let start = self.at;
        let name = self.word().replace('_', "-");
        let name = name.strip_prefix("merchant-").unwrap_or(&name);
        let found = ModeName::ALL.into_iter().find(|mode| mode.label() == name);
        found.ok_or_else(|| {
            self.at = start;
            let known = ModeName::ALL.map(ModeName::label).join(", ");
            self.wrong(&format!("there is no such mode: there are {known}"))
        })
    }

    fn scheme(&mut self) -> Result<CardScheme, String> {
        let start = self.at;
        let name = self.word();
        let mut all = CardScheme::ALL.into_iter();
        all.find(|scheme| scheme.label() == name).ok_or_else(|| {
            self.at = start;
            let known = CardScheme::ALL.map(CardScheme::label).join(", ");
            self.wrong(&format!("there is no such scheme: there are {known}"))
        })
    }

    /// The figure over what its selector says of outcomes.
    fn with_outcome(
        &mut self,
        figure: Figure,
        outcome: Option<Class>,
        named: bool,
        selector_at: usize,
    ) -> Result<Figure, String> {
        let Some(outcome) = outcome else {
            return Ok(figure);
        };
        let why = match figure {
            _ if named => "the figure names its outcome already: leave it out of the selector",
            Figure::Time(clock, statistic, _) => {
                return Ok(Figure::Time(clock, statistic, Some(outcome)));
            }
            Figure::Count(_) => return Ok(Figure::Count(Some(outcome))),
            Figure::Throughput(_) => return Ok(Figure::Throughput(outcome)),
            Figure::Share(_) | Figure::Unsent(_) | Figure::ServerCpu | Figure::GeneratorCpu => {
                "this figure is of all payments: leave the selector out"
            }
        };
        self.at = selector_at;
        Err(self.wrong(why))
    }

    fn comparison(&mut self, figure: &Figure) -> Result<Comparison, String> {
        let start = self.at;
        let all = [
            ("<=", Comparison::AtMost),
            (">=", Comparison::AtLeast),
            ("===", Comparison::Equal),
            ("==", Comparison::Equal),
            ("!=", Comparison::Unequal),
            ("<", Comparison::Below),
            (">", Comparison::Above),
        ];
        let found = all.into_iter().find(|(sign, _)| self.take(sign));
        let Some((_, comparison)) = found else {
            return Err(self.wrong("compare it: <, <=, >, >=, == or !="));
        };
        let is_counted = matches!(
            figure,
            Figure::Share(_) | Figure::Unsent(_) | Figure::Count(_)
        );
        if !is_counted && matches!(comparison, Comparison::Equal | Comparison::Unequal) {
            self.at = start;
            return Err(self.wrong("what is measured never equals anything: compare with < or >"));
        }
        Ok(comparison)
    }

    fn limit(&mut self, figure: &Figure) -> Result<Limit, String> {
        let start = self.at;
        let number = self.number();
        let unit = self.unit();
        Limit::read(figure, number, unit).map_err(|what| {
            self.at = start;
            self.wrong(what)
        })
    }

    fn spaces(&mut self) {
        self.skip_while(char::is_whitespace);
    }

    fn word(&mut self) -> &'t str {
        // A percentile may follow without a bracket.
        let is_percentile = ["p", "response_p", "service_p", "lag_p"]
            .into_iter()
            .find(|word| {
                let rest = self.rest().strip_prefix(word);
                rest.is_some_and(|rest| rest.starts_with(|char: char| char.is_ascii_digit()))
            });
        if let Some(word) = is_percentile {
            let start = self.at;
            self.at += word.len();
            return self.text.get(start..self.at).unwrap_or_default();
        }
        self.skip_while(|char| char.is_ascii_alphanumeric() || matches!(char, '_' | '-'))
    }

    fn number(&mut self) -> &'t str {
        self.skip_while(|char| char.is_ascii_digit() || char == '.')
    }

    fn unit(&mut self) -> &'t str {
        self.skip_while(|char| char.is_alphabetic() || matches!(char, '%' | '/'))
    }

    fn skip_while(&mut self, is_one: impl Fn(char) -> bool) -> &'t str {
        let rest = self.rest();
        let length = rest.find(|char| !is_one(char)).unwrap_or(rest.len());
        self.at += length;
        rest.get(..length).unwrap_or_default()
    }

    fn take(&mut self, sign: &str) -> bool {
        let is_there = self.rest().starts_with(sign);
        if is_there {
            self.at += sign.len();
        }
        is_there
    }

    fn expect(&mut self, sign: &str, what: &str) -> Result<(), String> {
        if self.take(sign) {
            return Ok(());
        }
        Err(self.wrong(what))
    }

    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn is_at_end(&self) -> bool {
        self.rest().is_empty()
    }

    /// Something that is wrong here.
    fn wrong(&self, what: &str) -> String {
        let before = self.text.get(..self.at).unwrap_or_default();
        let place = 1 + before.chars().count();
        let rest: String = self.rest().chars().take(20).collect();
        let found = if rest.is_empty() {
            "at the end".to_owned()
        } else {
            format!("at {rest:?}")
        };
        format!("character {place}, {found}: {what}")
    }
}

/// Whether it is known of each payment apart.
fn can_be_selected(figure: &Figure) -> bool {
    match figure {
        Figure::Time(..) | Figure::Share(_) | Figure::Count(_) | Figure::Throughput(_) => true,
        Figure::Unsent(_) | Figure::ServerCpu | Figure::GeneratorCpu => false,
    }
}

/// Per cent as parts in a million, neither nothing nor all.
fn percentile(number: &str) -> Option<u32> {
    let decimals = number.split_once('.').map_or("", |(_, decimals)| decimals);
    let parts = decimal(number, 10_000).filter(|_| decimals.len() <= 4)?;
    u32::try_from(parts)
        .ok()
        .filter(|parts| (1..1_000_000).contains(parts))
}
