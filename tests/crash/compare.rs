//! After a restart: every answer again, and every account as it must be.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;
use tonic::Status;
use waika::v1::{self, CardStatus, DeclineReason};

use crate::book::{self, View, declined};
use crate::call::{Answer, Callers, Request};
use crate::draw::merchants;
use crate::finding::{Finding, Kind};
use crate::load::{Shared, send};
use crate::people::{self, ACCOUNTS, WORKERS, account_id, watched_by};

/// Calls at once while comparing.
const AT_ONCE: usize = 16;
/// Everything that was answered so shortly before a kill is sent again.
const LATE: Duration = Duration::from_secs(1);

/// How much of what was acknowledged earlier is sent again: one in so many.
#[derive(Clone, Copy)]
pub(crate) struct OneIn(pub usize);

/// Compares all there is. Leaves what it finds with the oracle.
pub(crate) async fn compare(shared: &Shared, callers: &Callers, killed: Instant, one_in: OneIn) {
    let (unknown, known) = {
        let oracle = shared.lock().unwrap();
        let since = killed.checked_sub(LATE).unwrap_or(killed);
        (oracle.unknown(), oracle.answered_since(since, one_in.0))
    };
    send_all(shared, callers, unknown).await;
    send_all(shared, callers, known).await;
    probe_statuses(shared, callers).await;
    check_merchants(shared, callers).await;
    check_accounts(shared, callers).await;
}

async fn send_all(shared: &Shared, callers: &Callers, requests: Vec<Request>) {
    let requests = Arc::new(Mutex::new(requests.into_iter()));
    let mut tasks = JoinSet::new();
    for _ in 0..AT_ONCE {
        let (shared, mut callers) = (shared.clone(), callers.clone());
        let requests = requests.clone();
        tasks.spawn(async move {
            loop {
                let next = requests.lock().unwrap().next();
                let Some(request) = next else { return };
                send(&shared, &mut callers, request).await;
            }
        });
    }
    tasks.join_all().await;
}

/// A payment with each watched card meets the status that was set last.
async fn probe_statuses(shared: &Shared, callers: &Callers) {
    let mut callers = callers.clone();
    for account in (0..WORKERS).filter_map(watched_by) {
        let (request, status) = {
            let oracle = shared.lock().unwrap();
            let records = oracle.records_of(&account_id(account));
            let set = records
                .iter()
                .rev()
                .find_map(|record| match &record.request {
                    Request::SetCardStatus(set) => Some(set.clone()),
                    _ => None,
                });
            let Some(set) = set else { continue };
            let key = format!("probe-{}-{}", oracle.life, records.len());
            let asked = people::pay(account, &key, &set.card_token);
            (Request::Authorise(asked), set.status())
        };
        send(shared, &mut callers, request.clone()).await;
        let mut oracle = shared.lock().unwrap();
        let records = oracle.records_of(&account_id(account));
        let record = records.iter().find(|record| record.request == request);
        let Some(Answer::Authorise(response)) = record.and_then(|record| record.answer.as_ref())
        else {
            continue;
        };
        if declined(response.authorisation.as_ref().unwrap()) != answer_to(status) {
            let what = format!("a card that was set to {status:?} is not treated so");
            let answer = record.and_then(|record| record.answer.as_ref());
            let finding = Finding::new(Kind::Lost, what).about(&request, answer);
            oracle.findings.push(finding);
        }
    }
}

fn answer_to(status: CardStatus) -> Option<DeclineReason> {
    match status {
        CardStatus::Unspecified | CardStatus::Normal => None,
        CardStatus::Expired => Some(DeclineReason::IssuerExpiredCard),
        CardStatus::Locked => Some(DeclineReason::IssuerLockedCard),
        CardStatus::Lost => Some(DeclineReason::IssuerLostCard),
        CardStatus::Stolen => Some(DeclineReason::IssuerStolenCard),
        CardStatus::Pickup => Some(DeclineReason::IssuerPickupCard),
        CardStatus::NoFunds => Some(DeclineReason::IssuerInsufficientFunds),
    }
}

/// Each merchant is as its only worker put it last.
async fn check_merchants(shared: &Shared, callers: &Callers) {
    let mut callers = callers.clone();
    for merchant_id in merchants() {
        let last = {
            let oracle = shared.lock().unwrap();
            let records = oracle.records_of(&merchant_id);
            records.last().map(|record| record.request.clone())
        };
        let Some(Request::PutMerchant(put)) = last else {
            continue;
        };
        let asked = v1::GetMerchantRequest { merchant_id };
        let read = callers.admin.get_merchant(asked).await;
        let shown = read
            .ok()
            .and_then(|response| response.into_inner().merchant);
        if shown != put.merchant {
            let what = format!("a merchant is not as it was put last: {shown:?}");
            let finding = Finding::new(Kind::Lost, what).about(&Request::PutMerchant(put), None);
            shared.lock().unwrap().findings.push(finding);
        }
    }
}

async fn check_accounts(shared: &Shared, callers: &Callers) {
    let mut tasks = JoinSet::new();
    for group in 0..AT_ONCE {
        let (shared, mut callers) = (shared.clone(), callers.clone());
        tasks.spawn(async move {
            for account in (group..ACCOUNTS).step_by(AT_ONCE) {
                let id = account_id(account);
                let view = view(&mut callers, &id).await;
                let mut oracle = shared.lock().unwrap();
                let findings = match view {
                    Ok(view) => book::check(&oracle.records_of(&id), &view),
                    Err(status) => vec![Finding::new(Kind::Lost, format!("{id}: {status}"))],
                };
                oracle.findings.extend(findings);
            }
        });
    }
    tasks.join_all().await;
}

async fn view(callers: &mut Callers, account_id: &str) -> Result<View, Status> {
    let account_id = account_id.to_owned();
    let asked = v1::GetAccountRequest {
        account_id: account_id.clone(),
    };
    let account = callers.cards.get_account(asked).await?.into_inner();
    let asked = v1::ListCardsRequest {
        account_id: account_id.clone(),
    };
    let cards = callers.cards.list_cards(asked).await?.into_inner().cards;
    let mut history = Vec::new();
    let mut asked = v1::ListAuthorisationsRequest {
        account_id,
        ..v1::ListAuthorisationsRequest::default()
    };
    loop {
        let page = callers.authorisations.list_authorisations(asked.clone());
        let page = page.await?.into_inner();
        history.extend(page.authorisations);
        if page.next_page_token.is_empty() {
            return Ok(View {
                account,
                history,
                cards,
            });
        }
        asked.page_token = page.next_page_token;
    }
}
