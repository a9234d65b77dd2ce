//! Records that issue credentials, each with the session it starts.

use std::rc::Rc;

use super::account::{Account, Role};
use super::clock;
use super::json::Json;
use super::pod_identity::PodTags;
use super::records::{Call, Shape};
use super::rng::{Rng, Uuid};
use super::session::{NewSession, Session, SessionKind};
use super::truth::{Credential, Label};
use super::workloads::Refusal;
use super::world::{
    Caller, GLOBAL_REGION, Origin, PlainCaller, ServiceCaller, World, session_credential,
};

/// First characters of every session token, the same for all accounts.
const TOKEN_PREFIX: &str = "IQoJb3JpZ2luX2Vj";
/// Audience of EKS and of GitHub Actions tokens alike.
pub(super) const STS_AUDIENCE: &str = "sts.amazonaws.com";

/// A role session that is about to be issued.
#[derive(Debug)]
pub(super) struct Issue<'a> {
    pub(super) role: &'a Rc<Role>,
    pub(super) name: String,
    pub(super) at: i64,
    /// Lifetime in seconds.
    pub(super) life: i64,
    /// Whether the request says the lifetime.
    pub(super) says_life: bool,
    pub(super) kind: SessionKind,
}

impl Issue<'_> {
    /// Starts the session.
    pub(super) fn start(&self, key: String, issued_by: Option<Uuid>) -> Rc<Session> {
        Session::new(NewSession {
            role: Rc::clone(self.role),
            name: self.name.clone(),
            key,
            created: self.at,
            expires: self.at + self.life,
            kind: self.kind.clone(),
            issued_by: issued_by.map(Uuid::text),
        })
    }

    /// Starts the session without a record: it was issued before the trail.
    pub(super) fn unseen(&self, rng: &mut Rng) -> Rc<Session> {
        self.start(rng.session_key(), None)
    }

    /// Opens the request parameters with the members that all requests have.
    pub(super) fn request<'j>(&self, out: &'j mut Json) -> &'j mut Json {
        out.open()
            .text("roleArn", &self.role.arn)
            .text("roleSessionName", &self.name);
        if self.says_life {
            out.number("durationSeconds", self.life);
        }
        out
    }

    /// Writes the credentials of the answer.
    pub(super) fn credentials(&self, out: &mut Json, key: &str, rng: &mut Rng) {
        let token = rng.base64(TOKEN_PREFIX, 720);
        out.object("credentials")
            .text("accessKeyId", key)
            .text("sessionToken", &format!("{token}=="))
            .text("expiration", &clock::english(self.at + self.life))
            .close();
    }

    /// Writes who the session is.
    pub(super) fn assumed(&self, out: &mut Json) {
        out.object("assumedRoleUser")
            .text("assumedRoleId", &format!("{}:{}", self.role.id, self.name))
            .text("arn", &self.role.session_arn(&self.name))
            .close();
    }

    /// Names the role as the resource.
    pub(super) fn resource(&self, shape: &mut Shape) {
        shape.resource(&self.role.account.id, "AWS::IAM::Role", &self.role.arn);
    }
}

/// The token side of `AssumeRoleWithWebIdentity`.
#[derive(Debug, Clone, Copy)]
pub(super) struct WebIdentity<'a> {
    /// ARN of the IAM OIDC provider.
    pub(super) provider: &'a str,
    /// `sub` of the token.
    pub(super) subject: &'a str,
    pub(super) label: &'a Label,
    pub(super) origin: &'a Origin,
    pub(super) agent: &'a str,
    pub(super) region: &'a str,
    /// Uses `sts.amazonaws.com`, which is logged in us-east-1.
    pub(super) global: bool,
    /// Why it fails, if it does.
    pub(super) refusal: Option<Refusal>,
}

