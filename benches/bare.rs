//! What this machine can do where nothing but the one thing is done: the limits that `bench/compare` holds Doorward against.
//!
//!     bare serve                       poem alone; prints its port. JWT_SECRET_KEY verifies what `/verified` is sent
//!     bare crate THREADS SECONDS       verifications by the `bcrypt` crate at cost 12
//!     bare sqlite FILE CALLERS SECONDS updates in WAL with `synchronous=FULL`; callers that wait together share a commit
//!     bare postgres URL CALLERS SECONDS  updates, each a commit of its own, each caller on a connection of its own
//!
//! All but the first print how many were done in a second.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement prints, and a panic is the message")]
#![expect(clippy::disallowed_methods, reason = "what is measured is the bare library, beside the service")]

use std::collections::HashSet;
use std::env;
use std::thread;
use std::time::{Duration, Instant};

use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use poem::http::StatusCode;
use poem::http::header::{CONTENT_TYPE, COOKIE, RETRY_AFTER};
use poem::listener::{Acceptor, Listener, TcpListener};
use poem::web::Data;
use poem::{EndpointExt, Request, Response, Route, Server, get, handler, post};
use serde_json::{Value, json};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, Executor, PgConnection, SqliteConnection};
use tokio::sync::{mpsc, oneshot};

// As Doorward has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let arguments: Vec<String> = env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let seconds = |text: &str| Duration::from_secs(text.parse().unwrap());
    let rate = match words[..] {
        ["serve"] => return runtime.block_on(serve()),
        ["crate", threads, time] => by_the_crate(threads.parse().unwrap(), seconds(time)),
        ["sqlite", file, callers, time] => runtime.block_on(sqlite(file, callers.parse().unwrap(), seconds(time))),
        ["postgres", url, callers, time] => runtime.block_on(postgres(url, callers.parse().unwrap(), seconds(time))),
        _ => {
            return println!(
                "bare serve | crate THREADS SECONDS | sqlite FILE CALLERS SECONDS | postgres URL CALLERS SECONDS"
            );
        }
    };
    println!("{rate:.2}");
}

/// What an answer about somebody looks like.
fn person() -> Value {
    json!({"id": 1, "email": "user@example.com", "full_name": "John Doe", "is_active": true, "is_superuser": false,
        "created_at": "2025-12-30T00:00:00Z", "last_login": "2025-12-30T00:00:00Z"})
}

fn answer(status: StatusCode, content: &'static str, body: &Value) -> Response {
    Response::builder().status(status).header(CONTENT_TYPE, content).body(body.to_string())
}

#[handler]
fn plain() -> Response {
    answer(StatusCode::OK, "application/json", &person())
}

#[derive(Clone)]
struct Verifier(DecodingKey, Validation);

/// The cookie's token is verified, once, with a key and rules that were made before.
#[handler]
fn verified(request: &Request, Data(Verifier(key, rules)): Data<&Verifier>) -> Response {
    let cookies = request.headers().get(COOKIE).and_then(|line| line.to_str().ok()).unwrap_or_default();
    let token = cookies.split("; ").find_map(|pair| pair.strip_prefix("access_token=")).unwrap_or_default();
    match decode::<Value>(token, key, rules) {
        Ok(token) if token.claims["sub"].is_string() => answer(StatusCode::OK, "application/json", &person()),
        _ => StatusCode::UNAUTHORIZED.into(),
    }
}

#[handler]
fn limited() -> Response {
    let problem = json!({"type": "urn:doorward:problem:too_many_attempts", "title": "Too many attempts", "status": 429,
        "detail": "Too many attempts. Try again later.", "code": "too_many_attempts"});
    let mut response = answer(StatusCode::TOO_MANY_REQUESTS, "application/problem+json", &problem);
    response.headers_mut().insert(RETRY_AFTER, 60.into());
    response
}

