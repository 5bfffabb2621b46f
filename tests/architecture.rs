//! Keeps the layers that `src/lib.rs` draws: who may use whom, which crate lives where, and how long a file may be.

#![expect(clippy::expect_used, reason = "a test fails by panicking, and says why")]

use std::fs;
use std::path::{Path, PathBuf};

/// Layers that are cut into areas.
const CUT_INTO_AREAS: &[&str] = &["domain", "storage", "service", "api"];

/// Folders of those layers that are no area: what all areas of the layer stand on.
const SHARED: &[(&str, &[&str])] =
    &[("storage", &["engine"]), ("api", &["body", "client", "docs", "middleware", "problem"])];

/// A crate or path, and the only layers that may name it.
const HOMES: &[(&str, &[&str])] = &[
    ("sqlx", &["storage"]),
    ("moka", &["cache"]),
    ("poem", &["api", "server"]),
    ("poem_openapi", &["api", "server"]),
    ("hyper", &["api", "server"]),
    ("hyper_util", &["api", "server"]),
    ("bcrypt", &["platform"]),
    ("jsonwebtoken", &["platform"]),
    ("aws_lc_rs", &["platform"]),
    ("getrandom", &["platform"]),
    ("lettre", &["platform"]),
    ("minijinja", &["platform"]),
    ("rand", &["platform"]),
    ("tracing_subscriber", &["telemetry"]),
    ("prometheus", &["telemetry"]),
    ("dotenvy", &["config"]),
    ("psl", &["config"]),
    ("std::env", &["config"]),
    ("anyhow", &["cli"]),
    ("clap", &["cli"]),
    ("clap_complete", &["cli"]),
    ("clap_mangen", &["cli"]),
    ("rustls", &["cli"]),
    ("httparse", &["cli"]),
    ("ureq", &["cli"]),
];

/// What the rules of layer 0 must not touch: they take time and bytes as parameters.
const NOT_IN_DOMAIN: &[&str] = &[
    "tokio",
    "futures_util",
    "tracing",
    "std::fs",
    "std::io",
    "std::thread",
    "std::process",
    "std::time::SystemTime",
    "std::time::Instant",
];

/// "About 300": one that is longer has a second subject, and becomes a folder of the same name.
const MAX_LINES: usize = 330;

#[test]
fn every_file_keeps_to_its_layer() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = rust_files(&root.join("src"));
    assert!(files.len() > 20, "found only {} files under src: is the walk broken?", files.len());
    let map = Map::read();
    let mut found = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).expect("a readable source file");
        let name = file.strip_prefix(root.join("src")).expect("a file under src").to_string_lossy().replace('\\', "/");
        found.extend(violations(&map, &name, &text));
    }
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

#[test]
fn every_module_of_the_library_has_its_layer() {
    let (library, map) = (library(), Map::read());
    let modules: Vec<_> = library.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')).collect();
    assert!(modules.len() >= 10 && map.areas.len() >= 6, "src/lib.rs declares {modules:?} and {:?}", map.areas);
    for module in &modules {
        assert!(
            map.layers.iter().any(|(layer, _)| layer == module),
            "give `{module}` a row in the table of src/lib.rs"
        );
    }
    for (layer, may_use) in &map.layers {
        assert!(modules.contains(&layer.as_str()), "src/lib.rs has a row for `{layer}`, which is no module");
        assert!(may_use.iter().all(|used| modules.contains(&used.as_str())), "{layer} may use {may_use:?}");
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for area in &map.areas {
        let has_it = |layer: &&str| root.join(layer).join(area).is_dir();
        assert!(CUT_INTO_AREAS.iter().any(has_it), "src/lib.rs tells of the area `{area}`, which no layer has");
    }
}

fn library() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs")).expect("src/lib.rs")
}

/// What the two tables of `src/lib.rs` say.
struct Map {
    /// Each layer, and the layers that it may use.
    layers: Vec<(String, Vec<String>)>,
    areas: Vec<String>,
}

