//! The end of a connection that this side ends.
//!
//! A socket that is closed while something of its caller is unread is reset, and a reset takes away
//! what was sent and not yet read: the last answers. So the socket outlives its connection until the
//! caller has closed its side, and what still comes is thrown away.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use metrics::Counter;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::control_frames::ControlFrames;
use super::transport::Transport;

/// How long a caller may take to close.
pub(super) const LINGER: Duration = Duration::from_secs(1);

/// A socket that is lent to a connection, and comes back when that is dropped.
#[derive(Debug)]
pub(super) struct Lent {
    /// There until it is dropped.
    stream: Option<Transport>,
    back: Option<oneshot::Sender<Transport>>,
    /// Something was read, so it is in use.
    was_read: bool,
    control_frames: ControlFrames,
}

/// Lends a socket, and says where it comes back. `pauses` counts when it was left alone for its control frames.
pub(super) fn lend(stream: Transport, pauses: Counter) -> (Lent, oneshot::Receiver<Transport>) {
    let (back, returned) = oneshot::channel();
    let lent = Lent {
        stream: Some(stream),
        back: Some(back),
        was_read: false,
        control_frames: ControlFrames::new(pauses),
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
        ready!(self.control_frames.poll_allowed(context));
        let before = buffer.filled().len();
        ready!(
            self.as_mut()
                .with(|stream| stream.poll_read(context, buffer))
        )?;
        let read = buffer.filled().get(before..).unwrap_or_default();
        self.control_frames.note(read);
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
        let (mut lent, returned) = lend(Transport::Plain(accepted.unwrap().0), Counter::noop());
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
