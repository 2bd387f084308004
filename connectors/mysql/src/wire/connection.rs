//! A connection that is logged in: one command at a time, and what of its answer is due.

use bytes::Bytes;

use super::answer::{PrepareOk, Reply, ResultColumn, error, is_end, is_error};
use super::capabilities as capability;
use super::command::{self, Argument};
use super::failure::{Failure, ServerError};
use super::packets::Packets;
use super::reader::Reader;

/// A logged-in connection. Every wait can be dropped and taken up again by the next [`Wire::step`].
pub(crate) struct Wire {
    packets: Packets,
    due: Due,
    columns: Vec<ResultColumn>,
    /// Lists end with a packet of their own.
    ends_lists: bool,
    extended: bool,
    broken: bool,
}

/// What the server owes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Due {
    /// Nothing: a command may be sent.
    Nothing,
    /// The beginning of an answer.
    Answer,
    /// So many descriptions of columns, then rows.
    Columns(usize),
    /// The end of the descriptions.
    ColumnsEnd,
    /// Rows, then their end.
    Rows,
    /// The answer to a request to prepare.
    Prepared,
    /// So many descriptions of parameters, then of columns.
    Parameters(usize, Prepared),
    ParametersEnd(Prepared),
    PreparedColumns(usize, Prepared),
    PreparedColumnsEnd(Prepared),
}

/// A kept statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Prepared {
    pub(crate) statement: u32,
    pub(crate) parameters: u16,
    columns: u16,
}

/// One step of an answer.
#[derive(Debug)]
pub(crate) enum Event {
    /// Rows follow; [`Wire::columns`] describes them.
    Columns,
    /// A row.
    Row(Bytes),
    /// A statement is kept; [`Wire::columns`] describes what it will answer with.
    Prepared(Prepared),
    /// The command is done.
    Done,
    /// The command failed.
    Refused(ServerError),
}

impl Wire {
    pub(super) fn new(packets: Packets, capabilities: u64) -> Wire {
        let has = |bit: u64| capabilities & bit != 0;
        Wire {
            packets,
            due: Due::Nothing,
            columns: Vec::new(),
            ends_lists: !has(capability::DEPRECATE_EOF),
            extended: has(capability::MARIADB_EXTENDED_METADATA),
            broken: false,
        }
    }

    /// Whether everything that was asked has been answered.
    pub(crate) fn is_quiet(&self) -> bool {
        self.due == Due::Nothing
    }

    /// Whether nothing can be asked of it any more.
    pub(crate) fn is_broken(&self) -> bool {
        self.broken
    }

    /// The columns of the result, or of the statement kept last.
    pub(crate) fn columns(&self) -> &[ResultColumn] {
        &self.columns
    }

    /// Asks to run a statement given as text.
    pub(crate) fn query(&mut self, text: &str) {
        self.ask(&command::query(text), Due::Answer);
    }

    /// Asks to keep a statement.
    pub(crate) fn prepare(&mut self, text: &str) {
        self.ask(&command::prepare(text), Due::Prepared);
    }

    /// Asks to run a kept statement.
    pub(crate) fn execute(&mut self, statement: u32, arguments: &[Argument]) {
        self.ask(&command::execute(statement, arguments), Due::Answer);
    }

    /// Forgets a kept statement. It goes out with the next command.
    pub(crate) fn close(&mut self, statement: u32) {
        self.packets.begin();
        self.packets.queue(&command::close(statement));
    }

    /// Writes what was asked, without waiting for the answer.
    ///
    /// # Errors
    /// The connection is gone.
    pub(crate) async fn send(&mut self) -> Result<(), Failure> {
        let sent = self.packets.send().await;
        self.broken |= sent.is_err();
        sent
    }

    /// A connection to nowhere.
    pub(crate) fn gone() -> Wire {
        Wire { broken: true, ..Wire::new(Packets::new(Box::new(tokio::io::empty())), 0) }
    }

