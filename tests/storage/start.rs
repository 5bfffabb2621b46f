//! SQLite's file: whose it is, who may read it, and who uses it.

use std::fs;
use std::path::Path;
use std::time::Duration;

use doorward::config::database::Location;
use doorward::platform::clock::Clock;
use doorward::storage::{ServeLock, StartProblem, Store};

use tokio::net::TcpListener;

use crate::common::{postgres_settings, sqlite_settings};
use crate::transactions::note;

fn path(location: &Location) -> &Path {
    let Location::Sqlite(path) = location else { unreachable!() };
    path
}

#[cfg(unix)]
#[tokio::test]
async fn the_data_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;

    let (settings, _folder) = sqlite_settings();
    let path = path(&settings.location);
    let store = Store::open(&settings, Clock::system()).await.unwrap();
    store.migrate().await.unwrap();
    store.write((), |tx, ()| Box::pin(note(tx, "something"))).await.unwrap();
    let _lock = ServeLock::acquire(path).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    let files: Vec<_> = fs::read_dir(path.parent().unwrap()).unwrap().map(|entry| entry.unwrap().path()).collect();
    // The database, its log, the log's index, the lock.
    assert_eq!(files.len(), 4, "{files:?}");
    for file in files {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
}

#[tokio::test]
async fn a_second_start_finds_what_the_first_wrote() {
    let (settings, _folder) = sqlite_settings();
    for is_first in [true, false] {
        let store = Store::open(&settings, Clock::system()).await.unwrap();
        let pending = store.pending().await.unwrap().len();
        assert_eq!(pending > 0, is_first);
        assert_eq!(store.migrate().await.unwrap(), pending);
        store.close().await;
    }
}

#[test]
fn a_database_has_one_server() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("doorward.db");
    let first = ServeLock::acquire(&database).unwrap();
    let error = ServeLock::acquire(&database).unwrap_err();
    assert_eq!(error.problem(), StartProblem::InUse);
    assert!(error.to_string().contains("another Doorward serves"), "{error}");
    drop(first);
    ServeLock::acquire(&database).unwrap();
}

#[tokio::test]
async fn a_command_works_beside_a_server() {
    let (settings, _folder) = sqlite_settings();
    let server = Store::open(&settings, Clock::system()).await.unwrap();
    server.migrate().await.unwrap();
    let _lock = ServeLock::acquire(path(&settings.location)).unwrap();
    let command = Store::open(&settings, Clock::system()).await.unwrap();
    assert_eq!(command.migrate().await.unwrap(), 0);
    command.ping().await.unwrap();
}

#[tokio::test]
async fn a_file_of_another_kind_is_refused() {
    let (settings, _folder) = sqlite_settings();
    let path = path(&settings.location);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let text = "name,email\n".repeat(100);
    fs::write(path, &text).unwrap();
    let Err(error) = Store::open(&settings, Clock::system()).await else { panic!("it is no database") };
    assert_eq!(error.problem(), StartProblem::NotADatabase);
    assert!(error.to_string().contains("is not a SQLite database"), "{error}");
    assert_eq!(fs::read_to_string(path).unwrap(), text);
}

#[tokio::test]
async fn a_folder_that_can_not_be_made_is_told() {
    let (settings, folder) = sqlite_settings();
    fs::write(folder.path().join("data"), "a file where the folder should be").unwrap();
    let Err(error) = Store::open(&settings, Clock::system()).await else { panic!("there is no folder") };
    assert!(error.to_string().starts_with("making the folder"), "{error}");
}

/// A proxy whose database is gone accepts, and closes where an answer should come. Seen: an exit at start where nobody answering is
/// waited for, and 500 from then on.
#[tokio::test]
async fn a_proxy_whose_database_is_gone_is_waited_for_as_one_that_does_not_answer() {
    let door = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, mut accepted) = (door.local_addr().unwrap(), 0);
    let closes = async {
        loop {
            drop(door.accept().await.unwrap());
            accepted += 1;
        }
    };
    let mut settings = postgres_settings(&format!("postgres://doorward@{address}/doorward"));
    settings.start_timeout = Duration::from_secs(1);
    let opened = tokio::select! {
        opened = Store::open(&settings, Clock::system()) => opened,
        () = closes => unreachable!("it goes on for ever"),
    };
    let Err(error) = opened else { panic!("nobody is there") };
    assert_eq!(error.problem(), StartProblem::Unreachable, "{error}");
    assert!(accepted > 1, "it was not tried again");
}
