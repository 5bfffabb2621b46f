//! Every setting: the one table that settings are read by and documented from.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use http::{HeaderName, HeaderValue};
use ipnet::IpNet;
use url::Url;

use crate::domain::account::Email;
use crate::domain::factor::Requirement;
use crate::domain::session::{Algorithm, TokenType};
use crate::domain::throttle::Limit;
use crate::domain::timestamp::Timestamp;

use super::cookies::SameSite;
use super::database::DatabaseUrl;
use super::imported::{FIREBASE, Firebase, PEPPER};
use super::kinds::{
    DOMAIN, FOLDER, HOST as ADDRESS, HOST_NAME, KEY, LIMIT, MAIL_ADDRESS, MAILBOX, MOMENT, NAME, ORIGIN, ORIGINS, PAGE,
    PASSWORD, RECOVERY, RP_ID, SOCKET, SUFFIX, SWITCH, TITLE, choice, duration, number,
};
use super::logging::{self, LogFormat};
use super::mail::{Mailbox, Tls, Verification};
use super::networks::{NETWORK_LIMITS, PROXIES};
use super::private_key::{PRIVATE_KEY, PrivateKey};
use super::secret::Secret;
use super::sessions::DeviceBound;
use super::setting::Default::{Is, Required, Unset};
use super::setting::{Kind, Reason, settings};
use super::traces::{COLLECTOR, HEADERS};
use super::{Environment, Registration};

const SAME_SITE: Kind<SameSite> = choice! {
    "strict" => SameSite::Strict, "lax" => SameSite::Lax;
    "none" => Reason::Because("must be `strict` or `lax`: `none` sends the cookies with requests from any site"),
    _ => Reason::Values
};

const ALGORITHM: Kind<Algorithm> =
    choice! { "HS256" => Algorithm::Hs256, "ES256" => Algorithm::Es256, "EdDSA" => Algorithm::EdDsa };

