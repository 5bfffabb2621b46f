//! An answer, and what a story expects of it.

use serde_json::Value;

use super::contract::Exchange;
use super::cookies::SetCookie;

/// An answer that has kept the contract.
#[must_use = "say what the story expects: `ok`, `is` or `refused`"]
pub(crate) struct Answer(pub(crate) Exchange);

impl Answer {
    /// The body as JSON; null without a body.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.0.body).unwrap_or_default()
    }

    /// 200, and the body.
    #[track_caller]
    pub(crate) fn ok(self) -> Value {
        self.is(200)
    }

    /// This status, and the body.
    #[track_caller]
    pub(crate) fn is(self, status: u16) -> Value {
        assert_eq!(self.0.status.as_u16(), status, "{:?}", self.0);
        self.json()
    }

    /// Refused for this reason; the contract has checked that the status fits. Returns the problem.
    #[track_caller]
    pub(crate) fn refused(self, code: &str) -> Value {
        let body = self.json();
        assert_eq!(body["code"], code, "expected {code}: {:?}", self.0);
        body
    }

    /// Refused for exactly these fields and reasons, in this order.
    #[track_caller]
    pub(crate) fn invalid(self, errors: &[(&str, &str)]) {
        let text = format!("{:?}", self.0);
        let body = self.refused("validation_failed");
        let list = body["errors"].as_array().expect("errors");
        let given: Vec<_> = list
            .iter()
            .map(|error| (error["field"].as_str().unwrap_or_default(), error["code"].as_str().unwrap_or_default()))
            .collect();
        assert_eq!(given, errors, "{text}");
    }

    pub(crate) fn status(&self) -> u16 {
        self.0.status.as_u16()
    }

    pub(crate) fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.0.headers.get(name)?.to_str().ok()
    }

    /// `Retry-After`, in seconds.
    #[track_caller]
    pub(crate) fn retry_after(&self) -> u64 {
        self.header("retry-after").and_then(|seconds| seconds.parse().ok()).expect("Retry-After")
    }

    pub(crate) fn cookies(&self) -> Vec<SetCookie> {
        SetCookie::all(&self.0.headers)
    }
}
