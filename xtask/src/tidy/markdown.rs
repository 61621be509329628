//! Links between the pages of the repository lead somewhere, and the guide's index misses no page.

use super::Violation;
use super::tree::{File, Tree, numbered};

const GUIDE: &str = "docs/guide/";
const GUIDE_INDEX: &str = "docs/guide/README.md";

/// A link to another place of the repository.
struct Link<'a> {
    line: usize,
    /// The path as written, without the heading.
    path: &'a str,
    /// The heading's anchor, or nothing.
    anchor: &'a str,
}

pub(crate) fn check(tree: &Tree) -> Vec<Violation> {
    let mut found = Vec::new();
    for file in tree.files.iter().filter(|file| file.extension() == "md") {
        for link in links(&file.text) {
            if let Some(what) = broken(tree, file, &link) {
                found.push(Violation::new(&file.path, link.line, what));
            }
        }
    }
    check_guide(tree, &mut found);
    found
}

/// Every page below the guide is reached from its index.
fn check_guide(tree: &Tree, found: &mut Vec<Violation>) {
    let Some(index) = tree.file(GUIDE_INDEX) else {
        return;
    };
    let linked: Vec<Option<String>> = links(&index.text)
        .iter()
        .map(|link| resolve(GUIDE_INDEX, link.path))
        .collect();
    for file in &tree.files {
        let is_page = file.path.starts_with(GUIDE) && file.extension() == "md";
        if is_page && file.path != GUIDE_INDEX && !linked.contains(&Some(file.path.clone())) {
            let what = format!("a page that {GUIDE_INDEX} does not link to");
            found.push(Violation::new(&file.path, 1, what));
        }
    }
}

/// What is wrong with the link.
fn broken(tree: &Tree, from: &File, link: &Link<'_>) -> Option<String> {
    let Some(target) = resolve(&from.path, link.path) else {
        return Some(format!("`{}` leads out of the repository", link.path));
    };
    if !tree.has(&target) {
        return Some(format!(
            "`{}` leads to `{target}`, which does not exist",
            link.path
        ));
    }
    let page = tree.file(&target).filter(|file| file.extension() == "md")?;
    let missing =
        !link.anchor.is_empty() && !anchors(&page.text).iter().any(|it| it == link.anchor);
    missing.then(|| format!("`{target}` has no heading `#{}`", link.anchor))
}

/// The repository's path that a link means; nothing when it leads out. An empty link is the page.
fn resolve(from: &str, path: &str) -> Option<String> {
    if path.is_empty() {
        return Some(from.to_owned());
    }
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    if path.starts_with('/') {
        parts.clear();
    }
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

/// The links of a page that stay in the repository, without those in code.
fn links(text: &str) -> Vec<Link<'_>> {
    let mut found = Vec::new();
    for (line, content) in prose(text) {
        let mut rest = content;
        while let Some((before, after)) = rest.split_once("](") {
            let target = after.split([')', ' ']).next().unwrap_or_default();
            if before.matches('`').count() % 2 == 0 {
                found.extend(link(line, target));
            }
            rest = after;
        }
        // `[name]: path`
        if let Some((_, target)) = content
            .strip_prefix('[')
            .and_then(|it| it.split_once("]: "))
        {
            found.extend(link(line, target.trim()));
        }
    }
    found
}

fn link(line: usize, target: &str) -> Option<Link<'_>> {
    let target = target.trim_matches(['<', '>']);
    let has_scheme = target
        .split(['/', '#'])
        .next()
        .is_some_and(|start| start.contains(':'));
    if has_scheme || target.is_empty() {
        return None;
    }
    let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
    Some(Link { line, path, anchor })
}

/// The page's lines outside of fenced code.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut fenced = false;
    numbered(text).filter(move |(_, line)| {
        let fence = line.trim_start().starts_with("```") || line.trim_start().starts_with("~~~");
        fenced ^= fence;
        !fence && !fenced
    })
}

/// The anchors of the page's headings, made as GitHub makes them.
fn anchors(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for (_, line) in prose(text) {
        let title = line.trim_start_matches('#');
        if title.len() == line.len() || !title.starts_with(' ') {
            continue;
        }
        let slug: String = title
            .trim()
            .to_lowercase()
            .chars()
            .filter(|letter| letter.is_alphanumeric() || " -_".contains(*letter))
            .map(|letter| if letter == ' ' { '-' } else { letter })
            .collect();
        let same = found.iter().filter(|it| **it == slug).count();
        found.push(if same == 0 {
            slug
        } else {
            format!("{slug}-{same}")
        });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::{anchors, check};
    use crate::tidy::places;
    use crate::tidy::tree::Tree;

    fn check_one(text: &str, expected: &[&str]) {
        let tree = Tree::of(&[
            ("docs/a.md", text),
            ("docs/b.md", "# One thing\n## Two: `it` & more\n"),
            ("README.md", "# Readme\n"),
        ]);
        assert_eq!(places(&check(&tree)), expected, "{text}");
    }

    #[test]
    fn links_lead_to_files_and_directories() {
        for good in [
            "[b](b.md) [r](../README.md) ![p](b.md \"title\") [d](../docs)",
            "[b](b.md#one-thing) [b](b.md#two-it--more) [root](/README.md)",
            "# Here\n[h](#here)",
            "[x](https://example.org/a.md) [m](mailto:a@example.org)",
            "`[x](none.md)`\n```\n[x](none.md)\n```",
            "[b]\n\n[b]: b.md",
        ] {
            check_one(good, &[]);
        }
    }

    #[test]
    fn broken_links_are_found() {
        for bad in [
            "\n[x](none.md)",
            "\n[b](b.md) [x](none.md)",
            "\n`code` [x](../none)",
            "\n[x](../../out.md)",
            "\n[x](b.md#three)",
            "\n[x](#nowhere)",
            "\n[x]: none.md",
        ] {
            check_one(bad, &["docs/a.md:2"]);
        }
    }

    #[test]
    fn the_guide_links_to_every_page() {
        let tree = Tree::of(&[
            ("docs/guide/README.md", "[a](a.md) [b](deep/b.md)"),
            ("docs/guide/a.md", "[c](c.md)"),
            ("docs/guide/c.md", ""),
            ("docs/guide/deep/b.md", ""),
        ]);
        assert_eq!(places(&check(&tree)), ["docs/guide/c.md:1"]);
    }

    #[test]
    fn headings_have_anchors() {
        let text = "# A\n## A\n```\n# no\n```\n#no\n### B_c d-e\n";
        assert_eq!(anchors(text), ["a", "a-1", "b_c-d-e"]);
    }
}
