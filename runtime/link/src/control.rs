//! Frames that belong to no job and go before all of them.

use std::collections::VecDeque;

use bytes::Bytes;

/// What goes first.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Control {
    /// A text frame: `hello`, `draining`, a heartbeat.
    Frame(Bytes),
    /// A WebSocket ping.
    Ping,
}

/// Control frames that wait. Bounded by its nature: `hello` and `draining` come once in a session's life, and
/// of a heartbeat and a ping only the latest matters.
#[derive(Debug, Default)]
pub(crate) struct ControlQueue {
    once: VecDeque<Bytes>,
    ping: bool,
    heartbeat: Option<Bytes>,
}

impl ControlQueue {
    /// Adds a frame that is sent once in a session's life.
    pub(crate) fn once(&mut self, frame: Bytes) {
        self.once.push_back(frame);
    }

    /// Adds a heartbeat, in place of one that still waits.
    pub(crate) fn heartbeat(&mut self, frame: Bytes) {
        self.heartbeat = Some(frame);
    }

    /// Asks for a ping; asking twice sends one.
    pub(crate) fn ping(&mut self) {
        self.ping = true;
    }

    /// The next to send: `hello` must be a session's first frame, so what is sent once goes first.
    pub(crate) fn pop(&mut self) -> Option<Control> {
        if let Some(frame) = self.once.pop_front() {
            return Some(Control::Frame(frame));
        }
        if std::mem::take(&mut self.ping) {
            return Some(Control::Ping);
        }
        self.heartbeat.take().map(Control::Frame)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hello_is_first_and_signs_of_life_do_not_pile_up() {
        let mut queue = ControlQueue::default();
        for count in 0..1_000 {
            queue.heartbeat(count.to_string().into());
            queue.ping();
        }
        queue.once(Bytes::from_static(b"hello"));
        assert_eq!(queue.pop(), Some(Control::Frame("hello".into())));
        assert_eq!(queue.pop(), Some(Control::Ping));
        assert_eq!(queue.pop(), Some(Control::Frame("999".into())));
        assert_eq!(queue.pop(), None);
    }
}
