//! What went wrong, where, and what to do about it.

use std::fmt;

use windlass_plugin_sdk::Failure;

/// The result of everything that can fail in a build.
pub(crate) type Result<T> = std::result::Result<T, Error>;

/// A build that cannot go on: one sentence, its place, and the remedy where it is known.
///
/// The innermost code says what is wrong; whoever calls it and knows the place better adds it. What
/// is set first stays, so that the most precise place wins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Error(Box<Parts>);

#[derive(Clone, Debug, PartialEq, Eq, Default)]
struct Parts {
    message: String,
    file: Option<String>,
    line: Option<usize>,
    field: Option<String>,
    hint: Option<String>,
}

impl Error {
    /// Says what is wrong, in a sentence without a full stop.
    pub(crate) fn new(message: impl fmt::Display) -> Self {
        Self(Box::new(Parts {
            message: message.to_string(),
            ..Parts::default()
        }))
    }

    /// Names the file, by its path from the root of the tree.
    pub(crate) fn file(mut self, file: impl Into<String>) -> Self {
        self.0.file.get_or_insert_with(|| file.into());
        self
    }

    /// Names the line of the file, from 1.
    pub(crate) fn line(mut self, line: usize) -> Self {
        self.0.line.get_or_insert(line);
        self
    }

    /// Names the field, in the file or of the object: `patches[2].target.kind`.
    pub(crate) fn field(mut self, field: impl Into<String>) -> Self {
        self.0.field.get_or_insert_with(|| field.into());
        self
    }

    /// Puts the field that holds the named one in front of it: `target` before `kind` makes
    /// `target.kind`.
    pub(crate) fn under(mut self, outer: impl Into<String>) -> Self {
        let mut path = outer.into();
        if let Some(field) = &self.0.field {
            if !path.is_empty() && !field.starts_with('[') {
                path.push('.');
            }
            path.push_str(field);
        }
        self.0.field = Some(path);
        self
    }

    /// Says what to do about it.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint.get_or_insert_with(|| hint.into());
        self
    }

    /// Puts what was being done in front of the message: `context: message`.
    pub(crate) fn context(mut self, context: impl fmt::Display) -> Self {
        self.0.message = format!("{context}: {}", self.0.message);
        self
    }

    /// Whether a file has been named.
    pub(crate) fn has_file(&self) -> bool {
        self.0.file.is_some()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Parts {
            message,
            file,
            line,
            field,
            hint,
        } = &*self.0;
        match (file, line) {
            (Some(file), Some(line)) => write!(f, "{file}:{line}: ")?,
            (Some(file), None) => write!(f, "{file}: ")?,
            _ => {}
        }
        f.write_str(message)?;
        if let Some(field) = field {
            write!(f, " (at {field})")?;
        }
        match hint {
            Some(hint) => write!(f, "; {hint}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let Parts {
            message,
            file,
            line,
            field,
            hint,
        } = *error.0;
        let place = match (file, line) {
            (Some(file), Some(line)) => format!("{file}:{line}: "),
            (Some(file), None) => format!("{file}: "),
            _ => String::new(),
        };
        let mut failure = Self::new(format_args!("{place}{message}"));
        if let Some(field) = field {
            failure = failure.field(field);
        }
        if let Some(hint) = hint {
            failure = failure.hint(hint);
        }
        failure
    }
}
