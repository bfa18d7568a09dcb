//! Risks of a card, and the operator's word on them (R67, R68, D9).

use waika::v1;

use crate::malformed::{bad_fields, named};
use crate::support::Server;
use crate::wallet::{Callers, bind, bound, pay, unbind, unbind_outcome};

impl Callers {
    pub(crate) async fn tickets(&mut self) -> Vec<v1::RiskTicket> {
        let request = v1::ListRiskTicketsRequest::default();
        let listed = self.admin.list_risk_tickets(request).await.unwrap();
        listed.into_inner().tickets
    }

    pub(crate) async fn resolve(&mut self, ticket: &v1::RiskTicket, verdict: v1::RiskVerdict) {
        let request = resolve(ticket, &ticket.ticket_id, verdict);
        let resolved = self.admin.resolve_risk_ticket(request).await.unwrap();
        let resolved = resolved.into_inner();
        assert_eq!((resolved.replayed, resolved.verdict()), (false, verdict));
        assert_eq!(resolved.ticket.unwrap().ticket_id, ticket.ticket_id);
    }
}

fn resolve(
    ticket: &v1::RiskTicket,
    key: &str,
    verdict: v1::RiskVerdict,
) -> v1::ResolveRiskTicketRequest {
    v1::ResolveRiskTicketRequest {
        idempotency_key: key.to_owned(),
        account_id: ticket.account_id.clone(),
        ticket_id: ticket.ticket_id.clone(),
        verdict: verdict.into(),
    }
}

/// Two people with one card: their tokens of it.
async fn two_people(callers: &mut Callers) -> [String; 2] {
    let first = callers.wallet("a").await;
    [first, bound(&callers.bind(bind("b")).await)]
}

async fn decisions(callers: &mut Callers, cards: &[String; 2], key: &str) -> [String; 2] {
    let [first, second] = cards;
    [
        callers.decision(pay("a", first, key, 100)).await,
        callers.decision(pay("b", second, key, 100)).await,
    ]
}

#[tokio::test]
async fn r67_r68_a_card_of_two_people_is_declined_on_both_until_it_is_resolved() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let cards = two_people(&mut callers).await;
    assert!(callers.tickets().await.is_empty(), "binding names no risk");
    let shared = ["RISK_CARD_SHARED"; 2];
    assert_eq!(decisions(&mut callers, &cards, "1").await, shared);
    assert_eq!(decisions(&mut callers, &cards, "2").await, shared);
    let tickets = callers.tickets().await;
    let about: Vec<_> = tickets
        .iter()
        .map(|ticket| (&*ticket.account_id, &*ticket.card_token))
        .collect();
    assert_eq!(about, [("a", &*cards[0]), ("b", &*cards[1])], "one each");
    for ticket in &tickets {
        assert_eq!(ticket.reason(), v1::DeclineReason::RiskCardShared);
        assert!(ticket.still_applies && ticket.opened_at.is_some());
    }
    assert_eq!(callers.used("a").await, (0, 0));

    callers.resolve(&tickets[0], v1::RiskVerdict::Clear).await;
    callers.resolve(&tickets[1], v1::RiskVerdict::Uphold).await;
    assert!(callers.tickets().await.is_empty());
    assert_eq!(
        decisions(&mut callers, &cards, "3").await,
        ["APPROVED", "RISK_CARD_SHARED"]
    );
    let opened = callers.tickets().await;
    assert_eq!(opened.len(), 1, "an upheld risk opens another ticket");
    assert_ne!(opened[0].ticket_id, tickets[1].ticket_id);

    let server = Server::start_in(server.kill(), &[]);
    let mut callers = Callers::of(&server).await;
    assert_eq!(callers.tickets().await, opened, "after a restart the same");
    assert_eq!(
        decisions(&mut callers, &cards, "4").await,
        ["APPROVED", "RISK_CARD_SHARED"]
    );
    // Yet another person was not judged by the verdict.
    bound(&callers.bind(bind("c")).await);
    assert_eq!(decisions(&mut callers, &cards, "5").await, shared);
    assert_eq!(callers.tickets().await.len(), 2);
}

#[tokio::test]
async fn d9_unbinding_elsewhere_frees_the_card() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let cards = two_people(&mut callers).await;
    decisions(&mut callers, &cards, "1").await;
    let gone = callers.unbind(unbind("b", &cards[1], "u")).await;
    assert_eq!(unbind_outcome(&gone), "UNBOUND");
    assert_eq!(
        decisions(&mut callers, &cards, "2").await,
        ["APPROVED", "CARD_NOT_BOUND"]
    );
    let tickets = callers.tickets().await;
    assert_eq!(tickets.len(), 1, "the other went with its card: D22");
    assert_eq!(tickets[0].account_id, "a");
    assert!(!tickets[0].still_applies, "nobody else has it any more");

    let server = Server::start_in(server.kill(), &[]);
    let mut callers = Callers::of(&server).await;
    assert_eq!(callers.tickets().await, tickets);
    callers.paid("a", &cards[0], "3", 100).await;
}

