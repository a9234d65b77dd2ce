//! `kubectl get pods -A -o json`, with what EKS's webhook puts into pods
//! (amazon-eks-pod-identity-webhook).

use super::super::account::fnv1a;
use super::super::bindings::Injection;
use super::super::cluster::Naming;
use super::super::fleet::{Fleet, PodState};
use super::super::json::Json;
use super::super::setup::stable_uuid;
use super::super::workloads::Access;
use super::kube::{list_end, list_start};

/// Seconds from the start of a pod to that of its containers.
const PULLING: i64 = 3;

/// All pods, running and completed.
pub(super) fn pods(fleet: &Fleet) -> Json {
    let mut out = Json::default();
    list_start(&mut out);
    for pod in fleet.pods.values() {
        write(&mut out, fleet, pod);
    }
    list_end(&mut out);
    out
}

fn write(out: &mut Json, fleet: &Fleet, listed: &PodState) {
    out.open().text("apiVersion", "v1").text("kind", "Pod");
    metadata(out, fleet, listed);
    spec(out, fleet, listed);
    status(out, fleet, listed);
    out.close();
}

/// Kind, API group and name of the pod's controller, and what the pod's name
/// begins with.
fn owner(listed: &PodState) -> Option<(&'static str, &'static str, String)> {
    let name = listed.workload.name;
    match &listed.workload.naming {
        Naming::Bare => None,
        Naming::Deployment(set) => Some(("ReplicaSet", "apps/v1", format!("{name}-{set}"))),
        Naming::StatefulSet(_) => Some(("StatefulSet", "apps/v1", name.to_owned())),
        Naming::DaemonSet => Some(("DaemonSet", "apps/v1", name.to_owned())),
        Naming::CronJob(_) => {
            let job = listed
                .pod
                .name
                .rsplit_once('-')
                .map_or(name, |(job, _)| job);
            Some(("Job", "batch/v1", job.to_owned()))
        }
    }
}

fn metadata(out: &mut Json, fleet: &Fleet, listed: &PodState) {
    let (workload, pod) = (&listed.workload, &listed.pod);
    let owner = owner(listed);
    out.object("metadata");
    let role = match &workload.access {
        Access::Kube2iam { role } => Some(role),
        _ => None,
    };
    if role.is_some() || workload.skipped_container.is_some() {
        out.object("annotations");
        if let Some(container) = workload.skipped_container {
            out.text("eks.amazonaws.com/skip-containers", container);
        }
        if let Some(role) = role {
            out.text("iam.amazonaws.com/role", &role.name);
        }
        out.close();
    }
    out.time("creationTimestamp", listed.started);
    if let Some((_, _, name)) = &owner {
        out.text("generateName", &format!("{name}-"));
    }
    out.object("labels");
    if workload.namespace.as_ref() == "kube-system" {
        out.text("k8s-app", workload.name);
    } else {
        out.text("app.kubernetes.io/name", workload.name);
    }
    match (&workload.naming, &owner) {
        (Naming::Deployment(set), _) => {
            out.text("pod-template-hash", set);
        }
        (Naming::CronJob(_), Some((_, _, job))) => {
            out.text("batch.kubernetes.io/job-name", job)
                .text("job-name", job);
        }
        (Naming::DaemonSet, _) => {
            out.text("pod-template-generation", "1");
        }
        _ => {}
    }
    out.close();
    out.text("name", &pod.name)
        .text("namespace", &workload.namespace);
    if let Some((kind, group, name)) = &owner {
        let key = format!("{}/{kind}/{}/{name}", fleet.cluster.arn, workload.namespace);
        out.list("ownerReferences").open();
        out.text("apiVersion", group)
            .bool("blockOwnerDeletion", true)
            .bool("controller", true)
            .text("kind", kind)
            .text("name", name)
            .text("uid", &stable_uuid(&key));
        out.close().close_list();
    }
    out.text("resourceVersion", &format!("{}", 10_000 + pod.number * 7))
        .text("uid", &pod.uid)
        .close();
}

/// The image of a container, in the account's registry unless it is a public one.
fn image(fleet: &Fleet, listed: &PodState, name: &str) -> String {
    let workload = &listed.workload;
    if !workload.image.is_empty() {
        return workload.image.to_owned();
    }
    let (account, region) = (&fleet.cluster.account.id, fleet.cluster.region);
    let tag = fnv1a(name) & 0x0fff_ffff;
    format!("{account}.dkr.ecr.{region}.amazonaws.com/{name}:sha-{tag:07x}")
}

/// Names of the containers; the second one, if any, is exempt from injection.
fn containers(listed: &PodState) -> impl Iterator<Item = (&str, bool)> {
    let skipped = listed.workload.skipped_container;
    [(listed.workload.name, true)]
        .into_iter()
        .chain(skipped.map(|name| (name, false)))
}

