//! The order in which the frames of many jobs leave.
//!
//! Round-robin by bytes, with one refinement: a lane that has not yet sent its first share goes before those
//! that stream, as in FQ-CoDel (RFC 8290 section 4.2), so that a small answer does not queue behind four
//! large ones. New lanes may take at most one share in a row before a streaming lane has its turn, so
//! streams are slowed by a flood of small answers but never stopped.

use std::collections::{HashMap, VecDeque};

use bytes::Bytes;

/// A lane's share of a round, in bytes: one chunk.
const SHARE: usize = runner_protocol::limits::CHUNK_TARGET_BYTES;

/// Names a lane.
pub(crate) type LaneKey = u64;

#[derive(Debug, Default)]
struct Lane {
    frames: VecDeque<Bytes>,
    /// Bytes this lane may still send in its turn; below zero after a frame larger than its share.
    balance: i64,
    /// Bytes sent since the lane began.
    sent: usize,
}

/// Frames waiting in lanes.
#[derive(Debug, Default)]
pub(crate) struct FairQueue {
    lanes: HashMap<LaneKey, Lane>,
    fresh: VecDeque<LaneKey>,
    streaming: VecDeque<LaneKey>,
    fresh_run: usize,
}

impl FairQueue {
    /// Adds a frame to the end of a lane, which begins with its first frame.
    pub(crate) fn push(&mut self, key: LaneKey, frame: Bytes) {
        let lane = self.lanes.entry(key).or_default();
        lane.frames.push_back(frame);
        if lane.frames.len() == 1 {
            if lane.sent < SHARE {
                self.fresh.push_back(key);
            } else {
                self.streaming.push_back(key);
            }
        }
    }

    /// How many frames wait in a lane.
    pub(crate) fn depth(&self, key: LaneKey) -> usize {
        self.lanes.get(&key).map_or(0, |lane| lane.frames.len())
    }

