//! How a pod gets its credentials, and keeps them fresh.

use std::rc::Rc;

use super::account::Role;
use super::clock::{HOUR, MINUTE};
use super::cluster::{Cluster, Pod};
use super::rng::Rng;
use super::running::Running;
use super::sdk::Sdk;
use super::session::{Session, SessionKind};
use super::sts::{self, Issue, WebIdentity};
use super::workloads::{Access, Refusal, Style, Workload};
use super::world::{Caller, World};
use super::{kube2iam, nodes, pod_identity};

/// Sessions are renewed this long before they expire, in seconds.
const RENEW: i64 = 5 * MINUTE;
/// Lifetime of IRSA sessions: the default of `AssumeRoleWithWebIdentity`.
const WEB_IDENTITY_LIFE: i64 = HOUR;
/// Lifetime of Pod Identity sessions (EKS User Guide, "EKS Pod Identity").
const POD_IDENTITY_LIFE: i64 = 6 * HOUR;
/// Time after which a refused web identity is tried again.
const RETRY: i64 = HOUR;

impl Running {
    /// A pod that started before the history, so that no record of it issues
    /// its session.
    pub(super) fn resumed(
        cluster: &Rc<Cluster>,
        workload: &Rc<Workload>,
        pod: Pod,
        started: i64,
        world: &mut World<'_>,
    ) -> Self {
        let mut running = Self::new(cluster, workload, pod, started);
        let (begin, rng) = (world.begin, &mut world.rng);
        let session = running.unseen_session(begin, rng);
        running.sessions.extend(session);
        running
    }

    fn unseen_session(&mut self, begin: i64, rng: &mut Rng) -> Option<Rc<Session>> {
        let (role, life) = match &self.access {
            Access::Irsa { role, .. } => (role, WEB_IDENTITY_LIFE),
            Access::PodIdentity { role, style } => match style {
                Style::Target(target) => (target, HOUR),
                _ => (role, POD_IDENTITY_LIFE),
            },
            _ => return None,
        };
        let role = Rc::clone(role);
        let at = begin - rng.between(1, life - RENEW);
        let name = if matches!(self.access, Access::Irsa { .. }) {
            self.session_name(at, rng)
        } else {
            pod_session_name(&self.cluster.name, &self.pod.name, rng)
        };
        let issue = Issue {
            role: &role,
            name,
            at,
            life,
            says_life: false,
            kind: self.kind(),
        };
        Some(issue.unseen(rng))
    }

    fn kind(&self) -> SessionKind {
        let federated = match self.access {
            Access::Irsa { .. } => Some(Rc::clone(&self.cluster.provider)),
            _ => None,
        };
        SessionKind {
            federated,
            ..SessionKind::default()
        }
    }

    fn session_name(&mut self, at: i64, rng: &mut Rng) -> String {
        if let Some(name) = self.workload.session_name {
            return name.to_owned();
        }
        if let Some(name) = &self.fixed_name {
            return name.clone();
        }
        let name = self.workload.sdk.session_name(at, rng);
        if matches!(self.workload.sdk, Sdk::Java1 | Sdk::Java2 | Sdk::Java2Old) {
            self.fixed_name = Some(name.clone());
        }
        name
    }

    /// Makes sure that the credentials are fresh. False: the pod has none of
    /// its own, or none at all.
    pub(super) fn refresh(&mut self, now: i64, world: &mut World<'_>) -> bool {
        if self.workload.skipped_container.is_some() {
            self.take_node_session(false, now, world);
        }
        match &self.access {
            Access::Nothing => return false,
            Access::NodeRole { imds_v1, .. } => {
                let version_1 = *imds_v1;
                return self.take_node_session(version_1, now, world);
            }
            Access::Refused { role, refusal } => {
                let (role, refusal) = (Rc::clone(role), *refusal);
                if self.refused.is_none_or(|at| at + RETRY <= now) {
                    self.refused = Some(now);
                    self.irsa(&role, (false, Some(refusal)), now, world);
                }
                return self.take_node_session(false, now, world);
            }
            _ => {}
        }
        let left = |session: &Rc<Session>| session.expires - now > RENEW;
        if self.sessions.first().is_some_and(left) {
            return true;
        }
        let fresh = match self.access.clone() {
            Access::PodIdentity { role, style } => {
                Some(self.pod_identity(&role, &style, now, world))
            }
            Access::Irsa { role, global_sts } => self.irsa(&role, (global_sts, None), now, world),
            Access::Denied { role } => self.irsa(&role, (false, Some(Refusal::Trust)), now, world),
            Access::Kube2iam { role } => {
                kube2iam::session(world, &self.cluster, &self.pod, &role, now)
            }
            _ => None,
        };
        // Sessions chained from the old one stay usable until they expire.
        let Some(fresh) = fresh else { return false };
        match self.sessions.first_mut() {
            Some(first) => *first = fresh,
            None => self.sessions.push(fresh),
        }
        true
    }

