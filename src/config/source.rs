//! Where settings come from: the process's environment, then a `.env` file.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use super::dotenv;
use super::problem::Problem;

/// Variables by name. Values are bytes: a key need not be text.
pub(super) type Variables = BTreeMap<String, Vec<u8>>;

/// No value of ours is this long; it keeps a mistaken path (`/dev/zero`) harmless.
const MAX_FILE_BYTES: u64 = 64 * 1024;

/// The variables that settings are read from. A parameter, so that tests need no environment of a process.
#[derive(Clone, Default)]
pub struct Source {
    environment: Variables,
    dotenv: Variables,
    dotenv_path: Option<PathBuf>,
    problems: Vec<Problem>,
}

impl Source {
    /// The process's environment and, where it is present, the file `.env` in the working directory.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
    pub fn process() -> Self {
        let pairs = std::env::vars_os().filter_map(|(name, value)| {
            let name = name.into_string().ok()?;
            // Windows does not tell `Port` from `PORT`.
            let name = if cfg!(windows) { name.to_ascii_uppercase() } else { name };
            Some((name, value.into_encoded_bytes()))
        });
        let mut source = Self { environment: pairs.collect(), ..Self::default() };
        let path = Path::new(".env");
        match read(path) {
            Ok(bytes) => match String::from_utf8(bytes) {
                Ok(text) => source.read_dotenv(path, &text),
                Err(_) => source.problems.push(Problem::new(".env", "is not UTF-8 text")),
            },
            Err(NO_SUCH_FILE) => {}
            Err(_) => {
                source.problems.push(Problem::new(".env", "must be a file of at most 64 KiB that this user may read"));
            }
        }
        source
    }

    /// These variables, as if the process had them.
    pub fn from_pairs<N: Into<String>, V: Into<Vec<u8>>>(pairs: impl IntoIterator<Item = (N, V)>) -> Self {
        let environment = pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        Self { environment, ..Self::default() }
    }

    /// Adds the text of a `.env` file; the environment wins over it.
    #[must_use]
    pub fn with_dotenv(mut self, text: &str) -> Self {
        self.read_dotenv(Path::new(".env"), text);
        self
    }

    /// The `.env` file that was read.
    #[must_use]
    pub fn dotenv_path(&self) -> Option<&Path> {
        self.dotenv_path.as_deref()
    }

    fn read_dotenv(&mut self, path: &Path, text: &str) {
        let (variables, problems) = dotenv::parse(text);
        self.dotenv = variables;
        self.problems.extend(problems);
        // `absolute` fails where there is no working directory; the path is for the log only.
        self.dotenv_path = Some(std::path::absolute(path).unwrap_or_else(|_| path.to_owned()));
    }

    pub(super) fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// All names that are set, empty ones too.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.environment.keys().chain(self.dotenv.keys()).map(String::as_str)
    }

    /// The value of `name`, or of the file that `NAME_FILE` names. None: unset or empty.
    pub(super) fn value(&self, name: &str) -> Result<Option<Vec<u8>>, Problem> {
        let file = format!("{name}_FILE");
        for layer in [&self.environment, &self.dotenv] {
            let set = |name: &str| layer.get(name).filter(|value| !value.is_empty());
            match (set(name), set(&file)) {
                (None, None) => {}
                (Some(value), None) => return Ok(Some(value.clone())),
                (Some(_), Some(_)) => return Err(Problem::new(name, format!("and {file} are both set: choose one"))),
                (None, Some(path)) => return from_file(path).map(Some).map_err(|reason| Problem::new(file, reason)),
            }
        }
        Ok(None)
    }
}

const NO_SUCH_FILE: &str = "names a file that does not exist";

/// The file's content; one trailing newline is cut.
fn from_file(path: &[u8]) -> Result<Vec<u8>, &'static str> {
    let path = str::from_utf8(path).map_err(|_| "is not UTF-8 text")?;
    let mut value = read(Path::new(path))?;
    if value.last() == Some(&b'\n') {
        value.pop();
        if value.last() == Some(&b'\r') {
            value.pop();
        }
    }
    if value.is_empty() { Err("names an empty file") } else { Ok(value) }
}

fn read(path: &Path) -> Result<Vec<u8>, &'static str> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes));
    match read.map_err(|error| error.kind()) {
        Ok(_) if bytes.len() as u64 > MAX_FILE_BYTES => Err("names a file of more than 64 KiB"),
        Ok(_) => Ok(bytes),
        Err(ErrorKind::NotFound) => Err(NO_SUCH_FILE),
        Err(ErrorKind::PermissionDenied) => Err("names a file that this user may not read"),
        Err(ErrorKind::IsADirectory) => Err("names a folder, not a file"),
        Err(_) => Err("names a file that could not be read"),
    }
}
