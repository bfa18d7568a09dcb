//! `waika-server`: configure, recover, listen, wait, drain.

use std::process::ExitCode;

use metrics_exporter_prometheus::PrometheusHandle;
use waika_server::config::{self, Command, Config};
use waika_server::exit::{self, Failure};
use waika_server::serve::{self, Listeners, Server, Signals};
use waika_server::{grpc, inspect, issuer_sandbox, metrics, telemetry};

/// Chosen by measurement: decisions 0028 and 0030.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let ended = config::parse(std::env::args_os()).and_then(|command| match command {
        Command::Tell(text) => exit::print(&text),
        Command::Inspect(inspection) => inspect::run(inspection),
        Command::AskHealth(config) => serve::main_runtime()?.block_on(grpc::ask_health(&config)),
        Command::IssuerSandbox(config) => {
            telemetry::begin(config.log);
            serve::main_runtime()?.block_on(issuer_sandbox::run(*config))
        }
        Command::Serve(config) => {
            telemetry::begin(config.log);
            serve::main_runtime()?.block_on(live(&config, metrics::install()?))
        }
    });
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => telemetry::tell(&failure).exit_code(),
    }
}

async fn live(config: &Config, metrics: PrometheusHandle) -> Result<(), Failure> {
    let mut signals = Signals::catch()?;
    let mut server = Server::start(
        config,
        Listeners::open(&config.listening.addresses)?,
        metrics,
    )?;
    tokio::select! {
        recovered = server.recover() => recovered?,
        signal = signals.next() => return server.drain(signal, &mut signals).await,
    }
    server.announce();
    let signal = tokio::select! {
        failed = server.halted() => return Err(server.stop_at_once(failed).await),
        signal = signals.next() => signal,
    };
    server.drain(signal, &mut signals).await
}
