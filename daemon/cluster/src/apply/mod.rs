//! Writing to a cluster: server-side apply, delete, dry run.
//!
//! A body goes out as it was rendered, without a typed round trip, and its answer is parsed once.
//! Only what cannot be otherwise is parsed before: a body with secrets, with fields that are left
//! to others, or with `stringData`.

mod adopt;
mod hide;
mod replace;
mod yielding;

use crate::cluster::APPLY;
use crate::discovery::Served;
use crate::failure::{Deed, Status, refused, unanswered};
use crate::secrets::{Bound, Mask, SecretError, Secrets};
use crate::target::KubernetesTarget;
use crate::transport::{Answer, Call};
use bytes::Bytes;
use http::{Method, StatusCode};
use serde_json::{Value as Json, json};
use std::sync::Arc;
use windlass_engine::drift::{MANAGER, fold_string_data};
use windlass_engine::{Conflict, Desired, Failure, FailureClass, FingerprintKey, Live, Pointer};
use windlass_manifest::ObjectId;
use zeroize::Zeroizing;

pub(super) const APPLIED: &str = "cannot be applied";
const DELETED: &str = "cannot be deleted";

/// A body that is ready to be sent.
struct Body {
    bytes: Bytes,
    /// The parsed body, where one had to be made.
    bound: Option<Bound>,
    mask: Mask,
}

/// Bytes with a body's text, without a copy.
struct Text(Arc<str>);

