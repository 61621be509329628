//! What an OpenAPI 3 document says of routes and scopes.
//!
//! Security requirements are alternatives of which one is enough (OpenAPI 3.1 section 4.8.30),
//! while a route of ours asks for all of its scopes. Where the alternatives ask for different
//! scopes, a route asks for all of them, which opens nothing that the document keeps closed; a
//! note says so.

use std::collections::BTreeMap;

use claviger_model::Problems;
use claviger_model::apis::{BaseUrl, RouteDraft};
use claviger_model::routes::PathPattern;
use claviger_model::scopes::ScopeName;
use serde_json::{Map, Value};

/// The members of a path item that are operations.
const METHODS: [&str; 8] = [
    "get", "put", "post", "delete", "options", "head", "patch", "trace",
];

/// What is taken out of a document.
pub(super) struct Document {
    /// The path of the first server's URL; empty or `/like/this`.
    pub(super) base_path: String,
    /// Every scope that an operation asks for, with its sentence.
    pub(super) scopes: BTreeMap<ScopeName, String>,
    /// What cannot be said by routes.
    pub(super) notes: Vec<String>,
    operations: Vec<Operation>,
}

struct Operation {
    method: String,
    path: String,
    scopes: Vec<ScopeName>,
}

/// Reads with the places of what is read at hand.
struct Reader<'a> {
    root: &'a Value,
    descriptions: BTreeMap<&'a str, &'a str>,
    problems: Problems,
    document: Document,
}

impl Document {
    /// Reads a document; problems name the place in it, such as `paths["/leads"].get.security[0]`.
    pub(super) fn read(document: &Value) -> Result<Self, Problems> {
        let version = document.get("openapi").and_then(Value::as_str);
        if !version.is_some_and(|version| version.starts_with("3.")) {
            return Err(Problems::of(
                "openapi",
                "must be there with a version such as 3.1.0",
            ));
        }
        let mut reader = Reader {
            root: document,
            descriptions: descriptions(document),
            problems: Problems::default(),
            document: Self {
                base_path: String::new(),
                scopes: BTreeMap::new(),
                notes: Vec::new(),
                operations: Vec::new(),
            },
        };
        reader.server();
        reader.paths();
        reader.problems.into_result().map(|()| reader.document)
    }

    /// The routes, each path put behind `base_path`.
    pub(super) fn routes(&self, base_path: &str) -> Vec<RouteDraft> {
        let route = |operation: &Operation| RouteDraft {
            method: operation.method.clone(),
            path: joined(base_path, &operation.path),
            scopes: operation.scopes.iter().map(ToString::to_string).collect(),
        };
        self.operations.iter().map(route).collect()
    }
}

impl<'a> Reader<'a> {
    /// The first server's path: what precedes every path of the document.
    fn server(&mut self) {
        let Some(server) = self.root.get("servers").and_then(|servers| servers.get(0)) else {
            return;
        };
        let Some(url) = server.get("url").and_then(Value::as_str) else {
            self.problems.add("servers[0].url", "must be a text");
            return;
        };
        let path = match BaseUrl::new(url) {
            Ok(url) => url.path().to_owned(),
            Err(_) if url.starts_with('/') => url.trim_end_matches('/').to_owned(),
            Err(_) => {
                let note = "servers[0].url is not understood; paths are taken as they are.";
                self.document.notes.push(note.to_owned());
                return;
            }
        };
        if !path.is_empty()
            && self
                .problems
                .check("servers[0].url", PathPattern::new(&path))
                .is_none()
        {
            return;
        }
        self.document.base_path = path;
    }

    fn paths(&mut self) {
        let Some(paths) = self.root.get("paths").and_then(Value::as_object) else {
            self.problems.add("paths", "must be an object of paths");
            return;
        };
        for (path, item) in paths.iter().filter(|(path, _)| !path.starts_with("x-")) {
            let place = format!("paths[{path:?}]");
            let whole = joined(&self.document.base_path, path);
            let pattern = PathPattern::new(path).and_then(|_| PathPattern::new(&whole));
            if self.problems.check(&place, pattern).is_some()
                && let Some(item) = self.path_item(&place, item)
            {
                self.operations(&place, path, item);
            }
        }
        if self.document.operations.is_empty() {
            self.problems.add("paths", "must have an operation");
        }
    }

