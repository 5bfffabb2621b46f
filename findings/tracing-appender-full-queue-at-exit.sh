#!/usr/bin/env bash
# tracing-appender 0.2.5, `non_blocking` in its lossy default: what becomes of the program's own output when whoever
# reads the log has stopped reading.
#
# One would expect a log writer whose queue is full to drop lines silently, and to end silently or with a line on standard error.
# Seen: the number of dropped lines is known to the program (`error_counter`), but no line ever tells the reader of the log that some
# are missing; and when the guard is dropped while the queue is full, the library prints a sentence to *standard output*, where a
# command-line program has its results.
#
# Installs the crate into a temporary folder, runs it, and fails when that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
mkdir src
cat > Cargo.toml <<'TOML'
[package]
name = "probe"
version = "0.0.0"
edition = "2021"

[dependencies]
tracing-appender = "=0.2.5"
TOML
cat > src/main.rs <<'RUST'
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};

/// A reader that has stopped reading: writes wait until somebody opens the gate.
#[derive(Clone)]
struct Stalled(Arc<(Mutex<(bool, Vec<u8>)>, Condvar)>, Arc<AtomicBool>);

impl Write for Stalled {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.1.store(true, Ordering::SeqCst);
        let (state, opened) = &*self.0;
        let mut state = opened.wait_while(state.lock().unwrap(), |state| !state.0).unwrap();
        state.1.extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn main() {
    let log = Stalled(Arc::new((Mutex::new((false, Vec::new())), Condvar::new())), Arc::default());
    let (mut writer, guard) =
        tracing_appender::non_blocking::NonBlockingBuilder::default().buffered_lines_limit(10).finish(log.clone());
    writer.write_all(b"line first\n").unwrap();
    // Until the library's thread waits for the reader.
    while !log.1.load(Ordering::SeqCst) {
        std::thread::yield_now();
    }
    for number in 0..1000 {
        writer.write_all(format!("line {number}\n").as_bytes()).unwrap();
    }
    eprintln!("dropped: {}", writer.error_counter().dropped_lines());
    drop(guard);
    println!("the result of the program");
    // The reader comes back; what it finds is compared with what was written.
    let (state, opened) = &*log.0;
    state.lock().unwrap().0 = true;
    opened.notify_all();
    for number in 1000..1005 {
        writer.write_all(format!("line {number}\n").as_bytes()).unwrap();
    }
    std::thread::sleep(std::time::Duration::from_millis(500));
    let text = String::from_utf8(state.lock().unwrap().1.clone()).unwrap();
    eprintln!("lines that do not begin with `line `: {}", text.lines().filter(|line| !line.starts_with("line ")).count());
}
RUST
cargo run --quiet > out.txt 2> err.txt || { cat err.txt >&2; exit 1; }
echo "--- standard output"; cat out.txt
echo "--- standard error"; cat err.txt

fail() { echo "changed: $1" >&2; exit 1; }
grep -q '^Failed to send shutdown signal to logging worker' out.txt || fail "nothing of the library's own on standard output"
dropped=$(sed -n 's/^dropped: //p' err.txt)
[ "$dropped" = 990 ] || fail "only $dropped lines were dropped"
grep -q 'lines that do not begin with `line `: 0' err.txt || fail "the log tells of what was dropped"
echo "as seen: $dropped lines dropped and not told of in the log; a sentence on standard output"