    /// Asks the metadata service. With a hop limit of 1, its answer to the
    /// request for a token, which version 1 does without, does not reach pods
    /// with a network of their own.
    fn take_node_session(&mut self, version_1: bool, now: i64, world: &World<'_>) -> bool {
        let state = &world.nodes[self.pod.node.index];
        let reached = state.hop_limit > 1 || self.workload.host_network || version_1;
        let offered = state.sessions.as_ref().filter(|_| reached);
        if let Some(pair) = offered {
            self.node_session = Some(Rc::clone(&pair[usize::from(!version_1)]));
        } else if (self.node_session.as_ref()).is_some_and(|held| held.expires - now < RENEW) {
            self.node_session = None;
        }
        self.node_session.is_some()
    }

    fn irsa(
        &mut self,
        role: &Rc<Role>,
        (global, refusal): (bool, Option<Refusal>),
        now: i64,
        world: &mut World<'_>,
    ) -> Option<Rc<Session>> {
        let name = self.session_name(now, &mut world.rng);
        let issue = Issue {
            role,
            name,
            at: now,
            life: WEB_IDENTITY_LIFE,
            says_life: false,
            kind: self.kind(),
        };
        let web = WebIdentity {
            provider: &self.cluster.provider,
            subject: &self.workload.subject,
            label: &self.label,
            origin: &self.pod.origin,
            agent: &self.workload.token_agent,
            region: self.cluster.region,
            global,
            refusal,
        };
        sts::web_identity(world, &issue, web)
    }

    fn pod_identity(
        &self,
        role: &Rc<Role>,
        style: &Style,
        now: i64,
        world: &mut World<'_>,
    ) -> Rc<Session> {
        let (cluster, pod) = (&self.cluster, &self.pod);
        nodes::assume_role_for_pod_identity(world, cluster, &pod.node, now);
        let target = match style {
            Style::Target(target) => Some(target),
            _ => None,
        };
        let mut issue = Issue {
            role,
            name: pod_session_name(&cluster.name, &pod.name, &mut world.rng),
            at: now,
            life: if target.is_some() {
                HOUR
            } else {
                POD_IDENTITY_LIFE
            },
            says_life: true,
            kind: SessionKind::default(),
        };
        let Workload {
            namespace,
            service_account,
            ..
        } = &*self.workload;
        let tags = pod.tags(cluster, namespace, service_account);
        let tags = matches!(style, Style::Tagged).then_some(tags);
        let first = pod_identity::issue(world, &issue, tags, cluster.region, &self.label);
        let Some(target) = target else {
            return first;
        };
        issue.role = target;
        let (region, account) = (cluster.region, &cluster.account.id);
        let name = &cluster.name;
        let external_id = format!("{region}/{account}/{name}/{namespace}/{service_account}");
        let label = &self.label;
        pod_identity::target_role(world, &issue, &first, &external_id, region, label)
    }

    /// Assumes the roles of the chain again where their sessions run out.
    pub(super) fn refresh_chain(&mut self, now: i64, world: &mut World<'_>) {
        let workload = Rc::clone(&self.workload);
        for ((hop, number), link) in (0..).zip(1_u32..).zip(&workload.chain) {
            let fresh = |session: &Rc<Session>| session.expires - now > RENEW;
            if self.sessions.get(hop + 1).is_some_and(fresh) {
                continue;
            }
            self.sessions.truncate(hop + 1);
            let Some(caller) = self.sessions.last() else {
                return;
            };
            let issue = Issue {
                role: &link.role,
                name: format!("{}-{}", link.session, now),
                at: now + i64::from(number) - 1,
                life: link.life,
                says_life: link.life != HOUR,
                kind: SessionKind {
                    hops: number,
                    ..SessionKind::default()
                },
            };
            let caller = Caller {
                session: caller,
                label: &self.label,
                origin: &self.pod.origin,
                agent: &workload.sts_agent,
                region: self.cluster.region,
            };
            let Workload {
                namespace,
                service_account,
                ..
            } = &*workload;
            // Session tags are transitive, so every hop names the pod again.
            let tagged = self.access.is_tagged();
            let tags = tagged.then(|| self.pod.tags(&self.cluster, namespace, service_account));
            let session = sts::chained(world, &issue, caller, tags);
            self.sessions.push(session);
        }
    }
}

/// Session name of Pod Identity: cluster and pod name cut to ten characters
/// and a random UUID, which is not the pod's.
pub(super) fn pod_session_name(cluster: &str, pod: &str, rng: &mut Rng) -> String {
    let cut = |name: &str| name.chars().take(10).collect::<String>();
    format!("eks-{}-{}-{}", cut(cluster), cut(pod), rng.uuid().text())
}

#[cfg(test)]
mod tests;
