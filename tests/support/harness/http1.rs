//! HTTP/1.1 by hand: one connection a request, nothing added and nothing hidden.

use std::net::SocketAddr;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Empty, Full, StreamBody};
use hyper::body::Frame;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::contract::Exchange;

/// A request's body.
pub(crate) type Body = BoxBody<Bytes, std::convert::Infallible>;

pub(crate) fn empty() -> Body {
    Empty::new().boxed()
}

pub(crate) fn whole(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).boxed()
}

/// Sent chunked, without a length.
pub(crate) fn chunks(chunks: impl IntoIterator<Item = Bytes, IntoIter: Send + Sync + 'static>) -> Body {
    let frames = chunks.into_iter().map(|chunk| Ok(Frame::data(chunk)));
    StreamBody::new(futures_util::stream::iter(frames)).boxed()
}

/// Sends a request and reads the whole answer.
///
/// # Panics
/// When the server does not answer.
pub(crate) async fn send(address: SocketAddr, method: Method, path: &str, headers: HeaderMap, body: Body) -> Exchange {
    let stream = TcpStream::connect(address).await.expect("the server takes connections");
    stream.set_nodelay(true).expect("a socket option");
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.expect("a connection");
    let connection = tokio::spawn(connection);
    let mut request = Request::builder().method(&method).uri(path).body(body).expect("a request");
    request.headers_mut().insert("host", host(address));
    request.headers_mut().extend(headers);
    let sent = request.headers().clone();
    let response = sender.send_request(request).await.unwrap_or_else(|error| panic!("{method} {path}: {error}"));
    let (parts, body) = response.into_parts();
    let body = body.collect().await.unwrap_or_else(|error| panic!("{method} {path}: {error}")).to_bytes().to_vec();
    connection.abort();
    Exchange { method, path: path.to_owned(), sent, status: parts.status, headers: parts.headers, body }
}

/// How the tests name the server.
pub(crate) fn host(address: SocketAddr) -> http::HeaderValue {
    format!("localhost:{}", address.port()).parse().expect("a host")
}

/// Sends these bytes, whatever they are, and reads until the server closes the connection. The status is 0 and all else is
/// empty when it closes it without an answer.
pub(crate) async fn send_raw(address: SocketAddr, bytes: &[u8]) -> (u16, HeaderMap, Vec<u8>) {
    let mut stream = TcpStream::connect(address).await.expect("the server takes connections");
    // A server that has answered and closed does not read the rest.
    let _ = stream.write_all(bytes).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    let Some(end) = answer.windows(4).position(|four| four == b"\r\n\r\n") else {
        assert!(answer.is_empty(), "half an answer: {}", String::from_utf8_lossy(&answer));
        return (0, HeaderMap::new(), answer);
    };
    let body = answer.split_off(end + 4);
    let head = String::from_utf8(answer).expect("a head of ASCII");
    let mut lines = head.trim_end().lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok()).expect("a status line");
    let mut headers = HeaderMap::new();
    for line in lines {
        let (name, value) = line.split_once(':').expect("a header");
        let name = http::HeaderName::from_bytes(name.as_bytes()).expect("a header's name");
        headers.append(name, value.trim().parse().expect("a header's value"));
    }
    (StatusCode::from_u16(status).expect("a status").as_u16(), headers, body)
}

/// Sends this head, and then this chunk again and again until the server answers or hangs up; at most a gigabyte. Returns how
/// many bytes the server's side took, and the answer's status.
pub(crate) async fn send_without_end(address: SocketAddr, head: &[u8], chunk: &[u8]) -> (usize, u16) {
    let stream = TcpStream::connect(address).await.expect("the server takes connections");
    let (mut reader, mut writer) = stream.into_split();
    let answer = tokio::spawn(async move {
        let mut answer = [0; 12];
        reader.read_exact(&mut answer).await.map(|_| answer)
    });
    let mut sent = 0;
    let _ = writer.write_all(head).await;
    while sent < 1 << 30 && !answer.is_finished() && writer.write_all(chunk).await.is_ok() {
        sent += chunk.len();
    }
    let answer = answer.await.expect("no panic").expect("an answer before the connection is closed");
    let status = std::str::from_utf8(&answer[9..]).ok().and_then(|status| status.parse().ok());
    (sent, status.expect("a status"))
}
