//! From the settings to a server that runs, and to its end.

use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::Context as _;
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, spawn_blocking};

use super::{collector, development_key, listen};
use crate::api;
use crate::cache::access_tokens::VerifiedTokens;
use crate::cache::sessions::SessionCache;
use crate::cache::throttle::{Crowd, Throttles};
use crate::config::Config;
use crate::config::database::Location;
use crate::config::sessions::DeviceBound;
use crate::domain::session::Algorithm;
use crate::platform::access_token::{AccessTokens, Form};
use crate::platform::clock::Clock;
use crate::platform::device_cookie::DeviceCookies;
use crate::platform::device_proof::DeviceProofs;
use crate::platform::hashing::HashPool;
use crate::platform::keyed_hash::KeyedHash;
use crate::platform::keys::{Keys, Purpose, Roots};
use crate::platform::proof_cookies::ProofCookies;
use crate::platform::random::Random;
use crate::platform::sealed::Seals;
use crate::platform::webauthn::RelyingParty;
use crate::server;
use crate::service::account::Exports;
use crate::service::factor::{self, Factors, WhichKey};
use crate::service::mail::Mail;
use crate::service::metrics::{self, LiveSessions};
use crate::service::password::Passwords;
use crate::service::probe::Probes;
use crate::service::session::{DeviceBinding, Sessions};
use crate::service::throttle::{Limits, Pace};
use crate::service::{App, mail, maintenance, session};
use crate::storage::{self, ServeLock, Store};

/// Those who ask for metrics at once.
const METRICS_CONNECTIONS: u32 = 32;

/// How long the end waits for the one mail that is being sent.
const MAIL_GRACE: Duration = Duration::from_secs(1);

/// A server that accepts connections.
pub struct Running {
    /// Where; more than one with both loopbacks.
    pub addresses: Vec<SocketAddr>,
    /// Where metrics are told.
    pub metrics: Option<SocketAddr>,
    /// What it stands on.
    pub app: Arc<App>,
    shutdown_delay: Duration,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<std::io::Result<()>>,
    delivering: JoinHandle<()>,
    in_the_background: Vec<JoinHandle<()>>,
    // Held until the end.
    _lock: Option<ServeLock>,
}

/// Opens the database and brings it up to date, starts the hashing pool, and listens. Tests bring a clock and a source of chance of
/// their own.
///
/// # Errors
/// What stands in the way, with the remedy.
pub async fn start(config: &Config, clock: Clock, random: Random) -> anyhow::Result<Running> {
    start_on(None, config, clock, random).await
}

/// As [`start`], on sockets that somebody else has opened; none: on `HOST` and `PORT`.
pub(super) async fn start_on(
    listeners: Option<Vec<TcpListener>>,
    config: &Config,
    clock: Clock,
    random: Random,
) -> anyhow::Result<Running> {
    let lock = match &config.database.location {
        Location::Sqlite(path) => {
            let lock = ServeLock::acquire(path)?;
            storage::examine(path).await?;
            Some(lock)
        }
        Location::Postgres(_) => None,
    };
    let store = Store::open(&config.database, clock.clone()).await?;
    let applied = store.migrate().await?;
    if applied > 0 {
        tracing::info!(applied, "brought the database up to date");
    }
    if let Some(because) = config.binding.off_because.filter(|_| config.cookies.secure) {
        tracing::info!("sessions are not bound to devices: DEVICE_BOUND_SESSIONS {because}");
    }
    if let Some(because) = config.passkeys.off_because {
        tracing::info!("there are no passkeys: PASSKEY_RP_ID {because}");
    }
    wait_for_time(config, &store, &clock).await?;
    let app = Arc::new(app(config, store, clock, random)?);
    if let Some(moment) = config.sessions.not_before {
        mail::void_links_before(&app, moment).await?;
    }
    refuse_unreadable(&app).await?;
    refuse_stranded(config, &app).await?;
    let listeners = listeners.map_or_else(|| listen::listen(&config.server.listen), Ok)?;
    let addresses: Vec<SocketAddr> = listeners.iter().map(TcpListener::local_addr).collect::<Result<_, _>>()?;

    if let Some(origin) = config.server.public_url.clone().or_else(|| config.server.origin(&addresses)) {
        app.mail.serves_at(origin);
    }
    if let Some(collector) = &config.server.traces {
        let traces = collector::start(collector, app.clock.clone(), app.random.bytes()?)?;
        let _ = app.traces.set(Arc::new(traces));
    }
    let endpoint = api::endpoint(Arc::clone(&app), &config.server, &config.cookies, &config.mail, app.random.bytes()?);
    let (stop, stopped) = oneshot::channel();
    let limits = server::Limits { keep_alive: config.server.keep_alive_timeout, ..server::Limits::default() };
    let serving = tokio::spawn(server::serve(listeners, endpoint, limits, async {
        // A sender that is gone means stop, too.
        let _ = stopped.await;
    }));
    let delivering = tokio::spawn(mail::deliver(Arc::clone(&app)));
    let mut in_the_background = vec![
        tokio::spawn(session::follow_revocations(Arc::clone(&app))),
        tokio::spawn(maintenance::run(Arc::clone(&app), config.database.audit_retention)),
        tokio::spawn(reseal(Arc::clone(&app))),
    ];
    let metrics = match config.server.metrics_addr {
        Some(address) => Some(tell_metrics(address, &app, &mut in_the_background)?),
        None => None,
    };
    let shutdown_delay = config.server.shutdown_delay;
    Ok(Running { addresses, metrics, app, shutdown_delay, stop, serving, delivering, in_the_background, _lock: lock })
}

