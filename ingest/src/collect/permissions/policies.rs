//! IAM policies, one for each thing podtrail can do.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{INVENTORY_CALLS, On};

/// Something podtrail does that needs permissions in AWS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Feature {
    /// Reading the log files of a trail.
    Trail,
    /// Reading log files that are encrypted with a KMS key.
    TrailKey,
    /// Taking notifications from a queue.
    Queue,
    /// Reading recent records with `LookupEvents`.
    Lookup,
    /// Verifying log files with their digests.
    Digests,
    /// Keeping the store on S3.
    Store,
    /// Keeping it encrypted with a KMS key.
    StoreKey,
    /// Reading EKS, IAM and EC2.
    Inventory,
    /// Assuming a role in each account that is read.
    Accounts,
}

impl Feature {
    /// Every feature.
    pub const ALL: [Self; 9] = [
        Self::Trail,
        Self::TrailKey,
        Self::Queue,
        Self::Lookup,
        Self::Digests,
        Self::Store,
        Self::StoreKey,
        Self::Inventory,
        Self::Accounts,
    ];

    /// Its stable name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Trail => "trail",
            Self::TrailKey => "trail-key",
            Self::Queue => "queue",
            Self::Lookup => "lookup",
            Self::Digests => "digests",
            Self::Store => "store",
            Self::StoreKey => "store-key",
            Self::Inventory => "inventory",
            Self::Accounts => "accounts",
        }
    }
}

/// Where podtrail works. What is not known stays a placeholder in capital letters, which IAM accepts
/// and nothing matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    /// `aws`, `aws-cn` or `aws-us-gov`.
    pub partition: String,
    /// Account of queue and clusters.
    pub account: String,
    /// Region of queue and clusters; `*` for all.
    pub region: String,
    /// Bucket of the trail.
    pub trail_bucket: String,
    /// Prefix of the trail in it, before `AWSLogs/`; may be empty.
    pub trail_prefix: String,
    /// ARN of the key of the trail.
    pub trail_key: String,
    /// Name of the queue.
    pub queue: String,
    /// Bucket of the store.
    pub store_bucket: String,
    /// Prefix of the store in it; may be empty.
    pub store_prefix: String,
    /// ARN of the key of the store.
    pub store_key: String,
    /// ARNs of the roles to assume.
    pub role_arns: Vec<String>,
}

impl Default for Places {
    fn default() -> Self {
        Self {
            partition: "aws".to_owned(),
            account: "ACCOUNT".to_owned(),
            region: "*".to_owned(),
            trail_bucket: "TRAIL-BUCKET".to_owned(),
            trail_prefix: String::new(),
            trail_key: "arn:aws:kms:REGION:ACCOUNT:key/TRAIL-KEY".to_owned(),
            queue: "QUEUE".to_owned(),
            store_bucket: "STORE-BUCKET".to_owned(),
            store_prefix: String::new(),
            store_key: "arn:aws:kms:REGION:ACCOUNT:key/STORE-KEY".to_owned(),
            role_arns: vec!["arn:aws:iam::ACCOUNT:role/podtrail-read".to_owned()],
        }
    }
}

/// The policy that allows just what a feature calls.
#[must_use]
pub fn policy(feature: Feature, places: &Places) -> Value {
    let statements = match feature {
        Feature::Trail => places.read_bucket("Trail", "AWSLogs/*"),
        Feature::TrailKey => vec![places.key("TrailKey", &["kms:Decrypt"], &places.trail_key)],
        Feature::Queue => vec![places.queue()],
        Feature::Lookup => vec![everywhere("Lookup", &["cloudtrail:LookupEvents"])],
        Feature::Digests => {
            let mut statements = places.read_bucket("Digests", "AWSLogs/*");
            statements.push(everywhere("DigestKeys", &["cloudtrail:ListPublicKeys"]));
            statements
        }
        Feature::Store => places.store(),
        Feature::StoreKey => {
            let actions = ["kms:Decrypt", "kms:GenerateDataKey"];
            vec![places.key("StoreKey", &actions, &places.store_key)]
        }
        Feature::Inventory => places.inventory(),
        Feature::Accounts => vec![statement(
            "Accounts",
            &["sts:AssumeRole"],
            &json!(places.role_arns),
        )],
    };
    json!({"Version": "2012-10-17", "Statement": statements})
}

