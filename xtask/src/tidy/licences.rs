//! The licence of every package that we build is one that `deny.toml` allows, and it comes from
//! crates.io or is our own.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Violation;
use super::lockfile::CRATES_IO;
use super::tree::{Tree, numbered};
use crate::workspace;

pub(crate) fn check(tree: &Tree) -> Vec<Violation> {
    let Some(deny) = tree.file("deny.toml") else {
        return vec![Violation::new(
            "deny.toml",
            1,
            "missing; it lists the licences we allow",
        )];
    };
    match workspace::metadata() {
        Ok(metadata) => {
            let mut found = judge(&metadata, &allowed(&deny.text));
            found.extend(foreign(&metadata));
            found
        }
        Err(error) => vec![Violation::new("Cargo.lock", 1, format!("{error:#}"))],
    }
}

/// The names in the entries `{ name = "…" }` of a table of `deny.toml`.
pub(crate) fn names_in(deny: &str, table: &str) -> Vec<String> {
    table_lines(deny, table)
        .filter_map(|line| line.trim().strip_prefix("{ name = \"")?.split('"').next())
        .map(str::to_owned)
        .collect()
}

/// The licences in `allow = […]` of the table `licenses`.
fn allowed(deny: &str) -> BTreeSet<String> {
    table_lines(deny, "licenses")
        .skip_while(|line| !line.starts_with("allow = ["))
        .skip(1)
        .take_while(|line| !line.starts_with(']'))
        .filter_map(|line| line.split('"').nth(1))
        .map(str::to_owned)
        .collect()
}

fn table_lines<'a>(deny: &'a str, table: &str) -> impl Iterator<Item = &'a str> {
    let header = format!("[{table}]");
    numbered(deny)
        .map(|(_, line)| line)
        .skip_while(move |line| *line != header)
        .skip(1)
        .take_while(|line| !line.starts_with('['))
}

/// The packages that are neither ours nor from crates.io, whatever the lock file calls them.
fn foreign(metadata: &Value) -> Vec<Violation> {
    let list = |member: &str| {
        metadata
            .get(member)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
    };
    let own: BTreeSet<&str> = list("workspace_members")
        .filter_map(Value::as_str)
        .collect();
    let packages = list("packages").filter_map(|package| {
        let text = |key: &str| package.get(key).and_then(Value::as_str);
        let is_own = text("source").is_none() && own.contains(text("id").unwrap_or_default());
        if is_own || text("source") == Some(CRATES_IO) {
            return None;
        }
        let source = text("source").unwrap_or("a directory");
        let what = format!("`{}` comes from {source}", text("name").unwrap_or("?"));
        Some(Violation::new("Cargo.lock", 1, what))
    });
    packages.collect()
}

fn judge(metadata: &Value, allowed: &BTreeSet<String>) -> Vec<Violation> {
    let packages = metadata.get("packages").and_then(Value::as_array);
    packages
        .into_iter()
        .flatten()
        .filter_map(|package| {
            let text = |key: &str| package.get(key).and_then(Value::as_str);
            let name = text("name").unwrap_or("?");
            let what = match text("license") {
                None => format!("`{name}` names no licence"),
                Some(licence) if is_allowed(licence, allowed) => return None,
                Some(licence) => format!("`{name}` has the licence `{licence}`, not in deny.toml"),
            };
            Some(Violation::new("Cargo.lock", 1, what))
        })
        .collect()
}

/// Whether an SPDX expression can be satisfied with allowed licences alone. `A/B` is the old way to
/// write `A OR B`.
fn is_allowed(expression: &str, allowed: &BTreeSet<String>) -> bool {
    let spaced = expression
        .replace('/', " OR ")
        .replace('(', " ( ")
        .replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut reader = Expression {
        words: &words,
        allowed,
    };
    let verdict = reader.any();
    verdict == Some(true) && reader.words.is_empty()
}

