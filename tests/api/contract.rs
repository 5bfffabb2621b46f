//! The judge of all answers is judged: it lets good ones pass and refuses doctored ones.

use doorward::config::cookies::{Cookies, SameSite};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use serde_json::{Value, json};

use crate::harness::contract::{Contract, Exchange};
use crate::harness::schema;

#[test]
fn schemas_are_closed_and_know_null() {
    let document = json!({ "components": { "schemas": {
        "Base": { "type": "object", "required": ["id"], "properties": { "id": { "type": "integer" } } },
        "Name": { "type": "object", "properties": { "first": { "type": "string", "nullable": true } } },
    } } });
    let schema = json!({ "allOf": [
        { "$ref": "#/components/schemas/Base" },
        { "type": "object", "properties": {
            "name": { "nullable": true, "allOf": [{ "$ref": "#/components/schemas/Name" }] },
            "at": { "type": "string", "format": "date-time" },
            "list": { "type": "array", "items": { "$ref": "#/components/schemas/Base" } },
        } },
    ] });
    let validator = schema::closed(&document, &schema);
    for good in [
        json!({ "id": 1 }),
        json!({ "id": 1, "name": null }),
        json!({ "id": 1, "name": { "first": null }, "at": "2025-12-30T00:00:00Z", "list": [{ "id": 2 }] }),
    ] {
        assert!(validator.is_valid(&good), "{good} must pass");
    }
    for bad in [
        json!({}),
        json!([]),
        json!({ "id": null }),
        json!({ "id": 1, "more": 1 }),
        json!({ "id": 1, "name": { "last": "x" } }),
        json!({ "id": 1, "list": [{ "id": 2, "more": 1 }] }),
        json!({ "id": 1, "at": "yesterday" }),
    ] {
        assert!(!validator.is_valid(&bad), "{bad} must be refused");
    }
}

#[test]
fn good_answers_pass() {
    for exchange in [
        me(),
        login(),
        logout(),
        Exchange { method: Method::HEAD, body: Vec::new(), ..me() },
        refused("GET", "/api/auth/me", 401, "not_authenticated").with("www-authenticate", "Bearer realm=\"doorward\""),
        refused("POST", "/api/auth/login", 429, "too_many_attempts").with("retry-after", "12"),
        refused("POST", "/api/auth/login", 403, "cross_site_request"),
        refused("POST", "/api/auth/nowhere", 403, "cross_site_request"),
        refused("GET", "/api/auth/me/", 404, "not_found"),
        refused("POST", "/api/auth/me", 405, "method_not_allowed").with("allow", "GET, HEAD, OPTIONS"),
        exchange("OPTIONS", "/api/auth/login", 204, &Value::Null).with("allow", "POST, OPTIONS"),
        exchange("GET", "/", 303, &Value::Null).with("location", "/docs"),
        exchange("GET", "/docs", 200, &Value::Null)
            .with("content-type", "text/html")
            .with("content-security-policy", "default-src 'none'; script-src 'self'"),
    ] {
        let complaints = contract(cookies()).complaints(&exchange);
        assert!(complaints.is_empty(), "{exchange:?}: {complaints:#?}");
    }
    let production = Cookies { secure: true, host_prefix: true, ..cookies() };
    let secure = exchange("POST", "/api/auth/login", 200, &json!({ "message": "Login successful" }))
        .and("set-cookie", "__Host-access_token=a; HttpOnly; SameSite=Strict; Secure; Path=/; Max-Age=3600")
        .and("set-cookie", "__Host-refresh_token=b; HttpOnly; SameSite=Strict; Secure; Path=/; Max-Age=604800")
        .and("set-cookie", "__Host-session_hint=1; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=604800")
        .and("set-cookie", "__Host-device=c; HttpOnly; SameSite=Strict; Secure; Path=/; Max-Age=34560000")
        .and("set-cookie", "__Host-recent_proof=d; HttpOnly; SameSite=Strict; Secure; Path=/; Max-Age=600");
    assert_eq!(contract(production).complaints(&secure), Vec::<String>::new());
}

