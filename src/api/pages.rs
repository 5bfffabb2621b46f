//! Pages that stand in, in development, for those of the application that the links of mails lead to.

use super::assets::{File, HTML, SCRIPT};

/// One for each purpose of a link, in the words of `service::mail`.
const PATHS: [&str; 5] =
    ["/pages/reset", "/pages/not-me", "/pages/verify", "/pages/email-change", "/pages/factor-recovery"];

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; connect-src 'self'; frame-ancestors 'none'; \
                      base-uri 'none'; form-action 'none'";

/// The pages and their script.
pub(super) fn files() -> Vec<File> {
    let page = || include_str!("pages/page.html");
    let mut files: Vec<File> = PATHS.iter().map(|path| File::page(path, HTML, page, Some(POLICY))).collect();
    files.push(File::page("/pages/page.js", SCRIPT, || include_str!("pages/page.js"), None));
    files
}
