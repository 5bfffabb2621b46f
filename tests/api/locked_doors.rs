//! Every locked door is tried: each operation that the spec calls secured, with everything that is no valid key.

use crate::harness::app::{KEY, TestApp};
use crate::harness::both;
use crate::harness::browser::Call;
use crate::harness::spec::{self, Operation};
use crate::harness::time::{days, hours};
use crate::harness::tokens;

/// Who is let in without a key. An operation that is to be public is added here on purpose, or not at all.
/// `refreshDevice` takes a signature instead, the steps of a login after the password a ticket, and `correctEmail` the password.
const PUBLIC: [&str; 24] = [
    "register",
    "login",
    "loginSecondFactor",
    "loginEnrolTotp",
    "loginConfirmTotp",
    "loginPasskeyCreationOptions",
    "loginAddPasskey",
    "loginPasskeyOptions",
    "loginPasskey",
    "secondFactorPasskeyOptions",
    "askFactorRecovery",
    "followFactorRecovery",
    "logout",
    "state",
    "refreshDevice",
    "resetPassword",
    "forgotPassword",
    "reportNotMe",
    "verifyEmail",
    "correctEmail",
    "restoreEmail",
    "health",
    "alive",
    "jwks",
];

#[test]
fn an_operation_is_secured_or_known_to_be_public() {
    let operations = spec::operations();
    for public in PUBLIC {
        assert!(operations.iter().any(|operation| operation.id == public), "the spec has no {public}");
    }
    for Operation { id, security, .. } in operations {
        assert_eq!(security.is_empty(), PUBLIC.contains(&id.as_str()), "{id} asks for {security:?}");
        let kinds =
            security.iter().filter(|name| !matches!(name.as_str(), "accessCookie" | "bearer" | "refreshCookie"));
        assert_eq!(kinds.count(), 0, "{id}: a scheme that this walk does not know: {security:?}");
    }
}

both! {
    nobody_comes_in_without_a_key,
    nobody_comes_in_with_a_bent_key,
    nobody_comes_in_with_a_key_of_the_other_kind,
    nobody_comes_in_with_an_expired_key,
    nobody_comes_in_with_the_key_of_an_ended_session,
}

async fn nobody_comes_in_without_a_key(app: TestApp) {
    for door in doors() {
        door.call(&app.browser()).await.refused("not_authenticated");
    }
}

async fn nobody_comes_in_with_a_bent_key(app: TestApp) {
    let laptop = app.register_and_login("ann@example.com").await;
    let before = app.dump().await;
    for door in doors() {
        for (way, bent) in tokens::bent_access_tokens(&laptop.access_cookie(), KEY.as_bytes()) {
            for call in with_access(&app, &door, &bent) {
                let answer = call.await;
                assert_eq!(answer.code(), "not_authenticated", "{} with {way}: {:?}", door.id, answer.0);
            }
        }
        for (way, bent) in tokens::bent_refresh_tokens(&laptop.refresh_cookie()) {
            let answer = with_refresh(&app, &door, &bent).await;
            assert_eq!(answer.code(), "not_authenticated", "{} with {way}: {:?}", door.id, answer.0);
        }
    }
    assert_eq!(app.dump().await, before);
}

async fn nobody_comes_in_with_a_key_of_the_other_kind(app: TestApp) {
    let laptop = app.register_and_login("ann@example.com").await;
    let (access, refresh) = (laptop.access_cookie(), laptop.refresh_cookie());
    for door in doors() {
        if door.security.iter().any(|name| name == "refreshCookie") {
            for call in with_access(&app, &door, &access) {
                call.await.refused("not_authenticated");
            }
            with_refresh(&app, &door, &access).await.refused("not_authenticated");
        } else {
            for call in with_access(&app, &door, &refresh) {
                call.await.refused("not_authenticated");
            }
            with_refresh(&app, &door, &refresh).await.refused("not_authenticated");
        }
    }
    laptop.me().await.ok();
}

async fn nobody_comes_in_with_an_expired_key(app: TestApp) {
    let laptop = app.register_and_login("ann@example.com").await;
    app.clock.advance(hours(2));
    for door in doors() {
        if opens_by_access(&door) {
            for call in with_access(&app, &door, &laptop.access_cookie()) {
                call.await.refused("token_expired");
            }
        }
    }
    app.clock.advance(days(8));
    for door in doors() {
        if opens_by_access(&door) {
            for call in with_access(&app, &door, &laptop.access_cookie()) {
                call.await.refused("session_expired");
            }
        } else {
            with_refresh(&app, &door, &laptop.refresh_cookie()).await.refused("session_expired");
        }
    }
}

async fn nobody_comes_in_with_the_key_of_an_ended_session(app: TestApp) {
    let laptop = app.register_and_login("ann@example.com").await;
    let (access, refresh) = (laptop.access_cookie(), laptop.refresh_cookie());
    laptop.logout().await.ok();
    for door in doors() {
        if opens_by_access(&door) {
            for call in with_access(&app, &door, &access) {
                call.await.refused("session_ended");
            }
        } else {
            with_refresh(&app, &door, &refresh).await.refused("session_ended");
        }
    }
}

fn doors() -> Vec<Operation> {
    let doors: Vec<_> = spec::operations().into_iter().filter(|operation| !operation.security.is_empty()).collect();
    assert!(doors.len() >= 2, "{doors:?}");
    doors
}

fn opens_by_access(door: &Operation) -> bool {
    door.security.iter().any(|name| name != "refreshCookie")
}

fn with_access(app: &TestApp, door: &Operation, token: &str) -> [Call; 2] {
    let cookie = format!("access_token={token}");
    [door.call(&app.browser()).bearer(token), door.call(&app.browser()).header("cookie", cookie)]
}

fn with_refresh(app: &TestApp, door: &Operation, token: &str) -> Call {
    door.call(&app.browser()).header("cookie", format!("refresh_token={token}"))
}
