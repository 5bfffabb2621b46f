//! What the first bytes of a SQLite file, and of the write-ahead log beside it, tell before SQLite opens them.
//!
//! SQLite takes any log of the right name for the file's own, and writes it into the file: a backup that was copied over the file of a
//! server that had crashed is so undone, or becomes a mixture of both that is no database. <https://www.sqlite.org/fileformat2.html>

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::{StartError, StartProblem};

const MAGIC: &[u8] = b"SQLite format 3\0";
const FILE_HEADER: usize = 100;
const LOG_HEADER: usize = 32;

/// The file of the database whose name goes on like this.
pub(in crate::storage) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Refuses a log that can't be the file's own. Reads, and changes nothing.
pub(in crate::storage) fn refuse_foreign_log(path: &Path) -> Result<(), StartError> {
    let log = beside(path, "-wal");
    let read = |path: &Path, length| start_of(path, length).map_err(|error| StartError::file(path, "reading", &error));
    if is_foreign(&read(path, FILE_HEADER)?, &read(&log, LOG_HEADER)?) {
        let (name, log) = (path.display(), log.display());
        return Err(StartError::new(
            StartProblem::Damaged,
            format!(
                "{log} holds writes of another database file than {name}: that one was copied or moved to its place, or removed, \
                 without its log. Nothing was changed. To restore a backup, use `doorward restore FILE`, which puts aside all that \
                 is there. If {name} is the backup itself and is to be used as it is, move {log} away"
            ),
        ));
    }
    Ok(())
}

/// The first bytes of a file; fewer where it is shorter, none where there is no file.
fn start_of(path: &Path, length: usize) -> io::Result<Vec<u8>> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other?,
    };
    let mut bytes = Vec::with_capacity(length);
    file.take(length as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn is_foreign(file: &[u8], log: &[u8]) -> bool {
    let Some(log_page) = page_of_log(log) else { return false };
    if file.is_empty() {
        return true;
    }
    let Some(file) = file.first_chunk::<FILE_HEADER>().filter(|file| file.starts_with(MAGIC)) else { return false };
    // A file says of itself that it has a log before there is one. Backups that SQLite has written anew do not.
    let has_log = file[18] == 2 && file[19] == 2;
    let page = match u32::from(u16::from_be_bytes([file[16], file[17]])) {
        1 => 65_536,
        size => size,
    };
    !has_log || page != log_page
}

/// The size of the log's pages. None: it is too short to hold anything, or SQLite would not read it.
fn page_of_log(log: &[u8]) -> Option<u32> {
    let log = log.first_chunk::<LOG_HEADER>()?;
    let number = |at: usize| u32::from_be_bytes([log[at], log[at + 1], log[at + 2], log[at + 3]]);
    matches!(number(0), 0x377f_0682 | 0x377f_0683).then(|| number(8))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(page: u16, version: u8) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(page.to_be_bytes());
        bytes.extend([version, version]);
        bytes.resize(FILE_HEADER, 0);
        bytes
    }

    fn log(page: u32) -> Vec<u8> {
        let mut bytes = 0x377f_0682_u32.to_be_bytes().to_vec();
        bytes.extend(3_007_000_u32.to_be_bytes());
        bytes.extend(page.to_be_bytes());
        bytes.resize(LOG_HEADER, 0);
        bytes
    }

    #[test]
    fn a_log_is_the_files_own_or_foreign() {
        for (its_file, its_log, foreign) in [
            (file(4096, 2), log(4096), false),
            (file(1, 2), log(65_536), false),
            (file(4096, 2), Vec::new(), false),
            (Vec::new(), Vec::new(), false),
            // A crash before the log's header was whole; something that is no log.
            (file(4096, 1), log(4096)[..31].to_vec(), false),
            (file(4096, 1), vec![0; LOG_HEADER], false),
            // SQLite itself says what this is.
            (b"name,email\n".to_vec(), log(4096), false),
            (file(4096, 1), log(4096), true),
            (file(4096, 2), log(8192), true),
            (Vec::new(), log(4096), true),
        ] {
            assert_eq!(is_foreign(&its_file, &its_log), foreign, "{its_file:?} {its_log:?}");
        }
    }
}
