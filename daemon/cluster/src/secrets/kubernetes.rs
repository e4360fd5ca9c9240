//! Secrets of the cluster: one watch for each, by its name, so that rights on single names suffice.

use super::value::wipe;
use super::{SecretError, SecretValue, State, Teller, Values};
use crate::tasks::Task;
use crate::transport::{Transport, encode};
use crate::watching::{Note, Subject, watch};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value as Json;
use std::ops::ControlFlow;
use std::sync::Arc;

pub(super) fn follow(transport: Transport, teller: Teller) -> Task {
    let subject = Subject {
        path: format!(
            "/api/v1/namespaces/{}/secrets",
            encode(&teller.place.namespace)
        ),
        selector: format!(
            "fieldSelector={}",
            encode(&format!("metadata.name={}", teller.place.name))
        ),
    };
    Task::spawn(async move {
        let mut listing = false;
        let mut found: Option<Values> = None;
        let listener = |note: Note| {
            match note {
                Note::Listing => {
                    listing = true;
                    found = None;
                }
                Note::Seen(mut secret) => {
                    let values = values(&secret);
                    wipe(&mut secret);
                    if listing {
                        found = Some(values);
                    } else {
                        teller.tell(State::Present(Arc::new(values)));
                    }
                }
                Note::Deleted(mut secret) => {
                    wipe(&mut secret);
                    teller.tell(State::Missing);
                }
                Note::Listed(_) => {
                    listing = false;
                    teller.tell(match found.take() {
                        Some(values) => State::Present(Arc::new(values)),
                        None => State::Missing,
                    });
                }
                Note::NotServed => teller.tell(State::Missing),
                // What was read stays in force while the API server is away.
                Note::Failed { .. } if teller.is_present() => {}
                Note::Failed {
                    message, forbidden, ..
                } => {
                    let (store, place) = (teller.place.store.clone(), teller.place.text());
                    teller.tell(State::Failed(if forbidden {
                        SecretError::Forbidden {
                            store,
                            place,
                            why: message,
                        }
                    } else {
                        SecretError::Unreachable {
                            store,
                            place,
                            why: message,
                        }
                    }));
                }
                Note::Recovered => {}
            }
            ControlFlow::Continue(())
        };
        watch(&transport, &subject, listener).await;
    })
}

fn values(secret: &Json) -> Values {
    secret
        .get("data")
        .and_then(Json::as_object)
        .into_iter()
        .flatten()
        .filter_map(|(key, value)| {
            let value = STANDARD.decode(value.as_str()?).ok()?;
            Some((key.clone(), SecretValue::new(value)))
        })
        .collect()
}
