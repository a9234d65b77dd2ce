//! An answer, and what the store holds around it: what the rules of `missing` look at.

use std::net::IpAddr;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::chain::Step;
use super::unissued::{self, Unissued, time};
use super::{Fact, all, first, literal};
use crate::engine::Session;
use crate::error::Result;
use crate::text::is_instance_id;

/// Who made a call, and what that rests on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Answer<'a> {
    /// The record, with the columns of [`EVENT`](super::EVENT).
    pub(super) event: &'a Value,
    /// Its row of `attribution`; none where no identity of a cluster made the call.
    pub(super) attribution: Option<&'a Value>,
    /// The facts that the row rests on.
    pub(super) evidence: &'a [Fact],
    /// The sessions behind the call.
    pub(super) chain: &'a [Step],
}

impl<'a> Answer<'a> {
    /// Gives a column of the attribution.
    pub(super) fn said(&self, column: &str) -> Option<&'a str> {
        self.attribution.and_then(|row| row[column].as_str())
    }

    /// Gives a column of the record.
    pub(super) fn of_event(&self, column: &str) -> Option<&'a str> {
        self.event[column].as_str()
    }

    pub(super) fn has(&self, fact: &str) -> bool {
        self.evidence.iter().any(|one| one.fact == fact)
    }

    pub(super) fn is_exact(&self) -> bool {
        self.said("confidence") == Some("exact")
    }

    pub(super) fn is_of_workload(&self) -> bool {
        self.said("actor") == Some("workload")
    }

    pub(super) fn path(&self) -> &'a str {
        self.said("access_path").unwrap_or_default()
    }

    /// Tells whether the call was made with credentials of the workload's own.
    pub(super) fn has_own_credentials(&self) -> bool {
        self.is_of_workload() && matches!(self.path(), "irsa" | "pod_identity")
    }

    /// Tells whether several pods can have had the credentials: those of their node, or of a proxy on it.
    pub(super) fn has_shared_credentials(&self) -> bool {
        self.is_of_workload() && matches!(self.path(), "node_role" | "kube2iam" | "kiam")
    }

    /// Tells whether the call was made with the session of an instance, or of another node, itself.
    pub(super) fn is_by_node(&self) -> bool {
        match self.attribution {
            Some(row) => self.path() == "node_role" && row["hops"] == 0,
            None => {
                self.of_event("identity_type") == Some("AssumedRole")
                    && self.of_event("session_name").is_some_and(is_instance_id)
            }
        }
    }

    /// Tells whether the record shows an address that can be a pod's: nothing translates IPv6, and private addresses are seen where
    /// nothing translated them.
    pub(super) fn shows_pods_address(&self) -> bool {
        let address = self.of_event("source_ip_address");
        match address.map(str::parse::<IpAddr>) {
            Some(Ok(IpAddr::V4(address))) => {
                let [first, second, ..] = address.octets();
                // RFC 6598: the VPC CNI's custom networking has pods there.
                address.is_private() || first == 100 && second & 0b1100_0000 == 0b0100_0000
            }
            Some(Ok(IpAddr::V6(_))) => true,
            Some(Err(_)) | None => false,
        }
    }

    /// Tells whether the pods of the cluster, as an inventory has them, would tell more.
    pub(super) fn asks_for_pods(&self) -> bool {
        let no_pod = self.said("pod").is_none();
        if self.has_shared_credentials() {
            return !self.is_exact();
        }
        self.has_own_credentials()
            && no_pod
            && self.said("service_account").is_some()
            && (self.path() == "pod_identity" || self.shows_pods_address())
    }

    /// Tells whether EKS Pod Identity gave the credentials without session tags that name the pod.
    pub(super) fn lacks_tags(&self) -> bool {
        self.has_own_credentials()
            && self.path() == "pod_identity"
            && (self.said("pod").is_none() || !self.is_exact())
    }

    /// Gives the role of the workload's own session; none where it has none, or none is known.
    fn own_role(&self, unissued: Option<&'a Unissued>) -> Option<&'a str> {
        if !self.has_own_credentials() {
            return None;
        }
        let of_chain = self.chain.first().filter(|step| step.hops == 0);
        unissued
            .and_then(|one| one.role_arn.as_deref())
            .or_else(|| of_chain.and_then(|step| step.role_arn.as_deref()))
            .or_else(|| self.said("role_arn"))
    }
}

/// When the pods of a cluster were looked at, around a call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Looks {
    /// The last look before it.
    pub(super) before: Option<DateTime<Utc>>,
    /// The first look after it.
    pub(super) after: Option<DateTime<Utc>>,
}