/// Reads an expression from left to right; `AND` binds stronger than `OR`. Nothing is an error.
struct Expression<'a> {
    words: &'a [&'a str],
    allowed: &'a BTreeSet<String>,
}

impl<'a> Expression<'a> {
    fn any(&mut self) -> Option<bool> {
        let mut verdict = self.all()?;
        while self.skip("OR") {
            verdict |= self.all()?;
        }
        Some(verdict)
    }

    fn all(&mut self) -> Option<bool> {
        let mut verdict = self.one()?;
        while self.skip("AND") {
            verdict &= self.one()?;
        }
        Some(verdict)
    }

    fn one(&mut self) -> Option<bool> {
        if self.skip("(") {
            let verdict = self.any()?;
            return self.skip(")").then_some(verdict);
        }
        let licence = self.next()?;
        if self.skip("WITH") {
            let exception = self.next()?;
            return Some(
                self.allowed
                    .contains(&format!("{licence} WITH {exception}")),
            );
        }
        Some(self.allowed.contains(licence))
    }

    fn next(&mut self) -> Option<&'a str> {
        let (first, rest) = self.words.split_first()?;
        self.words = rest;
        Some(first)
    }

    fn skip(&mut self, word: &str) -> bool {
        let found = self.words.first() == Some(&word);
        if found {
            self.words = &self.words[1..];
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::{allowed, foreign, is_allowed, judge, names_in};

    const DENY: &str = "[licenses]\nallow = [\n    \"MIT\",\n    \"ISC\",\n    \"A WITH E\",\n]\n\
                        [bans]\ndeny = [\n    { name = \"rsa\", reason = \"x\" },\n]\n";

    #[test]
    fn reads_the_two_lists() {
        let licences: Vec<_> = allowed(DENY).into_iter().collect();
        assert_eq!(licences, ["A WITH E", "ISC", "MIT"]);
        assert_eq!(names_in(DENY, "bans"), ["rsa"]);
    }

    #[test]
    fn reads_licence_expressions() {
        let allowed = allowed(DENY);
        for good in [
            "MIT",
            "MIT OR GPL-3.0",
            "GPL-3.0 / MIT",
            "(MIT OR GPL-3.0) AND ISC",
            "GPL-3.0 AND ISC OR MIT",
            "A WITH E",
        ] {
            assert!(is_allowed(good, &allowed), "{good}");
        }
        for bad in [
            "GPL-3.0",
            "MIT AND GPL-3.0",
            "A",
            "A WITH F",
            "(MIT",
            "MIT ISC",
            "",
        ] {
            assert!(!is_allowed(bad, &allowed), "{bad}");
        }
    }

    #[test]
    fn a_package_needs_an_allowed_licence() {
        let metadata = serde_json::json!({"packages": [
            {"name": "good", "license": "MIT"},
            {"name": "bad", "license": "GPL-3.0"},
            {"name": "none", "license": null},
        ]});
        let found = judge(&metadata, &allowed(DENY));
        let what: Vec<_> = found
            .iter()
            .map(|violation| violation.what.as_str())
            .collect();
        assert_eq!(
            what,
            [
                "`bad` has the licence `GPL-3.0`, not in deny.toml",
                "`none` names no licence",
            ]
        );
    }

    #[test]
    fn a_package_is_ours_or_from_crates_io() {
        let crates_io = "registry+https://github.com/rust-lang/crates.io-index";
        let metadata = serde_json::json!({
            "workspace_members": ["ours"],
            "packages": [
                {"name": "ours", "id": "ours", "source": null},
                {"name": "good", "id": "good", "source": crates_io},
                {"name": "beside", "id": "beside", "source": null},
                {"name": "forked", "id": "forked", "source": "git+https://github.com/x/y"},
            ],
        });
        let found = foreign(&metadata);
        let what: Vec<_> = found
            .iter()
            .map(|violation| violation.what.as_str())
            .collect();
        assert_eq!(
            what,
            [
                "`beside` comes from a directory",
                "`forked` comes from git+https://github.com/x/y",
            ]
        );
    }
}
