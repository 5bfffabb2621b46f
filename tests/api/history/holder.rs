//! Who holds the tokens of a session: a browser in its jar, or an app that gets them in bodies.

use serde_json::{Value, json};

use super::world::EMAIL;
use crate::harness::answer::Answer;
use crate::harness::app::TestApp;
use crate::harness::browser::{Browser, Call};
use crate::harness::trace;

/// The newest tokens, and how they come.
#[derive(Clone)]
pub(super) struct Holder {
    pub(super) in_body: bool,
    pub(super) access: String,
    pub(super) refresh: String,
}

impl Holder {
    pub(super) async fn login(app: &TestApp, password: &str, in_body: bool) -> Result<Self, Box<Answer>> {
        let (client, mut login) = (app.browser(), json!({ "email": EMAIL, "password": password }));
        if in_body {
            login["token_delivery"] = json!("body");
        }
        let answer = client.post("/api/auth/login").json(&login).await;
        Self::got(&client, answer, in_body)
    }

    /// What an answer has brought; the answer, where it is none.
    fn got(client: &Browser, answer: Answer, in_body: bool) -> Result<Self, Box<Answer>> {
        if answer.status() != 200 {
            return Err(Box::new(answer));
        }
        if !in_body {
            let (access, refresh) = (client.access_cookie(), client.refresh_cookie());
            return Ok(Self { in_body, access, refresh });
        }
        assert!(answer.cookies().is_empty(), "tokens come in one way");
        let body = answer.ok();
        let token = |name: &str| {
            let token = body[name].as_str().expect(name).to_owned();
            trace::remember(&token);
            token
        };
        Ok(Self { in_body, access: token("access_token"), refresh: token("refresh_token") })
    }

    /// Somebody presents a refresh token.
    pub(super) async fn present(app: &TestApp, token: &str, in_body: bool) -> Result<Self, Box<Answer>> {
        let client = app.browser();
        if in_body {
            let refresh = json!({ "token_delivery": "body", "refresh_token": token });
            let answer = client.post("/api/auth/refresh").json(&refresh).await;
            return Self::got(&client, answer, in_body);
        }
        client.put_refresh_cookie(token);
        let got = Self::got(&client, client.refresh().await, in_body);
        assert!(got.is_ok() || client.refresh_cookie() == token, "a 401 clears nothing");
        got
    }

    /// A request with the access token alone, and who sends it.
    fn asking(&self, app: &TestApp, path: &str) -> (Browser, Call) {
        let client = app.browser();
        if !self.in_body {
            client.put_access_cookie(&self.access);
        }
        let call = client.post(path);
        (client, if self.in_body { call.bearer(&self.access) } else { call })
    }

    pub(super) async fn me(&self, app: &TestApp) -> u16 {
        let client = app.browser();
        if self.in_body {
            return client.me().bearer(&self.access).await.status();
        }
        client.put_access_cookie(&self.access);
        client.put_refresh_cookie(&self.refresh);
        client.me().await.status()
    }

    /// Whether it has ended the session, if it had not ended: an app, which sends the access token alone, needs a good one.
    pub(super) async fn logout(&self, app: &TestApp) -> bool {
        let is_good = !self.in_body || self.me(app).await == 200;
        let (client, call) = self.asking(app, "/api/auth/logout");
        if !self.in_body {
            client.put_refresh_cookie(&self.refresh);
        }
        call.await.ok();
        is_good
    }

    pub(super) async fn logout_all(&self, app: &TestApp) -> bool {
        self.asking(app, "/api/auth/logout-all").1.await.status() == 200
    }

    /// The tokens of the session that goes on in the same way.
    pub(super) async fn change_password(&self, app: &TestApp, change: &Value) -> Option<Self> {
        let (client, call) = self.asking(app, "/api/auth/password");
        Self::got(&client, call.json(change).await, self.in_body).ok()
    }
}
