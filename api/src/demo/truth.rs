//! What is true about each record of a generated history.

use std::rc::Rc;

use serde::{Deserialize, Serialize};

/// The truth about one CloudTrail record. Members carry the column names of
/// the `attribution` view, so that a reader can join by `event_id` and compare
/// column by column.
///
/// A row says everything that is true, also what no record reveals (the pod of
/// an IRSA call, for example): a view that leaves such a column null is
/// incomplete, a view that says something else is wrong.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Truth<'a> {
    /// `eventID` of the record.
    pub event_id: &'a str,
    /// How the caller got its credentials; `None`: not a cluster's identity,
    /// the record must not be attributed.
    #[serde(borrow)]
    pub access_path: Option<&'a str>,
    /// `workload`, `node_agent` or `control_plane`.
    #[serde(borrow)]
    pub actor: Option<&'a str>,
    /// Name of the node agent or control plane part, and of a controller that
    /// runs on the node role.
    #[serde(borrow)]
    pub component: Option<&'a str>,
    /// Cluster name.
    #[serde(borrow)]
    pub cluster: Option<&'a str>,
    /// Kubernetes namespace.
    #[serde(borrow)]
    pub namespace: Option<&'a str>,
    /// Kubernetes service account.
    #[serde(borrow)]
    pub service_account: Option<&'a str>,
    /// Pod name.
    #[serde(borrow)]
    pub pod: Option<&'a str>,
    /// Pod UID.
    #[serde(borrow)]
    pub pod_uid: Option<&'a str>,
    /// EC2 instance id of the node.
    #[serde(borrow)]
    pub node: Option<&'a str>,
    /// Roles assumed between the credentials issued to the actor (0) and the
    /// credentials of this call. An `AssumeRole` counts as made with the
    /// credentials it was signed with.
    pub hops: Option<u32>,
    /// The role whose session made the call; for a record without a session, and
    /// for what EKS asks for on behalf of a pod, the role that it asks for.
    #[serde(borrow)]
    pub role_arn: Option<&'a str>,
    /// OIDC issuer of the cluster without scheme, on IRSA rows.
    #[serde(borrow)]
    pub issuer: Option<&'a str>,
    /// `eventID` of the record that issued the credentials of this call;
    /// `None` where it is not in the trail or the call has no session.
    #[serde(borrow)]
    pub issuing_event_id: Option<&'a str>,
    /// Why a workload is on the node role at the time of the call, in the words
    /// of the `fallbacks` view; `None` on every other row. A pod that started
    /// before its binding has `no_binding` before and `pod_predates_binding`
    /// after the binding was made.
    #[serde(borrow)]
    pub cause: Option<&'a str>,
    /// What `sourceIPAddress` is: `pod` (the pod's own address), `node` (the
    /// node's primary address: of an agent, a pod on the host's network, or one
    /// whose address the VPC CNI translated), `nat` (the address of a NAT
    /// gateway), `service` (the name of an AWS service, or an address of the
    /// EKS control plane); `None`: something outside AWS.
    #[serde(borrow)]
    pub address_kind: Option<&'a str>,
    /// Who it is when the record must not be attributed: `person`, `ci`,
    /// `ecs_task`, `lambda`, `ec2_instance`, `aws_service`.
    #[serde(borrow)]
    pub outsider: Option<&'a str>,
}

/// Who makes a series of calls: the part of [`Truth`] that stays the same from
/// call to call.
#[derive(Debug, Clone, Default)]
pub(super) struct Label {
    pub(super) access_path: Option<&'static str>,
    pub(super) actor: Option<&'static str>,
    pub(super) component: Option<&'static str>,
    pub(super) cluster: Option<Rc<str>>,
    pub(super) namespace: Option<Rc<str>>,
    pub(super) service_account: Option<Rc<str>>,
    pub(super) pod: Option<Rc<str>>,
    pub(super) pod_uid: Option<Rc<str>>,
    pub(super) node: Option<Rc<str>>,
    pub(super) issuer: Option<Rc<str>>,
    pub(super) cause: Option<&'static str>,
    pub(super) outsider: Option<&'static str>,
}

/// The credentials behind one call, as far as the truth needs them.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Credential<'a> {
    pub(super) role_arn: Option<&'a str>,
    pub(super) hops: u32,
    pub(super) issued_by: Option<&'a str>,
}

impl Label {
    /// A label of something that belongs to no cluster.
    pub(super) fn outsider(kind: &'static str) -> Self {
        Self {
            outsider: Some(kind),
            ..Self::default()
        }
    }

    /// A label of a part of a cluster that is no workload.
    pub(super) fn part(
        access_path: &'static str,
        actor: &'static str,
        component: &'static str,
        cluster: &Rc<str>,
        node: Option<&Rc<str>>,
    ) -> Self {
        Self {
            access_path: Some(access_path),
            actor: Some(actor),
            component: Some(component),
            cluster: Some(Rc::clone(cluster)),
            node: node.map(Rc::clone),
            ..Self::default()
        }
    }

    /// Joins the label with one call.
    pub(super) fn truth<'a>(&'a self, event_id: &'a str, credential: Credential<'a>) -> Truth<'a> {
        let attributed = self.access_path.is_some();
        Truth {
            event_id,
            access_path: self.access_path,
            actor: self.actor,
            component: self.component,
            cluster: self.cluster.as_deref(),
            namespace: self.namespace.as_deref(),
            service_account: self.service_account.as_deref(),
            pod: self.pod.as_deref(),
            pod_uid: self.pod_uid.as_deref(),
            node: self.node.as_deref(),
            hops: attributed.then_some(credential.hops),
            role_arn: credential.role_arn.filter(|_| attributed),
            issuer: self.issuer.as_deref(),
            issuing_event_id: credential.issued_by.filter(|_| attributed),
            cause: self.cause,
            address_kind: None,
            outsider: self.outsider,
        }
    }
}

#[cfg(test)]
mod tests;
