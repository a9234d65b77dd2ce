//! The state that the actors share and the ways to make a call.

use std::rc::Rc;

use super::account::Account;
use super::fleet::{Fleet, NodeState};
use super::json::Json;
use super::records::{Call, Shape};
use super::rng::{Rng, Uuid};
use super::session::{Dialect, Session};
use super::sim::Actor;
use super::trail::Trail;
use super::truth::{Credential, Label};

/// Region in which global endpoints are logged.
pub(super) const GLOBAL_REGION: &str = "us-east-1";

/// VPC endpoints of a cluster's network.
#[derive(Debug, Default)]
pub(super) struct Endpoints {
    /// Service and endpoint id; the address seen is the pod's own.
    pub(super) interface: Vec<(&'static str, String)>,
    /// Service and endpoint id; the address seen is the node's, because the
    /// VPC CNI translates traffic to addresses outside the VPC.
    ///
    /// The CNI rewrites the source of packets to any address outside the VPC's
    /// blocks to the node's primary address (EKS User Guide, "Enable outbound
    /// internet access for Pods"). A gateway endpoint routes S3's and
    /// DynamoDB's public prefixes, which are outside, so it does not help.
    pub(super) gateway: Vec<(&'static str, String)>,
    /// The CNI leaves that to the NAT gateway, so the pod's address stays.
    pub(super) external_snat: bool,
}

/// Where calls come from.
#[derive(Debug, Clone)]
pub(super) struct Origin {
    /// Address on the internet: NAT gateway, office, control plane.
    pub(super) public: Rc<str>,
    /// What that address is, in the words of the truth; `None`: nothing of an
    /// account whose trail this is.
    pub(super) public_kind: Option<&'static str>,
    /// Private address of the pod; the node's for its agents.
    pub(super) private: Option<Rc<str>>,
    /// Private address of the node.
    pub(super) node: Option<Rc<str>>,
    pub(super) endpoints: Rc<Endpoints>,
}

impl Origin {
    /// An origin without endpoints in reach.
    pub(super) fn public(address: &str, kind: Option<&'static str>) -> Self {
        Self {
            public: Rc::from(address),
            public_kind: kind,
            private: None,
            node: None,
            endpoints: Rc::default(),
        }
    }

    /// Returns what `service` sees of the caller. Endpoints serve the names of
    /// their region, never a global one.
    pub(super) fn seen(&self, service: &str, global: bool) -> Seen<'_> {
        let find = |list: &'_ [(&'static str, String)]| {
            let found = list.iter().position(|(name, _)| *name == service);
            found.filter(|_| !global)
        };
        let private = |address: &Rc<str>| match &self.node {
            Some(node) if node == address => "node",
            _ => "pod",
        };
        let Endpoints {
            interface, gateway, ..
        } = &*self.endpoints;
        if let (Some(address), Some(at)) = (&self.private, find(interface)) {
            return Seen {
                address,
                endpoint: Some(&interface[at].1),
                kind: Some(private(address)),
            };
        }
        let untranslated = self
            .private
            .as_ref()
            .filter(|_| self.endpoints.external_snat);
        if let (Some(address), Some(at)) = (untranslated.or(self.node.as_ref()), find(gateway)) {
            return Seen {
                address,
                endpoint: Some(&gateway[at].1),
                kind: Some(private(address)),
            };
        }
        Seen {
            address: &self.public,
            endpoint: None,
            kind: self.public_kind,
        }
    }
}

/// What a service sees of where a call comes from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen<'a> {
    pub(super) address: &'a str,
    /// Endpoint passed.
    pub(super) endpoint: Option<&'a str>,
    /// What the address is, in the words of the truth.
    pub(super) kind: Option<&'static str>,
}

/// Someone who makes direct calls with a session.
#[derive(Debug, Clone, Copy)]
pub(super) struct Caller<'a> {
    pub(super) session: &'a Session,
    pub(super) label: &'a Label,
    pub(super) origin: &'a Origin,
    pub(super) agent: &'a str,
    pub(super) region: &'a str,
}

