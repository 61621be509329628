//! Both databases have the same migrations, by name.

use std::collections::BTreeSet;

use super::Violation;
use super::tree::Tree;

const DIRECTORIES: [&str; 2] = [
    "crates/store/migrations/sqlite/",
    "crates/store/migrations/postgres/",
];

pub(crate) fn check(tree: &Tree) -> Vec<Violation> {
    let [sqlite, postgres] = DIRECTORIES.map(|directory| names(tree, directory));
    let missing = |present: &BTreeSet<&str>, absent: &BTreeSet<&str>, [here, there]: [&str; 2]| {
        present
            .difference(absent)
            .map(|name| {
                let what = format!("no {there}{name}; a migration has one file in each directory");
                Violation::new(format!("{here}{name}"), 1, what)
            })
            .collect::<Vec<_>>()
    };
    let [of_sqlite, of_postgres] = DIRECTORIES;
    let mut found = missing(&sqlite, &postgres, [of_sqlite, of_postgres]);
    found.extend(missing(&postgres, &sqlite, [of_postgres, of_sqlite]));
    found
}

fn names<'a>(tree: &'a Tree, directory: &'a str) -> BTreeSet<&'a str> {
    tree.below(directory)
        .filter_map(|path| path.strip_prefix(directory))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::tidy::places;
    use crate::tidy::tree::Tree;

    #[test]
    fn a_migration_has_two_files() {
        let tree = Tree::of(&[
            ("crates/store/migrations/sqlite/0001_keys.sql", ""),
            ("crates/store/migrations/postgres/0001_keys.sql", ""),
            ("crates/store/migrations/sqlite/0002_usage.sql", ""),
            ("crates/store/migrations/postgres/0003_audit.sql", ""),
        ]);
        assert_eq!(
            places(&check(&tree)),
            [
                "crates/store/migrations/sqlite/0002_usage.sql:1",
                "crates/store/migrations/postgres/0003_audit.sql:1",
            ]
        );
    }
}
