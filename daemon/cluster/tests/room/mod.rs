//! What the tests of this room share: one API server, and a namespace, a set and a target for each
//! test.

mod apply;
mod ownership;
mod parents;
mod proxy;
mod secrets;
mod watches;

use serde_json::{Value as Json, json};
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::sync::{OnceCell, mpsc};
use windlass_cluster::{Client, Cluster, KubernetesTarget, Observation, Secrets};
use windlass_engine::applyset::{PART_OF, SetId};
use windlass_engine::{Desired, Failure, FingerprintKey, Live};
use windlass_manifest::{GroupKind, Object, ObjectId};
use windlass_test_support::{ControlPlane, Options, TestCase};

const DEADLINE: Duration = Duration::from_secs(30);

/// An API server without controllers, for they would change what the tests look at.
async fn plane() -> &'static ControlPlane {
    static PLANE: OnceCell<ControlPlane> = OnceCell::const_new();
    PLANE
        .get_or_init(|| async { ControlPlane::start(Options::default()).await.unwrap() })
        .await
}

fn key() -> FingerprintKey {
    FingerprintKey::new([9; 32])
}

struct Room {
    client: Client,
    target: KubernetesTarget,
    observations: mpsc::UnboundedReceiver<Observation>,
    set: SetId,
    namespace: String,
    case: TestCase,
}

impl Room {
    async fn new(name: &str) -> Room {
        let client = plane().await.client().await.unwrap();
        Room::over(name, client).await
    }

    async fn over(name: &str, client: Client) -> Room {
        let case = TestCase::new(name);
        let namespace = case.id().to_owned();
        let cluster = Cluster::over(client.clone(), 48);
        cluster.discover().await.unwrap();
        let (sender, observations) = mpsc::unbounded_channel();
        let room = Room {
            target: cluster.target(key(), sender),
            set: SetId::of_parent(&namespace, &namespace, "Environment", "windlass.dev"),
            client,
            observations,
            namespace,
            case,
        };
        room.create(
            "/api/v1/namespaces",
            &json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": room.namespace}}),
        )
        .await;
        room
    }

    fn cluster(&self) -> &Cluster {
        self.target.cluster()
    }

    fn desired(&self, body: Json) -> Desired {
        let object = Object::from_json(body).unwrap();
        let origin = object.origin();
        Desired::new(&object, origin, &self.set).unwrap()
    }

    fn config_map(&self, name: &str, data: Json) -> Desired {
        self.desired(json!({"apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": name, "namespace": self.namespace}, "data": data}))
    }

    async fn apply(&self, object: &Desired) -> Result<Live, Failure> {
        self.apply_with(object, true, false, &Secrets::none()).await
    }

    async fn apply_with(
        &self,
        object: &Desired,
        force: bool,
        exists: bool,
        secrets: &Secrets,
    ) -> Result<Live, Failure> {
        self.target
            .apply(object, force, exists, secrets, &self.namespace)
            .await
    }

    fn watch(&self, kinds: &[(&str, &str)]) {
        let kinds: BTreeSet<GroupKind> = kinds
            .iter()
            .map(|(group, kind)| GroupKind::new(*group, *kind))
            .collect();
        self.target.watch(&kinds);
    }

    /// The next observation that the filter takes; the others are passed over.
    async fn observe<T>(
        &mut self,
        what: &str,
        mut filter: impl FnMut(Observation) -> Option<T>,
    ) -> T {
        let mut passed = Vec::new();
        let found = tokio::time::timeout(DEADLINE, async {
            loop {
                let observation = self.observations.recv().await.expect("the target is alive");
                let text = format!("{observation:?}");
                match filter(observation) {
                    Some(found) => return found,
                    None => passed.push(text),
                }
            }
        })
        .await;
        found.unwrap_or_else(|_| panic!("no observation of {what}; there were {passed:#?}"))
    }

    async fn listed(&mut self, group: &str, kind: &str) {
        let wanted = GroupKind::new(group, kind);
        self.observe("a complete list", |seen| {
            matches!(seen, Observation::Listed(kind) if kind == wanted).then_some(())
        })
        .await;
    }

    async fn live(&mut self, id: &ObjectId, what: &str, filter: impl Fn(&Live) -> bool) -> Live {
        self.observe(what, |seen| match seen {
            Observation::Live(live) if live.id == *id && filter(&live) => Some(*live),
            _ => None,
        })
        .await
    }

    async fn vanished(&mut self, id: &ObjectId) -> Option<String> {
        self.observe("its going", |seen| match seen {
            Observation::Vanished { id: gone, uid } if gone == *id => Some(uid),
            _ => None,
        })
        .await
    }

    async fn send(
        &self,
        method: &str,
        path: &str,
        kind: &str,
        body: &Json,
    ) -> Result<Json, String> {
        let request = http::Request::builder()
            .method(method)
            .uri(path)
            .header("content-type", kind)
            .body(body.to_string().into_bytes())
            .unwrap();
        self.client
            .request::<Json>(request)
            .await
            .map_err(|error| error.to_string())
    }

    async fn create(&self, collection: &str, body: &Json) -> Json {
        self.send("POST", collection, "application/json", body)
            .await
            .unwrap()
    }

    /// Changes an object as a person would, under another manager's name.
    async fn edit(&self, path: &str, patch: &Json) -> Json {
        let path = format!("{path}?fieldManager=kubectl-edit");
        self.send("PATCH", &path, "application/merge-patch+json", patch)
            .await
            .unwrap()
    }

    async fn get(&self, path: &str) -> Option<Json> {
        let request = http::Request::get(path).body(Vec::new()).unwrap();
        self.client.request::<Json>(request).await.ok()
    }

    fn path(&self, prefix: &str, plural: &str, name: &str) -> String {
        format!("{prefix}/namespaces/{}/{plural}/{name}", self.namespace)
    }
}

/// A definition of a custom kind `Widget` in a group of the test's own.
fn definition(group: &str) -> Json {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("widgets.{group}")},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"kind": "Widget", "plural": "widgets", "singular": "widget", "listKind": "WidgetList"},
            "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": {
                "type": "object", "x-kubernetes-preserve-unknown-fields": true}}}],
        },
    })
}