/// Listens there and answers Prometheus, to the end.
fn tell_metrics(address: SocketAddr, app: &Arc<App>, tasks: &mut Vec<JoinHandle<()>>) -> anyhow::Result<SocketAddr> {
    let listeners = listen::listen(&[address]).context("METRICS_ADDR")?;
    let address = listeners.first().map_or(Ok(address), TcpListener::local_addr)?;
    let live = Arc::new(LiveSessions::default());
    let endpoint = api::metrics::endpoint(Arc::clone(app), Arc::clone(&live));
    let limits = server::Limits { connections: METRICS_CONNECTIONS, ..server::Limits::default() };
    tasks.push(tokio::spawn(metrics::count_sessions(Arc::clone(app), live)));
    tasks.push(tokio::spawn(async move {
        if let Err(error) = server::serve(listeners, endpoint, limits, std::future::pending()).await {
            tracing::error!(%error, "metrics are not told");
        }
    }));
    tracing::info!(%address, "metrics are told to Prometheus");
    Ok(address)
}

/// Better no start than one after which some people can't log in, and think that their codes are wrong.
async fn refuse_unreadable(app: &App) -> anyhow::Result<()> {
    let sealed = factor::sealed_by(app).await?;
    let secrets: u64 =
        sealed.iter().filter(|sealed| sealed.key == WhichKey::Missing).map(|sealed| sealed.secrets).sum();
    anyhow::ensure!(
        secrets == 0,
        "{secrets} authenticator apps were set up under a key that the service does not have: set SECRET_KEY_PREVIOUS to the SECRET_KEY \
         that was (or, where there was none, to the JWT_SECRET_KEY). If that is lost: `doorward user reset-factors --unreadable`"
    );
    Ok(())
}

/// A passkey is good for the domain that it was made for alone: whoever changes that without meaning to takes all of them from their owners.
async fn refuse_stranded(config: &Config, app: &App) -> anyhow::Result<()> {
    let stranded = factor::stranded(app).await?.filter(|_| !config.passkeys.may_strand);
    let Some((rp_id, count)) = stranded else { return Ok(()) };
    anyhow::bail!(
        "{count} passkeys were made for {rp_id}, and nobody could use them: set PASSKEY_RP_ID={rp_id}. If they are to be given up, set \
         PASSKEY_RP_ID_CHANGED=on: their owners need another factor then, a recovery code, or `doorward user reset-factors`"
    )
}

/// Seals by the current key what the previous one has sealed.
async fn reseal(app: Arc<App>) {
    match factor::reseal(&app).await {
        Ok(0) => {}
        Ok(secrets) => tracing::info!(secrets, "the secrets of authenticator apps are sealed by the current key now"),
        Err(error) => {
            tracing::warn!(%error, "the secrets of authenticator apps stay sealed by the previous key until the next start");
        }
    }
}

/// How often the clock is looked at that is not right yet.
const CLOCK_PAUSE: Duration = Duration::from_millis(200);

/// Takes the database's time, and waits until it is past `SESSIONS_NOT_BEFORE`: a machine without a clock of its own begins with a
/// time long gone, and has the right one a moment later.
async fn wait_for_time(config: &Config, store: &Store, clock: &Clock) -> anyhow::Result<()> {
    let begun = clock.monotonic();
    loop {
        let now = store.read().await?.now().await?;
        clock.follow(now);
        let Some(moment) = config.sessions.not_before.filter(|moment| *moment > now) else { return Ok(()) };
        if clock.monotonic().saturating_sub(begun) >= config.database.start_timeout {
            anyhow::bail!(
                "SESSIONS_NOT_BEFORE ({moment}) lies in the future: it is {now} by the clock of the database. Until then every \
                 session would be refused. Is the clock right, and the setting?"
            );
        }
        tokio::time::sleep(CLOCK_PAUSE).await;
    }
}

