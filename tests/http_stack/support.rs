//! A server with a small endpoint, and a client that shows every byte.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use doorward::api::middleware::{self, Settings, Visit};
use doorward::api::routes::RouteTable;
use doorward::config::hashing::Hashing;
use doorward::config::server::{AllowedOrigins, Server as ServerSettings};
use doorward::platform::hashing::HashPool;
use doorward::platform::random::Random;
use doorward::server::{self, Limits};
use doorward::service::throttle::Pace;
use poem::endpoint::BoxEndpoint;
use poem::http::Method;
use poem::web::{Data, Path};
use poem::{Body, EndpointExt, Request, Response, Route, handler};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinHandle;

/// Longer than any test: a limit that must not be what ends it.
pub const NEVER: Duration = Duration::from_hours(1);

/// Short, for limits that a test waits for.
pub const SOON: Duration = Duration::from_millis(30);

/// Fails a test that would hang. A guard, not a measure: no good run comes near it.
pub async fn guarded<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_mins(1), work).await.expect("something to happen within a minute")
}

/// What `/api/wait` tells, and waits for.
#[derive(Clone, Default)]
pub struct Probe(Arc<Shared>);

struct Shared {
    begun: Semaphore,
    released: Semaphore,
    dropped: Semaphore,
    served: AtomicUsize,
}

impl Default for Shared {
    fn default() -> Self {
        let none = || Semaphore::new(0);
        Self { begun: none(), released: none(), dropped: none(), served: AtomicUsize::new(0) }
    }
}

impl Probe {
    /// A request has reached `/api/wait`.
    pub async fn begun(&self) {
        guarded(self.0.begun.acquire()).await.unwrap().forget();
    }

    /// Lets one request to `/api/wait` finish.
    pub fn release(&self) {
        self.0.released.add_permits(1);
    }

    /// The future of a request to `/api/wait` is gone, finished or not.
    pub async fn dropped(&self) {
        guarded(self.0.dropped.acquire()).await.unwrap().forget();
    }

    /// How many requests `/api/count` has seen.
    pub fn count(&self) -> usize {
        self.0.served.load(Ordering::SeqCst)
    }
}

struct OnDrop(Probe);

impl Drop for OnDrop {
    fn drop(&mut self) {
        self.0.0.dropped.add_permits(1);
    }
}

#[handler]
async fn wait(probe: Data<&Probe>) -> &'static str {
    let _guard = OnDrop(probe.clone());
    probe.0.0.begun.add_permits(1);
    probe.0.0.released.acquire().await.unwrap().forget();
    "waited"
}

#[handler]
fn count(Data(probe): Data<&Probe>) -> String {
    (probe.0.served.fetch_add(1, Ordering::SeqCst) + 1).to_string()
}

#[handler]
async fn echo(body: Body) -> poem::Result<Vec<u8>> {
    Ok(body.into_vec().await?)
}

#[handler]
fn health() -> &'static str {
    "alive"
}

#[handler]
fn docs() -> Response {
    Response::builder().header("content-security-policy", "default-src 'self'").body("<html>")
}

#[handler]
fn client(Data(visit): Data<&Arc<Visit>>) -> String {
    let client = &visit.client;
    format!("{:?} {:?}", client.ip, client.user_agent)
}

#[handler]
fn item(Path(id): Path<String>) -> String {
    id
}

#[handler]
fn large() -> Vec<u8> {
    vec![b'x'; 8 * 1024 * 1024]
}

#[handler]
fn panics(request: &Request) -> &'static str {
    panic!("of {}", request.method());
}

/// The endpoint, without the stack.
pub fn endpoint(probe: Probe) -> BoxEndpoint<'static> {
    Route::new()
        .at("/health", poem::get(health))
        .at("/docs", poem::get(docs))
        .at("/api/echo", poem::post(echo))
        .at("/api/ignore", poem::post(health))
        .at("/api/wait", poem::get(wait))
        .at("/api/count", poem::get(count))
        .at("/api/client", poem::get(client))
        .at("/api/panic", poem::get(panics))
        .at("/api/large", poem::get(large))
        .at("/api/items/:id", poem::delete(item))
        .data(probe)
        .map_to_response()
        .boxed()
}

/// With nothing to do.
pub fn hashing() -> HashPool {
    let config = Hashing { threads: Some(1), lanes: Some(1), queue: Duration::from_secs(1) };
    HashPool::start(config, 4, Random::system()).unwrap()
}

