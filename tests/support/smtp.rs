//! A mail server in the test's own process, which does to a client what real ones do on bad days.

use std::collections::VecDeque;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// What goes wrong on one connection. `at` is the command that is answered so: `CONNECT`, `EHLO`, `MAIL`, `RCPT`, `DATA`, or `DOT`, the end
/// of a message.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    Nothing,
    /// This answer.
    Says {
        at: &'static str,
        line: &'static str,
    },
    /// The connection is closed instead of an answer.
    HangsUp {
        at: &'static str,
    },
    /// No answer, for ever.
    IsSilent {
        at: &'static str,
    },
    /// Every answer takes so long.
    IsSlow(Duration),
    /// No STARTTLS.
    OffersNoTls,
}

/// A message that the server has got, whether it said so.
#[derive(Clone, Debug)]
pub struct Got {
    pub to: String,
    pub text: String,
    /// Whether the client was told.
    pub confirmed: bool,
    /// Whether it came encrypted.
    pub encrypted: bool,
}

impl Got {
    pub fn message_id(&self) -> &str {
        self.text.lines().find_map(|line| line.strip_prefix("Message-ID: ")).expect("a Message-ID")
    }
}

#[derive(Default)]
struct State {
    script: VecDeque<Fault>,
    got: Vec<Got>,
    connections: usize,
}

/// How connections are encrypted.
#[derive(Clone)]
pub enum Encryption {
    /// They are not.
    None,
    /// When the client asks for it.
    StartTls(Arc<ServerConfig>),
    /// Before anything is said.
    FromTheFirstByte(Arc<ServerConfig>),
}

/// The server. It stops when this is dropped.
pub struct SmtpServer {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    stop: Arc<AtomicBool>,
}

impl SmtpServer {
    /// On a free port. The first connections meet these faults, one each; later ones none.
    pub fn start(script: &[Fault]) -> Self {
        Self::start_on(0, script, Encryption::None)
    }

    /// The same, with a certificate for STARTTLS: certificate and key in PEM.
    pub fn start_with_tls(script: &[Fault], certificate: &[u8], key: &[u8]) -> Self {
        Self::start_on(0, script, Encryption::StartTls(tls(certificate, key)))
    }

    /// The same, encrypted from the first byte (RFC 8314 3.3).
    pub fn start_in_tls(script: &[Fault], certificate: &[u8], key: &[u8]) -> Self {
        Self::start_on(0, script, Encryption::FromTheFirstByte(tls(certificate, key)))
    }

    /// On this port.
    pub fn start_on(port: u16, script: &[Fault], encryption: Encryption) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).expect("a port");
        let address = listener.local_addr().expect("an address");
        let state = Arc::new(Mutex::new(State { script: script.iter().copied().collect(), ..State::default() }));
        let stop = Arc::new(AtomicBool::new(false));
        let (shared, stopped) = (Arc::clone(&state), Arc::clone(&stop));
        thread::spawn(move || {
            for stream in listener.incoming() {
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                let (Ok(stream), shared, encryption, stopped) =
                    (stream, Arc::clone(&shared), encryption.clone(), Arc::clone(&stopped))
                else {
                    continue;
                };
                // What goes wrong on it is the test's, or the client hung up.
                thread::spawn(move || drop(serve(stream, &shared, &encryption, &stopped)));
            }
        });
        Self { address, state, stop }
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// All that it has got, in the order in which it came.
    pub fn got(&self) -> Vec<Got> {
        lock(&self.state).got.clone()
    }

    /// How many connections there were.
    pub fn connections(&self) -> usize {
        lock(&self.state).connections
    }

    /// Forgets what it has got, and meets the next connections with these faults.
    pub fn next(&self, script: &[Fault]) {
        let mut state = lock(&self.state);
        state.script = script.iter().copied().collect();
        state.got.clear();
    }
}

impl Drop for SmtpServer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
    }
}

/// What is encrypted with this certificate and key, in PEM.
fn tls(certificate: &[u8], key: &[u8]) -> Arc<ServerConfig> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let chain = CertificateDer::pem_slice_iter(certificate).collect::<Result<_, _>>().expect("a certificate");
    let key = PrivateKeyDer::from_pem_slice(key).expect("a key");
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("protocol versions")
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .expect("a certificate and its key");
    Arc::new(config)
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

enum Wire {
    Plain(BufReader<TcpStream>),
    Tls(Box<BufReader<StreamOwned<ServerConnection, TcpStream>>>),
}

