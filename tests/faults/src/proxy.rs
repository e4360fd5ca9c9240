use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, header};
use http_body_util::BodyExt as _;
use kube::Client;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::ledger::{Cut, Ledger, Mutation};

/// A running proxy, which stops listening when this is dropped.
///
/// It speaks plain HTTP on loopback and adds the rights of its own client, so that the daemon's kubeconfig needs neither a
/// certificate nor a token.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    ledger: Arc<watch::Sender<Ledger>>,
    server: JoinHandle<()>,
}

#[derive(Clone)]
struct Road {
    upstream: Client,
    ledger: Arc<watch::Sender<Ledger>>,
}

impl Proxy {
    /// Listens on a port of its choice and passes everything on to the API server of `upstream`.
    pub async fn start(upstream: Client) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .context("listening on loopback")?;
        let address = listener.local_addr().context("listening on loopback")?;
        let ledger = Arc::new(watch::Sender::new(Ledger::default()));
        let road = Road {
            upstream,
            ledger: Arc::clone(&ledger),
        };
        let router = Router::new().fallback(pass).with_state(road);
        let server = tokio::spawn(async move {
            // It only ends with an error of the listener, which the daemon then sees as refused connections.
            drop(axum::serve(listener, router).await);
        });
        Ok(Self {
            address,
            ledger,
            server,
        })
    }

    /// Writes a kubeconfig that leads through the proxy.
    pub fn write_kubeconfig(&self, path: &Path) -> Result<()> {
        let config = json!({
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "proxy",
            "clusters": [{ "name": "proxy", "cluster": { "server": format!("http://{}", self.address) } }],
            "users": [{ "name": "proxy", "user": {} }],
            "contexts": [{ "name": "proxy", "context": { "cluster": "proxy", "user": "proxy" } }],
        });
        std::fs::write(path, format!("{config:#}\n"))
            .with_context(|| format!("writing {}", path.display()))
    }

    /// Lets everything pass until `cut`, which is counted from now; `None` for no end.
    pub fn arm(&self, cut: Option<Cut>) {
        self.ledger.send_modify(|ledger| {
            ledger.cut = cut;
            ledger.counted = 0;
            ledger.stopped = false;
        });
    }

    /// What has passed up to now.
    pub fn ledger(&self) -> Ledger {
        self.ledger.borrow().clone()
    }

    /// Waits until the world stands still and the API server has answered what had reached it.
    pub async fn stopped(&self) {
        self.until(|ledger| ledger.stopped && ledger.under_way == 0)
            .await;
    }

    /// Waits until the API server has answered everything that reached it.
    ///
    /// A killed client's requests are executed all the same, as they are when they sit in the buffers of a socket.
    pub async fn settled(&self) {
        self.until(|ledger| ledger.under_way == 0).await;
    }

    async fn until(&self, condition: impl FnMut(&Ledger) -> bool) {
        // The sender lives as long as this does, so there is no other way out than the condition.
        drop(self.ledger.subscribe().wait_for(condition).await);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn pass(State(road): State<Road>, request: Request) -> Response {
    let changes = [Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
    let answer = if changes.contains(request.method()) {
        road.change(request).await
    } else if road.ledger.borrow().stopped {
        std::future::pending().await
    } else {
        road.read(request).await
    };
    answer.unwrap_or_else(|error| (StatusCode::BAD_GATEWAY, format!("{error:#}")).into_response())
}

impl Road {
    /// Passes a request on; the answer's body streams, because a watch never ends.
    async fn read(&self, request: Request) -> Result<Response> {
        let (mut parts, body) = request.into_parts();
        take_hop_headers(&mut parts.headers);
        let body = body.collect().await?.to_bytes();
        let request = Request::from_parts(parts, kube::client::Body::from(body));
        let answer = self.upstream.send(request).await?;
        let (mut parts, body) = answer.into_parts();
        take_hop_headers(&mut parts.headers);
        Ok(Response::from_parts(parts, Body::new(body)))
    }

    /// Passes a request on unless the world stops at it, and notes what became of it.
    async fn change(self, request: Request) -> Result<Response> {
        // A request that has not arrived in full is not one yet.
        let (parts, body) = request.into_parts();
        let body = body.collect().await?.to_bytes();
        let request = Request::from_parts(parts, Body::from(body));
        let mut admitted = false;
        self.ledger.send_modify(|ledger| admitted = ledger.admit());
        if !admitted {
            return std::future::pending().await;
        }
        // A task of its own: the end of the client must not call off what counts as under way.
        let road = self.clone();
        let answer = tokio::spawn(async move { road.execute(request).await }).await?;
        if self.ledger.borrow().stopped {
            return std::future::pending().await;
        }
        answer
    }

    async fn execute(&self, request: Request) -> Result<Response> {
        let method = request.method().clone();
        let path = request.uri().path().to_owned();
        let answer = self.whole(request).await;
        let (status, uid) = match &answer {
            Ok((parts, body)) => (parts.status, uid(body)),
            Err(_) => (StatusCode::BAD_GATEWAY, None),
        };
        let mutation = Mutation {
            method,
            path,
            status: status.as_u16(),
            uid,
        };
        self.ledger.send_modify(|ledger| ledger.settle(mutation));
        answer.map(|(parts, body)| Response::from_parts(parts, Body::from(body)))
    }

    async fn whole(&self, request: Request) -> Result<(http::response::Parts, Bytes)> {
        let (parts, body) = self.read(request).await?.into_parts();
        Ok((parts, body.collect().await?.to_bytes()))
    }
}

/// Takes out the headers that are about one connection only (RFC 9110, section 7.6.1), and the name of the host.
fn take_hop_headers(headers: &mut HeaderMap) {
    for name in [
        header::HOST,
        header::CONNECTION,
        header::TRANSFER_ENCODING,
        header::UPGRADE,
    ] {
        headers.remove(name);
    }
}

/// The uid of the object that an answer is about: deletions are answered with the object or with a `Status`, by kind.
fn uid(body: &[u8]) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let found = ["/metadata/uid", "/details/uid"]
        .iter()
        .find_map(|pointer| body.pointer(pointer));
    found?.as_str().map(str::to_owned)
}
