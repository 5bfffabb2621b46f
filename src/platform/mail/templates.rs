//! What mails say: a text for each kind, which a team may replace by its own.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use minijinja::{Environment, UndefinedBehavior};
use serde::Serialize;

use crate::domain::mail::{Facts, Kind};

/// What a template may use.
#[derive(Clone, Debug, Serialize)]
pub struct Context {
    /// `APP_NAME`.
    pub app_name: String,
    /// Where the mail leads, with its token. None: nowhere.
    pub link: Option<String>,
    /// What is to be typed in, in a mail that has a code in the place of a link.
    pub code: Option<String>,
    /// Until when the link, or the code, is good, such as `2026-11-29 22:30 UTC`.
    pub valid_until: Option<String>,
    /// When it happened, in the same form.
    pub at: String,
    /// The person's name; none where the address is not confirmed.
    pub name: Option<String>,
    /// Such as "Firefox on Linux"; none where the address is not confirmed.
    pub device: Option<String>,
    /// From where it was done; none where the address is not confirmed.
    pub ip: Option<String>,
    /// A day that the mail tells of, such as `2026-11-29`.
    pub on: Option<String>,
}

/// A mail's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// One line.
    pub subject: String,
    /// The plain text.
    pub text: String,
    /// The same as HTML, where a team has brought a template for it.
    pub html: Option<String>,
}

/// Something that is wrong with a team's template: which file, and what.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {what}")]
pub struct TemplateProblem {
    /// The file's name in `MAIL_TEMPLATES`.
    pub file: String,
    /// What is wrong.
    pub what: String,
}

/// All templates.
pub struct Templates(Environment<'static>);

/// Doorward's own.
const fn own(kind: Kind) -> &'static str {
    match kind {
        Kind::Reset => include_str!("templates/reset.txt"),
        Kind::PasswordChanged => include_str!("templates/password_changed.txt"),
        Kind::PasswordReset => include_str!("templates/password_reset.txt"),
        Kind::NewDevice => include_str!("templates/new_device.txt"),
        Kind::SessionReuse => include_str!("templates/session_reuse.txt"),
        Kind::AccountDeleted => include_str!("templates/account_deleted.txt"),
        Kind::DeletionPlanned => include_str!("templates/deletion_planned.txt"),
        Kind::Verify => include_str!("templates/verify.txt"),
        Kind::Registration => include_str!("templates/registration.txt"),
        Kind::AddressTaken => include_str!("templates/address_taken.txt"),
        Kind::AddressLeft => include_str!("templates/address_left.txt"),
        Kind::EmailChange => include_str!("templates/email_change.txt"),
        Kind::EmailChanging => include_str!("templates/email_changing.txt"),
        Kind::EmailChanged => include_str!("templates/email_changed.txt"),
        Kind::EnrolmentCode => include_str!("templates/enrolment_code.txt"),
        Kind::FactorAdded => include_str!("templates/factor_added.txt"),
        Kind::FactorRemoved => include_str!("templates/factor_removed.txt"),
        Kind::FactorRecovery => include_str!("templates/factor_recovery.txt"),
        Kind::FactorRecoveryStarted => include_str!("templates/factor_recovery_started.txt"),
        Kind::FactorRecoveryReady => include_str!("templates/factor_recovery_ready.txt"),
        Kind::RecoveryCodeUsed => include_str!("templates/recovery_code_used.txt"),
        Kind::RecoveryCodesMade => include_str!("templates/recovery_codes_made.txt"),
        Kind::WrongCode => include_str!("templates/wrong_code.txt"),
        Kind::Test => include_str!("templates/test.txt"),
    }
}

