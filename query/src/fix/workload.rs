//! How the pods of a workload take a change: by the kind of what makes them.

use serde_json::{Value, json};

use super::commands::step;
use super::shell::{lines, quote};
use super::{Command, Plan};

/// What makes pods.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Maker {
    /// A change of its template reaches its pods: Deployment, DaemonSet, StatefulSet. What is not known is taken for one.
    Rollout,
    /// A change of its template reaches new pods only: ReplicaSet, ReplicationController.
    Replicas,
    /// A change of its template reaches the next run: CronJob.
    Schedule,
    /// Its template cannot be changed: Job.
    Run,
    /// Nothing makes the pod, and next to nothing of it can be changed.
    Nobody,
    /// A kind of an extension: where its template is, is not known.
    Other,
}

/// Drops what names a Job in itself: without it, one that is made of the copy names itself anew. Source: Kubernetes
/// documentation, "Specifying your own Pod selector" of Jobs.
const FORGET_JOB: &str = r#"{"spec":{"selector":null,"template":{"metadata":{"labels":{"batch.kubernetes.io/controller-uid":null,"controller-uid":null}}}}}"#;

/// Takes the kinds of all makers but [`Maker::Other`], of Pods and Jobs from a file: they cannot be changed in the cluster.
/// Source: kubectl, `UpdatePodSpecForObject`.
const SET_ACCOUNT: &str = "kubectl set serviceaccount";

const EDIT: &str = r#"kubectl edit "${WORKLOAD}" --namespace "${NAMESPACE}""#;

impl Maker {
    fn of(workload: Option<&str>) -> Self {
        match workload.and_then(|workload| workload.split('/').next()) {
            None | Some("deployment" | "daemonset" | "statefulset") => Self::Rollout,
            Some("replicaset" | "replicationcontroller") => Self::Replicas,
            Some("cronjob") => Self::Schedule,
            Some("job") => Self::Run,
            Some("pod") => Self::Nobody,
            Some(_) => Self::Other,
        }
    }

    /// Says how pods of it come to be new ones, where that is not plain.
    pub(super) fn note(self) -> Option<&'static str> {
        match self {
            Self::Rollout => None,
            Self::Replicas => Some(
                "A change does not reach the pods that a ReplicaSet has: scaled to none and up again, it makes new ones; for a moment there is none. Where something else made it, such as an Argo Rollout, change that instead.",
            ),
            Self::Schedule => {
                Some("A CronJob's next run is by the change; pods that run now stay as they are.")
            }
            Self::Run => Some(
                "The template of a Job cannot be changed: the Job is deleted and runs anew. Where it must not run twice, or something makes it, such as a pipeline or a Helm hook, make the change there instead.",
            ),
            Self::Nobody => Some(
                "A pod that nothing controls cannot be changed so while it is there: it is deleted and made anew from its copy, on the same node. What it wrote to its own disk is lost. Where something makes it, such as a script, make the change there instead.",
            ),
            Self::Other => Some(
                "Where a workload of this kind keeps the template of its pods is not known: look for it in the editor, and see to it that the pods are made anew.",
            ),
        }
    }
}

