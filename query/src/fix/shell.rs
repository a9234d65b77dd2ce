//! Text for a shell: quoting, and JSON that survives it.

use serde_json::Value;

use super::json::pretty;

/// Quotes a value for a POSIX shell: nothing in it has a meaning there.
pub(crate) fn quote(value: &str) -> String {
    format!("'{}'", value.replace('\'', r"'\''"))
}

/// Writes JSON as one quoted argument.
pub(super) fn quote_json(value: &Value) -> String {
    quote(&pretty(value))
}

/// Sets a variable, or asks for it: the shell stops with the question when the variable is not set.
pub(super) fn assignment(name: &str, value: Option<&str>, question: &str) -> String {
    match value {
        Some(value) => format!("{name}={}", quote(value)),
        None => format!("{name}=${{{name}:?set {name} to {question}}}"),
    }
}

/// Joins a command and its arguments, one a line.
pub(super) fn lines(parts: &[&str]) -> String {
    parts.join(" \\\n  ")
}
