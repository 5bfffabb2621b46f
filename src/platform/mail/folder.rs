//! Mails as files, for development: whatever the service would send is there to be read.

use std::io;
use std::path::{Path, PathBuf};

use tokio::fs;
use tokio::io::AsyncWriteExt as _;

use super::message::Letter;
use super::smtp::SendError;

/// Writes `<time>-<kind>.eml`. It appears under its name with its whole content.
pub(super) async fn write(folder: &Path, letter: &Letter<'_>) -> Result<PathBuf, SendError> {
    let text = letter.message().map_err(|error| SendError::Never(error.to_string()))?;
    let stamp: String = letter.date.to_string().chars().filter(char::is_ascii_alphanumeric).collect();
    let short = letter.id.get(..6).unwrap_or(letter.id);
    let path = folder.join(format!("{stamp}-{short}-{}.eml", letter.kind));
    let unfinished = folder.join(format!(".{}.unfinished", letter.id));
    let written = async {
        make_private_folder(folder).await?;
        put(&unfinished, text.as_bytes()).await?;
        fs::rename(&unfinished, &path).await
    };
    written.await.map_err(|error: io::Error| SendError::Later(format!("{}: {error}", folder.display())))?;
    Ok(path)
}

/// Only this user may read it: it is as good as a password.
async fn put(path: &Path, text: &[u8]) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    options.mode(0o600);
    let mut file = options.open(path).await?;
    file.write_all(text).await?;
    file.flush().await
}

async fn make_private_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    builder.mode(0o700);
    builder.create(folder).await
}