/// `AssumeRoleWithWebIdentity`, by a pod with IRSA or any other OIDC token.
/// Returns no session if denied.
pub(super) fn web_identity(
    world: &mut World<'_>,
    issue: &Issue<'_>,
    web: WebIdentity<'_>,
) -> Option<Rc<Session>> {
    let mut identity = Json::default();
    identity
        .open()
        .text("type", "WebIdentityUser")
        .text(
            "principalId",
            &format!("{}:{STS_AUDIENCE}:{}", web.provider, web.subject),
        )
        .text("userName", web.subject)
        .text("identityProvider", web.provider)
        .close();
    let caller = PlainCaller {
        identity: identity.as_str(),
        account: &issue.role.account,
        label: web.label,
        role_arn: Some(&issue.role.arn),
        origin: web.origin,
        agent: web.agent,
        region: web.region,
        request_id: None,
        shared: None,
    };
    let key = world.rng.session_key();
    let event = world.plain_call(caller, issue.at, |shape, rng| {
        shape.begin("sts", "AssumeRoleWithWebIdentity", "1.08", true);
        shape.global = web.global;
        issue.request(&mut shape.request).close();
        issue.resource(shape);
        if let Some(refusal) = web.refusal {
            refuse(shape, refusal, web.provider);
        } else {
            let out = shape.response.open();
            issue.credentials(out, &key, rng);
            out.text("subjectFromWebIdentityToken", web.subject);
            issue.assumed(out);
            out.text("provider", web.provider)
                .text("audience", STS_AUDIENCE)
                .close();
        }
        let serving = if web.global {
            GLOBAL_REGION
        } else {
            web.region
        };
        let trust = "IAMTrustStore";
        let out = shape.additional.open();
        if web.refusal != Some(Refusal::Provider) {
            out.text("identityProviderConnectionVerificationMethod", trust);
        }
        out.text("ExtendedRequestId", &rng.base64("MTp", 45))
            .object("RequestDetails")
            .text(
                "endpointType",
                if web.global { "global" } else { "regional" },
            )
            .text("awsServingRegion", serving)
            .close()
            .close();
    });
    (web.refusal.is_none()).then(|| issue.start(key, event))
}

/// The text about a missing provider is the one of the STS API; no record of it
/// is at hand.
fn refuse(shape: &mut Shape, refusal: Refusal, provider: &str) {
    match refusal {
        Refusal::Trust => {
            shape.error_code = "AccessDenied";
            shape.error_message.push_str("An unknown error occurred");
        }
        Refusal::Provider => {
            let issuer = provider
                .split_once('/')
                .map_or(provider, |(_, issuer)| issuer);
            shape.error_code = "InvalidIdentityToken";
            shape.error_message =
                format!("No OpenIDConnect provider found in your account for https://{issuer}");
        }
    }
}

/// `AssumeRole` by an AWS service (`eks.amazonaws.com`, `lambda.amazonaws.com`…).
pub(super) fn by_service(
    world: &mut World<'_>,
    issue: &Issue<'_>,
    service: &str,
    region: &str,
    label: &Label,
) -> Rc<Session> {
    let key = world.rng.session_key();
    let caller = service_caller(issue, service, region, label);
    let event = world.service_call(caller, issue.at, None, |shape, rng| {
        shape.begin("sts", "AssumeRole", "1.08", true);
        issue.request(&mut shape.request).close();
        let out = shape.response.open();
        issue.credentials(out, &key, rng);
        issue.assumed(out);
        out.close();
        issue.resource(shape);
    });
    issue.start(key, event)
}

/// The service that asks for a session.
pub(super) fn service_caller<'a>(
    issue: &'a Issue<'_>,
    service: &'a str,
    region: &'a str,
    label: &'a Label,
) -> ServiceCaller<'a> {
    ServiceCaller {
        service,
        account: &issue.role.account,
        region,
        label,
        role_arn: Some(&issue.role.arn),
    }
}

/// Delivery of instance profile credentials by EC2: two records of one
/// request, for IMDSv1 and IMDSv2, without `assumedRoleUser`.
pub(super) fn instance_pair(
    world: &mut World<'_>,
    issue: &Issue<'_>,
    region: &str,
    label: &Label,
) -> [Rc<Session>; 2] {
    let request_id = world.rng.uuid();
    ["1.0", "2.0"].map(|version| {
        let half = Issue {
            role: issue.role,
            name: issue.name.clone(),
            at: issue.at,
            // The two halves of a pair do not expire together.
            life: issue.life + world.rng.between(0, 300),
            says_life: false,
            kind: SessionKind {
                delivery: Some(version),
                ..issue.kind.clone()
            },
        };
        let key = world.rng.session_key();
        let caller = service_caller(&half, "ec2.amazonaws.com", region, label);
        let event = world.service_call(caller, half.at, Some(request_id), |shape, rng| {
            shape.begin("sts", "AssumeRole", "1.08", true);
            half.request(&mut shape.request).close();
            half.credentials(shape.response.open(), &key, rng);
            shape.response.close();
            half.resource(shape);
        });
        half.start(key, event)
    })
}

