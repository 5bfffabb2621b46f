//! The end: what runs is finished, what stands still is not waited for.

use std::io::ErrorKind;

use doorward::server::Limits;
use tokio::net::TcpStream;

use crate::support::{SOON, Server, limits, settings};

#[tokio::test]
async fn running_requests_are_finished_and_no_connection_is_accepted() {
    let mut server = Server::start();
    let mut connection = server.connect().await;
    connection.send("GET /api/wait HTTP/1.1\r\nhost: x\r\n\r\n").await;
    server.probe.begun().await;
    server.stop();
    loop {
        match TcpStream::connect(server.address).await.map_err(|error| error.kind()) {
            // The listener is not closed yet, or just now.
            Ok(_) | Err(ErrorKind::ConnectionReset) => tokio::task::yield_now().await,
            Err(ErrorKind::ConnectionRefused) => break,
            Err(other) => panic!("{other}"),
        }
    }
    server.probe.release();
    let answer = connection.answer().await.unwrap();
    assert_eq!((answer.status, answer.body.as_str()), (200, "waited"));
    assert_eq!(connection.closed().await, "");
    server.ended().await;
}

#[tokio::test]
async fn connections_that_stand_still_are_not_waited_for() {
    let mut server = Server::start();
    let silent = server.connect().await;
    let mut idle = server.connect().await;
    idle.send("GET /health HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert_eq!(idle.answer().await.unwrap().status, 200);
    let mut stalled = server.connect().await;
    stalled.send("GET /health HTTP/1.1\r\nhost: x\r\n\r\nGET /hea").await;
    assert_eq!(stalled.answer().await.unwrap().status, 200);
    let mut half = server.connect().await;
    half.send("GET /hea").await;
    server.stop();
    for connection in [silent, idle, stalled, half] {
        assert_eq!(connection.closed().await, "");
    }
    server.ended().await;
}

#[tokio::test]
async fn a_request_that_hangs_holds_the_end_no_longer_than_the_limit() {
    let mut server = Server::with(&settings(), Limits { drain: SOON, ..limits() });
    let mut connection = server.connect().await;
    connection.send("GET /api/wait HTTP/1.1\r\nhost: x\r\n\r\n").await;
    server.probe.begun().await;
    server.stop();
    assert_eq!(connection.closed().await, "");
    server.probe.dropped().await;
    server.ended().await;
}
