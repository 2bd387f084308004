//! The task that writes to the socket.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::{SinkExt, stream::SplitSink};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::send_queue::{Next, SendQueue};
use crate::upgrade::Socket;

/// The writing half of a session's socket.
pub(crate) type SocketSink = SplitSink<WebSocketStream<Socket>, Message>;

/// Sends what the queue holds until it is closed. Flushes whenever nothing waits: many small frames leave
/// in one system call, and none waits for company.
///
/// Gives the sink back, so that the socket can be taken leave of properly.
pub(crate) async fn write(mut sink: SocketSink, queue: Arc<SendQueue>) -> (SocketSink, Result<(), Error>) {
    let outcome = drive(&mut sink, &queue).await;
    (sink, outcome)
}

async fn drive(sink: &mut SocketSink, queue: &SendQueue) -> Result<(), Error> {
    loop {
        match queue.next() {
            Next::Frame(frame) => sink.feed(text(frame)).await?,
            Next::Ping => sink.feed(Message::Ping(Bytes::new())).await?,
            Next::Nothing => {
                sink.flush().await?;
                queue.changed().await;
            }
            Next::Close(frame) => return sink.send(Message::Close(frame)).await,
            Next::Ended => return Ok(()),
        }
    }
}

/// A text message over bytes that are known to be UTF-8. `Message::Text` would check them again.
fn text(frame: Bytes) -> Message {
    Message::Frame(Frame::message(frame, OpCode::Data(Data::Text), true))
}