settings! {
    "General" {
        /// Which defaults apply; `production` also refuses settings that are not safe on the internet.
        ENVIRONMENT: Environment =
            choice! { "development" => Environment::Development, "production" => Environment::Production },
            Is("development");
    }
    "Listening" {
        /// The address to listen on; the default in development answers on `127.0.0.1` and `::1`.
        HOST: Vec<IpAddr> = ADDRESS, Is("localhost"), Is("0.0.0.0");
        /// The port to listen on; `0` picks a free one, which is printed at start.
        PORT: u16 = number!(0 to 65_535), Is("8000");
        /// The service's own origin as browsers see it; named in the OpenAPI document, and its pages may call the service.
        PUBLIC_URL: String = ORIGIN, Unset("not known");
        /// The reverse proxies whose `X-Forwarded-For` and `X-Request-Id` are believed; `none`: clients connect
        /// directly. More public addresses than an IPv4 /8 or an IPv6 /16 has are refused in production.
        TRUSTED_PROXIES: Vec<IpNet> = PROXIES, Unset("nobody is believed, which production warns about");
        /// Whether `/api/auth/check` also tells a proxy the address of whoever asks, as `X-User-Email`: where it is confirmed, else `-`.
        CHECK_USER_EMAIL: bool = SWITCH, Is("off");
        /// How long a connection without a request is kept open; longer than the reverse proxy keeps it.
        KEEP_ALIVE_TIMEOUT: Duration = duration!("1s" to "1d"), Is("620s");
        /// Where Prometheus' metrics are told, on `/metrics`: an address that only your monitoring reaches.
        METRICS_ADDR: SocketAddr = SOCKET, Unset("nowhere");
        /// Where traces are sent: an OpenTelemetry collector that takes OTLP over HTTP, in JSON; `/v1/traces` is put behind it.
        OTEL_EXPORTER_OTLP_ENDPOINT: Url = COLLECTOR, Unset("nowhere");
        /// What the collector is sent beside the traces, such as its key.
        OTEL_EXPORTER_OTLP_HEADERS: Vec<(HeaderName, HeaderValue)> = HEADERS, Unset("nothing");
        /// A file of the authorities, in PEM, that the collector's certificate may come from.
        OTEL_EXPORTER_OTLP_CERTIFICATE: PathBuf = FOLDER, Unset("those that the system trusts");
        /// At the end, how long the readiness check says 503 while connections are still accepted.
        SHUTDOWN_DELAY: Duration = duration!("0s" to "5m"), Is("0s"), Is("5s");
    }
    "Browsers" {
        /// The frontends on other origins that may call the service; plain http is refused in production. One `*` stands for the first label
        /// of a host, as of previews of pull requests; whoever can put a page there acts in the name of who visits it. Origins of apps, such as
        /// `capacitor://localhost`, name every such app: they get tokens in bodies alone.
        ALLOWED_ORIGINS: Vec<String> = ORIGINS,
            Unset("any port of `http://localhost` and `http://127.0.0.1` while only this machine is served, else none"),
            Unset("none");
        /// Whether the auth cookies are sent over https alone; `off` is refused in production.
        SECURE_COOKIES: bool = SWITCH, Is("off"), Is("on");
        /// `host` names the cookies `__Host-..`, so that no other host of the domain can set them.
        COOKIE_PREFIX: bool = choice! { "host" => true, "none" => false },
            Unset("`host` with `SECURE_COOKIES=on`, else `none`");
        /// Stands behind the names of all cookies: `shop` makes `access_token_shop`. Browsers keep cookies by host without port, so that two
        /// projects on one laptop throw each other out unless their names differ. A change logs everybody out.
        COOKIE_SUFFIX: String = SUFFIX, Unset("nothing");
        /// `lax` also sends the cookies when another site links to the service.
        COOKIE_SAMESITE: SameSite = SAME_SITE, Is("strict");
        /// Shares the access cookie (never the refresh cookie) with this domain and all of its subdomains. A public suffix
        /// such as `co.uk` or `github.io` is refused.
        COOKIE_DOMAIN: String = DOMAIN, Unset("not shared");
        /// Whether answers tell browsers to use https alone for a year (`Strict-Transport-Security`).
        HSTS: bool = SWITCH, Is("off"), Is("on");
        /// Whether `/docs`, `/redoc` and `/openapi.json` are served.
        API_DOCS: bool = SWITCH, Is("on"), Is("off");
    }
    "Database" {
        /// A SQLite file (`sqlite://relative/path`, `sqlite:///absolute/path`) or PostgreSQL
        /// (`postgres://user:password@host/database?sslmode=verify-full&sslrootcert=/path`).
        DATABASE_URL: DatabaseUrl = super::database::KIND, Is("sqlite://data/doorward.db");
        /// How many connections to the database are opened at most.
        DATABASE_MAX_CONNECTIONS: u32 = number!(1 to 1000), Is("10");
        /// How long to wait at start for a database that does not answer yet.
        DATABASE_START_TIMEOUT: Duration = duration!("0s" to "1h"), Is("30s");
        /// How long audit records are kept.
        AUDIT_RETENTION: Duration = duration!("1d" to "3650d"), Is("90d");
    }
    "Tokens" {
        /// How access tokens are signed. `HS256`: with `JWT_SECRET_KEY`, which whoever verifies them needs too. `ES256` and
        /// `EdDSA`: with a private key; the public ones are at `/.well-known/jwks.json`. Some verifiers do not know `EdDSA`.
        JWT_ALGORITHM: Algorithm = ALGORITHM, Is("HS256");
        /// An algorithm that is accepted and does not sign, for changing it without logging anybody out.
        JWT_ALGORITHM_PREVIOUS: Algorithm = ALGORITHM, Unset("none");
        /// Signs access tokens with `HS256`, taken exactly as given; services that verify them themselves need it too. The other
        /// algorithms do not need it.
        JWT_SECRET_KEY: Secret = KEY, Unset("made once and kept in `jwt_secret_key` beside the database"),
            Required("`openssl rand -hex 32` makes a good one");
        /// A key that is accepted and does not sign, for changing the key without logging anybody out.
        JWT_SECRET_KEY_PREVIOUS: Secret = KEY, Unset("none");
        /// Signs access tokens with `ES256` (P-256) or `EdDSA` (Ed25519). `doorward keys generate` makes one.
        JWT_PRIVATE_KEY: PrivateKey = PRIVATE_KEY, Unset("derived from `SECRET_KEY`");
        /// The key that will sign next: accepted, and published so that verifiers know it in time.
        JWT_PRIVATE_KEY_NEXT: PrivateKey = PRIVATE_KEY, Unset("none");
        /// The key that has signed before: accepted and published, and signs no more.
        JWT_PRIVATE_KEY_PREVIOUS: PrivateKey = PRIVATE_KEY, Unset("none");
        /// The type (`typ`) of access tokens that are made: that of RFC 9068, or the older one, for verifiers that refuse any other.
        /// Both are accepted.
        JWT_TYP: TokenType = choice! { "at+jwt" => TokenType::AccessToken, "JWT" => TokenType::Jwt }, Is("at+jwt");
        /// The root of everything secret but access tokens: refresh tokens, the names under which attempts are counted; and of the key
        /// of `ES256` and `EdDSA` where there is no `JWT_PRIVATE_KEY`. No other service needs it; it must differ from
        /// `JWT_SECRET_KEY`.
        SECRET_KEY: Secret = KEY,
            Unset("`JWT_SECRET_KEY`; without that, too, made once and kept in `secret_key` beside the database"),
            Unset("`JWT_SECRET_KEY`, with a warning that says how to set it without logging anybody out");
        /// A root that is accepted and not used, for changing `SECRET_KEY` without logging anybody out.
        SECRET_KEY_PREVIOUS: Secret = KEY, Unset("none");
        /// The issuer (`iss`) of access tokens, required on verification.
        JWT_ISSUER: String = NAME, Is("doorward");
        /// The audience (`aud`) of access tokens, required on verification.
        JWT_AUDIENCE: String = NAME, Is("doorward");
    }
    "Sessions" {
        /// How long an access token is valid; must be shorter than `REFRESH_TOKEN_TTL`.
        ACCESS_TOKEN_TTL: Duration = duration!("1s" to "1d"), Is("1h");
        /// How long a session lives unused; must not be longer than `SESSION_TTL`.
        REFRESH_TOKEN_TTL: Duration = duration!("1s" to "3650d"), Is("7d");
        /// How long a session lives at most, however much it is used.
        SESSION_TTL: Duration = duration!("1s" to "3650d"), Is("30d");
        /// How long the previous refresh token is answered with its successor (two tabs, slow networks); `0s`
        /// is strict.
        REFRESH_GRACE: Duration = duration!("0s" to "5m"), Is("30s");
        /// How many lost replies a session is forgiven in 24 hours; `0` is strict.
        REFRESH_LOST_REPLIES_PER_DAY: u32 = number!(0 to 8), Is("2");
        /// Sessions that began earlier are refused, and links that were mailed earlier are void: logs everybody out. The start waits for
        /// a time in the future for `DATABASE_START_TIMEOUT`: a clock may be wrong yet.
        SESSIONS_NOT_BEFORE: Timestamp = MOMENT, Unset("none is refused");
        /// Whether sessions are bound to the browser's device where browser and page can (Device Bound Session Credentials), so that copied
        /// cookies open nothing elsewhere; `required` ends a session that is not bound a minute after its login, at its next use.
        DEVICE_BOUND_SESSIONS: DeviceBound =
            choice! { "off" => DeviceBound::Off, "on" => DeviceBound::On, "required" => DeviceBound::Required },
            Unset("`on` where `SECURE_COOKIES` is on, `COOKIE_DOMAIN` is unset and `ACCESS_TOKEN_TTL` is 10m or more, else `off`");
        /// How long an access token of a bound session is valid, if `ACCESS_TOKEN_TTL` is not shorter; less than 10m is refused in
        /// production.
        DEVICE_BOUND_TTL: Duration = duration!("1s" to "1d"), Is("10m");
        /// `required`: nobody has a session without a second factor, and who has none sets one up at their next login.
        SECOND_FACTOR: Requirement =
            choice! { "optional" => Requirement::Optional, "required" => Requirement::Required }, Is("optional");
        /// The domain that passkeys are made for (`rp.id`): the host of every page that asks for one, or a parent of it. A passkey
        /// is good for its domain alone.
        PASSKEY_RP_ID: String = RP_ID,
            Unset("the host of `PUBLIC_URL`, or `localhost`, where every allowed origin lies on it; else there are no passkeys"),
            Unset("the host of `PUBLIC_URL` where every allowed origin lies on it; else there are no passkeys");
        /// Whether to start though passkeys of another domain are stored, which nobody can use any more.
        PASSKEY_RP_ID_CHANGED: bool = SWITCH, Is("off");
        /// Whether a browser hears of a passkey that no account has (`unknown_passkey`), so that it stops offering it: not on a database that
        /// comes and goes, or good passkeys are lost.
        PASSKEY_TELL_UNKNOWN: bool = SWITCH, Is("off"), Is("on");
        /// Who has lost their authenticator app and their recovery codes: `operator`, they ask one; a wait such as `72h`, whoever knows the
        /// password and reads the mail of the address, which must be confirmed, can have them removed after it. The owner is told every
        /// day, and stops it by a link or by any login with a factor. Never for superusers. A wait needs `SMTP_HOST` and
        /// `FACTOR_RECOVERY_URL`.
        FACTOR_RECOVERY: Option<Duration> = RECOVERY, Is("operator");
        /// How many sessions a user may have; one more ends the least recently used.
        MAX_SESSIONS_PER_USER: u32 = number!(1 to 1000), Is("50");
    }
    "Passwords" {
        /// The cost of bcrypt: a hash takes 2^cost rounds; less than 12 is refused in production.
        BCRYPT_COST: u32 = number!(4 to 16), Is("12");
        /// Whether a password needs an upper-case and a lower-case letter and a digit.
        PASSWORD_COMPOSITION: bool = SWITCH, Is("on");
        /// The page of your application that takes the token of a link that resets the password, behind `#token=`; plain http is
        /// refused in production.
        RESET_URL: Url = PAGE, Unset("a small page of Doorward's own"), Unset("no such mail is sent");
        /// How many threads hash passwords.
        HASH_THREADS: usize = number!(1 to 256), Unset("one per core");
        /// How many passwords one thread verifies at a time, which takes a little longer and does four times as many; `1` leaves all to the
        /// `bcrypt` crate.
        HASH_LANES: usize = number!(1 to 6), Unset("6; 1 in a build without optimisation");
        /// A login that would wait longer for its hash is refused at once (503); whatever else needs a hash, after half of that.
        HASH_QUEUE: Duration = duration!("1s" to "7s"), Is("2s");
    }
    "Accounts" {
        /// `closed`: nobody registers, and operators alone make accounts (`doorward user create`, `doorward import`).
        REGISTRATION: Registration = choice! { "open" => Registration::Open, "closed" => Registration::Closed }, Is("open");
        /// Devise's `config.pepper`: needed to look at passwords that were imported with `--scheme devise`, until the last of them has logged
        /// in.
        IMPORT_PEPPER: Secret = PEPPER, Unset("none");
        /// The hash parameters of the Firebase project, as its console shows them: needed to look at passwords that were imported from it,
        /// until the last of them has logged in.
        IMPORT_FIREBASE: Firebase = FIREBASE, Unset("none");
    }
    "Mail" {
        /// How your application is called in mails.
        APP_NAME: String = TITLE, Is("Doorward");
        /// Whether people show that they read the mail of their address: `on` mails a link and tells in `email_verified` what came of it;
        /// `required` makes an account by that link alone, so that nothing tells which addresses have one.
        EMAIL_VERIFICATION: Verification = choice! {
            "off" => Verification::Off, "on" => Verification::On, "required" => Verification::Required
        }, Is("off");
        /// The page of your application that takes the token of a link that confirms an address, behind `#token=`; plain http is
        /// refused in production.
        VERIFY_URL: Url = PAGE, Unset("a small page of Doorward's own"), Unset("no such mail is sent");
        /// The page of your application that takes the token of a link to a new address, behind `#token=`, and of the one that takes an
        /// old address back, behind `#restore=`; plain http is refused in production.
        EMAIL_CHANGE_URL: Url = PAGE, Unset("a small page of Doorward's own"), Unset("no such mail is sent");
        /// The page of your application that takes the token of a link by which somebody says that they did not do what a mail tells of,
        /// behind `#token=`; plain http is refused in production.
        NOT_ME_URL: Url = PAGE, Unset("a small page of Doorward's own"), Unset("mails have no such link");
        /// The page of your application that takes the tokens of the links of `FACTOR_RECOVERY`, behind `#start=`, `#cancel=` and
        /// `#remove=`; plain http is refused in production.
        FACTOR_RECOVERY_URL: Url = PAGE, Unset("a small page of Doorward's own"), Unset("no such mail is sent");
        /// The mail server that takes what is to be sent.
        SMTP_HOST: String = HOST_NAME, Unset("mails are files in `MAIL_FOLDER`"),
            Unset("no mail is sent, and what needs one answers `mail_unavailable`");
        /// Its port.
        SMTP_PORT: u16 = number!(1 to 65_535), Unset("587; 465 with `SMTP_TLS=wrapper`, 25 with `SMTP_TLS=none`");
        /// How it is encrypted: `required` by STARTTLS, `wrapper` from the first byte, `none` not at all, which is refused for a server
        /// on another machine.
        SMTP_TLS: Tls = choice! { "required" => Tls::Required, "wrapper" => Tls::Wrapper, "none" => Tls::None }, Is("required");
        /// Who Doorward is to the mail server.
        SMTP_USER: String = NAME, Unset("nobody in particular");
        /// Its password.
        SMTP_PASSWORD: Secret = PASSWORD, Unset("none");
        /// A file with the certificates (PEM) of the authorities that the mail server's certificate may be of, in place of Mozilla's.
        SMTP_CA: PathBuf = FOLDER, Unset("Mozilla's");
        /// How long one mail may take to be handed over.
        SMTP_TIMEOUT: Duration = duration!("1s" to "5m"), Is("1m");
        /// Whom mails are from: an address, or a name with one. The name is `APP_NAME` where there is none.
        MAIL_FROM: Mailbox = MAILBOX, Is("doorward@example.com"), Unset("needed with `SMTP_HOST`");
        /// Where mail servers report what can't be delivered.
        MAIL_BOUNCE: Email = MAIL_ADDRESS, Unset("the address of `MAIL_FROM`");
        /// Where mails are written to while there is no `SMTP_HOST`; in development alone.
        MAIL_FOLDER: PathBuf = FOLDER, Unset("`mail` beside the database"), Unset("nowhere");
        /// A folder with your own templates, such as `reset.txt`, each in place of Doorward's.
        MAIL_TEMPLATES: PathBuf = FOLDER, Unset("Doorward's own");
        /// Mails that anybody may have sent to one address. `off` is refused in production.
        MAIL_RATE_LIMIT: Option<Limit> = LIMIT, Is("5/1d");
    }
    "Rate limits" {
        /// Attempts to log in from one address; `off`, or more than 10000 an hour, is refused in production.
        LOGIN_RATE_LIMIT: Option<Limit> = LIMIT, Is("5/1m");
        /// Registrations from one address, and apart from these requests for mails; `off`, or more than 10000 an hour, is refused in production.
        REGISTER_RATE_LIMIT: Option<Limit> = LIMIT, Is("5/1m");
        /// Refreshes of one session; `off`, or more than 10000 an hour, is refused in production.
        REFRESH_RATE_LIMIT: Option<Limit> = LIMIT, Is("60/1m");
        /// Failed logins to one account, wherever they come from; `off`, or more than 600 an hour, is refused in production.
        ACCOUNT_RATE_LIMIT: Option<Limit> = LIMIT, Is("20/15m");
        /// Attempts of one account to change its password, or to leave, right or wrong; `off`, or more than 600 an hour, is refused
        /// in production.
        PASSWORD_CHANGE_RATE_LIMIT: Option<Limit> = LIMIT, Is("10/1h");
        /// Changes of one account's profile; `off`, or more than 600 an hour, is refused in production.
        PROFILE_RATE_LIMIT: Option<Limit> = LIMIT, Is("60/1h");
        /// Exports of one account's data; `off`, or more than 600 an hour, is refused in production.
        EXPORT_RATE_LIMIT: Option<Limit> = LIMIT, Is("10/1h");
        /// Networks with a login limit of their own, shared by all behind them: offices, schools. It holds instead of
        /// `LOGIN_RATE_LIMIT`; the most specific network decides. More than 100000 an hour, or more public addresses than an IPv4
        /// /8 or an IPv6 /16 has, are refused in production.
        LOGIN_RATE_LIMIT_NETWORKS: Vec<(IpNet, Limit)> = NETWORK_LIMITS, Unset("none");
        /// The same for each address in a network; a network named in both has both limits. More than 10000 an hour is
        /// refused in production.
        LOGIN_RATE_LIMIT_NETWORKS_PER_ADDRESS: Vec<(IpNet, Limit)> = NETWORK_LIMITS, Unset("none");
    }
    "Logs" {
        /// `json` writes one object a line.
        LOG_FORMAT: LogFormat = choice! { "pretty" => LogFormat::Pretty, "json" => LogFormat::Json },
            Is("pretty"), Is("json");
        /// How much is logged, to standard error.
        LOG_LEVEL: String = logging::FILTER, Is("info");
    }
}
