//! Logs.

use super::declarations::{LOG_FORMAT, LOG_LEVEL};
use super::setting::{Kind, Parse, Reader, Reason};

/// Settings of the logs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logging {
    /// `LOG_FORMAT`.
    pub format: LogFormat,
    /// `LOG_LEVEL`: a level or a filter such as `info,doorward::service=debug`.
    pub filter: String,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Pretty,
    /// One JSON object a line.
    Json,
}

impl Logging {
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let (format, filter) = (reader.get(&LOG_FORMAT), reader.get(&LOG_LEVEL));
        Some(Self { format: format?, filter: filter? })
    }
}

/// A bare word is a level and nothing else: filter libraries take a misspelt level for a module's name and say nothing more.
pub(super) const FILTER: Kind<String> = Kind {
    values: "`error`, `warn`, `info`, `debug`, `trace` or `off`, or a filter such as `info,doorward::service=debug`",
    parse: Parse::Text(|text| {
        let level = |word: &str| matches!(word, "error" | "warn" | "info" | "debug" | "trace" | "off");
        let module = |word: &str| {
            !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b':')
        };
        let directive = |part: &str| match part.split_once('=') {
            Some((target, word)) => module(target) && level(word),
            None => level(part),
        };
        let filter = text.to_ascii_lowercase();
        if filter.split(',').all(directive) { Ok(filter) } else { Err(Reason::Values) }
    }),
};
