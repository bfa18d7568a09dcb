//! The end of a connection that this side ends.
//!
//! A socket that is closed while something of its caller is unread is reset, and a reset takes away
//! what was sent and not yet read: the last answers. So the socket outlives its connection until the
//! caller has closed its side, and what still comes is thrown away.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::transport::Transport;

/// How long a caller may take to close.
pub(super) const LINGER: Duration = Duration::from_secs(1);

/// What is read of a connection before others on its core have their turn: frames that h2 takes without a limit,
/// such as `WINDOW_UPDATE`, would otherwise keep a core for as long as they come.
const TURN_BYTES: usize = 64 * 1_024;

/// A socket that is lent to a connection, and comes back when that is dropped.
#[derive(Debug)]
pub(super) struct Lent {
    /// There until it is dropped.
    stream: Option<Transport>,
    back: Option<oneshot::Sender<Transport>>,
    /// Something was read, so it is in use.
    was_read: bool,
    /// Bytes that were read since others on this core had their turn.
    in_turn: usize,
}

/// Lends a socket, and says where it comes back.
pub(super) fn lend(stream: Transport) -> (Lent, oneshot::Receiver<Transport>) {
    let (back, returned) = oneshot::channel();
    let lent = Lent {
        stream: Some(stream),
        back: Some(back),
        was_read: false,
        in_turn: 0,
    };
    (lent, returned)
}

/// Waits until the caller has closed, and throws away what still comes.
pub(super) async fn until_closed(stream: &TcpStream) {
    let read = async {
        let mut rest = [0; 4_096];
        loop {
            // Whoever sends without a pause must not keep this core to themselves.
            tokio::task::consume_budget().await;
            stream.readable().await?;
            match stream.try_read(&mut rest) {
                Ok(0) => return Ok(()),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return io::Result::Err(error),
            }
        }
    };
    // Whichever way it ends, the connection is over.
    let _ = timeout(LINGER, read).await;
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let (Some(stream), Some(back)) = (self.stream.take(), self.back.take()) {
            // Nobody wants it back of a connection that the caller has ended.
            drop(back.send(stream));
        }
    }
}

impl Lent {
    fn with<R>(
        self: Pin<&mut Self>,
        then: impl FnOnce(Pin<&mut Transport>) -> Poll<io::Result<R>>,
    ) -> Poll<io::Result<R>> {
        match &mut self.get_mut().stream {
            Some(stream) => then(Pin::new(stream)),
            None => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    }
}

impl AsyncRead for Lent {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.in_turn >= TURN_BYTES {
            self.in_turn = 0;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let before = buffer.filled().len();
        let read = self
            .as_mut()
            .with(|stream| stream.poll_read(context, buffer));
        if read.is_pending() {
            self.in_turn = 0;
        }
        ready!(read)?;
        self.in_turn += buffer.filled().len() - before;
        self.was_read = true;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Lent {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.with(|stream| stream.poll_write(context, bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.with(|stream| stream.poll_write_vectored(context, pieces))
    }

    /// Not before its first use, and that is when h2 asks how long a piece must be for a write of its
    /// own: from 256 bytes on if several pieces can be written at once, and else from 1,024 on. Answers
    /// are a little shorter or longer than 256, and each of the longer ones would be a system call.
    fn is_write_vectored(&self) -> bool {
        let stream = self.stream.as_ref().filter(|_| self.was_read);
        stream.is_some_and(Transport::is_write_vectored)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.with(|stream| stream.poll_flush(context))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.with(|stream| stream.poll_shutdown(context))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    /// What a caller sends without a pause is read in turns, and all of it.
    #[tokio::test]
    async fn others_have_their_turn_while_a_caller_goes_on_sending() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let caller = TcpStream::connect(listener.local_addr().unwrap());
        let (caller, accepted) = tokio::join!(caller, listener.accept());
        let mut caller = caller.unwrap();
        let (mut lent, _returned) = lend(Transport::Plain(accepted.unwrap().0));
        let sent = TURN_BYTES * 5 / 2;
        // The kernel has room for it, so that the reader never waits for the caller.
        let mut rest = &vec![7; sent][..];
        let mut buffer = [0; 4_096];
        let (mut read, mut turns, mut in_turn) = (0, 0, 0);
        while read < sent {
            if !rest.is_empty() {
                let written = caller.write(rest).await.unwrap();
                rest = &rest[written..];
            }
            let mut buffer = ReadBuf::new(&mut buffer);
            let polled = std::future::poll_fn(|context| {
                Poll::Ready(Pin::new(&mut lent).poll_read(context, &mut buffer))
            });
            match polled.await {
                Poll::Ready(outcome) => {
                    outcome.unwrap();
                    read += buffer.filled().len();
                    in_turn += buffer.filled().len();
                    assert!(in_turn < TURN_BYTES + 4_096, "{in_turn}");
                }
                Poll::Pending => {
                    (turns, in_turn) = (turns + 1, 0);
                    tokio::task::yield_now().await;
                }
            }
        }
        assert!(turns >= 2, "{turns}");
    }

    /// A caller who goes on sending all the while still reads the last answer.
    #[tokio::test]
    async fn the_last_answer_reaches_a_caller_who_goes_on_sending() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let caller = TcpStream::connect(listener.local_addr().unwrap());
        let (caller, accepted) = tokio::join!(caller, listener.accept());
        let (mut reader, mut writer) = caller.unwrap().into_split();
        let sending = tokio::spawn(async move {
            while writer.write_all(&[7; 1_024]).await.is_ok() {
                tokio::task::yield_now().await;
            }
        });
        let (mut lent, returned) = lend(Transport::Plain(accepted.unwrap().0));
        let mut first = [0; 16];
        lent.read_exact(&mut first).await.unwrap();
        lent.write_all(b"the last answer").await.unwrap();
        lent.shutdown().await.unwrap();
        drop(lent);
        let lingering =
            tokio::spawn(async move { until_closed(returned.await.unwrap().socket()).await });
        let mut heard = Vec::new();
        reader.read_to_end(&mut heard).await.unwrap();
        assert_eq!(heard, b"the last answer");
        sending.abort();
        drop(reader);
        lingering.await.unwrap();
    }
}
