use std::io::Write as _;
use std::sync::{Arc, mpsc};

use super::*;

fn notice(missing: u64) -> Vec<u8> {
    format!("{missing} are missing\n").into_bytes()
}

fn say(queue: &Queue, line: &str) {
    // As events come: whole, in one piece.
    let mut queue = queue;
    queue.write_all(format!("{line}\n").as_bytes()).unwrap();
}

type Memory<'q> = Writer<'q, Vec<u8>, fn(u64) -> Vec<u8>>;

/// Writes once; what came out.
fn written(writer: &mut Memory<'_>) -> String {
    writer.write_next();
    String::from_utf8(mem::take(&mut writer.out)).unwrap()
}

fn writer(queue: &Queue) -> Memory<'_> {
    Writer::new(queue, Vec::new(), notice)
}

#[test]
fn what_does_not_fit_is_counted_and_told_once_in_its_place() {
    let queue = Queue::new();
    let mut writer = writer(&queue);
    let long = "x".repeat(CAPACITY - 10);
    say(&queue, &long);
    say(&queue, "this does not fit");
    say(&queue, "nor this");
    say(&queue, "3rd");
    assert_eq!(queue.total_dropped(), 3);
    assert!(written(&mut writer) == format!("{long}\n3 are missing\n"));
    say(&queue, "there is room again");
    assert_eq!(written(&mut writer), "there is room again\n");
    assert_eq!(queue.total_dropped(), 3);
}

#[test]
fn a_line_larger_than_the_queue_is_dropped_alone() {
    let queue = Queue::new();
    let mut writer = writer(&queue);
    say(&queue, &"x".repeat(CAPACITY));
    assert_eq!(written(&mut writer), "1 are missing\n");
    say(&queue, "next");
    assert_eq!(written(&mut writer), "next\n");
}

#[test]
fn the_last_word_always_fits() {
    let queue = Queue::new();
    let mut writer = writer(&queue);
    say(&queue, &"x".repeat(CAPACITY - 1));
    queue.push_always(b"doorward: an error\n");
    assert!(written(&mut writer).ends_with("x\ndoorward: an error\n"));
    assert_eq!(queue.total_dropped(), 0);
}

/// A full disk, which takes some bytes and no more until there is room.
struct Disk {
    room: usize,
    bytes: Vec<u8>,
}

impl io::Write for Disk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(self.room);
        if taken == 0 {
            return Err(ErrorKind::StorageFull.into());
        }
        self.room -= taken;
        self.bytes.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn what_is_refused_is_counted_and_told_when_something_is_taken_again() {
    let queue = Queue::new();
    let mut writer = Writer::new(&queue, Disk { room: 6, bytes: Vec::new() }, notice);
    say(&queue, "one");
    say(&queue, "two");
    say(&queue, "three");
    writer.write_next();
    say(&queue, "four");
    writer.write_next();
    assert_eq!(queue.total_dropped(), 3);
    writer.out.room = 1_000;
    say(&queue, "five");
    writer.write_next();
    assert_eq!(String::from_utf8_lossy(&writer.out.bytes), "one\ntw\nfive\n3 are missing\n");
}

/// A pipe that is read when the test says so.
struct Pipe(mpsc::Receiver<()>, Arc<Mutex<Vec<u8>>>);

impl io::Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.recv().map_err(io::Error::other)?;
        self.1.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_flush_waits_for_all_lines_and_not_for_ever() {
    static QUEUE: Queue = Queue::new();
    let (read, pipe) = mpsc::channel();
    let bytes = Arc::new(Mutex::new(Vec::new()));
    let out = Pipe(pipe, Arc::clone(&bytes));
    thread::spawn(move || Writer::new(&QUEUE, out, notice).run());
    say(&QUEUE, "one");
    assert!(!QUEUE.flush(Duration::from_millis(1)), "nobody has read it");
    // The second may be written together with the first, or after it.
    say(&QUEUE, "two");
    read.send(()).unwrap();
    read.send(()).unwrap();
    assert!(QUEUE.flush(Duration::from_mins(1)));
    assert_eq!(*bytes.lock().unwrap(), b"one\ntwo\n");
    assert!(QUEUE.flush(Duration::ZERO), "there is nothing to wait for");
}
