//! The mails that a service has sent, as files.

use std::fs;

use super::app::TestApp;

/// One mail, as it would travel.
#[derive(Clone, Debug)]
pub(crate) struct Mail {
    /// What it is about.
    pub(crate) kind: String,
    /// Its whole text.
    pub(crate) text: String,
}

impl Mail {
    /// The value of a header.
    #[track_caller]
    pub(crate) fn header(&self, name: &str) -> &str {
        let head = self.text.split("\r\n\r\n").next().unwrap_or_default();
        let line = head.split("\r\n").find(|line| line.starts_with(&format!("{name}: ")));
        line.unwrap_or_else(|| panic!("no {name} in {}", self.text)).split_once(": ").expect("a value").1
    }

    /// The link, where there is one.
    pub(crate) fn link(&self) -> Option<&str> {
        self.text.split("\r\n").find(|line| line.starts_with("http"))
    }

    /// The token of the link.
    #[track_caller]
    pub(crate) fn token(&self) -> String {
        let token =
            self.link().and_then(|link| link.split_once('#')).and_then(|(_, fragment)| fragment.split_once('='));
        let token = token.unwrap_or_else(|| panic!("no token in {}", self.text)).1.to_owned();
        super::trace::remember(&token);
        token
    }
}

impl TestApp {
    /// Waits until nothing is left that could be sent now.
    pub(crate) async fn all_sent(&self) {
        let now = self.clock.now().micros();
        self.service().mail.wake();
        self.until(&format!("SELECT count(*) FROM outbox WHERE done_at IS NULL AND due_at <= {now}"), 0).await;
    }

    /// The mails to an address since it was last asked: the oldest first, by the second, and those of one second by what they are about, for
    /// nothing says which of them goes first. They are taken out of the mailbox.
    pub(crate) async fn mails(&self, to: &str) -> Vec<Mail> {
        self.all_sent().await;
        let Ok(folder) = fs::read_dir(self.mail_folder()) else { return Vec::new() };
        let mut files: Vec<_> = folder.map(|entry| entry.expect("an entry").path()).collect();
        files.retain(|path| path.extension().is_some_and(|end| end == "eml"));
        // `<time>-<name>-<kind>`.
        files.sort_by_key(|path| {
            let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
            let mut parts = name.splitn(3, '-').map(str::to_owned);
            (parts.next(), parts.nth(1))
        });
        let mut mails = Vec::new();
        for path in files {
            let text = fs::read_to_string(&path).expect("a mail");
            let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
            let kind = name.rsplit('-').next().unwrap_or_default().to_owned();
            let mail = Mail { kind, text };
            if mail.header("To") == to {
                fs::remove_file(&path).expect("a file to remove");
                mails.push(mail);
            }
        }
        mails
    }

    /// The only mail to an address since it was last asked.
    #[track_caller]
    pub(crate) fn mail(&self, to: &str) -> impl Future<Output = Mail> {
        let to = to.to_owned();
        async move {
            let mut mails = self.mails(&to).await;
            assert_eq!(mails.len(), 1, "{mails:#?}");
            mails.remove(0)
        }
    }
}
