//! The pods that an object makes.

use windlass_plugin_sdk::Json;

/// The specification of the pods that an object makes, and where it is in the object.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pod<'a> {
    pub(crate) spec: &'a Json,
    pub(crate) path: &'static str,
    /// Whether the pods are to stay, so that probes make sense.
    pub(crate) is_service: bool,
}

impl<'a> Pod<'a> {
    /// Gives the pods of a built-in workload.
    pub(crate) fn of(object: &'a Json) -> Option<Self> {
        let group = object["apiVersion"]
            .as_str()?
            .split_once('/')
            .map_or("", |(group, _)| group);
        let (pointer, path, is_service) = match (group, object["kind"].as_str()?) {
            ("", "Pod") => ("/spec", "spec", false),
            ("apps", "Deployment" | "StatefulSet" | "DaemonSet") => {
                ("/spec/template/spec", "spec.template.spec", true)
            }
            ("apps", "ReplicaSet") | ("", "ReplicationController") | ("batch", "Job") => {
                ("/spec/template/spec", "spec.template.spec", false)
            }
            ("batch", "CronJob") => (
                "/spec/jobTemplate/spec/template/spec",
                "spec.jobTemplate.spec.template.spec",
                false,
            ),
            _ => return None,
        };
        let spec = object.pointer(pointer)?;
        Some(Self {
            spec,
            path,
            is_service,
        })
    }

    /// The containers, those that prepare the pod first.
    pub(crate) fn containers(&self) -> impl Iterator<Item = Container<'a>> + use<'a> {
        let Pod { spec, path, .. } = *self;
        ["initContainers", "containers"]
            .into_iter()
            .flat_map(move |list| {
                let containers = spec[list].as_array().map_or(&[][..], Vec::as_slice);
                containers
                    .iter()
                    .enumerate()
                    .map(move |(index, value)| Container {
                        value,
                        path: format!("{path}.{list}[{index}]"),
                        is_init: list == "initContainers",
                    })
            })
    }
}

/// One container and where it is in the object.
#[derive(Debug)]
pub(crate) struct Container<'a> {
    pub(crate) value: &'a Json,
    pub(crate) path: String,
    pub(crate) is_init: bool,
}

impl Container<'_> {
    pub(crate) fn name(&self) -> &str {
        self.value["name"].as_str().unwrap_or("without a name")
    }
}
