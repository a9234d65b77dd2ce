//! Reads the rows of the views that the search rests on: texts become numbers, once.

use arrow::array::{Array, RecordBatch};
use datafusion::common::{HashMap, HashSet};
use serde_json::Value;

use super::columns::Rows;
use super::input::{Call, Holder, Id, Inputs, Kind, NOTHING, Node, Pod, Software, Workload};
use super::names::{Names, number};
use crate::error::Result;
use crate::rules::images;
use crate::sdk::{self, Binding};

/// Views that the search reads, in the order of [`read`]: what pods are asked for comes before the pods.
pub(crate) const VIEWS: [&str; 7] = [
    "addressed_pods",
    "fallback_calls",
    "pods",
    "instances",
    "pod_identity_agents",
    "refused_accounts",
    "named_programs",
];

/// Numbers of cluster, namespace and name of a service account.
type Account = [u32; 3];

/// What is needed while rows are read, and not after.
#[derive(Default)]
struct Reader {
    inputs: Inputs,
    kinds: HashMap<Kind, u32>,
    user_agents: Names,
    /// By user agent: as [`Kind::too_old`].
    too_old: Vec<[bool; 2]>,
    accounts: HashMap<Account, u32>,
    workloads: HashMap<u32, u32>,
    images: Names,
    /// Components that calls name.
    components: Vec<u32>,
    /// Service accounts whose request for web identity credentials was refused.
    denied: HashSet<u32>,
    pods: Vec<Listed>,
}

/// A pod as a row has it.
struct Listed {
    pod: Pod,
    cluster: u32,
    namespace: u32,
    workload: u32,
    skips_containers: bool,
}

/// Reads the rows of [`VIEWS`], each batch only as long as it is needed.
pub(super) fn read(views: Vec<Vec<RecordBatch>>) -> Result<Inputs> {
    let mut reader = Reader::default();
    reader.inputs.texts.number("");
    reader.inputs.begin = i64::MAX;
    reader.inputs.end = i64::MIN;
    for (view, batches) in VIEWS.into_iter().zip(views) {
        for batch in batches {
            let rows = Rows {
                view,
                batch: &batch,
            };
            match view {
                "addressed_pods" => reader.read_addressed(&rows)?,
                "fallback_calls" => reader.read_calls(&rows)?,
                "pods" => reader.read_pods(&rows)?,
                "instances" => reader.read_instances(&rows)?,
                "pod_identity_agents" => reader.read_agents(&rows)?,
                "refused_accounts" => {
                    let accounts = reader.accounts(&rows)?;
                    reader.denied.extend(accounts);
                }
                _ => {
                    let programs = rows.numbers("program", &mut reader.inputs.texts)?;
                    let accounts = reader.accounts(&rows)?;
                    let named = accounts.into_iter().zip(programs);
                    let named = named.filter_map(|(account, program)| Some((account, program?)));
                    reader.inputs.named_programs.extend(named);
                }
            }
        }
    }
    Ok(reader.finish())
}

impl Reader {
    /// Keeps a column of ids of activities, and gives its place.
    fn ids(&mut self, rows: &Rows<'_>) -> Result<u32> {
        self.inputs.ids.push(rows.strings("activity_id")?);
        Ok(number(self.inputs.ids.len() - 1))
    }

    fn read_addressed(&mut self, rows: &Rows<'_>) -> Result<()> {
        let array = self.ids(rows)?;
        let texts = &mut self.inputs.texts;
        let (pod, uid) = (rows.numbers("pod", texts)?, rows.numbers("pod_uid", texts)?);
        let node = rows.numbers("node", texts)?;
        let address = rows.numbers("source_ip_address", texts)?;
        for row in 0..rows.len() {
            let holder = Holder {
                pod: pod[row].unwrap_or(NOTHING),
                uid: uid[row].unwrap_or(NOTHING),
                node: node[row],
                address: address[row].unwrap_or(NOTHING),
            };
            self.inputs.addressed.push(((array, number(row)), holder));
        }
        Ok(())
    }