fn statement(sid: &str, actions: &[&str], resources: &Value) -> Value {
    json!({"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resources})
}

/// A statement of actions that know no resources.
fn everywhere(sid: &str, actions: &[&str]) -> Value {
    statement(sid, actions, &json!("*"))
}

impl Places {
    fn read_bucket(&self, sid: &str, below: &str) -> Vec<Value> {
        let bucket = self.bucket(&self.trail_bucket);
        let keys = joined(&self.trail_prefix, below);
        let mut list = statement(&format!("{sid}List"), &["s3:ListBucket"], &json!(bucket));
        list["Condition"] = json!({"StringLike": {"s3:prefix": [keys]}});
        let objects = json!(format!("{bucket}/{keys}"));
        let read = statement(&format!("{sid}Read"), &["s3:GetObject"], &objects);
        vec![list, read]
    }

    fn store(&self) -> Vec<Value> {
        let bucket = self.bucket(&self.store_bucket);
        let keys = joined(&self.store_prefix, "*");
        let mut list = statement("StoreList", &["s3:ListBucket"], &json!(bucket));
        list["Condition"] = json!({"StringLike": {"s3:prefix": [keys]}});
        let actions = [
            "s3:AbortMultipartUpload",
            "s3:DeleteObject",
            "s3:GetObject",
            "s3:PutObject",
        ];
        let objects = json!(format!("{bucket}/{keys}"));
        vec![list, statement("StoreObjects", &actions, &objects)]
    }

    fn bucket(&self, name: &str) -> String {
        format!("arn:{}:s3:::{name}", self.partition)
    }

    /// Only through S3, so that the permission decrypts objects and nothing else.
    fn key(&self, sid: &str, actions: &[&str], arn: &str) -> Value {
        let mut statement = statement(sid, actions, &json!(arn));
        let suffix = if self.partition == "aws-cn" {
            "amazonaws.com.cn"
        } else {
            "amazonaws.com"
        };
        statement["Condition"] =
            json!({"StringLike": {"kms:ViaService": format!("s3.*.{suffix}")}});
        statement
    }

    fn queue(&self) -> Value {
        let region = match self.region.as_str() {
            "*" => "REGION",
            region => region,
        };
        let arn = format!(
            "arn:{}:sqs:{region}:{}:{}",
            self.partition, self.account, self.queue
        );
        let actions = [
            "sqs:ChangeMessageVisibility",
            "sqs:DeleteMessage",
            "sqs:GetQueueAttributes",
            "sqs:ReceiveMessage",
        ];
        statement("Queue", &actions, &json!(arn))
    }

    /// Read from the calls themselves, so that the policy cannot fall behind.
    fn inventory(&self) -> Vec<Value> {
        let mut by_resource: BTreeMap<On, Vec<&str>> = BTreeMap::new();
        for call in INVENTORY_CALLS {
            by_resource.entry(call.on).or_default().push(call.action);
        }
        let statements = by_resource.into_iter().map(|(on, mut actions)| {
            actions.sort_unstable();
            let sid = format!("Inventory{on:?}");
            statement(&sid, &actions, &json!(self.inventory_arn(on)))
        });
        statements.collect()
    }

    fn inventory_arn(&self, on: On) -> String {
        let (partition, account) = (&self.partition, &self.account);
        let iam = format!("arn:{partition}:iam::");
        let eks = format!("arn:{partition}:eks:");
        if on == On::Policy {
            // Those of AWS are in no account of anybody.
            return format!("{iam}*:policy/*");
        }
        on.arn("")
            .replacen("arn:aws:iam::*:", &format!("{iam}{account}:"), 1)
            .replacen(
                "arn:aws:eks:*:*:",
                &format!("{eks}{}:{account}:", self.region),
                1,
            )
    }
}

/// A prefix and what is below it.
fn joined(prefix: &str, below: &str) -> String {
    match prefix.trim_matches('/') {
        "" => below.to_owned(),
        prefix => format!("{prefix}/{below}"),
    }
}
