//! Whose a call is that a service made on behalf of a session: the direct call to the service at the same moment.

use std::collections::HashMap;

use super::Suspect;
use super::input::Call;

/// Microseconds between a call to a service and what the service calls for it: both times are of whole seconds.
const FORWARDED_WITHIN: i64 = 1_000_000;

/// Direct calls of sessions, by node and service.
pub(super) struct Served<'a>(HashMap<(&'a str, &'a str), Vec<usize>>);

impl<'a> Served<'a> {
    pub(super) fn index(calls: &'a [Call]) -> Self {
        let mut found: HashMap<(&str, &str), Vec<usize>> = HashMap::new();
        for (at, call) in calls.iter().enumerate() {
            if call.invoked_by.is_none() {
                let key = (call.node.as_str(), call.event_source.as_str());
                found.entry(key).or_default().push(at);
            }
        }
        Self(found)
    }

    /// A direct call that a forwarded one serves, and who can have made such calls: each with its mean score.
    #[allow(clippy::cast_precision_loss)] // a count of calls
    pub(super) fn whose(
        &self,
        calls: &'a [Call],
        call: &Call,
        (suspects, scores): (&[Vec<Suspect>], &[Vec<f64>]),
    ) -> Option<(&'a Call, Vec<Suspect>, Vec<f64>)> {
        let service = call.invoked_by.as_deref()?;
        let direct: Vec<usize> = self
            .0
            .get(&(call.node.as_str(), service))?
            .iter()
            .copied()
            .filter(|&at| {
                calls[at].first <= call.last + FORWARDED_WITHIN
                    && calls[at].last >= call.first - FORWARDED_WITHIN
                    && !suspects[at].is_empty()
            })
            .collect();
        let first = *direct.first()?;
        let mut whose: Vec<(Suspect, f64)> = Vec::new();
        for &at in &direct {
            for (suspect, score) in suspects[at].iter().zip(&scores[at]) {
                let share = score / direct.len() as f64;
                let known = whose.iter_mut().find(|(known, _)| known.pod == suspect.pod);
                if let Some((_, sum)) = known {
                    *sum += share;
                } else {
                    // The address was that of the direct call.
                    let suspect = Suspect {
                        addressed: false,
                        ..suspect.clone()
                    };
                    whose.push((suspect, share));
                }
            }
        }
        let (suspects, scores) = whose.into_iter().unzip();
        Some((&calls[first], suspects, scores))
    }
}
