//! Logs.

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
