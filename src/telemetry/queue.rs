//! The way of log lines to where they are written: a bounded queue, and one thread that writes.
//!
//! Whoever logs never waits. A pipe that nobody reads, a paused terminal or a full disk costs lines, and they are counted: without
//! the queue it would stop every thread that has something to log, and with them the service.

use std::io::{self, ErrorKind};
use std::mem;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// How much waits to be written at most, in bytes: some 5,000 lines of requests.
const CAPACITY: usize = 1024 * 1024;

/// How long until another try when there is no room for the moment: a pipe that somebody has made non-blocking.
const RETRY: Duration = Duration::from_millis(10);

/// Whole lines that wait to be written. As a writer it takes one event at a time, and never fails.
pub(super) struct Queue {
    state: Mutex<State>,
    filled: Condvar,
    drained: Condvar,
    total_dropped: AtomicU64,
}

struct State {
    lines: Vec<u8>,
    /// What did not fit since the last look of the thread that writes.
    dropped: u64,
    /// The thread that writes has written all, and waits.
    idle: bool,
}

impl Queue {
    pub(super) const fn new() -> Self {
        let state = State { lines: Vec::new(), dropped: 0, idle: false };
        Self {
            state: Mutex::new(state),
            filled: Condvar::new(),
            drained: Condvar::new(),
            total_dropped: AtomicU64::new(0),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues a line, or drops it when there is no room. Once one is dropped those behind it are too, so that the place of what is
    /// missing is where the log says it.
    fn push(&self, line: &[u8]) {
        let mut state = self.lock();
        if state.dropped > 0 || state.lines.len() + line.len() > CAPACITY {
            state.dropped += 1;
            self.total_dropped.fetch_add(1, Ordering::Relaxed);
        } else {
            state.lines.extend_from_slice(line);
        }
        self.wake(&mut state);
    }

    /// Queues a line in any case: what a process says last.
    pub(super) fn push_always(&self, line: &[u8]) {
        let mut state = self.lock();
        state.lines.extend_from_slice(line);
        self.wake(&mut state);
    }

    fn wake(&self, state: &mut State) {
        if mem::take(&mut state.idle) {
            self.filled.notify_one();
        }
    }

    /// All lines that wait, and how many were dropped behind them. Waits for some.
    fn take(&self) -> (Vec<u8>, u64) {
        let mut state = self.lock();
        while state.lines.is_empty() && state.dropped == 0 {
            state.idle = true;
            self.drained.notify_all();
            state = self.filled.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.idle = false;
        (mem::take(&mut state.lines), mem::take(&mut state.dropped))
    }

    /// The lines that wait, which may be none.
    pub(super) fn take_now(&self) -> Vec<u8> {
        mem::take(&mut self.lock().lines)
    }

    /// Waits until all is written, for so long at most. Whether it is.
    pub(super) fn flush(&self, at_most: Duration) -> bool {
        let busy = |state: &mut State| !state.idle;
        let waited = self.drained.wait_timeout_while(self.lock(), at_most, busy);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    /// How many lines were dropped since the process began, or refused by what they were written to.
    pub(super) fn total_dropped(&self) -> u64 {
        self.total_dropped.load(Ordering::Relaxed)
    }
}

impl io::Write for &Queue {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.push(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The end of the way: writes what is queued, and one line about what is missing once there is room again.
pub(super) struct Writer<'q, W, N> {
    queue: &'q Queue,
    out: W,
    notice: N,
    unreported: u64,
    /// The last line was written in part.
    partial: bool,
}

impl<'q, W: io::Write, N: Fn(u64) -> Vec<u8>> Writer<'q, W, N> {
    /// `notice` makes the line that tells how many lines are missing.
    pub(super) fn new(queue: &'q Queue, out: W, notice: N) -> Self {
        Self { queue, out, notice, unreported: 0, partial: false }
    }

    /// Writes for ever.
    pub(super) fn run(mut self) {
        loop {
            self.write_next();
        }
    }

    fn write_next(&mut self) {
        let (lines, dropped) = self.queue.take();
        if self.partial {
            self.partial = !write(&mut self.out, b"\n").is_empty();
        }
        let unwritten = write(&mut self.out, &lines);
        if let Some(last) = lines[..lines.len() - unwritten.len()].last() {
            self.partial = *last != b'\n';
        }
        let refused = unwritten.split_inclusive(|byte| *byte == b'\n').count() as u64;
        self.queue.total_dropped.fetch_add(refused, Ordering::Relaxed);
        self.unreported += dropped + refused;
        if unwritten.is_empty()
            && self.unreported > 0
            && write(&mut self.out, &(self.notice)(self.unreported)).is_empty()
        {
            self.unreported = 0;
        }
    }
}

/// What could not be written.
fn write<'b>(out: &mut impl io::Write, mut bytes: &'b [u8]) -> &'b [u8] {
    while !bytes.is_empty() {
        match out.write(bytes) {
            Ok(0) => break,
            Ok(written) => bytes = &bytes[written..],
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => thread::sleep(RETRY),
            Err(_) => break,
        }
    }
    bytes
}

#[cfg(test)]
#[path = "queue_tests.rs"]
mod tests;
