//! Whatever goes wrong inside, a problem (RFC 9457) goes out.

use std::future::poll_fn;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use futures_util::FutureExt;
use poem::{Error, IntoResponse, Response, Result};

use crate::api::problem::{CONTENT_TYPE_PROBLEM, Code, Problem};

/// Catches panics, ends what takes too long, and rewrites the framework's own error texts, which may repeat what was submitted.
pub(super) async fn answer(limit: Duration, work: impl Future<Output = Result<Response>>) -> Response {
    let mut work = pin!(AssertUnwindSafe(work).catch_unwind());
    // Most are answered at once, and need no timer.
    let done = match poll_fn(|context| Poll::Ready(work.as_mut().poll(context))).await {
        Poll::Ready(done) => Ok(done),
        Poll::Pending => tokio::time::timeout(limit, work).await,
    };
    match done {
        Ok(Ok(result)) => as_problem(result),
        // Logged where it happened, by the panic hook.
        Ok(Err(_panic)) => Problem::of(Code::InternalError).into_response(),
        Err(_elapsed) => {
            tracing::warn!("a request was given up after {limit:?}");
            Problem::of(Code::Overloaded).into_response()
        }
    }
}

/// Leaves answers and problems as they are.
fn as_problem(result: Result<Response>) -> Response {
    let response = match result {
        Ok(response) => response,
        Err(error) if error.is_from_response() => error.into_response(),
        Err(error) => return Problem::from(error).into_response(),
    };
    let is_error = response.status().is_client_error() || response.status().is_server_error();
    if is_error && response.content_type() != Some(CONTENT_TYPE_PROBLEM) {
        return Problem::from(Error::from_status(response.status())).into_response();
    }
    response
}

#[cfg(test)]
mod tests {
    use poem::error::ReadBodyError;
    use poem::http::StatusCode;

    use super::*;

    async fn answer(result: impl Fn() -> Result<Response> + Send + Sync) -> (StatusCode, String) {
        let response = super::answer(Duration::from_secs(30), async { result() }).await;
        (response.status(), response.into_body().into_string().await.unwrap())
    }

    #[tokio::test]
    async fn the_frameworks_texts_are_replaced() {
        let secret = "SecurePass123";
        for (status, code) in [
            (StatusCode::BAD_REQUEST, "malformed_json"),
            (StatusCode::NOT_FOUND, "not_found"),
            (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type"),
            (StatusCode::BAD_GATEWAY, "internal_error"),
        ] {
            let texts: [Box<dyn Fn() -> Result<Response> + Send + Sync>; 3] = [
                Box::new(move || Ok(Response::builder().status(status).body(secret))),
                Box::new(move || Err(Error::from_string(secret, status))),
                Box::new(move || Err(Error::from_response(Response::builder().status(status).body(secret)))),
            ];
            for text in texts {
                let (_, body) = answer(text).await;
                assert!(body.contains(code) && !body.contains(secret), "{body}");
            }
        }
        let (status, body) = answer(|| Err(ReadBodyError::Io(std::io::Error::other(secret)).into())).await;
        assert!(!status.is_success() && !body.contains(secret));
    }

    #[tokio::test]
    async fn answers_and_problems_are_left_alone() {
        assert_eq!(answer(|| Ok("fine".into())).await, (StatusCode::OK, "fine".into()));
        let exact = || Problem::new(Code::SessionNotFound, "No such session.");
        let expected = exact().to_json().to_string();
        assert_eq!(answer(|| Ok(exact().into_response())).await.1, expected);
        assert_eq!(answer(|| Err(exact().into())).await.1, expected);
        assert_eq!(answer(|| Err(Error::from_response(exact().into_response()))).await.1, expected);
    }

    #[tokio::test]
    async fn a_panic_is_a_500() {
        let (status, body) = answer(|| panic!("SecurePass123")).await;
        assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
        assert!(body.contains("internal_error") && !body.contains("SecurePass123"));
    }

    #[tokio::test]
    async fn what_takes_too_long_is_given_up() {
        let response = super::answer(Duration::ZERO, std::future::pending()).await;
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.header("Retry-After"), Some("1"));
    }
}
