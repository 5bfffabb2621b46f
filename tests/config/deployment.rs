//! The files in `deploy/` name settings that there are: a misspelt one would be passed over in silence.

use std::fs;
use std::path::Path;

use doorward::config::declarations::SECTIONS;
use doorward::config::{Config, Source};

/// Variables that are no settings of Doorward's.
const OTHERS: [&str; 4] = ["POSTGRES_USER", "POSTGRES_DB", "POSTGRES_PASSWORD", "CMD"];

#[test]
fn what_the_deployment_files_set_is_a_setting() {
    let known: Vec<&str> =
        SECTIONS.iter().flat_map(|(_, settings)| settings.iter().map(|setting| setting.name)).collect();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy");
    let mut seen = 0;
    for file in ["compose.yaml", "kubernetes.yaml", "doorward.service", "Dockerfile"] {
        let text = fs::read_to_string(folder.join(file)).unwrap();
        // `NAME: value` in compose.yaml, `name: NAME,` in kubernetes.yaml, `NAME=value` elsewhere.
        let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
        let words = lines.filter_map(|line| match file {
            "compose.yaml" => line.trim_start().split_once(": ").map(|(name, _)| vec![name]),
            "kubernetes.yaml" => Some(vec![line.trim_start().strip_prefix("- { name: ")?.split(',').next()?]),
            "Dockerfile" => {
                Some(line.strip_prefix("ENV ")?.split(' ').filter_map(|pair| Some(pair.split_once('=')?.0)).collect())
            }
            _ => Some(
                line.strip_prefix("Environment=")?
                    .split(' ')
                    .filter_map(|pair| Some(pair.split_once('=')?.0))
                    .collect(),
            ),
        });
        let is_name =
            |word: &&str| word.len() > 3 && word.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
        for word in words.flatten().filter(is_name).filter(|word| !OTHERS.contains(word)) {
            assert!(known.contains(&word.strip_suffix("_FILE").unwrap_or(word)), "{file} sets {word}");
            seen += 1;
        }
    }
    assert!(seen >= 18, "only {seen} were found");
}

/// Settings that a page of the documentation shows whole are taken, in production too, without a warning.
#[test]
fn what_the_documents_set_is_taken() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let mut seen = 0;
    for page in ["deployment.md", "topologies.md", "operations.md"] {
        let text = fs::read_to_string(docs.join(page)).unwrap();
        for block in text.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next()) {
            let lines = block.lines().map(|line| line.split(" #").next().unwrap_or_default().trim_end());
            let pairs: Option<Vec<(&str, String)>> = lines
                .map(|line| {
                    let (name, value) = line.split_once('=')?;
                    let is_name = name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
                    let key = if name == "SECRET_KEY" {
                        "u7Qw2LkVn8cXe5RbYt1HgZ0sDf6JpAo3"
                    } else {
                        "o8JmF0kq2mXyq1T0l3b7b0r8Rk3x5m5v"
                    };
                    (is_name && !value.contains(' ')).then(|| (name, value.replace("...", key)))
                })
                .collect();
            let Some(pairs) = pairs else { continue };
            let now = doorward::domain::timestamp::Timestamp::from_seconds(1_800_000_000);
            let config =
                Config::load(&Source::from_pairs(pairs), now).unwrap_or_else(|wrong| panic!("{page}: {wrong}"));
            // Whether there is mail is the team's to say.
            let warnings: Vec<_> = config.warnings.iter().filter(|warning| warning.name != "SMTP_HOST").collect();
            assert!(warnings.is_empty(), "{page}: {warnings:?}");
            seen += 1;
        }
    }
    assert!(seen >= 4, "only {seen} were found");
}
