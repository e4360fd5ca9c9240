use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread;

use anyhow::{Context as _, Result};

/// A server that a client has to survive; it stops listening when this is dropped.
///
/// It runs on threads rather than on the test's runtime, so that a client that blocks the runtime cannot free itself by
/// starving its opponent.
#[derive(Debug)]
pub struct HostileGit {
    address: SocketAddr,
    state: Arc<State>,
}

#[derive(Debug)]
struct State {
    closed: AtomicBool,
    stalled: AtomicBool,
    limit: AtomicU64,
    connections: AtomicUsize,
}

/// What becomes of a connection.
type Handler = fn(TcpStream, Option<SocketAddr>, &State);

impl HostileGit {
    /// Accepts every connection and never answers.
    pub fn hang() -> Result<Self> {
        Self::listen(None, 0, |client, _, state| ignore(client, state))
    }

    /// Passes requests on to the server of `upstream_url` and closes each connection after `after_bytes` of answers.
    ///
    /// The server has to speak plain http: the point is to cut what Git sends and not what TLS does.
    pub fn cut_pack(upstream_url: &str, after_bytes: u64) -> Result<Self> {
        let authority = upstream_url
            .split_once("://")
            .map_or(upstream_url, |(_, rest)| rest);
        let authority = authority.split('/').next().unwrap_or_default();
        let upstream = authority
            .parse()
            .with_context(|| format!("{upstream_url} names no address and port"))?;
        Self::listen(Some(upstream), after_bytes, |client, upstream, state| {
            if state.stalled.load(Ordering::Relaxed) {
                return ignore(client, state);
            }
            // Either side may go away at any time, which is all that can go wrong here.
            if let Some(upstream) = upstream.and_then(|address| TcpStream::connect(address).ok()) {
                relay(client, upstream, state);
            }
        })
    }

    /// Passes everything on to the server of `upstream_url` until [`HostileGit::stall`] is called.
    pub fn passing(upstream_url: &str) -> Result<Self> {
        Self::cut_pack(upstream_url, u64::MAX)
    }

    /// Accepts connections and never answers, from now until [`HostileGit::repair`].
    ///
    /// A connection that was accepted meanwhile stays unanswered: who waits for it has to give it up.
    pub fn stall(&self) {
        self.state.stalled.store(true, Ordering::Relaxed);
    }

    fn listen(upstream: Option<SocketAddr>, limit: u64, handler: Handler) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").context("listening on loopback")?;
        let address = listener.local_addr().context("listening on loopback")?;
        let state = Arc::new(State {
            closed: AtomicBool::new(false),
            stalled: AtomicBool::new(false),
            limit: AtomicU64::new(limit),
            connections: AtomicUsize::new(0),
        });
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if shared.closed.load(Ordering::Relaxed) {
                    break;
                }
                shared.connections.fetch_add(1, Ordering::Relaxed);
                let shared = Arc::clone(&shared);
                thread::spawn(move || handler(client, upstream, &shared));
            }
        });
        Ok(Self { address, state })
    }

    /// The URL of a repository on this server.
    pub fn url(&self, repository: &str) -> String {
        format!("http://{}/{repository}", self.address)
    }

    /// How many connections were accepted: a client that backs off makes few.
    pub fn connections(&self) -> usize {
        self.state.connections.load(Ordering::Relaxed)
    }

    /// Lets everything through from now on, so that a test can see the client recover.
    pub fn repair(&self) {
        self.state.limit.store(u64::MAX, Ordering::Relaxed);
        self.state.stalled.store(false, Ordering::Relaxed);
    }
}

impl Drop for HostileGit {
    fn drop(&mut self) {
        self.state.closed.store(true, Ordering::Relaxed);
        // Wakes the thread that accepts, which then sees that it is over.
        drop(TcpStream::connect(self.address));
    }
}

/// Reads until the client gives up, so that it does not notice that nobody listens.
fn ignore(mut client: TcpStream, state: &State) {
    let mut buffer = [0; 4096];
    while !state.closed.load(Ordering::Relaxed) {
        if !matches!(client.read(&mut buffer), Ok(1..)) {
            break;
        }
    }
}

fn relay(client: TcpStream, upstream: TcpStream, state: &State) {
    let (Ok(mut from_client), Ok(mut to_upstream)) = (client.try_clone(), upstream.try_clone())
    else {
        return;
    };
    thread::spawn(move || {
        drop(std::io::copy(&mut from_client, &mut to_upstream));
        drop(to_upstream.shutdown(Shutdown::Write));
    });
    let (mut client, mut upstream) = (client, upstream);
    let mut buffer = [0; 4096];
    let mut sent: u64 = 0;
    while let Ok(read @ 1..) = upstream.read(&mut buffer) {
        let left = state.limit.load(Ordering::Relaxed).saturating_sub(sent);
        let allowed = usize::try_from(left).unwrap_or(usize::MAX).min(read);
        if client.write_all(&buffer[..allowed]).is_err() || allowed < read {
            break;
        }
        sent += read as u64;
    }
    drop(client.shutdown(Shutdown::Both));
    drop(upstream.shutdown(Shutdown::Both));
}
