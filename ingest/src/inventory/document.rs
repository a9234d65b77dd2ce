//! What each document of a file is, told by its content.

use std::io::Read;

use serde_json::Value;

use super::audit::{self, Audit};
use super::collect::{Collector, Scope};
use super::json::{flag, text};
use super::limits::FILE_BYTES;
use super::observation::Kind;
use super::split::{Part, Splitter};
use super::{Error, FileContext, Sink, Summary, aws, foreign, kubernetes};

/// Reads one file.
pub(super) fn read<S: Sink>(
    reader: impl Read,
    context: &FileContext,
    sink: &mut S,
) -> Result<Summary, Error> {
    let mut splitter = Splitter::new(reader, FILE_BYTES);
    let mut reading = Reading {
        out: Collector::new(context, sink),
        audit: Audit::default(),
        list: None,
        empty: true,
    };
    if let Some((reason, advice)) = foreign::refused(splitter.peek()) {
        reading.out.reject(reason, advice, b"")?;
        return Ok(reading.out.summary);
    }
    while let Some(part) = splitter.next() {
        reading.part(part)?;
    }
    if reading.empty {
        reading.out.reject("empty", "the file holds nothing", b"")?;
    }
    Ok(reading.out.summary)
}

/// The list of a document that is being read.
struct List {
    name: &'static str,
    /// Kind of items that do not name it themselves.
    item_kind: Option<String>,
    scope: Scope,
}

struct Reading<'a, S> {
    out: Collector<'a, S>,
    audit: Audit,
    list: Option<List>,
    /// No document so far.
    empty: bool,
}

