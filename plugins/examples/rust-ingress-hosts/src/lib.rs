//! Moves Ingresses and HTTPRoutes to the hosts of another environment.

use std::collections::BTreeMap;

use serde::Deserialize;
use windlass_plugin_sdk::{Description, Failure, Host, Json, Plugin, Scope, Transform};

struct IngressHosts;

/// What stands under `config` in the step.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Config {
    /// The domain that is there, and the one that takes its place.
    hosts: BTreeMap<String, String>,
    #[serde(default)]
    ingress_class_name: Option<String>,
}

const SCHEMA: &str = r#"{
  "type": "object",
  "additionalProperties": false,
  "required": ["hosts"],
  "properties": {
    "hosts": {
      "type": "object",
      "description": "The domain that is there, and the one that takes its place.",
      "additionalProperties": {"type": "string"}
    },
    "ingressClassName": {"type": "string", "description": "The class that all Ingresses get."}
  }
}"#;

impl Plugin for IngressHosts {
    fn describe() -> Description {
        Description::new(
            "ingress-hosts",
            env!("CARGO_PKG_VERSION"),
            "Moves Ingresses and HTTPRoutes to the hosts of another environment.",
        )
        .scope(Scope::Object)
        .configuration_schema(SCHEMA)
    }
}

impl Transform for IngressHosts {
    type Config = Config;

    fn transform(
        mut objects: Vec<Json>,
        config: Config,
        _host: &mut dyn Host,
    ) -> Result<Vec<Json>, Failure> {
        for (from, to) in &config.hosts {
            for domain in [from, to] {
                if !is_domain(domain) {
                    return Err(Failure::new(format!("`{domain}` is no domain"))
                        .field(format!("hosts.{from}"))
                        .hint("write it without a scheme, a port and a wildcard: `shop.example`"));
                }
            }
        }
        for object in &mut objects {
            let group = object["apiVersion"].as_str().unwrap_or_default();
            let is = |wanted: &str| group.split('/').next() == Some(wanted);
            match object["kind"].as_str() {
                Some("Ingress") if is("networking.k8s.io") => ingress(object, &config),
                Some("HTTPRoute") if is("gateway.networking.k8s.io") => {
                    list(&mut object["spec"], "hostnames", |host| {
                        moved(host, &config.hosts)
                    });
                }
                _ => {}
            }
        }
        Ok(objects)
    }
}

fn ingress(object: &mut Json, config: &Config) {
    let spec = &mut object["spec"];
    if let Some(class) = &config.ingress_class_name {
        spec["ingressClassName"] = class.as_str().into();
    }
    list(spec, "rules", |rule| {
        if let Some(host) = rule.get_mut("host") {
            moved(host, &config.hosts);
        }
    });
    list(spec, "tls", |tls| {
        list(tls, "hosts", |host| moved(host, &config.hosts));
    });
}

/// Does something with each item of a list, when there is one.
fn list(object: &mut Json, key: &str, change: impl Fn(&mut Json)) {
    let items = object.get_mut(key).and_then(Json::as_array_mut);
    items.into_iter().flatten().for_each(change);
}

/// Moves a host to the new domain of the longest old one that it is below.
fn moved(host: &mut Json, domains: &BTreeMap<String, String>) {
    let Some(text) = host.as_str() else { return };
    let below = |domain: &str| {
        let rest = text.strip_suffix(domain)?;
        (rest.is_empty() || rest.ends_with('.')).then_some(rest)
    };
    let found = domains
        .iter()
        .filter_map(|(from, to)| Some((from.len(), below(from)?, to)))
        .max_by_key(|(length, ..)| *length);
    if let Some((_, rest, to)) = found {
        *host = format!("{rest}{to}").into();
    }
}

/// Labels of letters, digits and `-`, by RFC 1123.
fn is_domain(text: &str) -> bool {
    let label = |label: &str| {
        let inside = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        !label.is_empty()
            && label.len() <= 63
            && label.chars().all(inside)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    text.len() <= 253 && text.split('.').all(label)
}

windlass_plugin_sdk::export_transformer!(IngressHosts);
