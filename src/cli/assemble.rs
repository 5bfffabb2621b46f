//! From the settings to the use cases and what they stand on.

use std::sync::{Arc, OnceLock};

use anyhow::Context as _;

use super::development_key;
use crate::cache::access_tokens::VerifiedTokens;
use crate::cache::sessions::SessionCache;
use crate::cache::throttle::{Crowd, Throttles};
use crate::config::Config;
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
use crate::service::account::Exports;
use crate::service::factor::Factors;
use crate::service::mail::Mail;
use crate::service::password::Passwords;
use crate::service::probe::Probes;
use crate::service::session::{DeviceBinding, Sessions};
use crate::service::throttle::{Limits, Pace};
use crate::service::{App, session};
use crate::storage::Store;

/// The threads that hash passwords.
pub(super) fn hashing(config: &Config, random: &Random) -> anyhow::Result<HashPool> {
    HashPool::start_for(config.hashing, config.passwords.cost, random.clone(), config.imported.clone())
        .context("the threads that hash passwords do not start")
}

/// The use cases on what they stand on.
pub(super) fn app(config: &Config, store: Store, clock: Clock, random: Random) -> anyhow::Result<App> {
    let hashing = hashing(config, &random)?;
    app_on(config, store, hashing, (clock, random))
}

/// The same, on a pool that was started before.
pub(super) fn app_on(
    config: &Config,
    store: Store,
    hashing: HashPool,
    (clock, random): (Clock, Random),
) -> anyhow::Result<App> {
    let keys = keys(config, &random)?;
    let probes = Probes::new(&keys.secrets.derive(Purpose::Probes), clock.clone());
    let roots = keys.secrets.clone();
    let form = Form {
        issuer: config.tokens.issuer.clone(),
        audience: config.tokens.audience.clone(),
        token_type: config.tokens.token_type,
    };
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
