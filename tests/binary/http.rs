//! HTTP as plain as it can be: one request on one connection.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use crate::server::Server;

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn refresh_cookie(&self) -> String {
        self.cookie("refresh_token")
    }

    pub(crate) fn access_cookie(&self) -> String {
        self.cookie("access_token")
    }

    fn cookie(&self, name: &str) -> String {
        let (_, rest) = self.text.split_once(&format!("set-cookie: {name}=")).expect("the cookie");
        rest.split(';').next().unwrap_or_default().to_owned()
    }
}

pub(crate) fn refresh(server: &Server, cookie: &str) -> Answer {
    send(server, "/api/auth/refresh", cookie, "")
}

pub(crate) fn send(server: &Server, path: &str, cookie: &str, body: &str) -> Answer {
    exchange(server, &request(path, cookie, body))
}

/// Asks with an access token; in HTTP/1.0, so that what is streamed comes as it is, and not in chunks.
pub(crate) fn get(server: &Server, path: &str, access: &str) -> Answer {
    let head = format!("GET {path} HTTP/1.0\r\nhost: localhost\r\nconnection: close\r\n");
    exchange(server, &format!("{head}authorization: Bearer {access}\r\n\r\n"))
}

pub(crate) fn exchange(server: &Server, request: &str) -> Answer {
    let mut connection = TcpStream::connect(("127.0.0.1", server.port())).expect("a connection");
    connection.write_all(request.as_bytes()).expect("a request that is sent");
    let mut text = String::new();
    connection.read_to_string(&mut text).expect("an answer");
    let status = text.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default();
    Answer { status, text }
}

pub(crate) fn request(path: &str, cookie: &str, body: &str) -> String {
    let cookie = if cookie.is_empty() { String::new() } else { format!("cookie: refresh_token={cookie}\r\n") };
    let json = if body.is_empty() { "" } else { "content-type: application/json\r\n" };
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{cookie}{json}content-length: {length}\r\n\r\n{body}"
    )
}
