//! What workloads are: how their pods are named, get credentials and call.

use std::rc::Rc;

use super::account::Role;
use super::apis::{Api, Target};
use super::bindings::BindingKind;
use super::clock::MINUTE;
use super::cluster::{Cluster, Naming};
use super::features::Agent;
use super::sdk::{Sdk, Source};

/// Why `AssumeRoleWithWebIdentity` fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The trust policy names another service account.
    Trust,
    /// The account has no OIDC provider for the issuer.
    Provider,
}

/// What the sessions of a Pod Identity association look like.
#[derive(Debug, Clone)]
pub(super) enum Style {
    /// Session tags name the pod.
    Tagged,
    /// `disableSessionTags`.
    Untagged,
    /// `disableSessionTags`, and pods get the credentials of a second role.
    Target(Rc<Role>),
}

/// How the pods of a workload reach AWS.
#[derive(Debug, Clone)]
pub(super) enum Access {
    /// They do not.
    Nothing,
    /// Through the node's metadata service, because nothing else works.
    NodeRole { cause: &'static str, imds_v1: bool },
    /// IAM roles for service accounts.
    Irsa { role: Rc<Role>, global_sts: bool },
    /// IRSA that never works, and nothing else is tried.
    Denied { role: Rc<Role> },
    /// IRSA that fails. The SDK's chain of providers goes on after an error, as
    /// those of Java, C++ and PHP do, and ends at the node role.
    Refused { role: Rc<Role>, refusal: Refusal },
    /// EKS Pod Identity.
    PodIdentity { role: Rc<Role>, style: Style },
    /// A binding made after some pods had started: those keep to the node role.
    Late {
        role: Rc<Role>,
        kind: BindingKind,
        since: i64,
    },
    /// kube2iam on the node, told by an annotation of the pod.
    Kube2iam { role: Rc<Role> },
}

impl Access {
    /// Whether session tags name the pod.
    pub(super) fn is_tagged(&self) -> bool {
        matches!(
            self,
            Self::PodIdentity {
                style: Style::Tagged,
                ..
            }
        )
    }
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
    /// A container without injected variables makes the call.
    pub(super) skipped: bool,
    pub(super) agent: String,
    /// User agent where the node's credentials are used.
    pub(super) node_agent: String,
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
    pub(super) host_network: bool,
    /// The only node the pods may run on, counted from the cluster's first.
    pub(super) pinned: Option<usize>,
    /// A node that the pods may not run on, counted likewise.
    pub(super) avoided: Option<usize>,
    /// Pods at the same time; a DaemonSet has one on every node.
    pub(super) replicas: usize,
    /// Completed pods of a CronJob that stay listed
    /// (`successfulJobsHistoryLimit`).
    pub(super) kept: usize,
    /// A role that the service account has although the pods do not use it.
    pub(super) bound: Option<(BindingKind, Rc<Role>)>,
    /// Service accounts that the trust policy of its role lets in, as a pattern, where it is not its own alone.
    pub(super) trusted: Option<&'static str>,
    /// When its binding is made, unless that is late.
    pub(super) bound_at: i64,
    /// Name that the program gives itself, for controllers.
    pub(super) component: Option<&'static str>,
    /// A container that the webhook is told to skip.
    pub(super) skipped_container: Option<&'static str>,
    /// Image; empty: one in the account's registry.
    pub(super) image: &'static str,
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
        let source = source(&access);
        let step = |api: &Api| {
            let (service, command) = api.names();
            Step {
                api: *api,
                hop: 0,
                denied: false,
                skipped: false,
                agent: who.sdk.agent(source, service, command),
                node_agent: who.sdk.agent(Source::Imds, service, command),
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
            host_network: false,
            pinned: None,
            avoided: None,
            replicas: 1,
            kept: 3,
            bound: None,
            trusted: None,
            bound_at: 0,
            component: None,
            skipped_container: None,
            image: "",
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

    /// Whether a node, counted from the cluster's first, takes the pods.
    pub(super) fn fits(&self, cluster: &Cluster, offset: usize) -> bool {
        let features = &cluster.features;
        if self.avoided == Some(offset) {
            return false;
        }
        if let Some(pinned) = self.pinned {
            return offset == pinned % cluster.nodes.len();
        }
        match &self.access {
            Access::PodIdentity { .. } => offset != 0 || features.agent != Agent::NotOnFirst,
            Access::Kube2iam { .. } => offset != 0,
            // kube2iam hides the node's role from all pods but those on the
            // host's network.
            Access::NodeRole { .. } | Access::Refused { .. } | Access::Late { .. } => {
                offset == 0 || !features.kube2iam || self.host_network
            }
            _ => offset == 0 || !features.kube2iam || self.skipped_container.is_none(),
        }
    }

    /// Ties the service account to a role that the pods cannot use.
    pub(super) fn bound(mut self, kind: BindingKind, role: Rc<Role>) -> Self {
        self.bound = Some((kind, role));
        self
    }

    /// Lets more service accounts of the namespace into its role.
    pub(super) fn trusting(mut self, pattern: &'static str) -> Self {
        self.trusted = Some(pattern);
        self
    }

    /// Puts the pods on the host's network.
    pub(super) fn on_host_network(mut self) -> Self {
        self.host_network = true;
        self
    }

    /// Keeps the pods on one node, counted from the cluster's first.
    pub(super) fn on_node(mut self, offset: usize) -> Self {
        self.pinned = Some(offset);
        self
    }

    /// Keeps the pods off one node, counted from the cluster's first.
    pub(super) fn not_on(mut self, offset: usize) -> Self {
        self.avoided = Some(offset);
        self
    }

    /// Sets how many pods there are at a time.
    pub(super) fn times(mut self, replicas: usize) -> Self {
        self.replicas = replicas;
        self
    }

    /// Sets how many completed pods stay listed.
    pub(super) fn keeping(mut self, pods: usize) -> Self {
        self.kept = pods;
        self
    }

    /// Names the program as it names itself.
    pub(super) fn component(mut self, name: &'static str) -> Self {
        self.component = Some(name);
        self
    }

    /// Sets a public image.
    pub(super) fn image(mut self, image: &'static str) -> Self {
        self.image = image;
        self
    }

    /// Adds a container without injected variables, which makes `apis`.
    pub(super) fn skipping(mut self, container: &'static str, sdk: Sdk, apis: &[Api]) -> Self {
        self.skipped_container = Some(container);
        for api in apis {
            let (service, command) = api.names();
            let agent = sdk.agent(Source::Imds, service, command);
            self.steps.push(Step {
                api: *api,
                hop: 0,
                denied: false,
                skipped: true,
                agent: agent.clone(),
                node_agent: agent,
            });
        }
        self
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

fn source(access: &Access) -> Source {
    match access {
        Access::Nothing
        | Access::NodeRole { .. }
        | Access::Refused { .. }
        | Access::Kube2iam { .. } => Source::Imds,
        Access::Irsa { .. }
        | Access::Denied { .. }
        | Access::Late {
            kind: BindingKind::Annotation,
            ..
        } => Source::WebIdentity,
        Access::PodIdentity { .. } | Access::Late { .. } => Source::Container,
    }
}
