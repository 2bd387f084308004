//! What a connector says of itself: its bridge name, its configuration fields, what it can do.

use serde::Serialize;

use crate::Capabilities;

/// A connector's self-description. Its JSON form is the published bridge manifest.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// The bridge name on the wire, such as `@semilayer/bridge-postgres`.
    pub package_name: &'static str,
    /// What a person calls it.
    pub display_name: &'static str,
    /// The icon's name in the console.
    pub icon: &'static str,
    /// Whether one URL is enough to configure it.
    pub supports_url: bool,
    /// What such a URL looks like.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url_placeholder: Option<&'static str>,
    /// URL schemes by which a source's driver is recognised when nobody named one.
    pub url_schemes: &'static [&'static str],
    /// The configuration fields.
    pub fields: Vec<Field>,
    /// What it can do.
    pub capabilities: Capabilities,
    /// The driver's own version.
    pub version: &'static str,
}

impl Manifest {
    /// The field of that key or alias.
    pub fn field(&self, key: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.key == key || field.aliases.contains(&key))
    }

    /// The bridge name without `@semilayer/bridge-`: `postgres`.
    pub fn short_name(&self) -> &'static str {
        short_name(self.package_name)
    }
}

/// A bridge name without its published prefix.
pub fn short_name(bridge: &str) -> &str {
    bridge.strip_prefix("@semilayer/bridge-").unwrap_or(bridge)
}

/// One configuration field.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Field {
    /// The key in a config; nested keys are dotted.
    pub key: &'static str,
    /// Other keys that mean the same; they are accepted, never shown.
    #[serde(skip)]
    pub aliases: &'static [&'static str],
    /// What a form calls it.
    pub label: &'static str,
    /// How its value is read.
    #[serde(rename = "type")]
    pub kind: FieldKind,
    /// Whether a config without it is refused.
    pub required: bool,
    /// What holds when it is absent, as text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<&'static str>,
    /// An example.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub placeholder: Option<&'static str>,
    /// One sentence for whoever fills it in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<&'static str>,
    /// `advanced` where a form should fold it away.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<&'static str>,
}

/// How a field's value is read from text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FieldKind {
    /// The exact text.
    String,
    /// A number.
    Number,
    /// `true`, `false`, `1` or `0`.
    Boolean,
    /// The exact text, never shown again.
    Password,
}

impl Field {
    /// An optional field with nothing but key, label and kind.
    pub const fn new(key: &'static str, label: &'static str, kind: FieldKind) -> Self {
        Field {
            key,
            aliases: &[],
            label,
            kind,
            required: false,
            default: None,
            placeholder: None,
            hint: None,
            group: None,
        }
    }

    /// Other keys for the same field.
    #[must_use]
    pub const fn aliases(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }

    /// What holds when it is absent.
    #[must_use]
    pub const fn default(mut self, default: &'static str) -> Self {
        self.default = Some(default);
        self
    }

    /// An example value.
    #[must_use]
    pub const fn placeholder(mut self, placeholder: &'static str) -> Self {
        self.placeholder = Some(placeholder);
        self
    }

    /// One sentence for whoever fills it in.
    #[must_use]
    pub const fn hint(mut self, hint: &'static str) -> Self {
        self.hint = Some(hint);
        self
    }

    /// A config without it is refused.
    #[must_use]
    pub const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// A form folds it away.
    #[must_use]
    pub const fn advanced(mut self) -> Self {
        self.group = Some("advanced");
        self
    }
}

/// The fields that size a source's session pool. Every manifest ends with them; the engine takes their values out
/// of the config before the connector sees it.
pub fn pool_fields() -> [Field; 3] {
    use FieldKind::Number;
    [
        Field::new("pool.max", "Most connections", Number)
            .default("10")
            .hint("Connections open at once to this database.")
            .advanced(),
        Field::new("pool.min", "Connections kept", Number)
            .default("0")
            .hint("Connections that stay open while idle.")
            .advanced(),
        Field::new("pool.idleTimeoutMillis", "Idle close (ms)", Number)
            .default("300000")
            .hint("An unused connection is closed after this time.")
            .advanced(),
    ]
}
