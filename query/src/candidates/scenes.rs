//! Who can have made which calls: suspects, by scene.
//!
//! A scene is a kind of call, a node and the pods that were on it. Calls of a scene have the same suspects with
//! the same scores, and there are fewer scenes than calls.

use std::net::IpAddr;
use std::ops::Range;

use datafusion::common::HashMap;

use super::CELL;
use super::input::{Call, Inputs, Kind, Node, Pod};
use super::names::{Numbered, number};
use super::patterns::There;
use super::reasons::Reason;
use super::weigh::{Scales, Weight};

/// Chance that a pod was there between the last look that showed it and the first that did not.
pub(super) const MAYBE_GONE: f64 = 0.5;

/// Services that have gateway endpoints: the node's address stands for any of its pods there, because the
/// VPC CNI translates what leaves the VPC's address ranges. Source: VPC user guide, "Gateway endpoints";
/// EKS user guide, "Enable outbound internet access for Pods".
const GATEWAY_SERVICES: [&str; 2] = ["s3.amazonaws.com", "dynamodb.amazonaws.com"];

/// Its address is the call's.
const ADDRESS: Reason = Reason::new("address", "the calls came from its address");

/// It was there for certain.
const SEEN: Reason = Reason::new("seen", "it was on the node when the calls were made");

/// It had begun, and no look shows whether it was still there.
const MAYBE: Reason = Reason::new(
    "maybe_gone",
    "it was on the node before, and may have gone by the time of the calls",
);

/// It stands for a pod that no look showed.
const UNSEEN: Reason = Reason::new(
    "unseen",
    "no look at the pods shows it on the node, but pods of its CronJob come and go between two looks",
);

/// The same, where it clearly made other calls of the same minutes.
const BELIEVED: Reason = Reason::new(
    "unseen_but_there",
    "no look at the pods shows it on the node, but other calls of the same minutes are clearly its own",
);

/// All of these.
pub(super) const REASONS: [Reason; 5] = [ADDRESS, SEEN, MAYBE, UNSEEN, BELIEVED];

/// A pod that can have made a call.
#[derive(Debug, Clone, Copy)]
pub(super) struct Suspect {
    /// Place in [`Inputs::pods`].
    pub(super) pod: u32,
    /// How likely it is before its presence elsewhere is looked at.
    pub(super) weight: Weight,
    pub(super) there: There,
    /// It stands for a pod that no look at the inventory showed.
    pub(super) unseen: bool,
    /// Its address is the call's.
    pub(super) addressed: bool,
}

impl Suspect {
    /// Chance that it was there.
    pub(super) fn presence(self, inputs: &Inputs) -> f64 {
        match self.there {
            There::Unseen => {
                let pod = &inputs.pods[self.pod as usize];
                inputs.workload(pod).presence
            }
            seen => seen.seen(),
        }
    }

    /// True where nothing tells that it was there.
    pub(super) fn is_unseen(self) -> bool {
        self.there == There::Unseen
    }

    /// True where a look showed that it was there.
    pub(super) fn is_certain(self) -> bool {
        self.there == There::Surely && !self.unseen
    }

    /// Why it is as likely as it is, as far as the call, the inventory and its presence say.
    pub(super) fn reasons(self) -> impl Iterator<Item = Reason> {
        let there = match (self.there, self.unseen) {
            (There::Unseen, _) => UNSEEN,
            (_, true) => BELIEVED,
            (There::Maybe, false) => MAYBE,
            (There::Surely, false) => SEEN,
        };
        let address = self.addressed.then_some(ADDRESS);
        address
            .into_iter()
            .chain([there])
            .chain(self.weight.reasons())
    }
}

/// Calls that are alike in all that counts but their time.
#[derive(Debug, Clone)]
pub(super) struct Scene {
    pub(super) kind: u32,
    /// Its suspects, and the places of their scores.
    pub(super) suspects: Range<usize>,
    /// Pods that can have been on the node.
    pub(super) pods: u32,
    /// The calls came from the address of their node.
    pub(super) from_node_address: bool,
    /// How many calls there are.
    pub(super) calls: u32,
}

