//! What each listener offers: our services, and beside them health and reflection.

use std::sync::Arc;

use tonic::service::Routes;
use tonic_reflection::server::{Builder, Error};

use super::calls::RpcService;
use super::core::Services;
use super::entrance::Entrances;
use crate::exit::{Failure, Reason};
use crate::grpc::health::Health;
use crate::grpc::{self, CallMetrics, Doorway};

const FOR_CALLERS: &[&str] = &["waika.v1.AuthorisationService", "waika.v1.CardService"];
const FOR_OPERATORS: &[&str] = &["waika.v1.AdminService"];
/// Operators may ask after everything on their own listener.
const ALL: &[&str] = &[
    "waika.v1.AuthorisationService",
    "waika.v1.CardService",
    "waika.v1.AdminService",
];

/// The services of both gRPC listeners on one core.
pub(super) fn services(
    doorway: &Arc<Doorway>,
    (health, calls): (&Health, &CallMetrics),
    entrances: &Entrances,
    core: usize,
) -> Result<Services, Failure> {
    let callers = grpc::rpc_routes(doorway, core).add_service(health.service(FOR_CALLERS));
    let operators = grpc::admin_routes(doorway, core).add_service(health.service(ALL));
    let calls = calls.add_core();
    let failure = |error| Failure::new(Reason::System, format!("reflection: {error}"));
    Ok(Services {
        callers: RpcService::new(
            with_reflection(callers, FOR_CALLERS).map_err(failure)?,
            (&entrances.callers, &calls),
        )
        .with_authorisation(
            grpc::authorisation(doorway, core),
            grpc::payments(doorway, core),
        ),
        operators: RpcService::new(
            with_reflection(operators, FOR_OPERATORS).map_err(failure)?,
            (&entrances.operators, &calls),
        ),
    })
}

/// Adds reflection in both versions. It lists what the listener has, not all that the contract
/// describes.
pub(crate) fn with_reflection(routes: Routes, services: &[&str]) -> Result<Routes, Error> {
    let builder = || {
        let builder = Builder::configure()
            .register_encoded_file_descriptor_set(waika::v1::FILE_DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(waika::health::FILE_DESCRIPTOR_SET)
            .with_service_name("grpc.health.v1.Health");
        services
            .iter()
            .fold(builder, |builder, name| builder.with_service_name(*name))
    };
    let v1 = builder().with_service_name("grpc.reflection.v1.ServerReflection");
    let v1alpha = builder().with_service_name("grpc.reflection.v1alpha.ServerReflection");
    Ok(routes
        .add_service(v1.build_v1()?)
        .add_service(v1alpha.build_v1alpha()?))
}
