//! The control plane is real: what is applied to it is rolled out, refused and counted as on any cluster.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use futures::future::try_join_all;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, PersistentVolumeClaim, Pod};
use kube::Api;
use kube::api::{DeleteParams, DynamicObject, Patch, PatchParams, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use serde_json::{Value, json};
use windlass_test_support::control_plane::output_of;
use windlass_test_support::{
    ControlPlane, Options, TestCase, eventually, shared, watch_until, watch_until_gone, workload,
};

const SOON: Duration = Duration::from_secs(60);

async fn namespace(plane: &ControlPlane, case: &TestCase) -> Result<kube::Client> {
    let client = plane.client().await?;
    let namespace = serde_json::from_value(json!({ "metadata": { "name": case.id() } }))?;
    Api::<Namespace>::all(client.clone())
        .create(&PostParams::default(), &namespace)
        .await?;
    Ok(client)
}

async fn create_deployment(case: &TestCase, simulate: Option<&str>) -> Result<Api<Deployment>> {
    let client = namespace(shared().await?, case).await?;
    let deployments = Api::<Deployment>::namespaced(client, case.id());
    let mut deployment = workload::deployment("web", case.id(), 3, simulate);
    deployment["spec"]["progressDeadlineSeconds"] = json!(2);
    let deployment = serde_json::from_value(deployment)?;
    deployments
        .create(&PostParams::default(), &deployment)
        .await?;
    Ok(deployments)
}

fn condition(deployment: &Deployment, kind: &str) -> Option<String> {
    let conditions = deployment.status.as_ref()?.conditions.as_ref()?;
    let found = conditions
        .iter()
        .find(|condition| condition.type_ == kind)?;
    found.reason.clone()
}

#[tokio::test]
async fn a_deployment_is_rolled_out_on_simulated_nodes() -> Result<()> {
    let case = TestCase::new("rollout");
    let deployments = create_deployment(&case, None).await?;
    let rolled_out = |deployment: &Deployment| {
        let status = deployment.status.as_ref();
        status.and_then(|status| status.available_replicas) == Some(3)
    };
    watch_until(
        &deployments,
        "web",
        SOON,
        "3 available replicas",
        rolled_out,
    )
    .await?;
    deployments.delete("web", &DeleteParams::default()).await?;
    watch_until_gone(&deployments, "web", SOON).await
}

#[tokio::test]
async fn a_crashing_pod_stops_the_rollout() -> Result<()> {
    let case = TestCase::new("crash");
    let deployments = create_deployment(&case, Some("crash")).await?;
    let failed = |deployment: &Deployment| {
        condition(deployment, "Progressing").as_deref() == Some("ProgressDeadlineExceeded")
    };
    watch_until(&deployments, "web", SOON, "the deadline to pass", failed).await?;
    let pods = Api::<Pod>::namespaced(shared().await?.client().await?, case.id());
    let pods = pods.list(&Default::default()).await?;
    let page = serde_json::to_string(&pods.items)?;
    assert!(page.contains("CrashLoopBackOff"), "{page}");
    Ok(())
}

#[tokio::test]
async fn a_stuck_pod_stays_pending() -> Result<()> {
    let case = TestCase::new("stuck");
    let deployments = create_deployment(&case, Some("stuck")).await?;
    let failed = |deployment: &Deployment| {
        condition(deployment, "Progressing").as_deref() == Some("ProgressDeadlineExceeded")
    };
    watch_until(&deployments, "web", SOON, "the deadline to pass", failed).await?;
    Ok(())
}

#[tokio::test]
async fn jobs_complete_and_fail() -> Result<()> {
    let case = TestCase::new("jobs");
    let client = namespace(shared().await?, &case).await?;
    let jobs = Api::<Job>::namespaced(client, case.id());
    for (name, simulate, expected) in [("good", "none", "Complete"), ("bad", "failed", "Failed")] {
        let job = serde_json::from_value(json!({
            "metadata": { "name": name },
            "spec": {
                "backoffLimit": 0,
                "template": {
                    "metadata": { "labels": { "windlass.dev/simulate": simulate } },
                    "spec": {
                        "restartPolicy": "Never",
                        "containers": [{ "name": "job", "image": "registry.example/job:1" }],
                    },
                },
            },
        }))?;
        jobs.create(&PostParams::default(), &job).await?;
        let ended = |job: &Job| {
            let mut conditions = job
                .status
                .iter()
                .flat_map(|status| status.conditions.iter().flatten());
            conditions.any(|condition| condition.type_ == expected && condition.status == "True")
        };
        watch_until(&jobs, name, SOON, expected, ended).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_claim_is_bound() -> Result<()> {
    let case = TestCase::new("claim");
    let client = namespace(shared().await?, &case).await?;
    let claims = Api::<PersistentVolumeClaim>::namespaced(client, case.id());
    let claim = serde_json::from_value(json!({
        "metadata": { "name": "data" },
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": { "requests": { "storage": "1Gi" } },
        },
    }))?;
    claims.create(&PostParams::default(), &claim).await?;
    let bound = |claim: &PersistentVolumeClaim| {
        claim
            .status
            .as_ref()
            .and_then(|status| status.phase.as_deref())
            == Some("Bound")
    };
    watch_until(&claims, "data", SOON, "being bound", bound).await?;
    claims.delete("data", &DeleteParams::default()).await?;
    watch_until_gone(&claims, "data", SOON).await
}

#[tokio::test]
async fn a_namespace_goes_away() -> Result<()> {
    let case = TestCase::new("gone");
    let client = namespace(shared().await?, &case).await?;
    let namespaces = Api::<Namespace>::all(client);
    namespaces
        .delete(case.id(), &DeleteParams::default())
        .await?;
    watch_until_gone(&namespaces, case.id(), SOON).await
}

#[tokio::test]
async fn kubectl_speaks_to_it() -> Result<()> {
    let plane = shared().await?;
    let version = output_of(plane.kubectl(&["version", "--output=json"])).await?;
    let version: Value = serde_json::from_str(&version)?;
    assert_eq!(version["serverVersion"]["gitVersion"], "v1.36.1");
    assert_eq!(version["clientVersion"]["gitVersion"], "v1.36.1");
    let nodes = output_of(plane.kubectl(&["get", "nodes", "--output=name"])).await?;
    assert_eq!(nodes.lines().count(), 3, "{nodes}");
    Ok(())
}

#[tokio::test]
async fn a_tenant_may_do_what_rbac_grants() -> Result<()> {
    let plane = shared().await?;
    let tenant = Api::<ConfigMap>::namespaced(plane.client_as("tenant-a").await?, "default");
    let refused = tenant.list(&Default::default()).await;
    assert!(
        matches!(&refused, Err(kube::Error::Api(status)) if status.code == 403),
        "{refused:?}"
    );
    plane.grant_cluster_admin("tenant-a").await?;
    // The authorizer learns of the binding through a watch of its own.
    eventually(SOON, "the binding to count", async || {
        Ok(Some(tenant.list(&Default::default()).await?))
    })
    .await?;
    assert!(plane.kubeconfig_as("stranger").is_err());
    Ok(())
}

#[tokio::test]
async fn requests_are_counted_and_attributed() -> Result<()> {
    let plane = shared().await?;
    plane.grant_cluster_admin("windlass").await?;
    let maps = Api::<ConfigMap>::namespaced(plane.client_as("windlass").await?, "default");
    eventually(SOON, "the binding to count", async || {
        Ok(Some(maps.list(&Default::default()).await?))
    })
    .await?;
    let before = plane.request_counts().await?;
    let known = plane.requests_by("windlass")?.len();
    for number in 0..5 {
        let map = json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": { "name": "counted" },
            "data": { "number": number.to_string() },
        });
        maps.patch("counted", &PatchParams::apply("test"), &Patch::Apply(map))
            .await?;
    }
    let since = plane.request_counts().await?.since(&before);
    let applied = since.total(|count| count.verb == "APPLY" && count.resource == "configmaps");
    assert_eq!(applied, 5, "{since:?}");
    let requests = plane.requests_by("windlass")?.split_off(known);
    assert_eq!(requests.len(), 5, "{requests:?}");
    assert!(
        requests
            .iter()
            .all(|request| request.verb == "patch" && request.name == "counted")
    );
    Ok(())
}

