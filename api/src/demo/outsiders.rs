//! Identities of the account that are no cluster's: ECS, Lambda, plain EC2, CI,
//! AWS services. A tool that attributes one of these to a pod is wrong.

use std::rc::Rc;

use super::account::{Account, Role};
use super::apis::{Api, Target};
use super::clock::{HOUR, MINUTE};
use super::rng::Rng;
use super::sdk::{Sdk, Source};
use super::session::{Session, SessionKind};
use super::sim::Actor;
use super::sts::{self, Issue, WebIdentity};
use super::truth::Label;
use super::world::{Caller, Origin, ServiceCaller, World};

/// What runs outside the clusters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// An ECS task: session named after the task, 32 hexadecimal digits.
    EcsTask,
    /// A Lambda function: session named after the function.
    Lambda,
    /// An EC2 instance with a role of its own, outside every cluster.
    Instance,
    /// A workflow on GitHub Actions, with the audience that EKS uses too.
    Ci,
}

/// One of them over the whole history.
#[derive(Debug)]
pub(super) struct Outsider {
    kind: Kind,
    role: Rc<Role>,
    region: &'static str,
    /// Session name.
    name: String,
    origin: Origin,
    label: Label,
    target: Target,
    session: Option<Rc<Session>>,
    steps: Vec<(Api, String)>,
}

impl Outsider {
    /// Makes one; all but CI run when the history begins.
    pub(super) fn new(
        kind: Kind,
        account: &Rc<Account>,
        region: &'static str,
        begin: i64,
        rng: &mut Rng,
    ) -> Self {
        let (role, name, label) = match kind {
            Kind::EcsTask => ("invoices-ecs-task", rng.hex(32), "ecs_task"),
            Kind::Lambda => ("thumbnail-fn-role", "thumbnail".to_owned(), "lambda"),
            Kind::Instance => ("legacy-batch-ec2", rng.ec2_id("i-"), "ec2_instance"),
            Kind::Ci => ("github-deploy", "GitHubActions".to_owned(), "ci"),
        };
        let (sdk, source, apis): (_, _, &[Api]) = match kind {
            Kind::EcsTask => (
                Sdk::Js3,
                Source::Container,
                &[Api::SecretsGet, Api::SsmGetParameter],
            ),
            Kind::Lambda => (
                Sdk::Boto3,
                Source::Keys,
                &[Api::KmsDecrypt, Api::LogsCreateStream],
            ),
            Kind::Instance => (
                Sdk::Boto3,
                Source::Imds,
                &[Api::S3ListBuckets, Api::Ec2Tags, Api::Ec2Volumes],
            ),
            Kind::Ci => (
                Sdk::Cli,
                Source::Keys,
                &[
                    Api::CallerIdentity,
                    Api::EcrToken,
                    Api::EcrUploadPart,
                    Api::EcrPutImage,
                    Api::EksDescribeCluster,
                ],
            ),
        };
        let steps = apis.iter().map(|api| {
            let (service, command) = api.names();
            (*api, sdk.agent(source, service, command))
        });
        let target = Target {
            account: account.id.clone(),
            region,
            cluster: "myeks".to_owned(),
            secret: "invoices/database".to_owned(),
            table: "invoices".to_owned(),
            key_arn: format!(
                "arn:aws:kms:{region}:{}:key/{}",
                account.id,
                rng.uuid().text()
            ),
            instance: name.clone(),
            ..Target::default()
        };
        let mut outsider = Self {
            kind,
            role: Role::new(account, "/", role),
            region,
            name,
            origin: Origin::public(&account.nat(1), Some("nat")),
            label: Label::outsider(label),
            target,
            session: None,
            steps: steps.collect(),
        };
        if kind != Kind::Ci {
            let at = begin - rng.between(MINUTE, 2 * HOUR);
            let issue = outsider.issue(at, rng);
            outsider.session = Some(issue.unseen(rng));
        }
        outsider
    }

