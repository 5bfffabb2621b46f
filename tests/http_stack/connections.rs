//! What a client may hold on to, and for how long.

use std::process::Stdio;

use doorward::server::Limits;

use crate::program::Program;
use crate::support::{Connection, SOON, Server, limits, settings};

const HEALTH: &str = "GET /health HTTP/1.1\r\nhost: x\r\n\r\n";
const COUNT: &str = "GET /api/count HTTP/1.1\r\nhost: x\r\n\r\n";

/// Requests whose ends are known in each of the ways that there are.
const WHOLE: [&str; 3] = [
    HEALTH,
    "POST /api/echo HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\nhello",
    "POST /api/echo HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
];

#[tokio::test]
async fn half_a_head_is_closed_in_time_and_others_are_served() {
    let server = Server::with(&settings(), Limits { header_read: SOON, ..limits() });
    let mut slow = server.connect().await;
    slow.send("GET /health HTTP/1.1\r\nhost: ").await;
    assert_eq!(server.ask(HEALTH).await.status, 200);
    assert_eq!(slow.closed().await, "");
}

#[tokio::test]
async fn a_silent_connection_is_closed_in_time() {
    let server = Server::with(&settings(), Limits { header_read: SOON, ..limits() });
    assert_eq!(server.connect().await.closed().await, "");
}

#[tokio::test]
async fn an_idle_connection_is_kept_for_longer_than_a_head_may_take() {
    let server = Server::with(&settings(), Limits { header_read: SOON, ..limits() });
    for request in WHOLE {
        let mut idle = server.connect().await;
        for _ in 0..3 {
            idle.send(request).await;
            assert_eq!(idle.answer().await.unwrap().status, 200);
            // This takes the time of a head.
            server.connect().await.closed().await;
        }
        idle.send("GET /hea").await;
        assert_eq!(idle.closed().await, "", "half of a later head is closed too");
    }
}

#[tokio::test]
async fn half_a_head_behind_a_request_is_closed_in_time() {
    let server = Server::with(&settings(), Limits { header_read: SOON, ..limits() });
    for request in WHOLE {
        let mut connection = server.connect().await;
        connection.send(&format!("{request}GET /hea")).await;
        assert_eq!(connection.answer().await.unwrap().status, 200);
        assert_eq!(connection.closed().await, "", "{request}");
    }
}

/// The rest of a head that came with another request may still take its time.
#[tokio::test]
async fn half_a_head_behind_a_request_may_be_finished() {
    let server = Server::start();
    let mut connection = server.connect().await;
    let (half, rest) = COUNT.split_at(20);
    connection.send(&format!("{COUNT}{half}")).await;
    assert_eq!(connection.answer().await.unwrap().body, "1");
    connection.send(rest).await;
    assert_eq!(connection.answer().await.unwrap().body, "2");
}

#[tokio::test]
async fn an_idle_connection_is_closed_at_last() {
    let server = Server::with(&settings(), Limits { keep_alive: SOON, ..limits() });
    let mut idle = server.connect().await;
    idle.send(HEALTH).await;
    assert_eq!(idle.answer().await.unwrap().status, 200);
    assert_eq!(idle.closed().await, "");
}

/// By default it would be kept for longer than a test may take.
#[tokio::test]
async fn how_long_an_idle_connection_is_kept_is_a_setting() {
    let program = Program::start(Stdio::null(), &[("KEEP_ALIVE_TIMEOUT", "1s")]).await;
    let mut idle = Connection::to(program.address).await;
    idle.send(HEALTH).await;
    assert_eq!(idle.answer().await.unwrap().status, 200);
    assert_eq!(idle.closed().await, "");
}

#[tokio::test]
async fn a_client_that_does_not_read_its_answer_is_closed() {
    let server = Server::with(&settings(), Limits { write: SOON, ..limits() });
    let mut deaf = server.connect().await;
    deaf.send("GET /api/large HTTP/1.1\r\nhost: x\r\n\r\n").await;
    // The server's end is seen without reading: its writes stop, and the count of connections falls to none.
    let mut server = server;
    server.stop();
    server.ended().await;
    drop(deaf);
}