impl<S: Sink> Reading<'_, S> {
    fn part(&mut self, part: Part<'_>) -> Result<(), Error> {
        self.empty = false;
        match part {
            Part::ListStart { name, head } => return self.begin_list(name, head),
            Part::Element(element) => self.element(element)?,
            Part::Document { head, lists: false } => self.document(head)?,
            Part::Document { head, lists: true } => {
                self.list = None;
                return self.out.end_document(has_more_pages(head));
            }
            Part::Scalar => self.out.skip("scalar"),
            Part::Broken {
                reason,
                detail,
                text,
                lost,
            } => {
                self.out.reject(reason, &detail, text)?;
                if lost {
                    self.list = None;
                    self.out.abandon();
                }
            }
        }
        self.out.position += 1;
        Ok(())
    }

    fn begin_list(&mut self, name: &'static str, head: &str) -> Result<(), Error> {
        let head: Value = serde_json::from_str(&format!("{{{head}}}")).unwrap_or_default();
        let mut scope = self.out.scope();
        if let Some(cluster) = audit::cluster_of(&head, self.out.context) {
            scope.cluster = Some(cluster);
        }
        let item_kind = text(&head, &["kind"])
            .and_then(kubernetes::item_kind)
            .map(str::to_owned);
        match name {
            "items" => {
                let certain = item_kind.as_deref().and_then(kubernetes::listed_kind);
                self.out.begin_list(kubernetes::LISTED, certain);
            }
            "associations" => self.begin_listing(&[Kind::PodIdentityAssociation]),
            "accessEntries" => self.begin_listing(&[Kind::AccessEntry]),
            "Reservations" => self.begin_listing(&[Kind::Instance]),
            "Roles" | "RoleDetailList" => self.begin_listing(&[Kind::Role]),
            "InstanceProfiles" => self.begin_listing(&[Kind::InstanceProfile]),
            "Records" | "Events" => {
                let advice = "CloudTrail records: read them with podtrail ingest";
                self.out.reject("cloudtrail", advice, b"")?;
            }
            _ => {
                let names = aws::NAMES_ONLY.iter().find(|(member, _)| *member == name);
                if let Some((_, command)) = names {
                    self.out.skip(command);
                }
            }
        }
        self.list = Some(List {
            name,
            item_kind,
            scope,
        });
        Ok(())
    }

    fn begin_listing(&mut self, kinds: &'static [Kind]) {
        self.out.begin_list(kinds, kinds.first().copied());
    }

    /// Parses a piece, or refuses it.
    fn parsed(&mut self, piece: &str) -> Result<Option<Value>, Error> {
        match serde_json::from_str(piece) {
            Ok(value) => Ok(Some(value)),
            Err(error) => {
                // Syntax errors name a place and never the text.
                let detail = error.to_string();
                let deep = detail.contains("recursion limit");
                let reason = if deep { "too_deep" } else { "invalid_json" };
                self.out.reject(reason, &detail, piece.as_bytes())?;
                Ok(None)
            }
        }
    }

    fn element(&mut self, element: &str) -> Result<(), Error> {
        // Put back below: what is called in between needs the rest of self.
        let Some(list) = self.list.take() else {
            return Ok(());
        };
        let result = self.element_of(&list, element);
        self.list = Some(list);
        result
    }

    fn element_of(&mut self, list: &List, element: &str) -> Result<(), Error> {
        let scope = &list.scope;
        match list.name {
            "GroupDetailList" => self.out.skip("iam_group"),
            "UserDetailList" => self.out.skip("iam_user"),
            "Records" | "Events" => self.out.skip("cloudtrail_record"),
            name if aws::NAMES_ONLY.iter().any(|(member, _)| *member == name) => {}
            "items" if audit::is_marked(element) => {
                return self.audit.event(element, scope, &mut self.out);
            }
            _ => return self.other_element(list, element),
        }
        Ok(())
    }

    fn other_element(&mut self, list: &List, element: &str) -> Result<(), Error> {
        let Some(value) = self.parsed(element)? else {
            return Ok(());
        };
        let (scope, out) = (&list.scope, &mut self.out);
        match list.name {
            "accessEntries" if value.is_string() => {
                out.take(aws::access_entry_name(&value, scope), &value)
            }
            "Reservations" => aws::reservation(&value, scope, out),
            "Roles" => out.take(aws::role(&value, scope), &value),
            "RoleDetailList" => aws::role_detail(&value, scope, out),
            "Policies" => out.take(aws::managed_policy(&value, scope), &value),
            "InstanceProfiles" => aws::instance_profile(&value, scope, out),
            "associations" => out.take(aws::association(&value, scope), &value),
            _ => self.object(&value, element, list.item_kind.as_deref(), scope),
        }
    }

    /// A document without lists.
    fn document(&mut self, head: &str) -> Result<(), Error> {
        let text = format!("{{{head}}}");
        let scope = self.out.scope();
        if audit::is_marked(&text) {
            return self.audit.event(&text, &scope, &mut self.out);
        }
        let Some(value) = self.parsed(&text)? else {
            return Ok(());
        };
        self.object(&value, &text, None, &scope)
    }

    /// Any object that names its kind, or shows it by its members.
    fn object(
        &mut self,
        value: &Value,
        piece: &str,
        item_kind: Option<&str>,
        scope: &Scope,
    ) -> Result<(), Error> {
        if audit::is_event(value) {
            return self.audit.event(piece, scope, &mut self.out);
        }
        let out = &mut self.out;
        let own_kind = text(value, &["kind"]).filter(|_| value.get("apiVersion").is_some());
        if let Some(kind) = own_kind {
            return kubernetes::object(value, kind, scope, out);
        }
        if item_kind == Some("Event") && value.get("auditID").is_some() {
            return self.audit.event(piece, scope, &mut self.out);
        }
        if let Some(kind) = item_kind.or_else(|| kubernetes::kind_by_shape(value)) {
            return kubernetes::object(value, kind, scope, out);
        }
        if let Some(inner) = watched(value) {
            return self.watch_event(value, inner, scope);
        }
        if audit::message(value, &mut self.audit, scope, out)? || aws::document(value, scope, out)?
        {
            return Ok(());
        }
        if value.get("eventVersion").is_some() && value.get("eventSource").is_some() {
            let advice = "CloudTrail records: read them with podtrail ingest";
            return out.reject("cloudtrail", advice, b"");
        }
        let detail = "JSON that no supported command prints";
        out.reject("unknown_document", detail, piece.as_bytes())
    }

    /// An event of `kubectl get --watch --output-watch-events`.
    fn watch_event(&mut self, event: &Value, inner: &Value, scope: &Scope) -> Result<(), Error> {
        let kind = text(inner, &["kind"]).unwrap_or_default();
        if text(event, &["type"]) == Some("DELETED") && kind == "Pod" {
            let made = kubernetes::pod(inner, scope).map(|mut pod| {
                pod.valid_to = pod.valid_to.or(Some(pod.observed_at));
                pod
            });
            return self.out.take(made, inner);
        }
        if text(event, &["type"]) == Some("DELETED") {
            self.out.skip("deleted_object");
            return Ok(());
        }
        kubernetes::object(inner, kind, scope, &mut self.out)
    }
}

fn watched(value: &Value) -> Option<&Value> {
    text(value, &["type"])?;
    value
        .get("object")
        .filter(|inner| inner.get("kind").is_some())
}

/// Whether a list is only a page: Kubernetes and AWS name the next one, IAM says so.
fn has_more_pages(head: &str) -> bool {
    let Ok(head) = serde_json::from_str::<Value>(&format!("{{{head}}}")) else {
        return true;
    };
    let next = ["nextToken", "NextToken", "Marker"]
        .iter()
        .any(|name| text(&head, &[name]).is_some());
    let more = text(&head, &["metadata", "continue"]).is_some()
        || head
            .get("metadata")
            .is_some_and(|meta| meta.get("remainingItemCount").is_some());
    next || more || flag(&head, &["IsTruncated"]) == Some(true)
}