    fn issue(&self, at: i64, rng: &mut Rng) -> Issue<'_> {
        let account = &self.role.account.id;
        let (life, delivery, scope) = match self.kind {
            Kind::EcsTask => (6 * HOUR, None, None),
            Kind::Lambda => {
                let arn = format!(
                    "arn:aws:lambda:{}:{account}:function:{}",
                    self.region, self.name
                );
                (12 * HOUR, None, Some(("AWS::Lambda::Function", arn)))
            }
            Kind::Instance => {
                let arn = format!(
                    "arn:aws:ec2:{}:{account}:instance/{}",
                    self.region, self.name
                );
                let life = rng.between(6 * HOUR + 5 * MINUTE, 6 * HOUR + 21 * MINUTE);
                (life, Some("2.0"), Some(("AWS::EC2::Instance", arn)))
            }
            Kind::Ci => (HOUR, None, None),
        };
        let federated = (self.kind == Kind::Ci).then(|| Rc::from(self.github_provider()));
        Issue {
            role: &self.role,
            name: self.name.clone(),
            at,
            life,
            says_life: self.kind == Kind::Ci,
            kind: SessionKind {
                federated,
                delivery,
                in_scope_of: scope,
                hops: 0,
            },
        }
    }

    fn github_provider(&self) -> String {
        let account = &self.role.account.id;
        format!("arn:aws:iam::{account}:oidc-provider/token.actions.githubusercontent.com")
    }

    fn renew(&self, now: i64, world: &mut World<'_>) -> Option<Rc<Session>> {
        let issue = self.issue(now, &mut world.rng);
        match self.kind {
            Kind::EcsTask => {
                let service = "ecs-tasks.amazonaws.com";
                Some(sts::by_service(
                    world,
                    &issue,
                    service,
                    self.region,
                    &self.label,
                ))
            }
            Kind::Lambda => {
                let service = "lambda.amazonaws.com";
                Some(sts::by_service(
                    world,
                    &issue,
                    service,
                    self.region,
                    &self.label,
                ))
            }
            Kind::Instance => {
                let [_, v2] = sts::instance_pair(world, &issue, self.region, &self.label);
                Some(v2)
            }
            Kind::Ci => {
                let provider = self.github_provider();
                let web = WebIdentity {
                    provider: &provider,
                    subject: "repo:acme-shop/orders:ref:refs/heads/main",
                    label: &self.label,
                    origin: &self.origin,
                    agent: "aws-sdk-js/3.899.0 ua/2.1 os/linux#6.11.0-1018-azure lang/js \
                            md/nodejs#20.19.5 api/sts#3.899.0 m/E,q \
                            configure-aws-credentials-for-github-actions",
                    region: self.region,
                    global: false,
                    refusal: None,
                };
                sts::web_identity(world, &issue, web)
            }
        }
    }
}

impl Actor for Outsider {
    fn act(&mut self, now: i64, world: &mut World<'_>) -> Option<i64> {
        if self.kind == Kind::Ci {
            self.session = None;
            self.origin = Origin::public(&format!("203.0.113.{}", world.rng.between(2, 250)), None);
        }
        if self
            .session
            .as_ref()
            .is_none_or(|session| session.expires - now < 10 * MINUTE)
        {
            self.session = self.renew(now, world);
        }
        let session = self.session.clone()?;
        for (n, (api, agent)) in (1..).zip(&self.steps) {
            let caller = Caller {
                session: &session,
                label: &self.label,
                origin: &self.origin,
                agent,
                region: self.region,
            };
            let pause = if self.kind == Kind::Ci { 9 * n } else { n };
            world.call(caller, now + pause, |shape, rng| {
                api.fill(&self.target, shape, rng);
            });
        }
        let (low, high) = match self.kind {
            Kind::Ci => (HOUR, 3 * HOUR),
            Kind::Lambda => (5 * MINUTE, 15 * MINUTE),
            _ => (10 * MINUTE, 16 * MINUTE),
        };
        Some(now + world.rng.between(low, high))
    }
}

/// CloudTrail looking at its own bucket, the most common service call.
#[derive(Debug)]
pub(super) struct TrailService {
    pub(super) account: Rc<Account>,
    pub(super) region: &'static str,
    pub(super) label: Label,
}

impl Actor for TrailService {
    fn act(&mut self, now: i64, world: &mut World<'_>) -> Option<i64> {
        let caller = ServiceCaller {
            service: "cloudtrail.amazonaws.com",
            account: &self.account,
            region: self.region,
            label: &self.label,
            role_arn: None,
        };
        let account = &self.account.id;
        world.service_call(caller, now, None, |shape, _| {
            shape.begin("s3", "GetBucketAcl", "1.11", true);
            let bucket = format!("trail-{account}");
            let host = format!("{bucket}.s3.{}.amazonaws.com", self.region);
            let out = shape
                .request
                .open()
                .text("bucketName", &bucket)
                .text("Host", &host);
            out.text("acl", "").close();
            let arn = format!("arn:aws:s3:::{bucket}");
            shape.resource(account, "AWS::S3::Bucket", &arn);
        });
        Some(now + world.rng.between(8 * MINUTE, 12 * MINUTE))
    }
}
