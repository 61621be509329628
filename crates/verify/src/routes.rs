//! Which route of an API a request means: a tree over path segments.

use claviger_model::routes::{self, Route, Segment};
use claviger_model::scopes::ScopeName;

use crate::scopes::{Bits, Scopes};

/// The routes of an API. A literal segment goes before a parameter, a parameter before `*`, a
/// named method before `*`.
#[derive(Debug, Default)]
pub struct RouteTable {
    root: Node,
    routes: Vec<RouteEntry>,
}

/// What a route asks for.
#[derive(Debug)]
pub struct RouteEntry {
    /// The method, `*` for all, for showing.
    pub method: Box<str>,
    /// The pattern, for showing.
    pub pattern: Box<str>,
    /// All of these scopes.
    pub scopes: Box<[ScopeName]>,
    /// The same, for comparing.
    pub bits: Bits,
}

/// The place of a route in its table.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct RouteIndex(usize);

#[derive(Debug, Default)]
struct Node {
    /// In the order of their texts: a few are found faster so than by a hash.
    literals: Vec<(Box<str>, Node)>,
    parameter: Option<Box<Node>>,
    here: Methods,
    rest: Methods,
}

#[derive(Debug, Default)]
struct Methods(Vec<(Box<str>, RouteIndex)>);

impl RouteTable {
    /// Builds the tree; of two routes with the same method and pattern the first one counts.
    pub fn new(routes: &[Route], scopes: &Scopes) -> Self {
        let mut table = Self::default();
        for route in routes {
            let index = RouteIndex(table.routes.len());
            table.routes.push(RouteEntry {
                method: route.method.as_str().into(),
                pattern: route.path.as_str().into(),
                scopes: route.scopes.clone().into(),
                bits: scopes.bits(&route.scopes),
            });
            table
                .root
                .insert(route.path.segments(), &route.method, index);
        }
        table
    }

    /// The route that `method` and `path` (without query) mean. A path with more than one reading
    /// means none. `HEAD` takes a `GET` route where it has none of its own.
    pub fn find(&self, method: &str, path: &str) -> Option<RouteIndex> {
        if !routes::is_canonical(path) {
            return None;
        }
        let rest = &path[1..];
        let find = |method| self.root.find((!rest.is_empty()).then_some(rest), method);
        find(method).or_else(|| (method == "HEAD").then(|| find("GET")).flatten())
    }

    /// All routes, in their order.
    pub fn all(&self) -> &[RouteEntry] {
        &self.routes
    }

    /// The route at `index`.
    pub fn get(&self, index: RouteIndex) -> Option<&RouteEntry> {
        self.routes.get(index.0)
    }
}

impl Node {
    fn insert(&mut self, segments: &[Segment], method: &str, index: RouteIndex) {
        match segments.split_first() {
            None => self.here.insert(method, index),
            Some((Segment::Rest, _)) => self.rest.insert(method, index),
            Some((Segment::Parameter, tail)) => {
                self.parameter
                    .get_or_insert_default()
                    .insert(tail, method, index);
            }
            Some((Segment::Literal(text), tail)) => {
                let at = self.position(text).unwrap_or_else(|at| {
                    let child = (text.as_str().into(), Self::default());
                    self.literals.insert(at, child);
                    at
                });
                self.literals[at].1.insert(tail, method, index);
            }
        }
    }

    fn position(&self, segment: &str) -> Result<usize, usize> {
        self.literals
            .binary_search_by(|(text, _)| (**text).cmp(segment))
    }

    fn find(&self, rest: Option<&str>, method: &str) -> Option<RouteIndex> {
        let Some(rest) = rest else {
            return self.here.find(method);
        };
        let slash = rest.bytes().position(|byte| byte == b'/');
        let (segment, tail) = match slash {
            Some(at) => (&rest[..at], Some(&rest[at + 1..])),
            None => (rest, None),
        };
        let literal = self.position(segment).ok();
        let literal = literal.and_then(|at| self.literals[at].1.find(tail, method));
        literal
            .or_else(|| {
                self.parameter
                    .as_ref()
                    .and_then(|node| node.find(tail, method))
            })
            .or_else(|| self.rest.find(method))
    }
}

impl Methods {
    fn insert(&mut self, method: &str, index: RouteIndex) {
        if !self.0.iter().any(|(known, _)| **known == *method) {
            self.0.push((method.into(), index));
        }
    }

    fn find(&self, method: &str) -> Option<RouteIndex> {
        let of = |word: &str| {
            self.0
                .iter()
                .find(|(known, _)| **known == *word)
                .map(|(_, at)| *at)
        };
        of(method).or_else(|| of("*"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use claviger_model::routes::PathPattern;

    fn table(routes: &[(&str, &str)]) -> RouteTable {
        let route = |(method, path): &(&str, &str)| Route {
            method: (*method).to_owned(),
            path: PathPattern::new(path).expect("pattern"),
            scopes: Vec::new(),
        };
        RouteTable::new(
            &routes.iter().map(route).collect::<Vec<_>>(),
            &Scopes::default(),
        )
    }

    #[test]
    fn the_most_exact_route_is_found() {
        let table = table(&[
            ("GET", "/v1/leads"),
            ("GET", "/v1/leads/{id}"),
            ("GET", "/v1/leads/new"),
            ("*", "/v1/leads/{id}/*"),
            ("POST", "/v1/{any}"),
            ("GET", "/"),
        ]);
        let found = |method, path| {
            table
                .find(method, path)
                .and_then(|at| table.get(at))
                .map(|route| &*route.pattern)
        };
        assert_eq!(found("GET", "/v1/leads"), Some("/v1/leads"));
        assert_eq!(found("HEAD", "/v1/leads"), Some("/v1/leads"));
        assert_eq!(found("POST", "/v1/leads"), Some("/v1/{any}"));
        assert_eq!(found("GET", "/v1/leads/7"), Some("/v1/leads/{id}"));
        assert_eq!(found("GET", "/v1/leads/new"), Some("/v1/leads/new"));
        assert_eq!(
            found("PUT", "/v1/leads/7/notes/1"),
            Some("/v1/leads/{id}/*")
        );
        assert_eq!(found("GET", "/"), Some("/"));
        assert_eq!(found("DELETE", "/v1/leads"), None);
        for path in [
            "/v1/leads/",
            "//v1/leads",
            "/V1/leads",
            "/v1/leads;x",
            "/v1/%2e%2e/v1/leads",
        ] {
            assert_eq!(found("GET", path), None, "{path}");
        }
    }
}
