//! What stands between a node and its database, and loses what it is told to lose.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// What becomes of what passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Passage {
    /// It passes.
    Open,
    /// The next answer about an account is lost, and the connection with it; what comes later passes.
    LosesAnswer,
    /// The next question about an account is lost, and the connection with it; what comes later passes.
    LosesQuestion,
    /// Nothing passes, and nobody is told.
    Silent,
    /// The same from when a statement is prepared.
    SilentFromParse,
}

pub(crate) struct Proxy {
    address: SocketAddr,
    passage: Arc<AtomicU8>,
}

impl Proxy {
    pub(crate) async fn start(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let passage = Arc::new(AtomicU8::new(Passage::Open as u8));
        let seen = Arc::clone(&passage);
        tokio::spawn(async move {
            while let Ok((caller, _)) = listener.accept().await {
                let Ok(database) = TcpStream::connect(("127.0.0.1", port)).await else {
                    continue;
                };
                tokio::spawn(pass(caller, database, Arc::clone(&seen)));
            }
        });
        Self { address, passage }
    }

    pub(crate) fn url(&self) -> String {
        format!("postgres://waika@{}/postgres", self.address)
    }

    pub(crate) fn set(&self, passage: Passage) {
        self.passage.store(passage as u8, Ordering::Release);
    }
}

/// What the accounts' names begin with.
const ABOUT: &[u8] = b"account-";

/// Until either side ends, or something is lost.
async fn pass(mut caller: TcpStream, mut database: TcpStream, passage: Arc<AtomicU8>) {
    let (mut questions, mut answers) = (vec![0; 65_536], vec![0; 65_536]);
    let loses = |what: Passage, bytes: &[u8]| {
        // And not what is said beside: that a statement is not needed any more.
        if !bytes.windows(ABOUT.len()).any(|part| part == ABOUT) {
            return false;
        }
        let (is, open) = (what as u8, Passage::Open as u8);
        let changed = passage.compare_exchange(is, open, Ordering::AcqRel, Ordering::Acquire);
        changed.is_ok()
    };
    let fall_silent = |bytes: &[u8]| {
        const PREPARED: &[u8] = b"with wanted";
        if bytes.windows(PREPARED.len()).any(|part| part == PREPARED) {
            let (is, silent) = (Passage::SilentFromParse as u8, Passage::Silent as u8);
            let _ = passage.compare_exchange(is, silent, Ordering::AcqRel, Ordering::Acquire);
        }
    };
    let is_silent = || passage.load(Ordering::Acquire) == Passage::Silent as u8;
    loop {
        tokio::select! {
            read = caller.read(&mut questions) => {
                let length = read.unwrap_or_default();
                if length == 0 || loses(Passage::LosesQuestion, &questions[..length]) {
                    return;
                }
                fall_silent(&questions[..length]);
                if !is_silent() && database.write_all(&questions[..length]).await.is_err() {
                    return;
                }
            }
            read = database.read(&mut answers) => {
                let length = read.unwrap_or_default();
                if length == 0 || loses(Passage::LosesAnswer, &answers[..length]) {
                    return;
                }
                if !is_silent() && caller.write_all(&answers[..length]).await.is_err() {
                    return;
                }
            }
        }
    }
}
