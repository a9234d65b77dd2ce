//! The records with which EKS Pod Identity issues credentials.

use std::rc::Rc;

use super::session::Session;
use super::sts::{Issue, service_caller};
use super::truth::Label;
use super::world::{Forwarder, World};

/// The pod that Pod Identity names in session tags.
#[derive(Debug, Clone, Copy)]
pub(super) struct PodTags<'a> {
    pub(super) cluster_arn: &'a str,
    pub(super) cluster: &'a str,
    pub(super) namespace: &'a str,
    pub(super) service_account: &'a str,
    pub(super) pod: &'a str,
    pub(super) pod_uid: &'a str,
}

impl<'a> PodTags<'a> {
    pub(super) fn pairs(&self) -> [(&'static str, &'a str); 6] {
        [
            ("eks-cluster-arn", self.cluster_arn),
            ("eks-cluster-name", self.cluster),
            ("kubernetes-namespace", self.namespace),
            ("kubernetes-service-account", self.service_account),
            ("kubernetes-pod-name", self.pod),
            ("kubernetes-pod-uid", self.pod_uid),
        ]
    }
}

/// The `AssumeRole` by `pods.eks.amazonaws.com` that belongs to an
/// `AssumeRoleForPodIdentity` and names the pod, unless session tags are
/// disabled.
pub(super) fn issue(
    world: &mut World<'_>,
    issue: &Issue<'_>,
    tags: Option<PodTags<'_>>,
    region: &str,
    label: &Label,
) -> Rc<Session> {
    let key = world.rng.session_key();
    let caller = service_caller(issue, "pods.eks.amazonaws.com", region, label);
    let event = world.service_call(caller, issue.at, None, |shape, rng| {
        shape.begin("sts", "AssumeRole", "1.08", true);
        let out = issue.request(&mut shape.request);
        if let Some(tags) = tags {
            out.list("tags");
            for (name, value) in tags.pairs() {
                out.open().text("key", name).text("value", value).close();
            }
            out.close_list();
            out.texts("transitiveTagKeys", tags.pairs().map(|(name, _)| name));
        }
        out.close();
        let out = shape.response.open();
        issue.credentials(out, &key, rng);
        issue.assumed(out);
        if tags.is_some() {
            out.number("packedPolicySize", rng.between(52, 64));
        }
        out.close();
        issue.resource(shape);
    });
    issue.start(key, event)
}

/// The second `AssumeRole` of an association with a target role, made by EKS
/// with the session of the first. The external id is documented (EKS User
/// Guide, "Access AWS resources using EKS Pod Identity target IAM roles"); who
/// the record names as its caller is inferred.
pub(super) fn target_role(
    world: &mut World<'_>,
    issue: &Issue<'_>,
    first: &Session,
    external_id: &str,
    region: &str,
    label: &Label,
) -> Rc<Session> {
    let key = world.rng.session_key();
    let forwarder = Forwarder {
        session: first,
        label,
        service: "pods.eks.amazonaws.com",
        region,
        fresh_key: false,
        obtains: Some(&issue.role.arn),
    };
    let event = world.forwarded(forwarder, issue.at, |shape, rng| {
        shape.begin("sts", "AssumeRole", "1.08", true);
        let out = issue.request(&mut shape.request);
        out.text("externalId", external_id).close();
        let out = shape.response.open();
        issue.credentials(out, &key, rng);
        issue.assumed(out);
        out.close();
        issue.resource(shape);
    });
    issue.start(key, event)
}
