//! `cargo xtask sbom`: what the program is made of, as `CycloneDX` 1.5, from `cargo metadata` and
//! the checksums of `Cargo.lock`. The same lock file gives the same bytes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::workspace;

/// The package that users run.
const PROGRAM: &str = "claviger";

pub(crate) fn run(arguments: &[String]) -> Result<ExitCode> {
    ensure!(arguments.is_empty(), "usage: cargo xtask sbom");
    let lock = fs::read_to_string(workspace::root().join("Cargo.lock"));
    let lock = lock.context("cannot read Cargo.lock")?;
    let document = document(&workspace::metadata()?, &checksums(&lock))?;
    let path = workspace::target()?.join("claviger.cdx.json");
    let text = serde_json::to_string_pretty(&document).context("cannot write JSON")?;
    fs::write(&path, text + "\n").with_context(|| format!("cannot write {}", path.display()))?;
    let count = document["components"].as_array().map_or(0, Vec::len);
    println!("{count} components in {}", path.display());
    Ok(ExitCode::SUCCESS)
}

/// The SHA-256 of each package of the lock file, by name and version.
fn checksums(lock: &str) -> BTreeMap<(String, String), String> {
    let (mut name, mut version) = (String::new(), String::new());
    let mut found = BTreeMap::new();
    for line in lock.lines() {
        let Some((key, value)) = line.split_once(" = ") else {
            continue;
        };
        let value = value.trim_matches('"').to_owned();
        match key {
            "name" => name = value,
            "version" => version = value,
            "checksum" => {
                found.insert((name.clone(), version.clone()), value);
            }
            _ => {}
        }
    }
    found
}

fn text<'a>(value: &'a Value, member: &str) -> &'a str {
    value[member].as_str().unwrap_or_default()
}

/// What each package is built from, for users and not for its tests: by the ids of packages.
fn edges(metadata: &Value) -> BTreeMap<&str, Vec<&str>> {
    let nodes = metadata["resolve"]["nodes"]
        .as_array()
        .into_iter()
        .flatten();
    let is_shipped = |dependency: &&Value| {
        let mut kinds = dependency["dep_kinds"].as_array().into_iter().flatten();
        kinds.any(|kind| kind["kind"].as_str() != Some("dev"))
    };
    nodes
        .map(|node| {
            let own = node["deps"].as_array().into_iter().flatten();
            let ids = own.filter(is_shipped).map(|own| text(own, "pkg"));
            (text(node, "id"), ids.collect())
        })
        .collect()
}

fn document(metadata: &Value, checksums: &BTreeMap<(String, String), String>) -> Result<Value> {
    let packages = metadata["packages"].as_array().into_iter().flatten();
    let packages: BTreeMap<&str, &Value> = packages.map(|one| (text(one, "id"), one)).collect();
    let root = packages
        .iter()
        .find(|(_, one)| text(one, "name") == PROGRAM);
    let (root, program) = root.context("the program is not among the packages")?;
    let edges = edges(metadata);
    let mut reached = BTreeSet::new();
    let mut waiting = vec![*root];
    while let Some(id) = waiting.pop() {
        if reached.insert(id) {
            waiting.extend(edges.get(id).into_iter().flatten());
        }
    }
    let reference = |id: &str| packages.get(id).map(|one| purl(one)).unwrap_or_default();
    let mut components: Vec<Value> = Vec::new();
    let mut dependencies: Vec<Value> = Vec::new();
    for id in &reached {
        let Some(package) = packages.get(id) else {
            continue;
        };
        if id != root {
            components.push(component(package, "library", checksums));
        }
        let own = edges.get(id).into_iter().flatten();
        let on: BTreeSet<String> = own.map(|id| reference(id)).collect();
        dependencies.push(json!({"ref": reference(id), "dependsOn": on}));
    }
    components.sort_by_key(|one| text(one, "bom-ref").to_owned());
    dependencies.sort_by_key(|one| text(one, "ref").to_owned());
    Ok(json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": component(program, "application", checksums)},
        "components": components,
        "dependencies": dependencies,
    }))
}

fn purl(package: &Value) -> String {
    format!(
        "pkg:cargo/{}@{}",
        text(package, "name"),
        text(package, "version")
    )
}

fn component(package: &Value, kind: &str, checksums: &BTreeMap<(String, String), String>) -> Value {
    let (name, version) = (text(package, "name"), text(package, "version"));
    let mut component = json!({
        "type": kind,
        "bom-ref": purl(package),
        "name": name,
        "version": version,
        "purl": purl(package),
        "licenses": [{"expression": text(package, "license").replace('/', " OR ")}],
    });
    if let Some(checksum) = checksums.get(&(name.to_owned(), version.to_owned())) {
        component["hashes"] = json!([{"alg": "SHA-256", "content": checksum}]);
    }
    component
}

#[cfg(test)]
mod tests {
    use super::{checksums, document};
    use serde_json::json;

    #[test]
    fn what_is_shipped_is_listed_and_what_only_tests_need_is_not() {
        let package = |name: &str| {
            json!({"id": name, "name": name, "version": "1.0.0",
            "license": "MIT/Apache-2.0"})
        };
        let on = |name: &str, kind| json!({"pkg": name, "dep_kinds": [{"kind": kind}]});
        let metadata = json!({
            "packages": [package("claviger"), package("used"), package("built"), package("tested")],
            "resolve": {"nodes": [
                {"id": "claviger", "deps": [on("used", json!(null)), on("tested", json!("dev"))]},
                {"id": "used", "deps": [on("built", json!("build"))]},
                {"id": "built", "deps": []},
                {"id": "tested", "deps": []},
            ]},
        });
        let lock = "[[package]]\nname = \"used\"\nversion = \"1.0.0\"\nchecksum = \"ab\"\n";
        let made = document(&metadata, &checksums(lock)).unwrap();
        let components = made["components"].as_array().unwrap();
        let names: Vec<_> = components.iter().map(|one| &one["name"]).collect();
        assert_eq!(names, ["built", "used"]);
        assert_eq!(made["components"][1]["hashes"][0]["content"], "ab");
        assert_eq!(
            made["components"][1]["licenses"][0]["expression"],
            "MIT OR Apache-2.0"
        );
        assert_eq!(
            made["dependencies"][2]["dependsOn"],
            json!(["pkg:cargo/built@1.0.0"])
        );
    }
}
