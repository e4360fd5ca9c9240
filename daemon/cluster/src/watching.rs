//! One watch that never ends: list, follow, reconnect, list again when the place was lost.
//!
//! The list is streamed (`sendInitialEvents`, KEP-3157): one object is parsed at a time, so that
//! the memory of a list of ten thousand objects is that of the largest of them. Servers that do
//! not stream are listed in pages. In a steady state one connection is open and nothing is sent.

use crate::failure::Status;
use crate::transport::{Answer, Call, Lines, Transport, TransportError, encode};
use serde::Deserialize;
use serde_json::Value as Json;
use std::hash::{BuildHasher as _, Hasher as _};
use std::ops::ControlFlow;
use std::time::Duration;
use tokio::time::Instant;

/// A watch is renewed after about this long. The API server's own bound is 5 to 10 minutes, and
/// load balancers cut at 5.
const RENEW_AFTER: u64 = 290;

/// Bookmarks come every minute; when two are missing the connection is dead without knowing it.
const SILENCE: Duration = Duration::from_secs(150);

/// A watch that was taken up again works when it has not been refused for this long.
const SETTLED: Duration = Duration::from_secs(1);

/// First and longest pause after a failure.
const PAUSES: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(30));

/// Objects of one page where the server does not stream.
const PAGE: u32 = 100;

/// What a watch has to say.
pub(crate) enum Note {
    /// A list begins: what it does not name until [`Note::Listed`] is gone.
    Listing,
    /// An object as it is now.
    Seen(Json),
    /// An object as it was last.
    Deleted(Json),
    /// The list is complete as of this version; changes follow.
    Listed(Option<String>),
    /// The kind is not served any more, or not yet.
    NotServed,
    /// It fails, and is tried again. Said once until [`Note::Recovered`].
    Failed {
        code: &'static str,
        message: String,
        forbidden: bool,
    },
    /// It works again.
    Recovered,
}

/// What is watched.
pub(crate) struct Subject {
    /// Path of the collection.
    pub(crate) path: String,
    /// `labelSelector=…` or `fieldSelector=…`, encoded; may be empty.
    pub(crate) selector: String,
}

#[derive(Deserialize)]
struct Event {
    #[serde(rename = "type")]
    kind: String,
    object: Json,
}

/// How one connection ended.
enum End {
    /// The server closed it, or it fell silent: go on from where it was.
    Closed,
    /// The place was lost: list again.
    Expired,
    /// There is no such collection.
    NotServed,
    Failed(Trouble),
    /// The listener wants no more.
    Stopped,
}

struct Trouble {
    code: &'static str,
    message: String,
    forbidden: bool,
    /// The server does not stream lists.
    unsupported: bool,
    retry_after: Option<Duration>,
}

impl From<TransportError> for Trouble {
    fn from(error: TransportError) -> Self {
        Trouble {
            code: error.code(),
            message: error.to_string(),
            forbidden: false,
            unsupported: false,
            retry_after: None,
        }
    }
}

/// Watches until the listener breaks off.
pub(crate) async fn watch(
    transport: &Transport,
    subject: &Subject,
    mut listener: impl FnMut(Note) -> ControlFlow<()>,
) {
    let mut place: Option<String> = None;
    let mut streams_lists = true;
    let mut failing = false;
    let mut failures = 0_u32;
    loop {
        let started = Instant::now();
        let mut connection = Connection {
            transport,
            subject,
            place: &mut place,
            listener: &mut listener,
            failing: &mut failing,
        };
        let end = connection.run(streams_lists).await;
        if !matches!(end, End::Closed | End::Failed(_)) {
            place = None;
        }
        let pause = match end {
            End::Stopped => return,
            End::Closed | End::Expired if started.elapsed() > Duration::from_secs(1) => {
                failures = 0;
                None
            }
            End::Closed | End::Expired => Some(None),
            End::NotServed => {
                if listener(Note::NotServed).is_break() {
                    return;
                }
                Some(None)
            }
            End::Failed(trouble) if trouble.unsupported && streams_lists => {
                streams_lists = false;
                continue;
            }
            End::Failed(trouble) => {
                if !std::mem::replace(&mut failing, true) {
                    let note = Note::Failed {
                        code: trouble.code,
                        message: trouble.message,
                        forbidden: trouble.forbidden,
                    };
                    if listener(note).is_break() {
                        return;
                    }
                }
                Some(trouble.retry_after)
            }
        };
        if let Some(at_least) = pause {
            let pause = pause_after(failures).max(at_least.unwrap_or_default());
            failures = failures.saturating_add(1);
            tokio::time::sleep(pause).await;
        }
    }
}

