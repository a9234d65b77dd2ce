//! What a client may `SET` and `SHOW`: kept for its connection alone, never given to the engine.
//!
//! A value is taken where podtrail answers as it asks, or where it asks for nothing that podtrail does. All else is
//! refused: a client that believes its times to be in another zone would be wrong about every one of them.

use std::collections::BTreeMap;
use std::time::Duration;

use datafusion_postgres::pgwire::error::PgWireError;

use super::error::{INVALID_VALUE, UNDEFINED_OBJECT, error};

/// The version that clients are told: they choose by it what they ask `pg_catalog`.
pub(super) const VERSION: &str = concat!("16.6 (podtrail ", env!("CARGO_PKG_VERSION"), ")");

/// Bytes of a value.
const MOST_BYTES: usize = 256;

/// Which values a setting takes.
#[derive(Debug, Clone, Copy)]
enum Takes {
    /// Any: it has no effect here, or none that could be wrong.
    Any,
    /// Those that mean its default.
    Like(&'static [&'static str]),
    /// Those that begin so.
    Beginning(&'static str),
    /// Those that contain it.
    Containing(&'static str),
    /// A time.
    Time,
}

/// A setting.
struct Setting {
    /// Name, as it is shown.
    name: &'static str,
    default: &'static str,
    takes: Takes,
    /// The client is told when it connects, and when it changes.
    reported: bool,
}

const fn setting(name: &'static str, default: &'static str, takes: Takes) -> Setting {
    Setting {
        name,
        default,
        takes,
        reported: false,
    }
}

const fn reported(name: &'static str, default: &'static str, takes: Takes) -> Setting {
    Setting {
        reported: true,
        ..setting(name, default, takes)
    }
}

const ON: Takes = Takes::Like(&["on", "true", "yes", "1"]);
const ISOLATION: Takes = Takes::Like(&["read committed", "read uncommitted"]);

const SETTINGS: &[Setting] = &[
    reported("application_name", "", Takes::Any),
    setting("bytea_output", "hex", Takes::Like(&["hex"])),
    reported(
        "client_encoding",
        "UTF8",
        Takes::Like(&["utf8", "utf-8", "unicode"]),
    ),
    setting("client_min_messages", "notice", Takes::Any),
    reported("DateStyle", "ISO, YMD", Takes::Beginning("iso")),
    setting("default_transaction_isolation", "read committed", ISOLATION),
    reported("default_transaction_read_only", "on", ON),
    setting("escape_string_warning", "on", Takes::Any),
    setting("extra_float_digits", "1", Takes::Any),
    setting("idle_in_transaction_session_timeout", "0", Takes::Any),
    setting("idle_session_timeout", "0", Takes::Any),
    reported("in_hot_standby", "off", Takes::Like(&["off"])),
    reported("integer_datetimes", "on", Takes::Like(&["on"])),
    reported("IntervalStyle", "postgres", Takes::Like(&["postgres"])),
    reported("is_superuser", "off", Takes::Like(&["off"])),
    setting("jit", "off", Takes::Any),
    setting("lock_timeout", "0", Takes::Any),
    setting("max_identifier_length", "63", Takes::Like(&["63"])),
    setting("row_security", "on", Takes::Any),
    reported(
        "search_path",
        "\"$user\", public",
        Takes::Containing("public"),
    ),
    reported("server_encoding", "UTF8", Takes::Like(&["utf8"])),
    reported("server_version", VERSION, Takes::Like(&[])),
    setting("server_version_num", "160006", Takes::Like(&[])),
    reported("standard_conforming_strings", "on", ON),
    setting(STATEMENT_TIMEOUT, "0", Takes::Time),
    setting("synchronous_commit", "on", Takes::Any),
    reported("TimeZone", "UTC", Takes::Like(UTC)),
    setting("transaction_isolation", "read committed", ISOLATION),
    setting("transaction_read_only", "on", ON),
    setting("work_mem", "4MB", Takes::Any),
];

const STATEMENT_TIMEOUT: &str = "statement_timeout";
const UTC: &[&str] = &[
    "utc",
    "etc/utc",
    "gmt",
    "etc/gmt",
    "zulu",
    "z",
    "0",
    "+00",
    "+00:00",
    "+00:00:00",
];

fn known(name: &str) -> Option<&'static Setting> {
    let name = match name.to_ascii_lowercase().as_str() {
        "time zone" => "timezone".to_owned(),
        "transaction isolation level" => "transaction_isolation".to_owned(),
        "names" => "client_encoding".to_owned(),
        name => name.to_owned(),
    };
    SETTINGS
        .iter()
        .find(|setting| setting.name.eq_ignore_ascii_case(&name))
}

