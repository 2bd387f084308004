//! Components made by hand: as much of one as the walk over its sections needs.

use std::borrow::Cow;
use std::path::PathBuf;

use connector_model::module::{MANIFEST_SECTION, MAX_MANIFEST_BYTES};
use serde_json::{Value, json};
use wasm_encoder::{
    Component, ComponentExportKind, ComponentExportSection, ComponentImportSection, ComponentTypeRef,
    CustomSection, ModuleSection, NestedComponentSection,
};

use super::*;

fn manifest() -> Value {
    json!({
        "packageName": "@acme/bridge-inventory", "displayName": "Inventory", "icon": "box", "supportsUrl": true,
        "fields": [{ "key": "url", "label": "URL", "type": "string", "aliases": ["connectionString"] }],
        "capabilities": { "wherePushdown": true }, "version": "1.2.3", "connectorApi": "0.1.0",
        "operations": ["listTargets", "query"], "egress": ["{url}"],
    })
}

fn section(data: &[u8]) -> CustomSection<'_> {
    CustomSection { name: MANIFEST_SECTION.into(), data: Cow::Borrowed(data) }
}

/// A component with this export and these manifests.
fn component(export: Option<&str>, manifests: &[&[u8]]) -> Vec<u8> {
    let mut component = Component::new();
    let mut imports = ComponentImportSection::new();
    imports.import("semilayer:connector/net@0.1.0", ComponentTypeRef::Instance(0));
    component.section(&imports);
    for data in manifests {
        component.section(&section(data));
    }
    if let Some(name) = export {
        let mut exports = ComponentExportSection::new();
        exports.export(name, ComponentExportKind::Instance, 0, None);
        component.section(&exports);
    }
    component.finish()
}

fn connector(manifest: &Value) -> Vec<u8> {
    component(Some(SOURCE_INTERFACE), &[manifest.to_string().as_bytes()])
}

fn examine(bytes: &[u8], policy: ModulePolicy) -> Result<Module, Refused> {
    Module::examine(bytes, PathBuf::from("a.wasm"), policy, None)
}

/// What is refused of a connector whose manifest has these entries in the place of its own.
fn refused(changes: Value) -> Refused {
    let mut manifest = manifest();
    // Names a field that a change may take away.
    manifest["egress"] = json!([]);
    for (key, value) in changes.as_object().unwrap() {
        manifest[key] = value.clone();
    }
    examine(&connector(&manifest), ModulePolicy::default()).unwrap_err()
}

#[test]
fn a_connector_is_read_with_the_pools_fields_behind_its_own() {
    let module = examine(&connector(&manifest()), ModulePolicy::default()).unwrap();
    assert_eq!(module.bridge(), "@acme/bridge-inventory");
    let keys: Vec<&str> = module.manifest.manifest.fields.iter().map(|field| field.key.as_ref()).collect();
    assert_eq!(keys, ["url", "pool.max", "pool.min", "pool.idleTimeoutMillis"]);
    assert_eq!(&*module.raw_manifest, manifest().to_string());
    assert_eq!(module.imports, ["semilayer:connector/net@0.1.0"]);
}

#[test]
fn the_manifest_is_found_in_a_module_within_a_component_within_the_component() {
    let text = manifest().to_string();
    let mut core = wasm_encoder::Module::new();
    core.section(&section(text.as_bytes()));
    let mut inner = Component::new();
    inner.section(&ModuleSection(&core));
    let mut outer = Component::new();
    outer.section(&NestedComponentSection(&inner));
    let bytes = outer.finish();
    assert_eq!(&*manifest_of(&bytes).unwrap().1, text);
    // What a component within exports is not the connector's.
    assert_eq!(examine(&bytes, ModulePolicy::default()).unwrap_err().code(), "other_world");
}

#[test]
fn every_cut_of_a_file_is_refused_and_none_panics() {
    let bytes = connector(&manifest());
    for length in 0..bytes.len() {
        let refused = examine(&bytes[..length], ModulePolicy::default()).unwrap_err();
        assert!(
            matches!(refused.code(), "broken" | "not_a_component" | "other_world" | "manifest"),
            "{length}: {refused}"
        );
    }
    // Any one bit may be another.
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 0x80;
        let _no_panic = examine(&changed, ModulePolicy::default());
    }
}

