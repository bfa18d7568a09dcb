//! What settled on a day, out of a journal that a real server wrote.

use std::path::Path;
use std::process::Output;

use prost_types::Timestamp;
use serde_json::{Map, Value};
use tonic::transport::{Channel, Endpoint};
use waika::v1;
use waika::v1::admin_service_client::AdminServiceClient;
use waika::v1::authorisation_service_client::AuthorisationServiceClient;
use waika::v1::set_clock_request::Setting;

use crate::support::{Server, waika};
use crate::wallet::{PASSWORD, Wallet};

/// Instants in Asia/Shanghai.
const JANUARY_31_NOON: i64 = 1_706_673_600;
const FEBRUARY_2_AT_10: i64 = 1_706_839_200;
const FEBRUARY_4: i64 = 1_706_976_000;

const COLUMNS: [&str; 11] = [
    "day",
    "merchant",
    "authorisation_id",
    "kind",
    "principal_fen",
    "fee_fen",
    "total_fen",
    "authorised_at",
    "settled_at",
    "settlements",
    "refunds",
];

/// A server whose clock is set, and what is done there to payments of one account.
struct Shop {
    server: Server,
    admin: AdminServiceClient<Channel>,
    payments: AuthorisationServiceClient<Channel>,
    keys: u32,
}

async fn connect(address: std::net::SocketAddr) -> Channel {
    let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
    endpoint.connect().await.unwrap()
}

impl Shop {
    async fn open() -> Self {
        let server = Server::start("--segment-bytes 1048576");
        let admin = AdminServiceClient::new(connect(server.admin()).await);
        let payments = AuthorisationServiceClient::new(connect(server.rpc()).await);
        Self {
            server,
            admin,
            payments,
            keys: 0,
        }
    }

    fn key(&mut self) -> String {
        self.keys += 1;
        format!("shop {}", self.keys)
    }

    async fn freeze(&mut self, seconds: i64) {
        let request = v1::SetClockRequest {
            idempotency_key: self.key(),
            setting: Some(Setting::Freeze(Timestamp { seconds, nanos: 0 })),
        };
        self.admin.set_clock(request).await.unwrap();
    }

    /// The ids of the account's payments, the first first.
    async fn ids(&mut self) -> Vec<String> {
        let request = v1::ListAuthorisationsRequest {
            account_id: "a".to_owned(),
            page_size: 100,
            page_token: String::new(),
        };
        let page = self.payments.list_authorisations(request).await.unwrap();
        let records = page.into_inner().authorisations.into_iter().rev();
        records
            .map(|record| record.authorisation.unwrap().authorisation_id)
            .collect()
    }

    async fn reverse(&mut self, id: &str, amount_fen: Option<i64>) {
        let request = v1::ReverseRequest {
            idempotency_key: self.key(),
            account_id: "a".to_owned(),
            original: Some(v1::reverse_request::Original::AuthorisationId(
                id.to_owned(),
            )),
            amount_fen,
            payment_code: String::new(),
        };
        self.payments.reverse(request).await.unwrap();
    }

    async fn refund(&mut self, id: &str, amount_fen: Option<i64>) {
        let request = v1::RefundRequest {
            idempotency_key: self.key(),
            account_id: "a".to_owned(),
            authorisation_id: id.to_owned(),
            amount_fen,
        };
        self.payments.refund(request).await.unwrap();
    }

    async fn settle(&mut self, id: &str) {
        let request = v1::SettleRequest {
            idempotency_key: self.key(),
            account_id: "a".to_owned(),
            authorisation_id: id.to_owned(),
        };
        self.payments.settle(request).await.unwrap();
    }

    fn export(&self, line: &str) -> (Option<i32>, String, String) {
        let output = run(self.server.home(), line);
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (
            output.status.code(),
            text(output.stdout),
            text(output.stderr),
        )
    }

    /// The rows of a day, which must be there.
    fn rows(&self, line: &str) -> Vec<Map<String, Value>> {
        let line = format!("--format json-lines --output - {line}");
        let (code, stdout, stderr) = self.export(&line);
        assert_eq!(code, Some(0), "{stderr}");
        let rows = stdout.lines().map(serde_json::from_str);
        rows.collect::<Result<_, _>>().unwrap()
    }
}

fn run(home: &Path, line: &str) -> Output {
    let mut command = waika(home);
    command.args(["settlement", "export"]);
    command.args(line.split_whitespace()).output().unwrap()
}

/// Four payments at noon: one reversed in part, one in full, one settled at once, one left alone.
/// On 2 February the first is refunded in part, and so is the third on 4 February.
async fn shop() -> (Shop, [String; 4]) {
    let mut shop = Shop::open().await;
    shop.freeze(JANUARY_31_NOON).await;
    let mut wallet = Wallet::of(&shop.server, "a").await;
    for (key, amount_fen) in [("1", 25_000), ("2", 30_000), ("3", 40_000), ("4", 100)] {
        wallet.pay(key, amount_fen, PASSWORD).await;
    }
    let ids: [String; 4] = shop.ids().await.try_into().unwrap();
    let [part, full, early, _] = &ids;
    shop.reverse(part, Some(6_000)).await;
    shop.reverse(full, None).await;
    shop.settle(early).await;
    shop.freeze(FEBRUARY_2_AT_10).await;
    shop.refund(part, Some(1_000)).await;
    shop.freeze(FEBRUARY_4).await;
    shop.refund(early, Some(500)).await;
    (shop, ids)
}