#[tokio::test]
async fn the_workload_is_accepted() -> Result<()> {
    let case = TestCase::new("workload");
    let client = namespace(shared().await?, &case).await?;
    let applied = workload::objects("shop", case.id()).map(|object| {
        let client = client.clone();
        let namespace = case.id();
        async move {
            let object: DynamicObject = serde_json::from_value(object)?;
            let types = object.types.clone().context("an object has a type")?;
            let kind = GroupVersionKind::try_from(&types)?;
            let resource = ApiResource::from_gvk(&kind);
            let api = Api::<DynamicObject>::namespaced_with(client, namespace, &resource);
            let params = PatchParams::apply("test");
            anyhow::Ok(api.patch("shop", &params, &Patch::Apply(&object)).await?)
        }
    });
    try_join_all(applied).await?;
    let manifest = tempfile::NamedTempFile::new()?;
    std::fs::write(manifest.path(), workload::manifest("shop", case.id()))?;
    let path = manifest.path().display().to_string();
    // The same objects in YAML: nothing is left to be changed.
    let args = [
        "apply",
        "--server-side",
        "--field-manager=test",
        "--dry-run=server",
        "--filename",
        &path,
    ];
    let output = output_of(shared().await?.kubectl(&args)).await?;
    assert_eq!(output.lines().count(), workload::KINDS.len(), "{output}");
    Ok(())
}

#[tokio::test]
async fn an_api_server_comes_back_with_its_data() -> Result<()> {
    let since = Instant::now();
    let mut plane = ControlPlane::start(Options::default()).await?;
    eprintln!("etcd and the API server started in {:?}", since.elapsed());
    let case = TestCase::new("restart");
    let client = namespace(&plane, &case).await?;
    let namespaces = Api::<Namespace>::all(client);
    plane.stop_api_server()?;
    assert!(namespaces.get(case.id()).await.is_err());
    plane.start_api_server().await?;
    namespaces.get(case.id()).await?;
    Ok(())
}

#[tokio::test]
async fn a_start_that_fails_tells_why() -> Result<()> {
    let options = Options {
        api_server_args: vec!["--no-such-flag".to_owned()],
        ..Options::default()
    };
    let error = ControlPlane::start(options)
        .await
        .err()
        .context("the start has to fail")?;
    let error = format!("{error:#}");
    assert!(error.contains("unknown flag: --no-such-flag"), "{error}");
    Ok(())
}
