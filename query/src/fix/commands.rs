//! The commands of a fix.

use serde_json::{Value, json};

use super::shell::{assignment, lines, quote, quote_json};
use super::{Cause, Command, Plan};
use crate::sdk::Binding;

/// The managed policies of a role that IAM takes without a quota request are ten; more documents than
/// one inline policy are attached as managed policies. Source: IAM user guide, quotas.
const INLINE_DOCUMENTS: usize = 1;

impl Plan<'_> {
    pub(super) fn commands(&self) -> Vec<Command> {
        let mut steps = match self.case.cause {
            Cause::PodPredatesBinding => vec![self.renew()],
            Cause::TrustDenied => self.mend_trust(),
            Cause::OidcProviderMissing => self.register_issuer(),
            Cause::SdkTooOld => vec![self.show_images()],
            Cause::AssociationMissingAgent => {
                let mut steps = Self::install_agent();
                steps.push(self.renew());
                steps
            }
            Cause::ContainerSkipped => vec![self.remove_annotation()],
            Cause::HostNetwork if self.makes_role() => {
                let mut steps = self.make_role();
                steps.push(self.leave_host_network());
                steps
            }
            Cause::HostNetwork => vec![self.leave_host_network()],
            Cause::Unknown => {
                let mut steps = vec![Self::look()];
                if self.makes_role() {
                    steps.extend(self.make_role());
                }
                steps
            }
            Cause::NoBinding => self.make_role(),
        };
        steps.insert(0, self.variables(&steps));
        steps
    }

    /// Sets the variables that the other steps use.
    fn variables(&self, steps: &[Command]) -> Command {
        let role = self.role_name();
        let variables = [
            ("CLUSTER", self.cluster, "the name of the EKS cluster"),
            ("REGION", self.region, "the region of the cluster"),
            (
                "ACCOUNT_ID",
                self.role_account(),
                "the AWS account of the role",
            ),
            ("NAMESPACE", self.namespace, "the namespace of the workload"),
            (
                "SERVICE_ACCOUNT",
                self.service_account.as_deref(),
                "the service account of the workload, one that no other workload uses",
            ),
            (
                "WORKLOAD",
                self.workload.as_deref(),
                "the workload, such as deployment/orders",
            ),
            ("ROLE", role.as_deref(), "the name of the role"),
        ];
        let used: Vec<String> = variables
            .into_iter()
            .filter(|(name, ..)| {
                let braced = format!("${{{name}}}");
                steps.iter().any(|step| step.command.contains(&braced))
            })
            .map(|(name, value, question)| assignment(name, value, question))
            .collect();
        Command {
            title: "Set what the next steps use".to_owned(),
            command: used.join("\n"),
        }
    }

    fn make_role(&self) -> Vec<Command> {
        let mut steps = Vec::new();
        if !self.case.agent_seen_in_cluster {
            steps.extend(Self::install_agent());
        }
        if self.new_service_account {
            steps.push(step(
                "Make a service account for the workload alone",
                r#"kubectl create serviceaccount "${SERVICE_ACCOUNT}" --namespace "${NAMESPACE}""#,
            ));
        }
        steps.push(step(
            "Make a role that EKS Pod Identity may assume for it",
            &lines(&[
                r#"aws iam create-role --role-name "${ROLE}""#,
                &format!(
                    "--assume-role-policy-document {}",
                    quote_json(&self.pod_identity_trust())
                ),
            ]),
        ));
        steps.extend(self.give_policies());
        steps.push(step(
            "Associate the role with the service account",
            &lines(&[
                r#"aws eks create-pod-identity-association --region "${REGION}" --cluster-name "${CLUSTER}""#,
                r#"--namespace "${NAMESPACE}" --service-account "${SERVICE_ACCOUNT}""#,
                &format!(
                    r#"--role-arn "arn:{}:iam::${{ACCOUNT_ID}}:role/${{ROLE}}""#,
                    self.partition()
                ),
            ]),
        ));
        // A workload that changes its service account starts new pods by that.
        steps.push(if self.new_service_account {
            self.move_to_account()
        } else {
            self.renew()
        });
        steps
    }

    fn give_policies(&self) -> Vec<Command> {
        let documents = &self.case.policy.documents;
        if documents.len() <= INLINE_DOCUMENTS {
            return documents
                .iter()
                .map(|document| {
                    step(
                        "Give the role the permissions that were seen",
                        &lines(&[
                            r#"aws iam put-role-policy --role-name "${ROLE}" --policy-name observed"#,
                            &format!("--policy-document {}", quote_json(document)),
                        ]),
                    )
                })
                .collect();
        }
        documents
            .iter()
            .enumerate()
            .map(|(at, document)| {
                let number = at + 1;
                let create = lines(&[
                    &format!(r#"aws iam create-policy --policy-name "${{ROLE}}-{number}""#),
                    &format!("--policy-document {}", quote_json(document)),
                ]);
                let attach = lines(&[
                    r#"aws iam attach-role-policy --role-name "${ROLE}""#,
                    &format!(
                        r#"--policy-arn "arn:{}:iam::${{ACCOUNT_ID}}:policy/${{ROLE}}-{number}""#,
                        self.partition()
                    ),
                ]);
                step(
                    &format!(
                        "Give the role the permissions that were seen, part {number} of {}",
                        documents.len()
                    ),
                    &format!("{create}\n{attach}"),
                )
            })
            .collect()
    }

    fn install_agent() -> Vec<Command> {
        let add = |verb: &str| {
            lines(&[
                &format!(r#"aws eks {verb} --region "${{REGION}}" --cluster-name "${{CLUSTER}}""#),
                "--addon-name eks-pod-identity-agent",
            ])
        };
        vec![step(
            "Install the EKS Pod Identity Agent",
            &format!("{}\n{}", add("create-addon"), add("wait addon-active")),
        )]
    }

    fn mend_trust(&self) -> Vec<Command> {
        let save = step(
            "Save the trust policy as it is",
            &lines(&[
                r#"aws iam get-role --role-name "${ROLE}" --output json"#,
                "--query Role.AssumeRolePolicyDocument > trust-policy-before.json",
            ]),
        );
        let Some(trust) = self.wanted_trust() else {
            return vec![save];
        };
        vec![
            save,
            step(
                "Let the trust policy name the service account",
                &lines(&[
                    r#"aws iam update-assume-role-policy --role-name "${ROLE}""#,
                    &format!("--policy-document {}", quote_json(&trust)),
                ]),
            ),
            self.renew(),
        ]
    }

    /// Gives the trust policy that the binding there is needs; none when too little is known.
    pub(super) fn wanted_trust(&self) -> Option<Value> {
        if self.case.binding == Some(Binding::PodIdentity) {
            return Some(self.pod_identity_trust());
        }
        let (issuer, account) = (self.issuer?, self.role_account()?);
        let subject = format!(
            "system:serviceaccount:{}:{}",
            self.namespace?,
            self.service_account.as_deref()?
        );
        // Source: EKS user guide, "Assign IAM roles to Kubernetes service accounts".
        Some(json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Effect": "Allow",
                "Principal": {
                    "Federated": format!("arn:{}:iam::{account}:oidc-provider/{issuer}", self.partition()),
                },
                "Action": "sts:AssumeRoleWithWebIdentity",
                "Condition": {
                    "StringEquals": {
                        format!("{issuer}:aud"): "sts.amazonaws.com",
                        format!("{issuer}:sub"): literal(&subject),
                    },
                },
            }],
        }))
    }

    /// Gives the trust policy of a role for EKS Pod Identity, for this service account alone as far as
    /// it is known. Source: EKS user guide, "Create IAM role with trust policy required by EKS Pod
    /// Identity".
    pub(super) fn pod_identity_trust(&self) -> Value {
        let mut tags = serde_json::Map::new();
        for (tag, value) in [
            ("eks-cluster-name", self.cluster),
            ("kubernetes-namespace", self.namespace),
            (
                "kubernetes-service-account",
                self.service_account.as_deref(),
            ),
        ] {
            if let Some(value) = value {
                tags.insert(format!("aws:RequestTag/{tag}"), literal(value).into());
            }
        }
        let mut statement = json!({
            "Effect": "Allow",
            "Principal": { "Service": "pods.eks.amazonaws.com" },
            "Action": ["sts:AssumeRole", "sts:TagSession"],
        });
        if let (false, Some(members)) = (tags.is_empty(), statement.as_object_mut()) {
            members.insert("Condition".to_owned(), json!({ "StringEquals": tags }));
        }
        json!({ "Version": "2012-10-17", "Statement": [statement] })
    }

    fn register_issuer(&self) -> Vec<Command> {
        let register = match self.issuer {
            Some(issuer) => lines(&[
                "aws iam create-open-id-connect-provider",
                &format!("--url {}", quote(&format!("https://{issuer}"))),
                "--client-id-list sts.amazonaws.com",
            ]),
            None => lines(&[
                "eksctl utils associate-iam-oidc-provider",
                r#"--region "${REGION}" --cluster "${CLUSTER}" --approve"#,
            ]),
        };
        vec![
            step("Register the cluster's OIDC issuer with IAM", &register),
            self.renew(),
        ]
    }

    fn look() -> Command {
        step(
            "See the binding, and what the pods were given of it",
            &[
                lines(&[
                    r#"aws eks list-pod-identity-associations --region "${REGION}" --cluster-name "${CLUSTER}""#,
                    r#"--namespace "${NAMESPACE}""#,
                ]),
                r#"kubectl get serviceaccounts --namespace "${NAMESPACE}" --output yaml"#.to_owned(),
                lines(&[
                    r#"kubectl get pods --namespace "${NAMESPACE}" --output"#,
                    &quote("custom-columns=POD:.metadata.name,ACCOUNT:.spec.serviceAccountName,HOST_NETWORK:.spec.hostNetwork,CREATED:.metadata.creationTimestamp,ENV:.spec.containers[*].env[*].name"),
                ]),
            ]
            .join("\n"),
        )
    }
}

/// In a policy's condition `${` starts a variable.
fn literal(value: &str) -> String {
    value.replace('$', "${$}")
}

pub(super) fn step(title: &str, command: &str) -> Command {
    Command {
        title: title.to_owned(),
        command: command.to_owned(),
    }
}
