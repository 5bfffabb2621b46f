//! What is no request gets an answer like all others. Hyper's own would be empty.

use tokio::io::AsyncWriteExt;

use crate::support::{Answer, Server};

const COUNT: &str = "GET /api/count HTTP/1.1\r\nhost: x\r\n\r\n";
const NOTHING: &str = "no request at all\r\n\r\n";

#[track_caller]
fn assert_is_as_all_answers(answer: &Answer) {
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{answer:?}");
    assert_eq!(answer.header("strict-transport-security"), Some("max-age=31536000"), "{answer:?}");
    assert_eq!(answer.header("x-request-id").map(str::len), Some(32), "{answer:?}");
    assert_eq!(answer.header("vary"), Some("Origin"), "{answer:?}");
    assert_eq!(answer.header("connection"), Some("close"), "{answer:?}");
    assert!(answer.header("date").is_some() && answer.header("server").is_none(), "{answer:?}");
    assert_eq!(answer.header("content-length"), Some(answer.body.len().to_string().as_str()));
    assert!(!answer.body.contains("canary"), "{answer:?}");
}

#[tokio::test]
async fn what_cannot_be_parsed_is_a_problem() {
    let server = Server::start();
    for request in [
        &b"canary\r\n\r\n"[..],
        b"\x16\x03\x01\x02\x00\x01\x00\x01",
        b"GET  /canary HTTP/1.1\r\nhost: x\r\n\r\n",
        b"GET /health HTTP/9.9\r\nhost: x\r\n\r\n",
        b"GET /hea\x7flth\x01 HTTP/1.1\r\nhost: x\r\n\r\n",
        b"GET /health HTTP/1.1\r\nhost: x\r\ncanary: a\0b\r\n\r\n",
        b"GET /health HTTP/1.1\r\nhost: x\r\ncanary y: z\r\n\r\n",
        b"GET /health HTTP/1.1\r\nhost: x\r\n canary: folded\r\n\r\n",
        b"GET /health HTTP/1.1\r\nhost : x\r\n\r\n",
        b"POST /api/echo HTTP/1.1\r\nhost: x\r\ncontent-length: canary\r\n\r\n",
        b"POST /api/echo HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
        b"POST /api/echo HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n{}",
        b"POST /api/echo HTTP/1.1\r\nhost: x\r\ntransfer-encoding: gzip\r\n\r\n",
        &[b"GET /health HTTP/1.1\r\nhost: x\r\n".as_slice(), &b"a: b\r\n".repeat(200), b"\r\n"].concat(),
        b"GET /health HTTP/1.1\r\n\r\n",
        b"GET /health HTTP/1.1\r\nhost: x\r\nhost: canary\r\nconnection: close\r\n\r\n",
    ] {
        let mut connection = server.connect().await;
        connection.stream.write_all(request).await.unwrap();
        connection.stream.shutdown().await.unwrap();
        let answer = connection.answer().await.unwrap_or_else(|| panic!("{}", String::from_utf8_lossy(request)));
        if answer.status == 431 {
            // Too many headers are too large, too.
            answer.assert_problem(431, "headers_too_large");
        } else {
            answer.assert_problem(400, "malformed_request");
        }
        if answer.header("connection").is_some() {
            assert_is_as_all_answers(&answer);
        }
    }
    assert_eq!(server.ask(COUNT).await.body, "1");
}

#[tokio::test]
async fn the_connection_ends_with_it_and_what_came_before_is_answered_whole() {
    let server = Server::start();
    let large = "GET /api/large HTTP/1.1\r\nhost: x\r\n\r\n";
    let refused = "POST /nowhere HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n";
    for (before, expected) in [
        (vec![], vec![]),
        (vec![COUNT], vec![200]),
        (vec![COUNT, COUNT, refused], vec![200, 200, 404]),
        (vec![large], vec![200]),
        (vec![refused, large, refused], vec![404, 200, 404]),
    ] {
        for in_one_packet in [true, false] {
            let mut connection = server.connect().await;
            if in_one_packet {
                connection.send(&(before.concat() + NOTHING)).await;
            }
            for (request, status) in before.iter().zip(&expected) {
                if !in_one_packet {
                    connection.send(request).await;
                }
                assert_eq!(connection.answer().await.unwrap().status, *status);
            }
            if !in_one_packet {
                connection.send(NOTHING).await;
            }
            let answer = connection.answer().await.unwrap();
            answer.assert_problem(400, "malformed_request");
            assert_is_as_all_answers(&answer);
            assert_eq!(connection.closed().await, "");
        }
    }
}

/// A client that sends all before it reads would see a reset, not the answer, if the rest were left unread.
#[tokio::test]
async fn a_client_that_goes_on_sending_reads_why() {
    let server = Server::start();
    let mut connection = server.connect().await;
    let head = format!("GET /health HTTP/1.1\r\nhost: x\r\nx: {}", "y".repeat(1000 * 1024));
    connection.send(&head).await;
    connection.answer().await.unwrap().assert_problem(431, "headers_too_large");
}

/// A browser shows a page an answer without CORS headers as a network that is down.
#[tokio::test]
async fn a_page_reads_why_where_its_origin_came_before_the_limit() {
    let server = Server::start();
    let cookie = "y".repeat(100 * 1024);
    for (origin, allowed) in
        [("https://app.example.com", Some("https://app.example.com")), ("https://evil.example", None)]
    {
        for method in ["GET", "POST"] {
            let mut connection = server.connect().await;
            connection
                .send(&format!("{method} /health HTTP/1.1\r\nhost: x\r\norigin: {origin}\r\ncookie: {cookie}"))
                .await;
            let answer = connection.answer().await.unwrap();
            answer.assert_problem(431, "headers_too_large");
            assert_eq!(answer.header("access-control-allow-origin"), allowed);
        }
    }
    let mut connection = server.connect().await;
    connection.send(&format!("GET /health HTTP/1.1\r\nhost: x\r\ncookie: {cookie}")).await;
    let answer = connection.answer().await.unwrap();
    answer.assert_problem(431, "headers_too_large");
    assert_eq!(answer.header("access-control-allow-origin"), None);
}

#[tokio::test]
async fn an_older_client_is_answered_in_its_own_version() {
    let server = Server::start();
    let mut connection = server.connect().await;
    connection.send("GET /health HTTP/1.0\r\nconnection: keep-alive\r\n\r\n").await;
    assert_eq!(connection.answer().await.unwrap().status, 200);
    connection.send("GET /health HTTP/1.0\r\nbad header\r\n\r\n").await;
    connection.answer().await.unwrap().assert_problem(400, "malformed_request");
    assert_eq!(connection.closed().await, "");
}
