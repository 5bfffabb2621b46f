//! The address, the symbol and the codes, by programs that are none of ours: oathtool, `KeePassXC` and zbarimg.

use std::io::Write as _;
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::harness::app::TestApp;
use crate::harness::authenticator::Authenticator;
use crate::harness::both;

const ANN: &str = "ann@example.com";

both! {
    codes_of_oathtool_are_accepted,
    codes_of_keepassxc_are_accepted,
    zbarimg_reads_the_symbol,
}

/// What a program prints. None: it is not installed, and the story is left out.
fn printed(program: &str, arguments: &[&str]) -> Option<String> {
    let printed = answered(program, arguments, "");
    #[expect(clippy::disallowed_methods, reason = "a switch of the tests, no setting of the program")]
    let required = std::env::var("DOORWARD_TEST_TOOLS").is_ok_and(|value| value == "required");
    assert!(printed.is_some() || !required, "{program} is missing");
    printed
}

/// The same of one that reads, and need not be there.
fn answered(program: &str, arguments: &[&str], input: &str) -> Option<String> {
    let mut command = Command::new(program);
    command.args(arguments).envs([("TZ", "UTC"), ("DONT_FAKE_MONOTONIC", "1"), ("QT_QPA_PLATFORM", "offscreen")]);
    let mut child = match command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn() {
        Ok(child) => child,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            println!("left out: {program} is not installed");
            return None;
        }
        Err(error) => panic!("{program}: {error}"),
    };
    // One that reads nothing may have ended.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).unwrap().trim().to_owned())
}

async fn codes_of_oathtool_are_accepted(app: TestApp) {
    let browser = app.register_and_login(ANN).await;
    let secret = browser.enrol().await.ok()["secret"].as_str().unwrap().to_owned();
    let code = || {
        let now = app.clock.now().to_string().replace('T', " ").replace('Z', " UTC");
        printed("oathtool", &["--totp", "--base32", "--now", &now, &secret])
    };
    let Some(first) = code() else { return };
    assert_eq!(first, Authenticator::of(&secret, &app.clock).code_in(0));
    browser.confirm(&first).await.ok();
    for _ in 0..3 {
        app.clock.advance(std::time::Duration::from_mins(47));
        let somewhere = app.browser();
        somewhere.full_login(ANN, &code().unwrap()).await;
        somewhere.me().await.ok();
    }
}

/// It takes the address that a link on a phone opens, not the secret alone.
async fn codes_of_keepassxc_are_accepted(app: TestApp) {
    if answered("keepassxc-cli", &["--version"], "").is_none() {
        return;
    }
    let browser = app.register_and_login(ANN).await;
    let address = browser.enrol().await.ok()["otpauth_url"].as_str().unwrap().replace('&', "&amp;");
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (entries, store) = (path("entries.xml"), path("entries.kdbx"));
    let value = |key: &str, value: &str| format!("<String><Key>{key}</Key><Value>{value}</Value></String>");
    let entry = format!("<UUID>AAAAAAAAAAAAAAAAAAABAA==</UUID>{}{}", value("Title", "ours"), value("otp", &address));
    let group = format!("<UUID>AAAAAAAAAAAAAAAAAAAAAQ==</UUID><Name>Root</Name><Entry>{entry}</Entry>");
    std::fs::write(&entries, format!("<KeePassFile><Root><Group>{group}</Group></Root></KeePassFile>")).unwrap();
    answered("keepassxc-cli", &["import", "-q", "-p", &entries, &store], "secret\nsecret\n").unwrap();
    let code = || {
        let now = app.clock.now().to_string().replace('T', " ").replace('Z', "");
        answered("faketime", &["-f", &now, "keepassxc-cli", "show", "-q", "-t", &store, "ours"], "secret\n").unwrap()
    };
    browser.confirm(&code()).await.ok();
    app.clock.advance(std::time::Duration::from_mins(47));
    let somewhere = app.browser();
    somewhere.full_login(ANN, &code()).await;
    somewhere.me().await.ok();
}

/// The shortest address, and one that is as long as they get.
async fn zbarimg_reads_the_symbol(app: TestApp) {
    for email in [ANN, &format!("{}@{}.example.com", "a".repeat(60), "b".repeat(60))] {
        let browser = app.register_and_login(email).await;
        let shown = browser.enrol().await.ok();
        let symbol = shown["qr_code"].as_str().unwrap().strip_prefix("data:image/svg+xml;base64,").unwrap();
        let svg = String::from_utf8(STANDARD.decode(symbol).unwrap()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("symbol.pbm");
        std::fs::write(&file, bitmap(&svg)).unwrap();
        let Some(read) = printed("zbarimg", &["--quiet", "--raw", file.to_str().unwrap()]) else { return };
        assert_eq!(read, shown["otpauth_url"]);
    }
}

/// The picture, three pixels a module, as a portable bitmap: what a browser makes of the paths, each of rectangles one module high.
fn bitmap(svg: &str) -> String {
    let size: usize = svg.split("viewBox=\"0 0 ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
    assert!(size * 8 >= 200 && svg.contains(&format!("width=\"{}\"", size * 8)), "{svg}");
    let paths: Vec<_> = svg.split(" d=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    assert_eq!(paths.len(), 2);
    assert_eq!(paths[0], format!("M0 0h{size}v{size}H0z"), "light, whatever lies behind it");
    let mut dark = vec![vec![false; size]; size];
    for rectangle in paths[1].split_terminator('z') {
        let (from, rest) = rectangle.strip_prefix('M').unwrap().split_once('h').unwrap();
        let (x, y) = from.split_once(' ').unwrap();
        let (x, y): (usize, usize) = (x.parse().unwrap(), y.parse().unwrap());
        let width: usize = rest.split('v').next().unwrap().parse().unwrap();
        dark[y][x..x + width].fill(true);
    }
    assert!((0..4).all(|at| dark[at].iter().all(|module| !module)), "a light border");
    let mut text = format!("P1\n{0} {0}\n", size * 3);
    for row in &dark {
        let line: String = row.iter().map(|module| if *module { "1 1 1 " } else { "0 0 0 " }).collect();
        text += &format!("{line}\n").repeat(3);
    }
    text
}