    /// Whether no frame waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.fresh.is_empty() && self.streaming.is_empty()
    }

    /// Forgets a lane that has no more frames.
    pub(crate) fn remove(&mut self, key: LaneKey) {
        self.lanes.remove(&key);
    }

    /// The next frame to send, and its lane.
    pub(crate) fn pop(&mut self) -> Option<(LaneKey, Bytes)> {
        let fresh_first = self.streaming.is_empty() || self.fresh_run < SHARE;
        if fresh_first && !self.fresh.is_empty() { self.pop_fresh() } else { self.pop_streaming() }
    }

    fn pop_fresh(&mut self) -> Option<(LaneKey, Bytes)> {
        let key = self.fresh.pop_front()?;
        let lane = self.lanes.get_mut(&key)?;
        let frame = lane.frames.pop_front()?;
        lane.sent = lane.sent.saturating_add(frame.len());
        self.fresh_run = self.fresh_run.saturating_add(frame.len());
        if !lane.frames.is_empty() {
            if lane.sent < SHARE {
                self.fresh.push_back(key);
            } else {
                self.streaming.push_back(key);
            }
        }
        Some((key, frame))
    }

    fn pop_streaming(&mut self) -> Option<(LaneKey, Bytes)> {
        self.fresh_run = 0;
        // Ends: each time round, every lane's balance grows by a share, and debts are bounded by a frame.
        loop {
            let key = *self.streaming.front()?;
            let lane = self.lanes.get_mut(&key)?;
            if lane.balance <= 0 {
                lane.balance += SHARE as i64;
                if lane.balance <= 0 {
                    self.streaming.rotate_left(1);
                    continue;
                }
            }
            let frame = lane.frames.pop_front()?;
            lane.sent = lane.sent.saturating_add(frame.len());
            lane.balance -= i64::try_from(frame.len()).unwrap_or(i64::MAX);
            if lane.frames.is_empty() {
                // What is left of a share is not saved up; a debt is kept.
                lane.balance = lane.balance.min(0);
                self.streaming.pop_front();
            } else if lane.balance <= 0 {
                self.streaming.rotate_left(1);
            }
            return Some((key, frame));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    fn frame(size: usize) -> Bytes {
        Bytes::from(vec![0; size])
    }

    /// Streams that always have two frames waiting, as long as they are asked to.
    fn serve(
        queue: &mut FairQueue,
        sizes: &HashMap<LaneKey, usize>,
        bytes: usize,
    ) -> HashMap<LaneKey, usize> {
        let mut sent = HashMap::new();
        let mut total = 0;
        while total < bytes {
            let (key, popped) = queue.pop().unwrap();
            total += popped.len();
            *sent.entry(key).or_default() += popped.len();
            if let Some(&size) = sizes.get(&key) {
                queue.push(key, frame(size));
            }
        }
        sent
    }

    #[test]
    fn streams_with_frames_of_any_size_get_the_same_number_of_bytes() {
        let sizes = HashMap::from([(1, SHARE), (2, 1_000), (3, 1024 * 1024), (4, 10 * SHARE + 1)]);
        let mut queue = FairQueue::default();
        for (&key, &size) in &sizes {
            queue.push(key, frame(size));
            queue.push(key, frame(size));
        }
        let sent = serve(&mut queue, &sizes, 400 * 1024 * 1024);
        for (key, bytes) in sent {
            let share = bytes as f64 / (100.0 * 1024.0 * 1024.0);
            assert!((0.97..1.03).contains(&share), "lane {key} got {share}");
        }
    }

    #[test]
    fn a_small_answer_overtakes_streams() {
        let mut queue = FairQueue::default();
        let sizes: HashMap<_, _> = (1..5).map(|key| (key, SHARE)).collect();
        for key in 1..5 {
            queue.push(key, frame(SHARE));
            queue.push(key, frame(SHARE));
        }
        serve(&mut queue, &sizes, 20 * SHARE);
        queue.push(9, frame(300));
        queue.push(9, frame(100));
        assert_eq!(queue.pop().unwrap(), (9, frame(300)));
        assert_eq!(queue.pop().unwrap(), (9, frame(100)));
        assert_ne!(queue.pop().unwrap().0, 9);
    }

    #[test]
    fn a_flood_of_small_answers_does_not_stop_a_stream() {
        let mut queue = FairQueue::default();
        queue.push(0, frame(SHARE));
        queue.push(0, frame(SHARE));
        queue.pop();
        let mut streamed = 0;
        for key in 1..10_000 {
            queue.push(key, frame(1_000));
            queue.push(0, frame(SHARE));
            let (served, popped) = queue.pop().unwrap();
            if served == 0 {
                streamed += popped.len();
            }
        }
        assert!(streamed > 100 * SHARE, "{streamed}");
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_each_lane_keeps_its_order(
            steps in prop::collection::vec((0..5_u64, 0..200_000_usize, any::<bool>()), 0..200)
        ) {
            let mut queue = FairQueue::default();
            let mut waiting: HashMap<LaneKey, VecDeque<usize>> = HashMap::new();
            let check = |queue: &mut FairQueue, waiting: &mut HashMap<LaneKey, VecDeque<usize>>| {
                let popped = queue.pop();
                let expected = popped.as_ref().and_then(|(key, _)| waiting.get_mut(key)?.pop_front());
                prop_assert_eq!(popped.map(|(_, frame)| frame.len()), expected);
                Ok(())
            };
            for (key, size, pop) in steps {
                queue.push(key, frame(size));
                waiting.entry(key).or_default().push_back(size);
                prop_assert_eq!(queue.depth(key), waiting[&key].len());
                if pop {
                    check(&mut queue, &mut waiting)?;
                }
            }
            while waiting.values().any(|lane| !lane.is_empty()) {
                prop_assert!(!queue.is_empty());
                check(&mut queue, &mut waiting)?;
            }
            prop_assert!(queue.is_empty());
            prop_assert_eq!(queue.pop(), None);
        }
    }
}
