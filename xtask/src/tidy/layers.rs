//! The six layers, what each may use, and what its law keeps out.

/// A crate of the product.
pub(crate) struct Layer {
    /// The name of its directory below `crates/`.
    pub(crate) name: &'static str,
    /// The file that states the layer's law.
    pub(crate) root: &'static str,
    /// The layers whose crates it may name.
    pub(crate) may_use: &'static [&'static str],
    /// Words that its code must not contain.
    pub(crate) words: &'static [&'static str],
    /// Packages that it must not depend on.
    pub(crate) packages: &'static [&'static str],
    /// Why the words and packages stay outside.
    pub(crate) reason: &'static str,
}

impl Layer {
    /// How the layer's crate is called in code.
    pub(crate) fn crate_name(&self) -> String {
        self.package().replace('-', "_")
    }

    /// How the layer's package is called in manifests.
    pub(crate) fn package(&self) -> String {
        match self.name {
            "cli" => "claviger".to_owned(),
            name => format!("claviger-{name}"),
        }
    }

    /// The layer's directory, with a `/` at its end.
    pub(crate) fn directory(&self) -> String {
        format!("crates/{}/", self.name)
    }
}

/// From the ground up.
pub(crate) const LAYERS: &[Layer] = &[
    Layer {
        name: "model",
        root: "crates/model/src/lib.rs",
        may_use: &[],
        words: PURE_WORDS,
        packages: PURE_PACKAGES,
        reason: "model holds nouns and rules: no async, SQL, HTTP, clock or randomness",
    },
    Layer {
        name: "verify",
        root: "crates/verify/src/lib.rs",
        may_use: &["model"],
        words: PURE_WORDS,
        packages: PURE_PACKAGES,
        reason: "verify decides synchronously, without input, output or a clock",
    },
    Layer {
        name: "store",
        root: "crates/store/src/lib.rs",
        may_use: &["model"],
        words: HTTP_WORDS,
        packages: HTTP_PACKAGES,
        reason: "store holds SQL and knows no HTTP",
    },
    Layer {
        name: "service",
        root: "crates/service/src/lib.rs",
        may_use: &["store", "verify", "model"],
        words: &["http::", "axum", "hyper", "sqlx"],
        packages: &[
            "http",
            "axum",
            "hyper",
            "hyper-util",
            "tower",
            "tower-http",
            "sqlx",
        ],
        reason: "service holds use cases: HTTP belongs to web, SQL to store",
    },
    Layer {
        name: "web",
        root: "crates/web/src/lib.rs",
        may_use: &["service", "verify", "model"],
        words: &["sqlx"],
        packages: &["sqlx"],
        reason: "only store speaks to a database",
    },
    Layer {
        name: "cli",
        root: "crates/cli/src/main.rs",
        may_use: &["web", "service", "model"],
        words: &["sqlx"],
        packages: &["sqlx"],
        reason: "only store speaks to a database",
    },
];

const PURE_WORDS: &[&str] = &[
    "async",
    ".await",
    "sqlx",
    "http::",
    "axum",
    "hyper",
    "tokio",
    "SystemTime",
    "Instant",
    "SystemRandom",
];

const PURE_PACKAGES: &[&str] = &[
    "sqlx",
    "http",
    "axum",
    "hyper",
    "hyper-util",
    "tower",
    "tokio",
    "reqwest",
];

const HTTP_WORDS: &[&str] = &["http::", "axum", "hyper"];

const HTTP_PACKAGES: &[&str] = &["http", "axum", "hyper", "hyper-util", "tower", "reqwest"];

/// The layer that a path belongs to.
pub(crate) fn layer_of(path: &str) -> Option<&'static Layer> {
    LAYERS
        .iter()
        .find(|layer| path.starts_with(&layer.directory()))
}