/// The use cases on what they stand on.
pub(super) fn app(config: &Config, store: Store, clock: Clock, random: Random) -> anyhow::Result<App> {
    let keys = keys(config, &random)?;
    let probes = Probes::new(&keys.secrets.derive(Purpose::Probes), clock.clone());
    let roots = keys.secrets.clone();
    let form = Form {
        issuer: config.tokens.issuer.clone(),
        audience: config.tokens.audience.clone(),
        token_type: config.tokens.token_type,
    };
    let hashing = HashPool::start_for(config.hashing, config.passwords.cost, random.clone(), config.imported.clone())
        .context("the threads that hash passwords do not start")?;
    Ok(App {
        limits: Limits {
            counters: Throttles::new(&config.throttle),
            names: KeyedHash::new(&keys.secrets.derive(Purpose::ThrottleNames)),
            crowd: Crowd::new(!config.server.trusted_proxies.is_empty()),
            pace: Arc::new(Pace::new(hashing.clone())),
        },
        session: Sessions {
            policy: config.sessions.clone(),
            cache: SessionCache::default(),
            rotations: session::rotations(),
            access_tokens: VerifiedTokens::new(AccessTokens::new(keys.signing.clone(), form, random.clone())),
            names: KeyedHash::new(&keys.secrets.derive(Purpose::SessionNames)),
            device: DeviceBinding {
                proofs: DeviceProofs::new(keys.secrets.clone()),
                offered: config.binding.mode != DeviceBound::Off,
            },
            devices: DeviceCookies::new(keys.secrets.clone(), random.clone()),
            keys,
        },
        password: Passwords { hashing, policy: config.passwords.clone() },
        factor: Factors {
            seals: Seals::new(roots.clone(), random.clone()),
            cookies: ProofCookies::new(roots.clone(), random.clone()),
            passkeys: config
                .passkeys
                .rp_id
                .clone()
                .map(|id| Arc::new(RelyingParty { id, origins: config.passkeys.origins.clone() })),
            tells_unknown: config.passkeys.tells_unknown,
            issuer: config.mail.app_name.clone(),
        },
        registration: config.registration,
        mail: Mail::new(config.mail.clone(), &roots, random.clone())
            .context("mail can't be sent as the settings say")?,
        exports: Exports::default(),
        probes,
        metrics: Arc::default(),
        traces: OnceLock::new(),
        stopping: Arc::default(),
        store,
        clock,
        random,
    })
}

/// The keys of the settings. Where there is none of those that are needed, which is in development alone, keys are made once and
/// kept. Where there is one to sign with, several servers may share it, and a root that each made for itself would part them.
pub(super) fn keys(config: &Config, random: &Random) -> anyhow::Result<Keys> {
    let tokens = config.tokens.clone();
    let made = |setting| development_key::load_or_make(&config.database.location, setting, random).map(Some);
    let secret = match (tokens.secret_key, &tokens.key) {
        (None, None) => made("SECRET_KEY")?,
        (given, _) => given,
    };
    let signing = match tokens.key {
        None if config.tokens.knows(Algorithm::Hs256) => made("JWT_SECRET_KEY")?,
        given => given,
    };
    Ok(Keys::new(Roots {
        algorithm: tokens.algorithm,
        previous_algorithm: tokens.previous_algorithm,
        signing,
        previous_signing: tokens.previous_key,
        private: tokens.private,
        secret,
        previous_secret: tokens.previous_secret_key,
    })?)
}

impl Running {
    /// Ends: the readiness check fails at once, so that load balancers look elsewhere; after `SHUTDOWN_DELAY` nothing new is
    /// accepted, and what has begun is finished.
    ///
    /// # Errors
    /// When the server could not serve at all.
    pub async fn shutdown(self) -> anyhow::Result<()> {
        self.app.stopping.begin();
        tracing::info!(after = ?self.shutdown_delay, "stopping; a second signal stops at once");
        tokio::time::sleep(self.shutdown_delay).await;
        // Fails when the server has ended already.
        let _ = self.stop.send(());
        let served = self.serving.await;
        // What is on its way is told by a lease: broken off, it would be sent again when that ends, by whoever is there.
        self.app.mail.stop();
        let mut delivering = self.delivering;
        if tokio::time::timeout(MAIL_GRACE, &mut delivering).await.is_err() {
            delivering.abort();
        }
        for task in self.in_the_background {
            task.abort();
        }
        let app = Arc::clone(&self.app);
        spawn_blocking(move || app.password.hashing.close()).await?;
        self.app.store.close().await;
        if let Some(traces) = self.app.traces.get().cloned() {
            spawn_blocking(move || traces.flush()).await?;
        }
        Ok(served??)
    }
}
