//! Whether mail would arrive, as far as that shows without sending any.

use super::Report;
use crate::config::Config;
use crate::config::mail::{Tls, Transport};
use crate::platform::mail::{Post, Step, Stopped};

pub(super) async fn look(config: &Config, report: &mut Report) {
    let mail = &config.mail;
    let smtp = match &mail.transport {
        Some(Transport::Smtp(smtp)) => smtp,
        Some(Transport::Folder(folder)) => {
            report.warn(
                "mail",
                format!("nobody gets mail: each is a file in {}", folder.display()),
                "set SMTP_HOST and MAIL_FROM before anybody else uses this",
            );
            return;
        }
        None => {
            report.warn(
                "mail",
                "no mail is sent: nobody can ask for a new password",
                "set SMTP_HOST, MAIL_FROM and RESET_URL",
            );
            return;
        }
    };
    let Some(from) = &mail.from else {
        report.fail("mail", "nobody is named whom mails are from", "set MAIL_FROM");
        return;
    };
    let server = format!("{}:{}", smtp.host, smtp.port);
    let post = match Post::new(&Transport::Smtp(smtp.clone()), from.address.domain()) {
        Ok(post) => post,
        Err(error) => {
            report.fail("mail", error.to_string(), "let SMTP_CA name a file of certificates (PEM), or leave it out");
            return;
        }
    };
    let sender = mail.bounce.as_ref().unwrap_or(&from.address);
    let encrypted = if smtp.tls == Tls::None { "without TLS, on this machine" } else { "over TLS" };
    match post.check(sender).await {
        Ok(()) => report.ok(
            "mail",
            format!(
                "{server} takes mail from {}, {encrypted}; `doorward mail test ADDRESS` shows whether it arrives",
                sender.as_str()
            ),
        ),
        Err(Stopped { at, why }) => report.fail("mail", format!("{server}: {why}"), remedy(at, smtp.tls)),
    }
}

const fn remedy(at: Step, tls: Tls) -> &'static str {
    match (at, tls) {
        (Step::Connect, Tls::Wrapper) => {
            "are SMTP_HOST and SMTP_PORT right, does a firewall stand between, and does the server speak TLS from the first byte there \
             (else SMTP_TLS=required)? A private authority is named by SMTP_CA; the certificate must be for the name in SMTP_HOST"
        }
        (Step::Connect, _) => {
            "are SMTP_HOST and SMTP_PORT right, and does a firewall stand between? Many hosters close port 25: take 587, or 465 with \
             SMTP_TLS=wrapper"
        }
        (Step::StartTls, _) => {
            "nothing is sent in plain text: the server must offer STARTTLS (or SMTP_TLS=wrapper with its port), with a certificate for the \
             name in SMTP_HOST; a private authority is named by SMTP_CA"
        }
        (Step::Login, _) => {
            "SMTP_USER and SMTP_PASSWORD are not what the server wants; many providers need an app password"
        }
        (Step::Sender, _) => "MAIL_FROM, or MAIL_BOUNCE, must be an address that this server may send for",
    }
}
