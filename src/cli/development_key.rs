//! The keys of a development server: made once, so that a restart logs nobody out.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::config::database::Location;
use crate::config::secret::Secret;
use crate::platform::random::Random;

/// Reads the key that is kept in place of `setting`, or makes it where there is none. Servers that start at the same time agree on
/// one.
pub(super) fn load_or_make(location: &Location, setting: &str, random: &Random) -> anyhow::Result<Secret> {
    let path = &path(location, setting);
    let failed = || format!("cannot keep a key in {}; with {setting} set none is kept", path.display());
    if !path.try_exists().with_context(failed)? {
        make(path, random).with_context(failed)?;
    }
    let bytes = fs::read(path).with_context(failed)?;
    ensure!(
        bytes.len() >= 32,
        "{} is damaged: remove it, and a new key is made (everybody must log in again)",
        path.display()
    );
    Ok(Secret::new(bytes))
}

/// Beside the SQLite database, else in `data`: a file named as the setting.
fn path(location: &Location, setting: &str) -> PathBuf {
    let folder = match location {
        Location::Sqlite(database) => database.parent().unwrap_or(Path::new("")),
        Location::Postgres(_) => Path::new("data"),
    };
    folder.join(setting.to_ascii_lowercase())
}

/// The file appears under its name with its whole content, or not at all; one that is there already stays.
fn make(path: &Path, random: &Random) -> anyhow::Result<()> {
    let key = URL_SAFE_NO_PAD.encode(random.bytes::<48>()?);
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    make_private_folder(folder)?;
    let unfinished = folder.join(format!(".key.{}", URL_SAFE_NO_PAD.encode(random.bytes::<12>()?)));
    let made = write_private(&unfinished, key.as_bytes()).and_then(|()| {
        // Unlike a rename, a link does not replace the key of a server that was faster.
        match fs::hard_link(&unfinished, path) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
            other => other,
        }
    });
    let removed = fs::remove_file(&unfinished);
    made.and(removed).and_then(|()| sync_folder(folder))?;
    Ok(())
}

/// Makes a folder that only this user may enter; one that is there already stays as it is.
pub(super) fn make_private_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

fn write_private(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(content)?;
    file.sync_all()
}

/// Makes the new name survive a power cut; Windows offers no such thing.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTING: &str = "SECRET_KEY";

    fn beside(folder: &Path) -> Location {
        Location::Sqlite(folder.join("doorward.db"))
    }

    #[test]
    fn servers_that_start_together_agree() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("data");
        let random = Random::system();
        let load = || load_or_make(&beside(&folder), SETTING, &random).unwrap();
        let keys: Vec<Secret> = std::thread::scope(|scope| {
            let starts: Vec<_> = (0..16).map(|_| scope.spawn(load)).collect();
            starts.into_iter().map(|start| start.join().unwrap()).collect()
        });
        assert!(keys.iter().all(|key| key == &keys[0]) && keys[0].reveal().len() == 64);
        let left: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["secret_key"]);
        // Each setting has a key of its own.
        assert_ne!(load_or_make(&beside(&folder), "JWT_SECRET_KEY", &random).unwrap(), keys[0]);
    }

    #[test]
    #[cfg(unix)]
    fn the_key_is_for_this_user_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("data");
        load_or_make(&beside(&folder), SETTING, &Random::system()).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&folder.join("secret_key")), mode(&folder)), (0o600, 0o700));
    }

    #[test]
    fn a_damaged_key_is_not_used() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("secret_key"), "short").unwrap();
        let error = load_or_make(&beside(folder.path()), SETTING, &Random::system()).unwrap_err().to_string();
        assert!(error.contains("is damaged") && !error.contains("short"), "{error}");
    }
}
