//! What settled on each day, counted from the rows of `journal export` alone.

use std::collections::HashMap;

use serde_json::Value;

use crate::settlement::Statement;

#[derive(Default)]
struct Payment {
    merchant: String,
    principal: i64,
    fee: i64,
    reversed: (i64, i64),
    settles_on: i32,
}

/// Every payment, and what became of it.
pub(crate) struct Recount {
    payments: HashMap<String, Payment>,
    /// Authorisation, day, principal and fee.
    refunds: Vec<(String, i32, i64, i64)>,
}

/// The day of the month in Shanghai of an instant in UTC such as `2024-01-11T16:00:00Z`.
fn day_of(text: &str) -> i32 {
    let at: prost_types::Timestamp = text.parse().unwrap();
    let january_2024_in_shanghai = 1_704_038_400;
    i32::try_from((at.seconds - january_2024_in_shanghai) / 86_400).unwrap() + 1
}

impl Recount {
    pub(crate) fn of(exported: &str) -> Self {
        let mut recount = Self {
            payments: HashMap::new(),
            refunds: Vec::new(),
        };
        for line in exported.lines() {
            let row: Value = serde_json::from_str(line).unwrap();
            recount.take(&row);
        }
        recount
    }

    fn take(&mut self, row: &Value) {
        let fen = |name: &str| row[name].as_i64().unwrap();
        let text = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
        let id = text("authorisation_id");
        match row["decision"].as_str() {
            Some("approved") => {
                let payment = Payment {
                    merchant: text("merchant"),
                    principal: fen("amount_fen"),
                    fee: fen("fee_fen"),
                    reversed: (0, 0),
                    settles_on: day_of(&text("at")) + 2, // D25
                };
                self.payments.insert(id, payment);
            }
            Some("reversed") => {
                let (principal, fee) = (fen("amount_fen"), fen("fee_fen"));
                let reversed = &mut self.payments.get_mut(&id).unwrap().reversed;
                *reversed = (reversed.0 + principal, reversed.1 + fee);
            }
            Some("settled") => {
                let payment = self.payments.get_mut(&id).unwrap();
                payment.settles_on = day_of(&text("at"));
            }
            Some("refunded") => {
                let day = day_of(&text("at"));
                self.refunds
                    .push((id, day, fen("amount_fen"), fen("fee_fen")));
            }
            _ => {}
        }
    }

    pub(crate) fn approved(&self) -> i64 {
        self.payments
            .values()
            .map(|payment| payment.principal)
            .sum()
    }

    pub(crate) fn reversed(&self) -> i64 {
        let payments = self.payments.values();
        payments.map(|payment| payment.reversed.0).sum()
    }

    /// A day's lines, sorted, and its totals.
    pub(crate) fn statement(&self, day: i32) -> Statement {
        let mut statement = Statement::default();
        for (id, payment) in &self.payments {
            let principal = payment.principal - payment.reversed.0;
            if payment.settles_on == day && principal > 0 {
                let fee = payment.fee - payment.reversed.1;
                let line = (payment.merchant.clone(), id.clone(), false, principal, fee);
                statement.lines.push(line);
            }
        }
        for (id, on, principal, fee) in &self.refunds {
            if *on == day {
                let merchant = self.payments[id].merchant.clone();
                let line = (merchant, id.clone(), true, -principal, -fee);
                statement.lines.push(line);
            }
        }
        statement.lines.sort();
        for (merchant, _, refund, principal, fee) in &statement.lines {
            let total = statement.totals.entry(merchant.clone()).or_default();
            let (settled, refunded) = if *refund { (0, 1) } else { (1, 0) };
            *total = (
                total.0 + settled,
                total.1 + refunded,
                total.2 + principal,
                total.3 + fee,
            );
        }
        statement
    }
}
