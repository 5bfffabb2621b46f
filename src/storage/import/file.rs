//! Files of accounts: CSV, JSON, and a JSON object a line. Read as they come: a file may be larger than the memory.

use std::fmt;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read, Seek as _, SeekFrom};
use std::path::Path;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use tokio::sync::mpsc::Sender;

use super::source::SourceError;
use crate::domain::import::Record;

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Values with commas between; the first line has the names (RFC 4180).
    Csv,
    /// An array of objects, or an object with such an array in `users`.
    Json,
    /// An object a line.
    Ndjson,
}

impl Format {
    /// What the file's name says.
    #[must_use]
    pub fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "csv" => Some(Self::Csv),
            "json" => Some(Self::Json),
            "ndjson" | "jsonl" => Some(Self::Ndjson),
            _ => None,
        }
    }
}

/// Where a thread that reads hands over what it has read. Nobody may wait for it any more.
type To = Sender<Result<Record, SourceError>>;

/// No line of one account is longer; it keeps a mistaken file (`/dev/zero`) harmless.
const MAX_LINE_BYTES: u64 = 1 << 20;

/// Reads the whole file, record by record. Blocks.
pub(super) fn read(path: &Path, format: Format, to: &To) {
    let done = open(path).and_then(|file| match format {
        Format::Csv => csv(file, to),
        Format::Json => json(file, to),
        Format::Ndjson => ndjson(file, to),
    });
    if let Err(error) = done {
        let _ = to.blocking_send(Err(error));
    }
}

/// Past the mark that some programs put before UTF-8.
fn open(path: &Path) -> Result<BufReader<File>, SourceError> {
    let failed = |error| SourceError(format!("{} can't be read: {error}", path.display()));
    let mut file = BufReader::with_capacity(1 << 16, File::open(path).map_err(failed)?);
    let mut mark = [0; 3];
    let has_mark = file.read_exact(&mut mark).is_ok() && mark == *b"\xEF\xBB\xBF";
    if !has_mark {
        file.seek(SeekFrom::Start(0)).map_err(failed)?;
    }
    Ok(file)
}

fn csv(file: BufReader<File>, to: &To) -> Result<(), SourceError> {
    let broken = |error: &csv::Error| {
        let at = error.position().map_or(String::new(), |at| format!(" in line {}", at.line()));
        SourceError(match error.kind() {
            csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
                format!("the CSV is damaged{at}: {len} values where {expected_len} were expected")
            }
            csv::ErrorKind::Utf8 { .. } => format!("the CSV is damaged{at}: not UTF-8"),
            _ => format!("the CSV can't be read{at}"),
        })
    };
    let mut reader = csv::Reader::from_reader(file);
    let names = reader.headers().map_err(|error| broken(&error))?.clone();
    for row in reader.into_records() {
        let row = row.map_err(|error| broken(&error))?;
        let record = names.iter().zip(&row).map(|(name, value)| (name.trim().to_owned(), Value::from(value))).collect();
        if to.blocking_send(Ok(record)).is_err() {
            return Ok(());
        }
    }
    Ok(())
}

fn ndjson(mut file: BufReader<File>, to: &To) -> Result<(), SourceError> {
    let mut line = Vec::new();
    for number in 1_u64.. {
        line.clear();
        let read = file.by_ref().take(MAX_LINE_BYTES).read_until(b'\n', &mut line);
        let read = read.map_err(|error| SourceError(format!("the file can't be read: {error}")))?;
        if read == 0 {
            return Ok(());
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        // The library's text names no value, only what it expected.
        let record = serde_json::from_slice(&line)
            .map_err(|error| SourceError(format!("line {number} is no JSON object (column {})", error.column())))?;
        if to.blocking_send(Ok(record)).is_err() {
            return Ok(());
        }
    }
    Ok(())
}

fn json(file: BufReader<File>, to: &To) -> Result<(), SourceError> {
    let mut deserializer = serde_json::Deserializer::from_reader(file);
    let done = deserializer.deserialize_any(Top(to)).and_then(|()| deserializer.end());
    done.map_err(|error| {
        let (line, column) = (error.line(), error.column());
        SourceError(format!("the JSON is damaged, or no list of objects: line {line}, column {column}"))
    })
}

/// The array of objects, or the object that has it in `users`.
struct Top<'a>(&'a To);

impl<'de> Visitor<'de> for Top<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of objects, or an object with `users`")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while let Some(record) = items.next_element::<Record>()? {
            if self.0.blocking_send(Ok(record)).is_err() {
                // Nobody wants the rest, but the array has one.
                while items.next_element::<IgnoredAny>()?.is_some() {}
            }
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<String>()? {
            if name == "users" {
                map.next_value_seed(Top(self.0))?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Top<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}