async fn serve() {
    let mut rules = Validation::new(Algorithm::HS256);
    rules.set_audience(&[env::var("JWT_AUDIENCE").unwrap_or_else(|_| "doorward".into())]);
    rules.required_spec_claims = HashSet::from(["exp", "aud", "sub"].map(str::to_owned));
    let key = DecodingKey::from_secret(env::var("JWT_SECRET_KEY").unwrap_or_default().as_bytes());
    let routes = Route::new()
        .at("/plain", get(plain))
        .at("/verified", get(verified))
        .at("/limited", post(limited))
        .data(Verifier(key, rules));
    let acceptor = TcpListener::bind("127.0.0.1:0").into_acceptor().await.unwrap();
    println!("http://{}", acceptor.local_addr()[0].as_socket_addr().unwrap());
    Server::new_with_acceptor(acceptor).run(routes).await.unwrap();
}

fn by_the_crate(threads: usize, time: Duration) -> f64 {
    let hash = bcrypt::hash("SecurePass123", 12).unwrap();
    let until = Instant::now() + time;
    let begin = Instant::now();
    let done: usize = thread::scope(|scope| {
        let thread = || {
            let mut done = 0;
            while Instant::now() < until {
                assert!(bcrypt::verify("SecurePass123", &hash).unwrap());
                done += 1;
            }
            done
        };
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(thread)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    per_second(done, begin)
}

#[expect(clippy::cast_precision_loss, reason = "counts of a few seconds")]
fn per_second(done: usize, begin: Instant) -> f64 {
    done as f64 / begin.elapsed().as_secs_f64()
}

const TABLE: &str = "CREATE TABLE bare (id BIGINT PRIMARY KEY, generation BIGINT NOT NULL)";
const UPDATE: &str = "UPDATE bare SET generation = generation + 1 WHERE id = $1";

/// One writer: whoever waits when it comes by is part of the next commit.
async fn sqlite(file: &str, callers: i64, time: Duration) -> f64 {
    let options = SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full);
    let mut connection = options.connect().await.unwrap();
    fill(&mut connection, callers).await;
    let (sender, mut waiting) = mpsc::channel::<(i64, oneshot::Sender<()>)>(64);
    let writer = tokio::spawn(async move {
        let mut batch = Vec::new();
        while waiting.recv_many(&mut batch, 64).await > 0 {
            let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.unwrap();
            for (id, _) in &batch {
                sqlx::query(UPDATE).bind(id).execute(&mut *transaction).await.unwrap();
            }
            transaction.commit().await.unwrap();
            for (_, done) in batch.drain(..) {
                let _ = done.send(());
            }
        }
    });
    let begin = Instant::now();
    let caller = |id: i64| {
        let sender = sender.clone();
        tokio::spawn(async move {
            let mut done = 0;
            while begin.elapsed() < time {
                let (reply, committed) = oneshot::channel();
                sender.send((id, reply)).await.unwrap();
                committed.await.unwrap();
                done += 1;
            }
            done
        })
    };
    let rate = rate(begin, (0..callers).map(caller).collect()).await;
    drop(sender);
    writer.await.unwrap();
    rate
}

async fn postgres(url: &str, callers: i64, time: Duration) -> f64 {
    let mut connection = PgConnection::connect(url).await.unwrap();
    connection.execute("DROP TABLE IF EXISTS bare").await.unwrap();
    connection.execute(TABLE).await.unwrap();
    let mut connections = Vec::new();
    for id in 0..callers {
        sqlx::query("INSERT INTO bare VALUES ($1, 0)").bind(id).execute(&mut connection).await.unwrap();
        connections.push((id, PgConnection::connect(url).await.unwrap()));
    }
    let begin = Instant::now();
    let caller = |(id, mut connection): (i64, PgConnection)| {
        tokio::spawn(async move {
            let mut done = 0;
            while begin.elapsed() < time {
                sqlx::query(UPDATE).bind(id).execute(&mut connection).await.unwrap();
                done += 1;
            }
            done
        })
    };
    rate(begin, connections.into_iter().map(caller).collect()).await
}

async fn fill(connection: &mut SqliteConnection, callers: i64) {
    connection.execute(TABLE).await.unwrap();
    for id in 0..callers {
        sqlx::query("INSERT INTO bare VALUES ($1, 0)").bind(id).execute(&mut *connection).await.unwrap();
    }
}

async fn rate(begin: Instant, callers: Vec<tokio::task::JoinHandle<usize>>) -> f64 {
    let mut done = 0;
    for caller in callers {
        done += caller.await.unwrap();
    }
    per_second(done, begin)
}
