//! Where in TDS's packets a stream of bytes is (MS-TDS, section 2.2.3).

/// The length of a packet's header.
pub(super) const HEADER: usize = 8;
/// The header's status bit that ends a message.
pub(super) const END_OF_MESSAGE: u8 = 0x01;
/// The length of a DONE token (MS-TDS, section 2.2.7.6): type, status, command, 64-bit count of rows.
const DONE_LENGTH: usize = 13;
/// The type of the DONE token that ends a response.
const DONE: u8 = 0xFD;
/// The bit in a DONE token's status that answers an attention.
const DONE_ATTENTION: u8 = 0x20;

/// A packet header of this type, for `payload` bytes.
pub(super) fn header(kind: u8, status: u8, payload: usize) -> Option<[u8; HEADER]> {
    let [high, low] = u16::try_from(payload + HEADER).ok()?.to_be_bytes();
    Some([kind, status, high, low, 0, 0, 1, 0])
}

/// The number of payload bytes that a header announces; `None` when it is shorter than itself.
pub(super) fn payload_length(header: &[u8; HEADER]) -> Option<usize> {
    let [_, _, high, low, ..] = *header;
    usize::from(u16::from_be_bytes([high, low])).checked_sub(HEADER)
}

/// Follows one direction of a connection, packet by packet.
#[derive(Debug, Default)]
pub(super) struct Packets {
    header: [u8; HEADER],
    /// How much of the header has been seen.
    filled: usize,
    /// How much of the payload is still to come.
    remaining: usize,
    /// The last bytes of the message so far.
    tail: Vec<u8>,
    /// Whether a message has begun and not ended.
    open: bool,
    /// The type of the last message.
    kind: u8,
    /// How many messages have ended.
    messages: u64,
}

impl Packets {
    /// Takes note of bytes that pass.
    pub(super) fn pass(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if self.filled < HEADER {
                let missing = (HEADER - self.filled).min(bytes.len());
                let (taken, rest) = bytes.split_at_checked(missing).unwrap_or((bytes, &[]));
                if !self.open {
                    self.tail.clear();
                    self.open = true;
                }
                for (place, byte) in self.header.iter_mut().skip(self.filled).zip(taken) {
                    *place = *byte;
                }
                self.filled += taken.len();
                bytes = rest;
                if self.filled == HEADER {
                    self.remaining = payload_length(&self.header).unwrap_or(0);
                    self.kind = self.header.first().copied().unwrap_or(0);
                    self.end_if_complete();
                }
                continue;
            }
            let (taken, rest) = bytes.split_at_checked(self.remaining).unwrap_or((bytes, &[]));
            self.remember(taken);
            self.remaining -= taken.len();
            bytes = rest;
            self.end_if_complete();
        }
    }

    fn end_if_complete(&mut self) {
        if self.filled == HEADER && self.remaining == 0 {
            self.filled = 0;
            let [_, status, ..] = self.header;
            if status & END_OF_MESSAGE != 0 {
                self.open = false;
                self.messages += 1;
            }
        }
    }

    fn remember(&mut self, taken: &[u8]) {
        let last =
            taken.split_at_checked(taken.len().saturating_sub(DONE_LENGTH)).map_or(taken, |(_, last)| last);
        self.tail.extend_from_slice(last);
        let excess = self.tail.len().saturating_sub(DONE_LENGTH);
        self.tail.drain(..excess);
    }

    /// Whether the last message has ended and no other has begun.
    pub(super) fn between_messages(&self) -> bool {
        !self.open
    }

    /// How many messages have ended.
    pub(super) fn messages(&self) -> u64 {
        self.messages
    }

    /// The type of the message that passed last.
    pub(super) fn kind(&self) -> u8 {
        self.kind
    }

    /// Whether the last message has ended with the answer to an attention.
    pub(super) fn ended_with_attention(&self) -> bool {
        matches!(self.tail.as_slice(), [DONE, status, ..] if status & DONE_ATTENTION != 0)
            && self.tail.len() == DONE_LENGTH
            && !self.open
    }

    /// How many bytes may be read without passing the end of a packet, at least one.
    pub(super) fn within_packet(&self) -> usize {
        if self.filled < HEADER { HEADER - self.filled } else { self.remaining.max(1) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn packet(status: u8, payload: &[u8]) -> Vec<u8> {
        [&header(4, status, payload.len()).unwrap()[..], payload].concat()
    }

    fn done(status: u8) -> Vec<u8> {
        let mut token = vec![DONE, status];
        token.resize(DONE_LENGTH, 0);
        token
    }

    #[test]
    fn an_answered_attention_is_seen_however_the_bytes_are_cut() {
        let first = packet(0, &[1; 40]);
        let last = packet(END_OF_MESSAGE, &[vec![2; 5], done(DONE_ATTENTION)].concat());
        let bytes = [first, last].concat();
        for size in 1..bytes.len() {
            let mut packets = Packets::default();
            bytes.chunks(size).for_each(|chunk| packets.pass(chunk));
            assert!(packets.ended_with_attention() && packets.between_messages(), "{size}");
            assert_eq!(packets.messages(), 1);
        }
    }

    #[test]
    fn rows_that_look_like_it_in_the_middle_of_a_message_are_not() {
        let mut packets = Packets::default();
        packets.pass(&packet(0, &done(DONE_ATTENTION)));
        assert!(!packets.ended_with_attention() && !packets.between_messages());
        packets.pass(&packet(END_OF_MESSAGE, &done(0)));
        assert!(!packets.ended_with_attention() && packets.between_messages());
    }

    proptest! {
        #[test]
        fn any_bytes_are_followed_without_a_panic(chunks in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 0..20)) {
            let mut packets = Packets::default();
            chunks.iter().for_each(|chunk| packets.pass(chunk));
            prop_assert!(packets.within_packet() > 0);
        }
    }
}
