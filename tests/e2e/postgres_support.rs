//! Several servers over one PostgreSQL, which the test starts from the installed package.

use std::process::Command;

use tempfile::TempDir;

use crate::postgres_cluster::Cluster;
use crate::support::{Home, NotStarted, Server, command_over};
use crate::wallet::Callers;

/// A database, and the key file that its servers share.
pub(crate) struct Database {
    pub cluster: Cluster,
    keys: TempDir,
}

impl Database {
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// With settings beside the package's own. Nothing is synced: it is never cut off from its power here.
    pub(crate) fn start_with(settings: &[&str]) -> Self {
        let mut all = vec!["max_connections=300"];
        all.extend(settings);
        Self {
            cluster: Cluster::start(&all),
            keys: tempfile::tempdir().unwrap(),
        }
    }

    /// The same with another cluster in the place of its own, which ends.
    pub(crate) fn taken_over_by(self, cluster: Cluster) -> Self {
        Self { cluster, ..self }
    }

    pub(crate) fn node(&self) -> Server {
        self.node_over(&self.cluster.url(), &[])
    }

    pub(crate) fn nodes<const N: usize>(&self) -> [Server; N] {
        std::array::from_fn(|_| self.node())
    }

    /// A node that reaches the database by that URL.
    pub(crate) fn node_over(&self, url: &str, arguments: &[&str]) -> Server {
        match self.try_node_over(url, arguments) {
            Ok(server) => server,
            Err(NotStarted { status, text, .. }) => {
                panic!("the server did not start ({status}): {text}")
            }
        }
    }

    /// A server over the database by that URL, not started yet.
    pub(crate) fn command_over(&self, url: &str) -> Command {
        command_over(url, &self.keys.path().join("waika.key"))
    }

    /// The same, which may end before it serves.
    pub(crate) fn try_node_over(
        &self,
        url: &str,
        arguments: &[&str],
    ) -> Result<Server, NotStarted> {
        let mut command = self.command_over(url);
        Server::try_start(command.args(arguments), Home::new())
    }

    /// What a query says: rows of one line, columns with a bar between them.
    pub(crate) fn query(&self, query: &str) -> String {
        let ran = Command::new("psql")
            .args([
                "--quiet",
                "--no-psqlrc",
                "--tuples-only",
                "--no-align",
                "--command",
                query,
            ])
            .arg(self.cluster.url())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&ran.stderr);
        assert!(ran.status.success(), "{query}: {said}");
        String::from_utf8(ran.stdout).unwrap().trim().to_owned()
    }
}

/// Callers of each of some servers.
pub(crate) async fn callers<const N: usize>(nodes: &[Server; N]) -> [Callers; N] {
    let mut all = Vec::new();
    for node in nodes {
        all.push(Callers::of(node).await);
    }
    let Ok(all) = all.try_into() else {
        panic!("as many as there are nodes")
    };
    all
}

/// Waits until something is so, which it has to be within half a minute.
pub(crate) async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    for _ in 0..3_000 {
        if is_so().await {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("{what} did not come about");
}
