//! What a proxy has seen.

use std::sync::{Mutex, PoisonError};

use tokio::sync::watch;

/// The most that is kept of what clients said.
const MAX_HEARD_BYTES: usize = 4 * 1024 * 1024;

/// One tunnel that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProxyRequest {
    /// The host, as it was asked for.
    pub host: String,
    /// The port.
    pub port: u16,
    /// User and password, with a colon between them.
    pub login: Option<String>,
}

#[derive(Debug, Default)]
pub(super) struct Record {
    requests: watch::Sender<Vec<ProxyRequest>>,
    heard: Mutex<Vec<u8>>,
    inspected: Mutex<Vec<u8>>,
}

impl Record {
    pub(super) fn asked(&self, request: ProxyRequest) {
        self.requests.send_modify(|all| all.push(request));
    }

    pub(super) fn requests(&self) -> Vec<ProxyRequest> {
        self.requests.borrow().clone()
    }

    pub(super) async fn until_asked(&self, times: usize) {
        let mut requests = self.requests.subscribe();
        // The sender lives as long as this does.
        let _asked = requests.wait_for(|all| all.len() >= times).await;
    }

    pub(super) fn hear(&self, bytes: &[u8]) {
        keep(&self.heard, bytes);
    }

    pub(super) fn inspect(&self, bytes: &[u8]) {
        keep(&self.inspected, bytes);
    }

    pub(super) fn heard(&self) -> Vec<u8> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn inspected(&self) -> Vec<u8> {
        self.inspected.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn keep(kept: &Mutex<Vec<u8>>, bytes: &[u8]) {
    let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
    let room = MAX_HEARD_BYTES.saturating_sub(kept.len()).min(bytes.len());
    kept.extend_from_slice(bytes.get(..room).unwrap_or_default());
}
