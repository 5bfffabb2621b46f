//! `doorward migrate`, on both databases.

use sqlx::{Connection as _, SqliteConnection};
use tempfile::TempDir;

use crate::databases::postgres;
use crate::program::run;

fn migrations_are_told_and_applied(variables: &[(&str, &str)], database: &str) {
    let folder = TempDir::new().unwrap();
    let before = run(folder.path(), &["migrate", "--check"], variables);
    assert_eq!(before.code, Some(3), "{before:?}");
    assert!(before.out.starts_with("pending on ") && before.out.contains("\n  0001 "), "{before:?}");
    let applied = run(folder.path(), &["migrate"], variables);
    assert!(applied.code == Some(0) && applied.out.starts_with("applied "), "{applied:?}");
    for command in [&["migrate"] as &[&str], &["migrate", "--check"]] {
        let after = run(folder.path(), command, variables);
        assert_eq!(after.code, Some(0), "{after:?}");
        assert!(after.out.ends_with(&format!("{database} is up to date\n")), "{after:?}");
    }
}

#[test]
fn on_sqlite() {
    migrations_are_told_and_applied(&[], "/data/doorward.db");
}

#[tokio::test]
async fn on_postgres() {
    let Some(url) = postgres::fresh_database().await else { return };
    let (_, place) = url.split_once('@').unwrap();
    migrations_are_told_and_applied(&[("DATABASE_URL", &url)], place);
}

#[tokio::test]
async fn a_newer_database_is_left_alone() {
    let folder = TempDir::new().unwrap();
    assert_eq!(run(folder.path(), &["migrate"], &[]).code, Some(0));
    let url = format!("sqlite://{}/data/doorward.db", folder.path().display());
    let mut database = SqliteConnection::connect(&url).await.unwrap();
    sqlx::query(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (9999, 'of the future', TRUE, x'00', 0)",
    )
    .execute(&mut database)
    .await
    .unwrap();
    database.close().await.unwrap();
    for command in [&[] as &[&str], &["migrate"], &["migrate", "--check"]] {
        let refused = run(folder.path(), command, &[("PORT", "0")]);
        assert_eq!((refused.code, refused.out.as_str()), (Some(3), ""), "{refused:?}");
        assert!(refused.err.lines().last().unwrap().starts_with("doorward: "), "{refused:?}");
    }
}
