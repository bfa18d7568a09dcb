//! What is personal in a closed account is erased from the database too, whichever server does it (decision 0042).

use std::collections::BTreeSet;

use tokio::time::{Duration, sleep};
use tonic::Code;
use waika::v1;

use crate::binary_fields::binary_fields;
use crate::postgres_support::{Database, until};
use crate::security_closing::{CLOSED_AT, ERASABLE_FROM};
use crate::support::reason_of;
use crate::wallet::{Callers, bound, pay};

impl Database {
    /// The bytes of a query's one column.
    fn bytes(&self, query: &str) -> Vec<Vec<u8>> {
        let text = self.query(query);
        let byte = |pair: &[u8]| {
            let pair = std::str::from_utf8(pair).unwrap();
            u8::from_str_radix(pair, 16).unwrap()
        };
        text.lines()
            .map(|row| row.as_bytes().chunks(2).map(byte).collect())
            .collect()
    }

    /// What entries of an account hold that is no text: digests of cards, documents, phones and passwords.
    fn digests(&self, account: &str) -> BTreeSet<Vec<u8>> {
        let entries = self.bytes(&format!(
            "select encode(entry, 'hex') from entry where account_id = '{account}'"
        ));
        assert!(!entries.is_empty(), "{account}");
        let fields = entries.iter().map(|entry| binary_fields(entry).unwrap());
        fields.flatten().collect()
    }

    /// How many rows hold one of these.
    fn that_hold(&self, digests: &BTreeSet<Vec<u8>>) -> usize {
        let rows = self.bytes(
            "select encode(entry, 'hex') from entry union all select encode(state, 'hex') from account
             where state <> ''",
        );
        let holds = |row: &&Vec<u8>| row.windows(15).any(|window| digests.contains(window));
        rows.iter().filter(holds).count()
    }
}

impl Callers {
    /// A payment that was made while the account was open.
    async fn again(&mut self, card: &str) -> Result<String, String> {
        let answer = self.authorise(pay("erase-me", card, "one", 20_017)).await;
        match answer {
            Ok(answer) => Ok(answer.authorisation.unwrap().authorisation_id),
            Err(status) => {
                assert_eq!(status.code(), Code::NotFound, "{status:?}");
                Err(reason_of(&status))
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_erased_is_in_no_row_whichever_server_does_it() {
    let database = Database::start();
    let [first, second, third] = database.nodes();
    let (mut one, mut two, mut three) = (
        Callers::of(&first).await,
        Callers::of(&second).await,
        Callers::of(&third).await,
    );
    one.freeze(CLOSED_AT).await;
    one.wallet_with("b", 222_000_002).await;
    let card = one.wallet_with("erase-me", 111_000_001).await;
    let another = bound(&one.another_card("erase-me", 111_000_003).await);
    let paid = one.paid("erase-me", &another, "one", 20_017).await;
    let wrong = v1::AuthoriseRequest {
        payment_password: "000000".to_owned(),
        want_receipt: true,
        ..pay("erase-me", &card, "wrong", 100)
    };
    assert_eq!(one.decision(wrong).await, "PASSWORD_WRONG");
    // The third has it open in memory from now on.
    let answered = Ok(paid.authorisation_id);
    assert_eq!(three.again(&another).await, answered);
    // Both show the same document and have the same phone.
    let of_others = database.digests("b");
    let personal = database.digests("erase-me");
    let personal: BTreeSet<_> = personal.difference(&of_others).cloned().collect();
    assert!(personal.len() >= 4, "{}", personal.len());
    assert!(database.that_hold(&personal) >= 3);

    assert_eq!(one.close("erase-me", "close").await, Ok(2));
    assert_eq!(two.again(&another).await, answered, "closed in memory");
    one.freeze(ERASABLE_FROM).await;
    let decisions = one.decisions("erase-me").await;
    let sizes = "select sum(length(entry)), count(*) from entry where account_id = 'erase-me'";
    let lengths = database.query(sizes);
    let figure = first.figure("waika_node_number").await.unwrap();
    one.erase("erase-me", "erase").await.unwrap();
    // Whoever has begun it is gone.
    drop(first.kill());
    database.query(&format!(
        "update node set held_until = now() - interval '1 min' where number = {figure}"
    ));
    until("the erasure", async || {
        sleep(Duration::from_millis(50)).await;
        let closure = two.closure("erase-me").await.unwrap();
        assert!(closure.erasure_begun_at.is_some() || closure.erased_at.is_some());
        closure.erased_at.is_some()
    })
    .await;

    assert_eq!(database.that_hold(&personal), 0);
    assert!(database.that_hold(&of_others) > 0);
    // One entry more, that it has begun, and one, that it has ended.
    let same = format!("{sizes} and sequence <= (select max(sequence) from (
        select sequence from entry where account_id = 'erase-me' order by sequence desc offset 2) as e)");
    assert_eq!(database.query(&same), lengths);
    for callers in [&mut two, &mut three] {
        callers.check_closed("erase-me", &card).await;
        // What the answer was made from is gone.
        let closed = Err("ACCOUNT_CLOSED".to_owned());
        assert_eq!(callers.again(&another).await, closed);
        assert_eq!(callers.decisions("erase-me").await, decisions);
        let begun = callers.erase("erase-me", "once more").await.unwrap_err();
        assert_eq!(begun.reason(), v1::ErasureRefusalReason::AlreadyBegun);
    }
    let erased = [&second, &third].map(|node| node.figure("waika_erased_entries_total"));
    let [of_second, of_third] = erased;
    let erased = of_second.await.unwrap_or_default() + of_third.await.unwrap_or_default();
    assert!(erased >= 3.0, "{erased}");
    for node in [&second, &third] {
        until("that nothing waits", async || {
            node.figure("waika_erasures_waiting").await == Some(0.0)
        })
        .await;
    }
}