impl Map {
    fn read() -> Self {
        let (mut layers, mut areas) = (Vec::new(), Vec::new());
        for line in library().lines() {
            let Some(row) = line.strip_prefix("//! | ") else { continue };
            let cells: Vec<&str> = row.trim_end_matches(" |").split(" | ").collect();
            match cells[..] {
                [_, module, _, may_use] if module.starts_with("[`") => {
                    let may_use = may_use.split(", ").filter(|used| *used != "nothing").map(str::to_owned).collect();
                    layers.push((module.trim_matches(['[', ']', '`']).to_owned(), may_use));
                }
                [area, _] if area.starts_with('`') => areas.push(area.trim_matches('`').to_owned()),
                _ => {}
            }
        }
        Self { layers, areas }
    }
}

/// The checker itself: each sample breaks one rule, and the complaint names it.
#[test]
fn the_checker_finds_violations() {
    let long = "\n".repeat(MAX_LINES + 1);
    for (name, text, complaint) in [
        ("domain/user.rs", "use crate::storage::account;", "domain may not use storage"),
        (
            "domain/user.rs",
            "use crate::{\n    config::Config, domain::account::{Email, parse},\n};",
            "rs:2: domain may not",
        ),
        ("domain/user.rs", "use crate::{domain::account::{Email, parse}, cache};", "domain may not use cache"),
        ("api/mod.rs", "fn f() { super::storage::account::by_id() }", "api may not use storage"),
        ("api/session.rs", "use super::super::platform::clock;", "api may not use platform"),
        ("storage/users.rs", "use crate::cache::sessions;", "storage may not use cache"),
        ("service/login.rs", "use doorward::api::problem;", "write `crate::` instead of `doorward::`"),
        ("service/login.rs", "fn f(pool: &sqlx::Pool) {}", "`sqlx` belongs to storage"),
        ("service/login.rs", "use sqlx;", "`sqlx` belongs to storage"),
        ("storage/mod.rs", "use {moka::sync::Cache};", "`moka` belongs to cache"),
        ("domain/user.rs", "#[derive(poem_openapi::Object)] struct User;", "`poem_openapi` belongs to api or server"),
        ("service/login.rs", "::bcrypt::verify(a, b)", "`bcrypt` belongs to platform"),
        ("service/login.rs", "std::env::var(\"X\")", "`std::env` belongs to config"),
        ("service/login.rs", "use std::{fmt, env};", "`std::env` belongs to config"),
        ("domain/user.rs", "fn f() { x.await }", "`await` in domain"),
        ("domain/user.rs", "async fn f() {}", "`async` in domain"),
        ("domain/user.rs", "use std::time::{Duration, SystemTime};", "`std::time::SystemTime` in domain"),
        ("domain/user.rs", "#[allow(dead_code)]\nfn f() {}", "instead of `#[allow"),
        ("domain/user.rs", "#![allow(dead_code)]", "instead of `#[allow"),
        ("attic/user.rs", "", "no layer"),
        ("service/attic/user.rs", "", "`attic` is no area"),
        ("service/session/mod.rs", "pub mod login;", "through its mod.rs alone"),
        ("service/session/mod.rs", "pub(super) mod login;", "through its mod.rs alone"),
        ("service/session/mod.rs", "pub(in crate::service) mod login;", "through its mod.rs alone"),
        ("domain/user.rs", &long, "331 lines"),
    ] {
        let found = violations(&Map::read(), name, text);
        assert!(
            matches!(&found[..], [only] if only.contains(complaint)),
            "{name} with {text:?} must be refused once, for {complaint:?}; the checker says {found:?}"
        );
    }
}

/// The checker itself: what is allowed, and what is only a word in a text, passes.
#[test]
fn the_checker_lets_good_code_pass() {
    for (name, text) in [
        ("domain/user.rs", "use super::email::Email;\nuse crate::domain::session;"),
        ("config/database.rs", "use super::server::Server;\nuse crate::domain::throttle::Limit;\nuse std::env;"),
        ("config/throttle.rs", "mod tests { use super::super::cookies; }"),
        (
            "storage/users.rs",
            "//! Not `moka::sync`, nor crate::cache.\nuse sqlx::Row; /* poem::a /* moka::x */ poem::b */",
        ),
        ("service/login.rs", "f(\"sqlx::query \\\" crate::api::x\", 'a', '\\'', b'\"', r#\"moka::sync \"x\"\"#);"),
        ("service/login.rs", "fn f<'a>(x: &'a str) -> &'a str { x.bcrypt.await }"),
        ("service/mod.rs", "use crate::platform::hashing::bcrypt; f(env!(\"X\"), br\"\\\", concat!(\"std::env\"));"),
        ("api/problem.rs", "use poem_openapi::ApiResponse;\nuse crate::{service, domain::account::{User, UserId}};"),
        ("cli/serve.rs", "use crate::api;\nuse crate::storage::Store;"),
        ("main.rs", "fn main() { doorward::cli::run() }"),
        ("lib.rs", "pub mod api;"),
        ("service/mod.rs", "pub mod session;"),
        ("service/session/mod.rs", "mod login;\npub use login::login;\npub(super) use login::begin;"),
        ("storage/engine/mod.rs", "pub(super) mod sqlite;"),
    ] {
        assert_eq!(violations(&Map::read(), name, text), Vec::<String>::new(), "{name} with {text:?}");
    }
}