/// The scenes of all calls.
#[derive(Debug, Default)]
pub(super) struct Scenes {
    pub(super) all: Vec<Scene>,
    pub(super) suspects: Vec<Suspect>,
    /// Scene of each call.
    pub(super) of_call: Vec<u32>,
    /// Cell of each call: the node and unit of time of its first one. The calls of a cell are neighbours.
    pub(super) cells: Vec<u32>,
}

impl Scenes {
    /// Looks at who was there at each call.
    pub(super) fn of(inputs: &Inputs) -> Self {
        let mut scenes = Self {
            of_call: Vec::with_capacity(inputs.calls.len()),
            cells: Vec::with_capacity(inputs.calls.len()),
            ..Self::default()
        };
        let mut builder = Builder::new(inputs);
        let mut cell = 0;
        for calls in inputs.calls.chunk_by(|one, other| one.node == other.node) {
            let mut unit = None;
            let mut sweep = Sweep::new(inputs, calls);
            // Scenes by kind of call, and pods of a node's that were there.
            let mut known: HashMap<(u32, u32), u32> = HashMap::new();
            for call in calls {
                let this = call.first.div_euclid(CELL);
                cell += u32::from(unit.replace(this) != Some(this));
                scenes.cells.push(cell);
                let situation = sweep.at(call);
                let scene = *known
                    .entry((call.kind, situation))
                    .or_insert_with(|| builder.scene(call, &sweep.active, &mut scenes));
                scenes.all[scene as usize].calls += 1;
                scenes.of_call.push(scene);
            }
        }
        scenes
    }

    pub(super) fn suspects(&self, scene: &Scene) -> &[Suspect] {
        &self.suspects[scene.suspects.clone()]
    }

    /// Adds a scene.
    pub(super) fn push(&mut self, scene: Scene) -> u32 {
        self.all.push(scene);
        number(self.all.len() - 1)
    }
}

/// Follows which pods of a node are there, from one of its calls to the next.
struct Sweep<'a> {
    inputs: &'a Inputs,
    node: &'a Node,
    /// How many of the node's pods, which are in the order of their beginnings, have begun.
    begun: usize,
    /// Pods that can be there.
    active: Vec<(u32, There)>,
    /// When the first of them has gone.
    next_end: i64,
    /// Number of each set of pods that was there.
    situations: Numbered<[(u32, There)]>,
    /// The one of the call before, while it may hold on.
    last: Option<u32>,
}

impl<'a> Sweep<'a> {
    /// The pods of the node of some calls, which are in the order of time.
    fn new(inputs: &'a Inputs, calls: &[Call]) -> Self {
        static NO_NODE: Node = Node {
            pods: Vec::new(),
            private_ip: None,
            one_hop: false,
            has_agent: false,
        };
        let node = calls.first().map(|call| &inputs.nodes[call.node as usize]);
        Self {
            inputs,
            node: node.unwrap_or(&NO_NODE),
            begun: 0,
            active: Vec::new(),
            next_end: i64::MAX,
            situations: Numbered::default(),
            last: None,
        }
    }

    /// Which pods can have been there at a call. Several pods may have made an activity's calls; its first call
    /// decides.
    fn at(&mut self, call: &Call) -> u32 {
        let pods = &self.inputs.pods;
        let begun = self.begun;
        while let Some(&pod) = self.node.pods.get(self.begun)
            && pods[pod as usize].from <= call.first
        {
            self.active.push((pod, There::Maybe));
            self.begun += 1;
        }
        let mut news = self.last.is_none() || self.begun > begun;
        if news || self.next_end < call.first {
            news = true;
            self.active
                .retain(|&(pod, _)| pods[pod as usize].to >= call.first);
            let ends = self.active.iter().map(|&(pod, _)| pods[pod as usize].to);
            self.next_end = ends.min().unwrap_or(i64::MAX);
        }
        for (pod, there) in &mut self.active {
            let certain = call.last <= pods[*pod as usize].certain_to;
            let now = if certain { There::Surely } else { There::Maybe };
            news |= now != *there;
            *there = now;
        }
        match self.last {
            Some(last) if !news => last,
            _ => {
                let situation = self.situations.number(&self.active);
                self.last = Some(situation);
                situation
            }
        }
    }
}