    /// The path item, or the one of the same document that it refers to.
    fn path_item(&mut self, place: &str, item: &'a Value) -> Option<&'a Map<String, Value>> {
        let Some(reference) = item.get("$ref") else {
            if item.is_object() {
                return item.as_object();
            }
            self.problems.add(place, "must be an object of operations");
            return None;
        };
        let pointer = reference
            .as_str()
            .and_then(|reference| reference.strip_prefix('#'));
        let found = pointer.and_then(|pointer| self.root.pointer(pointer)?.as_object());
        if found.is_none() {
            self.problems.add(
                format!("{place}.$ref"),
                "must name a path item of this document",
            );
        }
        found
    }

    fn operations(&mut self, place: &str, path: &str, item: &'a Map<String, Value>) {
        for method in METHODS {
            let Some(operation) = item.get(method) else {
                continue;
            };
            let place = format!("{place}.{method}");
            if !operation.is_object() {
                self.problems.add(place, "must be an operation object");
                continue;
            }
            // An operation's own list goes instead of the document's, also when it is empty.
            let (place, security) = match operation.get("security") {
                Some(own) => (format!("{place}.security"), Some(own)),
                None => ("security".to_owned(), self.root.get("security")),
            };
            let scopes = security.map(|security| self.scopes(&place, security));
            self.document.operations.push(Operation {
                method: method.to_ascii_uppercase(),
                path: path.to_owned(),
                scopes: scopes.unwrap_or_default(),
            });
        }
    }

    /// All scopes of all alternatives.
    fn scopes(&mut self, place: &str, security: &'a Value) -> Vec<ScopeName> {
        let Some(alternatives) = security.as_array() else {
            self.problems
                .add(place, "must be a list of security requirements");
            return Vec::new();
        };
        let mut sets = Vec::with_capacity(alternatives.len());
        for (index, alternative) in alternatives.iter().enumerate() {
            sets.push(self.requirement(&format!("{place}[{index}]"), alternative));
        }
        let mut all: Vec<ScopeName> = sets.iter().flatten().cloned().collect();
        all.sort();
        all.dedup();
        if sets.iter().any(|set| set.len() != all.len()) {
            let note = format!("{place} has alternatives; its routes ask for all of their scopes.");
            if !self.document.notes.contains(&note) {
                self.document.notes.push(note);
            }
        }
        all
    }

    /// The scopes of one alternative: all of its schemes are needed.
    fn requirement(&mut self, place: &str, alternative: &'a Value) -> Vec<ScopeName> {
        let Some(schemes) = alternative.as_object() else {
            self.problems
                .add(place, "must be an object of security schemes");
            return Vec::new();
        };
        let mut found = Vec::new();
        for (scheme, scopes) in schemes {
            let place = format!("{place}.{scheme}");
            if !self.has_scheme(scheme) {
                self.problems
                    .add(place, "is no scheme of components.securitySchemes");
                continue;
            }
            let Some(scopes) = scopes.as_array() else {
                self.problems.add(place, "must be a list of scopes");
                continue;
            };
            for (index, scope) in scopes.iter().enumerate() {
                let name = ScopeName::new(scope.as_str().unwrap_or_default());
                let Some(name) = self.problems.check(&format!("{place}[{index}]"), name) else {
                    continue;
                };
                let description = self.descriptions.get(name.as_str()).copied();
                let description = description.unwrap_or_default().to_owned();
                self.document
                    .scopes
                    .entry(name.clone())
                    .or_insert(description);
                if !found.contains(&name) {
                    found.push(name);
                }
            }
        }
        found
    }

    fn has_scheme(&self, scheme: &str) -> bool {
        schemes(self.root).is_some_and(|schemes| schemes.contains_key(scheme))
    }
}

fn schemes(root: &Value) -> Option<&Map<String, Value>> {
    root.get("components")?.get("securitySchemes")?.as_object()
}

/// The sentences that the flows of OAuth schemes have for scopes.
fn descriptions(root: &Value) -> BTreeMap<&str, &str> {
    let flows = schemes(root).into_iter().flat_map(Map::values);
    let flows = flows
        .filter_map(|scheme| scheme.get("flows")?.as_object())
        .flat_map(Map::values);
    let scopes = flows
        .filter_map(|flow| flow.get("scopes")?.as_object())
        .flatten();
    scopes
        .filter_map(|(name, sentence)| Some((name.as_str(), sentence.as_str()?)))
        .collect()
}

fn joined(base_path: &str, path: &str) -> String {
    if path == "/" && !base_path.is_empty() {
        return base_path.to_owned();
    }
    format!("{base_path}{path}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn document(paths: &Value, security: &Value) -> Value {
        json!({
            "openapi": "3.0.3",
            "security": security,
            "paths": paths,
            "components": {"securitySchemes": {
                "oauth": {"type": "oauth2", "flows": {"authorizationCode": {
                    "scopes": {"read:leads": "See leads", "write:leads": "Change leads"}}}},
                "key": {"type": "http", "scheme": "bearer"},
            }},
        })
    }

    fn routes(document: &Value) -> Vec<(String, String, Vec<String>)> {
        let document = Document::read(document).expect("a document");
        let route = |route: RouteDraft| (route.method, route.path, route.scopes);
        document.routes("").into_iter().map(route).collect()
    }

    fn problems(document: &Value) -> Vec<(String, String)> {
        let problems = Document::read(document).err().expect("problems");
        problems.members().clone().into_iter().collect()
    }

    #[test]
    fn security_of_the_operation_goes_before_that_of_the_document() {
        let paths = json!({
            "/leads": {
                "summary": "Leads",
                "get": {"responses": {}},
                "post": {"security": [{"oauth": ["write:leads", "write:leads"], "key": []}]},
            },
            "/leads/{id}": {"delete": {"security": []}},
            "x-internal": 1,
        });
        let document = document(&paths, &json!([{"oauth": ["read:leads"]}]));
        let route = |method: &str, path: &str, scopes: &[&str]| {
            let scopes = scopes.iter().map(ToString::to_string).collect();
            (method.to_owned(), path.to_owned(), scopes)
        };
        let expected = [
            route("GET", "/leads", &["read:leads"]),
            route("POST", "/leads", &["write:leads"]),
            route("DELETE", "/leads/{id}", &[]),
        ];
        assert_eq!(routes(&document), expected);
        let read = Document::read(&document).expect("a document");
        let scopes: Vec<_> = read
            .scopes
            .iter()
            .map(|(n, d)| (n.as_str(), d.as_str()))
            .collect();
        assert_eq!(
            scopes,
            [("read:leads", "See leads"), ("write:leads", "Change leads")]
        );
        assert_eq!(read.notes, [""; 0]);
    }

    #[test]
    fn alternatives_ask_for_everything_and_a_note_says_so() {
        let paths = json!({"/leads": {"get": {"security": [
            {"oauth": ["read:leads"]}, {"oauth": ["admin"]}, {"key": []}]}}});
        let read = Document::read(&document(&paths, &json!([]))).expect("a document");
        assert_eq!(read.routes("")[0].scopes, ["admin", "read:leads"]);
        assert_eq!(read.notes.len(), 1);
        assert!(read.notes[0].starts_with("paths[\"/leads\"].get.security has alternatives"));
    }

    #[test]
    fn path_items_of_the_same_document_are_followed() {
        let mut document = document(
            &json!({"/leads": {"$ref": "#/components/pathItems/a~1b"}}),
            &json!([]),
        );
        document["components"]["pathItems"] = json!({"a/b": {"get": {}}});
        assert_eq!(routes(&document).len(), 1);
        document["paths"]["/leads"]["$ref"] = json!("other.json#/x");
        assert_eq!(problems(&document)[1].0, "paths[\"/leads\"].$ref");
    }

    #[test]
    fn problems_name_their_place() {
        for wrong in [
            json!([]),
            json!({}),
            json!({"openapi": "2.0"}),
            json!({"swagger": "2.0"}),
        ] {
            assert_eq!(problems(&wrong)[0].0, "openapi");
        }
        assert_eq!(problems(&json!({"openapi": "3.1.0"}))[0].0, "paths");
        let paths = json!({
            "leads": {"get": {}},
            "/a/{x}.json": {"get": {}},
            "/b": {"get": {"security": [{"oauht": []}, {"oauth": ["a b"]}, 7]}},
            "/c": {"get": {"security": {}}, "post": []},
            "/d": [],
        });
        let found = problems(&document(&paths, &json!([])));
        let places: Vec<&str> = found.iter().map(|(place, _)| place.as_str()).collect();
        assert_eq!(
            places,
            [
                "paths[\"/a/{x}.json\"]",
                "paths[\"/b\"].get.security[0].oauht",
                "paths[\"/b\"].get.security[1].oauth[0]",
                "paths[\"/b\"].get.security[2]",
                "paths[\"/c\"].get.security",
                "paths[\"/c\"].post",
                "paths[\"/d\"]",
                "paths[\"leads\"]",
            ]
        );
    }

    #[test]
    fn the_first_server_gives_the_base_path() {
        let base = |servers: Value| {
            let mut document = document(&json!({"/": {"get": {}}}), &json!([]));
            document["servers"] = servers;
            Document::read(&document).map(|read| read.routes(&read.base_path)[0].path.clone())
        };
        assert_eq!(base(json!([])), Ok("/".to_owned()));
        assert_eq!(
            base(json!([{"url": "https://a.test/v1/"}])),
            Ok("/v1".to_owned())
        );
        assert_eq!(base(json!([{"url": "/v2"}])), Ok("/v2".to_owned()));
        assert_eq!(
            base(json!([{"url": "https://{host}/v1"}])),
            Ok("/".to_owned())
        );
        assert!(base(json!([{"url": "/{version}.0"}])).is_err());
        assert!(base(json!([{"url": 7}])).is_err());
    }
}
