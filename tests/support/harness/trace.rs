//! Everything that is logged, into a file: for the process that the search for secrets starts.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Once;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

use super::app::KEY;
use super::statements;
use doorward::config::secret::Secret;
use doorward::platform::keys::Ring;

/// The variable that names the file.
pub(crate) const FILE: &str = "DOORWARD_TEST_TRACE_FILE";

/// Writes all log lines of this process into that file, where the variable is set.
pub(crate) fn start() {
    static STARTED: Once = Once::new();
    STARTED.call_once(|| {
        let Some(path) = file() else { return };
        let file = File::create(path).expect("a file for the log");
        let all = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(file).with_filter(LevelFilter::TRACE);
        tracing_subscriber::registry().with(all).with(statements::layer()).try_init().expect("no other subscriber");
    });
}

/// The file beside the log that holds what was made by chance and must not be logged, a line each.
pub(crate) fn made(log: &Path) -> PathBuf {
    log.with_extension("made")
}

/// Remembers such a secret, where the log is kept.
pub(crate) fn remember(secret: &str) {
    if let Some(log) = file() {
        let mut made = File::options().create(true).append(true).open(made(&log)).expect("a file for secrets");
        made.write_all(format!("{secret}\n").as_bytes()).expect("a line");
    }
}

#[expect(clippy::disallowed_methods, reason = "tests are not configured by the settings of the service")]
pub(super) fn file() -> Option<PathBuf> {
    std::env::var_os(FILE).map(PathBuf::from)
}

/// How every refresh token of the tests begins: its version and the id of their key.
pub(crate) fn refresh_token_prefix() -> String {
    let key = Ring::new(Secret::new(KEY.into()), None).current.id();
    let mut prefix = URL_SAFE_NO_PAD.encode([&[1], &key[..]].concat());
    // Its last character has bits of what follows.
    prefix.pop();
    prefix
}
