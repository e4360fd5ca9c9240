//! Requests as bytes: the narrow waist between Windlass and kube.
//!
//! kube brings authentication, TLS and connections; bodies pass through as bytes and are parsed
//! once, because a cold sync is bound by the work for each request on both sides.

use bytes::{Bytes, BytesMut};
use http::{Method, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use kube::client::Body;
use serde_json::Value as Json;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// Longest time for one request and its answer; watches have their own rule.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);

/// Most bytes of one answer. An object is bounded by etcd at 1.5 MiB, a page of a list holds 100.
pub(crate) const ANSWER_LIMIT: usize = 256 << 20;

/// Requests in flight at once when nothing else is said.
///
/// The API server queues what it cannot do at once, so this only has to be enough to keep it busy;
/// more would take its memory and gain nothing.
pub const DEFAULT_CONCURRENCY: usize = 48;

/// Why there is no answer from the API server.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransportError {
    /// The connection was not made, or broke.
    #[error(
        "the API server could not be reached: {0}. It is tried again; check the address and the \
         network, and whether the API server runs"
    )]
    Unreachable(String),
    /// The answer took too long.
    #[error("the API server did not answer within {} s; the request is repeated", .0.as_secs())]
    TimedOut(Duration),
    /// The credentials could not be had.
    #[error(
        "the credentials for the API server could not be used: {0}. Check the kubeconfig or the service account's token"
    )]
    Credentials(String),
    /// The answer is longer than any that makes sense.
    #[error("the API server's answer is longer than {0} bytes and was not read")]
    TooLarge(usize),
    /// The answer is not JSON.
    #[error(
        "the API server's answer could not be read: {0}. Something between the daemon and the API server may have answered instead"
    )]
    Unreadable(String),
    /// The request could not be put together.
    #[error("the request could not be made: {0}")]
    Request(String),
}

impl TransportError {
    /// The code of the page that explains this error.
    pub fn code(&self) -> &'static str {
        match self {
            TransportError::Unreachable(_) => "WL0700",
            TransportError::TimedOut(_) => "WL0713",
            TransportError::Credentials(_) => "WL0711",
            TransportError::TooLarge(_) | TransportError::Unreadable(_) => "WL0708",
            TransportError::Request(_) => "WL0703",
        }
    }
}

/// A request that is still to be sent.
pub(crate) struct Call<'a> {
    pub(crate) method: Method,
    /// Path and query, encoded.
    pub(crate) target: &'a str,
    pub(crate) content_type: Option<&'static str>,
    pub(crate) accept: &'static str,
    pub(crate) if_none_match: Option<&'a str>,
    pub(crate) body: Bytes,
}

impl<'a> Call<'a> {
    pub(crate) fn get(target: &'a str) -> Self {
        Call::new(Method::GET, target, None, Bytes::new())
    }

    pub(crate) fn new(
        method: Method,
        target: &'a str,
        content_type: Option<&'static str>,
        body: Bytes,
    ) -> Self {
        Call {
            method,
            target,
            content_type,
            accept: "application/json",
            if_none_match: None,
            body,
        }
    }
}

/// What the API server answered, whatever its status.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) etag: Option<String>,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn json(&self) -> Result<Json, TransportError> {
        serde_json::from_slice(&self.body)
            .map_err(|error| TransportError::Unreadable(error.to_string()))
    }
}

/// The connection to one API server under one identity. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Transport {
    client: kube::Client,
    permits: Arc<Semaphore>,
    /// User to act as; the credentials' own when absent.
    acting_as: Option<Arc<str>>,
}

impl Transport {
    pub(crate) fn new(client: kube::Client, concurrency: usize) -> Self {
        Transport {
            client,
            permits: Arc::new(Semaphore::new(concurrency.max(1))),
            acting_as: None,
        }
    }

    pub(crate) fn client(&self) -> &kube::Client {
        &self.client
    }

    /// The same connection with the rights of a service account.
    pub(crate) fn acting_as(&self, namespace: &str, account: &str) -> Self {
        let user = format!("system:serviceaccount:{namespace}:{account}");
        Transport {
            acting_as: Some(user.into()),
            ..self.clone()
        }
    }

    fn request(&self, call: Call<'_>) -> Result<Request<Body>, TransportError> {
        let mut request = Request::builder()
            .method(call.method)
            .uri(call.target)
            .header(header::ACCEPT, call.accept);
        if let Some(content_type) = call.content_type {
            request = request.header(header::CONTENT_TYPE, content_type);
        }
        if let Some(etag) = call.if_none_match {
            request = request.header(header::IF_NONE_MATCH, etag);
        }
        if let Some(user) = &self.acting_as {
            request = request.header("Impersonate-User", &**user);
        }
        request
            .body(Body::from(call.body))
            .map_err(|error| TransportError::Request(error.to_string()))
    }

