//! What a connector says of itself: its bridge name, its configuration fields, what it can do.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::Capabilities;

/// A text that a driver has as a literal and a module's manifest brings along.
pub type Text = Cow<'static, str>;

/// Literals as a manifest's texts.
pub fn texts(literals: &[&'static str]) -> Vec<Text> {
    literals.iter().copied().map(Text::Borrowed).collect()
}

/// A connector's self-description. Its JSON form is the published bridge manifest.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// The bridge name on the wire, such as `@semilayer/bridge-postgres`.
    pub package_name: Text,
    /// What a person calls it.
    pub display_name: Text,
    /// The icon's name in the console.
    pub icon: Text,
    /// Whether one URL is enough to configure it.
    pub supports_url: bool,
    /// What such a URL looks like.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url_placeholder: Option<Text>,
    /// URL schemes by which a source's driver is recognised when nobody named one.
    #[serde(default)]
    pub url_schemes: Vec<Text>,
    /// The configuration fields.
    pub fields: Vec<Field>,
    /// What it can do.
    pub capabilities: Capabilities,
    /// The driver's own version.
    pub version: Text,
}

impl Manifest {
    /// The field of that key or alias.
    pub fn field(&self, key: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.key == key || field.aliases.iter().any(|alias| alias == key))
    }

    /// The bridge name without `@semilayer/bridge-`: `postgres`.
    pub fn short_name(&self) -> &str {
        short_name(&self.package_name)
    }
}

/// A bridge name without its published prefix.
pub fn short_name(bridge: &str) -> &str {
    bridge.strip_prefix("@semilayer/bridge-").unwrap_or(bridge)
}

/// A bridge name as short as one says it, whoever published it: `inventory` of `@acme/bridge-inventory`.
pub fn spoken_name(bridge: &str) -> &str {
    let last = bridge.rsplit_once('/').map_or(bridge, |(_, last)| last);
    last.strip_prefix("bridge-").unwrap_or(last)
}

/// One configuration field.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Field {
    /// The key in a config; nested keys are dotted.
    pub key: Text,
    /// Other keys that mean the same; they are accepted, never shown.
    #[serde(default, skip_serializing)]
    pub aliases: Vec<Text>,
    /// What a form calls it.
    pub label: Text,
    /// How its value is read.
    #[serde(rename = "type")]
    pub kind: FieldKind,
    /// Whether a config without it is refused.
    #[serde(default)]
    pub required: bool,
    /// What holds when it is absent, as text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Text>,
    /// An example.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub placeholder: Option<Text>,
    /// One sentence for whoever fills it in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<Text>,
    /// `advanced` where a form should fold it away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<Text>,
}

/// How a field's value is read from text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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
    pub fn new(key: impl Into<Text>, label: impl Into<Text>, kind: FieldKind) -> Self {
        Field {
            key: key.into(),
            aliases: Vec::new(),
            label: label.into(),
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
    pub fn aliases(mut self, aliases: &[&'static str]) -> Self {
        self.aliases = texts(aliases);
        self
    }

    /// What holds when it is absent.
    #[must_use]
    pub fn default(mut self, default: impl Into<Text>) -> Self {
        self.default = Some(default.into());
        self
    }

    /// An example value.
    #[must_use]
    pub fn placeholder(mut self, placeholder: impl Into<Text>) -> Self {
        self.placeholder = Some(placeholder.into());
        self
    }

    /// One sentence for whoever fills it in.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<Text>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// A config without it is refused.
    #[must_use]
    pub fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// A form folds it away.
    #[must_use]
    pub fn advanced(mut self) -> Self {
        self.group = Some("advanced".into());
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
