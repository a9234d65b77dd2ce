//! Why a candidate is more or less likely than others. Each reason stands where what it says is weighed:
//! [`weigh`](super::weigh), [`scenes`](super::scenes), [`known`](super::known). Lists of candidates hold their names alone,
//! because there are many such lists; [`told`] adds what they say.

use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use super::{known, scenes, weigh};

/// Why a candidate is more or less likely.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reason {
    /// What it is called.
    pub(super) name: &'static str,
    /// What it says, one sentence.
    detail: &'static str,
}

impl Reason {
    pub(super) const fn new(name: &'static str, detail: &'static str) -> Self {
        Self { name, detail }
    }
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name)
    }
}

/// Gives a list of candidates with what each of their reasons says. None where it is no such list.
pub(crate) fn told(candidates: &str) -> Option<String> {
    let mut list: Vec<Value> = serde_json::from_str(candidates).ok()?;
    for candidate in &mut list {
        let reasons = candidate.get_mut("reasons").and_then(Value::as_array_mut);
        for reason in reasons.into_iter().flatten() {
            if let Some(known) = reason.as_str().and_then(named) {
                *reason = json!({"detail": known.detail, "reason": known.name});
            }
        }
    }
    Some(Value::Array(list).to_string())
}

/// The reason of a name.
fn named(name: &str) -> Option<Reason> {
    weigh::reasons()
        .chain(scenes::REASONS)
        .chain(known::REASONS)
        .find(|reason| reason.name == name)
}
