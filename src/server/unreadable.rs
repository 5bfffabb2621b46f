//! Answers to what is no request.
//!
//! Hyper answers by itself what it can't parse: an empty 400 or 431, and then it closes. Every error of Doorward is a problem
//! (RFC 9457) with the headers that all answers have. So hyper's answer is [recognized](begins_at) among what it writes and held
//! back, and when hyper is done the endpoint [answers](answer) in its place.

use std::net::SocketAddr;

use memchr::memrchr_iter;
use poem::http::HeaderValue;
use poem::http::header::{CONNECTION, CONTENT_LENGTH, DATE, HOST, ORIGIN};
use poem::http::uri::Scheme;
use poem::http::{self, Version};
use poem::web::{LocalAddr, RemoteAddr};
use poem::{Body, Endpoint, Request, Response};
use tokio::io::{self, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::api::middleware::Unreadable;

/// Hyper's own answer is shorter than this.
const MAX_BYTES: usize = 256;

/// Where hyper's own refusal begins, which can only be the end of what it writes. It is known by what it lacks: all answers of the
/// endpoint have more headers than these.
pub(super) fn begins_at(bytes: &[u8]) -> Option<usize> {
    const MARK: &[u8] = b"HTTP/1.";
    let end = bytes.strip_suffix(b"\r\n\r\n")?;
    let from = end.len().saturating_sub(MAX_BYTES);
    let start = from + memrchr_iter(MARK[0], &end[from..]).find(|at| end[from + at..].starts_with(MARK))?;
    let mut lines = str::from_utf8(&end[start..]).ok()?.split("\r\n");
    let is_refusal = lines.next()?.split(' ').nth(1)?.starts_with('4');
    let bare = |line: &str| {
        line.split_once(": ").is_some_and(|(name, value)| match name {
            "content-length" => value == "0",
            name => name == CONNECTION.as_str() || name == DATE.as_str(),
        })
    };
    (is_refusal && lines.all(bare)).then_some(start)
}

/// HTTP/1.1 names its host, once (RFC 9112, 3.2).
pub(super) fn lacks_host<B>(request: &http::Request<B>) -> bool {
    request.version() == Version::HTTP_11 && request.headers().get_all(HOST).iter().count() != 1
}

/// The origin of the page that has sent this head, which hyper has not parsed, so that its scripts can read the refusal. None: it does not stand
/// there whole, or more than once.
pub(super) fn origin(head: &[u8]) -> Option<HeaderValue> {
    let lines = head.split_inclusive(|byte| *byte == b'\n').take_while(|line| !line.trim_ascii().is_empty());
    let mut origins = lines.filter(|line| line.ends_with(b"\n")).filter_map(|line| {
        let (name, value) = line.split_at_checked("origin:".len())?;
        name.eq_ignore_ascii_case(b"origin:").then(|| value.trim_ascii())
    });
    let origin = HeaderValue::from_bytes(origins.next()?).ok()?;
    origins.next().is_none().then_some(origin)
}

/// Lets the endpoint say what hyper's refusal says.
pub(super) async fn answer<E>(
    stream: &mut TcpStream,
    endpoint: &E,
    (refusal, origin): (&[u8], Option<HeaderValue>),
    (local, remote): (SocketAddr, SocketAddr),
) -> io::Result<()>
where
    E: Endpoint<Output = Response>,
{
    let too_large = refusal.get(9..12) == Some(b"431");
    // Neither the method nor the path of the request is known.
    let mut request = http::Request::builder().method("UNREADABLE").uri("*");
    if let Some(origin) = origin {
        request = request.header(ORIGIN, origin);
    }
    let request = request
        .extension(if too_large { Unreadable::HeadTooLarge } else { Unreadable::Malformed })
        .body(())
        .map_err(io::Error::other)?;
    let parts = (request.into_parts().0, LocalAddr(local.into()), RemoteAddr(remote.into()), Scheme::HTTP);
    let mut response = endpoint.get_response(Request::from_parts(parts.into(), Body::empty())).await;
    let body = response.take_body().into_bytes().await.map_err(io::Error::other)?;

    // The status line, the date, and that the connection is closed stay as hyper wrote them.
    let refusal = refusal.strip_suffix(b"\r\n").unwrap_or(refusal);
    let mut text = Vec::with_capacity(1024);
    for line in refusal.split_inclusive(|byte| *byte == b'\n').filter(|line| !line.starts_with(b"content-length")) {
        text.extend_from_slice(line);
    }
    for (name, value) in response.headers() {
        text.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
    }
    text.extend(format!("{CONTENT_LENGTH}: {}\r\n\r\n", body.len()).into_bytes());
    text.extend_from_slice(&body);
    stream.write_all(&text).await
}

#[cfg(test)]
mod tests {
    use super::*;

    const REFUSAL: &[u8] =
        b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\ndate: Sat, 31 Jan 2026 12:00:00 GMT\r\n\r\n";

    #[test]
    fn a_refusal_is_found_alone_and_behind_another_answer() {
        assert_eq!(begins_at(REFUSAL), Some(0));
        let before: &[u8] = b"HTTP/1.1 400 Bad Request\r\nx-request-id: 1\r\ncontent-length: 2\r\n\r\n{}";
        assert_eq!(begins_at(&[before, REFUSAL].concat()), Some(before.len()));
        assert_eq!(begins_at(&[&vec![b'x'; 100_000], REFUSAL].concat()), Some(100_000));
    }

    #[test]
    fn the_origin_is_read_where_it_stands_whole_and_once() {
        let page = HeaderValue::from_static("https://app.example.com");
        for head in [
            &b"GET / HTTP/1.1\r\nhost: x\r\nOrigin: https://app.example.com\r\ncookie: aaa"[..],
            b"GET / HTTP/1.1\norigin:https://app.example.com \ncookie: aaa",
            b"GET / HTTP/1.1\r\norigin: https://app.example.com\r\n\r\norigin: https://evil.example\r\n",
        ] {
            assert_eq!(origin(head), Some(page.clone()), "{}", String::from_utf8_lossy(head));
        }
        for head in [
            &b""[..],
            b"origin",
            b"GET / HTTP/1.1\r\ncookie: aaa",
            b"GET / HTTP/1.1\r\norigin: https://app.example",
            b"GET / HTTP/1.1\r\norigin: a\r\norigin: b\r\n",
            b"GET / HTTP/1.1\r\nx-origin: a\r\n",
            b"GET / HTTP/1.1\r\n\r\norigin: a\r\n",
            b"GET / HTTP/1.1\r\norigin: a\0b\r\n",
        ] {
            assert_eq!(origin(head), None, "{}", String::from_utf8_lossy(head));
        }
    }

    #[test]
    fn answers_of_the_endpoint_are_none() {
        for answer in [
            &b""[..],
            b"\r\n\r\n",
            b"HTTP/1.1 100 Continue\r\n\r\n",
            b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\ndate: x\r\n\r\n",
            b"HTTP/1.1 404 Not Found\r\nx-request-id: 1\r\ncontent-length: 0\r\n\r\n",
            b"HTTP/1.1 400 Bad Request\r\ncontent-length: 10\r\n\r\n",
            b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n",
            &REFUSAL[..REFUSAL.len() - 1],
            &[REFUSAL, b"{}"].concat(),
        ] {
            assert_eq!(begins_at(answer), None, "{}", String::from_utf8_lossy(answer));
        }
    }
}
