//! What to do where it is not known which pod made the calls: to find out who, before anybody gets a role.

use serde::Deserialize;

use super::shell::{assignment, lines, quote};
use super::{Command, Fix, is_usable};
use crate::text::is_instance_id;

/// Values of a kind that are named at most.
const NAMED: usize = 5;

/// Calls with a node's role that some pod made, nobody knows which.
#[derive(Debug, Clone, Default)]
pub struct Search {
    /// Name of the EKS cluster.
    pub cluster: Option<String>,
    /// Instance ids of the nodes.
    pub nodes: Vec<String>,
    /// When the first was made.
    pub first_seen: Option<String>,
    /// When the last was made.
    pub last_seen: Option<String>,
    /// Programs that made them, as their user agents have it.
    pub programs: Vec<String>,
    /// Workloads that can have made them, the likeliest first.
    pub candidates: Vec<Candidate>,
    /// Whether the store has an inventory of the cluster's pods.
    pub inventory: bool,
}

/// A workload that can have made the calls.
#[derive(Debug, Clone, Deserialize)]
pub struct Candidate {
    /// Its namespace.
    pub namespace: String,
    /// Its kind and name, such as `Deployment/web`.
    pub workload: String,
    /// How likely it is, from 0 to 1.
    pub score: f64,
    /// Why it is.
    #[serde(default)]
    pub reasons: Vec<Reason>,
}

/// Why a workload is more or less likely than others.
#[derive(Debug, Clone, Deserialize)]
pub struct Reason {
    /// What it is called.
    #[serde(rename = "reason")]
    pub name: String,
}

/// Gives what to do to find out who made the calls.
#[must_use]
pub fn find_out(search: &Search) -> Fix {
    Fix {
        summary: search.summary(),
        commands: search.commands(),
        terraform: None,
        policy: Vec::new(),
        policy_notes: Vec::new(),
        notes: search.notes(),
    }
}

impl Search {
    fn summary(&self) -> String {
        let how = match (self.inventory, self.candidates.is_empty()) {
            (false, _) => "the store has no inventory of the cluster's pods; collect one",
            (true, true) => {
                "the inventory shows no pod on the nodes that can have made them; watch the cluster for pods that do not live long"
            }
            (true, false) => {
                "no pod on the nodes fits well enough to be named; look at the candidates"
            }
        };
        format!(
            "Which pod made the calls is not known, so there is nobody to give a role to. First find out who: {how}."
        )
    }

    fn commands(&self) -> Vec<Command> {
        let cluster = self.cluster.as_deref().filter(|name| is_usable(name));
        let mut steps = vec![step(
            "Set what the next steps use",
            assignment("CLUSTER", cluster, "the name of the EKS cluster"),
        )];
        let collect = r#"podtrail inventory collect --cluster "${CLUSTER}""#;
        if !self.inventory {
            steps.push(step(
                "Collect an inventory: it has the pods that ran then and still run",
                collect.to_owned(),
            ));
        }
        steps.push(step(
            "See the nodes with their instance ids, and which pods run on them now",
            [
                lines(&[
                    "kubectl get nodes --output",
                    &quote("custom-columns=NODE:.metadata.name,INSTANCE:.spec.providerID"),
                ]),
                "kubectl get pods --all-namespaces --output wide".to_owned(),
            ]
            .join("\n"),
        ));
        let pods: Vec<String> = self
            .namespaces()
            .into_iter()
            .map(|namespace| {
                lines(&[
                    &format!("kubectl get pods --namespace {} --output", quote(namespace)),
                    &quote("custom-columns=POD:.metadata.name,ACCOUNT:.spec.serviceAccountName,NODE:.spec.nodeName,IMAGES:.spec.containers[*].image,ENV:.spec.containers[*].env[*].name"),
                ])
            })
            .collect();
        if !pods.is_empty() {
            steps.push(step(
                "See what the candidates run, and what they were given",
                pods.join("\n"),
            ));
        }
        steps.push(step(
            "Watch the cluster until stopped, so that pods which live between two looks are known too",
            format!("{collect} --follow"),
        ));
        steps
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        let nodes = self.nodes.iter().map(String::as_str);
        let nodes = listed(nodes.filter(|node| is_instance_id(node)), ", ");
        if let (Some(nodes), Some(first), Some(last)) = (nodes, &self.first_seen, &self.last_seen) {
            notes.push(format!(
                "The calls came from {nodes}, the first at {first}, the last at {last}: look for what ran there then."
            ));
        }
        let programs = self.programs.iter().map(String::as_str);
        if let Some(programs) = listed(programs.filter(|program| is_usable(program)), "; ") {
            notes.push(format!("The programs call themselves: {programs}"));
        }
        let candidates: Vec<String> = self.candidates.iter().map(Candidate::text).collect();
        let candidates = candidates.iter().map(String::as_str);
        if let Some(candidates) = listed(candidates.filter(|name| is_usable(name)), ", ") {
            notes.push(format!("Candidates, the likeliest first: {candidates}."));
        }
        notes.extend(
            [
                "Pods that are gone show in EKS audit logs of that time: podtrail inventory import reads them.",
                "A call through a VPC interface endpoint has the address of the pod itself: with such an endpoint, the next call tells who it is.",
                "podtrail writes to the store that --store or PODTRAIL_STORE names. Once it is known who it was, the fallback has the workload's name, and what to do is to give that a role of its own.",
            ]
            .map(str::to_owned),
        );
        notes
    }

    /// Gives the candidates' namespaces, each once.
    fn namespaces(&self) -> Vec<&str> {
        let mut namespaces: Vec<&str> = Vec::new();
        for candidate in self.candidates.iter().take(NAMED) {
            let namespace = candidate.namespace.as_str();
            if is_usable(namespace) && !namespaces.contains(&namespace) {
                namespaces.push(namespace);
            }
        }
        namespaces
    }
}

impl Candidate {
    /// Its name, its score, and what its reasons are called.
    pub(crate) fn text(&self) -> String {
        let names: Vec<&str> = self.reasons.iter().map(|reason| &*reason.name).collect();
        let why = if names.is_empty() {
            String::new()
        } else {
            format!(": {}", names.join(", "))
        };
        let (namespace, workload, score) = (&self.namespace, &self.workload, self.score);
        format!("{namespace}/{workload} ({score:.2}{why})")
    }
}

/// Lists the first of some values, and says how many more there are; none where there are none.
fn listed<'a>(values: impl Iterator<Item = &'a str>, between: &str) -> Option<String> {
    let values: Vec<&str> = values.collect();
    let first = values.get(..NAMED).unwrap_or(&values).join(between);
    match values.len() {
        0 => None,
        number if number > NAMED => Some(format!("{first} and {} more", number - NAMED)),
        _ => Some(first),
    }
}

fn step(title: &str, command: String) -> Command {
    Command {
        title: title.to_owned(),
        command,
    }
}
