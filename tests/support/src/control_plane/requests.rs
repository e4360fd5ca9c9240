use std::collections::BTreeMap;

use serde::Deserialize;

use crate::prometheus;

/// How often the API server answered one kind of request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestCount {
    /// The verb, in the API server's capitals: `APPLY`, `LIST`, `WATCH`.
    pub verb: String,
    /// The API group; empty for the core group.
    pub group: String,
    /// The resource; empty for what is none, such as discovery.
    pub resource: String,
    /// The subresource, or empty.
    pub subresource: String,
    /// The HTTP status.
    pub code: String,
    /// Whether the request was a dry run.
    pub dry_run: bool,
    /// The number of answers.
    pub count: u64,
}

/// What the API server counted up to a moment.
///
/// A watch is counted when it ends. The counts are over all clients; where it matters whose requests they are, the audit
/// log tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestCounts(pub Vec<RequestCount>);

impl RequestCounts {
    pub(super) fn parse(page: &str) -> Self {
        let samples = prometheus::parse(page);
        let requests = samples
            .into_iter()
            .filter(|sample| sample.name == "apiserver_request_total");
        let mut counts: Vec<RequestCount> = Vec::new();
        for mut sample in requests {
            let mut take = |label: &str| sample.labels.remove(label).unwrap_or_default();
            let mut count = RequestCount {
                verb: take("verb"),
                group: take("group"),
                resource: take("resource"),
                subresource: take("subresource"),
                code: take("code"),
                dry_run: !take("dry_run").is_empty(),
                count: 0,
            };
            // Versions and scopes are told apart on the page and not here.
            let same = counts.iter_mut().find(|known| {
                count.count = known.count;
                **known == count
            });
            let value = sample.value as u64;
            match same {
                Some(known) => known.count += value,
                None => counts.push(RequestCount {
                    count: value,
                    ..count
                }),
            }
        }
        Self(counts)
    }

    /// What was counted after `earlier` was taken; kinds of request that did not happen since are left out.
    pub fn since(&self, earlier: &Self) -> Self {
        let key = |count: &RequestCount| RequestCount {
            count: 0,
            ..count.clone()
        };
        let new = self.0.iter().filter_map(|count| {
            let before = earlier.0.iter().find(|other| key(other) == key(count));
            let before = before.map_or(0, |other| other.count);
            (count.count > before).then(|| RequestCount {
                count: count.count - before,
                ..count.clone()
            })
        });
        Self(new.collect())
    }

    /// The number of requests that `filter` lets through.
    pub fn total(&self, mut filter: impl FnMut(&RequestCount) -> bool) -> u64 {
        self.0
            .iter()
            .filter(|count| filter(count))
            .map(|count| count.count)
            .sum()
    }

    /// The number of requests with one of `verbs`.
    pub fn with_verbs(&self, verbs: &[&str]) -> u64 {
        self.total(|count| verbs.contains(&count.verb.as_str()))
    }
}

/// One request in the audit log.
#[derive(Clone, Debug)]
pub struct AuditedRequest {
    /// The user who made it.
    pub user: String,
    /// The program that made it, by its own account.
    pub user_agent: String,
    /// The verb in lower case: `get`, `patch`, `watch`.
    pub verb: String,
    /// The path and query.
    pub uri: String,
    /// The API group; empty for the core group.
    pub group: String,
    /// The resource; empty for what is none.
    pub resource: String,
    /// The subresource, or empty.
    pub subresource: String,
    /// The namespace, or empty.
    pub namespace: String,
    /// The object's name, or empty.
    pub name: String,
    /// The HTTP status, or 0 for what is still being answered.
    pub code: u16,
}

/// Reads the audit log: one entry a request, in the order in which they began to be answered.
pub(super) fn parse_audit_log(log: &str) -> Vec<AuditedRequest> {
    let mut order: BTreeMap<String, usize> = BTreeMap::new();
    let mut requests: Vec<AuditedRequest> = Vec::new();
    for line in log.lines() {
        // The last line may be in the middle of being written.
        let Ok(event) = serde_json::from_str::<AuditEvent>(line) else {
            continue;
        };
        let id = event.audit_id.clone();
        let request = event.into_request();
        if let Some(known) = order.get(&id).and_then(|&at| requests.get_mut(at)) {
            *known = request;
        } else {
            order.insert(id, requests.len());
            requests.push(request);
        }
    }
    requests
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AuditEvent {
    #[serde(rename = "auditID")]
    audit_id: String,
    #[serde(rename = "requestURI")]
    request_uri: String,
    verb: String,
    user: AuditUser,
    #[serde(default)]
    user_agent: String,
    #[serde(default)]
    object_ref: AuditObject,
    #[serde(default)]
    response_status: AuditStatus,
}

#[derive(Deserialize)]
struct AuditUser {
    #[serde(default)]
    username: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct AuditObject {
    api_group: String,
    resource: String,
    subresource: String,
    namespace: String,
    name: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct AuditStatus {
    code: u16,
}

impl AuditEvent {
    fn into_request(self) -> AuditedRequest {
        AuditedRequest {
            user: self.user.username,
            user_agent: self.user_agent,
            verb: self.verb,
            uri: self.request_uri,
            group: self.object_ref.api_group,
            resource: self.object_ref.resource,
            subresource: self.object_ref.subresource,
            namespace: self.object_ref.namespace,
            name: self.object_ref.name,
            code: self.response_status.code,
        }
    }
}
