//! People: IAM Identity Center roles, kubectl, the console, an IAM user.

use std::rc::Rc;

use super::account::{Account, Role};
use super::apis::{Api, Target};
use super::clock::{HOUR, MINUTE};
use super::cluster::Cluster;
use super::json::Json;
use super::sdk::{Sdk, Source};
use super::session::{Session, SessionKind};
use super::sim::Actor;
use super::sts::{self, Issue};
use super::truth::Label;
use super::workloads::Workload;
use super::world::{Caller, Origin, PlainCaller, SERVICE, World};
use super::{changes, node_shapes, setup};

/// Something a person does.
#[derive(Debug, Clone)]
pub(super) enum Deed {
    /// Signs in to the console.
    Console,
    /// A command of the AWS CLI.
    Command(Api),
    /// A kubectl command: its token shows as `GetCallerIdentity`, sent by the
    /// authenticator of the control plane, exactly like a kubelet's.
    Kubectl,
    CreateRole(Rc<Role>, String),
    AttachPolicy(Rc<Role>, &'static str),
    CreateOidcProvider,
    CreateCluster,
    CreateNodegroup,
    CreateAddon(&'static str),
    /// The association of a workload's service account.
    CreateAssociation(Rc<Workload>),
    /// Lets a role into the cluster, as this type of principal.
    CreateAccessEntry(Rc<Role>, &'static str),
    /// Sets the largest number of nodes.
    UpdateNodegroup(i64),
    /// Sets the hop limit of the node in a slot to 1.
    LimitHops(usize),
    Logging(&'static str),
}

/// A person with a plan.
#[derive(Debug)]
pub(super) struct Person {
    cluster: Rc<Cluster>,
    role: Rc<Role>,
    name: &'static str,
    origin: Origin,
    label: Label,
    /// What to do when, the next one last.
    plan: Vec<(i64, Deed)>,
    session: Option<Rc<Session>>,
}

impl Person {
    /// Makes a person; `plan` holds times in seconds since the epoch.
    pub(super) fn new(
        cluster: &Rc<Cluster>,
        role: &Rc<Role>,
        name: &'static str,
        address: &str,
        mut plan: Vec<(i64, Deed)>,
    ) -> Self {
        plan.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
        Self {
            cluster: Rc::clone(cluster),
            role: Rc::clone(role),
            name,
            origin: Origin::public(address, None),
            label: Label::outsider("person"),
            plan,
            session: None,
        }
    }

    /// When the plan begins, if there is one.
    pub(super) fn starts(&self) -> Option<i64> {
        self.plan.last().map(|(at, _)| *at)
    }

    fn session(&mut self, now: i64, world: &mut World<'_>) -> Rc<Session> {
        if let Some(session) = self.session.as_ref().filter(|s| s.expires - now > MINUTE) {
            return Rc::clone(session);
        }
        let issue = Issue {
            role: &self.role,
            name: self.name.to_owned(),
            at: now,
            life: 4 * HOUR,
            says_life: true,
            kind: SessionKind::default(),
        };
        let region = self.cluster.region;
        let session = sts::saml(world, &issue, &self.origin, region, &self.label);
        self.session = Some(Rc::clone(&session));
        session
    }

    fn deed(&self, deed: &Deed, session: &Session, at: i64, world: &mut World<'_>) {
        let cluster = &self.cluster;
        let agent = match deed {
            Deed::Kubectl => "Go-http-client/1.1".to_owned(),
            Deed::Console => "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 \
                Firefox/143.0"
                .to_owned(),
            Deed::Command(api) => Sdk::Cli.agent(Source::Sso, api.names().0, api.names().1),
            _ => Sdk::Cli.agent(Source::Sso, "", deed.command()),
        };
        let origin = match deed {
            Deed::Kubectl => Origin::public(cluster.control_plane(&mut world.rng), Some(SERVICE)),
            _ => self.origin.clone(),
        };
        let region = cluster.region;
        let mut instance = Rc::default();
        if let Deed::LimitHops(slot) = deed {
            let state = &mut world.nodes[*slot];
            state.hop_limit = 1;
            instance = Rc::clone(&state.node.instance);
        }
        let caller = Caller {
            session,
            label: &self.label,
            origin: &origin,
            agent: &agent,
            region,
        };
        world.call(caller, at, |shape, rng| match deed {
            Deed::Console => setup::console_login(shape, region),
            Deed::Kubectl => node_shapes::caller_identity(shape),
            Deed::Command(api) => api.fill(&cluster.target, shape, rng),
            Deed::CreateRole(role, trust) => setup::create_role(shape, role, trust, at),
            Deed::AttachPolicy(role, policy) => setup::attach_policy(shape, role, policy),
            Deed::CreateOidcProvider => setup::create_oidc_provider(shape, rng, cluster),
            Deed::CreateCluster => setup::create_cluster(shape, rng, cluster, at),
            Deed::CreateNodegroup => setup::create_nodegroup(shape, rng, cluster, at),
            Deed::CreateAddon(addon) => setup::create_addon(shape, rng, cluster, addon),
            Deed::CreateAssociation(workload) => {
                changes::create_association(shape, rng, cluster, workload, at);
            }
            Deed::CreateAccessEntry(role, kind) => {
                changes::create_access_entry(shape, rng, cluster, role, kind, at);
            }
            Deed::UpdateNodegroup(most) => {
                changes::update_nodegroup(shape, rng, cluster, *most, at);
            }
            Deed::LimitHops(_) => {
                changes::modify_metadata_options(shape, rng, cluster, &instance);
            }
            Deed::Logging(name) => {
                setup::logging(shape, name, &cluster.account.id, region);
            }
        });
    }
}

impl Deed {
    fn command(&self) -> &'static str {
        match self {
            Self::CreateRole(..) => "iam.create-role",
            Self::AttachPolicy(..) => "iam.attach-role-policy",
            Self::CreateOidcProvider => "iam.create-open-id-connect-provider",
            Self::CreateCluster => "eks.create-cluster",
            Self::CreateNodegroup => "eks.create-nodegroup",
            Self::CreateAddon(_) => "eks.create-addon",
            Self::CreateAssociation(..) => "eks.create-pod-identity-association",
            Self::CreateAccessEntry(..) => "eks.create-access-entry",
            Self::UpdateNodegroup(_) => "eks.update-nodegroup-config",
            Self::LimitHops(_) => "ec2.modify-instance-metadata-options",
            Self::Logging("StopLogging") => "cloudtrail.stop-logging",
            Self::Logging(_) => "cloudtrail.start-logging",
            Self::Console | Self::Command(_) | Self::Kubectl => "",
        }
    }
}

impl Actor for Person {
    fn act(&mut self, now: i64, world: &mut World<'_>) -> Option<i64> {
        let (_, deed) = self.plan.pop()?;
        let session = self.session(now, world);
        self.deed(&deed, &session, now + 1, world);
        self.starts().map(|next| next.max(now + 2))
    }
}

/// A script of somebody who still uses an IAM user's access keys.
#[derive(Debug)]
pub(super) struct KeyUser {
    account: Rc<Account>,
    region: &'static str,
    origin: Origin,
    label: Label,
    agent: String,
    identity: String,
    target: Target,
}

impl KeyUser {
    /// Makes the user `nightly-export` with one access key.
    pub(super) fn new(
        account: &Rc<Account>,
        region: &'static str,
        rng: &mut super::rng::Rng,
    ) -> Self {
        let name = "nightly-export";
        let mut identity = Json::default();
        identity
            .open()
            .text("type", "IAMUser")
            .text("principalId", &rng.iam_id("AIDA"))
            .text("arn", &format!("arn:aws:iam::{}:user/{name}", account.id))
            .text("accountId", &account.id)
            .text("accessKeyId", &rng.user_key())
            .text("userName", name)
            .close();
        Self {
            account: Rc::clone(account),
            region,
            origin: Origin::public(&account.nat(2), Some("nat")),
            label: Label::outsider("person"),
            agent: Sdk::Cli.agent(Source::Keys, "s3", "s3.ls"),
            identity: identity.into_string(),
            target: Target {
                account: account.id.clone(),
                region,
                ..Target::default()
            },
        }
    }
}

impl Actor for KeyUser {
    fn act(&mut self, now: i64, world: &mut World<'_>) -> Option<i64> {
        for (n, api) in (0..).zip([Api::CallerIdentity, Api::S3ListBuckets]) {
            let caller = PlainCaller {
                identity: &self.identity,
                account: &self.account,
                label: &self.label,
                role_arn: None,
                origin: &self.origin,
                agent: &self.agent,
                region: self.region,
                request_id: None,
                shared: None,
            };
            world.plain_call(caller, now + n, |shape, rng| {
                api.fill(&self.target, shape, rng);
            });
        }
        Some(now + world.rng.between(40 * MINUTE, 80 * MINUTE))
    }
}
