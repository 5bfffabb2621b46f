//! Reads a `.env` file: `NAME=value`, one a line.
//!
//! Values are taken literally: nothing is substituted. A reader that replaces `$word` by a variable silently cuts passwords
//! that hold a `$`.

use super::problem::Problem;
use super::source::Variables;

/// Parses the file's text; lines that are wrong are named by their number.
pub(super) fn parse(text: &str) -> (Variables, Vec<Problem>) {
    let (mut variables, mut problems) = (Variables::new(), Vec::new());
    for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let place = || format!(".env, line {},", index + 1);
        match assignment(line) {
            Ok(Some((name, value))) => {
                if variables.insert(name.to_owned(), value.into_bytes()).is_some() {
                    problems.push(Problem::new(place(), "sets a name that an earlier line sets too"));
                }
            }
            Ok(None) => {}
            Err(reason) => problems.push(Problem::new(place(), reason)),
        }
    }
    (variables, problems)
}

/// The assignment on one line; none: empty or a comment.
fn assignment(line: &str) -> Result<Option<(&str, String)>, &'static str> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return Ok(None);
    }
    let line = line.strip_prefix("export ").unwrap_or(line);
    let (name, value) = line.split_once('=').ok_or("is not of the form NAME=value")?;
    let name = name.trim();
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.' || c == '-';
    if name.is_empty() || !name.chars().all(plain) {
        return Err("is not of the form NAME=value");
    }
    let value = value.trim_start();
    Ok(Some((
        name,
        match value.chars().next() {
            Some(quote @ ('"' | '\'')) => quoted(&value[1..], quote)?,
            _ => plain_value(value)?.to_owned(),
        },
    )))
}

/// Up to a comment, which begins with ` #`.
fn plain_value(value: &str) -> Result<&str, &'static str> {
    let comment = [" #", "\t#"].iter().filter_map(|mark| value.find(mark)).min();
    let value = if value.starts_with('#') { "" } else { value[..comment.unwrap_or(value.len())].trim_end() };
    if value.contains("${") {
        return Err("holds ${..}, which is not replaced here: write the value itself, or put it in single quotes");
    }
    Ok(value)
}

/// Up to the closing quote. In double quotes `\"`, `\\`, `\$` and `\n` are escapes; in single quotes nothing is.
fn quoted(rest: &str, quote: char) -> Result<String, &'static str> {
    let mut value = String::new();
    let mut characters = rest.chars();
    loop {
        match characters.next() {
            None => return Err("has a quote that is not closed on the same line"),
            Some(c) if c == quote => break,
            Some('\\') if quote == '"' => match characters.next() {
                Some('n') => value.push('\n'),
                Some(c @ ('"' | '\\' | '$')) => value.push(c),
                _ => return Err(r#"has a backslash in double quotes before something else than ", \, $ or n"#),
            },
            Some('$') if quote == '"' && characters.as_str().starts_with('{') => {
                return Err(
                    "holds ${..}, which is not replaced here: write the value itself, or put it in single quotes",
                );
            }
            Some(c) => value.push(c),
        }
    }
    match characters.as_str().trim_start() {
        "" => Ok(value),
        comment if comment.starts_with('#') => Ok(value),
        _ => Err("goes on after the closing quote"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(line: &str) -> Result<String, String> {
        let (variables, problems) = parse(line);
        match problems.first() {
            Some(problem) => Err(problem.to_string()),
            None => Ok(variables
                .into_iter()
                .next()
                .map_or_else(String::new, |(name, value)| format!("{name}={}", String::from_utf8_lossy(&value)))),
        }
    }

    #[test]
    fn values_are_literal() {
        for (line, expected) in [
            ("", ""),
            ("  # PORT=1", ""),
            ("PORT=9000", "PORT=9000"),
            ("\u{feff}PORT=9000\r", "PORT=9000"),
            ("export PORT = 9000  # the port", "PORT=9000"),
            ("PORT=", "PORT="),
            ("PORT= # none", "PORT="),
            ("KEY=a#b$c=d e", "KEY=a#b$c=d e"),
            ("KEY='a \"#\\$ ${b}'", "KEY=a \"#\\$ ${b}"),
            (r#"KEY="a \"b\" \$ # \\ \n" # end"#, "KEY=a \"b\" $ # \\ \n"),
            ("KEY='é'", "KEY=é"),
        ] {
            assert_eq!(one(line).as_deref(), Ok(expected), "{line}");
        }
    }

    #[test]
    fn wrong_lines_are_named_by_number_and_not_shown() {
        for line in [
            "canary",
            "=canary",
            "can ary=1",
            "A='canary",
            "A=\"canary\\x\"",
            "A='canary'b",
            "A=${canary}",
            "A=\"${canary}\"",
        ] {
            let report = one(&format!("\n{line}")).unwrap_err();
            assert!(report.starts_with(".env, line 2, "), "{report}");
            assert!(!report.contains("canary") && !report.contains("can ary"), "{report}");
        }
        assert!(one("A=1\nA=2").unwrap_err().starts_with(".env, line 2, "));
    }
}
