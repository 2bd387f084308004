//! Packets on a stream: three bytes of length, one of sequence, the payload.

use bytes::{Buf, Bytes, BytesMut};
use dial::BoxedStream;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::failure::Failure;

/// A payload this long goes on in the next packet.
const FULL: usize = 0xff_ffff;
/// The length and the sequence number before each payload.
const HEADER: usize = 4;
/// How much is read at once.
const READ_BYTES: usize = 32 * 1024;
/// The largest payload that is taken. A row may have 8 MiB as JSON; escapes and digits make some values longer there
/// and none much shorter, and what is larger than this would be held in memory for nothing.
const MAX_PAYLOAD: usize = 64 * 1024 * 1024;

/// A stream of packets. Every wait can be dropped and taken up again: what was read is kept, what waits to be written
/// is written before the next packet is waited for.
pub(crate) struct Packets {
    stream: BoxedStream,
    input: BytesMut,
    output: BytesMut,
    flushed: bool,
    sequence: u8,
}

impl Packets {
    /// Packets of a connection that has just been made.
    pub(crate) fn new(stream: BoxedStream) -> Self {
        Packets { stream, input: BytesMut::new(), output: BytesMut::new(), flushed: true, sequence: 0 }
    }

    /// The stream and the sequence number that comes next, for another stream to be put over it.
    ///
    /// # Errors
    /// Something came that was not asked for: it would be taken for part of what is said over the new stream.
    pub(crate) fn part(self) -> Result<(BoxedStream, u8), Failure> {
        match self.input.is_empty() {
            true => Ok((self.stream, self.sequence)),
            false => Err(Failure::Garbled("the server spoke before TLS had begun")),
        }
    }

    /// Packets on a stream over the one that [`Packets::part`] gave.
    pub(crate) fn resumed(stream: BoxedStream, sequence: u8) -> Self {
        Packets { sequence, ..Packets::new(stream) }
    }

    /// Begins a command: its packet is number 0.
    pub(crate) fn begin(&mut self) {
        self.sequence = 0;
    }

    /// Puts a payload behind what waits to be written.
    pub(crate) fn queue(&mut self, payload: &[u8]) {
        let mut rest = payload;
        loop {
            let (chunk, tail) = rest.split_at_checked(FULL).unwrap_or((rest, &[]));
            let [low, middle, high, ..] = u32::try_from(chunk.len()).unwrap_or(0).to_le_bytes();
            self.output.extend_from_slice(&[low, middle, high, self.sequence]);
            self.output.extend_from_slice(chunk);
            self.sequence = self.sequence.wrapping_add(1);
            // A payload that fills its last packet is ended by an empty one.
            if chunk.len() < FULL {
                break;
            }
            rest = tail;
        }
        self.flushed = false;
    }

    /// Writes what waits to be written.
    ///
    /// # Errors
    /// The connection is gone.
    pub(crate) async fn send(&mut self) -> Result<(), Failure> {
        while !self.output.is_empty() {
            if self.stream.write_buf(&mut self.output).await? == 0 {
                return Err(Failure::Lost(std::io::ErrorKind::WriteZero.into()));
            }
        }
        if !self.flushed {
            self.stream.flush().await?;
            self.flushed = true;
        }
        Ok(())
    }

    /// The next payload.
    ///
    /// # Errors
    /// The connection is gone, or what comes is no packet.
    pub(crate) async fn next(&mut self) -> Result<Bytes, Failure> {
        loop {
            if let Some(payload) = self.take()? {
                return Ok(payload);
            }
            self.send().await?;
            self.input.reserve(READ_BYTES);
            if self.stream.read_buf(&mut self.input).await? == 0 {
                return Err(Failure::Lost(std::io::ErrorKind::UnexpectedEof.into()));
            }
        }
    }

    /// The payload at the head of what was read, once all of it is there.
    fn take(&mut self) -> Result<Option<Bytes>, Failure> {
        let (mut at, mut total, mut expected) = (0, 0, self.sequence);
        loop {
            let Some(&[low, middle, high, sequence]) =
                self.input.get(at..).and_then(|rest| rest.first_chunk::<HEADER>())
            else {
                return Ok(None);
            };
            let length = u32::from_le_bytes([low, middle, high, 0]) as usize;
            if sequence != expected {
                return Err(Failure::Garbled("packets are out of sequence"));
            }
            total += length;
            if total > MAX_PAYLOAD {
                return Err(Failure::TooLarge(MAX_PAYLOAD));
            }
            expected = expected.wrapping_add(1);
            at += HEADER + length;
            if self.input.len() < at {
                return Ok(None);
            }
            if length < FULL {
                break;
            }
        }
        self.sequence = expected;
        Ok(Some(self.payload(at, total)))
    }

    /// Takes `bytes` off the input, `total` of which are payload.
    fn payload(&mut self, bytes: usize, total: usize) -> Bytes {
        let mut packets = self.input.split_to(bytes);
        if total < FULL {
            packets.advance(HEADER);
            return packets.freeze();
        }
        let mut payload = BytesMut::with_capacity(total);
        while packets.remaining() > HEADER {
            packets.advance(HEADER);
            payload.extend_from_slice(&packets.split_to(packets.len().min(FULL)));
        }
        payload.freeze()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piped() -> (Packets, Packets) {
        let (near, far) = tokio::io::duplex(1 << 16);
        (Packets::new(Box::new(near)), Packets::new(Box::new(far)))
    }

    #[tokio::test]
    async fn payloads_of_every_length_come_through() {
        for length in [0, 1, 5_000, FULL - 1, FULL, FULL + 1, 2 * FULL, 2 * FULL + 7] {
            let (mut near, mut far) = piped();
            let payload: Vec<u8> = (0..length).map(|n| (n % 251) as u8).collect();
            near.queue(&payload);
            near.queue(b"next");
            let (sent, came) = tokio::join!(near.send(), far.next());
            assert!(sent.is_ok() && came.unwrap() == payload, "{length}");
            assert_eq!(far.next().await.unwrap(), "next");
        }
    }

    #[tokio::test]
    async fn a_wait_that_was_dropped_loses_nothing() {
        let (mut near, mut far) = piped();
        near.queue(&[7; 200_000]);
        let dropped = tokio::time::timeout(std::time::Duration::from_millis(5), near.send()).await;
        assert!(dropped.is_err());
        let half = tokio::time::timeout(std::time::Duration::from_millis(5), far.next()).await;
        assert!(half.is_err());
        let (sent, came) = tokio::join!(near.send(), far.next());
        assert!(sent.is_ok() && came.unwrap() == vec![7; 200_000]);
    }

    #[tokio::test]
    async fn what_is_no_packet_is_refused() {
        let (near, mut far) = piped();
        let mut raw = near;
        raw.output.extend_from_slice(&[1, 0, 0, 9, 0]);
        raw.send().await.unwrap();
        assert!(matches!(far.next().await, Err(Failure::Garbled(_))));
        let (mut raw, mut far) = piped();
        for sequence in 0..5 {
            raw.output.extend_from_slice(&[0xff, 0xff, 0xff, sequence]);
            raw.output.extend_from_slice(&vec![0; FULL]);
        }
        let (_, came) =
            tokio::join!(tokio::time::timeout(std::time::Duration::from_secs(5), raw.send()), async {
                let came = far.next().await;
                drop(far);
                came
            });
        assert!(matches!(came, Err(Failure::TooLarge(MAX_PAYLOAD))));
    }
}
