//! The README's session: its commands as they stand, by a shell with the real curl, against the real binary over TCP.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::left_out;
use crate::server::Server;

const README: &str = include_str!("../../README.md");

/// The page on native apps: its script as it stands, and what it promises to print.
#[test]
fn the_native_app_prints_what_its_page_says() {
    if Command::new("curl").arg("--version").output().is_err() {
        left_out("the native app (curl is missing)");
        return;
    }
    let page = include_str!("../../docs/native.md");
    let block = |fence: &str| page.split_once(fence).and_then(|(_, rest)| rest.split_once("```")).expect("a block").0;
    let server = Server::start(&[]);
    let script = block("```sh\n").replace("localhost:8000", &format!("localhost:{}", server.port()));
    let output = Command::new("sh").args(["-ec", &script]).current_dir(server.folder()).output().expect("a shell");
    assert_eq!(String::from_utf8_lossy(&output.stdout), block("```text\n"), "{output:?}");
}

/// Each command of the block with the answer that the comment below it promises.
fn session() -> Vec<(String, Value)> {
    let block = README
        .split("```sh\n")
        .filter_map(|rest| rest.split_once("```"))
        .map(|(block, _)| block)
        .find(|block| block.contains("/api/auth/register"))
        .expect("the README has the session");
    let steps = block.split("\n\n").map(|step| {
        let (command, answer) = step.split_once("\n# ").expect("a command, and its answer as a comment");
        (command.to_owned(), serde_json::from_str(answer).expect("the answer is JSON"))
    });
    steps.collect()
}

/// Runs one command; the README's port becomes the server's. Returns the status and the body.
fn run(command: &str, port: u16, folder: &Path) -> (String, Value) {
    assert!(command.contains("http://localhost:8000/"), "{command}");
    let command = command.replace("localhost:8000", &format!("localhost:{port}"));
    // What the comparison needs and the reader does not.
    let command = format!("{command} --silent --show-error --write-out '\\n%{{http_code}}'");
    let output = Command::new("sh").args(["-c", &command]).current_dir(folder).output().expect("a shell");
    assert!(output.status.success(), "{command}\n{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let (body, status) = text.rsplit_once('\n').expect("a status");
    (status.to_owned(), serde_json::from_str(body).unwrap_or_else(|_| panic!("{command}\n{text}")))
}

/// Times differ from run to run; their form does not.
fn without_times(mut value: Value) -> Value {
    for name in ["created_at", "last_login"] {
        if let Some(Value::String(time)) = value.get_mut(name) {
            let form: String = time.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
            *time = form;
        }
    }
    value
}

fn wait_for_mail(folder: &Path) {
    let begun = Instant::now();
    while !std::fs::read_dir(folder.join("data/mail")).is_ok_and(|mut files| {
        files.any(|file| file.is_ok_and(|file| file.file_name().to_string_lossy().ends_with("-reset.eml")))
    }) {
        assert!(begun.elapsed() < Duration::from_mins(1), "no mail");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn the_session_answers_as_the_readme_says() {
    if Command::new("curl").arg("--version").output().is_err() {
        left_out("the README's session (curl is missing)");
        return;
    }
    let server = Server::start(&[]);
    let steps = session();
    let paths = ["register", "login", "me", "refresh", "logout", "password/forgot", "password/reset"];
    assert_eq!(steps.len(), paths.len());
    for ((command, promised), path) in steps.into_iter().zip(paths) {
        assert!(command.contains(&format!("/api/auth/{path}")), "{command}");
        if path == "password/reset" {
            // A mail is sent after the answer.
            wait_for_mail(server.folder());
        }
        let (status, body) = run(&command, server.port(), server.folder());
        let expected = match path {
            "register" => "201",
            "password/forgot" => "202",
            _ => "200",
        };
        assert_eq!(status, expected, "{command}\n{body}");
        assert_eq!(without_times(body), without_times(promised), "{command}");
    }

    // Logged out means logged out.
    let (status, _) = run("curl http://localhost:8000/api/auth/me -b cookies.txt", server.port(), server.folder());
    assert_eq!(status, "401");
}
