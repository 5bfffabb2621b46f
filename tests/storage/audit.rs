//! The audit.

use doorward::domain::audit::{Actor, Event, Record};
use doorward::domain::session::SessionId;
use doorward::storage::audit;

use crate::common::{START, both};
use crate::users::register;

both! {
    async fn a_record_outlives_its_user(test) {
        let user = register(&test, "ada@example.com").await.unwrap();
        let full = Record {
            event: Event::RefreshReused,
            actor: Actor::Service,
            user_id: Some(user.id),
            session_id: Some(SessionId([7; 16])),
            ip: Some("2001:db8::1".parse().unwrap()),
            user_agent: Some("curl/8".to_owned()),
            detail: Some("generation 3".to_owned()),
        };
        let append = test.store.write((), move |tx, ()| {
            let full = full.clone();
            Box::pin(async move {
                audit::append(tx, &full, START).await?;
                audit::append(tx, &Record::of(Event::LoginFailed), START).await
            })
        });
        append.await.unwrap();
        test.execute("DELETE FROM users").await;

        let at = START.micros();
        let expected = [
            format!("1 {at} refresh_reused service {} 16 2001:db8::1 curl/8 generation 3", user.id),
            format!("2 {at} login_failed person - - - - -"),
        ];
        let text = "SELECT id || ' ' || at || ' ' || event || ' ' || actor || ' ' || coalesce(user_id || '', '-') || ' ' \
                    || coalesce(length(session_id) || '', '-') || ' ' || coalesce(ip, '-') || ' ' \
                    || coalesce(user_agent, '-') || ' ' || coalesce(detail, '-') FROM audit ORDER BY id";
        assert_eq!(test.texts(text).await, expected);
    }
}
