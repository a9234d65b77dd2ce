//! What a workload was seen to call: what its policy is made of.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::policy::{About, Call};

/// Most names of resources that are kept for calls that are alike otherwise. Of more, none is kept: a list of them all
/// would be out of date with the next one.
const MOST_RESOURCES: usize = 64;

/// What calls have in common.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Alike {
    pub(crate) event_source: String,
    pub(crate) event_name: String,
    /// Whether they were refused.
    pub(crate) denied: bool,
    /// Whether they are management events; nothing where that is not known.
    pub(crate) management_event: Option<bool>,
    pub(crate) region: String,
    pub(crate) account_id: String,
}

/// Calls that are alike, and what they were about.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Seen {
    #[serde(flatten)]
    alike: Alike,
    /// Names of resources, nothing for calls that name none. Empty where there were too many to keep.
    resources: BTreeSet<Option<String>>,
}

impl Seen {
    /// Reads the list that [`SeenCalls::to_json`] writes.
    pub(crate) fn list(json: &str) -> serde_json::Result<Vec<Self>> {
        serde_json::from_str(json)
    }

    /// Gives one call for each resource.
    pub(crate) fn calls(&self) -> Vec<Call<'_>> {
        let alike = &self.alike;
        let call = Call {
            event_source: &alike.event_source,
            event_name: &alike.event_name,
            error_code: alike.denied.then_some("AccessDenied"),
            region: &alike.region,
            account_id: &alike.account_id,
            management_event: alike.management_event,
            about: About::Unknown,
            calls: 1,
            ..Call::default()
        };
        if self.resources.is_empty() {
            return vec![call];
        }
        self.resources
            .iter()
            .map(|name| Call {
                about: name.as_deref().map_or(About::Unknown, About::Name),
                ..call
            })
            .collect()
    }
}

/// Calls that are gathered, in any order.
#[derive(Debug, Default)]
pub(crate) struct SeenCalls(BTreeMap<Alike, BTreeSet<Option<String>>>);

impl SeenCalls {
    /// Adds calls that were about some resources, or about too many where there is none.
    pub(crate) fn add(&mut self, alike: Alike, resources: BTreeSet<Option<String>>) {
        match self.0.entry(alike) {
            Entry::Vacant(place) => {
                place.insert(resources);
            }
            Entry::Occupied(mut place) => {
                let known = place.get_mut();
                if known.is_empty() {
                    return;
                }
                let too_many = resources.is_empty();
                known.extend(resources);
                if too_many || known.len() > MOST_RESOURCES {
                    known.clear();
                }
            }
        }
    }

    /// Adds calls that were gathered elsewhere, and written as JSON.
    pub(crate) fn add_list(&mut self, json: &str) -> serde_json::Result<()> {
        for seen in Seen::list(json)? {
            self.add(seen.alike, seen.resources);
        }
        Ok(())
    }

    /// Writes what was gathered, the same text for the same calls; nothing where there were none.
    pub(crate) fn to_json(&self) -> serde_json::Result<Option<String>> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let list: Vec<Seen> = self
            .0
            .iter()
            .map(|(alike, resources)| Seen {
                alike: alike.clone(),
                resources: resources.clone(),
            })
            .collect();
        serde_json::to_string(&list).map(Some)
    }

    /// Gives how much memory is held, roughly.
    pub(crate) fn bytes(&self) -> usize {
        let texts = |alike: &Alike| {
            alike.event_source.len()
                + alike.event_name.len()
                + alike.region.len()
                + alike.account_id.len()
        };
        let names = |resources: &BTreeSet<Option<String>>| {
            let bytes = |name: &Option<String>| {
                size_of::<Option<String>>() + name.as_ref().map_or(0, String::len)
            };
            resources.iter().map(bytes).sum::<usize>()
        };
        self.0
            .iter()
            .map(|(alike, resources)| size_of::<Seen>() + texts(alike) + names(resources))
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alike(event_name: &str) -> Alike {
        Alike {
            event_source: "s3.amazonaws.com".to_owned(),
            event_name: event_name.to_owned(),
            denied: false,
            management_event: Some(true),
            region: "eu-west-1".to_owned(),
            account_id: "111122223333".to_owned(),
        }
    }

    fn names(numbers: std::ops::Range<usize>) -> Vec<BTreeSet<Option<String>>> {
        numbers
            .map(|number| BTreeSet::from([Some(format!("bucket-{number}"))]))
            .collect()
    }

    fn gathered(parts: &[BTreeSet<Option<String>>]) -> SeenCalls {
        let mut calls = SeenCalls::default();
        for part in parts {
            calls.add(alike("ListObjects"), part.clone());
        }
        calls
    }

    #[test]
    fn parts_gathered_apart_are_the_same_together() {
        for most in [3, MOST_RESOURCES, MOST_RESOURCES + 1, 3 * MOST_RESOURCES] {
            let all = names(0..most);
            let whole = gathered(&all);
            let mut merged = SeenCalls::default();
            for part in all.chunks(MOST_RESOURCES / 2).rev() {
                let json = gathered(part).to_json().unwrap().unwrap();
                merged.add_list(&json).unwrap();
            }
            assert_eq!(whole.to_json().unwrap(), merged.to_json().unwrap());
            let seen = Seen::list(&whole.to_json().unwrap().unwrap()).unwrap();
            let calls: Vec<Call<'_>> = seen.iter().flat_map(Seen::calls).collect();
            let known = if most > MOST_RESOURCES { 1 } else { most };
            assert_eq!(calls.len(), known);
            assert_eq!(calls[0].about == About::Unknown, most > MOST_RESOURCES);
            assert!(whole.bytes() > 0);
        }
        assert_eq!(SeenCalls::default().to_json().unwrap(), None);
    }

    #[test]
    fn calls_without_a_resource_stay_beside_others() {
        let mut calls = gathered(&names(0..1));
        calls.add(alike("ListObjects"), BTreeSet::from([None]));
        let denied = Alike {
            denied: true,
            ..alike("ListBuckets")
        };
        calls.add(denied, BTreeSet::from([None]));
        let seen = Seen::list(&calls.to_json().unwrap().unwrap()).unwrap();
        let told: Vec<(&str, Option<&str>, About<'_>)> = seen
            .iter()
            .flat_map(Seen::calls)
            .map(|call| (call.event_name, call.error_code, call.about))
            .collect();
        assert_eq!(
            told,
            [
                ("ListBuckets", Some("AccessDenied"), About::Unknown),
                ("ListObjects", None, About::Unknown),
                ("ListObjects", None, About::Name("bucket-0")),
            ]
        );
    }
}