/// The pause after so many failures in a row: doubling, capped, and spread so that thousands of
/// watches that broke together do not come back together.
fn pause_after(failures: u32) -> Duration {
    let doubled = PAUSES.0.saturating_mul(1 << failures.min(10)).min(PAUSES.1);
    doubled.mul_f64(0.5 + spread())
}

/// A number from 0 to 1 that differs between calls; not for secrets.
pub(crate) fn spread() -> f64 {
    let random = std::hash::RandomState::new().build_hasher().finish();
    f64::from(u32::try_from(random >> 32).unwrap_or_default()) / f64::from(u32::MAX)
}

struct Connection<'a, L> {
    transport: &'a Transport,
    subject: &'a Subject,
    place: &'a mut Option<String>,
    listener: &'a mut L,
    failing: &'a mut bool,
}

impl<L: FnMut(Note) -> ControlFlow<()>> Connection<'_, L> {
    async fn run(&mut self, streams_lists: bool) -> End {
        if self.place.is_none() && !streams_lists {
            match self.list_pages().await {
                Ok(ControlFlow::Continue(())) => {}
                Ok(ControlFlow::Break(())) => return End::Stopped,
                Err(end) => return end,
            }
        }
        let renew = RENEW_AFTER.saturating_sub((spread() * 30.0) as u64);
        let from = match &*self.place {
            Some(place) => format!("&resourceVersion={}", encode(place)),
            None => "&sendInitialEvents=true&resourceVersionMatch=NotOlderThan".to_owned(),
        };
        let target = self.target(&format!(
            "watch=true&allowWatchBookmarks=true&timeoutSeconds={renew}{from}"
        ));
        let (answer, lines) = match self.transport.stream(&target).await {
            Ok(opened) => opened,
            Err(error) => return End::Failed(error.into()),
        };
        if !answer.status.is_success() {
            return refused(&answer);
        }
        let listing = self.place.is_none();
        if listing && self.tell(Note::Listing).is_break() {
            return End::Stopped;
        }
        self.follow(lines, listing).await
    }

    fn tell(&mut self, note: Note) -> ControlFlow<()> {
        (self.listener)(note)
    }

    fn target(&self, query: &str) -> String {
        let Subject { path, selector } = self.subject;
        let and = if selector.is_empty() { "" } else { "&" };
        format!("{path}?{query}{and}{selector}")
    }

    /// Ends a failure, if there was one.
    fn settle(&mut self) -> ControlFlow<()> {
        if std::mem::replace(self.failing, false) {
            return self.tell(Note::Recovered);
        }
        ControlFlow::Continue(())
    }

    async fn follow(&mut self, mut lines: Lines, mut listing: bool) -> End {
        loop {
            // A place that is lost is refused in the first line, after a good beginning.
            let settling = *self.failing && !listing;
            let patience = if settling { SETTLED } else { SILENCE };
            let line = match tokio::time::timeout(patience, lines.next()).await {
                Err(_) if settling => {
                    if self.settle().is_break() {
                        return End::Stopped;
                    }
                    continue;
                }
                Ok(Ok(Some(line))) => line,
                // A place that was never reached is no place to go on from.
                Ok(Ok(None)) | Err(_) => return End::Closed,
                Ok(Err(error)) if listing => return End::Failed(error.into()),
                Ok(Err(_)) => return End::Closed,
            };
            let event: Event = match serde_json::from_slice(&line) {
                Ok(event) => event,
                Err(error) => {
                    return End::Failed(TransportError::Unreadable(error.to_string()).into());
                }
            };
            let version = event
                .object
                .pointer("/metadata/resourceVersion")
                .and_then(Json::as_str)
                .map(str::to_owned);
            let note = match event.kind.as_str() {
                "ADDED" | "MODIFIED" => Note::Seen(event.object),
                "DELETED" => Note::Deleted(event.object),
                "BOOKMARK" => {
                    let complete = event
                        .object
                        .pointer("/metadata/annotations/k8s.io~1initial-events-end")
                        .and_then(Json::as_str)
                        == Some("true");
                    if listing && complete {
                        listing = false;
                        self.place.clone_from(&version);
                        if self.tell(Note::Listed(version)).is_break() || self.settle().is_break() {
                            return End::Stopped;
                        }
                    } else if !listing && version.is_some() {
                        *self.place = version;
                    }
                    continue;
                }
                _ => return error_event(&event.object),
            };
            if settling && self.settle().is_break() {
                return End::Stopped;
            }
            if self.tell(note).is_break() {
                return End::Stopped;
            }
            if !listing && version.is_some() {
                *self.place = version;
            }
        }
    }

    async fn list_pages(&mut self) -> Result<ControlFlow<()>, End> {
        if self.tell(Note::Listing).is_break() {
            return Ok(ControlFlow::Break(()));
        }
        let mut next = String::new();
        loop {
            let more = if next.is_empty() {
                String::new()
            } else {
                format!("&continue={}", encode(&next))
            };
            let target = self.target(&format!("limit={PAGE}{more}"));
            let answer = self
                .transport
                .call(Call::get(&target))
                .await
                .map_err(|error| End::Failed(error.into()))?;
            if !answer.status.is_success() {
                return Err(refused(&answer));
            }
            let mut page = answer.json().map_err(|error| End::Failed(error.into()))?;
            // Items of a list carry no kind of their own.
            let api_version = page.get("apiVersion").cloned().unwrap_or_default();
            let kind = page
                .get("kind")
                .and_then(Json::as_str)
                .and_then(|kind| kind.strip_suffix("List"))
                .map(str::to_owned);
            let items = page.get_mut("items").and_then(Json::as_array_mut);
            for mut item in items.map(std::mem::take).unwrap_or_default() {
                if let (Some(map), Some(kind)) = (item.as_object_mut(), &kind) {
                    map.entry("apiVersion")
                        .or_insert_with(|| api_version.clone());
                    map.entry("kind").or_insert_with(|| kind.clone().into());
                }
                if self.tell(Note::Seen(item)).is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
            let metadata = |field: &str| {
                page.pointer(&format!("/metadata/{field}"))
                    .and_then(Json::as_str)
                    .unwrap_or_default()
                    .to_owned()
            };
            next = metadata("continue");
            if next.is_empty() {
                let version = metadata("resourceVersion");
                *self.place = Some(version.clone());
                return Ok(self.tell(Note::Listed(Some(version))));
            }
        }
    }
}

fn refused(answer: &Answer) -> End {
    let status = Status::read(answer);
    match status.code {
        404 => End::NotServed,
        410 => End::Expired,
        code => End::Failed(Trouble {
            code: match code {
                401 => "WL0711",
                403 => "WL0702",
                _ => "WL0717",
            },
            forbidden: matches!(code, 401 | 403),
            unsupported: matches!(code, 400 | 422) && status.message.contains("sendInitialEvents"),
            retry_after: answer.retry_after,
            message: crate::failure::bounded(status.message),
        }),
    }
}

fn error_event(object: &Json) -> End {
    let code = object.get("code").and_then(Json::as_u64);
    if code == Some(410) {
        return End::Expired;
    }
    let message = object
        .get("message")
        .and_then(Json::as_str)
        .unwrap_or("the API server ended the watch without saying why");
    End::Failed(Trouble {
        code: "WL0717",
        message: crate::failure::bounded(message.to_owned()),
        forbidden: false,
        unsupported: false,
        retry_after: None,
    })
}
