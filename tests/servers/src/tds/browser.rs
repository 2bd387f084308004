//! A double of the SQL Server Browser: it tells on which port an instance listens (MS-SQLR).

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result};
use tokio::net::UdpSocket;

/// The Browser's port (MS-SQLR 2.1), which cannot be chosen: the address is.
const PORT: u16 = 1434;
/// `CLNT_UCAST_INST` and `SVR_RESP` (MS-SQLR 2.2.3, 2.2.5).
const ASK_INSTANCE: u8 = 0x04;
const RESPONSE: u8 = 0x05;
/// How many addresses are tried.
const ATTEMPTS: usize = 50;

/// What the answering task shares with the test.
#[derive(Debug, Default)]
struct Known {
    instances: Vec<(String, u16)>,
    asked: Vec<String>,
}

/// A Browser on an address of loopback that is its own; it ends when dropped.
#[derive(Debug)]
pub struct SqlServerBrowser {
    address: Ipv4Addr,
    known: Arc<Mutex<Known>>,
    answering: tokio::task::JoinHandle<()>,
}

impl SqlServerBrowser {
    /// Starts a Browser that knows no instance.
    ///
    /// # Errors
    /// When no address of loopback has its port free.
    pub async fn start() -> Result<Self> {
        let (socket, address) = bind().await?;
        let known = Arc::new(Mutex::new(Known::default()));
        let answering = tokio::spawn(answer(socket, known.clone()));
        Ok(Self { address, known, answering })
    }

    /// Where it listens, and where the instances that it names have to.
    #[must_use]
    pub const fn address(&self) -> Ipv4Addr {
        self.address
    }

    /// Makes an instance known.
    pub fn add(&self, instance: &str, port: u16) {
        lock(&self.known).instances.push((instance.to_owned(), port));
    }

    /// The instances that were asked for so far.
    #[must_use]
    pub fn asked(&self) -> Vec<String> {
        lock(&self.known).asked.clone()
    }
}

impl Drop for SqlServerBrowser {
    fn drop(&mut self) {
        self.answering.abort();
    }
}

/// The whole of 127.0.0.0/8 is loopback: tests that run at once have a Browser each.
async fn bind() -> Result<(UdpSocket, Ipv4Addr)> {
    let [low, high, ..] = std::process::id().to_le_bytes();
    let mut last = None;
    for attempt in 0..ATTEMPTS {
        let third = u8::try_from(attempt).unwrap_or(0).wrapping_add(high);
        let address = Ipv4Addr::new(127, 100, third, low);
        match UdpSocket::bind(SocketAddr::from((address, PORT))).await {
            Ok(socket) => return Ok((socket, address)),
            Err(error) => last = Some(error),
        }
    }
    let error = last.context("no address was tried")?;
    Err(error).context("no address of loopback has UDP 1434 free")
}

/// Who asks for an instance that is not there hears nothing (MS-SQLR 3.2.5.3).
async fn answer(socket: UdpSocket, known: Arc<Mutex<Known>>) {
    let mut question = [0; 64];
    while let Ok((length, from)) = socket.recv_from(&mut question).await {
        let Some([ASK_INSTANCE, name @ .., 0]) = question.get(..length) else { continue };
        let name = String::from_utf8_lossy(name).into_owned();
        let found = {
            let mut known = lock(&known);
            known.asked.push(name.clone());
            known.instances.iter().find(|(instance, _)| instance.eq_ignore_ascii_case(&name)).cloned()
        };
        let Some((instance, port)) = found else { continue };
        let text = format!(
            "ServerName;DOUBLE;InstanceName;{instance};IsClustered;No;Version;15.0.2000.5;tcp;{port};;"
        );
        let length = u16::try_from(text.len()).unwrap_or(u16::MAX).to_le_bytes();
        let _sent = socket.send_to(&[&[RESPONSE], &length[..], text.as_bytes()].concat(), from).await;
    }
}

fn lock(known: &Mutex<Known>) -> MutexGuard<'_, Known> {
    known.lock().unwrap_or_else(PoisonError::into_inner)
}