    /// Says goodbye.
    ///
    /// # Errors
    /// The connection is gone already.
    pub(crate) async fn quit(mut self) -> Result<(), Failure> {
        self.packets.begin();
        self.packets.queue(&command::quit());
        self.packets.send().await
    }

    fn ask(&mut self, packet: &[u8], due: Due) {
        self.packets.begin();
        self.packets.queue(packet);
        self.due = due;
    }

    /// Waits for the next step of the answer.
    ///
    /// # Errors
    /// The connection is of no more use.
    pub(crate) async fn step(&mut self) -> Result<Event, Failure> {
        match self.advance().await {
            Ok(event) => Ok(event),
            Err(failure) => {
                self.broken = true;
                Err(failure)
            }
        }
    }

    async fn advance(&mut self) -> Result<Event, Failure> {
        loop {
            if let Some(event) = self.settled() {
                return Ok(event);
            }
            if self.due == Due::Nothing {
                return Ok(Event::Done);
            }
            let packet = self.packets.next().await?;
            if is_error(&packet) {
                self.due = Due::Nothing;
                return Ok(Event::Refused(error(&packet)?));
            }
            if let Some(event) = self.take(packet)? {
                return Ok(event);
            }
        }
    }

    /// Passes over lists that are at their end; a list without a member has no end packet either.
    fn settled(&mut self) -> Option<Event> {
        loop {
            self.due = match self.due {
                Due::Columns(0) if self.ends_lists => Due::ColumnsEnd,
                Due::Columns(0) => {
                    self.due = Due::Rows;
                    return Some(Event::Columns);
                }
                Due::Parameters(0, prepared) if self.ends_lists && prepared.parameters > 0 => {
                    Due::ParametersEnd(prepared)
                }
                Due::Parameters(0, prepared) => Due::PreparedColumns(usize::from(prepared.columns), prepared),
                Due::PreparedColumns(0, prepared) if self.ends_lists && prepared.columns > 0 => {
                    Due::PreparedColumnsEnd(prepared)
                }
                Due::PreparedColumns(0, prepared) => {
                    self.due = Due::Nothing;
                    return Some(Event::Prepared(prepared));
                }
                _ => return None,
            };
        }
    }

    fn take(&mut self, packet: Bytes) -> Result<Option<Event>, Failure> {
        match self.due {
            Due::Nothing => return Err(Failure::Garbled("the server spoke without being asked")),
            Due::Answer => return self.answer(&packet),
            Due::Columns(left) => {
                self.columns.push(ResultColumn::parse(&packet, self.extended)?);
                self.due = Due::Columns(left.saturating_sub(1));
            }
            Due::ColumnsEnd => {
                self.due = Due::Rows;
                return Ok(Some(Event::Columns));
            }
            // A row begins with 0, so nothing else begins as the end does.
            Due::Rows if is_end(&packet) => {
                let reply = if self.ends_lists { Reply::end(&packet)? } else { Reply::ok(&packet)? };
                return Ok(self.ended(reply));
            }
            Due::Rows => return Ok(Some(Event::Row(packet))),
            Due::Prepared => {
                let PrepareOk { statement, columns, parameters } = PrepareOk::parse(&packet)?;
                self.columns.clear();
                let prepared = Prepared { statement, parameters, columns };
                self.due = Due::Parameters(usize::from(parameters), prepared);
            }
            Due::Parameters(left, prepared) => {
                self.due = Due::Parameters(left.saturating_sub(1), prepared);
                if left == 1 && !self.ends_lists {
                    self.due = Due::PreparedColumns(usize::from(prepared.columns), prepared);
                }
            }
            Due::ParametersEnd(prepared) => {
                self.due = Due::PreparedColumns(usize::from(prepared.columns), prepared);
            }
            Due::PreparedColumns(left, prepared) => {
                self.columns.push(ResultColumn::parse(&packet, self.extended)?);
                self.due = Due::PreparedColumns(left.saturating_sub(1), prepared);
            }
            Due::PreparedColumnsEnd(prepared) => {
                self.due = Due::Nothing;
                return Ok(Some(Event::Prepared(prepared)));
            }
        }
        Ok(None)
    }

