//! RBAC objects.

use crate::collect::kubernetes::RESOURCES;

/// The rule of the Role in `kube-system` for the one config map that is read.
pub const AWS_AUTH_RULE: &str =
    r#"{apiGroups: [""], resources: ["configmaps"], resourceNames: ["aws-auth"], verbs: ["get"]}"#;

/// The rule of the `ClusterRole` that allows to list and watch a resource.
#[must_use]
pub fn cluster_rule(group: &str, resource: &str) -> String {
    format!(r#"{{apiGroups: ["{group}"], resources: ["{resource}"], verbs: ["list", "watch"]}}"#)
}

/// `ClusterRole`, Role and their bindings, as YAML: for a service account, and for the group of the same
/// name that an access entry can put a role in (`aws eks create-access-entry --kubernetes-groups`).
#[must_use]
pub fn manifest(namespace: &str, name: &str) -> String {
    let rules: Vec<String> = RESOURCES
        .iter()
        .map(|resource| format!("  - {}\n", cluster_rule(resource.group, resource.plural)))
        .collect();
    let rules = rules.concat();
    let subjects = format!(
        "subjects:\n  \
           - {{kind: ServiceAccount, name: {name}, namespace: {namespace}}}\n  \
           - {{kind: Group, name: {name}, apiGroup: rbac.authorization.k8s.io}}\n"
    );
    let role_ref = |kind: &str| {
        format!("roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: {kind}, name: {name}}}\n")
    };
    let head = |kind: &str, place: &str| {
        format!(
            "apiVersion: rbac.authorization.k8s.io/v1\nkind: {kind}\nmetadata: {{name: {name}{place}}}\n"
        )
    };
    let system = ", namespace: kube-system";
    let parts = [
        format!("{}rules:\n{rules}", head("ClusterRole", "")),
        format!(
            "{}{}{subjects}",
            head("ClusterRoleBinding", ""),
            role_ref("ClusterRole")
        ),
        format!("{}rules:\n  - {AWS_AUTH_RULE}\n", head("Role", system)),
        format!(
            "{}{}{subjects}",
            head("RoleBinding", system),
            role_ref("Role")
        ),
    ];
    parts.join("---\n")
}
