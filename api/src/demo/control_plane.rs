//! Calls of the EKS control plane: the cluster role, the service-linked roles
//! and secrets encryption. None of them is a pod.

use std::rc::Rc;

use super::apis::Api;
use super::clock::{HOUR, MINUTE};
use super::cluster::Cluster;
use super::node_shapes;
use super::session::{Session, SessionKind};
use super::sim::Actor;
use super::sts::{self, Issue};
use super::truth::Label;
use super::world::{Forwarder, ServiceCaller, World};

const EKS: &str = "eks.amazonaws.com";
const NODEGROUPS: &str = "eks-nodegroup.amazonaws.com";

/// A part of the control plane with an identity of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// The cloud controller manager with the cluster role, 15 minute sessions.
    ClusterRole,
    /// `AWSServiceRoleForAmazonEKS`.
    ServiceRole,
    /// `AWSServiceRoleForAmazonEKSNodegroup`.
    NodegroupRole,
    /// KMS encryption of secrets, which EKS calls as a service.
    SecretsEncryption,
}

/// One part over the whole history.
#[derive(Debug)]
pub(super) struct ControlPlane {
    cluster: Rc<Cluster>,
    part: Part,
    label: Label,
    session: Option<Rc<Session>>,
}

impl ControlPlane {
    /// Every part of a cluster's control plane.
    pub(super) fn all(cluster: &Rc<Cluster>) -> Vec<Self> {
        [
            (
                Part::ClusterRole,
                "cluster_role",
                "cloud-controller-manager",
            ),
            (Part::ServiceRole, "eks_service_linked_role", "eks"),
            (
                Part::NodegroupRole,
                "eks_service_linked_role",
                "eks-nodegroup",
            ),
            (
                Part::SecretsEncryption,
                "cluster_role",
                "secrets-encryption",
            ),
        ]
        .into_iter()
        .map(|(part, path, component)| Self {
            cluster: Rc::clone(cluster),
            part,
            label: cluster.part(path, "control_plane", component, None),
            session: None,
        })
        .collect()
    }

    fn secrets(&self, now: i64, world: &mut World<'_>) {
        let caller = ServiceCaller {
            service: EKS,
            account: &self.cluster.account,
            region: self.cluster.region,
            label: &self.label,
            role_arn: None,
        };
        let name = if world.rng.chance(300) {
            "Encrypt"
        } else {
            "Decrypt"
        };
        world.service_call(caller, now, None, |shape, rng| {
            shape.begin("kms", name, "1.08", true);
            let context = rng.uuid().text();
            let out = shape.request.open().object("encryptionContext");
            out.text("aws:eks:context", &context).close();
            out.text("encryptionAlgorithm", "SYMMETRIC_DEFAULT").close();
            let key = &self.cluster.target.key_arn;
            shape.resource(&self.cluster.account.id, "AWS::KMS::Key", key);
        });
    }

    fn session(&mut self, now: i64, world: &mut World<'_>) -> Rc<Session> {
        if let Some(session) = self.session.as_ref().filter(|s| s.expires - now > MINUTE) {
            return Rc::clone(session);
        }
        let cluster = &self.cluster;
        let (role, name, life, service) = match self.part {
            Part::NodegroupRole => (&cluster.nodegroup_slr, "EKS".to_owned(), HOUR, NODEGROUPS),
            Part::ServiceRole => (&cluster.eks_slr, "AmazonEKS".to_owned(), HOUR, EKS),
            _ => {
                let name = format!("{now}{:09}", world.rng.below(1_000_000_000));
                (&cluster.control_role, name, 15 * MINUTE, EKS)
            }
        };
        let issue = Issue {
            role,
            name,
            at: now,
            life,
            says_life: true,
            kind: SessionKind::default(),
        };
        let session = sts::by_service(world, &issue, service, cluster.region, &self.label);
        self.session = Some(Rc::clone(&session));
        session
    }

    fn calls(&mut self, now: i64, world: &mut World<'_>) {
        let session = self.session(now, world);
        let (service, apis): (_, &[Api]) = match self.part {
            Part::ClusterRole => (EKS, &[Api::ElbLoadBalancers, Api::Ec2Instances]),
            Part::ServiceRole => (EKS, &[Api::Ec2Subnets, Api::Ec2SecurityGroups]),
            _ => (NODEGROUPS, &[Api::AutoscalingGroups, Api::Ec2Instances]),
        };
        let region = self.cluster.region;
        let label = &self.label;
        let forwarder = Forwarder {
            session: &session,
            label,
            service,
            region,
            fresh_key: false,
            obtains: None,
        };
        for api in apis {
            world.forwarded(forwarder, now + 1, |shape, rng| {
                api.fill(&self.cluster.target, shape, rng);
            });
        }
        if self.part == Part::ServiceRole {
            world.forwarded(forwarder, now + 2, |shape, _| {
                let name = "DescribeNetworkInterfaces";
                node_shapes::cluster_filter(shape, name, &self.cluster.name);
            });
        }
    }
}

impl Actor for ControlPlane {
    fn act(&mut self, now: i64, world: &mut World<'_>) -> Option<i64> {
        let (low, high) = match self.part {
            Part::SecretsEncryption => {
                self.secrets(now, world);
                (20 * MINUTE, 40 * MINUTE)
            }
            Part::ClusterRole => {
                self.calls(now, world);
                (8 * MINUTE, 12 * MINUTE)
            }
            _ => {
                self.calls(now, world);
                (18 * MINUTE, 22 * MINUTE)
            }
        };
        Some(now + world.rng.between(low, high))
    }
}
