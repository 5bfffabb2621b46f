//! How a setting is declared, and how it is read from its declaration.

use super::Environment;
use super::problem::Problem;
use super::source::Source;

/// What the documentation tells about a setting.
#[derive(Debug)]
pub struct Declaration {
    /// The environment variable.
    pub name: &'static str,
    /// Which values it takes; continues "must be".
    pub values: &'static str,
    /// When unset, in development.
    pub development: Default,
    /// When unset, in production.
    pub production: Default,
    /// What it is for, in a sentence.
    pub doc: &'static str,
}

/// What counts when a setting is unset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Default {
    /// This value.
    Is(&'static str),
    /// No value; what happens then.
    Unset(&'static str),
    /// The service does not start; how to get a value.
    Required(&'static str),
}

/// A declared setting whose values are `T`.
pub(super) struct Setting<T> {
    pub(super) declaration: Declaration,
    pub(super) parse: Parse<T>,
}

/// A kind of value: what is said about it, and how it is read.
pub(super) struct Kind<T> {
    pub(super) values: &'static str,
    pub(super) parse: Parse<T>,
}

/// Reads a value.
pub(super) enum Parse<T> {
    /// From text.
    Text(fn(&str) -> Result<T, Reason>),
    /// From bytes exactly as given: keys.
    Bytes(fn(&[u8]) -> Result<T, Reason>),
}

/// Why a value is refused; static, so that it cannot hold the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    /// It is not one of the declared values.
    Values,
    /// Something more helpful; continues a sentence that begins with the setting's name.
    Because(&'static str),
}

impl<T> Parse<T> {
    fn run(&self, value: &[u8]) -> Result<T, Reason> {
        match self {
            Self::Bytes(parse) => parse(value),
            Self::Text(parse) => match str::from_utf8(value) {
                Ok(text) => parse(text),
                Err(_) => Err(Reason::Because("is not UTF-8 text")),
            },
        }
    }
}

/// Reads settings and collects what is wrong with them.
pub(super) struct Reader<'a> {
    source: &'a Source,
    environment: Environment,
    pub(super) problems: Vec<Problem>,
    pub(super) warnings: Vec<Problem>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(source: &'a Source) -> Self {
        let problems = source.problems().to_vec();
        Self { source, environment: Environment::Development, problems, warnings: Vec::new() }
    }

    /// The environment whose defaults apply from now on.
    pub(super) fn set_environment(&mut self, environment: Environment) {
        self.environment = environment;
    }

    pub(super) fn production(&self) -> bool {
        self.environment == Environment::Production
    }

    /// The value or the default. None: there is neither, or it is wrong, which is then noted.
    pub(super) fn get<T>(&mut self, setting: &Setting<T>) -> Option<T> {
        let problems = self.problems.len();
        let value = self.given(setting);
        if value.is_none() && self.problems.len() == problems {
            self.require(setting);
        }
        value
    }

    /// Notes that a setting is missing, where its default says that it is required.
    pub(super) fn require<T>(&mut self, setting: &Setting<T>) {
        if let Default::Required(remedy) = self.default_of(setting) {
            let name = setting.declaration.name;
            self.problems.push(Problem::new(name, format!("must be set in production: {remedy}")));
        }
    }

    fn default_of<T>(&self, setting: &Setting<T>) -> Default {
        let declaration = &setting.declaration;
        if self.production() { declaration.production } else { declaration.development }
    }

    /// As [`get`](Self::get), of a setting that is required only beside some values of others.
    pub(super) fn given<T>(&mut self, setting: &Setting<T>) -> Option<T> {
        let declaration = &setting.declaration;
        let given = match self.source.value(declaration.name) {
            Ok(given) => given,
            Err(problem) => {
                self.problems.push(problem);
                return None;
            }
        };
        let parsed = match (given, self.default_of(setting)) {
            (Some(value), _) => setting.parse.run(&value),
            (None, Default::Is(value)) => setting.parse.run(value.as_bytes()),
            (None, Default::Unset(_) | Default::Required(_)) => return None,
        };
        match parsed {
            Ok(value) => Some(value),
            Err(Reason::Because(reason)) => {
                self.refuse(setting, reason);
                None
            }
            Err(Reason::Values) => {
                self.problems.push(Problem::new(declaration.name, format!("must be {}", declaration.values)));
                None
            }
        }
    }

    /// The value, where there is a good one. What is wrong with it is told by whoever [`get`](Self::get)s it.
    pub(super) fn peek<T>(&self, setting: &Setting<T>) -> Option<T> {
        let value = self.source.value(setting.declaration.name).ok().flatten()?;
        setting.parse.run(&value).ok()
    }

    /// Notes that a setting is wrong.
    pub(super) fn refuse<T>(&mut self, setting: &Setting<T>, reason: &'static str) {
        self.problems.push(Problem::new(setting.declaration.name, reason));
    }

    /// Notes that a setting is not safe on the internet.
    pub(super) fn refuse_in_production<T>(&mut self, unsafe_: bool, setting: &Setting<T>, reason: &'static str) {
        if unsafe_ && self.production() {
            self.refuse(setting, reason);
        }
    }

    /// As [`refuse_in_production`](Self::refuse_in_production), and warns in development.
    pub(super) fn refuse_in_production_else_warn<T>(
        &mut self,
        unsafe_: bool,
        setting: &Setting<T>,
        reason: &'static str,
    ) {
        match (unsafe_, self.production()) {
            (true, true) => self.refuse(setting, reason),
            (true, false) => self.warn(setting, reason),
            (false, _) => {}
        }
    }

    /// Notes something that is allowed and seldom meant.
    pub(super) fn warn<T>(&mut self, setting: &Setting<T>, reason: &'static str) {
        self.warnings.push(Problem::new(setting.declaration.name, reason));
    }
}

/// Declares settings: each becomes a `static` of its name, and all of them become `SECTIONS`, in this order. The doc comment
/// of a setting is also its line in the documentation.
macro_rules! settings {
    ($( $section:literal { $(
        $(#[doc = $doc:literal])+
        $name:ident: $type:ty = $kind:expr, $development:expr $(, $production:expr)?;
    )+ } )+) => {
        $($(
            $(#[doc = $doc])+
            pub(super) static $name: $crate::config::setting::Setting<$type> = {
                let kind: $crate::config::setting::Kind<$type> = $kind;
                $crate::config::setting::Setting {
                    declaration: $crate::config::setting::Declaration {
                        name: stringify!($name),
                        values: kind.values,
                        development: $development,
                        production: settings!(@last $development $(, $production)?),
                        doc: concat!($($doc),+).trim_ascii(),
                    },
                    parse: kind.parse,
                }
            };
        )+)+

        /// All settings, by section, in the order of the documentation.
        pub static SECTIONS: &[(&str, &[&$crate::config::setting::Declaration])] =
            &[$( ($section, &[$( &$name.declaration ),+]) ),+];
    };
    (@last $one:expr) => { $one };
    (@last $one:expr, $other:expr) => { $other };
}
pub(super) use settings;