fn spec(out: &mut Json, fleet: &Fleet, listed: &PodState) {
    let workload = &listed.workload;
    let token = format!("kube-api-access-{:05x}", fnv1a(&listed.pod.uid) & 0xf_ffff);
    out.object("spec").list("containers");
    for (name, injected) in containers(listed) {
        out.open();
        if injected {
            env(out, fleet, listed);
        }
        out.text("image", &image(fleet, listed, name))
            .text("imagePullPolicy", "IfNotPresent")
            .text("name", name);
        out.object("resources").close();
        out.list("volumeMounts").open();
        out.text("mountPath", "/var/run/secrets/kubernetes.io/serviceaccount")
            .text("name", &token)
            .bool("readOnly", true)
            .close();
        if let Some((volume, _, path)) = injected_volume(listed).filter(|_| injected) {
            out.open();
            out.text("mountPath", path)
                .text("name", volume)
                .bool("readOnly", true)
                .close();
        }
        out.close_list().close();
    }
    out.close_list().text("dnsPolicy", "ClusterFirst");
    if workload.host_network {
        out.bool("hostNetwork", true);
    }
    out.text("nodeName", &listed.pod.node.name);
    let job = matches!(workload.naming, Naming::CronJob(_));
    out.text("restartPolicy", if job { "Never" } else { "Always" });
    let fargate = listed.pod.node.fargate;
    let scheduler = if fargate {
        "fargate-scheduler"
    } else {
        "default-scheduler"
    };
    out.text("schedulerName", scheduler)
        .text("serviceAccount", &workload.service_account)
        .text("serviceAccountName", &workload.service_account)
        .number("terminationGracePeriodSeconds", 30);
    out.list("volumes");
    if let Some((volume, audience, _)) = injected_volume(listed) {
        let path = if volume == "aws-iam-token" {
            "token"
        } else {
            volume
        };
        out.open().text("name", volume);
        projected(out, |out| {
            out.text("audience", audience)
                .number("expirationSeconds", 86400)
                .text("path", path);
        });
        out.close();
    }
    out.open().text("name", &token);
    projected(out, |out| {
        out.number("expirationSeconds", 3607).text("path", "token");
    });
    out.close().close_list().close();
}

fn projected(out: &mut Json, source: impl FnOnce(&mut Json)) {
    out.object("projected")
        .number("defaultMode", 420)
        .list("sources");
    out.open().object("serviceAccountToken");
    source(out);
    out.close().close().close_list().close();
}

/// Name, audience and mount path of the token volume.
fn injected_volume(listed: &PodState) -> Option<(&'static str, &'static str, &'static str)> {
    match listed.injection {
        Injection::None => None,
        Injection::Irsa(_) => Some((
            "aws-iam-token",
            "sts.amazonaws.com",
            "/var/run/secrets/eks.amazonaws.com/serviceaccount",
        )),
        Injection::PodIdentity => Some((
            "eks-pod-identity-token",
            "pods.eks.amazonaws.com",
            "/var/run/secrets/pods.eks.amazonaws.com/serviceaccount",
        )),
    }
}

fn env(out: &mut Json, fleet: &Fleet, listed: &PodState) {
    let region = fleet.cluster.region;
    let Some((_, _, folder)) = injected_volume(listed) else {
        return;
    };
    let common = [
        ("AWS_STS_REGIONAL_ENDPOINTS", "regional"),
        ("AWS_DEFAULT_REGION", region),
        ("AWS_REGION", region),
    ];
    out.list("env");
    for (name, value) in common {
        out.open().text("name", name).text("value", value).close();
    }
    let own = match &listed.injection {
        Injection::Irsa(role) => [
            ("AWS_ROLE_ARN", role.arn.to_string()),
            ("AWS_WEB_IDENTITY_TOKEN_FILE", format!("{folder}/token")),
        ],
        _ => [
            (
                "AWS_CONTAINER_CREDENTIALS_FULL_URI",
                "http://169.254.170.23/v1/credentials".to_owned(),
            ),
            (
                "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
                format!("{folder}/eks-pod-identity-token"),
            ),
        ],
    };
    for (name, value) in own {
        out.open().text("name", name).text("value", &value).close();
    }
    out.close_list();
}

fn status(out: &mut Json, fleet: &Fleet, listed: &PodState) {
    let pod = &listed.pod;
    let done = listed.ended.is_some();
    let phase = if done { "Succeeded" } else { "Running" };
    out.object("status").list("conditions");
    for (kind, value) in [
        ("Initialized", true),
        ("Ready", !done),
        ("ContainersReady", !done),
        ("PodScheduled", true),
    ] {
        out.open().time("lastTransitionTime", listed.started);
        out.text("status", if value { "True" } else { "False" })
            .text("type", kind)
            .close();
    }
    out.close_list().list("containerStatuses");
    for (name, _) in containers(listed) {
        out.open();
        out.text("image", &image(fleet, listed, name))
            .text("name", name)
            .bool("ready", !done)
            .number("restartCount", 0)
            .bool("started", !done);
        out.object("state");
        let started = listed.started + PULLING;
        if let Some(ended) = listed.ended {
            out.object("terminated")
                .number("exitCode", 0)
                .time("finishedAt", ended)
                .text("reason", "Completed")
                .time("startedAt", started);
        } else {
            out.object("running").time("startedAt", started);
        }
        out.close().close().close();
    }
    out.close_list();
    out.text("hostIP", &pod.node.address).list("hostIPs");
    out.open().text("ip", &pod.node.address).close();
    out.close_list()
        .text("phase", phase)
        .text("podIP", &pod.address);
    out.list("podIPs").open().text("ip", &pod.address).close();
    out.close_list()
        .text("qosClass", "BestEffort")
        .time("startTime", listed.started)
        .close();
}
