//! What workloads are: how their pods are named, get credentials and call.

use std::rc::Rc;

use super::account::Role;
use super::apis::{Api, Target};
use super::clock::MINUTE;
use super::cluster::Naming;
use super::sdk::{Sdk, Source};

/// How the pods of a workload reach AWS.
#[derive(Debug, Clone)]
pub(super) enum Access {
    /// Through the node's metadata service, because nothing else works.
    NodeRole { cause: &'static str, imds_v1: bool },
    /// IAM roles for service accounts.
    Irsa { role: Rc<Role>, global_sts: bool },
    /// IRSA whose trust policy names another service account.
    Denied { role: Rc<Role> },
    /// EKS Pod Identity.
    PodIdentity { role: Rc<Role> },
}

/// A role that a workload assumes with the session before it.
#[derive(Debug, Clone)]
pub(super) struct Link {
    pub(super) role: Rc<Role>,
    pub(super) session: &'static str,
    pub(super) life: i64,
}

/// A call of a workload's round.
#[derive(Debug, Clone)]
pub(super) struct Step {
    pub(super) api: Api,
    /// Which session signs: 0 = the pod's own, n = of the n-th link.
    pub(super) hop: usize,
    pub(super) denied: bool,
    pub(super) agent: String,
}

/// What the pods of a workload are and do.
#[derive(Debug)]
pub(super) struct Workload {
    pub(super) name: &'static str,
    pub(super) namespace: Rc<str>,
    pub(super) service_account: Rc<str>,
    pub(super) naming: Naming,
    pub(super) access: Access,
    pub(super) sdk: Sdk,
    /// Session name that the program sets instead of the SDK's default.
    pub(super) session_name: Option<&'static str>,
    pub(super) chain: Vec<Link>,
    pub(super) steps: Vec<Step>,
    /// Shortest and longest time between rounds, in seconds.
    pub(super) period: (i64, i64),
    /// Shortest and longest life of a pod, in seconds.
    pub(super) life: (i64, i64),
    /// The image comes from ECR, so starting a pod shows in the trail.
    pub(super) from_ecr: bool,
    /// Takes part in reaching the asked-for number of events.
    pub(super) scaled: bool,
    pub(super) target: Target,
    /// `sub` of the pods' tokens.
    pub(super) subject: String,
    /// User agent of the request for a web identity session.
    pub(super) token_agent: String,
    /// User agent of requests for the roles of the chain.
    pub(super) sts_agent: String,
}

/// The part of a [`Workload`] that nearly all share.
#[derive(Debug, Clone, Copy)]
pub(super) struct Identity {
    pub(super) name: &'static str,
    pub(super) namespace: &'static str,
    pub(super) service_account: &'static str,
    pub(super) sdk: Sdk,
}

impl Workload {
    /// Makes a workload that calls `apis` every five minutes or so and lives
    /// as long as the history.
    pub(super) fn new(
        who: Identity,
        naming: Naming,
        access: Access,
        target: Target,
        apis: &[Api],
    ) -> Self {
        let source = match access {
            Access::NodeRole { .. } => Source::Imds,
            Access::Irsa { .. } | Access::Denied { .. } => Source::WebIdentity,
            Access::PodIdentity { .. } => Source::Container,
        };
        let step = |api: &Api| {
            let (service, command) = api.names();
            Step {
                api: *api,
                hop: 0,
                denied: false,
                agent: who.sdk.agent(source, service, command),
            }
        };
        Self {
            name: who.name,
            namespace: Rc::from(who.namespace),
            service_account: Rc::from(who.service_account),
            naming,
            access,
            sdk: who.sdk,
            session_name: None,
            chain: Vec::new(),
            steps: apis.iter().map(step).collect(),
            period: (4 * MINUTE, 6 * MINUTE),
            life: (i64::MAX / 4, i64::MAX / 4),
            from_ecr: false,
            scaled: false,
            target,
            subject: format!(
                "system:serviceaccount:{}:{}",
                who.namespace, who.service_account
            ),
            token_agent: who
                .sdk
                .agent(Source::Token, "sts", "sts.assume-role-with-web-identity"),
            sts_agent: who.sdk.agent(source, "sts", "sts.assume-role"),
        }
    }

    /// Sets the time between rounds, in seconds.
    pub(super) fn every(mut self, low: i64, high: i64) -> Self {
        self.period = (low, high);
        self
    }

    /// Sets how long a pod lives before a new one replaces it, in seconds.
    pub(super) fn living(mut self, low: i64, high: i64) -> Self {
        self.life = (low, high);
        self
    }

    /// Marks calls of `api` as denied.
    pub(super) fn denied(mut self, api: Api) -> Self {
        for step in self.steps.iter_mut().filter(|step| step.api == api) {
            step.denied = true;
        }
        self
    }

    /// Adds a role to the chain; all calls are made with the last one.
    pub(super) fn chained(mut self, role: &Rc<Role>, session: &'static str, life: i64) -> Self {
        self.chain.push(Link {
            role: Rc::clone(role),
            session,
            life,
        });
        for step in &mut self.steps {
            let (service, command) = step.api.names();
            step.hop = self.chain.len();
            step.agent = self.sdk.agent(Source::AssumeRole, service, command);
        }
        self
    }

    /// Role and trusted service account of an IRSA binding, which is another
    /// one than the workload's own where the trust policy is wrong.
    pub(super) fn irsa_binding(&self) -> Option<(Rc<Role>, String)> {
        match &self.access {
            Access::Irsa { role, .. } => Some((Rc::clone(role), self.service_account.to_string())),
            Access::Denied { role } => {
                Some((Rc::clone(role), format!("{}-v1", self.service_account)))
            }
            Access::NodeRole { .. } | Access::PodIdentity { .. } => None,
        }
    }

    /// Role of a Pod Identity association.
    pub(super) fn association(&self) -> Option<Rc<Role>> {
        match &self.access {
            Access::PodIdentity { role } => Some(Rc::clone(role)),
            _ => None,
        }
    }

    /// Marks the image as coming from ECR.
    pub(super) fn in_ecr(mut self) -> Self {
        self.from_ecr = true;
        self
    }

    /// Sets the role session name.
    pub(super) fn named(mut self, session: &'static str) -> Self {
        self.session_name = Some(session);
        self
    }

    /// Lets the workload grow with the number of events asked for.
    pub(super) fn scaled(mut self) -> Self {
        self.scaled = true;
        self
    }
}