#[tokio::test]
async fn d9_one_person_may_have_a_card_on_two_accounts() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    let first = callers.wallet("a").await;
    let mut request = bind("b");
    request.identity = bind("a").identity;
    let second = bound(&callers.bind(request).await);
    callers.paid("a", &first, "k", 100).await;
    callers.paid("b", &second, "k", 100).await;
    assert!(callers.tickets().await.is_empty());
}

#[tokio::test]
async fn r6_r67_a_card_in_another_name_is_declined_until_it_is_cleared() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    callers
        .put_merchant(crate::wallet::merchant("noodle-bar"))
        .await;
    let mut request = bind("a");
    request.card.as_mut().unwrap().holder_name = "PIERRE CURIE".to_owned();
    let card = bound(&callers.bind(request).await);
    let declined = callers.decision(pay("a", &card, "1", 100)).await;
    assert_eq!(declined, "RISK_HOLDER_MISMATCH");
    let tickets = callers.tickets().await;
    assert_eq!(tickets[0].reason(), v1::DeclineReason::RiskHolderMismatch);
    assert!(tickets[0].still_applies);

    let request = resolve(&tickets[0], "verdict", v1::RiskVerdict::Clear);
    let first = callers.admin.resolve_risk_ticket(request.clone()).await;
    let first = first.unwrap().into_inner();
    callers.paid("a", &card, "2", 100).await;
    let again = callers.admin.resolve_risk_ticket(request.clone()).await;
    let again = again.unwrap().into_inner();
    assert_eq!((again.replayed, &again.ticket), (true, &first.ticket));
    let other = resolve(&tickets[0], "verdict", v1::RiskVerdict::Uphold);
    let conflict = callers.admin.resolve_risk_ticket(other).await;
    assert_eq!(
        conflict.unwrap_err().code(),
        tonic::Code::AlreadyExists,
        "D18"
    );
    let closed = resolve(&tickets[0], "another key", v1::RiskVerdict::Clear);
    let closed = callers.admin.resolve_risk_ticket(closed).await;
    assert_eq!(closed.unwrap_err().code(), tonic::Code::NotFound);

    let server = Server::start_in(server.kill(), &[]);
    let mut callers = Callers::of(&server).await;
    callers.paid("a", &card, "3", 100).await;
}

#[tokio::test]
async fn r68_tickets_are_listed_oldest_first_in_pages() {
    let server = Server::start();
    let mut callers = Callers::of(&server).await;
    callers
        .put_merchant(crate::wallet::merchant("noodle-bar"))
        .await;
    for number in 0..12_u32 {
        let account = format!("a{number:02}");
        let mut request = bind(&account);
        let card = crate::wallet::card(&crate::wallet::visa(number), v1::Scheme::Visa);
        request.card = Some(v1::CardEntry {
            holder_name: "PIERRE CURIE".to_owned(),
            pan: crate::wallet::visa(111_000_000 + number),
            ..card
        });
        let token = bound(&callers.bind(request).await);
        callers.decision(pay(&account, &token, "k", 100)).await;
    }
    let (mut seen, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = v1::ListRiskTicketsRequest {
            page_size: 5,
            page_token,
        };
        let page = callers.admin.list_risk_tickets(request).await.unwrap();
        let page = page.into_inner();
        assert!(page.tickets.len() <= 5);
        seen.extend(page.tickets.into_iter().map(|ticket| ticket.account_id));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    let expected: Vec<_> = (0..12).map(|number| format!("a{number:02}")).collect();
    assert_eq!(seen, expected);

    let request = v1::ListRiskTicketsRequest {
        page_size: 1_001,
        page_token: "garbage".to_owned(),
    };
    let error = callers.admin.list_risk_tickets(request).await.unwrap_err();
    assert_eq!(bad_fields(&error), named(["page_size", "page_token"]));
    let request = v1::ResolveRiskTicketRequest::default();
    let error = callers.admin.resolve_risk_ticket(request).await;
    let expected = ["account_id", "idempotency_key", "ticket_id", "verdict"];
    assert_eq!(bad_fields(&error.unwrap_err()), named(expected));
}