/// `AssumeRole` by a role session. A role of another account gets a record in
/// both accounts, tied by `sharedEventID`.
pub(super) fn chained(
    world: &mut World<'_>,
    issue: &Issue<'_>,
    caller: Caller<'_>,
    incoming: Option<PodTags<'_>>,
) -> Rc<Session> {
    let key = world.rng.session_key();
    let shared = world.rng.uuid();
    let mut shape = Shape::default();
    shape.begin("sts", "AssumeRole", "1.08", true);
    let out = issue.request(&mut shape.request);
    if let Some(tags) = incoming {
        out.object("incomingTransitiveTags");
        for (name, value) in tags.pairs() {
            out.text(name, value);
        }
        out.close();
    }
    out.close();
    let out = shape.response.open();
    issue.credentials(out, &key, &mut world.rng);
    issue.assumed(out);
    out.close();
    issue.resource(&mut shape);
    let event = send_chained(world, issue, caller, &shape, shared);
    issue.start(key, event)
}

fn send_chained(
    world: &mut World<'_>,
    issue: &Issue<'_>,
    caller: Caller<'_>,
    shape: &Shape,
    shared: Uuid,
) -> Option<Uuid> {
    let session = caller.session;
    let (from, to): (&Account, &Account) = (&session.role.account, &issue.role.account);
    let seen = caller.origin.seen("sts", false);
    let host = shape.host_name(caller.region);
    let mut call = Call {
        at: issue.at,
        recipient: from,
        region: caller.region,
        identity: session.identity(super::session::Dialect::V08),
        address: seen.address,
        address_kind: seen.kind,
        agent: caller.agent,
        endpoint: seen.endpoint,
        host: Some(&host),
        event_id: world.rng.uuid(),
        request_id: world.rng.uuid(),
        shared: Some(shared),
    };
    let own = world.send(&call, shape, caller.label, session_credential(session));
    if from.id == to.id {
        return own;
    }
    let mut identity = Json::default();
    identity
        .open()
        .text("type", "AWSAccount")
        .text(
            "principalId",
            &format!("{}:{}", session.role.id, session.name),
        )
        .text("accountId", &from.id)
        .close();
    call.recipient = to;
    call.identity = identity.as_str();
    call.event_id = world.rng.uuid();
    call.endpoint = None;
    let credential = Credential {
        role_arn: Some(&issue.role.arn),
        hops: session.hops,
        issued_by: None,
    };
    let other = world.send(&call, shape, caller.label, credential);
    own.or(other)
}

/// `AssumeRoleWithSAML`, as IAM Identity Center makes it for a person.
pub(super) fn saml(
    world: &mut World<'_>,
    issue: &Issue<'_>,
    origin: &Origin,
    region: &str,
    label: &Label,
) -> Rc<Session> {
    let account = &issue.role.account;
    let provider = format!(
        "arn:aws:iam::{}:saml-provider/AWSSSO_5f1c0d9e2b7a4863_DO_NOT_DELETE",
        account.id
    );
    let qualifier = format!("{}=", world.rng.base64("", 27));
    let mut identity = Json::default();
    identity
        .open()
        .text("type", "SAMLUser")
        .text("principalId", &format!("{qualifier}:{}", issue.name))
        .text("userName", &issue.name)
        .text("identityProvider", &qualifier)
        .close();
    let caller = PlainCaller {
        identity: identity.as_str(),
        account,
        label,
        role_arn: Some(&issue.role.arn),
        origin,
        agent: "aws-internal/3 aws-sdk-java/1.12.787 Linux/5.10.239-213.961.amzn2int.x86_64 \
                OpenJDK_64-Bit_Server_VM/17.0.15+6-LTS java/17.0.15 cfg/retry-mode/standard",
        region,
        request_id: None,
        shared: None,
    };
    let key = world.rng.session_key();
    let event = world.plain_call(caller, issue.at, |shape, rng| {
        shape.begin("sts", "AssumeRoleWithSAML", "1.08", true);
        let out = shape.request.open();
        out.text("sAMLAssertionID", &format!("_{}", rng.uuid().text()))
            .text("roleSessionName", &issue.name)
            .number("durationSeconds", issue.life)
            .text("roleArn", &issue.role.arn)
            .text("principalArn", &provider)
            .close();
        let out = shape.response.open();
        out.text("subjectType", "persistent")
            .text("issuer", "https://portal.sso.example.com/saml/assertion")
            .text("audience", "https://signin.aws.amazon.com/saml")
            .text("nameQualifier", &qualifier)
            .text("subject", &issue.name);
        issue.credentials(out, &key, rng);
        issue.assumed(out);
        out.close();
        issue.resource(shape);
    });
    issue.start(key, event)
}
