//! One request on one connection, with TLS where the URL says so. Redirects are not followed, and nothing is kept.

use std::fmt::Write as _;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier as _;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use url::Url;

const PATIENCE: Duration = Duration::from_secs(35);
/// An answer is read no further, in bytes.
const MOST: u64 = 256 * 1024;

/// Calls one origin.
pub(super) struct Caller {
    pub(super) url: Url,
    connect: Option<SocketAddr>,
    tls: Arc<ClientConfig>,
    verifier: Arc<WebPkiServerVerifier>,
}

/// What came back.
pub(super) struct Answer {
    pub(super) status: u16,
    headers: Vec<(String, String)>,
    pub(super) body: String,
    /// From which address it was asked.
    pub(super) from: Option<IpAddr>,
    /// The server's certificate first.
    certificates: Vec<CertificateDer<'static>>,
}

impl Answer {
    pub(super) fn header<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        self.all(name).next()
    }

    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers.iter().filter(move |(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The JSON in the body, in chunks or not.
    pub(super) fn json(&self) -> Option<serde_json::Value> {
        let (from, to) = (self.body.find('{')?, self.body.rfind('}')?);
        serde_json::from_str(self.body.get(from..=to)?).ok()
    }
}

impl Caller {
    pub(super) fn new(url: &Url, connect: Option<SocketAddr>, ca: Option<&Path>) -> anyhow::Result<Self> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if let Some(path) = ca {
            for certificate in
                CertificateDer::pem_file_iter(path).with_context(|| format!("reading {}", path.display()))?
            {
                roots.add(certificate.with_context(|| format!("reading {}", path.display()))?)?;
            }
        }
        let (provider, roots) = (Arc::new(default_provider()), Arc::new(roots));
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::clone(&roots), Arc::clone(&provider)).build();
        let verifier = verifier.context("this system has no certificate authorities: name one with --ca")?;
        let mut tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { url: url.clone(), connect, tls: Arc::new(tls), verifier })
    }

    /// Host and port as the URL has them.
    pub(super) fn authority(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        self.url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }

    /// As pages name it.
    pub(super) fn origin(&self) -> String {
        self.url.origin().ascii_serialization()
    }

    pub(super) fn get(&self, path: &str, headers: &[(&str, &str)]) -> io::Result<Answer> {
        self.call("GET", path, headers)
    }

    pub(super) fn call(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> io::Result<Answer> {
        let port = self.url.port_or_known_default().unwrap_or(443);
        let stream = self.open(port)?;
        let from = stream.local_addr().ok().map(|address| address.ip());
        let request = self.request(method, path, headers);
        if self.url.scheme() == "http" {
            return answer(stream, &request, from).map(|(answer, _)| answer);
        }
        let host = self.url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        let name = ServerName::try_from(host).map_err(io::Error::other)?;
        let connection = ClientConnection::new(Arc::clone(&self.tls), name).map_err(io::Error::other)?;
        let (mut answer, stream) = answer(StreamOwned::new(connection, stream), &request, from)?;
        answer.certificates = stream.conn.peer_certificates().unwrap_or_default().to_vec();
        Ok(answer)
    }

    /// The same host without TLS, on the port of plain HTTP. Only for a URL without a port.
    pub(super) fn get_plainly(&self, path: &str) -> io::Result<Answer> {
        let stream = self.open(80)?;
        answer(stream, &self.request("GET", path, &[]), None).map(|(answer, _)| answer)
    }

    /// Whether the certificate will be valid in that time still.
    pub(super) fn is_valid_in(&self, answer: &Answer, now: Duration, span: Duration) -> bool {
        let host = self.url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        let (Some((first, others)), Ok(name)) = (answer.certificates.split_first(), ServerName::try_from(host)) else {
            return false;
        };
        let then = UnixTime::since_unix_epoch(now + span);
        self.verifier.verify_server_cert(first, others, &name, &[], then).is_ok()
    }

    fn open(&self, port: u16) -> io::Result<TcpStream> {
        let host = self.url.host_str().unwrap_or_default().trim_matches(['[', ']']);
        let addresses: Vec<SocketAddr> = match self.connect {
            Some(address) => vec![address],
            None => (host, port).to_socket_addrs()?.collect(),
        };
        let mut last = io::Error::new(ErrorKind::NotFound, "the name leads to no address");
        for address in addresses {
            match TcpStream::connect_timeout(&address, Duration::from_secs(5)) {
                Ok(stream) => {
                    stream.set_read_timeout(Some(PATIENCE))?;
                    stream.set_write_timeout(Some(PATIENCE))?;
                    return Ok(stream);
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    fn request(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> String {
        let mut request = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n", self.authority());
        request.push_str(concat!("User-Agent: doorward-doctor/", env!("CARGO_PKG_VERSION"), "\r\n"));
        if method == "POST" {
            request.push_str("Content-Length: 0\r\n");
        }
        for (name, value) in headers {
            let _ = write!(request, "{name}: {value}\r\n");
        }
        request + "\r\n"
    }
}

fn answer<S: Read + Write>(mut stream: S, request: &str, from: Option<IpAddr>) -> io::Result<(Answer, S)> {
    stream.write_all(request.as_bytes())?;
    stream.flush()?;
    let mut bytes = Vec::new();
    match (&mut stream).take(MOST).read_to_end(&mut bytes) {
        // Some servers end without the word of TLS for it.
        Err(error) if error.kind() != ErrorKind::UnexpectedEof || bytes.is_empty() => return Err(error),
        _ => {}
    }
    let mut headers = [httparse::EMPTY_HEADER; 100];
    let mut head = httparse::Response::new(&mut headers);
    let unreadable = || io::Error::new(ErrorKind::InvalidData, "this is no HTTP");
    let httparse::Status::Complete(length) = head.parse(&bytes).map_err(|_| unreadable())? else {
        return Err(unreadable());
    };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let answer = Answer {
        status: head.code.unwrap_or_default(),
        headers: head.headers.iter().map(|header| (header.name.to_owned(), text(header.value))).collect(),
        body: text(&bytes[length..]),
        from,
        certificates: Vec::new(),
    };
    Ok((answer, stream))
}
