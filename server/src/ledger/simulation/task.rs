//! What is polled, and what is read, when the seed says so and at no other time.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::task::{Context, Wake, Waker};

use futures_util::FutureExt as _;
use tokio::runtime::Handle;

/// What is polled when the seed says so.
pub(super) struct Task {
    pub(super) name: String,
    future: Pin<Box<dyn Future<Output = ()>>>,
    woken: Arc<Woken>,
    pub(super) ended: bool,
    pub(super) client: bool,
}

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

impl Task {
    pub(super) fn new(
        name: String,
        client: bool,
        future: impl Future<Output = ()> + 'static,
    ) -> Self {
        Self {
            name,
            future: Box::pin(future),
            woken: Arc::new(Woken(AtomicBool::new(true))),
            ended: false,
            client,
        }
    }

    pub(super) fn is_ready(&self) -> bool {
        !self.ended && self.woken.0.load(Ordering::SeqCst)
    }

    pub(super) fn poll(&mut self) {
        self.woken.0.store(false, Ordering::SeqCst);
        let waker = Waker::from(Arc::clone(&self.woken));
        self.ended = self
            .future
            .poll_unpin(&mut Context::from_waker(&waker))
            .is_ready();
    }
}

/// The one thread that reads, which is held while anything else goes on.
pub(super) struct Readers(mpsc::Sender<()>);

impl Readers {
    pub(super) fn hold() -> Self {
        let (held, until) = mpsc::channel::<()>();
        Handle::current().spawn_blocking(move || until.recv());
        Self(held)
    }

    /// Waits until all is read that was asked for.
    pub(super) fn let_go(self) {
        drop(self.0);
        let (done, is_done) = mpsc::channel();
        Handle::current().spawn_blocking(move || done.send(()));
        is_done.recv().expect("the thread that reads is there");
    }
}