#[tokio::test]
async fn requests_in_one_packet_are_answered_in_order() {
    let server = Server::start();
    let mut connection = server.connect().await;
    connection.send(&COUNT.repeat(3)).await;
    for expected in ["1", "2", "3"] {
        assert_eq!(connection.answer().await.unwrap().body, expected);
    }
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused() {
    let server = Server::start();
    let fits = format!("GET /health HTTP/1.1\r\nhost: x\r\nx: {}\r\n\r\n", "y".repeat(30 * 1024));
    assert_eq!(server.ask(&fits).await.status, 200);
    let mut connection = server.connect().await;
    connection.send(&format!("GET /health HTTP/1.1\r\nhost: x\r\nx: {}\r\n\r\n", "y".repeat(32 * 1024))).await;
    connection.answer().await.unwrap().assert_problem(431, "headers_too_large");
    assert_eq!(connection.closed().await, "");
}

#[tokio::test]
async fn beyond_the_limit_a_connection_waits_while_all_others_work() {
    const WAIT: &str = "GET /api/wait HTTP/1.1\r\nhost: x\r\n\r\n";
    let server = Server::with(&settings(), Limits { connections: 2, ..limits() });
    let mut working = server.connect().await;
    let mut counting = server.connect().await;
    working.send(WAIT).await;
    server.probe.begun().await;
    counting.send(COUNT).await;
    assert_eq!(counting.answer().await.unwrap().body, "1");
    counting.send(WAIT).await;
    server.probe.begun().await;
    let mut waiting = server.connect().await;
    waiting.send(COUNT).await;
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
    assert_eq!(server.probe.count(), 1, "the third was served beside two others");
    server.probe.release();
    assert_eq!(waiting.answer().await.unwrap().body, "2", "whoever is done first makes room");
    server.probe.release();
    for mut connection in [working, counting] {
        assert_eq!(connection.answer().await.unwrap().body, "waited", "who makes room finishes first");
    }
}

#[tokio::test]
async fn beyond_the_limit_whoever_is_idle_for_longest_makes_room() {
    let server = Server::with(&settings(), Limits { connections: 2, ..limits() });
    let mut first = server.connect().await;
    first.send(COUNT).await;
    assert_eq!(first.answer().await.unwrap().body, "1");
    let mut second = server.connect().await;
    second.send(COUNT).await;
    assert_eq!(second.answer().await.unwrap().body, "2");
    // A sign of life: now the second has been idle for longest.
    first.send(COUNT).await;
    assert_eq!(first.answer().await.unwrap().body, "3");
    let mut third = server.connect().await;
    third.send(COUNT).await;
    assert_eq!(third.answer().await.unwrap().body, "4");
    assert_eq!(second.closed().await, "");
    first.send(COUNT).await;
    assert_eq!(first.answer().await.unwrap().body, "5");
}

#[tokio::test]
async fn beyond_the_limit_silent_and_stalled_connections_make_room() {
    let server = Server::with(&settings(), Limits { connections: 1, ..limits() });
    let silent = server.connect().await;
    assert_eq!(server.ask(HEALTH).await.status, 200);
    assert_eq!(silent.closed().await, "");
    let mut stalled = server.connect().await;
    stalled.send("GET /hea").await;
    assert_eq!(server.ask(HEALTH).await.status, 200);
    assert_eq!(stalled.closed().await, "");
}

#[tokio::test]
async fn work_ends_when_its_client_leaves() {
    let server = Server::start();
    let mut connection = server.connect().await;
    connection.send("GET /api/wait HTTP/1.1\r\nhost: x\r\n\r\n").await;
    server.probe.begun().await;
    drop(connection);
    server.probe.dropped().await;
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_given_up() {
    let mut settings = settings();
    settings.limits.request = SOON;
    let server = Server::with(&settings, limits());
    let answer = server.ask("GET /api/wait HTTP/1.1\r\nhost: x\r\n\r\n").await;
    answer.assert_problem(503, "overloaded");
    assert_eq!(answer.header("retry-after"), Some("1"));
    server.probe.dropped().await;
}

#[tokio::test]
async fn many_idle_connections_leave_room_for_others() {
    let server = Server::start();
    let mut idle = Vec::new();
    for _ in 0..300 {
        idle.push(server.connect().await);
    }
    assert_eq!(server.ask(HEALTH).await.status, 200);
}
