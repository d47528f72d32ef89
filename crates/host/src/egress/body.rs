//! Reads a body whole, into one growing buffer.
//!
//! A list of the pieces would be cheaper. But each piece has a header and keeps the buffer alive that it was read into,
//! so a sender of single bytes could make a body cost many times its length.

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Body;

/// First size of the buffer.
const FIRST_BYTES: usize = 4 << 10;

/// Why a body was not read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unread {
    /// It is too long.
    TooLong,
    /// The sender broke off.
    BrokenOff,
}

/// The whole body, of at most so many bytes. The buffer never exceeds that, and each piece is dropped once copied.
pub(crate) async fn read_whole<B>(mut body: B, bytes_max: usize) -> Result<Bytes, Unread>
where
    B: Body<Data = Bytes> + Unpin,
{
    let mut read: Vec<u8> = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Unread::BrokenOff)?;
        // Ignore trailers.
        let Ok(piece) = frame.into_data() else { continue };
        let length = read.len().saturating_add(piece.len());
        if length > bytes_max {
            return Err(Unread::TooLong);
        }
        if length > read.capacity() {
            let room = read.capacity().saturating_mul(2).max(FIRST_BYTES).min(bytes_max).max(length);
            read.reserve_exact(room - read.len());
        }
        read.extend_from_slice(&piece);
    }
    Ok(read.into())
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::convert::Infallible;
    use std::pin::Pin;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Context, Poll};

    use hyper::body::Frame;

    use super::*;

    /// A body of these pieces, the last of which may be an error.
    struct Pieces<E>(VecDeque<Result<Bytes, E>>);

    impl<E: Unpin> Body for Pieces<E> {
        type Data = Bytes;
        type Error = E;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _context: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, E>>> {
            Poll::Ready(self.0.pop_front().map(|piece| piece.map(Frame::data)))
        }
    }

    fn pieces(texts: &[&'static str]) -> Pieces<Infallible> {
        Pieces(texts.iter().map(|text| Ok(Bytes::from_static(text.as_bytes()))).collect())
    }

    #[tokio::test]
    async fn a_body_is_read_up_to_its_limit_and_not_beyond() {
        assert_eq!(read_whole(pieces(&["ab", "", "c"]), 3).await, Ok(Bytes::from_static(b"abc")));
        assert_eq!(read_whole(pieces(&["ab", "c", "d"]), 3).await, Err(Unread::TooLong));
        assert_eq!(read_whole(pieces(&["ab"]), 0).await, Err(Unread::TooLong));
        assert_eq!(read_whole(pieces(&[""]), 0).await, Ok(Bytes::new()));
        let broken = Pieces(VecDeque::from([Ok(Bytes::from_static(b"ab")), Err("reset")]));
        assert_eq!(read_whole(broken, 3).await, Err(Unread::BrokenOff));
    }

    /// A read buffer that a piece keeps alive.
    struct Held(Arc<AtomicUsize>);

    impl AsRef<[u8]> for Held {
        fn as_ref(&self) -> &[u8] {
            b"x"
        }
    }

    impl Drop for Held {
        fn drop(&mut self) {
            self.0.fetch_sub(1, Ordering::SeqCst);
        }
    }

    /// Makes its pieces on demand, and counts the most that were alive at once.
    struct Made {
        left: usize,
        alive: Arc<AtomicUsize>,
        most: Arc<AtomicUsize>,
    }

    impl Body for Made {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _context: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            let Some(left) = self.left.checked_sub(1) else { return Poll::Ready(None) };
            self.left = left;
            let alive = self.alive.fetch_add(1, Ordering::SeqCst) + 1;
            self.most.fetch_max(alive, Ordering::SeqCst);
            Poll::Ready(Some(Ok(Frame::data(Bytes::from_owner(Held(self.alive.clone()))))))
        }
    }

    #[tokio::test]
    async fn each_piece_of_a_body_is_dropped_once_it_is_read() {
        let most = Arc::new(AtomicUsize::new(0));
        let body = Made { left: 100_000, alive: Arc::default(), most: most.clone() };
        let read = read_whole(body, 100_000).await.unwrap();
        assert_eq!((read.len(), most.load(Ordering::SeqCst)), (100_000, 1));
    }

    #[tokio::test]
    async fn a_body_s_buffer_is_no_larger_than_the_limit() {
        let body = Made { left: 5_000, alive: Arc::default(), most: Arc::default() };
        let read = read_whole(body, 5_000).await.unwrap();
        let room = Vec::from(read).capacity();
        assert_eq!(room, 5_000);
    }
}
