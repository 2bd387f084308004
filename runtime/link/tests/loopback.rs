//! The link over the real dialer and a real socket: what a simulated network cannot show.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy knows the test functions, not what they share"
)]

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use dial::{Dialer, Family, Lookup, LookupFailure, Roots, TlsOptions};
use futures_util::{SinkExt, StreamExt};
use runner_link::{
    DialConnect, GatewayUrl, HelloParts, JobHandler, JobReply, Link, LinkState, Outcome, Settings, Signals,
};
use runner_protocol::{
    AssignedSource, DoneMeta, Incoming, Job, RunnerFrame, Stats, decode_runner, row_slices,
};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::{WebSocketStream, accept_async};

const PATIENCE: Duration = Duration::from_secs(30);
const CHUNK: usize = 64 * 1024;

/// Answers a job with as many chunks as its id says.
struct Streams;

impl JobHandler for Streams {
    fn hello(&self) -> HelloParts {
        HelloParts::default()
    }

    fn stats(&self) -> Stats {
        Stats::default()
    }

    fn assigned(&self, _: Vec<AssignedSource>) {}

    fn job(&self, job: Job, reply: JobReply) {
        let chunks = job.params.job.target.unwrap().parse().unwrap();
        tokio::spawn(stream(reply, chunks));
    }

    fn cancel(&self, _: &str) {}

    fn lost(&self) {}
}

async fn stream(mut reply: JobReply, chunks: u64) {
    for count in 0..chunks {
        let row = format!(r#"{{"n":{count},"x":"{}"}}"#, "x".repeat(CHUNK));
        let frame: Bytes = [&reply.prefix()[..], row.as_bytes(), &reply.suffix()].concat().into();
        if reply.chunk(frame).await.is_err() {
            return;
        }
    }
    reply.done(DoneMeta { count: chunks, ..DoneMeta::default() });
}

struct Started {
    signals: Signals,
    task: JoinHandle<Outcome>,
    disconnected: mpsc::Receiver<String>,
}

async fn start() -> (TcpListener, Started) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let dialer = Dialer::new(Roots::only(&[]).unwrap());
    (listener, start_at("localhost", port, dialer))
}

fn start_at(host: &str, port: u16, dialer: Dialer) -> Started {
    let url = GatewayUrl::parse(&format!("ws://{host}:{port}/connect")).unwrap();
    let connect = DialConnect::new(dialer, &url, TlsOptions::default());
    let settings = Settings::new(url, "r", "rk_x".into()).unwrap().with_auth_attempts(1);
    let (sender, disconnected) = mpsc::channel(16);
    let observer = move |state: &LinkState<'_>| {
        if let LinkState::Disconnected { reason } = state {
            sender.try_send(reason.to_string()).unwrap();
        }
    };
    let link = Link::new(settings, Arc::new(connect), Arc::new(Streams), Arc::new(observer));
    let signals = Signals::default();
    let task = tokio::spawn(link.run(signals.clone()));
    Started { signals, task, disconnected }
}

