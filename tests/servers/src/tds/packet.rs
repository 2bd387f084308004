//! Messages in packets (MS-TDS 2.2.3).

use anyhow::{Context, Result, bail};
use bytes::{BufMut, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Every packet begins with so many bytes.
pub(super) const HEADER: usize = 8;
/// Until the login says otherwise, packets are so long.
pub(super) const DEFAULT_PACKET_SIZE: usize = 4096;
/// The most one message may hold: far beyond what a test sends.
const MAX_MESSAGE: usize = 256 << 20;

/// What a packet is part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Batch = 1,
    Rpc = 3,
    Response = 4,
    Attention = 6,
    TransactionManager = 14,
    Login = 16,
    Prelogin = 18,
}

impl Kind {
    fn of(byte: u8) -> Result<Self> {
        let kinds =
            [Self::Batch, Self::Rpc, Self::Attention, Self::TransactionManager, Self::Login, Self::Prelogin];
        match kinds.into_iter().find(|kind| *kind as u8 == byte) {
            Some(kind) => Ok(kind),
            None => bail!("a packet of type {byte}, which the double does not know"),
        }
    }
}

/// A whole message of the client.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) kind: Kind,
    pub(super) payload: BytesMut,
    /// How many packets it came in.
    pub(super) packets: usize,
}

/// Reads a message; `None` at the end of the stream.
pub(super) async fn read_message(stream: &mut (impl AsyncRead + Unpin)) -> Result<Option<Message>> {
    let mut message: Option<Message> = None;
    loop {
        let mut header = [0; HEADER];
        match stream.read_exact(&mut header).await {
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof && message.is_none() => {
                return Ok(None);
            }
            Err(error) => return Err(error).context("reading a packet's header"),
        }
        let [kind, status, high, low, ..] = header;
        let kind = Kind::of(kind)?;
        let length = usize::from(u16::from_be_bytes([high, low]));
        let Some(length) = length.checked_sub(HEADER) else { bail!("a packet shorter than its header") };
        let message = message.get_or_insert_with(|| Message { kind, payload: BytesMut::new(), packets: 0 });
        if message.kind != kind {
            bail!("a packet of type {kind:?} within a message of type {:?}", message.kind);
        }
        let start = message.payload.len();
        if start + length > MAX_MESSAGE {
            bail!("a message of more than {MAX_MESSAGE} bytes");
        }
        message.payload.resize(start + length, 0);
        let (_, tail) = message.payload.split_at_mut(start);
        stream.read_exact(tail).await.context("reading a packet")?;
        message.packets += 1;
        let last = status & 1 == 1;
        if last {
            return Ok(Some(Message {
                kind,
                payload: std::mem::take(&mut message.payload),
                packets: message.packets,
            }));
        }
    }
}

/// Writes a message as it grows, one packet at a time.
#[derive(Debug)]
pub(super) struct Writer {
    pub(super) packet_size: usize,
    spid: u16,
    number: u8,
    buffer: BytesMut,
}

impl Writer {
    pub(super) fn new(spid: u16) -> Self {
        Self { packet_size: DEFAULT_PACKET_SIZE, spid, number: 1, buffer: BytesMut::new() }
    }

    /// Where tokens are appended.
    pub(super) fn buffer(&mut self) -> &mut BytesMut {
        &mut self.buffer
    }

    /// Sends whole packets while there are any; at least one byte stays for the last one.
    pub(super) async fn send_full(&mut self, stream: &mut (impl AsyncWrite + Unpin)) -> Result<()> {
        let room = self.packet_size - HEADER;
        let mut sent = false;
        while self.buffer.len() > room {
            let payload = self.buffer.split_to(room);
            self.packet(stream, Kind::Response, &payload, false).await?;
            sent = true;
        }
        if sent {
            stream.flush().await?;
        }
        Ok(())
    }

    /// Sends the rest and ends the message.
    pub(super) async fn finish(&mut self, stream: &mut (impl AsyncWrite + Unpin)) -> Result<()> {
        self.send_full(stream).await?;
        let payload = self.buffer.split();
        self.packet(stream, Kind::Response, &payload, true).await?;
        stream.flush().await?;
        self.number = 1;
        Ok(())
    }

    /// Sends what there is without ending the message.
    pub(super) async fn send_part(&mut self, stream: &mut (impl AsyncWrite + Unpin)) -> Result<()> {
        self.send_full(stream).await?;
        let payload = self.buffer.split();
        self.packet(stream, Kind::Response, &payload, false).await?;
        stream.flush().await.context("writing a packet")
    }

    async fn packet(
        &mut self,
        stream: &mut (impl AsyncWrite + Unpin),
        kind: Kind,
        payload: &[u8],
        last: bool,
    ) -> Result<()> {
        let mut packet = Vec::with_capacity(HEADER + payload.len());
        header(&mut packet, kind, payload.len(), last, self.spid, self.number)?;
        packet.extend_from_slice(payload);
        self.number = self.number.wrapping_add(1);
        stream.write_all(&packet).await.context("writing a packet")
    }
}

/// Appends a packet's header.
pub(super) fn header(
    out: &mut Vec<u8>,
    kind: Kind,
    payload: usize,
    last: bool,
    spid: u16,
    number: u8,
) -> Result<()> {
    out.put_u8(kind as u8);
    out.put_u8(u8::from(last));
    out.put_u16(u16::try_from(payload + HEADER).context("a packet of more than 64 KiB")?);
    out.put_u16(spid);
    out.put_u8(number);
    out.put_u8(0);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_long_message_goes_out_in_packets_and_comes_back_as_one() {
        let mut writer = Writer::new(51);
        writer.packet_size = 512;
        writer.buffer().put_bytes(7, 2_000);
        let mut wire = Vec::new();
        writer.finish(&mut wire).await.unwrap();
        assert_eq!(wire.len(), 2_000 + 4 * HEADER);
        assert_eq!(wire[..HEADER], [4, 0, 2, 0, 0, 51, 1, 0]);
        // The double reads what clients send, so the packets become a batch.
        for packet in wire.chunks_mut(512) {
            packet[0] = Kind::Batch as u8;
        }
        let message = read_message(&mut wire.as_slice()).await.unwrap().unwrap();
        assert_eq!((message.payload.len(), message.packets), (2_000, 4));
    }

    #[tokio::test]
    async fn an_empty_message_is_still_a_packet() {
        let mut wire = Vec::new();
        Writer::new(51).finish(&mut wire).await.unwrap();
        assert_eq!(wire, [4, 1, 0, 8, 0, 51, 1, 0]);
    }
}