    fn read_calls(&mut self, rows: &Rows<'_>) -> Result<()> {
        let array = self.ids(rows)?;
        let Inputs {
            texts, node_names, ..
        } = &mut self.inputs;
        let mut column = |name: &str| rows.numbers(name, texts);
        let (cluster, program) = (column("cluster")?, column("program")?);
        let (source, name) = (column("event_source")?, column("event_name")?);
        let (resource, component) = (column("resource")?, column("component")?);
        let (invoked_by, address) = (column("invoked_by")?, column("source_ip_address")?);
        let node = rows.numbers("node", node_names)?;
        let user_agent = rows.numbers("user_agent", &mut self.user_agents)?;
        self.judge_user_agents();
        let endpoint = rows.flags("vpc_endpoint")?;
        let (first, last) = (rows.times("first_time")?, rows.times("last_time")?);
        let (begin, end) = (rows.times("trail_begin")?, rows.times("trail_end")?);
        for row in 0..rows.len() {
            self.inputs.begin = self.inputs.begin.min(begin(row).unwrap_or(i64::MAX));
            self.inputs.end = self.inputs.end.max(end(row).unwrap_or(i64::MIN));
            let (Some(first), Some(last)) = (first(row), last(row)) else {
                continue;
            };
            let kind = Kind {
                cluster: cluster[row].unwrap_or(NOTHING),
                program: program[row].unwrap_or(NOTHING),
                event_source: source[row].unwrap_or(NOTHING),
                event_name: name[row].unwrap_or(NOTHING),
                resource: resource[row],
                component: component[row],
                invoked_by: invoked_by[row],
                source_ip: address[row],
                vpc_endpoint: endpoint(row),
                too_old: user_agent[row].map_or([false; 2], |agent| self.too_old[agent as usize]),
            };
            let id: Id = (array, number(row));
            let kind = self.kind(kind);
            let node = node[row].unwrap_or_else(|| self.inputs.node_names.number(""));
            self.inputs.calls.push(Call {
                id,
                kind,
                node,
                first,
                last,
            });
        }
        Ok(())
    }

    /// Number of a kind of call.
    fn kind(&mut self, kind: Kind) -> u32 {
        let Inputs { kinds, .. } = &mut self.inputs;
        let components = &mut self.components;
        *self.kinds.entry(kind).or_insert_with(|| {
            if let Some(component) = kind.component
                && !components.contains(&component)
            {
                components.push(component);
            }
            kinds.push(kind);
            number(kinds.len() - 1)
        })
    }

    fn judge_user_agents(&mut self) {
        for agent in self.too_old.len()..self.user_agents.len() {
            let agent = self.user_agents.get(number(agent));
            let is_too_old = |binding| sdk::too_old(agent, binding).is_some();
            self.too_old
                .push([Binding::Irsa, Binding::PodIdentity].map(is_too_old));
        }
    }

    fn read_pods(&mut self, rows: &Rows<'_>) -> Result<()> {
        let texts = &mut self.inputs.texts;
        let mut column = |name: &str| rows.numbers(name, texts);
        let (cluster, namespace) = (column("cluster")?, column("namespace")?);
        let (account, ip) = (column("service_account")?, column("pod_ip")?);
        let node = rows.texts("instance_id")?;
        let (name, uid, workload) = (
            rows.texts("pod")?,
            rows.texts("pod_uid")?,
            rows.texts("workload")?,
        );
        let (injected, skips) = (rows.texts("injected")?, rows.texts("skip_containers")?);
        let (images, labels) = (rows.texts("images")?, rows.texts("labels")?);
        let host_network = rows.flags("host_network")?;
        let (from, to) = (rows.times("valid_from")?, rows.times("valid_to")?);
        let (certain, observed) = (rows.times("certain_to")?, rows.times("observed_at")?);
        for row in 0..rows.len() {
            let (Some(node), Some(from)) = (node.get(row), from(row)) else {
                continue;
            };
            let name = name.get(row).unwrap_or_default();
            let owned = workload
                .get(row)
                .map_or_else(|| format!("Pod/{name}"), str::to_owned);
            let (images, labels) = (images.get(row), labels.get(row).unwrap_or_default());
            let images = images.unwrap_or_default();
            let description = format!("{name} {owned} {images} {labels}");
            let (cluster, namespace) = (
                cluster[row].unwrap_or(NOTHING),
                namespace[row].unwrap_or(NOTHING),
            );
            // Who runs it is not known where only its binding or its status was seen.
            let service_account = account[row].unwrap_or(NOTHING);
            let pod = Pod {
                node: self.inputs.node_names.number(node),
                workload: 0,
                account: self.account([cluster, namespace, service_account]),
                service_account,
                name: name.into(),
                uid: uid.get(row).unwrap_or_default().into(),
                ip: ip[row],
                host_network: host_network(row),
                binding: match injected.get(row) {
                    Some("irsa") => Some(Binding::Irsa),
                    Some("pod_identity") => Some(Binding::PodIdentity),
                    _ => None,
                },
                software: self.software(images),
                runs: self.components_in(&description),
                from,
                certain_to: certain(row).unwrap_or(from),
                to: to(row).unwrap_or(i64::MAX),
                observed_at: observed(row).unwrap_or(from),
            };
            self.pods.push(Listed {
                pod,
                cluster,
                namespace,
                workload: self.inputs.texts.number(&owned),
                skips_containers: skips.get(row).is_some_and(|list| list != "[]"),
            });
        }
        Ok(())
    }

    /// Components that calls name and a text holds.
    fn components_in(&self, text: &str) -> Box<[u32]> {
        let components = self.components.iter().copied();
        components
            .filter(|&component| text.contains(self.inputs.texts.get(component)))
            .collect()
    }

