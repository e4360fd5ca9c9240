//! Hiding the values of secrets in objects that people look at.
//!
//! A value stands where the body has a reference, and in `data` of a Secret. The live object may
//! hold an older value there, which no mask knows, so places are hidden as well as values. What
//! stands instead tells whether two values differ, and nothing else.

use crate::secrets::Mask;
use serde_json::Value as Json;
use windlass_engine::{Fingerprint, FingerprintKey};
use windlass_manifest::secret_ref::find;

pub(super) struct Hide<'a> {
    /// The body with its references.
    pub(super) template: &'a Json,
    pub(super) mask: &'a Mask,
    pub(super) key: &'a FingerprintKey,
}

impl Hide<'_> {
    pub(super) fn apply(&self, mut object: Json) -> Json {
        let is_secret = object.get("kind").and_then(Json::as_str) == Some("Secret")
            && object.get("apiVersion").and_then(Json::as_str) == Some("v1");
        if is_secret {
            for field in ["data", "stringData"] {
                if let Some(Json::Object(values)) = object.get_mut(field) {
                    values.values_mut().for_each(|value| self.cover(value));
                }
            }
        }
        // kubectl keeps a copy of the whole manifest here, in clear.
        if let Some(Json::Object(annotations)) = object.pointer_mut("/metadata/annotations") {
            annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
        }
        self.places(self.template, &mut object);
        if !self.mask.is_empty() {
            self.values(&mut object);
        }
        object
    }

    fn cover(&self, value: &mut Json) {
        let already = value
            .as_str()
            .is_some_and(|text| text.starts_with("«secret "));
        if !already && !value.is_null() {
            let digest = Fingerprint::of(value, self.key).to_string();
            let short: String = digest.chars().take(8).collect();
            *value = Json::from(format!("«secret {short}»"));
        }
    }

    /// Covers what stands where the template has a reference.
    fn places(&self, template: &Json, object: &mut Json) {
        match (template, object) {
            (Json::String(text), object) if !find(text).is_empty() => self.cover(object),
            (Json::Object(template), Json::Object(object)) => {
                for (name, template) in template {
                    if let Some(object) = object.get_mut(name) {
                        self.places(template, object);
                    }
                }
            }
            (Json::Array(template), Json::Array(object)) => {
                for (at, template) in template.iter().enumerate() {
                    let name = template.get("name").filter(|name| name.is_string());
                    let same = match name {
                        Some(name) => object
                            .iter_mut()
                            .find(|item| item.get("name") == Some(name)),
                        None => object.get_mut(at),
                    };
                    if let Some(object) = same {
                        self.places(template, object);
                    }
                }
            }
            _ => {}
        }
    }

    fn values(&self, value: &mut Json) {
        match value {
            Json::String(text) => {
                let masked = self.mask.apply(text);
                if masked != *text {
                    *text = masked;
                }
            }
            Json::Array(items) => items.iter_mut().for_each(|item| self.values(item)),
            Json::Object(map) => map.values_mut().for_each(|item| self.values(item)),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn neither_a_new_nor_an_old_value_is_shown() {
        let token = "windlass~vault~db~password~end";
        let template = json!({"spec": {"env": [{"name": "A", "value": "x"}, {"name": "B", "value": format!("pg://{token}@db")}]}});
        let mut mask = Mask::default();
        mask.add(b"newvalue");
        let key = FingerprintKey::new([1; 32]);
        let hide = Hide {
            template: &template,
            mask: &mask,
            key: &key,
        };
        let live = hide.apply(json!({"spec": {"env": [{"name": "B", "value": "pg://oldvalue@db"}, {"name": "A", "value": "x"}]}}));
        let result = hide.apply(json!({"spec": {"copy": "newvalue", "env": [{"name": "A", "value": "x"}, {"name": "B", "value": "pg://newvalue@db"}]}}));
        for shown in [live.to_string(), result.to_string()] {
            assert!(
                !shown.contains("oldvalue") && !shown.contains("newvalue"),
                "{shown}"
            );
        }
        assert_ne!(
            live["spec"]["env"][0]["value"], result["spec"]["env"][1]["value"],
            "that they differ is told"
        );
    }

    #[test]
    fn all_data_of_a_secret_is_covered() {
        let (template, mask, key) = (json!({}), Mask::default(), FingerprintKey::new([1; 32]));
        let hide = Hide {
            template: &template,
            mask: &mask,
            key: &key,
        };
        let shown =
            hide.apply(json!({"apiVersion": "v1", "kind": "Secret", "data": {"k": "czNjcjN0"}}));
        assert!(!shown.to_string().contains("czNjcjN0"), "{shown}");
        assert!(shown["data"].get("k").is_some(), "keys are shown");
    }
}
