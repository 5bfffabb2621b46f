//! Bodies that are too large, too slow, or broken.

use doorward::server::Limits;
use tokio::io::AsyncWriteExt;

use crate::support::{NEVER, SOON, Server, limits, settings};

#[tokio::test]
async fn a_body_up_to_the_limit_passes() {
    let server = Server::start();
    let body = "x".repeat(16 * 1024);
    let plain = format!("POST /api/echo HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    assert_eq!(server.ask(&plain).await.body, body);
    let chunked =
        "POST /api/echo HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n";
    assert_eq!(server.ask(chunked).await.body, "hello!");
}

#[tokio::test]
async fn one_byte_more_is_too_large_chunked_or_not() {
    let server = Server::start();
    let body = "x".repeat(16 * 1024 + 1);
    let plain = format!("POST /api/echo HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    server.ask(&plain).await.assert_problem(413, "payload_too_large");
    let chunked = format!(
        "POST /api/echo HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n",
        body.len()
    );
    server.ask(&chunked).await.assert_problem(413, "payload_too_large");
}

#[tokio::test]
async fn a_declared_length_is_refused_before_a_byte_is_sent() {
    let server = Server::start();
    let head = "POST /api/echo HTTP/1.1\r\nhost: x\r\ncontent-length: 1073741824\r\nexpect: 100-continue\r\n\r\n";
    // The first thing said would be `100 Continue`.
    server.ask(head).await.assert_problem(413, "payload_too_large");
}

#[tokio::test]
async fn a_gigabyte_in_chunks_is_refused_early_and_the_client_reads_why() {
    const CHUNK: usize = 1024 * 1024;
    let server = Server::start();
    let mut connection = server.connect().await;
    connection.send("POST /api/echo HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n").await;
    let chunk = [format!("{CHUNK:x}\r\n").as_bytes(), &vec![b'x'; CHUNK], b"\r\n"].concat();
    let (mut reader, mut writer) = connection.stream.into_split();
    let sender = tokio::spawn(async move {
        let mut sent = 0;
        while sent < 1024 && writer.write_all(&chunk).await.is_ok() {
            sent += 1;
        }
        sent
    });
    let mut answer = Vec::new();
    let _ = tokio::io::AsyncReadExt::read_to_end(&mut reader, &mut answer).await;
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 413 ") && answer.contains("payload_too_large"), "{answer}");
    sender.abort();
}

#[tokio::test]
async fn a_client_that_sends_all_before_it_reads_gets_the_answer() {
    let server = Server::start();
    let body = "x".repeat(1000 * 1024);
    let request = format!("POST /api/echo HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    server.ask(&request).await.assert_problem(413, "payload_too_large");
}

/// Some megabytes fit into the sockets' buffers.
#[tokio::test]
async fn a_client_that_sends_without_end_is_cut_off() {
    let server = Server::with(&settings(), Limits { linger: NEVER, ..limits() });
    let mut connection = server.connect().await;
    connection.send("POST /api/echo HTTP/1.1\r\nhost: x\r\ncontent-length: 1073741824\r\n\r\n").await;
    let megabyte = vec![b'x'; 1024 * 1024];
    let mut sent = 0;
    while connection.stream.write_all(&megabyte).await.is_ok() {
        sent += 1;
        assert!(sent < 256, "{sent} MiB were taken of a body that is refused");
    }
}

#[tokio::test]
async fn a_slow_body_is_given_up() {
    let mut settings = settings();
    settings.limits.body_read = SOON;
    let server = Server::with(&settings, limits());
    let mut connection = server.connect().await;
    connection.send("POST /api/echo HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nabc").await;
    connection.answer().await.unwrap().assert_problem(400, "malformed_json");
    assert_eq!(connection.closed().await, "");
}

#[tokio::test]
async fn a_body_that_does_not_follow_its_framing_is_refused() {
    let server = Server::start();
    let mut connection = server.connect().await;
    connection
        .send("POST /api/echo HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nnot hexadecimal\r\n")
        .await;
    connection.answer().await.unwrap().assert_problem(400, "malformed_json");
    assert_eq!(connection.closed().await, "");
}

#[tokio::test]
async fn a_body_that_nobody_reads_is_no_reason_to_refuse() {
    let mut settings = settings();
    settings.limits.body_read = NEVER;
    let server = Server::with(&settings, limits());
    let mut connection = server.connect().await;
    connection.send("POST /api/ignore HTTP/1.1\r\nhost: x\r\ncontent-length: 1073741824\r\n\r\nabc").await;
    let answer = connection.answer().await.unwrap();
    assert_eq!((answer.status, answer.header("connection")), (200, Some("close")));
    assert_eq!(connection.closed().await, "", "the rest of the body must not be taken for a request");
}

/// Some proxies promise a body that they never send: what follows is another visitor's request, or is taken for one. Whatever comes
/// after such an answer is neither.
#[tokio::test]
async fn nothing_is_parsed_behind_an_answer_that_did_not_wait_for_the_body() {
    const COUNT: &str = "GET /api/count HTTP/1.1\r\nhost: x\r\n\r\n";
    let server = Server::start();
    let promise = |line: &str, framing: &str| format!("{line} HTTP/1.1\r\nhost: x\r\n{framing}\r\n\r\n");
    let smuggled = format!("content-length: {}", COUNT.len());
    for line in [
        "GET /health",
        "GET /nowhere",
        "PUT /health",
        "OPTIONS /health",
        "HEAD /health",
        "POST /api/ignore",
        "GET /api/count",
    ] {
        for framing in ["content-length: 5", "content-length: 1073741824", "transfer-encoding: chunked", &smuggled] {
            for in_one_packet in [true, false] {
                let before = server.probe.count();
                let mut connection = server.connect().await;
                connection.send(&promise(line, framing)).await;
                if in_one_packet {
                    connection.send(COUNT).await;
                }
                let answer = match line {
                    "HEAD /health" => connection.head_answer().await,
                    _ => connection.answer().await,
                }
                .unwrap();
                assert_eq!(answer.header("connection"), Some("close"), "{line} {framing}: {answer:?}");
                if !in_one_packet {
                    // The other side may be closed by now.
                    let _ = connection.stream.write_all(COUNT.as_bytes()).await;
                }
                assert_eq!(connection.closed().await, "", "{line} {framing}");
                assert_eq!(server.probe.count(), before + usize::from(line == "GET /api/count"), "{line} {framing}");
            }
        }
    }
}

/// What was read to its end ends no connection.
#[tokio::test]
async fn a_connection_goes_on_behind_a_body_that_was_read() {
    let server = Server::start();
    let mut connection = server.connect().await;
    for request in [
        "POST /api/echo HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\nhello",
        "POST /api/echo HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        "POST /api/echo HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n",
        "POST /api/ignore HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n",
        "POST /nowhere HTTP/1.1\r\nhost: x\r\n\r\n",
        "GET /health HTTP/1.1\r\nhost: x\r\n\r\n",
    ] {
        connection.send(request).await;
        assert_eq!(connection.answer().await.unwrap().header("connection"), None, "{request}");
    }
}
