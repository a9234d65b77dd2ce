//! kube2iam: a proxy on the node that assumes the role named by a pod's
//! annotation, with the node's role.

use std::rc::Rc;

use super::account::Role;
use super::clock::MINUTE;
use super::cluster::{Cluster, Pod};
use super::sdk::{Sdk, Source};
use super::session::{Session, SessionKind};
use super::sts::{self, Issue};
use super::world::{Caller, World};

/// Component name of the proxy.
const COMPONENT: &str = "kube2iam";
/// How long the proxy hands out the same session; the session lives twice as
/// long (kube2iam, `iam/iam.go`).
const CACHED: i64 = 15 * MINUTE;
/// Longest session name that STS takes.
const NAME: usize = 64;

/// The session that the proxy has for a role: one for all pods of a node.
pub(super) fn session(
    world: &mut World<'_>,
    cluster: &Cluster,
    pod: &Pod,
    role: &Rc<Role>,
    now: i64,
) -> Option<Rc<Session>> {
    let state = &world.nodes[pod.node.index];
    let cached = state.proxied.get(&role.arn);
    if let Some(session) = cached.filter(|session| session.created + CACHED > now) {
        return Some(Rc::clone(session));
    }
    let [_, node_session] = state.sessions.as_ref()?;
    let node_session = Rc::clone(node_session);
    let origin = cluster.node_origin(&pod.node);
    let label = cluster.part("node_role", "node_agent", COMPONENT, Some(&pod.node));
    let agent = Sdk::Go1("").agent(Source::Imds, "sts", "");
    let caller = Caller {
        session: &node_session,
        label: &label,
        origin: &origin,
        agent: &agent,
        region: cluster.region,
    };
    let issue = Issue {
        role,
        name: session_name(&pod.address, &role.name),
        at: now,
        life: 2 * CACHED,
        says_life: true,
        kind: SessionKind::default(),
    };
    let session = sts::chained(world, &issue, caller, None);
    let state = &mut world.nodes[pod.node.index];
    state
        .proxied
        .insert(Rc::clone(&role.arn), Rc::clone(&session));
    Some(session)
}

/// A hash of the pod's address (FNV-1a, 32 bits, without leading zeros) and
/// the role's name.
fn session_name(address: &str, role: &str) -> String {
    let hash = address.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    let mut name = format!("{hash:x}-{role}");
    name.truncate(NAME);
    name
}

#[cfg(test)]
mod tests;
