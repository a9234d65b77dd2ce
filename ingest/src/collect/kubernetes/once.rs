//! One look at a whole cluster.

use std::collections::BTreeSet;
use std::io::BufReader;

use serde::Deserialize;
use serde_json::Value;

use super::api::{Api, Failure};
use super::list::{self, Listed};
use super::{
    AWS_AUTH_PATH, Connection, Error, NODES, RESOURCES, Resource, SERVICE_ACCOUNTS, reduce,
};
use crate::collect::permissions;
use crate::collect::{Document, Output, Reason, Warning};

/// What the objects of a cluster name in AWS.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Seen {
    /// Roles that service accounts are annotated with.
    pub role_arns: BTreeSet<String>,
    /// EC2 instances that nodes run on.
    pub instance_ids: BTreeSet<String>,
    /// Documents handed over.
    pub documents: u64,
    /// Objects in them.
    pub objects: u64,
}

impl Seen {
    /// Looks at what [`Connection::follow`] handed over: the object of a change, or a list of what names
    /// something in AWS.
    pub fn see_change(&mut self, document: &Document) {
        if !document.is_object() {
            self.see_list(document);
            return;
        }
        let Ok(change) = document.value() else {
            return;
        };
        let object = &change["object"];
        if change["type"] == "DELETED" {
            // It would be asked for every hour from now on.
            if let Some(id) = instance_id(object) {
                self.instance_ids.remove(id);
            }
        } else {
            self.see(object);
        }
    }

    fn see_list(&mut self, document: &Document) {
        let are_nodes = document.from == list_of(&NODES);
        // Not pods: there are many, and they name nothing.
        if !are_nodes && document.from != list_of(&SERVICE_ACCOUNTS) {
            return;
        }
        let reader = BufReader::new(document.reader());
        let Ok(list) = serde_json::from_reader::<_, Items>(reader) else {
            return;
        };
        if are_nodes {
            // It has all that are there.
            self.instance_ids.clear();
        }
        for object in &list.items {
            self.see(object);
        }
    }

    fn see(&mut self, object: &Value) {
        let role = object.pointer("/metadata/annotations/eks.amazonaws.com~1role-arn");
        if let Some(role) = role.and_then(Value::as_str) {
            self.role_arns.insert(role.to_owned());
        }
        if let Some(id) = instance_id(object) {
            self.instance_ids.insert(id.to_owned());
        }
    }
}

/// The objects of a list.
#[derive(Deserialize)]
struct Items {
    items: Vec<Value>,
}

/// What a list of a resource says it comes from.
fn list_of(resource: &Resource) -> String {
    format!("kubernetes {}", resource.plural)
}

/// The EC2 instance that a node runs on.
fn instance_id(node: &Value) -> Option<&str> {
    let id = node.pointer("/spec/providerID")?.as_str()?;
    id.rsplit('/').next().filter(|id| id.starts_with("i-"))
}

impl Connection {
    /// Lists everything once. A kind that cannot be read becomes a warning.
    ///
    /// # Errors
    /// [`Error::Nothing`] where no kind could be read, [`Error::Closed`] where the receiver is gone.
    pub async fn collect(&self, out: &Output) -> Result<Seen, Error> {
        let mut seen = Seen::default();
        let mut first = None;
        for resource in &RESOURCES {
            let listed = list::list(&self.api, resource, |_, object| seen.see(object)).await;
            match listed {
                Ok(listed) => {
                    seen.documents += 1;
                    seen.objects += listed.list.items();
                    out.document(self.listing(resource, listed)).await?;
                }
                Err(Failure::NotFound(_)) if resource.optional => {}
                Err(failure) => {
                    out.warning(self.warning(resource, &failure)).await?;
                    first.get_or_insert(failure);
                }
            }
        }
        match aws_auth(&self.api).await {
            Ok((value, observed_at)) => {
                seen.documents += 1;
                out.document(self.aws_auth_document(&value, observed_at))
                    .await?;
            }
            Err(failure) => {
                out.warning(self.aws_auth_warning(&failure)).await?;
                first.get_or_insert(failure);
            }
        }
        match first {
            Some(failure) if seen.documents == 0 => Err(Error::Nothing {
                server: self.api.server.clone(),
                failure,
            }),
            _ => Ok(seen),
        }
    }

    pub(super) fn listing(&self, resource: &Resource, listed: Listed) -> Document {
        let from = list_of(resource);
        Document::list(self.cluster.clone(), listed.observed_at, &from, listed.list)
    }

    pub(super) fn aws_auth_document(&self, value: &Value, observed_at: i64) -> Document {
        let from = "kubernetes configmap kube-system/aws-auth";
        Document::object(self.cluster.clone(), observed_at, from, value)
    }

    pub(super) fn warning(&self, resource: &Resource, failure: &Failure) -> Warning {
        let rule = permissions::cluster_rule(resource.group, resource.plural);
        self.failed(&list_of(resource), failure, &rule)
    }

    pub(super) fn aws_auth_warning(&self, failure: &Failure) -> Warning {
        let rule = permissions::AWS_AUTH_RULE;
        self.failed("kubernetes configmap kube-system/aws-auth", failure, rule)
    }

    fn failed(&self, call: &str, failure: &Failure, rule: &str) -> Warning {
        let (reason, advice) = match failure {
            Failure::Forbidden(_) => {
                let advice = format!(
                    "grant it with this rule of the ClusterRole or Role podtrail: {rule} \
                     (podtrail doctor --permissions prints all)"
                );
                (Reason::Denied, advice)
            }
            Failure::Unauthorized(_) => (
                Reason::Credentials,
                "renew the credentials, and check that an access entry or aws-auth row maps them"
                    .to_owned(),
            ),
            Failure::Malformed(_) | Failure::TooLarge(_) | Failure::NotFound(_) => {
                (Reason::Malformed, String::new())
            }
            Failure::Gone(_) | Failure::Status(..) | Failure::Network(_) => {
                (Reason::Unavailable, String::new())
            }
        };
        let cluster = self.cluster.as_deref().unwrap_or("unnamed cluster");
        Warning {
            call: call.to_owned(),
            place: format!("{cluster}, {}", self.api.server),
            reason,
            detail: failure.to_string(),
            advice,
        }
    }
}

/// The rows of `aws-auth`, and when they were read. A cluster without the config map has none, which is
/// worth telling.
pub(super) async fn aws_auth(api: &Api) -> Result<(Value, i64), Failure> {
    let value = match api.get(AWS_AUTH_PATH).await {
        Ok(bytes) => serde_json::from_slice(&bytes)
            .map_err(|error| Failure::Malformed(format!("config map: {error}")))?,
        Err(Failure::NotFound(_)) => Value::Null,
        Err(failure) => return Err(failure),
    };
    Ok((reduce::aws_auth(&value), (api.clock)()))
}