impl Templates {
    /// Doorward's own, and in their place those of the folder, all of which are tried.
    ///
    /// # Errors
    /// Everything that is wrong with the folder's, at once.
    pub fn load(folder: Option<&Path>) -> Result<Self, Vec<TemplateProblem>> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_trim_blocks(true);
        environment.set_lstrip_blocks(true);
        let mut problems = Vec::new();
        let mut add = |file: String, text: String| {
            if let Err(error) = environment.add_template_owned(file.clone(), text) {
                problems.push(TemplateProblem { file, what: told(&error) });
            }
        };
        for kind in Kind::ALL {
            add(format!("{}.txt", kind.as_str()), own(kind).to_owned());
        }
        let brought = match folder.map(read).transpose() {
            Ok(brought) => brought.unwrap_or_default(),
            Err(problem) => return Err(vec![problem]),
        };
        for (file, text) in brought {
            add(file, text);
        }
        let templates = Self(environment);
        problems.extend(Kind::ALL.into_iter().filter_map(|kind| templates.check(kind).err()));
        if problems.is_empty() { Ok(templates) } else { Err(problems) }
    }

    /// The words of a mail.
    ///
    /// # Errors
    /// What is wrong with the template; [`Templates::load`] has found none of it with values like these.
    pub fn render(&self, kind: Kind, context: &Context) -> Result<Rendered, TemplateProblem> {
        let file = format!("{}.txt", kind.as_str());
        let whole = self.one(&file, context)?;
        let wrong = |what: &str| TemplateProblem { file: file.clone(), what: what.to_owned() };
        let (subject, text) = whole.split_once('\n').ok_or_else(|| wrong("has one line alone"))?;
        let subject = subject.strip_prefix("Subject:").ok_or_else(|| wrong("does not begin with `Subject:`"))?.trim();
        if subject.is_empty() || subject.chars().count() > 200 || subject.chars().any(char::is_control) {
            return Err(wrong("must have a subject of 1 to 200 characters"));
        }
        let html = format!("{}.html", kind.as_str());
        let html = self.0.get_template(&html).is_ok().then(|| self.one(&html, context)).transpose()?;
        Ok(Rendered { subject: subject.to_owned(), text: format!("{}\n", text.trim()), html })
    }

    fn one(&self, file: &str, context: &Context) -> Result<String, TemplateProblem> {
        let rendered = self.0.get_template(file).and_then(|template| template.render(context));
        rendered.map_err(|error| TemplateProblem { file: file.to_owned(), what: told(&error) })
    }

    /// Tries a template with all that it may be given, and with as little as it may be.
    fn check(&self, kind: Kind) -> Result<(), TemplateProblem> {
        for facts in [Facts::default(), example_facts()] {
            let context = Context::example(kind, facts);
            let rendered = self.render(kind, &context)?;
            let (name, value) = match (context.link, context.code) {
                (None, Some(code)) => ("code", code),
                (link, _) => ("link", link.unwrap_or_default()),
            };
            let stands_alone = |text: &str| text.lines().any(|line| line == value);
            if kind.needs_link() && !stands_alone(&rendered.text) {
                let what = format!("must have a line with `{{{{ {name} }}}}` and nothing else");
                return Err(TemplateProblem { file: format!("{}.txt", kind.as_str()), what });
            }
        }
        Ok(())
    }
}

impl Context {
    /// As it would be, for a look at a template.
    #[must_use]
    pub fn example(kind: Kind, facts: Facts) -> Self {
        let (links, codes) = (kind.purpose().filter(|of| !of.is_code()), kind.purpose().filter(|of| of.is_code()));
        let link = format!("https://app.example.com/{}#token={}", kind.as_str(), "A".repeat(43));
        Self {
            app_name: "Example".to_owned(),
            valid_until: kind.purpose().map(|_| "2026-01-31 12:30 UTC".to_owned()),
            link: links.map(|_| link),
            code: codes.map(|_| "7k3m-p2xd".to_owned()),
            at: "2026-01-31 12:00 UTC".to_owned(),
            name: facts.name,
            device: facts.device,
            ip: facts.ip,
            on: facts.on.or_else(|| Some("2026-01-31".to_owned())),
        }
    }
}

fn example_facts() -> Facts {
    let text = |text: &str| Some(text.to_owned());
    Facts { name: text("Ann"), device: text("Firefox on Linux"), ip: text("192.0.2.7"), on: None }
}

