//! What to know before using a policy.

use std::collections::BTreeSet;

use super::{Gathered, Note, NoteCode, Options};
use crate::iam_actions::IamActions;

impl Gathered {
    pub(super) fn notes(&self, rules: &IamActions, options: Options) -> Vec<Note> {
        let mut notes = Vec::new();
        let mut add = |code, text: String| notes.push(Note { code, text });
        let lists = [
            (
                NoteCode::GeneralRule,
                &self.general,
                "named as the API operation is, which is nearly always right; check them",
            ),
            (
                NoteCode::ResourceNotNamed,
                &self.not_named,
                "on every resource, since some records do not name it",
            ),
            (
                NoteCode::ResourceUnknown,
                &self.no_rule,
                "on every resource, since podtrail does not know which ones they take",
            ),
            (
                NoteCode::NoResourceLevel,
                &self.no_resource_level,
                "on every resource, since IAM knows none for them",
            ),
            (
                NoteCode::Generalised,
                &self.widened,
                "on everything in a resource, since some records do not name the part",
            ),
        ];
        for (code, actions, what) in lists {
            if !actions.is_empty() {
                add(code, format!("{what}: {}", joined(actions)));
            }
        }
        if !self.unknown_services.is_empty() {
            add(
                NoteCode::GeneralRule,
                format!(
                    "the service prefix is taken from the event source: {}",
                    joined(&self.unknown_services)
                ),
            );
        }
        for (event, reason) in &self.nothing {
            add(
                NoteCode::NoPermission,
                format!("{event} needs nothing in a policy: {reason}"),
            );
        }
        self.note_denied(options, &mut add);
        self.note_data_events(rules, &mut add);
        notes
    }

    /// Gives what was refused and never allowed on the same resource, by action.
    pub(super) fn only_denied(&self, options: Options) -> Vec<(&String, BTreeSet<&String>)> {
        let mut all = Vec::new();
        for (action, resources) in &self.denied {
            let allowed = self.allowed.get(action);
            let only_denied: BTreeSet<&String> = resources
                .iter()
                .filter(|one| {
                    options.include_denied || allowed.is_none_or(|allowed| !allowed.contains(*one))
                })
                .collect();
            if !only_denied.is_empty() {
                all.push((action, only_denied));
            }
        }
        all
    }

    fn note_denied(&self, options: Options, add: &mut impl FnMut(NoteCode, String)) {
        for (action, only_denied) in self.only_denied(options) {
            let granted = if options.include_denied {
                "granted"
            } else {
                "not granted"
            };
            add(
                NoteCode::Denied,
                format!(
                    "{action} was refused, and is {granted}: {}",
                    joined(&only_denied)
                ),
            );
        }
    }

    fn note_data_events(&self, rules: &IamActions, add: &mut impl FnMut(NoteCode, String)) {
        for prefix in self.used.difference(&self.used_data_events) {
            if let Some(calls) = rules.data_events(prefix) {
                add(
                    NoteCode::DataEventsMissing,
                    format!(
                        "{prefix} is used, but no data event of it was seen: {calls} may be missing"
                    ),
                );
            }
        }
        if self.data_events_seen || self.used.is_empty() {
            return;
        }
        let mut services: Vec<&str> = rules.all_data_events().map(|(prefix, _)| prefix).collect();
        services.sort_unstable();
        add(
            NoteCode::NoDataEvents,
            format!(
                "the calls hold no data event: a trail that records none does not show work with objects, items and messages, of services that are used and of others ({})",
                services.join(", ")
            ),
        );
    }
}

/// Most names in a note; more are counted.
const MAX_NAMES: usize = 20;

/// Writes names in a row, the first of many.
pub(crate) fn joined<T: AsRef<str>>(names: &BTreeSet<T>) -> String {
    let mut text = names
        .iter()
        .take(MAX_NAMES)
        .map(AsRef::as_ref)
        .collect::<Vec<_>>()
        .join(", ");
    if names.len() > MAX_NAMES {
        text += " and ";
        text += &(names.len() - MAX_NAMES).to_string();
        text += " more";
    }
    text
}
