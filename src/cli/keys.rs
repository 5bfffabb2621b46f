//! The keys of access tokens: which there are, and what verifiers without a JWKS need of them.

use std::fmt::Write as _;

use anyhow::{Context as _, ensure};
use clap::Subcommand;

use super::{assemble, print, tell};
use crate::config::Config;
use crate::domain::session::Algorithm;
use crate::platform::clock::Clock;
use crate::platform::keys::{self, SigningKey, Stage};
use crate::platform::random::Random;
use crate::service::factor::{self, SealedBy, WhichKey};
use crate::storage::Store;

#[derive(Clone, Subcommand)]
pub(super) enum Command {
    /// List the keys of access tokens
    ///
    /// Reads the settings as the server does; asks no server and no database.
    Show {
        /// Print the public keys in PEM, the one that signs first: for HAProxy, and libraries that know no JWKS
        #[arg(long, conflicts_with = "secret")]
        pem: bool,
        /// Print what signs: the private key in PEM, or the shared secret
        #[arg(long)]
        secret: bool,
    },
    /// Tell what is sealed by which `SECRET_KEY`, and whether the previous one may go
    ///
    /// The secrets of authenticator apps are sealed by the current key at every start of the server. Refresh tokens, links and codes that
    /// were made under the previous key are refused without it: wait `REFRESH_TOKEN_TTL` after a change, or people log in again.
    Status,
    /// Make a private key, in PEM, for `JWT_PRIVATE_KEY`
    ///
    /// Reads no settings, and keeps nothing.
    Generate {
        /// ES256 or EdDSA
        #[arg(long, default_value = "ES256", value_parser = algorithm)]
        algorithm: Algorithm,
    },
}

fn algorithm(text: &str) -> Result<Algorithm, &'static str> {
    let known = [Algorithm::Es256, Algorithm::EdDsa];
    known.into_iter().find(|algorithm| algorithm.name() == text).ok_or("must be ES256 or EdDSA")
}

/// Prints a new private key.
pub(super) fn generate(algorithm: Algorithm) -> anyhow::Result<()> {
    let key = keys::generate(algorithm, &Random::system())?;
    print(str::from_utf8(key.reveal())?)
}

/// Prints what `doorward keys show` asks for.
pub(super) fn show(config: &Config, pem: bool, secret: bool) -> anyhow::Result<()> {
    let keys = assemble::keys(config, &Random::system())?.signing;
    if secret {
        let revealed = keys.current.reveal();
        let text = str::from_utf8(revealed.reveal()).context("the secret is not text: read it from where it is set")?;
        return print(&format!("{}\n", text.trim_end_matches('\n')));
    }
    let mut text = String::new();
    if pem {
        for key in keys.published() {
            // Readers of PEM skip what stands before a block (RFC 7468, 2).
            let _ = write!(text, "# {}{}", line(key), key.public_pem().unwrap_or_default());
        }
        ensure!(!text.is_empty(), "access tokens are signed with a shared secret: there is no public key");
    } else {
        text.extend(keys.all().map(line));
    }
    print(&text)
}

/// Prints what is sealed by which key.
pub(super) async fn status(config: &Config) -> anyhow::Result<()> {
    let clock = Clock::system();
    let store = Store::open(&config.database, clock.clone()).await?;
    store.migrate().await?;
    let app = assemble::app(config, store, clock, Random::system())?;
    let sealed = factor::sealed_by(&app).await?;
    app.store.close().await;
    let mut text = String::new();
    for SealedBy { key_id, key, secrets } in &sealed {
        let stage = match key {
            WhichKey::Current => "current",
            WhichKey::Previous => "previous",
            WhichKey::Missing => "missing",
        };
        let _ = writeln!(text, "{stage:<8}  {:08x}  {secrets} authenticator apps", u32::from_be_bytes(*key_id));
    }
    print(&text)?;
    tell(verdict(&sealed));
    Ok(())
}

/// What it means for an operator.
fn verdict(sealed: &[SealedBy]) -> &'static str {
    let needs = |which| sealed.iter().any(|sealed| sealed.key == which && sealed.secrets > 0);
    if needs(WhichKey::Missing) {
        "a key is missing, and the server does not start: set SECRET_KEY_PREVIOUS to the SECRET_KEY that was"
    } else if needs(WhichKey::Previous) {
        "SECRET_KEY_PREVIOUS is needed: the next start of the server seals by SECRET_KEY what it seals"
    } else {
        "no authenticator app needs SECRET_KEY_PREVIOUS"
    }
}

fn line(key: &SigningKey) -> String {
    let stage = match key.stage() {
        Stage::Current => "current",
        Stage::Next => "next",
        Stage::Previous => "previous",
    };
    format!("{stage:<8}  {:<5}  {}\n", key.algorithm().name(), key.kid())
}