impl Wire {
    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        let read = match self {
            Self::Plain(stream) => stream.read_line(&mut line)?,
            Self::Tls(stream) => stream.read_line(&mut line)?,
        };
        if read == 0 { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(line) }
    }

    fn say(&mut self, text: &str) -> io::Result<()> {
        let bytes = format!("{text}\r\n");
        match self {
            Self::Plain(stream) => stream.get_mut().write_all(bytes.as_bytes()),
            Self::Tls(stream) => stream.get_mut().write_all(bytes.as_bytes()).and_then(|()| stream.get_mut().flush()),
        }
    }
}

fn serve(stream: TcpStream, state: &Mutex<State>, encryption: &Encryption, stop: &AtomicBool) -> io::Result<()> {
    let fault = {
        let mut state = lock(state);
        state.connections += 1;
        state.script.pop_front().unwrap_or(Fault::Nothing)
    };
    let in_tls = |stream: TcpStream, config: &Arc<ServerConfig>| -> io::Result<Wire> {
        let connection = ServerConnection::new(Arc::clone(config)).map_err(io::Error::other)?;
        Ok(Wire::Tls(Box::new(BufReader::new(StreamOwned::new(connection, stream)))))
    };
    let mut wire = match encryption {
        Encryption::FromTheFirstByte(config) => in_tls(stream, config)?,
        _ => Wire::Plain(BufReader::new(stream)),
    };
    // Whether the usual answer is to follow.
    let meets = |wire: &mut Wire, at: &str| -> io::Result<bool> {
        match fault {
            Fault::Says { at: here, line } if here == at => wire.say(line).map(|()| false),
            Fault::HangsUp { at: here } if here == at => Err(io::ErrorKind::ConnectionAborted.into()),
            Fault::IsSilent { at: here } if here == at => {
                while !stop.load(Ordering::SeqCst) {
                    thread::sleep(Duration::from_millis(10));
                }
                Err(io::ErrorKind::TimedOut.into())
            }
            Fault::IsSlow(pause) => {
                thread::sleep(pause);
                Ok(true)
            }
            _ => Ok(true),
        }
    };
    if meets(&mut wire, "CONNECT")? {
        wire.say("220 mail.test ESMTP")?;
    }
    let mut to = String::new();
    loop {
        let line = wire.line()?;
        let verb = line.split([' ', '\r']).next().unwrap_or_default().to_ascii_uppercase();
        if !meets(&mut wire, &verb)? {
            continue;
        }
        let encrypted = matches!(wire, Wire::Tls(_));
        match verb.as_str() {
            "EHLO" => {
                let knows = matches!(encryption, Encryption::StartTls(_));
                let offers = knows && !encrypted && !matches!(fault, Fault::OffersNoTls);
                wire.say(if offers {
                    "250-mail.test\r\n250-8BITMIME\r\n250 STARTTLS"
                } else {
                    "250-mail.test\r\n250 8BITMIME"
                })?;
            }
            "STARTTLS" => {
                wire.say("220 go ahead")?;
                let (Wire::Plain(plain), Encryption::StartTls(config)) = (wire, encryption) else { return Ok(()) };
                wire = in_tls(plain.into_inner(), config)?;
            }
            "RCPT" => {
                line.split(['<', '>']).nth(1).unwrap_or_default().clone_into(&mut to);
                wire.say("250 ok")?;
            }
            "DATA" => {
                wire.say("354 go ahead")?;
                if let Fault::HangsUp { at: "BODY" } = fault {
                    return Ok(());
                }
                let mut text = String::new();
                loop {
                    let line = wire.line()?;
                    if line == ".\r\n" {
                        break;
                    }
                    text.push_str(line.strip_prefix('.').filter(|_| line.starts_with("..")).unwrap_or(&line));
                }
                lock(state).got.push(Got { to: to.clone(), text, confirmed: false, encrypted });
                if meets(&mut wire, "DOT")? {
                    wire.say("250 taken")?;
                    if let Some(last) = lock(state).got.last_mut() {
                        last.confirmed = true;
                    }
                }
            }
            "QUIT" => return wire.say("221 bye"),
            _ => wire.say("250 ok")?,
        }
    }
}

/// A certificate for 127.0.0.1 that is an authority of nothing but itself, and its key, made by openssl. None: there is no openssl.
pub fn certificate() -> Option<(Vec<u8>, Vec<u8>)> {
    let folder = tempfile::tempdir().expect("a folder");
    let mut openssl = std::process::Command::new("openssl");
    openssl.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]);
    openssl.args(["-subj", "/CN=mail.test", "-addext", "subjectAltName=IP:127.0.0.1"]);
    openssl.args(["-addext", "basicConstraints=critical,CA:FALSE", "-keyout", "key", "-out", "certificate"]);
    let made = openssl.current_dir(folder.path()).output().ok()?;
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let read = |name: &str| std::fs::read(folder.path().join(name)).expect("a file of openssl's");
    Some((read("certificate"), read("key")))
}