#[test]
fn doctored_answers_are_refused() {
    let cookie = |line: &str| {
        let rest = login().with("set-cookie", line).and("set-cookie", REFRESH).and("set-cookie", HINT);
        rest.and("set-cookie", DEVICE).and("set-cookie", RECENT)
    };
    let doctored = vec![
        (me().with("x-content-type-options", "sniff"), "x-content-type-options"),
        (me().and("referrer-policy", "no-referrer"), "referrer-policy"),
        (me().without("content-security-policy"), "content-security-policy"),
        (me().without("cross-origin-resource-policy"), "cross-origin-resource-policy"),
        (me().without("x-request-id"), "X-Request-Id"),
        (me().without("cache-control"), "Cache-Control"),
        (me().with("cache-control", "private"), "Cache-Control"),
        (me().with("server", "poem"), "Server"),
        (me().with("retry-after", "1"), "Retry-After"),
        (me().with("www-authenticate", "Bearer realm=\"doorward\""), "WWW-Authenticate"),
        (me().with("location", "/"), "header location"),
        (me().with("content-type", "text/plain"), "content type"),
        (me().without("content-type"), "content type"),
        (me().without("etag"), "required header ETag"),
        (me().with("set-cookie", ACCESS), "not the cookies"),
        (me().status(202), "does not declare 202"),
        (me().status(500), "500 Internal Server Error!"),
        (me().status(502), "502 Bad Gateway!"),
        (me().body(&json!({ "id": 1, "name": null, "hash": "x" })), "breaks the spec"),
        (me().body(&json!({ "id": "1", "name": null })), "breaks the spec"),
        (me().body(&json!({ "id": 1 })), "breaks the spec"),
        (me().body(&json!({ "id": null, "name": null })), "breaks the spec"),
        (Exchange { body: b"{\"id\":1".to_vec(), ..me() }, "no JSON"),
        (Exchange { method: Method::HEAD, ..me() }, "a body with HEAD"),
        (me().body(&json!({ "id": 1, "name": "$2b$12$abc" })), "a hash"),
        (me().body(&json!({ "id": 1, "name": "eyJhbGciOiJIUzI1NiJ9" })), "a token"),
        (login().without("set-cookie"), "not the cookies"),
        (login().with("set-cookie", ACCESS), "not the cookies"),
        (login().and("set-cookie", ACCESS), "not the cookies"),
        (login().and("set-cookie", "theme=dark; Path=/"), "not the cookies"),
        (cookie("access_token=; HttpOnly; SameSite=Strict; Path=/; Max-Age=0"), "not the cookies"),
        (cookie("__Host-access_token=a; HttpOnly; SameSite=Strict; Path=/; Max-Age=9"), "not the cookies"),
        (cookie("access_token=a; SameSite=Strict; Path=/; Max-Age=9"), "attributes"),
        (cookie("access_token=a; HttpOnly; SameSite=Lax; Path=/; Max-Age=9"), "attributes"),
        (cookie("access_token=a; HttpOnly; SameSite=Strict; Path=/api; Max-Age=9"), "attributes"),
        (cookie("access_token=a; HttpOnly; SameSite=Strict; Path=/; Max-Age=9; Domain=x.org"), "attributes"),
        (cookie("access_token=a; HttpOnly; SameSite=Strict; Path=/; Max-Age=9; Secure"), "attributes"),
        (logout().with("set-cookie", ACCESS).and("set-cookie", REFRESH), "not the cookies"),
        (logout().body(&json!({ "message": "Successfully logged out" })), "a body where"),
        (refused("GET", "/api/auth/me", 401, "not_authenticated"), "WWW-Authenticate"),
        (refused("POST", "/api/auth/login", 429, "too_many_attempts"), "Retry-After"),
        (refused("POST", "/api/auth/login", 429, "too_many_attempts").with("retry-after", "0"), "Retry-After"),
        (refused("POST", "/api/auth/login", 429, "too_many_attempts").with("retry-after", "1.5"), "Retry-After"),
        (refused("POST", "/api/auth/login", 429, "overloaded").with("retry-after", "1"), "code \"overloaded\""),
        (refused("POST", "/api/auth/login", 403, "session_ended"), "breaks the spec"),
        (refused("POST", "/api/auth/login", 409, "email_unavailable"), "does not declare 409"),
        (refused("POST", "/api/auth/login", 403, "cross_site_request").and("set-cookie", ACCESS), "not the cookies"),
        (refused("GET", "/api/auth/nowhere", 403, "cross_site_request"), "403 for a safe method"),
        (refused("POST", "/api/auth/nowhere", 404, "not_found").with("content-type", "application/json"), "404"),
        (refused("POST", "/api/auth/nowhere", 404, "not_found").and("set-cookie", ACCESS), "a cookie"),
        (refused("POST", "/api/auth/nowhere", 404, "session_not_found"), "code"),
        (refused("POST", "/api/auth/nowhere", 422, "validation_failed"), "code"),
        (refused("POST", "/api/auth/me", 405, "method_not_allowed"), "Allow"),
        (refused("POST", "/api/auth/me", 405, "method_not_allowed").with("allow", "GET"), "Allow"),
        (refused("GET", "/nowhere", 404, "not_found").problem("title", ""), "title"),
        (refused("GET", "/nowhere", 404, "not_found").problem("detail", ""), "detail"),
        (refused("GET", "/nowhere", 404, "not_found").problem("type", "about:blank"), "type"),
        (refused("GET", "/nowhere", 404, "not_found").problem("status", 400), "status 400"),
        (refused("GET", "/nowhere", 404, "not_found").problem("trace", "src/main.rs"), "unknown members"),
        (refused("GET", "/nowhere", 404, "not_found").problem("errors", json!([{}])), "errors"),
        (exchange("GET", "/nowhere", 200, &json!({})), "code \"\" with 200"),
        (exchange("OPTIONS", "/api/auth/login", 200, &Value::Null).with("allow", "POST, OPTIONS"), "OPTIONS gave 200"),
        (exchange("OPTIONS", "/api/auth/login", 204, &Value::Null).with("allow", "POST"), "Allow"),
        (exchange("GET", "/", 303, &Value::Null).with("location", "//evil.example"), "redirect"),
        (exchange("GET", "/docs", 200, &Value::Null), "content type"),
    ];
    for (exchange, complaint) in doctored {
        let complaints = contract(cookies()).complaints(&exchange);
        assert!(
            complaints.iter().any(|found| found.contains(complaint)),
            "expected {complaint:?} of {exchange:?}; the judge says {complaints:#?}"
        );
    }
}

