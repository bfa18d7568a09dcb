//! The load: many people at once, on several connections, until the server is gone.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;
use waika::v1::{self, streamed_response};

use crate::call::{Answered, Callers, Request};
use crate::draw::{Draw, Step};
use crate::finding::{Finding, Kind};
use crate::oracle::Oracle;
use crate::people::WORKERS;

const CONNECTIONS: usize = 4;
const STREAMS: usize = 2;
/// Payments that a stream sends before it waits for all their answers.
const STREAMED: usize = 16;
const SNAPSHOT_EVERY: Duration = Duration::from_millis(70);

pub(crate) type Shared = Arc<Mutex<Oracle>>;

/// How many call at once.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Crowd {
    /// Everybody.
    All,
    /// One, so that the last entry of the journal is mostly one that was acknowledged.
    One,
}

/// A load that goes on until its server is killed.
pub(crate) struct Load(JoinSet<()>);

impl Load {
    pub(crate) async fn start(
        shared: &Shared,
        (rpc, admin): (&str, &str),
        seed: u64,
        crowd: Crowd,
    ) -> Self {
        let callers = match crowd {
            Crowd::All => WORKERS + STREAMS,
            Crowd::One => 1,
        };
        let life = shared.lock().unwrap().life;
        let mut connections = Vec::new();
        for _ in 0..CONNECTIONS {
            connections.push(Callers::connect(rpc, admin).await);
        }
        let mut tasks = JoinSet::new();
        for worker in 0..callers {
            let callers = connections[worker % CONNECTIONS].clone();
            let (shared, draw) = (shared.clone(), Draw::new(seed, life, worker));
            if worker < WORKERS {
                tasks.spawn(work(shared, callers, draw));
            } else {
                tasks.spawn(stream(shared, callers, draw));
            }
        }
        tasks.spawn(take_snapshots(connections[0].clone()));
        Self(tasks)
    }

    /// Waits until everybody has noticed that the server is gone.
    pub(crate) async fn end(self) {
        self.0.join_all().await;
    }
}

/// Sends one request, and notes what becomes of it. False if it has no answer.
pub(crate) async fn send(shared: &Shared, callers: &mut Callers, request: Request) -> bool {
    shared.lock().unwrap().sends(&request);
    let outcome = callers.call(request.clone()).await;
    let mut oracle = shared.lock().unwrap();
    match &outcome {
        Ok(answered) => oracle.learns(&request, answered),
        Err(status) => oracle.misses(&request, status),
    }
    outcome.is_ok()
}

async fn work(shared: Shared, mut callers: Callers, mut draw: Draw) {
    loop {
        let step = {
            let mut oracle = shared.lock().unwrap();
            if oracle.dying {
                return;
            }
            draw.next(&mut oracle)
        };
        match step {
            Step::Call(request) => {
                send(&shared, &mut callers, request).await;
            }
            Step::Conflict(request) => {
                let outcome = callers.call(request.clone()).await;
                let mut oracle = shared.lock().unwrap();
                oracle.learns_of_conflict(&request, outcome.as_ref());
            }
            Step::Read(account_id) => read(&shared, &mut callers, account_id).await,
        }
    }
}

/// Under load too, nobody ever sees more than the limits or more than three cards.
async fn read(shared: &Shared, callers: &mut Callers, account_id: String) {
    let asked = v1::GetAccountRequest {
        account_id: account_id.clone(),
    };
    let account = callers.cards.get_account(asked).await;
    let asked = v1::ListAuthorisationsRequest {
        account_id: account_id.clone(),
        page_size: 20,
        page_token: String::new(),
    };
    let page = callers.authorisations.list_authorisations(asked).await;
    let mut oracle = shared.lock().unwrap();
    let what = match (account, page) {
        (Err(status), _) | (_, Err(status)) if !oracle.dying => {
            let what = format!("{account_id} cannot be read: {status}");
            Finding::new(Kind::Other, what)
        }
        (Ok(account), _) if exceeds(account.get_ref()) => {
            Finding::new(Kind::Exceeded, format!("{:?}", account.get_ref()))
        }
        _ => return,
    };
    oracle.findings.push(what);
}

fn exceeds(account: &v1::GetAccountResponse) -> bool {
    let windows = [&account.month, &account.year];
    let over = |window: &v1::LimitWindow| window.used_fen > window.limit_fen;
    account.cards_bound > 3 || windows.into_iter().flatten().any(over)
}

async fn stream(shared: Shared, mut callers: Callers, mut draw: Draw) {
    let (messages, outgoing) = mpsc::channel(1);
    let stream = ReceiverStream::new(outgoing);
    let Ok(answers) = callers.authorisations.authorise_stream(stream).await else {
        return;
    };
    let mut answers = answers.into_inner();
    loop {
        let payments: Vec<_> = {
            let mut oracle = shared.lock().unwrap();
            if oracle.dying {
                return;
            }
            let payments: Vec<_> = (0..STREAMED).map(|_| draw.payment(&mut oracle)).collect();
            for payment in &payments {
                oracle.sends(&Request::Authorise(payment.clone()));
            }
            payments
        };
        let requests = payments
            .iter()
            .zip(0..)
            .map(|(payment, number)| v1::StreamedRequest {
                correlation_id: number,
                request: Some(payment.clone()),
            });
        let requests = requests.collect();
        // A stream that is broken says so where its answers are awaited.
        drop(messages.send(v1::AuthoriseStreamRequest { requests }).await);
        let mut waiting: Vec<_> = payments.into_iter().map(Some).collect();
        while waiting.iter().any(Option::is_some) {
            let message = answers.message().await;
            let mut oracle = shared.lock().unwrap();
            match message {
                Ok(Some(message)) => learn_all(&mut oracle, &mut waiting, message),
                Ok(None) => return miss_all(&mut oracle, waiting, &Status::cancelled("ended")),
                Err(status) => return miss_all(&mut oracle, waiting, &status),
            }
        }
    }
}

fn learn_all(
    oracle: &mut Oracle,
    waiting: &mut [Option<v1::AuthoriseRequest>],
    message: v1::AuthoriseStreamResponse,
) {
    for streamed in message.responses {
        let place = usize::try_from(streamed.correlation_id).unwrap();
        let Some(payment) = waiting.get_mut(place).and_then(Option::take) else {
            let what = "a stream answered what it was not asked, or twice";
            oracle.findings.push(Finding::new(Kind::Duplicated, what));
            continue;
        };
        let request = Request::Authorise(payment);
        match streamed.outcome {
            Some(streamed_response::Outcome::Response(response)) => {
                oracle.learns(&request, &Answered::authorise(response));
            }
            Some(streamed_response::Outcome::Error(error)) => {
                oracle.misses(&request, &Status::new(error.code.into(), error.message));
            }
            None => oracle.misses(&request, &Status::internal("no outcome")),
        }
    }
}

fn miss_all(oracle: &mut Oracle, waiting: Vec<Option<v1::AuthoriseRequest>>, status: &Status) {
    for payment in waiting.into_iter().flatten() {
        oracle.misses(&Request::Authorise(payment), status);
    }
}

async fn take_snapshots(mut callers: Callers) {
    while callers
        .admin
        .take_snapshot(v1::TakeSnapshotRequest {})
        .await
        .is_ok()
    {
        sleep(SNAPSHOT_EVERY).await;
    }
}
