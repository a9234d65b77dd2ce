//! SDK types as the AWS CLI prints them.

use aws_sdk_eks::primitives::{DateTime, DateTimeFormat};
use serde_json::{Map, Value};

/// Members of an object; what is not known is left out, as the CLI does.
#[derive(Debug, Default)]
pub(super) struct Members(Map<String, Value>);

impl Members {
    pub(super) fn text(mut self, name: &str, text: Option<&str>) -> Self {
        if let Some(text) = text {
            self.0.insert(name.to_owned(), text.into());
        }
        self
    }

    pub(super) fn time(self, name: &str, time: Option<&DateTime>) -> Self {
        // Times out of the range of years 0 to 9999 cannot be written.
        let text = time.and_then(|time| time.fmt(DateTimeFormat::DateTime).ok());
        self.text(name, text.as_deref())
    }

    pub(super) fn value(mut self, name: &str, value: Option<Value>) -> Self {
        if let Some(value) = value {
            self.0.insert(name.to_owned(), value);
        }
        self
    }

    pub(super) fn object(self, name: &str, members: Option<Self>) -> Self {
        self.value(name, members.map(Self::into_value))
    }

    pub(super) fn into_value(self) -> Value {
        Value::Object(self.0)
    }
}
