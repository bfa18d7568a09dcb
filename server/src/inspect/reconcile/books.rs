//! The books of the sandbox issuer, read over the network.

use std::collections::HashMap;
use std::time::Duration;

use tonic::transport::Endpoint;
use waika::v1;
use waika::v1::issuer_sandbox_service_client::IssuerSandboxServiceClient;
use waika_domain::event::TransactionId;
use waika_domain::money::Fen;

use super::compare::Theirs;
use crate::exit::{Failure, Reason};

/// How long the issuer may take to say anything at all.
const CONNECT: Duration = Duration::from_secs(5);

/// Every transaction in the books of the sandbox issuer.
pub(super) async fn read(endpoint: &Endpoint) -> Result<HashMap<TransactionId, Theirs>, Failure> {
    let failed = |what: &str| {
        let text = format!(
            "--issuer: {} {what}: name a running `waika-server issuer-sandbox`",
            endpoint.uri()
        );
        Failure::new(Reason::Unavailable, text)
    };
    let channel = endpoint.clone().connect_timeout(CONNECT).connect().await;
    let channel = channel.map_err(|_| failed("cannot be reached"))?;
    let mut client = IssuerSandboxServiceClient::new(channel).max_decoding_message_size(1 << 24);
    let listed = client
        .list_transactions(v1::ListTransactionsRequest {})
        .await;
    let refused = |_| failed("has no books");
    let mut stream = listed.map_err(refused)?.into_inner();
    let mut theirs = HashMap::new();
    while let Some(page) = stream.message().await.map_err(refused)? {
        for transaction in page.transactions {
            let id = TransactionId::parse(&transaction.transaction_id);
            let id = id.ok_or_else(|| failed("has a transaction without a name"))?;
            let entry = Theirs {
                approved: Fen::new(transaction.amount_fen),
                given_back: Fen::new(transaction.reversed_fen),
                is_verification: transaction.verification,
            };
            theirs.insert(id, entry);
        }
    }
    Ok(theirs)
}
