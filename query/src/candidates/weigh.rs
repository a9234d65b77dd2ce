//! How likely a pod is to have made a call before its presence is looked at, by what is known of it. 1 is a pod
//! without credentials of its own.

use datafusion::common::HashMap;

use super::input::{Inputs, Kind, Node, Pod};
use super::reasons::Reason;
use crate::sdk::Binding;

/// What a weight is made of, in the order in which it is multiplied: how much each counts, and why.
const FACTORS: [(f64, Reason); 7] = [
    // OTHER_COMPONENT
    (
        0.003,
        Reason::new(
            "other_component",
            "the user agent names a program that the pod does not show",
        ),
    ),
    // OTHER_SOFTWARE
    (
        0.002,
        Reason::new(
            "other_software",
            "its software is known to call AWS with another user agent, or not at all",
        ),
    ),
    // OUT_OF_REACH
    (
        0.02,
        Reason::new(
            "out_of_reach",
            "the node's metadata service was never seen to answer pods: hop limit 1",
        ),
    ),
    // COVERED
    (
        0.005,
        Reason::new(
            "covered",
            "it has credentials of its own, which work as far as the records show",
        ),
    ),
    // NAMED_RESOURCE
    (
        10.0,
        Reason::new(
            "named_resource",
            "the calls are about a resource that has its name or that of its service account",
        ),
    ),
    // KNOWN_SERVICE
    (
        10.0,
        Reason::new(
            "known_service",
            "its software is known to call this service",
        ),
    ),
    // SAME_PROGRAM
    (
        5.0,
        Reason::new(
            "same_program",
            "its service account made calls with the same program and credentials of its own",
        ),
    ),
];

/// Not the program that the user agent names.
const OTHER_COMPONENT: u8 = 1;
/// It runs software that is known to call AWS with another user agent, or not at all.
const OTHER_SOFTWARE: u8 = 1 << 1;
/// The node's metadata service does not answer pods (hop limit 1).
const OUT_OF_REACH: u8 = 1 << 2;
/// Its injected credentials work, as far as the trail shows.
const COVERED: u8 = 1 << 3;
/// The call is about a resource that has its name.
const NAMED_RESOURCE: u8 = 1 << 4;
/// Its software is known to call the service.
const KNOWN_SERVICE: u8 = 1 << 5;
/// Its service account made calls with the same program elsewhere.
const SAME_PROGRAM: u8 = 1 << 6;

/// All reasons of weights.
pub(super) fn reasons() -> impl Iterator<Item = Reason> {
    FACTORS.into_iter().map(|(_, reason)| reason)
}

/// Every product of factors.
const PRODUCTS: [f64; 1 << FACTORS.len()] = products();

const fn products() -> [f64; 1 << FACTORS.len()] {
    let mut products = [1.0; 1 << FACTORS.len()];
    let mut weight = 0;
    while weight < products.len() {
        let mut factor = 0;
        while factor < FACTORS.len() {
            if weight & (1 << factor) != 0 {
                products[weight] *= FACTORS[factor].0;
            }
            factor += 1;
        }
        weight += 1;
    }
    products
}

/// A weight: which of the factors it is made of. There are millions of weights, and few different ones.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Weight(u8);

impl Weight {
    pub(super) fn value(self) -> f64 {
        PRODUCTS[usize::from(self.0)]
    }

    /// Why it is what it is, in the order of the factors.
    pub(super) fn reasons(self) -> impl Iterator<Item = Reason> {
        FACTORS
            .into_iter()
            .enumerate()
            .filter(move |&(factor, _)| self.0 & (1 << factor) != 0)
            .map(|(_, (_, reason))| reason)
    }
}

/// Weighs pods.
pub(super) struct Scales<'a> {
    inputs: &'a Inputs,
    /// Whether a resource's name holds that of a workload or service account.
    named: HashMap<(u32, u32, u32), bool>,
}

impl<'a> Scales<'a> {
    pub(super) fn new(inputs: &'a Inputs) -> Self {
        Self {
            inputs,
            named: HashMap::default(),
        }
    }

    /// Weight of a pod for calls of a kind on a node.
    pub(super) fn weigh(&mut self, kind: &Kind, pod: &Pod, node: &Node) -> Weight {
        let software = &self.inputs.software[pod.software as usize];
        let mut factors = 0;
        let mut note = |holds: bool, factor: u8| factors |= if holds { factor } else { 0 };
        if let Some(component) = &kind.component {
            note(!pod.runs.contains(component), OTHER_COMPONENT);
        } else {
            note(software.calls_otherwise, OTHER_SOFTWARE);
        }
        note(!pod.host_network && node.one_hop, OUT_OF_REACH);
        note(is_covered(kind, pod, node), COVERED);
        note(self.is_named(kind, pod), NAMED_RESOURCE);
        note(
            software.services.contains(&kind.event_source),
            KNOWN_SERVICE,
        );
        let named = &self.inputs.named_programs;
        note(named.contains(&(pod.account, kind.program)), SAME_PROGRAM);
        Weight(factors)
    }

    fn is_named(&mut self, kind: &Kind, pod: &Pod) -> bool {
        let Some(resource) = kind.resource else {
            return false;
        };
        let key = (resource, pod.workload, pod.service_account);
        *self
            .named
            .entry(key)
            .or_insert_with(|| self.inputs.is_named_in(pod, resource))
    }
}

/// True for a pod whose injected credentials should have been used instead.
fn is_covered(kind: &Kind, pod: &Pod, node: &Node) -> bool {
    pod.binding.is_some_and(|binding| {
        !kind.is_too_old_for(binding) && (binding == Binding::Irsa || node.has_agent)
    })
}