/// An AWS service that calls with somebody's session.
#[derive(Debug, Clone, Copy)]
pub(super) struct Forwarder<'a> {
    pub(super) session: &'a Session,
    pub(super) label: &'a Label,
    pub(super) service: &'a str,
    pub(super) region: &'a str,
    /// The record carries another key than the session's own calls, as forward
    /// access sessions do. A service that assumed the role itself has its key.
    pub(super) fresh_key: bool,
    /// Role that the call obtains for the holder of the session, if it does:
    /// like every record that issues credentials, it counts for that role.
    pub(super) obtains: Option<&'a str>,
}

/// An AWS service that calls by itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct ServiceCaller<'a> {
    pub(super) service: &'a str,
    pub(super) account: &'a Account,
    pub(super) region: &'a str,
    pub(super) label: &'a Label,
    /// Role the call asks for, if any.
    pub(super) role_arn: Option<&'a str>,
}

/// A call described member by member, for what has no session of its own.
#[derive(Debug, Clone, Copy)]
pub(super) struct PlainCaller<'a> {
    pub(super) identity: &'a str,
    pub(super) account: &'a Account,
    pub(super) label: &'a Label,
    pub(super) role_arn: Option<&'a str>,
    pub(super) origin: &'a Origin,
    pub(super) agent: &'a str,
    pub(super) region: &'a str,
    pub(super) request_id: Option<Uuid>,
    pub(super) shared: Option<Uuid>,
}

/// Total volume that the scaled workloads steer towards.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Pace {
    /// Events to end with; 0 without scaled workloads.
    pub(super) target: u64,
    /// Weight of all scaled pods together.
    pub(super) weight: u64,
    /// Events made by scaled workloads so far.
    pub(super) scaled: u64,
}

/// Everything the actors share.
#[derive(Debug)]
pub(super) struct World<'o> {
    pub(super) trail: Trail<'o>,
    pub(super) rng: Rng,
    pub(super) begin: i64,
    pub(super) end: i64,
    /// Slots for nodes of all clusters.
    pub(super) nodes: Vec<NodeState>,
    /// One for each cluster.
    pub(super) fleets: Vec<Fleet>,
    /// Who acts at the moment.
    pub(super) actor: usize,
    /// Who is to act, and when, although it planned otherwise.
    pub(super) wake: Vec<(i64, usize)>,
    /// Newcomers, and when they act first.
    pub(super) spawned: Vec<(i64, Box<dyn Actor>)>,
    pub(super) pace: Pace,
    shape: Shape,
}

fn region_of<'a>(shape: &Shape, region: &'a str) -> &'a str {
    if shape.global { GLOBAL_REGION } else { region }
}

impl<'o> World<'o> {
    /// A world in which nothing has happened.
    pub(super) fn new(trail: Trail<'o>, seed: u64, begin: i64, end: i64) -> Self {
        Self {
            trail,
            rng: Rng::new(seed),
            begin,
            end,
            nodes: Vec::new(),
            fleets: Vec::new(),
            actor: 0,
            wake: Vec::new(),
            spawned: Vec::new(),
            pace: Pace::default(),
            shape: Shape::default(),
        }
    }

    /// Fills the spare shape, lets `send` use it and keeps its memory.
    fn shaped(
        &mut self,
        fill: impl FnOnce(&mut Shape, &mut Rng),
        send: impl FnOnce(&mut Self, &Shape) -> Option<Uuid>,
    ) -> Option<Uuid> {
        let mut shape = std::mem::take(&mut self.shape);
        fill(&mut shape, &mut self.rng);
        let event = send(self, &shape);
        self.shape = shape;
        event
    }

    /// Makes a direct call. Returns its event id if the trail has it.
    pub(super) fn call(
        &mut self,
        caller: Caller<'_>,
        at: i64,
        fill: impl FnOnce(&mut Shape, &mut Rng),
    ) -> Option<Uuid> {
        self.shaped(fill, |world, shape| {
            let Caller {
                session,
                label,
                origin,
                agent,
                region,
            } = caller;
            let seen = origin.seen(shape.service, shape.global);
            let host = shape.host_name(region);
            let identity = session.identity(Dialect::of(shape.version));
            // Calls made inside AWS on someone's behalf show no addresses.
            let internal = agent == AWS_INTERNAL;
            let call = Call {
                at,
                recipient: &session.role.account,
                region: region_of(shape, region),
                identity,
                address: if internal { AWS_INTERNAL } else { seen.address },
                address_kind: if internal { Some(SERVICE) } else { seen.kind },
                agent,
                endpoint: seen.endpoint.filter(|_| !internal),
                host: Some(host.as_str()).filter(|_| !internal),
                event_id: world.rng.uuid(),
                request_id: world.rng.uuid(),
                shared: None,
            };
            world.send(&call, shape, label, session_credential(session))
        })
    }