    /// The first packet of an answer: an end, or how many columns there are.
    fn answer(&mut self, packet: &[u8]) -> Result<Option<Event>, Failure> {
        match packet.first() {
            Some(0) => Ok(self.ended(Reply::ok(packet)?)),
            // It wants the content of a file of this machine. Nobody offered that.
            Some(0xfb) => Err(Failure::Garbled("the server asked for a file")),
            _ => {
                let count = Reader(packet).length()?;
                self.columns.clear();
                let count =
                    u16::try_from(count).map_err(|_| Failure::Garbled("a result has too many columns"))?;
                self.due = Due::Columns(usize::from(count));
                Ok(None)
            }
        }
    }

    fn ended(&mut self, reply: Reply) -> Option<Event> {
        self.due = if reply.more { Due::Answer } else { Due::Nothing };
        (!reply.more).then_some(Event::Done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A connection whose server has said all of `words` to its next command, and then left.
    async fn answered(words: &[Vec<u8>], capabilities: u64, ask: impl FnOnce(&mut Wire)) -> Wire {
        let (near, far) = tokio::io::duplex(1 << 16);
        let mut server = Packets::resumed(Box::new(far), 1);
        words.iter().for_each(|word| server.queue(word));
        server.send().await.unwrap();
        let mut wire = Wire::new(Packets::new(Box::new(near)), capabilities);
        ask(&mut wire);
        wire.send().await.unwrap();
        wire
    }

    #[tokio::test]
    async fn a_server_that_asks_for_a_file_gets_none() {
        let mut wire =
            answered(&[b"\xfb/etc/passwd".to_vec()], capability::DEPRECATE_EOF, |wire| wire.query("")).await;
        assert!(matches!(wire.step().await, Err(Failure::Garbled(_))));
        assert!(wire.is_broken());
    }

    #[tokio::test]
    async fn results_are_read_with_and_without_the_packets_that_end_lists() {
        let column = b"\x03def\0\0\0\x01n\0\x0c\x3f\0\x04\0\0\0\x03\0\0\0\0\0".to_vec();
        let row = b"\0\0\x2a\0\0\0".to_vec();
        let (old_end, new_end) = (b"\xfe\0\0\x02\0".to_vec(), b"\xfe\0\0\x02\0\0\0".to_vec());
        let old = [vec![1], column.clone(), old_end.clone(), row.clone(), old_end];
        let new = [vec![1], column, row, new_end];
        for (words, capabilities) in [(&old[..], 0), (&new[..], capability::DEPRECATE_EOF)] {
            let mut wire = answered(words, capabilities, |wire| wire.execute(1, &[])).await;
            assert!(matches!(wire.step().await, Ok(Event::Columns)));
            assert_eq!(wire.columns().len(), 1);
            assert!(matches!(wire.step().await, Ok(Event::Row(row)) if row[2..] == [42, 0, 0, 0]));
            assert!(matches!(wire.step().await, Ok(Event::Done)) && wire.is_quiet());
        }
    }

    proptest! {
        #[test]
        fn no_answer_makes_it_panic_or_go_on_for_ever(
            words in proptest::collection::vec(
                (
                    proptest::sample::select(vec![0, 1, 2, 3, 0xfb, 0xfc, 0xfe, 0xff]),
                    proptest::collection::vec(any::<u8>(), 0..40),
                ),
                0..12,
            ),
            prepares in any::<bool>(),
            capabilities in proptest::sample::select(vec![0, capability::OURS]),
        ) {
            let words: Vec<Vec<u8>> = words.into_iter().map(|(first, rest)| [vec![first], rest].concat()).collect();
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let ended = runtime.block_on(async {
                let ask = |wire: &mut Wire| if prepares { wire.prepare("") } else { wire.execute(1, &[]) };
                let mut wire = answered(&words, capabilities, ask).await;
                for _ in 0..=words.len() + 2 {
                    if wire.step().await.is_err() || wire.is_quiet() {
                        return true;
                    }
                }
                false
            });
            prop_assert!(ended);
        }
    }
}
