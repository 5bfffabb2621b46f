//! From the settings to a server that runs, and to its end.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, spawn_blocking};

use super::assemble::{app_on, hashing};
use super::{collector, listen};
use crate::api;
use crate::config::Config;
use crate::config::database::Location;
use crate::platform::clock::Clock;
use crate::platform::random::Random;
use crate::server;
use crate::service::factor::{self, WhichKey};
use crate::service::metrics::{self, LiveSessions};
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
    // It checks itself meanwhile, on another core.
    let hashing = tokio::task::spawn_blocking({
        let (config, random) = (config.clone(), random.clone());
        move || hashing(&config, &random)
    });
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
    let app = Arc::new(app_on(config, store, hashing.await??, (clock, random))?);
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