    /// Lets a service call with a session of someone.
    pub(super) fn forwarded(
        &mut self,
        caller: Forwarder<'_>,
        at: i64,
        fill: impl FnOnce(&mut Shape, &mut Rng),
    ) -> Option<Uuid> {
        self.shaped(fill, |world, shape| {
            let Forwarder {
                session,
                label,
                service,
                region,
                fresh_key,
                obtains,
            } = caller;
            let key = if fresh_key {
                world.rng.session_key()
            } else {
                session.key.clone()
            };
            let identity = session.invoked_by(Dialect::of(shape.version), &key, service);
            let call = Call {
                at,
                recipient: &session.role.account,
                region: region_of(shape, region),
                identity: &identity,
                address: service,
                address_kind: Some(SERVICE),
                agent: service,
                endpoint: None,
                host: None,
                event_id: world.rng.uuid(),
                request_id: world.rng.uuid(),
                shared: None,
            };
            let credential = session_credential(session);
            let credential = Credential {
                role_arn: obtains.or(credential.role_arn),
                ..credential
            };
            world.send(&call, shape, label, credential)
        })
    }

    /// Lets an AWS service call as itself.
    pub(super) fn service_call(
        &mut self,
        caller: ServiceCaller<'_>,
        at: i64,
        request_id: Option<Uuid>,
        fill: impl FnOnce(&mut Shape, &mut Rng),
    ) -> Option<Uuid> {
        self.shaped(fill, |world, shape| {
            let mut identity = Json::default();
            identity
                .open()
                .text("type", "AWSService")
                .text("invokedBy", caller.service)
                .close();
            let call = Call {
                at,
                recipient: caller.account,
                region: caller.region,
                identity: identity.as_str(),
                address: caller.service,
                address_kind: Some(SERVICE),
                agent: caller.service,
                endpoint: None,
                host: None,
                event_id: world.rng.uuid(),
                request_id: request_id.unwrap_or_else(|| world.rng.uuid()),
                shared: Some(world.rng.uuid()),
            };
            let credential = Credential {
                role_arn: caller.role_arn,
                ..Credential::default()
            };
            world.send(&call, shape, caller.label, credential)
        })
    }

    /// Makes a call of someone who has no role session.
    pub(super) fn plain_call(
        &mut self,
        caller: PlainCaller<'_>,
        at: i64,
        fill: impl FnOnce(&mut Shape, &mut Rng),
    ) -> Option<Uuid> {
        self.shaped(fill, |world, shape| {
            let seen = caller.origin.seen(shape.service, shape.global);
            let host = shape.host_name(caller.region);
            let call = Call {
                at,
                recipient: caller.account,
                region: region_of(shape, caller.region),
                identity: caller.identity,
                address: seen.address,
                address_kind: seen.kind,
                agent: caller.agent,
                endpoint: seen.endpoint,
                host: Some(&host),
                event_id: world.rng.uuid(),
                request_id: caller.request_id.unwrap_or_else(|| world.rng.uuid()),
                shared: caller.shared,
            };
            let credential = Credential {
                role_arn: caller.role_arn,
                ..Credential::default()
            };
            world.send(&call, shape, caller.label, credential)
        })
    }

    /// Writes the record, unless it lies outside the history.
    pub(super) fn send(
        &mut self,
        call: &Call<'_>,
        shape: &Shape,
        label: &Label,
        credential: Credential<'_>,
    ) -> Option<Uuid> {
        let inside = (self.begin..self.end).contains(&call.at);
        (inside && self.trail.emit(call, shape, label, credential)).then_some(call.event_id)
    }
}

/// What a session's calls prove about their credentials.
pub(super) fn session_credential(session: &Session) -> Credential<'_> {
    Credential {
        role_arn: Some(&session.role.arn),
        hops: session.hops,
        issued_by: session.issued_by.as_deref(),
    }
}

/// Kind of the addresses of AWS services and of the control plane.
pub(super) const SERVICE: &str = "service";
/// Address and user agent of calls inside AWS.
pub(super) const AWS_INTERNAL: &str = "AWS Internal";
