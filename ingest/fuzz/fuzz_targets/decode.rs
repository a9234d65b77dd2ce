//! No bytes make the decoder panic, emit more than it was given, or keep a session token.
#![no_main]

use std::convert::Infallible;

use libfuzzer_sys::fuzz_target;
use podtrail_ingest::decode::{Limits, Record, Reject, Sink, decode};

struct Check;

impl Sink for Check {
    type Error = Infallible;

    fn record(&mut self, record: &Record<'_>) -> Result<(), Infallible> {
        assert!(!record.event_id.is_empty());
        for text in [&record.response_elements, &record.request_parameters, &record.extra] {
            assert!(!text.as_deref().unwrap_or_default().contains("\"sessionToken\""));
        }
        Ok(())
    }

    fn reject(&mut self, reject: Reject) -> Result<(), Infallible> {
        assert!(reject.text.len() <= Limits::default().reject_text);
        Ok(())
    }
}

fuzz_target!(|bytes: &[u8]| {
    let decoded = decode(bytes, &Limits::default(), &mut Check);
    assert!(decoded.is_ok(), "reading from memory cannot fail");
});
