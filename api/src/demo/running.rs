//! A running pod: whose it is, what it signs with and what it calls.

use std::rc::Rc;

use super::apis::{Api, Target};
use super::clock::HOUR;
use super::cluster::{Cluster, Pod};
use super::session::Session;
use super::truth::Label;
use super::workloads::{Access, Refusal, Step, Workload};
use super::world::{Caller, Forwarder, World};

/// Calls of one round of a scaled workload, on average.
const ROUND: i64 = 8;
/// Forwarded calls: of a thousand reads of a secret, how many decrypt.
const SECRET_DECRYPTS: u64 = 700;
/// Forwarded calls: of a thousand messages sent, how many need a data key.
const QUEUE_KEYS: u64 = 40;

/// A pod with its credentials.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) cluster: Rc<Cluster>,
    pub(super) workload: Rc<Workload>,
    pub(super) pod: Pod,
    /// How this pod reaches AWS, which was settled when it started.
    pub(super) access: Access,
    /// Of calls with credentials of its own.
    pub(super) label: Rc<Label>,
    /// Of calls with the node's role.
    pub(super) node_label: Rc<Label>,
    /// Own session and the ones chained from it.
    pub(super) sessions: Vec<Rc<Session>>,
    /// The node's session, as the pod got it last.
    pub(super) node_session: Option<Rc<Session>>,
    /// When a web identity was refused last.
    pub(super) refused: Option<i64>,
    /// Java's provider keeps its session name as long as the process runs.
    pub(super) fixed_name: Option<String>,
    /// When a binding is made that comes too late for this pod.
    late: Option<i64>,
}

impl Running {
    /// A pod that has just started.
    pub(super) fn new(
        cluster: &Rc<Cluster>,
        workload: &Rc<Workload>,
        pod: Pod,
        started: i64,
    ) -> Self {
        let access = workload.access_at(started);
        let late = match &workload.access {
            Access::Late { since, .. } if started < *since => Some(*since),
            _ => None,
        };
        Self {
            label: Rc::new(own_label(cluster, workload, &pod, &access)),
            node_label: Rc::new(node_label(cluster, workload, &pod, cause(&access))),
            cluster: Rc::clone(cluster),
            workload: Rc::clone(workload),
            pod,
            access,
            sessions: Vec::new(),
            node_session: None,
            refused: None,
            fixed_name: None,
            late,
        }
    }

    /// The session of its own that the pod signs with, if it has one.
    pub(super) fn own(&self) -> Option<(Rc<Session>, Rc<Label>)> {
        let session = self.sessions.first()?;
        Some((Rc::clone(session), Rc::clone(&self.label)))
    }

    /// Whether all that the pod signs is signed with the node's role.
    fn on_node_role(&self) -> bool {
        matches!(
            self.access,
            Access::NodeRole { .. } | Access::Refused { .. }
        )
    }

    /// Acts, and returns the time until the next turn.
    pub(super) fn act(&mut self, now: i64, world: &mut World<'_>) -> i64 {
        if self.late.is_some_and(|since| since <= now) {
            self.late = None;
            let cause = "pod_predates_binding";
            self.node_label = Rc::new(node_label(&self.cluster, &self.workload, &self.pod, cause));
        }
        let ready = self.refresh(now, world);
        if ready {
            self.refresh_chain(now, world);
        }
        if ready && self.workload.scaled {
            return self.scaled_round(now, world);
        }
        for (n, step) in (0..).zip(&self.workload.steps) {
            if step.skipped || ready {
                self.step(step, now + 1 + n / 2, world);
            }
        }
        let (low, high) = self.workload.period;
        world.rng.between(low, high)
    }

    /// Who signs a call: the session, its label and the user agent.
    fn caller<'a>(&'a self, step: &'a Step) -> Option<Caller<'a>> {
        let node = step.skipped || self.on_node_role();
        let (session, label, agent) = if node {
            (
                self.node_session.as_ref()?,
                &self.node_label,
                &step.node_agent,
            )
        } else {
            let last = self.sessions.len().checked_sub(1)?;
            (&self.sessions[step.hop.min(last)], &self.label, &step.agent)
        };
        Some(Caller {
            session,
            label,
            origin: &self.pod.origin,
            agent,
            region: self.cluster.region,
        })
    }

    fn step(&self, step: &Step, at: i64, world: &mut World<'_>) {
        let Some(caller) = self.caller(step) else {
            return;
        };
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
            obtains: None,
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

fn cause(access: &Access) -> &'static str {
    match access {
        Access::NodeRole { cause, .. } => cause,
        Access::Refused { refusal, .. } => match refusal {
            Refusal::Trust => "trust_denied",
            Refusal::Provider => "oidc_provider_missing",
        },
        // A pod with credentials of its own: only a container without them is
        // on the node's role.
        _ => "container_skipped",
    }
}

fn label(cluster: &Cluster, workload: &Workload, pod: &Pod, path: &'static str) -> Label {
    Label {
        access_path: Some(path),
        actor: Some("workload"),
        cluster: Some(Rc::clone(&cluster.name)),
        namespace: Some(Rc::clone(&workload.namespace)),
        service_account: Some(Rc::clone(&workload.service_account)),
        pod: Some(Rc::clone(&pod.name)),
        pod_uid: Some(Rc::clone(&pod.uid)),
        node: Some(Rc::clone(&pod.node.instance)),
        ..Label::default()
    }
}

fn own_label(cluster: &Cluster, workload: &Workload, pod: &Pod, access: &Access) -> Label {
    let path = match access {
        Access::PodIdentity { .. } => "pod_identity",
        Access::Kube2iam { .. } => "kube2iam",
        _ => "irsa",
    };
    Label {
        issuer: (path == "irsa").then(|| Rc::clone(&cluster.issuer)),
        ..label(cluster, workload, pod, path)
    }
}

fn node_label(cluster: &Cluster, workload: &Workload, pod: &Pod, cause: &'static str) -> Label {
    Label {
        component: workload.component,
        cause: Some(cause),
        ..label(cluster, workload, pod, "node_role")
    }
}
