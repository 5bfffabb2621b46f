//! The server is killed in the middle of refreshes. Whatever it had done by then, a client that tries again with the cookie it
//! holds is still logged in, and the session never forks.

use std::io::Write as _;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::http::{refresh, request, send};
use crate::server::Server;
use crate::support::postgres;

const ROUNDS: u32 = 50;

/// Hashing is not what is tried here.
const SETTINGS: [(&str, &str); 3] = [("BCRYPT_COST", "4"), ("LOGIN_RATE_LIMIT", "off"), ("REFRESH_RATE_LIMIT", "off")];

#[test]
fn sqlite() {
    kill_fifty_times(&SETTINGS);
}

#[test]
fn postgres() {
    let Some(cluster) = postgres::shared() else { return };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let url = runtime.block_on(cluster.create_database(""));
    let mut settings = vec![("DATABASE_URL", url.as_str())];
    settings.extend(SETTINGS);
    kill_fifty_times(&settings);
}

fn kill_fifty_times(settings: &[(&str, &str)]) {
    let mut server = Server::start(settings);
    let person = r#"{"email":"ann@example.com","password":"SecurePass123"}"#;
    assert_eq!(send(&server, "/api/auth/register", "", person).status, 201);
    for round in 0..ROUNDS {
        let login = send(&server, "/api/auth/login", "", person);
        assert_eq!(login.status, 200, "round {round}");
        let cookie = login.refresh_cookie();

        // A first refresh always rotates. The kill comes sooner or later, from before the request is read to after it is answered.
        let mut connection = TcpStream::connect(("127.0.0.1", server.port())).expect("a connection");
        connection.write_all(request("/api/auth/refresh", &cookie, "").as_bytes()).expect("a request that is sent");
        let (began, pause) = (Instant::now(), Duration::from_micros(u64::from(round) * 150));
        while began.elapsed() < pause {
            std::hint::spin_loop();
        }
        server.kill_and_restart();

        // The reply is lost. The client tries again, twice at once as tabs do.
        let (one, other) = (refresh(&server, &cookie), refresh(&server, &cookie));
        assert_eq!((one.status, other.status), (200, 200), "round {round}: {}{}", one.text, other.text);
        assert_eq!(one.refresh_cookie(), other.refresh_cookie(), "round {round}: the session forked");
        assert_eq!(refresh(&server, &one.refresh_cookie()).status, 200, "round {round}");
    }
}
