//! Which paths exist, and with which methods: what 404, 405, `Allow`, HEAD, OPTIONS, CORS and the logs go by.

use std::collections::HashMap;
use std::sync::Arc;

use poem::http::{HeaderValue, Method};

use crate::telemetry::metrics::OfPath;

/// One path.
#[derive(Debug)]
pub struct Route {
    /// Such as `/api/auth/sessions/{id}`.
    pub template: String,
    /// How often it was asked for.
    pub counted: OfPath,
    methods: Vec<Method>,
    allow: HeaderValue,
}

/// All paths. Clones share one table.
#[derive(Clone, Debug)]
pub struct RouteTable(Arc<Table>);

#[derive(Debug)]
struct Table {
    /// By the whole path.
    exact: HashMap<String, Arc<Route>>,
    with_braces: Vec<Arc<Route>>,
    methods: Vec<Method>,
}

impl Route {
    fn new(template: String, mut methods: Vec<Method>) -> Self {
        if methods.contains(&Method::GET) && !methods.contains(&Method::HEAD) {
            methods.push(Method::HEAD);
        }
        methods.push(Method::OPTIONS);
        let names = methods.iter().map(Method::as_str).collect::<Vec<_>>().join(", ");
        // Method names are tokens, so this is a header value.
        let allow = HeaderValue::try_from(names).unwrap_or(HeaderValue::from_static(""));
        Self { template, counted: OfPath::default(), methods, allow }
    }

    /// Whether the method is one of the path's, or HEAD where GET is, or OPTIONS.
    #[must_use]
    pub fn allows(&self, method: &Method) -> bool {
        self.methods.contains(method)
    }

    /// The value of the `Allow` header.
    #[must_use]
    pub fn allow(&self) -> HeaderValue {
        self.allow.clone()
    }

    fn matches(&self, path: &str) -> bool {
        let (mut wanted, mut given) = (self.template.split('/'), path.split('/'));
        loop {
            match (wanted.next(), given.next()) {
                (None, None) => return true,
                (Some(wanted), Some(given)) if wanted == given => {}
                (Some(wanted), Some(given)) if wanted.starts_with('{') && !given.is_empty() => {}
                _ => return false,
            }
        }
    }
}

impl RouteTable {
    /// Paths with the methods that are declared for them. A segment in braces stands for any one that is not empty.
    pub fn new<T: Into<String>>(routes: impl IntoIterator<Item = (T, Vec<Method>)>) -> Self {
        let routes: Vec<_> =
            routes.into_iter().map(|(template, methods)| Arc::new(Route::new(template.into(), methods))).collect();
        let mut methods = Vec::new();
        for method in routes.iter().flat_map(|route| &route.methods) {
            if !methods.contains(method) {
                methods.push(method.clone());
            }
        }
        let (with_braces, exact): (Vec<_>, Vec<_>) = routes.into_iter().partition(|route| route.template.contains('{'));
        let exact = exact.into_iter().map(|route| (route.template.clone(), route)).collect();
        Self(Arc::new(Table { exact, with_braces, methods }))
    }

    /// The route of a path, compared exactly: byte by byte, without decoding, slashes and case as they are. A path without
    /// braces goes before one with.
    #[must_use]
    pub fn find(&self, path: &str) -> Option<Arc<Route>> {
        let Table { exact, with_braces, .. } = &*self.0;
        exact.get(path).or_else(|| with_braces.iter().find(|route| route.matches(path))).cloned()
    }

    /// Every method of every path.
    #[must_use]
    pub fn methods(&self) -> Vec<Method> {
        self.0.methods.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> RouteTable {
        RouteTable::new([
            ("/", vec![Method::GET]),
            ("/api/auth/login", vec![Method::POST]),
            ("/api/auth/sessions/{id}", vec![Method::DELETE]),
            ("/api/auth/sessions/mine", vec![Method::GET]),
        ])
    }

    #[test]
    fn paths_are_exact() {
        let found = |path| table().find(path).map(|route| route.template.clone());
        assert_eq!(found("/").as_deref(), Some("/"));
        assert_eq!(found("/api/auth/login").as_deref(), Some("/api/auth/login"));
        assert_eq!(found("/api/auth/sessions/7").as_deref(), Some("/api/auth/sessions/{id}"));
        assert_eq!(found("/api/auth/sessions/mine").as_deref(), Some("/api/auth/sessions/mine"));
        for path in [
            "",
            "*",
            "//",
            "/api/auth/login/",
            "/api//auth/login",
            "/API/auth/login",
            "/api/auth/%6cogin",
            "/api/auth/./login",
            "/api/auth/sessions/",
            "/api/auth/sessions/7/",
            "/api/auth/sessions/7/8",
            "/api/auth/sessions",
        ] {
            assert_eq!(found(path), None, "{path}");
        }
    }

    #[test]
    fn head_goes_with_get_and_options_with_all() {
        let home = table().find("/").unwrap();
        assert_eq!(home.allow(), "GET, HEAD, OPTIONS");
        assert!(home.allows(&Method::HEAD) && !home.allows(&Method::POST));
        let login = table().find("/api/auth/login").unwrap();
        assert_eq!(login.allow(), "POST, OPTIONS");
        assert!(!login.allows(&Method::HEAD));
        let all = table().methods();
        assert_eq!(all, [Method::GET, Method::HEAD, Method::OPTIONS, Method::POST, Method::DELETE]);
    }
}
