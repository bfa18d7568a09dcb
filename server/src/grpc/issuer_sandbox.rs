//! What the sandbox of the world outside offers: parse, ask, map.

mod issuer;
mod listing;
mod parse;
mod verifier;

use std::pin::Pin;

use futures_util::Stream;
use tonic::service::Routes;
use tonic::{Request, Response, Status, Streaming};
use waika::v1;
use waika::v1::identity_verifier_service_server::{
    IdentityVerifierService, IdentityVerifierServiceServer,
};
use waika::v1::issuer_sandbox_service_server::{IssuerSandboxService, IssuerSandboxServiceServer};
use waika::v1::issuer_service_server::{IssuerService, IssuerServiceServer};
use waika::v1::sms_gateway_service_server::{SmsGatewayService, SmsGatewayServiceServer};

use super::MESSAGE_BYTES;
use crate::issuer_sandbox::Desk;

/// Every service of the sandbox.
pub(crate) const SERVICES: &[&str] = &[
    "waika.v1.IssuerService",
    "waika.v1.IssuerSandboxService",
    "waika.v1.SmsGatewayService",
    "waika.v1.IdentityVerifierService",
];

/// The services of one core.
pub(crate) fn routes(desk: &Desk) -> Routes {
    let issuer = IssuerServiceServer::new(desk.clone())
        .max_decoding_message_size(MESSAGE_BYTES)
        .max_encoding_message_size(MESSAGE_BYTES);
    let sandbox = IssuerSandboxServiceServer::new(desk.clone())
        .max_decoding_message_size(MESSAGE_BYTES)
        // A thousand transactions in a message.
        .max_encoding_message_size(8 * MESSAGE_BYTES);
    let sms = SmsGatewayServiceServer::new(Others)
        .max_decoding_message_size(MESSAGE_BYTES)
        .max_encoding_message_size(MESSAGE_BYTES);
    let verifier = IdentityVerifierServiceServer::new(Others)
        .max_decoding_message_size(MESSAGE_BYTES)
        .max_encoding_message_size(MESSAGE_BYTES);
    Routes::new(issuer)
        .add_service(sandbox)
        .add_service(sms)
        .add_service(verifier)
}

#[tonic::async_trait]
impl IssuerService for Desk {
    async fn authorise_payment(
        &self,
        request: Request<v1::AuthorisePaymentRequest>,
    ) -> Result<Response<v1::AuthorisePaymentResponse>, Status> {
        let request = request.into_inner();
        let answer = self.authorise(parse::payment(&request)?).await;
        issuer::payment(request.transaction_id, answer).map(Response::new)
    }

    async fn reverse_payment(
        &self,
        request: Request<v1::ReversePaymentRequest>,
    ) -> Result<Response<v1::ReversePaymentResponse>, Status> {
        let request = request.into_inner();
        let reversal = parse::reversal(&request)?;
        let given = self.reverse(reversal, &request.reversal_id).await;
        issuer::reversal(request.reversal_id, given).map(Response::new)
    }

    async fn verify_card(
        &self,
        request: Request<v1::VerifyCardRequest>,
    ) -> Result<Response<v1::VerifyCardResponse>, Status> {
        let request = request.into_inner();
        let transaction_id = request.transaction_id.clone();
        let answer = self.verify(parse::verification(request)?).await;
        issuer::verification(transaction_id, answer).map(Response::new)
    }

    async fn get_payment_status(
        &self,
        request: Request<v1::GetPaymentStatusRequest>,
    ) -> Result<Response<v1::GetPaymentStatusResponse>, Status> {
        let request = request.into_inner();
        let (id, scheme) = parse::status(&request)?;
        let seen = self.status(id, scheme).await;
        issuer::status(request.transaction_id, seen).map(Response::new)
    }
}

/// Messages of a stream, as they come.
type Messages<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

#[tonic::async_trait]
impl IssuerSandboxService for Desk {
    type ListTransactionsStream = Messages<v1::ListTransactionsResponse>;

    async fn list_transactions(
        &self,
        _: Request<v1::ListTransactionsRequest>,
    ) -> Result<Response<Self::ListTransactionsStream>, Status> {
        Ok(Response::new(Box::pin(listing::all(self.clone()))))
    }
}

/// Whom else the server asks: pure functions of what they are asked.
#[derive(Debug)]
struct Others;

#[tonic::async_trait]
impl SmsGatewayService for Others {
    async fn send_code(
        &self,
        request: Request<v1::SendCodeRequest>,
    ) -> Result<Response<v1::SendCodeResponse>, Status> {
        verifier::send_code(request.into_inner()).map(Response::new)
    }
}

#[tonic::async_trait]
impl IdentityVerifierService for Others {
    async fn verify_identity(
        &self,
        request: Request<v1::VerifyIdentityRequest>,
    ) -> Result<Response<v1::VerifyIdentityResponse>, Status> {
        verifier::identity(request.into_inner()).map(Response::new)
    }

    async fn verify_photo(
        &self,
        request: Request<Streaming<v1::VerifyPhotoRequest>>,
    ) -> Result<Response<v1::VerifyPhotoResponse>, Status> {
        verifier::photo(request.into_inner())
            .await
            .map(Response::new)
    }
}
