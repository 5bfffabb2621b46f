//! TLS to PostgreSQL: what each `sslmode` promises, against a server that has it.

use doorward::config::{Config, Source};
use doorward::domain::timestamp::Timestamp;
use doorward::platform::clock::Clock;
use doorward::storage::{StartError, StartProblem, Store};

use crate::common::texts;
use crate::support::postgres::{self, Cluster};

/// Opens the database with these parameters, as `DATABASE_URL` is read in a real start. Says whether the connection is encrypted.
async fn encrypted(url: &str, parameters: &str) -> Result<bool, StartError> {
    let url = format!("{url}?{parameters}");
    let source = Source::from_pairs([("DATABASE_URL", url.as_str()), ("DATABASE_START_TIMEOUT", "1s")]);
    let config = Config::load(&source, Timestamp::EPOCH).unwrap_or_else(|problems| panic!("{problems}"));
    let store = Store::open(&config.database, Clock::system()).await?;
    store.migrate().await?;
    store.ping().await.unwrap();
    let ours = "SELECT bool_and(ssl)::text FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) \
                WHERE application_name = 'doorward' AND datname = current_database()";
    let answer = texts(&config.database, ours).await;
    store.close().await;
    Ok(answer == ["true"])
}

#[tokio::test]
async fn the_certificate_is_checked_as_far_as_it_was_asked_for() {
    let Some(programs) = postgres::programs() else { return };
    let cluster = Cluster::start_with_tls(&programs, &["fsync=off"]);
    let url = cluster.create_database("").await;
    let known = format!("sslrootcert={}", cluster.certificate().display());

    assert!(!encrypted(&url, "sslmode=disable").await.unwrap());
    for parameters in ["sslmode=prefer", "sslmode=require", "ssl=true"] {
        assert!(encrypted(&url, parameters).await.unwrap(), "{parameters}");
    }
    for mode in ["sslmode=verify-ca", "sslmode=verify-full"] {
        assert!(encrypted(&url, &format!("{mode}&{known}")).await.unwrap(), "{mode}");
        // Nobody vouches for it.
        let error = encrypted(&url, mode).await.unwrap_err();
        assert_eq!(error.problem(), StartProblem::Tls, "{error}");
        assert!(error.to_string().contains("sslrootcert=/path/ca.pem"), "{error}");
    }

    // The certificate names an address, not the name by which this URL reaches it.
    let by_name = url.replace("127.0.0.1", "localhost");
    assert!(encrypted(&by_name, &format!("sslmode=verify-ca&{known}")).await.unwrap());
    let error = encrypted(&by_name, &format!("sslmode=verify-full&{known}")).await.unwrap_err();
    assert_eq!(error.problem(), StartProblem::Tls, "{error}");
    assert!(error.to_string().contains("host of DATABASE_URL in the certificate"), "{error}");
}
