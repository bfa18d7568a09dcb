//! The process that calls. What it does is not counted.

use std::io::Write as _;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::mpsc::{Sender, channel};
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Streaming};
use waika::v1;
use waika::v1::authorisation_service_client::AuthorisationServiceClient;
use waika::v1::streamed_response::Outcome as Streamed;

use crate::requests::{decision, pay};
use crate::wallets::{self, Wallet};
use crate::{IN_FLIGHT, Way, Wrong};

/// Wallets that pay in turn: none has two payments in flight.
const WALLETS: u32 = 1_024;

/// Windows before anything is counted, so that every wallet has paid once.
const WARM_UP: u32 = WALLETS / IN_FLIGHT;

/// Each payment is of so many fen, for which there is a fee.
const FEN: i64 = 25_000;

/// A deadline as callers have one, and so far away that a server under valgrind meets it.
const DEADLINE: Duration = Duration::from_secs(60);

/// Calls so often a window of authorisations, once it is warm.
pub(crate) fn call(way: Way, windows: u32, (rpc, admin): (&str, &str)) -> Result<(), Wrong> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let connect = |address: &str| Endpoint::from_shared(format!("http://{address}"));
        let rpc = connect(rpc)?.connect().await?;
        let admin = connect(admin)?.connect().await?;
        let mut caller = Caller {
            wallets: wallets::open(WALLETS, rpc.clone(), admin).await,
            line: Line::open(way, rpc).await?,
            next: 0,
        };
        for _ in 0..WARM_UP {
            caller.send_a_window().await?;
        }
        say_and_wait("warm")?;
        for _ in 0..windows {
            caller.send_a_window().await?;
        }
        say_and_wait("answered")
    })
}

/// Says a word to the process that counts, and waits until that has heard it.
fn say_and_wait(word: &str) -> Result<(), Wrong> {
    let mut output = std::io::stdout().lock();
    writeln!(output, "{word}")?;
    output.flush()?;
    std::io::stdin().read_line(&mut String::new())?;
    Ok(())
}

struct Caller {
    wallets: Vec<Wallet>,
    line: Line,
    /// The number of the next payment: its key, and whose turn it is.
    next: u32,
}

impl Caller {
    /// Sends as many payments as may be in flight, each of another wallet, and waits for all answers.
    async fn send_a_window(&mut self) -> Result<(), Wrong> {
        let first = self.next % WALLETS;
        let payers = self.wallets.iter().skip(usize::try_from(first)?);
        let numbers = self.next..self.next + IN_FLIGHT;
        self.next = numbers.end;
        let payments = payers.zip(numbers).map(|(wallet, number)| {
            let key = format!("payment-{number:08}");
            pay(&wallet.account, &wallet.card_token, &key, FEN)
        });
        self.line.ask(payments.collect()).await
    }
}

/// The way to the server.
enum Line {
    Unary(AuthorisationServiceClient<Channel>),
    Stream {
        /// Payments in a message.
        batch: usize,
        requests: Sender<v1::AuthoriseStreamRequest>,
        answers: Box<Streaming<v1::AuthoriseStreamResponse>>,
    },
}

impl Line {
    async fn open(way: Way, rpc: Channel) -> Result<Self, Wrong> {
        let mut client = AuthorisationServiceClient::new(rpc);
        let in_flight = usize::try_from(IN_FLIGHT)?;
        let batch = match way {
            Way::Unary => return Ok(Self::Unary(client)),
            Way::Stream => 1,
            Way::Batch => in_flight,
        };
        let (requests, outgoing) = channel(in_flight);
        let answers = client.authorise_stream(ReceiverStream::new(outgoing));
        Ok(Self::Stream {
            batch,
            requests,
            answers: Box::new(answers.await?.into_inner()),
        })
    }

    /// Asks for all of them at once, and ends when all are answered.
    async fn ask(&mut self, payments: Vec<v1::AuthoriseRequest>) -> Result<(), Wrong> {
        match self {
            Self::Unary(client) => {
                let asked = payments.into_iter().map(|payment| {
                    let mut client = client.clone();
                    let mut request = Request::new(payment);
                    request.set_timeout(DEADLINE);
                    async move { client.authorise(request).await }
                });
                for answer in join_all(asked).await {
                    check(&answer?.into_inner())?;
                }
            }
            Self::Stream {
                batch,
                requests,
                answers,
            } => {
                let mut unanswered = payments.len();
                let payments = payments.into_iter().zip(0..);
                let payments = payments.map(|(payment, correlation_id)| v1::StreamedRequest {
                    correlation_id,
                    request: Some(payment),
                });
                let payments: Vec<_> = payments.collect();
                for part in payments.chunks(*batch) {
                    // There is room for all of them, so none goes before the others.
                    requests.try_send(v1::AuthoriseStreamRequest {
                        requests: part.to_vec(),
                    })?;
                }
                while unanswered > 0 {
                    let message = answers.message().await?.ok_or("the stream has ended")?;
                    for answer in message.responses {
                        match answer.outcome {
                            Some(Streamed::Response(response)) => check(&response)?,
                            other => return Err(format!("no decision: {other:?}").into()),
                        }
                        unanswered -= 1;
                    }
                }
            }
        }
        Ok(())
    }
}

/// Only new approvals are counted.
fn check(answer: &v1::AuthoriseResponse) -> Result<(), Wrong> {
    match decision(answer) {
        word if word == "APPROVED" && !answer.replayed => Ok(()),
        word => Err(format!("{word}, replayed: {}", answer.replayed).into()),
    }
}