/// What is wrong with a source file; `name` is its path under `src`, with forward slashes.
fn violations(map: &Map, name: &str, text: &str) -> Vec<String> {
    let tokens = tokens(text);
    let layer = name.split('/').next().unwrap_or(name).trim_end_matches(".rs");
    let rules = map.layers.iter().find(|(layer_name, _)| layer_name == layer);
    let is_layer = |name: &str| map.layers.iter().any(|(layer, _)| layer == name);
    let top = matches!(name, "main.rs" | "lib.rs");
    let mut found = Vec::new();
    if rules.is_none() && !top {
        found.push(format!("src/{name}: `{layer}` has no layer in the table of src/lib.rs"));
    }
    if let [_, area, _, ..] = name.split('/').collect::<Vec<_>>()[..]
        && CUT_INTO_AREAS.contains(&layer)
    {
        let is_shared = SHARED.iter().any(|(of, folders)| *of == layer && folders.contains(&area));
        let is_area = map.areas.iter().any(|known| known == area);
        if !is_shared && !is_area {
            found.push(format!("src/{name}: `{area}` is no area in the table of src/lib.rs"));
        }
        if is_area
            && name.ends_with("/mod.rs")
            && tokens.windows(2).any(|pair| matches!(pair[0].text.as_str(), "pub" | ")") && pair[1].text == "mod")
        {
            found.push(format!(
                "src/{name}: an area is entered through its mod.rs alone: `mod ..;`, and `pub use` of what others need"
            ));
        }
    }
    let lines = text.lines().count();
    if lines > MAX_LINES {
        found.push(format!(
            "src/{name}: {lines} lines; a file has one subject in about 300 lines. Make it a folder of the same name."
        ));
    }
    // How many `super` lead from this file's module to the crate's root.
    let depth = name.split('/').count() - usize::from(name.ends_with("/mod.rs"));
    for path in paths(&tokens) {
        let mut complain = |what: String| found.push(format!("src/{name}:{}: {what}", path.line));
        let supers = path.names.iter().take_while(|part| **part == "super").count();
        let crate_path = match path.names[0] {
            "crate" => Some(&path.names[1..]),
            "super" if supers >= depth => Some(&path.names[supers..]),
            _ => None,
        };
        if path.names[0] == "doorward" && !top {
            complain("write `crate::` instead of `doorward::`".into());
        }
        if let (Some(&[used, ..]), Some((_, may_use))) = (crate_path, rules)
            && used != layer
            && is_layer(used)
            && !may_use.iter().any(|may| may == used)
        {
            complain(format!("{layer} may not use {used}; it may use {may_use:?}"));
        }
        let written = path.names.join("::");
        let names = |what: &str| written == what || written.starts_with(&format!("{what}::"));
        if let Some((what, homes)) = HOMES.iter().find(|(what, homes)| names(what) && !homes.contains(&layer)) {
            complain(format!("`{what}` belongs to {}", homes.join(" or ")));
        }
        if layer == "domain"
            && let Some(what) = NOT_IN_DOMAIN.iter().find(|what| names(what))
        {
            complain(format!("`{what}` in domain: pure data and rules, no async, no IO, no clock"));
        }
    }
    for (at, token) in tokens.iter().enumerate() {
        let before = |back: usize| at.checked_sub(back).map_or("", |before| tokens[before].text.as_str());
        match token.text.as_str() {
            word @ ("async" | "await") if layer == "domain" => {
                found.push(format!("src/{name}:{}: `{word}` in domain: pure data and rules", token.line));
            }
            "allow" if before(1) == "[" && matches!(before(2), "#" | "!") => {
                found.push(format!("src/{name}:{}: `#[expect(.., reason = \"..\")]` instead of `#[allow`", token.line));
            }
            _ => {}
        }
    }
    found
}