/// Finds the suspects of scenes.
struct Builder<'a> {
    inputs: &'a Inputs,
    scales: Scales<'a>,
    /// Kinds of calls whose source address is of a private network.
    is_private: Vec<bool>,
    /// Scene in which a workload was last seen, by workload.
    seen: Vec<u32>,
    gateway_services: Vec<bool>,
}

impl<'a> Builder<'a> {
    fn new(inputs: &'a Inputs) -> Self {
        let address = |kind: &Kind| kind.source_ip.map(|address| inputs.text(address));
        let service = |kind: &Kind| inputs.text(kind.event_source);
        let kinds = inputs.kinds.iter();
        Self {
            inputs,
            scales: Scales::new(inputs),
            is_private: kinds
                .clone()
                .map(|kind| address(kind).is_some_and(is_private))
                .collect(),
            seen: vec![u32::MAX; inputs.workloads.len()],
            gateway_services: kinds
                .map(|kind| GATEWAY_SERVICES.contains(&service(kind)))
                .collect(),
        }
    }

    /// Adds the scene of a call at which some pods were there.
    fn scene(&mut self, call: &Call, there: &[(u32, There)], scenes: &mut Scenes) -> u32 {
        let kind = self.inputs.kind(call);
        let node = &self.inputs.nodes[call.node as usize];
        let from_node_address = self.is_from_node_address(kind, node, there);
        let start = scenes.suspects.len();
        // Where no pod was ever seen, none of a CronJob is looked for.
        if !node.pods.is_empty() {
            let name = number(scenes.all.len());
            let scene = (name, call.kind, node, from_node_address);
            self.suspects(scene, there, &mut scenes.suspects);
        }
        scenes.push(Scene {
            kind: call.kind,
            suspects: start..scenes.suspects.len(),
            pods: number(there.len()),
            from_node_address,
            calls: 0,
        })
    }

    fn is_from_node_address(&self, kind: &Kind, node: &Node, there: &[(u32, There)]) -> bool {
        let is_its = |pod: &Pod| pod.host_network && pod.ip == kind.source_ip;
        kind.source_ip.is_some()
            && (node.private_ip == kind.source_ip
                || there
                    .iter()
                    .any(|&(pod, _)| is_its(&self.inputs.pods[pod as usize])))
    }

    fn suspects(
        &mut self,
        (scene, at, node, node_address): (u32, u32, &Node, bool),
        there: &[(u32, There)],
        found: &mut Vec<Suspect>,
    ) {
        let inputs = self.inputs;
        let kind = &inputs.kinds[at as usize];
        let shows_pods = self.is_private[at as usize] && !node_address;
        let through_interface = kind.vpc_endpoint && !self.gateway_services[at as usize];
        let mut named = false;
        for &(at, there) in there {
            let pod = &inputs.pods[at as usize];
            let own_address = !pod.host_network && pod.ip.is_some() && pod.ip == kind.source_ip;
            if shows_pods && !own_address && (pod.host_network || pod.ip.is_some()) {
                continue;
            }
            if node_address && through_interface && !pod.host_network {
                continue;
            }
            let addressed = own_address && shows_pods;
            named |= addressed;
            self.seen[pod.workload as usize] = scene;
            found.push(Suspect {
                pod: at,
                weight: self.scales.weigh(kind, pod, node),
                there,
                unseen: false,
                addressed,
            });
        }
        if named {
            return;
        }
        for &at in inputs.fleeting.get(&kind.cluster).into_iter().flatten() {
            let pod = &inputs.pods[at as usize];
            let seen = self.seen[pod.workload as usize] == scene;
            if seen || (node_address && through_interface && !pod.host_network) {
                continue;
            }
            found.push(Suspect {
                pod: at,
                weight: self.scales.weigh(kind, pod, node),
                there: There::Unseen,
                unseen: true,
                addressed: false,
            });
        }
    }
}

/// True for an address of a private network (RFC 1918, RFC 6598, RFC 4193).
fn is_private(address: &str) -> bool {
    match address.parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => {
            let [first, second, ..] = address.octets();
            address.is_private() || (first == 100 && (64..128).contains(&second))
        }
        Ok(IpAddr::V6(address)) => address.octets()[0] & 0xfe == 0xfc,
        Err(_) => false,
    }
}