const ACCESS: &str = "access_token=a; HttpOnly; SameSite=Strict; Path=/; Max-Age=3600";
const REFRESH: &str = "refresh_token=b; HttpOnly; SameSite=Strict; Path=/; Max-Age=604800";
const HINT: &str = "session_hint=1; HttpOnly; SameSite=Lax; Path=/; Max-Age=604800";
const DEVICE: &str = "device=c; HttpOnly; SameSite=Strict; Path=/; Max-Age=34560000";
const RECENT: &str = "recent_proof=d; HttpOnly; SameSite=Strict; Path=/; Max-Age=600";

fn cookies() -> Cookies {
    Cookies { secure: false, host_prefix: false, suffix: None, same_site: SameSite::Strict, domain: None }
}

fn contract(cookies: Cookies) -> Contract {
    let json = |schema: Value| json!({ "application/json": { "schema": schema } });
    let problem = |code: &str| {
        let schema = json!({ "type": "object", "required": ["code"], "properties": {
            "type": { "type": "string" }, "title": { "type": "string" }, "status": { "type": "integer" },
            "detail": { "type": "string" }, "code": { "type": "string", "enum": [code] },
        } });
        json!({ "application/problem+json": { "schema": schema } })
    };
    let required = json!({ "required": true, "schema": { "type": "string" } });
    let message = json!({ "type": "object", "properties": { "message": { "type": "string" } } });
    let user = json!({ "type": "object", "required": ["id", "name"], "properties": {
        "id": { "type": "integer" }, "name": { "type": "string", "nullable": true },
    } });
    let document = json!({ "paths": {
        "/api/auth/me": { "get": { "operationId": "me", "responses": {
            "200": { "headers": { "ETag": required }, "content": json(user) },
            "401": { "headers": { "WWW-Authenticate": required }, "content": problem("not_authenticated") },
        } } },
        "/api/auth/login": { "post": { "operationId": "login", "responses": {
            "200": { "headers": { "Set-Cookie": required }, "content": json(message) },
            "403": { "content": problem("cross_site_request") },
            "429": { "headers": { "Retry-After": required }, "content": problem("too_many_attempts") },
        } } },
        "/api/auth/logout": { "post": { "operationId": "logout", "responses": {
            "200": { "headers": { "Set-Cookie": required } },
        } } },
    } });
    Contract::new(document, cookies)
}

