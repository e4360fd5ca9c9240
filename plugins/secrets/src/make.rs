//! Secret objects out of stores.

use crate::config::{From, Keys, Secret};
use crate::reference;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, json};
use std::collections::BTreeMap;
use windlass_plugin_common::Variables;
use windlass_plugin_sdk::{Failure, Host, Json};

/// Makes a Secret object. Its entries are in `data`, because the API server forgets who owns what
/// is in `stringData`, so that entries removed later would stay in the cluster.
pub(crate) fn secret(
    secret: Secret,
    place: &str,
    variables: &Variables,
    host: &mut dyn Host,
) -> Result<Json, Failure> {
    let Secret {
        name,
        namespace,
        kind,
        labels,
        annotations,
        string_data,
        from,
    } = secret;
    let mut entries = Entries {
        place,
        data: BTreeMap::new(),
    };
    for (key, text) in &string_data {
        let at = format!("{place}.stringData.{key}");
        let text = variables.text(text, &at)?;
        let placed = reference::in_text(&text, host)
            .map_err(|reason| Failure::new(reason).field(at.as_str()))?;
        entries.add(key, &placed.unwrap_or(text), &at)?;
    }
    for (index, From { store, name, keys }) in from.iter().enumerate() {
        let at = format!("{place}.from[{index}]");
        let store = variables.text(store, &format!("{at}.store"))?;
        let name = variables.text(name, &format!("{at}.name"))?;
        let keys: Vec<(&String, &String)> = match keys {
            Keys::Same(keys) => keys.iter().map(|key| (key, key)).collect(),
            Keys::Renamed(keys) => keys.iter().collect(),
        };
        for (key, stored) in keys {
            let token = host
                .secret_reference(&store, &name, stored)
                .map_err(|reason| Failure::new(reason).field(at.as_str()))?;
            entries.add(key, &token, &at)?;
        }
    }
    if entries.data.is_empty() {
        return Err(
            Failure::new(format!("the Secret `{name}` would have no entries"))
                .field(place)
                .hint("give it `stringData` or `from`"),
        );
    }
    let mut metadata = Map::new();
    metadata.insert(
        "name".to_owned(),
        variables.text(&name, &format!("{place}.name"))?.into(),
    );
    if let Some(namespace) = namespace {
        let namespace = variables.text(&namespace, &format!("{place}.namespace"))?;
        metadata.insert("namespace".to_owned(), namespace.into());
    }
    for (field, texts) in [("labels", labels), ("annotations", annotations)] {
        let texts = texts
            .iter()
            .map(|(key, text)| {
                let text = variables.text(text, &format!("{place}.{field}.{key}"))?;
                Ok((key.clone(), Json::String(text)))
            })
            .collect::<Result<Map<_, _>, Failure>>()?;
        if !texts.is_empty() {
            metadata.insert(field.to_owned(), texts.into());
        }
    }
    Ok(json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": metadata,
        "type": kind.unwrap_or_else(|| "Opaque".to_owned()),
        "data": entries.data,
    }))
}

struct Entries<'a> {
    place: &'a str,
    data: BTreeMap<String, String>,
}

impl Entries<'_> {
    fn add(&mut self, key: &str, text: &str, at: &str) -> Result<(), Failure> {
        let known = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if key.is_empty() || key.len() > 253 || !key.chars().all(known) {
            return Err(
                Failure::new(format!("`{key}` cannot be the key of a Secret"))
                    .field(at)
                    .hint("keys are made of letters, digits, `-`, `_` and `.`"),
            );
        }
        match self.data.insert(key.to_owned(), STANDARD.encode(text)) {
            None => Ok(()),
            Some(_) => {
                Err(Failure::new(format!("the key `{key}` is given twice")).field(self.place))
            }
        }
    }
}