    /// Number of what a list of images is known to do.
    fn software(&mut self, images: &str) -> u32 {
        let place = self.images.number(images);
        if place as usize == self.inputs.software.len() {
            let names = image_names(images);
            let services = images::services(&names);
            let texts = &mut self.inputs.texts;
            self.inputs.software.push(Software {
                calls_otherwise: images::calls_otherwise(&names),
                services: services
                    .iter()
                    .map(|service| texts.number(service))
                    .collect(),
            });
        }
        place
    }

    fn account(&mut self, account: Account) -> u32 {
        let next = number(self.accounts.len());
        *self.accounts.entry(account).or_insert(next)
    }

    fn accounts(&mut self, rows: &Rows<'_>) -> Result<Vec<u32>> {
        let texts = &mut self.inputs.texts;
        let mut column = |name: &str| rows.numbers(name, texts);
        let (cluster, namespace) = (column("cluster")?, column("namespace")?);
        let account = column("service_account")?;
        Ok((0..rows.len())
            .map(|row| {
                let account = [cluster[row], namespace[row], account[row]];
                self.account(account.map(|text| text.unwrap_or(NOTHING)))
            })
            .collect())
    }

    /// The node of a name.
    fn node(&mut self, name: Option<u32>) -> &mut Node {
        let Inputs {
            nodes, node_names, ..
        } = &mut self.inputs;
        let name = name.unwrap_or_else(|| node_names.number(""));
        if nodes.len() < node_names.len() {
            nodes.resize_with(node_names.len(), Node::default);
        }
        &mut nodes[name as usize]
    }

    fn read_instances(&mut self, rows: &Rows<'_>) -> Result<()> {
        let id = rows.numbers("instance_id", &mut self.inputs.node_names)?;
        let ip = rows.numbers("private_ip", &mut self.inputs.texts)?;
        let hops = rows.ints("most_hops")?;
        for (row, (id, ip)) in id.into_iter().zip(ip).enumerate() {
            let node = self.node(id);
            node.private_ip = ip;
            node.one_hop = hops.is_valid(row) && hops.value(row) == 1;
        }
        Ok(())
    }

    fn read_agents(&mut self, rows: &Rows<'_>) -> Result<()> {
        let nodes = rows.numbers("node", &mut self.inputs.node_names)?;
        for node in nodes.into_iter().flatten() {
            self.node(Some(node)).has_agent = true;
        }
        Ok(())
    }

    /// Puts the pods into order, and numbers their workloads in it.
    fn finish(mut self) -> Inputs {
        let mut pods = std::mem::take(&mut self.pods);
        pods.sort_unstable_by(|left, right| {
            let key = |listed: &Listed| (listed.pod.from, listed.pod.certain_to);
            let names = |listed: &Listed| {
                let (cluster, namespace) = (listed.cluster, listed.namespace);
                let text = |number| self.inputs.texts.get(number).to_owned();
                (text(cluster), text(namespace), listed.pod.name.clone())
            };
            key(left)
                .cmp(&key(right))
                .then_with(|| left.pod.uid.cmp(&right.pod.uid))
                .then_with(|| names(left).cmp(&names(right)))
        });
        for listed in pods {
            let workload = self.workload(&listed);
            let usable = !listed.skips_containers && !self.denied.contains(&listed.pod.account);
            self.inputs.pods.push(Pod {
                workload,
                binding: listed.pod.binding.filter(|_| usable),
                ..listed.pod
            });
        }
        let nodes = self.inputs.node_names.len();
        self.inputs.nodes.resize_with(nodes, Node::default);
        self.inputs
    }

    fn workload(&mut self, listed: &Listed) -> u32 {
        let Inputs {
            texts, workloads, ..
        } = &mut self.inputs;
        let (cluster, namespace) = (texts.get(listed.cluster), texts.get(listed.namespace));
        let title = format!("{namespace}/{}", texts.get(listed.workload));
        let key = format!("{cluster}/{title}");
        let key = texts.number(&key);
        *self.workloads.entry(key).or_insert_with(|| {
            workloads.push(Workload {
                cluster: listed.cluster,
                namespace: listed.namespace,
                name: listed.workload,
                key,
                title: texts.number(&title),
                pods: Vec::new(),
                seen: 0.0,
                unseen: 0.0,
                most_unseen: 0.0,
                presence: 0.0,
            });
            number(workloads.len() - 1)
        })
    }
}

fn image_names(list: &str) -> Vec<String> {
    let images: Option<Value> = serde_json::from_str(list).ok();
    let images = images.as_ref().and_then(Value::as_array);
    images
        .into_iter()
        .flatten()
        .filter_map(|image| image.as_str().map(str::to_owned))
        .collect()
}