/// Settings as in production.
pub fn settings() -> Settings {
    Settings {
        server: ServerSettings {
            listen: Vec::new(),
            public_url: Some("https://auth.example.com".into()),
            allowed_origins: AllowedOrigins::Exactly(vec!["https://app.example.com".into()]),
            trusted_proxies: Vec::new(),
            check_tells_email: false,
            api_docs: true,
            hsts: true,
            keep_alive_timeout: NEVER,
            shutdown_delay: Duration::ZERO,
            metrics_addr: None,
            traces: None,
        },
        routes: RouteTable::new([
            ("/health", vec![Method::GET]),
            ("/docs", vec![Method::GET]),
            ("/api/echo", vec![Method::POST]),
            ("/api/ignore", vec![Method::POST]),
            ("/api/wait", vec![Method::GET]),
            ("/api/count", vec![Method::GET]),
            ("/api/client", vec![Method::GET]),
            ("/api/panic", vec![Method::GET]),
            ("/api/large", vec![Method::GET]),
            ("/api/items/{id}", vec![Method::DELETE]),
        ]),
        request_id_seed: [7; 16],
        limits: middleware::Limits { body_read: NEVER, request: NEVER, ..middleware::Limits::default() },
        pace: Arc::new(Pace::new(hashing())),
        probes: doorward::service::probe::Probes::new(&[0; 32], doorward::platform::clock::Clock::system()),
        metrics: std::sync::Arc::default(),
        traces: None,
        stopping: Arc::default(),
    }
}

/// No limit ends a test by itself.
pub fn limits() -> Limits {
    Limits { header_read: NEVER, keep_alive: NEVER, write: NEVER, drain: NEVER, ..Limits::default() }
}

/// A running server.
pub struct Server {
    pub address: SocketAddr,
    pub probe: Probe,
    stop: Option<oneshot::Sender<()>>,
    running: JoinHandle<std::io::Result<()>>,
}

impl Server {
    pub fn start() -> Self {
        Self::with(&settings(), limits())
    }

    pub fn with(settings: &Settings, limits: Limits) -> Self {
        let probe = Probe::default();
        let endpoint = middleware::wrap(endpoint(probe.clone()), settings);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let running = tokio::spawn(server::serve(vec![listener], endpoint, limits, async {
            let _ = stopped.await;
        }));
        Self { address, probe, stop: Some(stop), running }
    }

    pub async fn connect(&self) -> Connection {
        Connection::to(self.address).await
    }

    /// Sends one request and reads the answer to the end of the connection.
    pub async fn ask(&self, request: &str) -> Answer {
        let mut connection = self.connect().await;
        connection.send(&request.replacen("\r\n", "\r\nconnection: close\r\n", 1)).await;
        connection.answer().await.expect("an answer")
    }

    /// Tells the server to stop.
    pub fn stop(&mut self) {
        let _ = self.stop.take().unwrap().send(());
    }

    /// Waits for the server's end.
    pub async fn ended(self) {
        guarded(self.running).await.unwrap().unwrap();
    }
}

/// A connection of a client.
pub struct Connection {
    pub stream: TcpStream,
    buffer: Vec<u8>,
}

/// One answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Connection {
    pub async fn to(address: SocketAddr) -> Self {
        Self { stream: TcpStream::connect(address).await.unwrap(), buffer: Vec::new() }
    }

    pub async fn send(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).await.unwrap();
    }

    /// One answer to anything but HEAD; none when the connection ends before its head is whole.
    pub async fn answer(&mut self) -> Option<Answer> {
        self.read_answer(true).await
    }

    /// One answer to HEAD.
    pub async fn head_answer(&mut self) -> Option<Answer> {
        self.read_answer(false).await
    }

    /// Waits until the server closes; whatever it still said.
    pub async fn closed(mut self) -> String {
        while self.read().await {}
        String::from_utf8_lossy(&self.buffer).into_owned()
    }

    async fn read(&mut self) -> bool {
        let mut part = [0; 4096];
        let length = guarded(self.stream.read(&mut part)).await.unwrap_or(0);
        self.buffer.extend_from_slice(&part[..length]);
        length > 0
    }

    async fn read_answer(&mut self, has_body: bool) -> Option<Answer> {
        let end = loop {
            if let Some(end) = self.buffer.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                break end;
            }
            if !self.read().await {
                return None;
            }
        };
        let head = String::from_utf8(self.buffer.drain(..end + 4).take(end).collect()).unwrap();
        let mut lines = head.split("\r\n");
        let status = lines.next()?.split(' ').nth(1)?.parse().unwrap();
        let headers: Vec<_> = lines
            .map(|line| line.split_once(": ").unwrap())
            .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
            .collect();
        let mut answer = Answer { status, headers, body: String::new() };
        let length = answer.header("content-length").map_or(0, |length| length.parse().unwrap());
        if has_body {
            while self.buffer.len() < length && self.read().await {}
            answer.body = String::from_utf8(self.buffer.drain(..length).collect()).unwrap();
        }
        Some(answer)
    }
}

impl Answer {
    /// The value of a header that occurs at most once.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let value = values.next();
        assert_eq!(values.next(), None, "{name} occurs twice in {self:?}");
        value
    }

    /// Asserts that this is a problem with that code, and that its parts agree.
    #[track_caller]
    pub fn assert_problem(&self, status: u16, code: &str) {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
        let body: serde_json::Value = serde_json::from_str(&self.body).unwrap();
        assert_eq!(body["code"], code);
        assert_eq!(body["status"], status);
        assert_eq!(body["type"], format!("urn:doorward:problem:{code}"));
        assert!(!body["detail"].as_str().unwrap().is_empty());
    }
}