async fn welcome(listener: &TcpListener) -> WebSocketStream<TcpStream> {
    let (stream, _) = listener.accept().await.unwrap();
    let mut socket = accept_async(stream).await.unwrap();
    assert!(matches!(frame(&mut socket).await, RunnerFrame::Hello(_)));
    socket.send(r#"{"type":"hello-ack","serverVersion":1,"assignedSources":[]}"#.into()).await.unwrap();
    socket
}

async fn frame(socket: &mut WebSocketStream<TcpStream>) -> RunnerFrame {
    loop {
        if let Message::Text(text) = socket.next().await.unwrap().unwrap() {
            match decode_runner(&text.into()) {
                Ok(Incoming::Frame(frame)) => return frame,
                other => panic!("{other:?}"),
            }
        }
    }
}

async fn job(socket: &mut WebSocketStream<TcpStream>, id: &str, chunks: u64) {
    let text = format!(
        r#"{{"type":"job","id":"{id}","params":{{"source":{{"id":"1","name":"a","bridge":"b",
        "credentialsLocation":"runner-local"}},"job":{{"kind":"query","target":"{chunks}"}}}}}}"#
    );
    socket.send(text.into()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn every_row_of_many_streams_arrives_and_small_answers_pass_them() {
    const STREAMS: u64 = 4;
    const CHUNKS: u64 = 200;
    let (listener, Started { signals, task, disconnected: _heard }) = start().await;
    let mut socket = welcome(&listener).await;
    for id in 0..STREAMS {
        job(&mut socket, &id.to_string(), CHUNKS).await;
    }
    let mut expected_rows = [0_u64; STREAMS as usize];
    let mut done = 0;
    let mut streamed_after_small = 0;
    let mut small_is_back = false;
    let read = async {
        while done <= STREAMS {
            match frame(&mut socket).await {
                RunnerFrame::Chunk(chunk) if chunk.id == "small" => {}
                RunnerFrame::Chunk(chunk) => {
                    let next = &mut expected_rows[chunk.id.parse::<usize>().unwrap()];
                    for row in row_slices(chunk.rows.as_bytes()) {
                        let row = std::str::from_utf8(row.unwrap()).unwrap();
                        assert!(row.starts_with(&format!(r#"{{"n":{next},"#)), "{}", &row[..20]);
                        *next += 1;
                    }
                    streamed_after_small += u64::from(small_is_back);
                    if expected_rows.iter().sum::<u64>() == 20 {
                        job(&mut socket, "small", 1).await;
                    }
                }
                RunnerFrame::Done(end) => {
                    small_is_back |= end.id == "small";
                    done += 1;
                }
                other => panic!("{other:?}"),
            }
        }
    };
    timeout(PATIENCE, read).await.unwrap();
    assert_eq!(expected_rows, [CHUNKS; STREAMS as usize]);
    assert!(streamed_after_small > STREAMS * CHUNKS / 2, "{streamed_after_small}");
    signals.drain.cancel();
    let close = async { while let Some(Ok(_)) = socket.next().await {} };
    timeout(PATIENCE, close).await.unwrap();
    assert!(matches!(timeout(PATIENCE, task).await.unwrap().unwrap(), Outcome::Stopped));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_heard_though_the_socket_is_reset_under_a_stream() {
    let (listener, Started { task, disconnected: _heard, .. }) = start().await;
    let mut socket = welcome(&listener).await;
    job(&mut socket, "endless", u64::MAX).await;
    assert!(matches!(frame(&mut socket).await, RunnerFrame::Chunk(_)));
    let refusal = CloseFrame { code: 4401.into(), reason: "revoked".into() };
    socket.send(Message::Close(Some(refusal))).await.unwrap();
    // Dropped with bytes unread, which makes the system reset the connection.
    drop(socket);
    match timeout(PATIENCE, task).await.unwrap().unwrap() {
        Outcome::CredentialsRefused { attempts: 1, reason } => {
            assert_eq!(reason.to_string(), "closed by the gateway: 4401 revoked");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_sends_jobs_and_reads_no_answers_is_left_before_they_fill_the_memory() {
    let (listener, Started { signals, task, mut disconnected }) = start().await;
    let mut socket = welcome(&listener).await;
    let job = |id: u64| {
        Message::text(format!(
            r#"{{"type":"job","id":"{id}","params":{{"source":{{"id":"1","name":"a","bridge":"b",
            "credentialsLocation":"runner-local"}},"job":{{"kind":"query","target":"0"}}}}}}"#
        ))
    };
    let flood = async {
        for id in 0.. {
            if socket.feed(job(id)).await.is_err() {
                return id;
            }
        }
        0
    };
    let sent = timeout(PATIENCE, flood).await.unwrap();
    assert!(sent > 16_384, "{sent}");
    let reason = timeout(PATIENCE, disconnected.recv()).await.unwrap().unwrap();
    assert_eq!(reason, "the gateway does not read the answers to its jobs");
    signals.stop.cancel();
    assert!(matches!(timeout(PATIENCE, task).await.unwrap().unwrap(), Outcome::Stopped));
}

/// A name that moves: each lookup has the next address, the last one stays.
struct Moving {
    addresses: Vec<IpAddr>,
    lookups: AtomicUsize,
}

impl Lookup for Moving {
    fn lookup(&self, _host: &str, _family: Family) -> Result<Vec<SocketAddr>, LookupFailure> {
        let turn = self.lookups.fetch_add(1, Ordering::SeqCst).min(self.addresses.len() - 1);
        Ok(vec![SocketAddr::new(self.addresses[turn], 0)])
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_gateways_name_is_looked_up_anew_at_every_attempt() {
    let before = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = before.local_addr().unwrap().port();
    let after = TcpListener::bind(("127.0.0.2", port)).await.unwrap();
    let addresses = ["127.0.0.1", "127.0.0.2"].map(|address| address.parse().unwrap()).to_vec();
    let names = Arc::new(Moving { addresses, lookups: AtomicUsize::new(0) });
    let dialer = Dialer::with_lookup(Roots::only(&[]).unwrap(), names.clone());
    let Started { signals, task, disconnected: _heard } = start_at("gateway.example", port, dialer);
    let socket = welcome(&before).await;
    drop((socket, before));
    // The gateway is elsewhere now, and only its name says so.
    let mut socket = timeout(PATIENCE, welcome(&after)).await.unwrap();
    assert_eq!(names.lookups.load(Ordering::SeqCst), 2);
    signals.drain.cancel();
    let close = async { while let Some(Ok(_)) = socket.next().await {} };
    timeout(PATIENCE, close).await.unwrap();
    assert!(matches!(timeout(PATIENCE, task).await.unwrap().unwrap(), Outcome::Stopped));
}
