//! Names that look like a setting and are none.

use std::collections::BTreeSet;

use super::declarations::SECTIONS;
use super::problem::Problem;
use super::source::Source;

/// One warning for each name that is set, is unknown, and is nearly the name of a setting.
pub(super) fn warnings(source: &Source) -> Vec<Problem> {
    let known: Vec<String> = SECTIONS
        .iter()
        .flat_map(|(_, declarations)| declarations.iter())
        .flat_map(|declaration| [declaration.name.to_owned(), format!("{}_FILE", declaration.name)])
        .collect();
    let names: BTreeSet<&str> = source.names().collect();
    names
        .into_iter()
        .filter(|name| !known.iter().any(|known| known == name))
        .filter_map(|name| {
            let nearest = nearest(name, &known)?;
            Some(Problem::new(name, format!("is not a setting and is ignored; did you mean {nearest}?")))
        })
        .collect()
}

/// Within two letters, whatever the case; short names within one, for `HOME` is near `HOST`.
fn nearest<'a>(name: &str, known: &'a [String]) -> Option<&'a str> {
    let name = name.to_ascii_uppercase();
    // Names of another length are further away than that: most need no closer look.
    let alike = known.iter().filter(|known| known.len().abs_diff(name.len()) <= 2);
    let distances = alike.map(|known| (strsim::osa_distance(&name, known), known.as_str()));
    let (distance, nearest) = distances.min_by_key(|(distance, _)| *distance)?;
    let reach = if nearest.len() < 7 { 1 } else { 2 };
    (distance <= reach).then_some(nearest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_noticed_and_foreign_names_are_not() {
        let named = |name: &str| warnings(&Source::from_pairs([(name, "x")])).pop().map(|warning| warning.to_string());
        for (name, meant) in [
            ("DATABSE_URL", "DATABASE_URL"),
            ("ALLOWED_ORIGIN", "ALLOWED_ORIGINS"),
            ("JWT_SECRETKEY", "JWT_SECRET_KEY"),
            ("JWT_SECRET_KEY_FIEL", "JWT_SECRET_KEY_FILE"),
            ("database_url", "DATABASE_URL"),
            ("PROT", "PORT"),
        ] {
            assert!(named(name).unwrap().contains(&format!("did you mean {meant}?")), "{name}");
        }
        for name in
            ["HOME", "PATH", "PWD", "LANG", "TERM", "USER", "SHELL", "PORT", "PORT_FILE", "DATABASE_HOST", "HOSTNAME"]
        {
            assert_eq!(named(name), None, "{name}");
        }
    }
}
