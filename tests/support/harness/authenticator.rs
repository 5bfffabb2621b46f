//! An authenticator app: it knows what the symbol says, and the time. By the standard's own words, not by the service's code.

use std::time::Duration;

use aws_lc_rs::hmac;
use doorward::platform::clock::Clock;
use http::Method;
use serde_json::{Value, json};

use super::app::TestApp;
use super::browser::{Browser, Call, PASSWORD};

/// An app that was set up with a secret.
#[derive(Clone)]
pub(crate) struct Authenticator {
    key: Vec<u8>,
    clock: Clock,
}

impl Authenticator {
    /// As somebody types the secret in.
    pub(crate) fn of(secret: &str, clock: &Clock) -> Self {
        super::trace::remember(secret);
        let (mut key, mut word, mut bits) = (Vec::new(), 0_u32, 0);
        for letter in secret.bytes() {
            let value = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".iter().position(|known| *known == letter).expect("Base32");
            word = word << 5 | u32::try_from(value).expect("five bits");
            bits += 5;
            if bits >= 8 {
                bits -= 8;
                key.push(u8::try_from(word >> bits & 0xff).expect("a byte"));
            }
        }
        assert_eq!(key.len(), 20, "160 bits");
        Self { key, clock: clock.clone() }
    }

    /// What it shares with the service.
    pub(crate) fn key(&self) -> &[u8] {
        &self.key
    }

    /// What it shows, so many periods from now.
    pub(crate) fn code_in(&self, periods: i64) -> String {
        let step = self.clock.now().seconds() / 30 + periods;
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &self.key);
        let mac = hmac::sign(&key, &step.to_be_bytes());
        let mac = mac.as_ref();
        let at = usize::from(mac[19] % 16);
        let number = u32::from_be_bytes(mac[at..at + 4].try_into().expect("four bytes")) % (1 << 31);
        format!("{:06}", number % 1_000_000)
    }

    /// What it shows next. The clock goes on by a period: a code is good once.
    pub(crate) fn next(&self) -> String {
        self.clock.advance(Duration::from_secs(30));
        self.code_in(0)
    }

    /// A code that it shows neither now nor around now.
    pub(crate) fn wrong(&self) -> String {
        let shown: Vec<_> = (-2..=2).map(|period| self.code_in(period)).collect();
        (0..100).map(|number| format!("{number:06}")).find(|code| !shown.contains(code)).expect("one of a hundred")
    }
}

impl Browser {
    pub(crate) fn enrol(&self) -> Call {
        self.post("/api/auth/me/totp")
    }

    pub(crate) fn confirm(&self, code: &str) -> Call {
        self.post("/api/auth/me/totp/confirm").json(&json!({ "code": code }))
    }

    pub(crate) fn remove_app(&self) -> Call {
        self.call(Method::DELETE, "/api/auth/me/totp")
    }

    pub(crate) fn new_recovery_codes(&self) -> Call {
        self.post("/api/auth/me/recovery-codes")
    }

    pub(crate) fn factors(&self) -> Call {
        self.get("/api/auth/me/factors")
    }

    /// The second step of a login.
    pub(crate) fn second_factor(&self, code: &str) -> Call {
        self.post("/api/auth/login/second-factor").json(&json!({ "code": code }))
    }

    pub(crate) fn recover(&self, code: &str) -> Call {
        self.post("/api/auth/login/second-factor").json(&json!({ "recovery_code": code }))
    }

    pub(crate) fn reauthenticate(&self, body: &Value) -> Call {
        self.post("/api/auth/reauthenticate").json(body)
    }

    pub(crate) fn cookie(&self, name: &str) -> Option<String> {
        self.jar().get(name).map(str::to_owned)
    }

    /// The first step of a login to an account with a factor.
    pub(crate) async fn half_login(&self, email: &str) {
        self.login(email).await.refused("second_factor_required");
        super::trace::remember(&self.cookie("login_ticket").expect("a ticket"));
    }

    /// Both steps.
    pub(crate) async fn full_login(&self, email: &str, code: &str) {
        self.half_login(email).await;
        self.second_factor(code).await.ok();
    }

    /// Sets an app up, in a session that has just begun. Returns it, and the recovery codes.
    pub(crate) async fn set_up_app(&self, app: &TestApp) -> (Authenticator, Vec<String>) {
        let shown = self.enrol().await.ok();
        let authenticator = Authenticator::of(shown["secret"].as_str().expect("a secret"), &app.clock);
        let confirmed = self.confirm(&authenticator.code_in(0)).await.ok();
        let codes = confirmed["recovery_codes"].as_array().into_iter().flatten();
        let codes: Vec<_> = codes.map(|code| code.as_str().expect("a code").to_owned()).collect();
        for code in &codes {
            super::trace::remember(code);
        }
        (authenticator, codes)
    }

    /// Proves once more, by both, who it is.
    pub(crate) async fn prove_again(&self, authenticator: &Authenticator) {
        self.reauthenticate(&json!({ "password": PASSWORD, "code": authenticator.next() })).await.ok();
    }
}

impl TestApp {
    /// Somebody who is logged in and has set an app up.
    pub(crate) async fn with_app(&self, email: &str) -> (Browser, Authenticator, Vec<String>) {
        let browser = self.register_and_login(email).await;
        let (authenticator, codes) = browser.set_up_app(self).await;
        (browser, authenticator, codes)
    }
}
