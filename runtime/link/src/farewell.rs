//! Ending a socket so that the last words arrive.

use std::time::Duration;

use futures_util::stream::SplitStream;
use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

use crate::disconnect::Disconnect;
use crate::session::closed;
use crate::upgrade::Socket;
use crate::writer::SocketSink;

/// Time for the last frames to be written.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(1);

/// Time for the peer to close its side.
const LINGER: Duration = Duration::from_secs(1);

/// What a peer may still send before it is cut off, in bytes.
const MAX_DISCARDED: u64 = 32 * 1024 * 1024;

/// The reading half of a session's socket.
pub(crate) type SocketSource = SplitStream<WebSocketStream<Socket>>;

/// The task that writes, aborted when dropped.
pub(crate) type Writer =
    tokio_util::task::AbortOnDropHandle<(SocketSink, Result<(), tokio_tungstenite::tungstenite::Error>)>;

/// Lets the writer finish, then sees to it that both sides have had the other's last words.
///
/// A socket that is closed while bytes are waiting in it is reset by the system, and a reset destroys what
/// was sent but not yet read: the close frame would be lost. So where this side closes, it reads on until
/// the other has answered.
pub(crate) async fn farewell(mut source: SocketSource, mut writer: Writer, closed_by_peer: bool) {
    let Ok(Ok((mut sink, _))) = timeout(FLUSH_TIMEOUT, &mut writer).await else { return };
    if closed_by_peer {
        // Sends the answer to its close frame, which the library has prepared. It is the peer's to hang up.
        let _answered = timeout(FLUSH_TIMEOUT, sink.flush()).await;
        return;
    }
    let handshake = async {
        while let Some(Ok(message)) = source.next().await {
            if message.is_close() {
                return true;
            }
        }
        false
    };
    // Where reading has already failed, the handshake ends at once and the rest is discarded unread.
    let Ok(false) = timeout(LINGER, handshake).await else { return };
    let Ok(socket) = source.reunite(sink) else { return };
    let mut stream = socket.into_inner();
    let discard = async {
        stream.shutdown().await?;
        tokio::io::copy(&mut stream.take(MAX_DISCARDED), &mut tokio::io::sink()).await
    };
    // Whatever comes of it, the socket is dropped now.
    let _ended = timeout(LINGER, discard).await;
}

/// Reads on for a moment to find the close frame that explains why writing failed: a gateway that refuses
/// says so and closes, while this side is still talking.
pub(crate) async fn last_words(source: &mut SocketSource) -> Option<Disconnect> {
    let find = async {
        while let Some(Ok(message)) = source.next().await {
            if let Message::Close(frame) = message {
                return Some(closed(frame));
            }
        }
        None
    };
    timeout(LINGER, find).await.ok().flatten()
}
