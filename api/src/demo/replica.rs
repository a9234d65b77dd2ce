//! Pods over time: each gets its credentials, calls, and is replaced.

use std::rc::Rc;

use super::account::Role;
use super::apis::{Api, Target};
use super::clock::{HOUR, MINUTE};
use super::cluster::{Cluster, Pod};
use super::nodes;
use super::rng::Rng;
use super::sdk::Sdk;
use super::session::{Session, SessionKind};
use super::sim::Actor;
use super::sts::{self, Issue, WebIdentity};
use super::truth::Label;
use super::workloads::{Access, Step, Workload};
use super::world::{Caller, Forwarder, World};

/// Sessions are renewed this long before they expire, in seconds.
const RENEW: i64 = 5 * MINUTE;
/// Lifetime of IRSA sessions: the default of `AssumeRoleWithWebIdentity`.
const WEB_IDENTITY_LIFE: i64 = HOUR;
/// Lifetime of Pod Identity sessions (EKS User Guide, "EKS Pod Identity").
const POD_IDENTITY_LIFE: i64 = 6 * HOUR;
/// Calls of one round of a scaled workload, on average.
const ROUND: i64 = 8;
/// Forwarded calls: of a thousand reads of a secret, how many decrypt.
const SECRET_DECRYPTS: u64 = 700;
/// Forwarded calls: of a thousand messages sent, how many need a data key.
const QUEUE_KEYS: u64 = 40;

/// One replica of a workload over the whole history.
#[derive(Debug)]
pub(super) struct Replica {
    cluster: Rc<Cluster>,
    workload: Rc<Workload>,
    /// Node the first pod runs on; the next ones go to the next nodes.
    node: usize,
    pod: Pod,
    label: Rc<Label>,
    /// Own session and the ones chained from it.
    sessions: Vec<Rc<Session>>,
    /// When the running pod is replaced.
    replaced: i64,
    /// The pod starts with the first act, so its image is pulled then.
    starting: bool,
    /// Java's provider keeps its session name as long as the process runs.
    fixed_name: Option<String>,
}

impl Replica {
    /// Makes a replica whose first pod starts at `start`. A pod that started
    /// before the history has credentials that no record of it issues.
    pub(super) fn new(
        cluster: &Rc<Cluster>,
        workload: &Rc<Workload>,
        node: usize,
        start: i64,
        begin: i64,
        rng: &mut Rng,
    ) -> Self {
        let pod = Pod::start(cluster, workload.name, &workload.naming, node, rng);
        let label = Rc::new(label(cluster, workload, &pod));
        let mut replica = Self {
            cluster: Rc::clone(cluster),
            workload: Rc::clone(workload),
            node,
            pod,
            label,
            sessions: Vec::new(),
            replaced: start + rng.between(workload.life.0, workload.life.1),
            starting: start >= begin,
            fixed_name: None,
        };
        if start < begin {
            let session = replica.unseen_session(begin, rng);
            replica.sessions.extend(session);
        }
        replica
    }

    fn unseen_session(&mut self, begin: i64, rng: &mut Rng) -> Option<Rc<Session>> {
        let workload = Rc::clone(&self.workload);
        let (role, life, name) = match &workload.access {
            Access::Irsa { role, .. } => {
                let at = begin - rng.between(1, WEB_IDENTITY_LIFE - RENEW);
                (role, WEB_IDENTITY_LIFE, (self.session_name(at, rng), at))
            }
            Access::PodIdentity { role } => {
                let at = begin - rng.between(1, POD_IDENTITY_LIFE - RENEW);
                let name = pod_session_name(&self.cluster.name, &self.pod.name, rng);
                (role, POD_IDENTITY_LIFE, (name, at))
            }
            Access::NodeRole { .. } | Access::Denied { .. } => return None,
        };
        let (name, at) = name;
        let kind = self.kind();
        Some(
            Issue {
                role,
                name,
                at,
                life,
                says_life: false,
                kind,
            }
            .unseen(rng),
        )
    }