/// An association of EKS Pod Identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Association {
    pub(super) cluster: String,
    pub(super) id: String,
}

/// What the store holds around an answer.
#[derive(Debug, Default)]
pub(super) struct Held {
    /// The first issuing record on the way to the call that is not in the store.
    pub(super) unissued: Option<Unissued>,
    /// Whether any service account is known to be bound to the role of the workload's own session; none where that is not asked.
    pub(super) has_binding: Option<bool>,
    /// The one association of that role, where its session tags are disabled.
    pub(super) untagged: Option<Association>,
    /// Looks at the pods of the cluster; none where they would not tell more.
    pub(super) looks: Option<Looks>,
    /// ARNs of the clusters with the name of this one, one a line, where pods were seen that do not say of which of them they are.
    pub(super) namesakes: Option<String>,
    /// Whether the node role is known by what other software does as well.
    pub(super) role_is_inferred: bool,
    /// Whether only other nodes of the role have shown the cluster.
    pub(super) cluster_of_role: bool,
}

impl Held {
    /// Looks at what is there around an answer. `caller` is the row of `caller_identities` of who made the call.
    pub(super) async fn around(
        session: &Session,
        answer: Answer<'_>,
        caller: Option<&Value>,
    ) -> Result<Self> {
        let mut held = Self::default();
        if let Some(caller) = caller {
            held.role_is_inferred = caller["role_confidence"] == "inferred";
            held.cluster_of_role = caller["cluster_of_role"] == true;
        }
        if !answer.is_exact() && !answer.is_by_node() {
            held.unissued = unissued::behind(session, answer.event.clone()).await?;
        }
        if let Some(role) = answer.own_role(held.unissued.as_ref()) {
            if answer.said("service_account").is_none() {
                held.has_binding = Some(has_binding(session, role).await?);
            }
            if answer.lacks_tags() && held.unissued.is_none() {
                held.untagged = untagged(session, role).await?;
            }
        }
        if answer.asks_for_pods()
            && answer.of_event("event_time").is_some()
            && let (Some(cluster), Some(id)) = (answer.said("cluster"), answer.of_event("event_id"))
        {
            held.looks = Some(looks(session, cluster, id).await?);
            held.namesakes = namesakes_of_pods(session, cluster).await?;
        }
        Ok(held)
    }
}

async fn has_binding(session: &Session, role_arn: &str) -> Result<bool> {
    let sql = format!(
        "SELECT role_arn FROM role_bindings WHERE plain_role_arn(role_arn) = plain_role_arn({}) LIMIT 1",
        literal(role_arn)
    );
    Ok(first(session, &sql).await?.is_some())
}

async fn untagged(session: &Session, role_arn: &str) -> Result<Option<Association>> {
    let rows = all(
        session,
        &format!(
            "SELECT cluster, association_id FROM pod_identity_associations
             WHERE disable_session_tags AND valid_to IS NULL AND plain_role_arn(role_arn) = plain_role_arn({}) LIMIT 2",
            literal(role_arn)
        ),
    )
    .await?;
    let [only] = rows.as_slice() else {
        return Ok(None);
    };
    let (Some(cluster), Some(id)) = (only["cluster"].as_str(), only["association_id"].as_str())
    else {
        return Ok(None);
    };
    Ok(Some(Association {
        cluster: cluster.to_owned(),
        id: id.to_owned(),
    }))
}

/// Gives the clusters that pods may be of which were seen under the name of a cluster alone.
async fn namesakes_of_pods(session: &Session, cluster: &str) -> Result<Option<String>> {
    let sql = format!(
        "SELECT arns FROM unplaced_inventory WHERE kind = 'pod' AND name = cluster_name({})",
        literal(cluster)
    );
    let row = first(session, &sql).await?.unwrap_or_default();
    Ok(row["arns"].as_str().map(str::to_owned))
}

/// Gives the looks at the pods of a cluster that are next to an event.
async fn looks(session: &Session, cluster: &str, event_id: &str) -> Result<Looks> {
    let row = first(
        session,
        &format!(
            "SELECT max(CASE WHEN looks.observed_at <= explained.event_time THEN looks.observed_at END) AS look_before,
                    min(CASE WHEN looks.observed_at > explained.event_time THEN looks.observed_at END) AS look_after
             FROM inventory_looks AS looks
             CROSS JOIN (SELECT event_time FROM events WHERE event_id = {}) AS explained
             WHERE looks.kind = 'pod' AND looks.cluster = {}",
            literal(event_id),
            literal(cluster)
        ),
    )
    .await?
    .unwrap_or_default();
    Ok(Looks {
        before: time(&row["look_before"]),
        after: time(&row["look_after"]),
    })
}