impl AsRef<[u8]> for Text {
    fn as_ref(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

/// Bytes of a body with secrets, wiped when they are sent.
fn wiped(object: &Json) -> Bytes {
    Bytes::from_owner(Zeroizing::new(object.to_string().into_bytes()))
}

/// How a body is sent.
#[derive(Clone, Copy)]
struct Mode {
    force: bool,
    dry_run: bool,
}

impl KubernetesTarget {
    /// See [`crate::Target::apply`].
    ///
    /// # Errors
    /// See [`crate::Target::apply`].
    pub async fn apply(
        &self,
        object: &Desired,
        force: bool,
        exists: bool,
        secrets: &Secrets,
        namespace: &str,
    ) -> Result<Live, Failure> {
        let deed = Deed {
            verb: APPLIED,
            id: &object.id,
        };
        let served = self.served(deed, &object.api_version).await?;
        let mut body = self.body(deed, object, secrets, namespace).await?;
        if exists && !object.leave.is_empty() {
            self.keep_left(deed, &served, object, &mut body).await?;
        }
        let mode = Mode {
            force,
            dry_run: false,
        };
        let mut answer = self.send(deed, &served, &body, mode).await?;
        if answer.status == StatusCode::CONFLICT && object.conflict == Conflict::Yield {
            answer = self
                .send_yielding(deed, &served, object, &mut body, answer)
                .await?;
        }
        if !answer.status.is_success() {
            let status = Status::read(&answer);
            if status.is_immutable() && replace::is_allowed(object) {
                return Err(self.replace(deed, &served, object, &body).await);
            }
            if status.code == 404 {
                self.ask_what_is_served();
            }
            return Err(refused(deed, &answer, &body.mask));
        }
        let created = answer.status == StatusCode::CREATED;
        let mut live = answer.json().map_err(|e| unanswered(deed, &e))?;
        if !created
            && self.is_first_contact(&object.id)
            && adopt::needs(&live)
            && let Some(adopted) = self.adopt(deed, &served, &body, &live).await?
        {
            live = adopted;
        }
        self.take_over(deed, &served, live).await
    }

    /// The kind as it is served in the body's version.
    async fn served(&self, deed: Deed<'_>, api_version: &str) -> Result<Served, Failure> {
        let kind = deed.id.group_kind();
        let version = api_version.rsplit('/').next().unwrap_or_default();
        let discovery = self.cluster().discovery();
        if let Some(served) = discovery.in_version(&kind, version) {
            return Ok(served);
        }
        if let Err(error) = discovery.refresh(self.cluster().transport()).await {
            return Err(Failure {
                class: FailureClass::Transient { retry_after: None },
                code: error.code(),
                message: format!("{deed}: {error}"),
            });
        }
        if let Some(served) = discovery.in_version(&kind, version) {
            return Ok(served);
        }
        let instead = match discovery.preferred(&kind) {
            Some(other) => format!("The kind is served in version {}", other.version),
            None => "Install the CustomResourceDefinition that serves it, or correct apiVersion and kind".to_owned(),
        };
        Err(Failure {
            class: FailureClass::KindMissing,
            code: "WL0705",
            message: format!(
                "{deed}: the API server does not serve {} in {api_version}. {instead}",
                deed.id.kind
            ),
        })
    }

    fn ask_what_is_served(&self) {
        let cluster = self.cluster().clone();
        // One request that ends by itself; whoever waits for a kind hears of it.
        drop(tokio::spawn(async move {
            if let Err(error) = cluster.discover().await {
                tracing::debug!("discovery after a 404: {error}");
            }
        }));
    }

    async fn body(
        &self,
        deed: Deed<'_>,
        object: &Desired,
        secrets: &Secrets,
        namespace: &str,
    ) -> Result<Body, Failure> {
        let is_secret = object.id.group.is_empty() && object.id.kind == "Secret";
        if object.secrets.is_empty() && !is_secret {
            return Ok(Body {
                bytes: Bytes::from_owner(Text(Arc::clone(&object.body))),
                bound: None,
                mask: Mask::default(),
            });
        }
        let parsed = parse(deed, object)?;
        let mut bound = secrets
            .bind(&parsed, namespace)
            .await
            .map_err(|error| secret_failure(deed, &error))?;
        fold_string_data(bound.object_mut());
        let mut mask = std::mem::take(&mut bound.mask);
        if is_secret {
            mask.push_data(bound.object());
        }
        Ok(Body {
            bytes: wiped(bound.object()),
            bound: Some(bound),
            mask,
        })
    }

    /// Copies the live values of the fields that are left to others into the body: left out, the
    /// API server would take them away, for we have owned them since the creation.
    async fn keep_left(
        &self,
        deed: Deed<'_>,
        served: &Served,
        object: &Desired,
        body: &mut Body,
    ) -> Result<(), Failure> {
        let path = served.object(&object.id);
        let answer = self
            .cluster()
            .transport()
            .call(Call::get(&path))
            .await
            .map_err(|e| unanswered(deed, &e))?;
        if answer.status == StatusCode::NOT_FOUND {
            return Ok(());
        }
        if !answer.status.is_success() {
            return Err(refused(deed, &answer, &body.mask));
        }
        let live = answer.json().map_err(|e| unanswered(deed, &e))?;
        let mut bound = match body.bound.take() {
            Some(bound) => bound,
            None => Bound::new(parse(deed, object)?, Mask::default()),
        };
        let target = bound.object_mut();
        for pointer in &object.leave {
            keep(pointer, &live, target);
        }
        // A change between the look and the write would be overwritten; with this it is refused.
        if let Some(version) = live.pointer("/metadata/resourceVersion") {
            set(
                target,
                ["metadata", "resourceVersion"].into_iter(),
                version.clone(),
            );
        }
        body.bytes = wiped(target);
        body.bound = Some(bound);
        Ok(())
    }

    async fn send(
        &self,
        deed: Deed<'_>,
        served: &Served,
        body: &Body,
        mode: Mode,
    ) -> Result<Answer, Failure> {
        let dry_run = if mode.dry_run { "&dryRun=All" } else { "" };
        let target = format!(
            "{}?fieldManager={MANAGER}&fieldValidation=Strict&force={}{dry_run}",
            served.object(deed.id),
            mode.force
        );
        let call = Call::new(Method::PATCH, &target, Some(APPLY), body.bytes.clone());
        let answer = self.cluster().transport().call(call).await;
        answer.map_err(|e| unanswered(deed, &e))
    }

    fn is_first_contact(&self, id: &ObjectId) -> bool {
        self.get(id).is_none_or(|live| live.owned.is_none())
    }

    /// Makes what is kept of an object from the API server's answer.
    async fn take_over(
        &self,
        deed: Deed<'_>,
        served: &Served,
        mut object: Json,
    ) -> Result<Live, Failure> {
        // The watch sees objects in the preferred version, and fingerprints of two versions do
        // not compare.
        let preferred = self.cluster().discovery().preferred(&deed.id.group_kind());
        if let Some(preferred) = preferred.filter(|preferred| preferred.version != served.version) {
            let path = preferred.object(deed.id);
            let answer = self
                .cluster()
                .transport()
                .call(Call::get(&path))
                .await
                .map_err(|e| unanswered(deed, &e))?;
            if answer.status.is_success() {
                object = answer.json().map_err(|e| unanswered(deed, &e))?;
            }
        }
        let live = self.shared().read(&object).ok_or_else(|| Failure {
            class: FailureClass::Transient { retry_after: None },
            code: "WL0708",
            message: format!("{deed}: the API server's answer is not an object"),
        })?;
        self.shared().index().applied(&live);
        Ok(live)
    }

    /// See [`crate::Target::delete`].
    ///
    /// # Errors
    /// See [`crate::Target::delete`].
    pub async fn delete(
        &self,
        id: &ObjectId,
        uid: &str,
        resource_version: &str,
    ) -> Result<(), Failure> {
        let deed = Deed { verb: DELETED, id };
        let Some(served) = self.cluster().discovery().preferred(&id.group_kind()) else {
            // Without its kind there is no such object.
            return Ok(());
        };
        let mut preconditions = json!({ "uid": uid });
        if !resource_version.is_empty() {
            preconditions["resourceVersion"] = resource_version.into();
        }
        let answer = self.send_delete(deed, &served, preconditions).await?;
        if answer.status.is_success() || answer.status == StatusCode::NOT_FOUND {
            return Ok(());
        }
        Err(refused(deed, &answer, &Mask::default()))
    }

    async fn send_delete(
        &self,
        deed: Deed<'_>,
        served: &Served,
        preconditions: Json,
    ) -> Result<Answer, Failure> {
        let options = json!({
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "propagationPolicy": "Background",
            "preconditions": preconditions,
        });
        let path = served.object(deed.id);
        let call = Call::new(
            Method::DELETE,
            &path,
            Some("application/json"),
            Bytes::from(options.to_string()),
        );
        let answer = self.cluster().transport().call(call).await;
        answer.map_err(|e| unanswered(deed, &e))
    }

    /// See [`crate::Target::dry_run`].
    ///
    /// # Errors
    /// See [`crate::Target::dry_run`].
    pub async fn dry_run(
        &self,
        object: &Desired,
        secrets: &Secrets,
        namespace: &str,
    ) -> Result<(Option<Json>, Json), Failure> {
        let deed = Deed {
            verb: APPLIED,
            id: &object.id,
        };
        let served = self.served(deed, &object.api_version).await?;
        let mut body = self.body(deed, object, secrets, namespace).await?;
        let path = served.object(&object.id);
        let transport = self.cluster().transport();
        let live = transport
            .call(Call::get(&path))
            .await
            .map_err(|e| unanswered(deed, &e))?;
        let live = match live.status.as_u16() {
            200 => Some(live.json().map_err(|e| unanswered(deed, &e))?),
            404 => None,
            _ => return Err(refused(deed, &live, &body.mask)),
        };
        if live.is_some() && !object.leave.is_empty() {
            self.keep_left(deed, &served, object, &mut body).await?;
        }
        let mode = Mode {
            force: object.conflict != Conflict::Fail,
            dry_run: true,
        };
        let answer = self.send(deed, &served, &body, mode).await?;
        if !answer.status.is_success() {
            return Err(refused(deed, &answer, &body.mask));
        }
        let result = answer.json().map_err(|e| unanswered(deed, &e))?;
        let hide = hide::Hide {
            template: &parse(deed, object)?,
            mask: &body.mask,
            key: &self.shared().key,
        };
        Ok((live.map(|live| hide.apply(live)), hide.apply(result)))
    }
}

/// Keeps what an existing object has at a path that is left to others.
pub(crate) fn keep(pointer: &Pointer, existing: &Json, target: &mut Json) {
    match pointer.get(existing) {
        Some(value) => set(target, pointer.tokens(), value.clone()),
        // Others have removed it, and it stays so.
        None => _ = pointer.remove(target),
    }
}

/// Hides the values of a Secret from people.
pub(crate) fn hide_secret(object: Json, template: &Json, key: &FingerprintKey) -> Json {
    let mask = &Mask::default();
    hide::Hide {
        template,
        mask,
        key,
    }
    .apply(object)
}

fn parse(deed: Deed<'_>, object: &Desired) -> Result<Json, Failure> {
    serde_json::from_str(&object.body).map_err(|error| Failure {
        class: FailureClass::Rejected,
        code: "WL0703",
        message: format!("{deed}: its body is not JSON: {error}"),
    })
}

fn secret_failure(deed: Deed<'_>, error: &SecretError) -> Failure {
    let class = match error {
        SecretError::Unreachable { .. } => FailureClass::Transient { retry_after: None },
        SecretError::NotText { .. } | SecretError::TooLarge { .. } | SecretError::Body(_) => {
            FailureClass::Rejected
        }
        _ => FailureClass::SecretMissing,
    };
    Failure {
        class,
        code: error.code(),
        message: format!("{deed}: {error}"),
    }
}

/// Puts a value at a path and makes the maps on the way; does nothing where a scalar or a list
/// that is too short stands in the way.
fn set<'a>(target: &mut Json, path: impl Iterator<Item = &'a str>, value: Json) {
    let mut place = target;
    for name in path {
        if place.is_null() {
            *place = json!({});
        }
        let next = match place {
            Json::Object(map) => Some(map.entry(name).or_insert(Json::Null)),
            Json::Array(items) => name.parse().ok().and_then(|at: usize| items.get_mut(at)),
            _ => None,
        };
        match next {
            Some(next) => place = next,
            None => return,
        }
    }
    *place = value;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn setting_makes_maps_and_never_breaks_what_is_there() {
        let mut value = json!({"list": [1], "text": "a"});
        set(&mut value, ["spec", "replicas"].into_iter(), json!(5));
        set(&mut value, ["list", "4"].into_iter(), json!(5));
        set(&mut value, ["text", "deep"].into_iter(), json!(5));
        assert_eq!(
            value,
            json!({"list": [1], "text": "a", "spec": {"replicas": 5}})
        );
    }
}
