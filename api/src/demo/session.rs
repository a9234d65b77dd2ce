//! Role sessions and the `userIdentity` that their calls carry.

use std::rc::Rc;

use super::account::Role;
use super::json::Json;

/// How `userIdentity` differs between the event versions that services use:
/// services still on 1.08 write an empty `webIdFederationData` for sessions
/// that are not federated, later ones leave it out, and 1.11 adds `inScopeOf`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    V08,
    V09,
    V11,
}

impl Dialect {
    /// The dialect of an `eventVersion`.
    pub(super) fn of(version: &str) -> Self {
        match version {
            "1.08" => Self::V08,
            "1.11" => Self::V11,
            _ => Self::V09,
        }
    }
}

/// What a session is, beside its role and name.
#[derive(Debug, Clone, Default)]
pub(super) struct SessionKind {
    /// ARN of the OIDC provider, for `AssumeRoleWithWebIdentity`.
    pub(super) federated: Option<Rc<str>>,
    /// IMDS version that delivered the credentials, for instance profiles.
    pub(super) delivery: Option<&'static str>,
    /// `issuerType` and ARN of the resource the credentials were issued to.
    pub(super) in_scope_of: Option<(&'static str, String)>,
    /// Roles assumed before this one by the same actor.
    pub(super) hops: u32,
}

/// One set of temporary credentials.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) role: Rc<Role>,
    pub(super) name: String,
    pub(super) key: String,
    pub(super) created: i64,
    pub(super) expires: i64,
    pub(super) arn: String,
    pub(super) hops: u32,
    /// `eventID` of the issuing record; `None` if it is not in the trail.
    pub(super) issued_by: Option<String>,
    kind: SessionKind,
    identities: [String; 3],
}

/// Everything that makes a [`Session`].
#[derive(Debug)]
pub(super) struct NewSession {
    pub(super) role: Rc<Role>,
    pub(super) name: String,
    pub(super) key: String,
    pub(super) created: i64,
    pub(super) expires: i64,
    pub(super) kind: SessionKind,
    pub(super) issued_by: Option<String>,
}

impl Session {
    /// Makes a session and renders its identity once for all its calls.
    pub(super) fn new(new: NewSession) -> Rc<Self> {
        let mut session = Self {
            arn: new.role.session_arn(&new.name),
            role: new.role,
            name: new.name,
            key: new.key,
            created: new.created,
            expires: new.expires,
            hops: new.kind.hops,
            issued_by: new.issued_by,
            kind: new.kind,
            identities: Default::default(),
        };
        session.identities = [Dialect::V08, Dialect::V09, Dialect::V11]
            .map(|dialect| session.render(dialect, &session.key, None));
        Rc::new(session)
    }

    /// Returns `userIdentity` of a direct call.
    pub(super) fn identity(&self, dialect: Dialect) -> &str {
        match dialect {
            Dialect::V08 => &self.identities[0],
            Dialect::V09 => &self.identities[1],
            Dialect::V11 => &self.identities[2],
        }
    }

    /// Returns `userIdentity` of a call that a service makes with this session.
    pub(super) fn invoked_by(&self, dialect: Dialect, key: &str, service: &str) -> String {
        self.render(dialect, key, Some(service))
    }

    fn render(&self, dialect: Dialect, key: &str, invoked_by: Option<&str>) -> String {
        let role = &self.role;
        let mut out = Json::default();
        out.open()
            .text("type", "AssumedRole")
            .text("principalId", &format!("{}:{}", role.id, self.name))
            .text("arn", &self.arn)
            .text("accountId", &role.account.id)
            .text("accessKeyId", key);
        out.object("sessionContext").object("sessionIssuer");
        out.text("type", "Role")
            .text("principalId", &role.id)
            .text("arn", &role.arn)
            .text("accountId", &role.account.id)
            .text("userName", &role.name)
            .close();
        if let Some(provider) = &self.kind.federated {
            out.object("webIdFederationData")
                .text("federatedProvider", provider);
            out.object("attributes").close().close();
        } else if dialect == Dialect::V08 {
            out.object("webIdFederationData").close();
        }
        out.object("attributes")
            .time("creationDate", self.created)
            .text("mfaAuthenticated", "false")
            .close();
        if let Some(version) = self.kind.delivery {
            out.text("ec2RoleDelivery", version);
        }
        out.close();
        if let Some(service) = invoked_by {
            out.text("invokedBy", service);
        } else if let (Dialect::V11, Some((issuer, target))) = (dialect, &self.kind.in_scope_of) {
            out.object("inScopeOf")
                .text("issuerType", issuer)
                .text("credentialsIssuedTo", target)
                .close();
        }
        out.close();
        out.into_string()
    }
}

#[cfg(test)]
mod tests;