struct Token {
    line: usize,
    text: String,
}

/// A path as code spells it, with groups multiplied out: `use a::{b, c::d}` is `a::b` and `a::c::d`.
struct Named<'a> {
    line: usize,
    names: Vec<&'a str>,
}

/// All paths of two names or more, and all that are imported.
fn paths(tokens: &[Token]) -> Vec<Named<'_>> {
    let text = |at: usize| tokens.get(at).map_or("", |token| token.text.as_str());
    let is_name = |at: usize| text(at).starts_with(|c: char| c.is_alphabetic() || c == '_');
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let continues = at > 1 && text(at - 1) == "::" && (is_name(at - 2) || text(at - 2) == ">");
        let imported = at > 0 && text(at - 1) == "use";
        if !is_name(at) || continues || !(imported || text(at + 1) == "::") {
            at += 1;
            continue;
        }
        let (mut names, mut groups) = (Vec::new(), Vec::new());
        loop {
            if is_name(at) {
                names.push(text(at));
                at += 1;
                if text(at) == "::" && (is_name(at + 1) || text(at + 1) == "{") {
                    at += 1;
                    continue;
                }
                found.push(Named { line: tokens[at - 1].line, names: names.clone() });
            } else if text(at) == "{" && !names.is_empty() {
                groups.push(names.len());
                at += 1;
                continue;
            }
            // One path ends here; inside a group the next begins with what the group shares.
            while !groups.is_empty() && !matches!(text(at), "," | "}" | "") {
                at += 1;
            }
            while text(at) == "}" && groups.pop().is_some() {
                at += 1;
            }
            match groups.last() {
                Some(shared) if at < tokens.len() => names.truncate(*shared),
                _ => break,
            }
            at += 1;
        }
    }
    found
}

/// Names, `::` and single characters; comments and literals are left out.
fn tokens(text: &str) -> Vec<Token> {
    let chars: Vec<char> = text.chars().collect();
    let starts = |at: usize, what: &str| what.chars().enumerate().all(|(i, c)| chars.get(at + i) == Some(&c));
    let (mut found, mut at, mut line) = (Vec::new(), 0, 1);
    while at < chars.len() {
        let begin = at;
        let raw = at + usize::from(chars[at] == 'b');
        let hashes = chars.iter().skip(raw + 1).take_while(|c| **c == '#').count();
        if starts(at, "//") {
            at += chars[at..].iter().take_while(|c| **c != '\n').count();
        } else if starts(at, "/*") {
            let mut open = 0;
            loop {
                let change = i32::from(starts(at, "/*")) - i32::from(starts(at, "*/"));
                open += change;
                at += if change == 0 { 1 } else { 2 };
                if open == 0 || at >= chars.len() {
                    break;
                }
            }
        } else if starts(raw, "r") && starts(raw + 1 + hashes, "\"") {
            let end = format!("\"{}", "#".repeat(hashes));
            at = raw + 2 + hashes;
            while at < chars.len() && !starts(at, &end) {
                at += 1;
            }
            at += end.len();
        } else if starts(at, "\"") || (starts(at, "'") && (starts(at + 1, "\\") || starts(at + 2, "'"))) {
            at += 1;
            while at < chars.len() && chars[at] != chars[begin] {
                at += if chars[at] == '\\' { 2 } else { 1 };
            }
            at += 1;
        } else if chars[at].is_alphanumeric() || chars[at] == '_' {
            at += chars[at..].iter().take_while(|c| c.is_alphanumeric() || **c == '_').count();
            found.push(Token { line, text: chars[begin..at].iter().collect() });
        } else {
            at += if starts(at, "::") { 2 } else { 1 };
            if !chars[begin].is_whitespace() {
                found.push(Token { line, text: chars[begin..at].iter().collect() });
            }
        }
        at = at.min(chars.len());
        line += chars[begin..at].iter().filter(|c| **c == '\n').count();
    }
    found
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("a folder entry").path();
        if path.is_dir() {
            found.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}