/// The files of a folder.
fn read(folder: &Path) -> Result<Vec<(String, String)>, TemplateProblem> {
    let failed =
        |file: &str, error: &std::io::Error| TemplateProblem { file: file.to_owned(), what: error.to_string() };
    let whole = folder.display().to_string();
    let known: BTreeSet<String> =
        Kind::ALL.iter().flat_map(|kind| ["txt", "html"].map(|end| format!("{}.{end}", kind.as_str()))).collect();
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(|error| failed(&whole, &error))? {
        let entry = entry.map_err(|error| failed(&whole, &error))?;
        let file = entry.file_name().to_string_lossy().into_owned();
        // What editors and version control leave behind.
        if file.starts_with('.') || file.ends_with('~') {
            continue;
        }
        if !known.contains(&file) {
            let what = format!("is no template; there are {}", known.iter().cloned().collect::<Vec<_>>().join(", "));
            return Err(TemplateProblem { file, what });
        }
        let text = fs::read_to_string(entry.path()).map_err(|error| failed(&file, &error))?;
        files.push((file, text));
    }
    files.sort();
    Ok(files)
}

/// What minijinja says, in one line.
fn told(error: &minijinja::Error) -> String {
    let line = error.line().map(|line| format!(", line {line}")).unwrap_or_default();
    format!(
        "{}{line}",
        error.detail().map_or_else(|| error.kind().to_string(), |detail| format!("{}: {detail}", error.kind()))
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doorwards_own_are_short_lines_of_plain_words() {
        let templates = Templates::load(None).unwrap_or_else(|problems| panic!("{problems:?}"));
        for kind in Kind::ALL {
            for facts in [Facts::default(), example_facts()] {
                let context = Context::example(kind, facts);
                let Rendered { subject, text, html } = templates.render(kind, &context).unwrap();
                assert!(subject.contains("Example") && html.is_none(), "{subject}");
                let (leads, link) = (context.link.is_some(), context.link.unwrap_or_default());
                for line in text.lines().filter(|line| *line != link) {
                    assert!(line.len() < 75 && line.is_ascii() && line.trim_end() == line, "{kind:?}: {line:?}");
                }
                assert_eq!(text.matches("://").count(), usize::from(leads), "{text}");
                assert!(!text.contains("\n\n\n") && text.ends_with(".\n"), "{kind:?}: {text:?}");
            }
        }
    }

    /// Where there is no page for it a notice has no link.
    #[test]
    fn notices_do_without_a_link() {
        let templates = Templates::load(None).unwrap_or_else(|problems| panic!("{problems:?}"));
        for kind in Kind::ALL.into_iter().filter(|kind| !kind.needs_link()) {
            let context = Context { link: None, valid_until: None, ..Context::example(kind, Facts::default()) };
            assert!(!templates.render(kind, &context).unwrap().text.contains("://"));
        }
    }

    #[test]
    fn a_teams_own_take_their_place_and_are_tried_at_start() {
        let folder = tempfile::tempdir().unwrap();
        let put = |file: &str, text: &str| fs::write(folder.path().join(file), text).unwrap();
        put("reset.txt", "Subject: Neues Kennwort\n\nHallo {{ name or 'du' }},\n\n{{ link }}\n");
        put("reset.html", "<p>{{ name }}</p><a href=\"{{ link }}\">Neu</a>");
        put("reset.txt~", "");
        let templates = Templates::load(Some(folder.path())).unwrap_or_else(|problems| panic!("{problems:?}"));
        let facts = Facts { name: Some("<b>Ann".to_owned()), ..Facts::default() };
        let rendered = templates.render(Kind::Reset, &Context::example(Kind::Reset, facts)).unwrap();
        assert_eq!(rendered.subject, "Neues Kennwort");
        assert!(rendered.text.starts_with("Hallo <b>Ann,\n"));
        assert!(rendered.html.unwrap().contains("&lt;b&gt;Ann"));

        put("reset.txt", "Subject: X\n\n{{ lnik }}\n");
        put("new_device.txt", "Subject: {{ app_name\n");
        put("password_changed.txt", "Hello.\n");
        let files = || {
            let problems = Templates::load(Some(folder.path())).err().unwrap_or_default();
            problems.into_iter().map(|problem| problem.file).collect::<BTreeSet<_>>()
        };
        assert_eq!(files(), ["new_device.txt", "password_changed.txt", "reset.txt"].map(str::to_owned).into());
        put("reset.text", "");
        assert_eq!(files(), ["reset.text".to_owned()].into());
    }
}
