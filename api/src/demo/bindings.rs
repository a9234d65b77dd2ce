//! Which roles service accounts have, and what a pod gets of that when it
//! starts.

use std::rc::Rc;

use super::account::Role;
use super::workloads::{Access, Refusal, Style, Workload};

/// What ties a service account to a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BindingKind {
    /// The annotation `eks.amazonaws.com/role-arn`.
    Annotation,
    /// A Pod Identity association.
    Association,
}

/// A service account's role, as Kubernetes and EKS list it.
#[derive(Debug, Clone)]
pub(super) struct Binding {
    pub(super) kind: BindingKind,
    pub(super) role: Rc<Role>,
    /// When it was made, if later than the first pods.
    pub(super) since: Option<i64>,
    /// When it was made.
    pub(super) made: i64,
    pub(super) style: Style,
    /// Service account that the trust policy names, or a pattern of several.
    pub(super) trusts: String,
}

/// What the EKS webhook put into a pod when it was made.
#[derive(Debug, Clone)]
pub(super) enum Injection {
    None,
    Irsa(Rc<Role>),
    PodIdentity,
}

impl Workload {
    /// What ties the service account to a role, if anything does.
    pub(super) fn binding(&self) -> Option<Binding> {
        let own = || self.trusted.unwrap_or(&self.service_account).to_owned();
        let binding = |kind, role: &Rc<Role>| Binding {
            kind,
            role: Rc::clone(role),
            since: None,
            made: self.bound_at,
            style: Style::Tagged,
            trusts: own(),
        };
        let other = |role| Binding {
            trusts: format!("{}-v1", self.service_account),
            ..binding(BindingKind::Annotation, role)
        };
        match &self.access {
            Access::Irsa { role, .. } => Some(binding(BindingKind::Annotation, role)),
            Access::Denied { role } => Some(other(role)),
            Access::Refused { role, refusal } => match refusal {
                Refusal::Trust => Some(other(role)),
                Refusal::Provider => Some(binding(BindingKind::Annotation, role)),
            },
            Access::PodIdentity { role, style } => Some(Binding {
                style: style.clone(),
                ..binding(BindingKind::Association, role)
            }),
            Access::Late { role, kind, since } => Some(Binding {
                since: Some(*since),
                made: *since,
                ..binding(*kind, role)
            }),
            Access::Nothing | Access::NodeRole { .. } | Access::Kube2iam { .. } => {
                (self.bound.as_ref()).map(|(kind, role)| binding(*kind, role))
            }
        }
    }

    /// How a pod that starts at `at` reaches AWS.
    pub(super) fn access_at(&self, at: i64) -> Access {
        match &self.access {
            Access::Late { since, .. } if at < *since => Access::NodeRole {
                cause: "no_binding",
                imds_v1: false,
            },
            Access::Late { role, kind, .. } => match kind {
                BindingKind::Annotation => Access::Irsa {
                    role: Rc::clone(role),
                    global_sts: false,
                },
                BindingKind::Association => Access::PodIdentity {
                    role: Rc::clone(role),
                    style: Style::Tagged,
                },
            },
            access => access.clone(),
        }
    }

    /// What the webhook puts into a pod that starts at `at`.
    pub(super) fn injection(&self, at: i64) -> Injection {
        let bound = self.binding();
        match bound.filter(|binding| binding.since.is_none_or(|since| since <= at)) {
            None => Injection::None,
            Some(binding) => match binding.kind {
                BindingKind::Annotation => Injection::Irsa(binding.role),
                BindingKind::Association => Injection::PodIdentity,
            },
        }
    }
}
