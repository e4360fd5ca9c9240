//! Which kinds the API server serves, and where.
//!
//! Aggregated discovery (KEP-3352) gives all kinds in two requests. Custom kinds are then kept up
//! to date by a watch on their definitions, which is both faster than discovery (its documents lag
//! behind by seconds) and silent in a steady state.

use crate::error::ClusterError;
use crate::transport::{Answer, Call, Transport, encode};
use serde::Deserialize;
use serde_json::Value as Json;
use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::{Mutex, watch};
use tokio::time::Instant;
use windlass_manifest::{GroupKind, ObjectId};

const ACCEPT: &str =
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";

/// Unknown kinds make discovery be read again, but not more often than this.
const SHORTEST_AGE: Duration = Duration::from_secs(5);

/// A kind in one version, as it is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Served {
    /// API group; empty for the core.
    pub group: String,
    /// Version within the group.
    pub version: String,
    /// Kind.
    pub kind: String,
    /// Name of the collection in paths.
    pub plural: String,
    /// Whether its objects are in namespaces.
    pub namespaced: bool,
    /// Whether its objects can be listed and watched.
    pub watchable: bool,
}

impl Served {
    fn root(&self) -> String {
        let (group, version) = (encode(&self.group), encode(&self.version));
        if group.is_empty() {
            format!("/api/{version}")
        } else {
            format!("/apis/{group}/{version}")
        }
    }

    /// Path of all objects of the kind, in all namespaces.
    pub(crate) fn everywhere(&self) -> String {
        format!("{}/{}", self.root(), encode(&self.plural))
    }

    /// Path of the collection that an object is in.
    pub(crate) fn collection(&self, namespace: Option<&str>) -> String {
        match namespace.filter(|_| self.namespaced) {
            Some(namespace) => format!(
                "{}/namespaces/{}/{}",
                self.root(),
                encode(namespace),
                encode(&self.plural)
            ),
            None => self.everywhere(),
        }
    }

    /// Path of one object.
    pub(crate) fn object(&self, id: &ObjectId) -> String {
        let collection = self.collection(id.namespace.as_deref());
        format!("{collection}/{}", encode(&id.name))
    }
}

type Table = HashMap<GroupKind, Vec<Served>>;

/// What is known of the served kinds; within a kind, the preferred version comes first.
#[derive(Default)]
struct Tables {
    /// From discovery.
    discovered: Table,
    /// From the definitions of custom kinds; wins.
    custom: Table,
    complete: bool,
}

/// The kinds of one API server.
pub(crate) struct Discovery {
    tables: RwLock<Tables>,
    /// Counts the changes.
    changes: watch::Sender<u64>,
    reading: Mutex<LastRead>,
}

#[derive(Default)]
struct LastRead {
    at: Option<Instant>,
    etags: HashMap<&'static str, String>,
    groups: HashMap<&'static str, Table>,
}

impl Discovery {
    pub(crate) fn new() -> Self {
        Discovery {
            tables: RwLock::new(Tables::default()),
            changes: watch::Sender::new(0),
            reading: Mutex::new(LastRead::default()),
        }
    }

    /// Wakes whenever the served kinds may have changed.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Whether discovery has been read at all.
    pub(crate) fn is_complete(&self) -> bool {
        self.read_tables(|tables| tables.complete)
    }