/// Gives the value that a setting has where nobody sets it.
pub(super) fn default_of(name: &str) -> Option<&'static str> {
    known(name).map(|setting| setting.default)
}

/// The settings of one connection.
#[derive(Debug, Default)]
pub(super) struct Settings(BTreeMap<&'static str, String>);

impl Settings {
    /// Takes a value, or the default for none, and gives what the client is to be told.
    ///
    /// # Errors
    /// Where there is no such setting, or it does not take the value.
    pub(super) fn set(
        &mut self,
        name: &str,
        value: Option<&str>,
    ) -> Result<Option<(&'static str, String)>, PgWireError> {
        let setting = known(name).ok_or_else(|| unknown(name))?;
        let value = match value {
            None => setting.default.to_owned(),
            Some(value) => setting.taken(value)?,
        };
        self.0.insert(setting.name, value.clone());
        Ok(setting.reported.then_some((setting.name, value)))
    }

    /// Gives a setting's name, as it is shown, and its value.
    ///
    /// # Errors
    /// Where there is no such setting.
    pub(super) fn show(&self, name: &str) -> Result<(&'static str, String), PgWireError> {
        let setting = known(name).ok_or_else(|| unknown(name))?;
        Ok((setting.name, self.value(setting)))
    }

    /// Gives all settings.
    pub(super) fn all(&self) -> Vec<(&'static str, String)> {
        SETTINGS
            .iter()
            .map(|setting| (setting.name, self.value(setting)))
            .collect()
    }

    /// Gives what a client is told when it connects.
    pub(super) fn reported(&self) -> Vec<(&'static str, String)> {
        SETTINGS
            .iter()
            .filter(|setting| setting.reported)
            .map(|setting| (setting.name, self.value(setting)))
            .collect()
    }

    /// Forgets what was set, and gives what the client is to be told.
    pub(super) fn reset(&mut self) -> Vec<(&'static str, String)> {
        self.0.clear();
        self.reported()
    }

    /// How long a statement may take, where the client says so.
    pub(super) fn timeout(&self) -> Option<Duration> {
        let time = self.0.get(STATEMENT_TIMEOUT)?;
        milliseconds(time)
            .filter(|time| *time > 0)
            .map(Duration::from_millis)
    }

    fn value(&self, setting: &Setting) -> String {
        self.0
            .get(setting.name)
            .map_or_else(|| setting.default.to_owned(), Clone::clone)
    }
}

impl Setting {
    /// Gives the value to keep.
    fn taken(&self, value: &str) -> Result<String, PgWireError> {
        if value.len() > MOST_BYTES {
            return Err(self.refused("a value that long"));
        }
        let lower = value.trim().to_ascii_lowercase();
        let taken = match self.takes {
            Takes::Any => true,
            Takes::Time => milliseconds(&lower).is_some(),
            Takes::Beginning(beginning) => lower.starts_with(beginning),
            Takes::Containing(part) => lower.contains(part),
            Takes::Like(values) => {
                if values.contains(&lower.as_str()) {
                    return Ok(self.default.to_owned());
                }
                self.default.eq_ignore_ascii_case(&lower)
            }
        };
        if taken {
            Ok(value.trim().to_owned())
        } else {
            Err(self.refused(&format!("\"{value}\"")))
        }
    }

    fn refused(&self, value: &str) -> PgWireError {
        let why = match self.name {
            "TimeZone" => ": podtrail's times are UTC",
            "DateStyle" => ": podtrail's times are written in ISO 8601",
            _ => "",
        };
        error(
            INVALID_VALUE,
            format!("parameter \"{}\" cannot be {value}{why}", self.name),
        )
    }
}

fn unknown(name: &str) -> PgWireError {
    error(
        UNDEFINED_OBJECT,
        format!("unrecognized configuration parameter \"{name}\""),
    )
}

/// Reads a time: milliseconds where no unit is named.
fn milliseconds(time: &str) -> Option<u64> {
    let time = time.trim();
    let unit = time.trim_start_matches(|digit: char| digit.is_ascii_digit());
    let number: u64 = time[..time.len() - unit.len()].parse().ok()?;
    let factor = match unit.trim() {
        "" | "ms" => 1,
        "us" => return Some(number.div_ceil(1000)),
        "s" => 1000,
        "min" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    number.checked_mul(factor)
}

#[cfg(test)]
mod tests;
