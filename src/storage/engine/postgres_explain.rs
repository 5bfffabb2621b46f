//! What PostgreSQL says when it can't be used, and what to do about it.

use std::io;

use sqlx::postgres::PgConnectOptions;

use super::postgres::name;
use super::{Error, StartError, StartProblem};

/// Characters that break a URL, or are taken for its punctuation.
const ENCODING: &str = "characters such as @ : / ? # % in the user name or the password must be percent-encoded (@ as %40, : as \
                        %3A, / as %2F, ? as %3F, # as %23, % as %25)";

pub(in crate::storage) fn url_mistake(reason: &str) -> StartError {
    StartError::new(
        StartProblem::Url,
        format!(
            "DATABASE_URL can't be understood: {reason}. Its form is postgres://user:password@host:5432/database; {ENCODING}"
        ),
    )
}

/// Whether it may be gone in a moment: nobody answers yet, or the server is starting, stopping or full.
pub(in crate::storage) fn is_transient(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(error) => !is_refused_handshake(error),
        // Somebody accepted, and closed where the server should have answered: a proxy whose server is not there.
        sqlx::Error::Protocol(_) => true,
        sqlx::Error::Database(error) => {
            matches!(error.code().as_deref(), Some("57P03" | "57P01" | "57P02" | "53300"))
        }
        _ => false,
    }
}

/// rustls tells of a certificate that it refuses, or of a peer that does not speak TLS, as data that make no sense.
fn is_refused_handshake(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::InvalidData
}

/// Where the server is expected.
pub(in crate::storage) fn place(options: &PgConnectOptions) -> String {
    options
        .get_socket()
        .map_or_else(|| format!("{}:{}", options.get_host(), options.get_port()), |socket| socket.display().to_string())
}

/// The reason and the remedy.
pub(in crate::storage) fn explain(error: &sqlx::Error, options: &PgConnectOptions) -> StartError {
    let server = place(options);
    let (user, database) = (options.get_username(), name(options));
    let refused_tls = |reason: &dyn std::fmt::Display| {
        StartError::new(
            StartProblem::Tls,
            format!(
                "TLS with PostgreSQL at {server} failed: {reason}. With sslmode=verify-ca or verify-full the server's certificate \
                 must be signed by a known authority: name its file with sslrootcert=/path/ca.pem; verify-full also wants the \
                 host of DATABASE_URL in the certificate"
            ),
        )
    };
    match error {
        sqlx::Error::Io(error) if is_refused_handshake(error) => refused_tls(error),
        sqlx::Error::Io(error) => StartError::new(
            StartProblem::Unreachable,
            format!(
                "no PostgreSQL answers at {server}: {error}. Is it running, and are host and port in DATABASE_URL right? If part \
                 of the password stands where the host should: {ENCODING}"
            ),
        ),
        sqlx::Error::Protocol(error) => StartError::new(
            StartProblem::Unreachable,
            format!(
                "what answers at {server} is no PostgreSQL, or a proxy whose PostgreSQL is not there: {error}. Is it running, and \
                 are host and port in DATABASE_URL right?"
            ),
        ),
        sqlx::Error::Tls(error) if error.to_string().contains("does not support TLS") => StartError::new(
            StartProblem::Tls,
            format!(
                "PostgreSQL at {server} does not offer TLS, but DATABASE_URL asks for it. Turn it on there (ssl = on), or, where \
                 nobody can listen in, use sslmode=disable"
            ),
        ),
        sqlx::Error::Tls(error) => refused_tls(error),
        sqlx::Error::Database(failure) => {
            let message = failure.message();
            match failure.code().as_deref() {
                Some("28P01") => StartError::new(
                    StartProblem::Credentials,
                    format!(
                        "PostgreSQL at {server} refused the password of user {user}. Check DATABASE_URL; {ENCODING}"
                    ),
                ),
                Some("28000") if message.contains("no encryption") || message.contains("SSL off") => StartError::new(
                    StartProblem::Tls,
                    format!(
                        "PostgreSQL at {server} wants TLS: add ?sslmode=require (better: verify-full) to DATABASE_URL"
                    ),
                ),
                Some("28000") => StartError::new(
                    StartProblem::Credentials,
                    format!(
                        "PostgreSQL at {server} does not let user {user} into database {database}: {message}. Make the user \
                         (CREATE ROLE {user} LOGIN PASSWORD '..') and allow it in pg_hba.conf"
                    ),
                ),
                Some("3D000") => StartError::new(
                    StartProblem::UnknownDatabase,
                    format!(
                        "PostgreSQL at {server} has no database {database}. Make it as a superuser: CREATE DATABASE {database} \
                         OWNER {user}"
                    ),
                ),
                Some("42501") => StartError::new(
                    StartProblem::Permission,
                    format!(
                        "user {user} may not make tables in database {database}: {message}. Make the user its owner: CREATE \
                         DATABASE {database} OWNER {user}, or ALTER DATABASE {database} OWNER TO {user}; or allow it: GRANT \
                         CREATE, USAGE ON SCHEMA public TO {user}"
                    ),
                ),
                // invalid_schema_name: no schema of the search path exists or is allowed
                Some("3F000") => StartError::new(
                    StartProblem::Permission,
                    format!(
                        "user {user} has no schema to make tables in, in database {database}: {message}. Allow it: GRANT CREATE, \
                         USAGE ON SCHEMA public TO {user}"
                    ),
                ),
                // protocol_violation, as PgBouncer calls it.
                _ if message.contains("unsupported startup parameter") => StartError::new(
                    StartProblem::Pooler,
                    format!(
                        "the pooler at {server} refuses a parameter of the connection: {message}. Take it out of DATABASE_URL, or \
                         name it in the pooler's ignore_startup_parameters"
                    ),
                ),
                _ => StartError::new(StartProblem::Other, format!("PostgreSQL at {server} can't be used: {message}")),
            }
        }
        _ => StartError::new(
            StartProblem::Other,
            format!("PostgreSQL at {server} can't be used: {}", Error::Internal(error.to_string())),
        ),
    }
}