    fn kind(&self) -> SessionKind {
        let federated = match self.workload.access {
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
        if matches!(self.workload.sdk, Sdk::Java1 | Sdk::Java2) {
            self.fixed_name = Some(name.clone());
        }
        name
    }

    fn replace(&mut self, now: i64, world: &mut World<'_>) {
        self.node += 1;
        let workload = &self.workload;
        let (low, high) = workload.life;
        self.pod = Pod::start(
            &self.cluster,
            workload.name,
            &workload.naming,
            self.node,
            &mut world.rng,
        );
        self.label = Rc::new(label(&self.cluster, workload, &self.pod));
        self.replaced = now + world.rng.between(low, high);
        self.sessions.clear();
        self.fixed_name = None;
        self.pull(now, world);
    }

    fn pull(&self, now: i64, world: &mut World<'_>) {
        if self.workload.from_ecr {
            nodes::pull_image(
                world,
                &self.cluster,
                &self.pod.node,
                now - 6,
                self.workload.name,
            );
        }
    }

    /// Makes sure that the pod's own session is fresh. False: no credentials.
    fn refresh(&mut self, now: i64, world: &mut World<'_>) -> bool {
        let workload = Rc::clone(&self.workload);
        if let Access::NodeRole { imds_v1, .. } = workload.access {
            let found = world.nodes[self.pod.node.index].sessions.as_ref();
            let Some(pair) = found else { return false };
            let session = Rc::clone(&pair[usize::from(!imds_v1)]);
            if self
                .sessions
                .first()
                .is_none_or(|old| old.key != session.key)
            {
                self.sessions = vec![session];
            }
            return true;
        }
        if self
            .sessions
            .first()
            .is_some_and(|session| session.expires - now > RENEW)
        {
            return true;
        }
        let fresh = match &workload.access {
            Access::PodIdentity { role } => Some(self.pod_identity(role, now, world)),
            Access::Irsa { role, global_sts } => self.irsa(role, *global_sts, now, world),
            Access::Denied { role } => self.irsa(role, false, now, world),
            Access::NodeRole { .. } => None,
        };
        // Sessions chained from the old one stay usable until they expire.
        let Some(fresh) = fresh else { return false };
        match self.sessions.first_mut() {
            Some(first) => *first = fresh,
            None => self.sessions.push(fresh),
        }
        true
    }

    fn irsa(
        &mut self,
        role: &Rc<Role>,
        global: bool,
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
            denied: matches!(self.workload.access, Access::Denied { .. }),
        };
        sts::web_identity(world, &issue, web)
    }

    fn pod_identity(&self, role: &Rc<Role>, now: i64, world: &mut World<'_>) -> Rc<Session> {
        nodes::assume_role_for_pod_identity(world, &self.cluster, &self.pod.node, now);
        let issue = Issue {
            role,
            name: pod_session_name(&self.cluster.name, &self.pod.name, &mut world.rng),
            at: now,
            life: POD_IDENTITY_LIFE,
            says_life: true,
            kind: SessionKind::default(),
        };
        let Workload {
            namespace,
            service_account,
            ..
        } = &*self.workload;
        let tags = self.pod.tags(&self.cluster, namespace, service_account);
        sts::pod_identity(world, &issue, tags, self.cluster.region, &self.label)
    }

    fn refresh_chain(&mut self, now: i64, world: &mut World<'_>) {
        let workload = Rc::clone(&self.workload);
        for ((hop, number), link) in (0..).zip(1_u32..).zip(&workload.chain) {
            let fresh = |session: &Rc<Session>| session.expires - now > RENEW;
            if self.sessions.get(hop + 1).is_some_and(fresh) {
                continue;
            }
            self.sessions.truncate(hop + 1);
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
            let caller = self.caller(&workload.sts_agent, hop);
            let Workload {
                namespace,
                service_account,
                ..
            } = &*workload;
            // Session tags are transitive, so every hop names the pod again.
            let tags = matches!(workload.access, Access::PodIdentity { .. })
                .then(|| self.pod.tags(&self.cluster, namespace, service_account));
            let session = sts::chained(world, &issue, caller, tags);
            self.sessions.push(session);
        }
    }

    fn caller<'a>(&'a self, agent: &'a str, hop: usize) -> Caller<'a> {
        Caller {
            session: &self.sessions[hop.min(self.sessions.len() - 1)],
            label: &self.label,
            origin: &self.pod.origin,
            agent,
            region: self.cluster.region,
        }
    }

    fn step(&self, step: &Step, at: i64, world: &mut World<'_>) {
        let caller = self.caller(&step.agent, step.hop);
        let target = &self.workload.target;
        world.call(caller, at, |shape, rng| {
            step.api.fill(target, shape, rng);
            if step.denied {
                shape.deny(&caller.session.arn);
            }
        });
        let forwards = match step.api {
            Api::SecretsGet => SECRET_DECRYPTS,
            Api::SqsSend => QUEUE_KEYS,
            _ => return,
        };
        if !step.denied && world.rng.chance(forwards) {
            self.forwarded(caller, step.api, at, world);
        }
    }

