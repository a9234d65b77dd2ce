//! Pods by their names alone: whose they are is told by the inventory, and by calls that name their pod.

use serde_json::Value;

use super::subject::{SHOWN, Section, Story, workload};
use super::{all, literal};
use crate::engine::Session;
use crate::error::{Error, Result};
use crate::text::is_event_id;

/// What can be asked for: said where nothing is found.
const FORMS: &str = "an event id, an access key id, an ARN, CLUSTER/NAMESPACE/SERVICE_ACCOUNT[/POD] and [NAMESPACE/]POD can be asked for";

/// Longest name of a pod, a DNS subdomain, and of a namespace, a DNS label.
/// Source: Kubernetes documentation, "Object Names and IDs", after RFC 1123.
const POD_BYTES: usize = 253;
const NAMESPACE_BYTES: usize = 63;

/// A pod's name, with its namespace where that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct PodName<'a> {
    namespace: Option<&'a str>,
    pod: &'a str,
}

impl<'a> PodName<'a> {
    /// Takes a text of the form `NAME` or `NAMESPACE/NAME` for a pod's name.
    fn parse(text: &'a str) -> Option<Self> {
        let (namespace, pod) = match text.split_once('/') {
            Some((namespace, pod)) => (Some(namespace), pod),
            None => (None, text),
        };
        let fits = namespace
            .is_none_or(|namespace| namespace.len() <= NAMESPACE_BYTES && is_label(namespace))
            && pod.len() <= POD_BYTES
            && pod.split('.').all(is_label);
        // Hardly a pod has such a name, and to look for one costs more than to look for an event.
        let is_event = namespace.is_none() && is_event_id(pod);
        (fits && !is_event).then_some(Self { namespace, pod })
    }

    /// Gives the pods of this name, each with its whole name and when it was seen, the latest first: one more than are shown
    /// where there are more.
    async fn find(self, session: &Session) -> Result<Vec<Value>> {
        let pod = literal(self.pod);
        let namespace = self.namespace.map_or_else(String::new, |namespace| {
            format!("AND namespace = {}", literal(namespace))
        });
        let most = SHOWN + 1;
        all(
            session,
            &format!(
                "SELECT concat_ws('/', cluster, namespace, service_account, pod) AS subject, cluster, namespace, service_account, pod,
                        min(first_seen) AS first_seen, max(last_seen) AS last_seen
                 FROM (SELECT cluster, namespace, service_account, pod, valid_from AS first_seen, coalesce(valid_to, observed_at) AS last_seen
                       FROM pods
                       UNION ALL
                       SELECT cluster, namespace, service_account, pod, first_event_time, last_event_time FROM hourly_attribution)
                 WHERE pod = {pod} {namespace} AND cluster IS NOT NULL AND namespace IS NOT NULL AND service_account IS NOT NULL
                 GROUP BY cluster, namespace, service_account, pod ORDER BY last_seen DESC, subject LIMIT {most}"
            ),
        )
        .await
    }

    /// Says where it was looked for.
    fn places(self) -> String {
        match self.namespace {
            Some(namespace) => format!("no pod {} in a namespace {namespace}", self.pod),
            None => format!("no pod {}", self.pod),
        }
    }
}

/// Tells the story of the pod of a name, `NAME` or `NAMESPACE/NAME`; of several of that name, which there are.
///
/// # Errors
/// [`Error::NotFound`] where neither calls nor the inventory show one.
pub(super) async fn named(session: &Session, text: &str) -> Result<Story> {
    let Some(name) = PodName::parse(text) else {
        return Err(Error::NotFound(format!(
            "no event {text} in the store; {FORMS}"
        )));
    };
    let found = name.find(session).await?;
    if let [only] = found.as_slice() {
        let part = |column: &str| only[column].as_str().unwrap_or_default();
        let mut story = workload(
            session,
            part("cluster"),
            part("namespace"),
            part("service_account"),
            Some(part("pod")),
        )
        .await?;
        story.subject = Some(part("subject").to_owned());
        return Ok(story);
    }
    if found.is_empty() {
        return Err(Error::NotFound(format!(
            "no event {text} in the store, and {} of any cluster; {FORMS}",
            name.places()
        )));
    }
    Ok(several(name.pod, found))
}

/// Lists pods of one name.
fn several(pod: &str, mut found: Vec<Value>) -> Story {
    let number = if found.len() > SHOWN {
        format!("more than {SHOWN}")
    } else {
        found.len().to_string()
    };
    found.truncate(SHOWN);
    Story {
        subject: None,
        verdict: format!(
            "{number} pods are named {pod}: ask for one of them by its subject, CLUSTER/NAMESPACE/SERVICE_ACCOUNT/POD"
        ),
        sections: vec![Section::from(("pods of this name", found))],
        missing: Vec::new(),
    }
}

/// Tells whether a text is a DNS label, as Kubernetes writes it: small letters, digits, and between them hyphens.
fn is_label(text: &str) -> bool {
    let sign = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !text.is_empty() && text.bytes().all(sign) && !text.starts_with('-') && !text.ends_with('-')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_of_pods_are_told_by_their_form() {
        let longest = "a".repeat(POD_BYTES);
        let too_long = "a".repeat(POD_BYTES + 1);
        for (text, namespace, pod) in [
            ("mail-gateway-z8abc", None, "mail-gateway-z8abc"),
            ("shop/web-0", Some("shop"), "web-0"),
            ("0.node-7.example", None, "0.node-7.example"),
            (&longest, None, &longest),
            (
                "jobs/0f53d9b8-fde2-4920-bd1a-90468347d468",
                Some("jobs"),
                "0f53d9b8-fde2-4920-bd1a-90468347d468",
            ),
        ] {
            assert_eq!(PodName::parse(text), Some(PodName { namespace, pod }));
        }
        for other in [
            "",
            "Web-0",
            "web_0",
            "-web",
            "web-",
            "web..0",
            "shop/",
            "/web-0",
            "shop.a/web-0",
            "a/b/c",
            "it's not there",
            "web-0\n",
            "0f53d9b8-fde2-4920-bd1a-90468347d468",
            "derived-44136fa355b3678a1146ad16f7e8649e",
            &too_long,
        ] {
            assert_eq!(PodName::parse(other), None, "{other:?}");
        }
    }

    #[test]
    fn of_many_pods_some_are_shown() {
        let rows = |number: usize| vec![json!({ "pod": "web-0" }); number];
        let story = several("web-0", rows(SHOWN));
        assert!(story.verdict.starts_with("20 pods are named web-0"));
        let story = several("web-0", rows(SHOWN + 1));
        assert!(
            story
                .verdict
                .starts_with("more than 20 pods are named web-0")
        );
        assert_eq!(story.sections[0].rows.len(), SHOWN);
    }
}
