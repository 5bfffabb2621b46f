//! What operations find with a request. Two pieces, since each is an allocation and a place in the request's table: what the service is
//! made of, and what is known of the request.

use std::sync::Arc;

use poem::error::GetDataError;
use poem::{FromRequest, Request, RequestBody, Result};

use super::middleware::{Beside, Visit};
use super::session::{Initiators, TellsEmail};
use crate::config::cookies::Cookies;
use crate::service::{App, Client};

/// What the service is made of, as far as operations ask.
pub(super) struct Site {
    pub(super) app: Arc<App>,
    pub(super) cookies: Cookies,
    pub(super) initiators: Initiators,
    pub(super) tells_email: TellsEmail,
}

/// A piece of data of a request, as poem's own of that name.
pub(super) struct Data<T>(pub(super) T);

/// What can be asked for.
pub(super) trait Part: Sync + 'static {
    fn of(request: &Request) -> Option<&Self>;
}

impl<'a, T: Part> FromRequest<'a> for Data<&'a T> {
    async fn from_request(request: &'a Request, _: &mut RequestBody) -> Result<Self> {
        T::of(request).map(Data).ok_or_else(|| GetDataError(std::any::type_name::<T>()).into())
    }
}

fn site(request: &Request) -> Option<&Site> {
    request.data::<Arc<Site>>().map(|site| &**site)
}

fn visit(request: &Request) -> Option<&Visit> {
    request.data::<Arc<Visit>>().map(|visit| &**visit)
}

impl Part for Arc<App> {
    fn of(request: &Request) -> Option<&Self> {
        site(request).map(|site| &site.app)
    }
}

impl Part for Cookies {
    fn of(request: &Request) -> Option<&Self> {
        site(request).map(|site| &site.cookies)
    }
}

impl Part for Initiators {
    fn of(request: &Request) -> Option<&Self> {
        site(request).map(|site| &site.initiators)
    }
}

impl Part for TellsEmail {
    fn of(request: &Request) -> Option<&Self> {
        site(request).map(|site| &site.tells_email)
    }
}

impl Part for Client {
    fn of(request: &Request) -> Option<&Self> {
        visit(request).map(|visit| &visit.client)
    }
}

impl Part for Beside {
    fn of(request: &Request) -> Option<&Self> {
        visit(request).map(|visit| &visit.beside)
    }
}
