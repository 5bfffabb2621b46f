//! A backup of a server that is at work, and its return after the worst.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::http::{refresh, send};
use crate::server::Server;

const SETTINGS: [(&str, &str); 4] =
    [("BCRYPT_COST", "4"), ("LOGIN_RATE_LIMIT", "off"), ("REGISTER_RATE_LIMIT", "off"), ("REFRESH_RATE_LIMIT", "off")];

fn person(name: &str) -> String {
    format!(r#"{{"email":"{name}@example.com","password":"SecurePass123"}}"#)
}

fn register(server: &Server, name: &str) {
    assert_eq!(send(server, "/api/auth/register", "", &person(name)).status, 201, "{name}");
}

fn login(server: &Server, name: &str) -> u16 {
    send(server, "/api/auth/login", "", &person(name)).status
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn done(server: &Server, arguments: &[&str]) -> String {
    let output = server.run(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", text(&output));
    text(&output)
}

/// What a command says that must fail.
fn refused(server: &Server, arguments: &[&str]) -> String {
    let output = server.run(arguments);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "{arguments:?}: {}", text(&output));
    text(&output)
}

fn database(server: &Server) -> PathBuf {
    server.folder().join("data/doorward.db")
}

fn names_in(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).expect("a folder");
    let mut names: Vec<String> =
        names.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn what_a_busy_server_had_comes_back_after_it_was_killed() {
    let mut server = Server::start(&SETTINGS);
    register(&server, "ann");
    let before = send(&server, "/api/auth/login", "", &person("ann")).refresh_cookie();

    // Ten copies while four people register without a pause.
    let enough = AtomicBool::new(false);
    let busy = std::thread::scope(|scope| {
        let people: Vec<_> = (0..4)
            .map(|number| {
                let (server, enough) = (&server, &enough);
                scope.spawn(move || {
                    let mut made = 0;
                    while !enough.load(Ordering::Relaxed) {
                        register(server, &format!("busy-{number}-{made}"));
                        made += 1;
                    }
                    made
                })
            })
            .collect();
        for number in 0..10 {
            let said = done(&server, &["backup", &format!("copy-{number}")]);
            assert!(said.contains(" holds ") && said.contains("It does not hold the keys"), "{said}");
        }
        enough.store(true, Ordering::Relaxed);
        people.into_iter().map(|person| person.join().expect("nobody was refused")).sum::<u32>()
    });
    assert!(busy > 4, "nobody was at work");
    assert!(refused(&server, &["backup", "copy-0"]).contains("copy-0 is there already"));
    assert!(refused(&server, &["backup", "nowhere/copy"]).contains("nowhere/copy"));
    let left: Vec<String> = names_in(server.folder()).into_iter().filter(|name| name.contains("unfinished")).collect();
    assert_eq!(left, Vec::<String>::new());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(server.folder().join("copy-9")).expect("the copy").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    // What comes after the backup is lost with its return, and a running server does not let it return.
    register(&server, "late");
    assert!(refused(&server, &["restore", "copy-9"]).contains("another Doorward serves"));
    server.kill();
    assert!(database(&server).with_extension("db-wal").metadata().is_ok_and(|log| log.len() > 0), "a log is left");
    let said = done(&server, &["restore", "copy-9"]);
    let not_before =
        said.lines().find_map(|line| line.strip_prefix("SESSIONS_NOT_BEFORE=")).expect("the remedy").to_owned();
    server.start_again();
    assert_eq!((login(&server, "ann"), login(&server, "busy-0-0"), login(&server, "late")), (200, 200, 401));
    assert_eq!(refresh(&server, &before).status, 200, "a session of that time is alive again");

    server.set("SESSIONS_NOT_BEFORE", &not_before);
    server.kill_and_restart();
    let ended = refresh(&server, &before);
    assert_eq!(ended.status, 401, "{}", ended.text);

    // What was put aside is whole, log and all, and can be put back: from a copy of it.
    server.kill();
    let kept = names_in(&server.folder().join("data"));
    let kept = kept
        .iter()
        .find(|name| name.contains(".before-restore-") && !name.ends_with("-wal") && !name.ends_with("-shm"));
    let kept = format!("data/{}", kept.expect("what was there"));
    assert!(refused(&server, &["restore", &kept]).contains("doorward backup NEW_FILE"));
    let url = format!("sqlite://{kept}");
    server.set("DATABASE_URL", &url);
    done(&server, &["backup", "folded"]);
    server.set("DATABASE_URL", "sqlite://data/doorward.db");
    done(&server, &["restore", "folded"]);
    server.start_again();
    assert_eq!((login(&server, "ann"), login(&server, "late")), (200, 200));
}

/// Seen: the log of the server that had crashed undid the backup, or made the file malformed, and health said 200.
#[test]
fn a_backup_that_was_copied_over_the_file_of_a_crashed_server_is_not_undone() {
    let mut server = Server::start(&SETTINGS);
    register(&server, "ann");
    done(&server, &["backup", "copy"]);
    for number in 0..50 {
        register(&server, &format!("later-{number}"));
    }
    server.kill();
    let log = database(&server).with_extension("db-wal");
    let its_log = fs::read(&log).expect("a log");
    fs::copy(server.folder().join("copy"), database(&server)).expect("a copy by hand");
    // Whatever opens it is told, and folds nothing in.
    for command in [&["serve"][..], &["user", "list"], &["migrate"], &["backup", "another"]] {
        let said = refused(&server, command);
        assert!(said.contains("holds writes of another database file") && said.contains("doorward restore"), "{said}");
    }
    assert!(fs::read(&log).expect("the log") == its_log, "the log was touched");
    done(&server, &["restore", "copy"]);
    server.start_again();
    assert_eq!((login(&server, "ann"), login(&server, "later-7")), (200, 401));

    // The file is gone, and its log is not: nothing new is begun on it.
    server.kill();
    fs::remove_file(database(&server)).expect("the file");
    assert!(refused(&server, &["serve"]).contains("holds writes of another database file"));
    done(&server, &["restore", "copy"]);
    server.start_again();
    assert_eq!(login(&server, "ann"), 200);
}

#[test]
fn what_is_broken_or_of_something_else_is_refused_with_the_remedy() {
    let mut server = Server::start(&SETTINGS);
    for number in 0..50 {
        register(&server, &format!("person-{number}"));
    }
    done(&server, &["backup", "copy"]);
    server.kill();
    done(&server, &["migrate"]);

    let folder = server.folder().to_owned();
    let sound = fs::read(folder.join("copy")).expect("the copy");
    let mut torn = sound.clone();
    torn.truncate(sound.len() / 2);
    let mut scribbled = sound.clone();
    scribbled[4096..].chunks_mut(4096).for_each(|page| page[..64].fill(0xa5));
    for (name, bytes) in [("torn", &torn), ("scribbled", &scribbled)] {
        fs::write(folder.join(name), bytes).expect("a file");
        let said = refused(&server, &["restore", name]);
        assert!(said.contains(&format!("{name} is damaged")), "{said}");
    }
    fs::write(folder.join("text"), "name,email\n".repeat(100)).expect("a file");
    assert!(refused(&server, &["restore", "text"]).contains("is not a SQLite database"));
    fs::write(folder.join("empty"), "").expect("a file");
    assert!(refused(&server, &["restore", "empty"]).contains("without anything of Doorward's"));
    assert!(refused(&server, &["restore", "missing"]).contains("there is no file missing"));
    assert!(refused(&server, &["restore", "data/doorward.db"]).contains("is the database itself"));
    let kept = names_in(&folder.join("data"));
    assert!(!kept.iter().any(|name| name.contains("before-restore") || name.contains("unfinished")), "{kept:?}");
    server.start_again();
    assert_eq!(login(&server, "person-7"), 200, "nothing was changed");

    // The same files in the database's place: no server starts on them, and none of them is changed.
    server.kill();
    done(&server, &["restore", "copy"]);
    for (name, bytes) in [("torn", &torn), ("scribbled", &scribbled)] {
        fs::write(database(&server), bytes).expect("a file");
        let said = refused(&server, &["serve"]);
        assert!(said.contains("is damaged") && said.contains("doorward restore FILE"), "{name}: {said}");
        assert!(&fs::read(database(&server)).expect("a file") == bytes, "{name} was changed");
        assert!(refused(&server, &["backup", "of-broken"]).contains("is damaged"), "{name}");
    }
    done(&server, &["restore", "copy"]);
    server.start_again();
    assert_eq!(login(&server, "person-7"), 200);
}

/// PostgreSQL has tools of its own.
#[test]
fn postgres_is_not_copied() {
    let mut server = Server::start(&SETTINGS);
    server.kill();
    server.set("DATABASE_URL", "postgres://app@127.0.0.1:9/app");
    for (command, tool) in [("backup", "pg_dump"), ("restore", "pg_restore")] {
        let output = server.run(&[command, "copy"]);
        assert_eq!(output.status.code(), Some(2));
        assert!(text(&output).contains(tool), "{}", text(&output));
    }
}
