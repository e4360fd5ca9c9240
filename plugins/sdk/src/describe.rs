//! What a plugin says about itself.

/// What a call needs to see.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    /// Each object is handled as if it were alone. The host may hand in objects in any portions
    /// and remember the answer for each of them.
    Object,
    /// The objects have to be seen together, in their order. The safe choice.
    #[default]
    Set,
}

/// What people and the host should know about a plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) summary: String,
    pub(crate) scope: Scope,
    pub(crate) configuration_schema: Option<String>,
}

impl Description {
    /// Describes a plugin that sees the whole set and accepts any configuration.
    ///
    /// `name` is made of lower-case letters, digits and `-`; `version` is best
    /// `env!("CARGO_PKG_VERSION")`; `summary` is one sentence.
    pub fn new(
        name: impl Into<String>,
        version: impl Into<String>,
        summary: impl Into<String>,
    ) -> Self {
        Self {
            name: name.into(),
            version: version.into(),
            summary: summary.into(),
            scope: Scope::default(),
            configuration_schema: None,
        }
    }

    /// Sets what a call needs to see.
    #[must_use]
    pub fn scope(mut self, scope: Scope) -> Self {
        self.scope = scope;
        self
    }

    /// Sets the JSON Schema of the configuration, as JSON text: what `windlass plugin inspect`
    /// prints and editors complete from.
    #[must_use]
    pub fn configuration_schema(mut self, schema: impl Into<String>) -> Self {
        self.configuration_schema = Some(schema.into());
        self
    }

    /// The plugin's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The plugin's version.
    pub fn version(&self) -> &str {
        &self.version
    }
}
