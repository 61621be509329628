//! The dependencies that a `Cargo.toml` names.

use super::tree::numbered;

/// A dependency and the line that names it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Dependency {
    pub(crate) line: usize,
    /// The package's own name, also where the manifest gives it another.
    pub(crate) package: String,
}

/// All dependencies of the manifest: normal, of tests, of the build script, of one platform.
pub(crate) fn dependencies(text: &str) -> Vec<Dependency> {
    let mut found = Vec::new();
    let mut in_table = false;
    for (line, content) in numbered(text) {
        let content = content.trim();
        if let Some(header) = content.strip_prefix('[') {
            let header = header.trim_end_matches(']');
            in_table = header.ends_with("dependencies");
            // `[dependencies.name]`
            if let Some((_, name)) = header.split_once("dependencies.") {
                found.push(Dependency {
                    line,
                    package: unquoted(name),
                });
            }
        } else if in_table && !content.starts_with('#') {
            let Some((key, value)) = content.split_once('=') else {
                continue;
            };
            let own_name = key.split('.').next().unwrap_or_default();
            let package = renamed(value).unwrap_or_else(|| unquoted(own_name));
            found.push(Dependency { line, package });
        }
    }
    found
}

/// The name in `{ package = "name" }`.
fn renamed(value: &str) -> Option<String> {
    let (_, rest) = value.split_once("package")?;
    let rest = rest.trim_start().strip_prefix('=')?;
    Some(rest.split('"').nth(1)?.to_owned())
}

fn unquoted(name: &str) -> String {
    name.trim().trim_matches('"').to_owned()
}

#[cfg(test)]
mod tests {
    use super::dependencies;

    #[test]
    fn finds_dependencies_in_every_form() {
        let text = r#"
[package]
name = "x"

[dependencies]
a.workspace = true
b = "1"
# c = "1"
d = { package = "claviger-store", path = "../store" }

[dev-dependencies]
e = { version = "1" }

[dependencies.f]
version = "1"

[target.'cfg(unix)'.dependencies]
g = "1"

[features]
h = ["a"]
"#;
        let found: Vec<_> = dependencies(text)
            .into_iter()
            .map(|dependency| format!("{}:{}", dependency.line, dependency.package))
            .collect();
        assert_eq!(
            found,
            ["6:a", "7:b", "9:claviger-store", "12:e", "14:f", "18:g"]
        );
    }
}
