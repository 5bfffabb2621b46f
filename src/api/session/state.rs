//! Is anybody logged in.

use std::sync::Arc;

use poem_openapi::payload::Json;
use poem_openapi::types::Example;
use poem_openapi::{ApiResponse, Object, OpenApi};

use super::caller::Tokens;
use crate::api::Tag;
use crate::api::account::User;
use crate::api::data::Data;
use crate::api::middleware::Beside;
use crate::api::problem::{TypedProblem, codes};
use crate::service::session::{self, State};
use crate::service::{App, Client};

/// What a page asks first.
pub struct StateApi;

#[OpenApi(prefix_path = "/api/auth", tag = "Tag::Session")]
impl StateApi {
    /// Is anybody logged in
    ///
    /// For a page that does not know yet whether somebody is logged in. It is no error when nobody is; and it changes nothing: where
    /// `refreshable` is true, call `refresh`.
    #[oai(path = "/state", method = "get", operation_id = "state")]
    async fn state(
        &self,
        Data(app): Data<&Arc<App>>,
        Data(client): Data<&Client>,
        Data(beside): Data<&Beside>,
        tokens: Tokens,
    ) -> Result<Known, TypedProblem<StateCode>> {
        let known = match session::state(app, client, &tokens.access, &tokens.browser).await? {
            State::Authenticated(caller) => {
                beside.session(caller.session_name(app));
                BrowserState { user: Some(caller.user.clone().into()), refreshable: false }
            }
            State::Refreshable => BrowserState { user: None, refreshable: true },
            State::Anonymous => BrowserState { user: None, refreshable: false },
        };
        Ok(Known::Ok(Json(known)))
    }
}

codes! {
    /// Why `state` refuses.
    StateCode: Overloaded DatabaseUnavailable
}

#[derive(ApiResponse)]
enum Known {
    /// What is known.
    #[oai(status = 200)]
    Ok(Json<BrowserState>),
}

/// How the browser stands.
#[derive(Debug, Object)]
#[oai(example)]
struct BrowserState {
    /// The person who is logged in.
    user: Option<User>,
    /// Whether `refresh` would log in somebody: the access token is missing or has expired, and the refresh token is good.
    refreshable: bool,
}

impl Example for BrowserState {
    fn example() -> Self {
        Self { user: Some(User::example()), refreshable: false }
    }
}
