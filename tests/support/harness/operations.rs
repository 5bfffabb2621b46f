//! What an operator does to accounts, as values: stories go through all of it.

use doorward::domain::account::UserId;
use doorward::domain::password::PasswordHash;
use doorward::service::Client;
use doorward::service::operator::{self, Changed};

use super::app::TestApp;

/// A change of an account, as a command of `doorward user` makes it.
#[derive(Clone, Debug)]
pub(crate) enum Operation {
    Enable,
    Disable,
    SetPassword(PasswordHash),
    MakeSuperuser,
    LogOut,
    Unblock,
}

impl TestApp {
    pub(crate) async fn operate(&self, id: UserId, operation: Operation, force: bool) -> Changed {
        let (app, client) = (self.service(), Client::operator());
        let changed = match operation {
            Operation::Enable => operator::enable(&app, id, &client).await,
            Operation::Disable => operator::disable(&app, id, &client, force).await,
            Operation::SetPassword(hash) => operator::set_password(&app, id, hash, &client).await,
            Operation::MakeSuperuser => operator::make_superuser(&app, id, &client).await,
            Operation::LogOut => operator::log_out(&app, id, &client).await,
            Operation::Unblock => operator::unblock(&app, id, &client).await,
        };
        changed.expect("a database that answers")
    }
}