#[test]
fn what_is_no_connector_says_what_it_is() {
    let other = |export| examine(&component(export, &[]), ModulePolicy::default()).unwrap_err().to_string();
    assert!(other(Some("semilayer:connector/source@0.2.0")).contains("version 0.2.0"));
    assert!(
        other(Some("wasi:http/incoming-handler@0.2.0")).contains("another kind, with wasi:http/incoming-")
    );
    assert!(other(None).contains("exports nothing"));
    for (bytes, expected) in
        [(&b"#!/bin/sh"[..], "no WebAssembly file"), (&wasm_encoder::Module::new().finish(), "a core module")]
    {
        let refused = examine(bytes, ModulePolicy::default()).unwrap_err();
        assert!(refused.code() == "not_a_component" && refused.to_string().contains(expected), "{refused}");
    }
    let mut nested = Component::new();
    for _ in 0..40 {
        let mut outer = Component::new();
        outer.section(&NestedComponentSection(&nested));
        nested = outer;
    }
    assert!(manifest_of(&nested.finish()).unwrap_err().to_string().contains("nested deeper"));
}

#[test]
fn there_is_one_manifest_and_it_has_bounds() {
    let text = manifest().to_string();
    let with = |manifests: &[&[u8]]| manifest_of(&component(Some(SOURCE_INTERFACE), manifests));
    assert!(with(&[text.as_bytes(), text.as_bytes()]).is_ok(), "the same twice is one");
    let large = vec![b' '; MAX_MANIFEST_BYTES + 1];
    for (manifests, expected) in [
        (vec![], "there is none"),
        (vec![text.as_bytes(), &b"{}"[..]], "2 different ones"),
        (vec![&large[..]], "larger than"),
        (vec![&b"\xff"[..]], "no UTF-8"),
        (vec![&b"{"[..]], "no JSON"),
        (vec![&b"{}"[..]], "missing field"),
    ] {
        let refused = with(&manifests).unwrap_err();
        assert!(refused.code() == "manifest" && refused.to_string().contains(expected), "{refused}");
    }
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    assert_eq!(with(&[deep.as_bytes()]).unwrap_err().code(), "manifest");
}

#[test]
fn a_manifest_that_would_deceive_or_clash_is_refused() {
    let field = |key: &str| json!({ "key": key, "label": "x", "type": "string" });
    for (changes, expected) in [
        (json!({ "connectorApi": "0.2.0" }), "speaks 0.1.0"),
        (json!({ "packageName": "a\u{1b}[2Jb" }), "control characters"),
        (json!({ "packageName": "two words" }), "is called like"),
        (json!({ "packageName": "@semilayer/bridge-" }), "is called like"),
        (json!({ "displayName": "x".repeat(2_000) }), "longer than 1024"),
        (json!({ "version": "" }), "must not be empty"),
        (json!({ "operations": [] }), "do nothing"),
        (json!({ "operations": ["drop"] }), "drop"),
        (json!({ "fields": [field("pool.max")] }), "sizes the pool"),
        (json!({ "fields": [field("driver")] }), "to the runner itself"),
        (json!({ "fields": [field("a"), field("a")] }), "is there twice"),
        (json!({ "fields": [field("a b")] }), "is no key"),
        (json!({ "fields": (0..65).map(|n| field(&n.to_string())).collect::<Vec<_>>() }), "more than 64"),
        (json!({ "urlSchemes": ["a:"] }), "no URL scheme"),
    ] {
        let refused = refused(changes);
        assert!(refused.code() == "manifest" && refused.to_string().contains(expected), "{refused}");
    }
}

#[test]
fn a_pinned_module_is_that_file_and_no_other() {
    let bytes = connector(&manifest());
    let pin = |of: &[u8]| ModulePolicy { sha256: Some(Digest::of(of)), ..ModulePolicy::default() };
    assert_eq!(examine(&bytes, pin(&bytes)).unwrap().digest, Digest::of(&bytes));
    let refused = examine(&bytes, pin(b"other")).unwrap_err();
    assert_eq!(refused.code(), "digest");
    assert!(
        refused.to_string().contains(&Digest::of(&bytes).to_string()),
        "the operator may pin what is there"
    );
}