impl Plan<'_> {
    pub(super) fn maker(&self) -> Maker {
        Maker::of(self.workload.as_deref())
    }

    /// Makes the pods anew, as they are.
    pub(super) fn renew(&self) -> Command {
        match self.maker() {
            Maker::Rollout => step(
                "Make the pods anew",
                r#"kubectl rollout restart "${WORKLOAD}" --namespace "${NAMESPACE}""#,
            ),
            Maker::Replicas => step("Make the pods anew", &scale_to_none_and_back()),
            Maker::Schedule => step(
                "See when it ran last: the pods of its next run are new ones",
                r#"kubectl get "${WORKLOAD}" --namespace "${NAMESPACE}""#,
            ),
            Maker::Run => step("Delete the Job, and run it anew", &replace("job", &[])),
            Maker::Nobody => step("Delete the pod, and make it anew", &replace("pod", &[])),
            Maker::Other => step(
                "See the pods: each gets the binding when it is made anew",
                r#"kubectl get pods --namespace "${NAMESPACE}" --output wide"#,
            ),
        }
    }

    /// Lets the pods run as the new service account.
    pub(super) fn move_to_account(&self) -> Command {
        let title = "Let the workload run as that service account";
        let set = format!(
            r#"{SET_ACCOUNT} "${{WORKLOAD}}" "${{SERVICE_ACCOUNT}}" --namespace "${{NAMESPACE}}""#
        );
        let set_in_copy = format!(r#"{SET_ACCOUNT} "${{SERVICE_ACCOUNT}}""#);
        match self.maker() {
            Maker::Rollout | Maker::Schedule => step(title, &set),
            Maker::Replicas => step(title, &format!("{set}\n{}", scale_to_none_and_back())),
            Maker::Run => step(
                "Let the Job run anew, as that service account",
                &replace("job", &[set_in_copy]),
            ),
            Maker::Nobody => step(
                "Let the pod run anew, as that service account",
                &replace("pod", &[set_in_copy]),
            ),
            Maker::Other => step(
                "Let the workload run as that service account: put it into the template of the pods, as serviceAccountName",
                EDIT,
            ),
        }
    }

    /// Changes the template of the pods by a JSON patch.
    pub(super) fn change(&self, title: &str, patch: &Value) -> Command {
        let patch = format!("--patch {}", quote(&patch.to_string()));
        let in_place = || {
            lines(&[
                r#"kubectl patch "${WORKLOAD}" --namespace "${NAMESPACE}" --type json"#,
                &patch,
            ])
        };
        let in_copy = || [lines(&["kubectl patch --type json", &patch])];
        let command = match self.maker() {
            Maker::Rollout | Maker::Schedule => in_place(),
            Maker::Replicas => format!("{}\n{}", in_place(), scale_to_none_and_back()),
            Maker::Run => replace("job", &in_copy()),
            Maker::Nobody => replace("pod", &in_copy()),
            Maker::Other => EDIT.to_owned(),
        };
        step(title, &command)
    }

    /// Shows which images the pods are made of.
    pub(super) fn show_images(&self) -> Command {
        let show = if self.maker() == Maker::Other {
            lines(&[
                r#"kubectl get pods --namespace "${NAMESPACE}""#,
                &format!(
                    "--output {}",
                    quote("custom-columns=POD:.metadata.name,IMAGES:.spec.containers[*].image")
                ),
            ])
        } else {
            lines(&[
                r#"kubectl get "${WORKLOAD}" --namespace "${NAMESPACE}""#,
                &format!(
                    "--output {}",
                    quote(&format!(
                        "jsonpath={{{}.spec.containers[*].image}}",
                        self.template_path('.')
                    ))
                ),
            ])
        };
        step(
            "See the images that run now, then roll out ones with the newer SDK",
            &show,
        )
    }

    /// Gives where a workload keeps the template of its pods.
    fn template_path(&self, separator: char) -> String {
        let path = match self.maker() {
            Maker::Nobody => "",
            Maker::Schedule => "_spec_jobTemplate_spec_template",
            _ => "_spec_template",
        };
        path.replace('_', &separator.to_string())
    }

    /// Removes an annotation of the pods.
    pub(super) fn remove_annotation(&self) -> Command {
        self.change(
            "Remove the annotation",
            &json!([{
                "op": "remove",
                "path": format!(
                    "{}/metadata/annotations/eks.amazonaws.com~1skip-containers",
                    self.template_path('/')
                ),
            }]),
        )
    }

    /// Takes the pods off the node's network.
    pub(super) fn leave_host_network(&self) -> Command {
        self.change(
            "Take the pods off the node's network, unless they must be there",
            &json!([{ "op": "add", "path": format!("{}/spec/hostNetwork", self.template_path('/')), "value": false }]),
        )
    }
}

fn scale_to_none_and_back() -> String {
    let replicas = lines(&[
        r#"REPLICAS="$(kubectl get "${WORKLOAD}" --namespace "${NAMESPACE}""#,
        r#"--output 'jsonpath={.spec.replicas}')""#,
    ]);
    let scale = |to: &str| {
        format!(r#"kubectl scale "${{WORKLOAD}}" --namespace "${{NAMESPACE}}" --replicas {to}"#)
    };
    [replicas, scale("0"), scale(r#""${REPLICAS}""#)].join("\n")
}

/// Saves a pod or Job, and makes it anew from a copy that was edited by commands on its file.
fn replace(what: &str, edits: &[String]) -> String {
    let (before, after) = (format!("{what}-before.yaml"), format!("{what}-after.yaml"));
    let mut edits = edits.to_vec();
    if what == "job" {
        let patch = format!("--patch {}", quote(FORGET_JOB));
        edits.push(lines(&["kubectl patch --type merge", &patch]));
    }
    let mut commands = vec![format!(
        r#"kubectl get "${{WORKLOAD}}" --namespace "${{NAMESPACE}}" --output yaml > {before}"#
    )];
    let mut made_of = before.as_str();
    if !edits.is_empty() {
        let edits: Vec<String> = edits
            .iter()
            .enumerate()
            .map(|(at, edit)| {
                let file = if at == 0 { before.as_str() } else { "-" };
                lines(&[edit, &format!("--local --filename {file} --output yaml")])
            })
            .collect();
        commands.push(format!("{} > {after}", edits.join(" |\n")));
        made_of = &after;
    }
    commands.push(format!("kubectl replace --force --filename {made_of}"));
    commands.join("\n")
}