    fn read_tables<T>(&self, read: impl FnOnce(&Tables) -> T) -> T {
        read(&self.tables.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn change_tables(&self, change: impl FnOnce(&mut Tables) -> bool) {
        let mut tables = self.tables.write().unwrap_or_else(PoisonError::into_inner);
        if change(&mut tables) {
            drop(tables);
            self.changes.send_modify(|count| *count += 1);
        }
    }

    /// The kind in its preferred version.
    pub(crate) fn preferred(&self, kind: &GroupKind) -> Option<Served> {
        self.read_tables(|tables| tables.versions(kind)?.first().cloned())
    }

    /// The kind in the given version.
    pub(crate) fn in_version(&self, kind: &GroupKind, version: &str) -> Option<Served> {
        self.read_tables(|tables| {
            let versions = tables.versions(kind)?;
            versions
                .iter()
                .find(|served| served.version == version)
                .cloned()
        })
    }

    /// Reads discovery again, unless that was done a moment ago.
    pub(crate) async fn refresh(&self, transport: &Transport) -> Result<(), ClusterError> {
        let mut last = self.reading.lock().await;
        if last.at.is_some_and(|at| at.elapsed() < SHORTEST_AGE) {
            return Ok(());
        }
        for path in ["/api", "/apis"] {
            let mut call = Call::get(path);
            call.accept = ACCEPT;
            let etag = last.etags.get(path).cloned();
            call.if_none_match = etag.as_deref();
            let answer = transport.call(call).await?;
            if answer.status == http::StatusCode::NOT_MODIFIED {
                continue;
            }
            let table = read_groups(&answer)?;
            last.groups.insert(path, table);
            match answer.etag {
                Some(etag) => last.etags.insert(path, etag),
                None => last.etags.remove(path),
            };
        }
        last.at = Some(Instant::now());
        let discovered: Table = last
            .groups
            .values()
            .flat_map(|table| table.iter().map(|(k, v)| (k.clone(), v.clone())))
            .collect();
        self.change_tables(|tables| {
            let changed = !tables.complete || tables.discovered != discovered;
            tables.discovered = discovered;
            tables.complete = true;
            changed
        });
        Ok(())
    }

    /// Takes the definition of a custom kind over: it is served once it is established.
    pub(crate) fn defined(&self, definition: &Json) {
        let Some((kind, versions)) = read_definition(definition) else {
            return;
        };
        self.change_tables(|tables| {
            if versions.is_empty() {
                tables.forget(&kind)
            } else {
                tables.custom.insert(kind, versions.clone()).as_ref() != Some(&versions)
            }
        });
    }

    /// Forgets a custom kind whose definition is gone.
    pub(crate) fn undefined(&self, definition: &Json) {
        if let Some((kind, _)) = read_definition(definition) {
            self.change_tables(|tables| tables.forget(&kind));
        }
    }

    /// Forgets every custom kind that is not among these definitions.
    pub(crate) fn defined_are(&self, kinds: &std::collections::HashSet<GroupKind>) {
        self.change_tables(|tables| {
            let gone: Vec<GroupKind> = tables
                .custom
                .keys()
                .filter(|kind| !kinds.contains(*kind))
                .cloned()
                .collect();
            for kind in &gone {
                tables.forget(kind);
            }
            !gone.is_empty()
        });
    }
}

impl Tables {
    fn versions(&self, kind: &GroupKind) -> Option<&Vec<Served>> {
        self.custom.get(kind).or_else(|| self.discovered.get(kind))
    }

    fn forget(&mut self, kind: &GroupKind) -> bool {
        let custom = self.custom.remove(kind).is_some();
        self.discovered.remove(kind).is_some() || custom
    }
}

#[derive(Deserialize)]
struct GroupList {
    kind: String,
    #[serde(default)]
    items: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    #[serde(default)]
    metadata: Metadata,
    #[serde(default)]
    versions: Vec<Version>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Metadata {
    name: String,
}

#[derive(Deserialize)]
struct Version {
    version: String,
    #[serde(default)]
    resources: Vec<Resource>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Resource {
    resource: String,
    #[serde(default)]
    response_kind: Option<ResponseKind>,
    #[serde(default)]
    scope: String,
    #[serde(default)]
    verbs: Vec<String>,
}

#[derive(Deserialize)]
struct ResponseKind {
    #[serde(default)]
    kind: String,
}

fn read_groups(answer: &Answer) -> Result<Table, ClusterError> {
    if !answer.status.is_success() {
        let status = crate::failure::Status::read(answer);
        return Err(ClusterError::Refused {
            what: "reading what the API server serves".to_owned(),
            message: status.message,
            code: match status.code {
                401 => "WL0711",
                403 => "WL0702",
                _ => "WL0701",
            },
        });
    }
    let list: GroupList = serde_json::from_slice(&answer.body)
        .map_err(|error| ClusterError::Discovery(error.to_string()))?;
    if list.kind != "APIGroupDiscoveryList" {
        return Err(ClusterError::Discovery(format!(
            "it answers with {}",
            list.kind
        )));
    }
    let mut table = Table::new();
    for group in list.items {
        for version in group.versions {
            for resource in version.resources {
                let Some(kind) = resource.response_kind.filter(|kind| !kind.kind.is_empty()) else {
                    continue;
                };
                let watchable = ["list", "watch"]
                    .iter()
                    .all(|verb| resource.verbs.iter().any(|has| has == verb));
                let served = Served {
                    group: group.metadata.name.clone(),
                    version: version.version.clone(),
                    kind: kind.kind,
                    plural: resource.resource,
                    namespaced: resource.scope == "Namespaced",
                    watchable,
                };
                let versions = table
                    .entry(GroupKind::new(served.group.clone(), served.kind.clone()))
                    .or_default();
                // Two collections may hold one kind; the one that can be watched is meant.
                if let Some(same) = versions.iter_mut().find(|v| v.version == served.version) {
                    if !same.watchable {
                        *same = served;
                    }
                } else {
                    versions.push(served);
                }
            }
        }
    }
    Ok(table)
}

/// The kind that a definition defines.
pub(crate) fn defined_kind(definition: &Json) -> Option<GroupKind> {
    let text = |pointer: &str| definition.pointer(pointer).and_then(Json::as_str);
    Some(GroupKind::new(
        text("/spec/group")?,
        text("/spec/names/kind")?,
    ))
}

/// The kind and served versions of a definition; no versions while it is not established.
fn read_definition(definition: &Json) -> Option<(GroupKind, Vec<Served>)> {
    let kind = defined_kind(definition)?;
    let text = |pointer: &str| definition.pointer(pointer).and_then(Json::as_str);
    let list = |pointer: &str| {
        definition
            .pointer(pointer)
            .and_then(Json::as_array)
            .into_iter()
            .flatten()
    };
    let field =
        |value: &Json, name: &str| value.get(name).and_then(Json::as_str).map(str::to_owned);
    let established = list("/status/conditions").any(|condition| {
        field(condition, "type").as_deref() == Some("Established")
            && field(condition, "status").as_deref() == Some("True")
    });
    if !established || definition.pointer("/metadata/deletionTimestamp").is_some() {
        return Some((kind, Vec::new()));
    }
    let mut versions: Vec<Served> = list("/spec/versions")
        .filter(|version| version.get("served").and_then(Json::as_bool) == Some(true))
        .filter_map(|version| {
            Some(Served {
                group: kind.group.clone(),
                version: field(version, "name")?,
                kind: kind.kind.clone(),
                plural: text("/spec/names/plural")?.to_owned(),
                namespaced: text("/spec/scope") == Some("Namespaced"),
                watchable: true,
            })
        })
        .collect();
    versions.sort_by_key(|served| std::cmp::Reverse(priority(&served.version)));
    Some((kind, versions))
}

/// Ranks versions as Kubernetes does: v2, v1, v1beta2, v1beta1, v1alpha1, then anything else.
fn priority(version: &str) -> (u8, u64, u64) {
    let parse = || {
        let rest = version.strip_prefix('v')?;
        let end = rest
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(rest.len());
        let (major, stage) = rest.split_at(end);
        let major = major.parse().ok()?;
        Some(match stage {
            "" => (3, major, 0),
            stage => match (stage.strip_prefix("beta"), stage.strip_prefix("alpha")) {
                (Some(minor), _) => (2, major, minor.parse().ok()?),
                (_, Some(minor)) => (1, major, minor.parse().ok()?),
                _ => return None,
            },
        })
    };
    parse().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use serde_json::json;

    #[test]
    fn versions_rank_as_in_kubernetes() {
        let mut versions = ["v1alpha1", "v1", "v2beta1", "foo", "v2", "v1beta2", "v10"];
        versions.sort_by_key(|version| std::cmp::Reverse(priority(version)));
        assert_eq!(
            versions,
            ["v10", "v2", "v1", "v2beta1", "v1beta2", "v1alpha1", "foo"]
        );
    }

    #[test]
    fn a_definition_serves_once_it_is_established() {
        let mut definition = json!({
            "spec": {"group": "example.com", "scope": "Namespaced",
                "names": {"kind": "Widget", "plural": "widgets"},
                "versions": [{"name": "v1beta1", "served": true}, {"name": "v1", "served": true}, {"name": "v2", "served": false}]},
        });
        let kind = GroupKind::new("example.com", "Widget");
        let discovery = Discovery::new();
        discovery.defined(&definition);
        assert_eq!(discovery.preferred(&kind), None, "not established yet");
        definition["status"] = json!({"conditions": [{"type": "Established", "status": "True"}]});
        discovery.defined(&definition);
        let served = discovery.preferred(&kind).unwrap();
        assert_eq!(
            served.version, "v1",
            "the most stable version that is served"
        );
        assert!(discovery.in_version(&kind, "v1beta1").is_some());
        let id = ObjectId {
            group: "example.com".into(),
            kind: "Widget".into(),
            namespace: Some("shop".into()),
            name: "a".into(),
        };
        assert_eq!(
            served.object(&id),
            "/apis/example.com/v1/namespaces/shop/widgets/a"
        );
        discovery.undefined(&definition);
        assert_eq!(discovery.preferred(&kind), None, "gone with its definition");
    }
}
