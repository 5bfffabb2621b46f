//! A browser: an address of its own, a cookie jar, and the verbs of the API.

use std::future::{Future, IntoFuture};
use std::net::Ipv4Addr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::{Value, json};

use super::answer::Answer;
use super::app::Site;
use super::cookies::Jar;
use super::http1::{self, Body};

/// What people use as their password, unless a story says otherwise.
pub(crate) const PASSWORD: &str = "SecurePass123";

/// One browser. Clones are its tabs: they share the jar and the address.
#[derive(Clone)]
pub(crate) struct Browser {
    site: Arc<Site>,
    address: Ipv4Addr,
    jar: Arc<Mutex<Jar>>,
}

impl Browser {
    pub(crate) fn new(site: Arc<Site>, address: Ipv4Addr) -> Self {
        Self { site, address, jar: Arc::default() }
    }

    /// The same browser, at another node.
    pub(crate) fn at(&self, site: Arc<Site>) -> Self {
        Self { site, ..self.clone() }
    }

    /// The cookies, to look at or to meddle with.
    pub(crate) fn jar(&self) -> MutexGuard<'_, Jar> {
        self.jar.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The refresh cookie's value.
    #[track_caller]
    pub(crate) fn refresh_cookie(&self) -> String {
        self.jar().get(&self.site.contract.cookie_names().1).expect("a refresh cookie").to_owned()
    }

    /// The access cookie's value.
    #[track_caller]
    pub(crate) fn access_cookie(&self) -> String {
        self.jar().get(&self.site.contract.cookie_names().0).expect("an access cookie").to_owned()
    }

    /// Puts a refresh token into the jar, as a thief or a backup would.
    pub(crate) fn put_refresh_cookie(&self, value: &str) {
        self.jar().set(&self.site.contract.cookie_names().1, value);
    }

    /// Puts an access token into the jar.
    pub(crate) fn put_access_cookie(&self, value: &str) {
        self.jar().set(&self.site.contract.cookie_names().0, value);
    }

    pub(crate) fn call(&self, method: Method, path: &str) -> Call {
        Call { browser: self.clone(), method, path: path.to_owned(), headers: HeaderMap::new(), body: None }
    }

    pub(crate) fn get(&self, path: &str) -> Call {
        self.call(Method::GET, path)
    }

    pub(crate) fn post(&self, path: &str) -> Call {
        self.call(Method::POST, path)
    }

    pub(crate) fn register(&self, email: &str) -> Call {
        self.post("/api/auth/register").json(&json!({ "email": email, "password": PASSWORD }))
    }

    pub(crate) fn login(&self, email: &str) -> Call {
        self.login_with(email, PASSWORD)
    }

    pub(crate) fn login_with(&self, email: &str, password: &str) -> Call {
        self.post("/api/auth/login").json(&json!({ "email": email, "password": password }))
    }

    pub(crate) fn refresh(&self) -> Call {
        self.post("/api/auth/refresh")
    }

    pub(crate) fn logout(&self) -> Call {
        self.post("/api/auth/logout")
    }

    pub(crate) fn me(&self) -> Call {
        self.get("/api/auth/me")
    }
}

/// A request that can still be changed; awaiting it sends it, and the contract judges the answer.
#[must_use = "await it"]
pub(crate) struct Call {
    browser: Browser,
    method: Method,
    path: String,
    headers: HeaderMap,
    body: Option<Body>,
}

impl Call {
    /// Adds a header, beside what is there of that name. A `cookie` replaces what the jar holds.
    pub(crate) fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("a header's name");
        self.headers.append(name, HeaderValue::from_bytes(value.as_ref()).expect("a header's value"));
        self
    }

    pub(crate) fn bearer(self, token: &str) -> Self {
        self.header(AUTHORIZATION.as_str(), format!("Bearer {token}"))
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.text("application/json", body.to_string())
    }

    pub(crate) fn text(self, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        self.header(CONTENT_TYPE.as_str(), content_type).body(http1::whole(body.into()))
    }

    /// The body alone, without a content type.
    pub(crate) fn body(mut self, body: Body) -> Self {
        self.body = Some(body);
        self
    }

    async fn send(mut self) -> Answer {
        let Browser { site, address, jar } = &self.browser;
        let lock = || jar.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.headers.contains_key("x-forwarded-for") {
            self.headers.insert("x-forwarded-for", address.to_string().parse().expect("an address"));
        }
        if let Some(cookies) = lock().header().filter(|_| !self.headers.contains_key(COOKIE)) {
            self.headers.insert(COOKIE, cookies.parse().expect("cookies"));
        }
        let body = self.body.unwrap_or_else(http1::empty);
        let exchange = http1::send(site.address, self.method, &self.path, self.headers, body).await;
        let complaints = site.contract.complaints(&exchange);
        assert!(complaints.is_empty(), "the answer breaks the contract: {complaints:#?}\n{exchange:?}");
        lock().take(&exchange.headers);
        Answer(exchange)
    }
}

impl IntoFuture for Call {
    type Output = Answer;
    type IntoFuture = Pin<Box<dyn Future<Output = Answer> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}
