//! SIGHUP: the policy file is read again (D24), and certificates and callers at once. A mistake changes nothing.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;
use tracing::{error, info, warn};

use crate::exit::{Failure, Reason};
use crate::grpc::Doorway;
use crate::ledger::{Ledger, PolicyReload};

/// Begins to catch SIGHUP, which would end the process otherwise, and reads the file again each
/// time. Needs a runtime.
pub(super) fn on_hangup(
    doorway: Arc<Doorway>,
    file: Option<PathBuf>,
    credentials: Option<Arc<Notify>>,
) -> Result<impl Future<Output = ()>, Failure> {
    let refused = |error| Failure::new(Reason::System, format!("signals: {error}"));
    let mut hangup = signal(SignalKind::hangup()).map_err(refused)?;
    Ok(async move {
        while hangup.recv().await.is_some() {
            if let Some(credentials) = &credentials {
                credentials.notify_one();
            }
            let Some(file) = file.clone() else {
                if credentials.is_none() {
                    warn!("SIGHUP reads the file of --policy again, and none was given");
                }
                continue;
            };
            if let Some(ledger) = doorway.ledger.get().cloned() {
                reload(ledger, file).await;
            } else {
                warn!("SIGHUP while the server is starting: send it again");
            }
        }
    })
}

async fn reload(ledger: Arc<Ledger>, file: PathBuf) {
    let shown = file.display().to_string();
    let reader = Arc::clone(&ledger);
    let read = tokio::task::spawn_blocking(move || reader.reload_policy(&file)).await;
    match read {
        // It is told of once a start would find it again.
        Ok(Ok(PolicyReload::Activated(policy))) => match ledger.kept(0).await {
            Ok(()) => info!(%policy, file = %shown, "policy activated"),
            Err(error) => error!(%policy, file = %shown, %error, "policy activated, but not kept"),
        },
        Ok(Ok(PolicyReload::Unchanged(policy))) => {
            info!(%policy, file = %shown, "policy unchanged");
        }
        Ok(Err(mistake)) => {
            error!(file = %shown, %mistake, "policy not taken: the one before holds");
        }
        Err(_) => error!(file = %shown, "policy not taken: reading it failed"),
    }
}