fn me() -> Exchange {
    exchange("GET", "/api/auth/me?x=1", 200, &json!({ "id": 1, "name": null })).with("etag", "x")
}

fn login() -> Exchange {
    exchange("POST", "/api/auth/login", 200, &json!({ "message": "Login successful" }))
        .and("set-cookie", ACCESS)
        .and("set-cookie", REFRESH)
        .and("set-cookie", HINT)
        .and("set-cookie", DEVICE)
        .and("set-cookie", RECENT)
}

fn logout() -> Exchange {
    exchange("POST", "/api/auth/logout", 200, &Value::Null)
        .and("set-cookie", "access_token=; HttpOnly; SameSite=Strict; Path=/; Max-Age=0")
        .and("set-cookie", "refresh_token=; HttpOnly; SameSite=Strict; Path=/; Max-Age=0")
        .and("set-cookie", "session_hint=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0")
        .and("set-cookie", "recent_proof=; HttpOnly; SameSite=Strict; Path=/; Max-Age=0")
}

fn refused(method: &str, path: &str, status: u16, code: &str) -> Exchange {
    let body = json!({ "type": format!("urn:doorward:problem:{code}"), "title": "Refused", "status": status,
        "detail": "A sentence for people.", "code": code });
    exchange(method, path, status, &body).with("content-type", "application/problem+json")
}

/// An answer with all that every answer has; a body of null is none.
fn exchange(method: &str, path: &str, status: u16, body: &Value) -> Exchange {
    let bare = Exchange {
        method: method.parse().unwrap(),
        path: path.to_owned(),
        sent: HeaderMap::new(),
        status: StatusCode::from_u16(status).unwrap(),
        headers: HeaderMap::new(),
        body: Vec::new(),
    };
    let exchange = bare
        .with("x-content-type-options", "nosniff")
        .with("referrer-policy", "no-referrer")
        .with("cross-origin-resource-policy", "same-site")
        .with("content-security-policy", "default-src 'none'; frame-ancestors 'none'; base-uri 'none'")
        .with("x-request-id", "1")
        .with("cache-control", "no-store");
    if body.is_null() { exchange } else { exchange.body(body).with("content-type", "application/json; charset=utf-8") }
}

impl Exchange {
    fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.insert(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
        self
    }

    fn and(mut self, name: &'static str, value: &str) -> Self {
        self.headers.append(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
        self
    }

    fn without(mut self, name: &str) -> Self {
        self.headers.remove(name).expect("a header to remove");
        self
    }

    fn status(mut self, status: u16) -> Self {
        self.status = StatusCode::from_u16(status).unwrap();
        self
    }

    fn body(mut self, body: &Value) -> Self {
        self.body = body.to_string().into_bytes();
        self
    }

    fn problem(self, member: &str, value: impl Into<Value>) -> Self {
        let mut body: Value = serde_json::from_slice(&self.body).unwrap();
        body[member] = value.into();
        self.body(&body)
    }
}