    /// Sends a request and reads the whole answer, within the bound on requests in flight.
    pub(crate) async fn call(&self, call: Call<'_>) -> Result<Answer, TransportError> {
        let request = self.request(call)?;
        let permit = self.permits.acquire().await;
        let exchange = async {
            let response = self.client.send(request).await.map_err(unreachable)?;
            let (head, mut body) = response.into_parts();
            let mut bytes = BytesMut::new();
            while let Some(frame) = body.frame().await {
                let frame = frame.map_err(unreachable)?;
                if let Some(data) = frame.data_ref() {
                    if bytes.len() + data.len() > ANSWER_LIMIT {
                        return Err(TransportError::TooLarge(ANSWER_LIMIT));
                    }
                    bytes.extend_from_slice(data);
                }
            }
            let text = |name| head.headers.get(name).and_then(|value| value.to_str().ok());
            Ok(Answer {
                status: head.status,
                retry_after: text(header::RETRY_AFTER)
                    .and_then(|seconds| seconds.parse().ok())
                    .map(Duration::from_secs),
                etag: text(header::ETAG).map(str::to_owned),
                body: bytes.freeze(),
            })
        };
        let answer = tokio::time::timeout(REQUEST_TIMEOUT, exchange)
            .await
            .unwrap_or(Err(TransportError::TimedOut(REQUEST_TIMEOUT)));
        drop(permit);
        answer
    }

    /// Opens a stream of lines, which does not count as a request in flight.
    pub(crate) async fn stream(&self, target: &str) -> Result<(Answer, Lines), TransportError> {
        let request = self.request(Call::get(target))?;
        let response = tokio::time::timeout(REQUEST_TIMEOUT, self.client.send(request))
            .await
            .map_err(|_| TransportError::TimedOut(REQUEST_TIMEOUT))?
            .map_err(unreachable)?;
        let (head, body) = response.into_parts();
        let mut lines = Lines::new(body);
        let body = if head.status.is_success() {
            Bytes::new()
        } else {
            lines.rest().await?
        };
        let answer = Answer {
            status: head.status,
            retry_after: None,
            etag: None,
            body,
        };
        Ok((answer, lines))
    }
}

fn unreachable(error: kube::Error) -> TransportError {
    match error {
        kube::Error::Auth(error) => TransportError::Credentials(error.to_string()),
        error => TransportError::Unreachable(causes(&error)),
    }
}

/// An error with the causes that its own text leaves out, for "client error (Connect)" alone helps
/// nobody.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        next = cause.source();
    }
    text
}

/// Longest line of a watch: an object at etcd's bound, grown by escapes and managed fields.
const LINE_LIMIT: usize = 32 << 20;

/// The lines of a response as they come in.
pub(crate) struct Lines {
    body: Body,
    buffer: BytesMut,
    /// Bytes of the buffer that are known to hold no line end.
    searched: usize,
}

impl Lines {
    fn new(body: Body) -> Self {
        Lines {
            body,
            buffer: BytesMut::new(),
            searched: 0,
        }
    }

    /// The next line without its end; `None` when the response has ended.
    ///
    /// Cancel safe: what was read stays in the buffer.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, TransportError> {
        loop {
            let fresh = self.buffer.get(self.searched..).unwrap_or_default();
            if let Some(at) = fresh.iter().position(|byte| *byte == b'\n') {
                let mut line = self.buffer.split_to(self.searched + at + 1);
                line.truncate(line.len() - 1);
                self.searched = 0;
                if self.buffer.is_empty() {
                    // Gives the memory of a long line back instead of holding it for hours.
                    self.buffer = BytesMut::new();
                }
                return Ok(Some(line.freeze()));
            }
            self.searched = self.buffer.len();
            if self.buffer.len() > LINE_LIMIT {
                return Err(TransportError::TooLarge(LINE_LIMIT));
            }
            match self.body.frame().await {
                None => return Ok(None),
                Some(frame) => {
                    if let Some(data) = frame.map_err(unreachable)?.data_ref() {
                        self.buffer.extend_from_slice(data);
                    }
                }
            }
        }
    }

    async fn rest(&mut self) -> Result<Bytes, TransportError> {
        let reading = async {
            while let Some(frame) = self.body.frame().await {
                if let Some(data) = frame.map_err(unreachable)?.data_ref() {
                    self.buffer.extend_from_slice(data);
                    if self.buffer.len() > LINE_LIMIT {
                        return Err(TransportError::TooLarge(LINE_LIMIT));
                    }
                }
            }
            Ok(self.buffer.split().freeze())
        };
        tokio::time::timeout(REQUEST_TIMEOUT, reading)
            .await
            .unwrap_or(Err(TransportError::TimedOut(REQUEST_TIMEOUT)))
    }
}

/// Percent-encodes one segment of a path or one value of a query (RFC 3986: everything but the
/// unreserved characters). Names come from Git and must not be able to leave their place.
pub(crate) fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte));
            }
            _ => {
                encoded.push('%');
                for half in [byte >> 4, byte & 15] {
                    encoded.push(
                        char::from_digit(half.into(), 16)
                            .unwrap_or('0')
                            .to_ascii_uppercase(),
                    );
                }
            }
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("web-1.example", "web-1.example")]
    #[case("system:node", "system%3Anode")]
    #[case("../../x?a=b#c", "..%2F..%2Fx%3Fa%3Db%23c")]
    #[case("ä", "%C3%A4")]
    fn encoding(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(encode(text), expected);
    }

    #[tokio::test]
    async fn lines_are_found_across_and_within_frames() {
        let mut lines = Lines::new(Body::from(b"{\"a\":1}\n{\"b\":2}\nunfinished".to_vec()));
        assert_eq!(lines.next().await.unwrap().unwrap(), "{\"a\":1}");
        assert_eq!(lines.next().await.unwrap().unwrap(), "{\"b\":2}");
        assert_eq!(
            lines.next().await.unwrap(),
            None,
            "a line that was cut off is not handed on"
        );
    }
}
