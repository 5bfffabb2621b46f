//! `Set-Cookie` as a browser reads it, and a browser's jar.

use std::collections::BTreeMap;

use http::HeaderMap;
use http::header::SET_COOKIE;

/// One `Set-Cookie` line. Attribute names are lower-cased.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SetCookie {
    pub(crate) name: String,
    pub(crate) value: String,
    pub(crate) attributes: BTreeMap<String, Option<String>>,
}

impl SetCookie {
    /// All cookies that an answer sets.
    ///
    /// # Panics
    /// When a line is no cookie, or repeats an attribute.
    pub(crate) fn all(headers: &HeaderMap) -> Vec<Self> {
        headers.get_all(SET_COOKIE).iter().map(|line| Self::parse(line.to_str().expect("an ASCII cookie"))).collect()
    }

    fn parse(line: &str) -> Self {
        let mut parts = line.split(';').map(str::trim);
        let (name, value) = parts.next().and_then(|pair| pair.split_once('=')).expect("name=value");
        let mut attributes = BTreeMap::new();
        for part in parts {
            let (key, value) = part.split_once('=').map_or((part, None), |(key, value)| (key, Some(value.to_owned())));
            assert!(attributes.insert(key.to_lowercase(), value).is_none(), "{key} twice in {line}");
        }
        Self { name: name.to_owned(), value: value.to_owned(), attributes }
    }

    /// `Max-Age`, in seconds.
    pub(crate) fn max_age(&self) -> Option<i64> {
        self.attributes.get("max-age")?.as_ref()?.parse().ok()
    }
}

/// The cookies that a browser holds for the service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Jar(BTreeMap<String, String>);

impl Jar {
    /// Keeps what an answer sets, and drops what it clears (`Max-Age=0`).
    pub(crate) fn take(&mut self, headers: &HeaderMap) {
        for cookie in SetCookie::all(headers) {
            if cookie.max_age().is_some_and(|seconds| seconds <= 0) {
                self.0.remove(&cookie.name);
            } else {
                self.0.insert(cookie.name, cookie.value);
            }
        }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.0.insert(name.to_owned(), value.to_owned());
    }

    /// Whether there is a token of a session: what the browser is known by may be there still.
    pub(crate) fn has_token(&self) -> bool {
        self.0.keys().any(|name| name.ends_with("_token"))
    }

    /// The `Cookie` header; none when the jar is empty.
    pub(crate) fn header(&self) -> Option<String> {
        let pairs: Vec<_> = self.0.iter().map(|(name, value)| format!("{name}={value}")).collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }
}