/// A row as the columns and values that it has, but for the day and the merchant.
fn cells(row: &Map<String, Value>) -> Vec<String> {
    assert_eq!(row["merchant"], "noodle-bar");
    let names = COLUMNS.iter().filter(|name| row.contains_key(**name));
    let names = names.filter(|name| !["day", "merchant"].contains(name));
    let value = |name: &&str| match &row[*name] {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    names.map(value).collect()
}

#[tokio::test]
async fn d25_a_day_has_what_settled_and_was_refunded_and_its_totals() {
    let (shop, ids) = shop().await;
    let noon = "2024-01-31T12:00:00.000+08:00";
    let midnight = "2024-02-02T00:00:00.000+08:00";
    let line = |id: usize, kind, sums: [&'static str; 3], settled_at| {
        let [principal, fee, total] = sums;
        [&*ids[id], kind, principal, fee, total, noon, settled_at]
            .map(str::to_owned)
            .to_vec()
    };
    let total = |cells: [&str; 6]| cells.map(str::to_owned).to_vec();
    let check = |day: &str, expected: &[Vec<String>]| {
        let rows = shop.rows(&format!("--day {day}"));
        assert!(rows.iter().all(|row| row["day"] == day));
        let shown: Vec<_> = rows.iter().map(cells).collect();
        assert_eq!(shown, expected, "{day}");
    };
    check(
        "2024-01-31",
        &[
            line(2, "settlement", ["40000", "1200", "41200"], noon),
            total(["total", "40000", "1200", "41200", "1", "0"]),
        ],
    );
    check("2024-02-01", &[]);
    check(
        "2024-02-02",
        &[
            line(0, "settlement", ["19000", "570", "19570"], midnight),
            line(3, "settlement", ["100", "0", "100"], midnight),
            line(
                0,
                "refund",
                ["-1000", "-30", "-1030"],
                "2024-02-02T10:00:00.000+08:00",
            ),
            total(["total", "18100", "540", "18640", "2", "1"]),
        ],
    );
    check("2024-02-03", &[]);
    check(
        "2024-02-04",
        &[
            line(
                2,
                "refund",
                ["-500", "-15", "-515"],
                "2024-02-04T00:00:00.000+08:00",
            ),
            total(["total", "-500", "-15", "-515", "0", "1"]),
        ],
    );
}

#[tokio::test]
async fn csv_has_the_rows_of_json_lines() {
    let (shop, _) = shop().await;
    let rows = shop.rows("--day 2024-02-02");
    let (code, stdout, stderr) = shop.export("--day 2024-02-02 --format csv --output rows.csv");
    assert_eq!((code, &*stdout), (Some(0), ""), "{stderr}");
    assert!(
        stderr.starts_with("settlements and refunds: 3, merchants: 1, written to rows.csv"),
        "{stderr}"
    );
    let mut csv = csv::Reader::from_path(shop.server.home().join("rows.csv")).unwrap();
    assert_eq!(csv.headers().unwrap(), &COLUMNS[..]);
    let records: Vec<_> = csv.records().map(Result::unwrap).collect();
    assert_eq!(records.len(), rows.len());
    for (record, row) in records.iter().zip(&rows) {
        for (name, shown) in COLUMNS.iter().zip(record) {
            let expected = match row.get(*name) {
                None => String::new(),
                Some(Value::String(text)) => text.clone(),
                Some(other) => other.to_string(),
            };
            assert_eq!(shown, expected, "{name} in {row:?}");
        }
    }
    let again = shop.export("--day 2024-02-02 --format csv --output rows.csv");
    assert_eq!(again.0, Some(64), "{}", again.2);
    assert!(again.2.contains("\"rows.csv\" is there already"));
    let forced = shop.export("--day 2024-02-02 --format csv --output rows.csv --force");
    assert_eq!(forced.0, Some(0), "{}", forced.2);
}

#[tokio::test]
async fn a_merchant_can_be_asked_for_and_an_account_is_never_named() {
    let (shop, _) = shop().await;
    let all = shop.rows("--day 2024-02-02");
    assert_eq!(shop.rows("--day 2024-02-02 --merchant noodle-bar"), all);
    assert_eq!(shop.rows("--day 2024-02-02 --merchant nobody"), []);
    assert!(all.iter().all(|row| !row.contains_key("account")));
}

#[tokio::test]
async fn d1_a_day_begins_and_ends_by_the_clock_of_the_journal() {
    let mut shop = Shop::open().await;
    shop.freeze(FEBRUARY_2_AT_10).await;
    let export = |day: &str| shop.export(&format!("--day {day} --format csv --output -"));
    let (code, stdout, stderr) = export("2024-02-03");
    assert_eq!((code, &*stdout), (Some(64), ""));
    let begins = "--day: 2024-02-03 has not begun: by the journal's clock it is \
                  2024-02-02T10:00:00.000+08:00";
    assert!(stderr.contains(begins), "{stderr}");
    let (code, _, stderr) = export("2024-02-02");
    assert_eq!(code, Some(0), "{stderr}");
    assert!(stderr.contains("2024-02-02 is not over"), "{stderr}");
    let (code, _, stderr) = export("2024-02-01");
    assert_eq!(code, Some(0), "{stderr}");
    assert!(!stderr.contains("not over"), "{stderr}");
}

#[test]
fn a_folder_without_a_journal_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let output = run(home.path(), "--day 2024-02-02 --format csv --output -");
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(64));
    assert!(stderr.contains("--store: the folder"), "{stderr}");
}
