//! What must hold for every object, and the credentials that must not come out again.

use std::borrow::Cow;
use std::convert::Infallible;

use memchr::memmem;
use serde_json::value::RawValue;

use crate::decode::{Limits, Record, Reject, RejectReason, Sink, decode};

/// Longest detail of a reject (`DETAIL_BYTES` of the decoder).
const DETAIL_BYTES: usize = 512;

/// A made-up STS session token.
const TOKEN: &str = "IQoJb3JpZ2luX2VjEAbCdEfGhIjKlMnOpQrStUvWxYz0123456789AbC+dE/fG0hIjKlMnOpZyXwVuTsRqPoNmLkJiHgFeDcBa98\
                     76543210aBcDeFgHiJkLmNoPqRsTuVwXyZQwErTyUiOpAsDfGhJkLzXcVbNmMnBvCxZlKjHgFdSaPoIuYtReWq==";
/// A made-up secret access key. It looks like any other text: only its name tells what it is.
const KEY: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

/// Stands for [`TOKEN`] in an input.
const TOKEN_MARK: &[u8] = b"@T@";
/// Stands for a member of a secret access key.
const MEMBER_MARK: &[u8] = b"@M@";
/// Stands for such a member in JSON inside a JSON string.
const NESTED_MARK: &[u8] = b"@N@";

/// Pieces of the secrets of this length must not come out: the decoder leaves shorter beginnings.
const PIECE: usize = 16;

/// Puts credentials into the places that the input marks. `false` if there is none.
pub(crate) fn planted(bytes: &[u8]) -> (Cow<'_, [u8]>, bool) {
    if memchr::memchr(b'@', bytes).is_none() {
        return (Cow::Borrowed(bytes), false);
    }
    let mut out = Vec::with_capacity(2 * bytes.len());
    let mut rest = bytes;
    while let Some((first, behind)) = rest.split_first() {
        // Behind a backslash the quote of the member's name would not begin a name.
        let escaped = out.last() == Some(&b'\\');
        let (length, text) = match rest.get(..3) {
            Some(TOKEN_MARK) => (3, TOKEN.to_owned()),
            Some(MEMBER_MARK) if !escaped => (3, format!(r#""secretAccessKey":"{KEY}""#)),
            Some(NESTED_MARK) if !escaped => (3, format!(r#"\"secretAccessKey\":\"{KEY}\""#)),
            _ => {
                out.push(*first);
                rest = behind;
                continue;
            }
        };
        out.extend_from_slice(text.as_bytes());
        rest = &rest[length..];
    }
    // An escaped backslash in front of a mark is the same.
    let hidden = memmem::find(bytes, b"u005").is_some();
    (Cow::Owned(out), !hidden)
}

fn assert_no_secret(text: &str) {
    for secret in [TOKEN, KEY] {
        for piece in secret.as_bytes().chunks_exact(PIECE) {
            assert!(
                memmem::find(text.as_bytes(), piece).is_none(),
                "a credential came out: {text}"
            );
        }
    }
}

/// What an object gave: what may depend neither on the ends of the window nor on the compression.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Found {
    records: Vec<String>,
    reasons: Vec<RejectReason>,
    offsets: Vec<u64>,
}

impl Found {
    pub(crate) fn records(&self) -> usize {
        self.records.len()
    }

    pub(crate) fn reasons(&self) -> &[RejectReason] {
        &self.reasons
    }
}

struct Check<'a> {
    found: Found,
    limits: &'a Limits,
    moved: u64,
    secrets: bool,
}

impl Check<'_> {
    fn numbered(&mut self, position: u64, offset: u64) {
        assert_eq!(position, self.found.offsets.len() as u64, "not numbered");
        assert!(offset >= self.moved, "offset before the text");
        let offset = offset - self.moved;
        assert!(
            self.found.offsets.last().is_none_or(|last| *last <= offset),
            "offsets go back"
        );
        self.found.offsets.push(offset);
    }
}

impl Sink for Check<'_> {
    type Error = Infallible;

    fn record(&mut self, record: &Record<'_>) -> Result<(), Infallible> {
        self.numbered(record.position, record.offset);
        assert!(!record.event_id.is_empty(), "no event id");
        let signs = [
            &record.event_name,
            &record.event_version,
            &record.event_type,
            &record.event_category,
            &record.event_source,
        ];
        assert!(
            signs.iter().any(|sign| sign.is_some()),
            "nothing is left that made it a record"
        );
        for json in [
            &record.session_tags,
            &record.resources,
            &record.request_parameters,
            &record.response_elements,
            &record.additional_event_data,
            &record.user_identity_extra,
            &record.extra,
        ]
        .into_iter()
        .flatten()
        {
            let sound = serde_json::from_str::<&RawValue>(json);
            assert!(sound.is_ok(), "not JSON: {json}");
        }
        let moved = Record {
            offset: 0,
            ..record.clone()
        };
        let shown = format!("{moved:?}");
        if self.secrets {
            assert_no_secret(&shown);
        }
        self.found.records.push(shown);
        Ok(())
    }

    fn reject(&mut self, reject: Reject) -> Result<(), Infallible> {
        self.numbered(reject.position, reject.offset);
        assert!(reject.text.len() <= self.limits.reject_text, "long text");
        assert!(reject.detail.len() <= DETAIL_BYTES, "long detail");
        if self.secrets {
            assert_no_secret(&reject.text);
            assert_no_secret(&reject.detail);
        }
        self.found.reasons.push(reject.reason);
        Ok(())
    }
}

/// Decodes an object, in front of whose text stand `moved` bytes that are not its own.
pub(crate) fn run(object: &[u8], limits: &Limits, moved: u64, secrets: bool) -> Found {
    let found = Found {
        records: Vec::new(),
        reasons: Vec::new(),
        offsets: Vec::new(),
    };
    let mut check = Check {
        found,
        limits,
        moved,
        secrets,
    };
    let outcome = decode(object, limits, &mut check).expect("reading from memory cannot fail");
    let found = check.found;
    assert_eq!(outcome.records, found.records.len() as u64);
    assert_eq!(outcome.rejected, found.reasons.len() as u64);
    assert!(outcome.bytes_in <= object.len() as u64);
    assert!(outcome.bytes_inflated <= limits.object_bytes);
    found
}