    /// The key use that a service makes on behalf of the caller.
    fn forwarded(&self, caller: Caller<'_>, api: Api, at: i64, world: &mut World<'_>) {
        let (service, key_use, context) = match api {
            Api::SecretsGet => ("secretsmanager.amazonaws.com", Api::KmsDecrypt, "SecretARN"),
            _ => ("sqs.amazonaws.com", Api::KmsGenerateDataKey, "aws:sqs:arn"),
        };
        let Target {
            region,
            account,
            secret,
            queue,
            ..
        } = &self.workload.target;
        let arn = match api {
            Api::SecretsGet => {
                format!("arn:aws:secretsmanager:{region}:{account}:secret:{secret}-k3J9xQ")
            }
            _ => format!("arn:aws:sqs:{region}:{account}:{queue}"),
        };
        let Caller {
            session,
            label,
            region,
            ..
        } = caller;
        let forwarder = Forwarder {
            session,
            label,
            service,
            region,
            fresh_key: true,
        };
        world.forwarded(forwarder, at, |shape, rng| {
            key_use.fill(&self.workload.target, shape, rng);
            let out = shape.request.clear().open();
            out.text("encryptionAlgorithm", "SYMMETRIC_DEFAULT");
            out.object("encryptionContext")
                .text(context, &arn)
                .close()
                .close();
        });
    }

    fn round(&self, now: i64, world: &mut World<'_>) {
        for (n, step) in (0..).zip(&self.workload.steps) {
            self.step(step, now + 1 + n / 2, world);
        }
    }

    /// A round of a scaled workload; returns the time until the next one.
    fn scaled_round(&self, now: i64, world: &mut World<'_>) -> i64 {
        let before = world.trail.summary().events;
        let (calls, wait) = scaled_pace(now, world);
        for n in 0..calls {
            let step = &self.workload.steps[world.rng.index(self.workload.steps.len())];
            self.step(step, now + 1 + n * 4 / calls.max(1), world);
        }
        world.pace.scaled += world.trail.summary().events - before;
        wait
    }
}

impl Actor for Replica {
    fn act(&mut self, now: i64, world: &mut World<'_>) -> Option<i64> {
        if now >= self.replaced {
            self.replace(now, world);
        } else if self.starting {
            self.pull(now, world);
        }
        self.starting = false;
        if !self.refresh(now, world) {
            let (low, high) = self.workload.period;
            return Some(now + world.rng.between(low, high));
        }
        self.refresh_chain(now, world);
        if self.workload.scaled {
            return Some(now + self.scaled_round(now, world));
        }
        self.round(now, world);
        let (low, high) = self.workload.period;
        Some(now + world.rng.between(low, high))
    }
}

/// Steers towards the asked-for number of events: what the fixed cast will
/// still make is estimated from what it made so far.
fn scaled_pace(now: i64, world: &mut World<'_>) -> (i64, i64) {
    let made = world.trail.summary().events.cast_signed();
    let left = (world.end - now).max(1);
    let elapsed = (now - world.begin).max(HOUR);
    let fixed = made - world.pace.scaled.cast_signed();
    let missing = world.pace.target.cast_signed() - made - fixed * left / elapsed;
    let calls = world.rng.between(1, 2 * ROUND - 1);
    if missing <= 0 {
        return (1, left.min(HOUR / 2));
    }
    // Milliseconds, because a very large history has several rounds a second.
    let weight = world.pace.weight.max(1).cast_signed();
    let millis = i128::from(left) * 1000 * i128::from(ROUND * weight) / i128::from(missing);
    let millis = i64::try_from(millis).unwrap_or(i64::MAX / 4).max(1);
    if millis < 1000 {
        return (calls * 1000 / millis, 1);
    }
    let wait = world.rng.between(millis / 2, millis + millis / 2);
    (calls, ((wait + 500) / 1000).max(1))
}

fn label(cluster: &Cluster, workload: &Workload, pod: &Pod) -> Label {
    let (access_path, cause, issuer) = match workload.access {
        Access::NodeRole { cause, .. } => ("node_role", Some(cause), None),
        Access::PodIdentity { .. } => ("pod_identity", None, None),
        Access::Irsa { .. } | Access::Denied { .. } => ("irsa", None, Some(&cluster.issuer)),
    };
    Label {
        access_path: Some(access_path),
        actor: Some("workload"),
        component: None,
        cluster: Some(Rc::clone(&cluster.name)),
        namespace: Some(Rc::clone(&workload.namespace)),
        service_account: Some(Rc::clone(&workload.service_account)),
        pod: Some(Rc::clone(&pod.name)),
        pod_uid: Some(Rc::clone(&pod.uid)),
        node: Some(Rc::clone(&pod.node.instance)),
        issuer: issuer.map(Rc::clone),
        cause,
        outsider: None,
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
