//! The documentation of the settings, made from their declarations.

use super::declarations::SECTIONS;
use super::setting::{Declaration, Default};

/// The command that accepts a change of `docs/configuration.md` and `.env.example`.
pub const ACCEPT: &str =
    "cargo run -q -- settings > docs/configuration.md && cargo run -q -- settings --env > .env.example";

const INTRODUCTION: &str = "
# Configuration

Doorward runs without any setting, for development. Settings are environment variables.

- A file `.env` in the working directory is read where it is present; the real environment wins over it. Its values are taken
  literally: `NAME=value`, with single quotes where a value holds quotes or ` #`; `$` means nothing.
- Any setting can be read from a file: `JWT_SECRET_KEY_FILE=/run/secrets/jwt_secret_key`. One newline at the end is cut. Setting
  both the name and its `_FILE` is an error.
- An empty value counts as unset.
- Durations are written `30s`, `5m`, `1h`, `7d`; limits `5/1m`: at most 5 in any span of one minute; `true` and `false` mean `on` and
  `off`.
- All problems are reported at once, by name and never with the value, and Doorward exits with code 2. A name that is nearly a
  setting's name is warned about.
- With `ENVIRONMENT=production` settings that are not safe on the internet are refused, with the reason.
";

/// The whole of `docs/configuration.md`.
#[must_use]
pub fn markdown() -> String {
    let table = |(section, declarations): &(&str, &[&Declaration])| {
        let rows: String = declarations.iter().map(|declaration| row(declaration)).collect();
        format!("\n## {section}\n\n| name | default | values | |\n|---|---|---|---|\n{rows}")
    };
    let tables: String = SECTIONS.iter().map(table).collect();
    format!("<!-- Generated from src/config/declarations.rs. To update: {ACCEPT} -->\n{INTRODUCTION}{tables}")
}

fn row(declaration: &Declaration) -> String {
    let Declaration { name, values, doc, .. } = declaration;
    format!("| `{name}` | {} | {values} | {doc} |\n", defaults(declaration))
}

/// The whole of `.env.example`: every setting, commented out.
#[must_use]
pub fn dotenv() -> String {
    let section = |(section, declarations): &(&str, &[&Declaration])| {
        let settings: String = declarations.iter().map(|declaration| example(declaration)).collect();
        format!("\n# {section}\n{settings}")
    };
    let sections: String = SECTIONS.iter().map(section).collect();
    format!(
        "# Generated from src/config/declarations.rs. To update:\n# {ACCEPT}\n#\n\
         # Copy to .env and remove the # before what you set. docs/configuration.md tells which values there are.\n{sections}"
    )
}

fn example(declaration: &Declaration) -> String {
    let Declaration { name, doc, development, production, .. } = declaration;
    let value = match (development, production) {
        (Default::Is(value), _) | (_, Default::Is(value)) => value,
        _ => "",
    };
    format!("\n# {doc}\n# Default: {}.\n#{name}={value}\n", defaults(declaration))
}

fn defaults(declaration: &Declaration) -> String {
    if declaration.development == declaration.production {
        shown(declaration.development)
    } else {
        format!("{}; in production {}", shown(declaration.development), shown(declaration.production))
    }
}

fn shown(default: Default) -> String {
    match default {
        Default::Is(value) => format!("`{value}`"),
        Default::Unset(meaning) => format!("unset ({meaning})"),
        Default::Required(remedy) => format!("required: {remedy}"),
    }
}
