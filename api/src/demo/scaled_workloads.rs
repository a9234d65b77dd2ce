//! The workloads that bring a history to the asked-for number of events: few
//! sessions, many calls.

use std::rc::Rc;

use super::account::{Account, Role};
use super::apis::Api;
use super::cast::{deployment, target};
use super::clock::HOUR;
use super::cluster::Cluster;
use super::demo_workloads::{irsa, pod_identity};
use super::rng::Rng;
use super::sdk::Sdk;
use super::workloads::{Access, Identity, Style, Workload};

/// Makes all of them. Pods live six to eighteen hours.
pub(super) fn all(cluster: &Cluster, other: &Rc<Account>, rng: &mut Rng) -> Vec<Workload> {
    let irsa = |name: &str| irsa(cluster, name);
    let pods = |name: &str| pod_identity(cluster, name, Style::Tagged);
    let lake = Role::new(other, "/shared/", "lake-writer");
    let mut make = |name, account, sdk, access, apis: &[Api]| {
        let who = Identity {
            name,
            namespace: "shop",
            service_account: account,
            sdk,
        };
        Workload::new(
            who,
            deployment(rng),
            access,
            target(cluster, name, rng),
            apis,
        )
        .in_ecr()
        .living(6 * HOUR, 18 * HOUR)
        .scaled()
    };
    let node = Access::NodeRole {
        cause: "no_binding",
        imds_v1: !cluster.features.tokens_required,
    };
    vec![
        make(
            "checkout",
            "checkout",
            Sdk::Js3,
            irsa("checkout"),
            &[
                Api::DynamoGetItem,
                Api::DynamoPutItem,
                Api::SqsSend,
                Api::DynamoQuery,
            ],
        ),
        make(
            "thumbnailer",
            "thumbnailer",
            Sdk::Boto3,
            pods("thumbnailer"),
            &[
                Api::S3GetObject,
                Api::S3PutObject,
                Api::SqsReceive,
                Api::SqsDelete,
            ],
        ),
        make(
            "billing",
            "billing",
            Sdk::Java2,
            irsa("billing"),
            &[
                Api::SecretsGet,
                Api::KmsDecrypt,
                Api::DynamoGetItem,
                Api::KmsGenerateDataKey,
            ],
        ),
        make(
            "catalog",
            "catalog",
            Sdk::Go2(""),
            pods("catalog"),
            &[
                Api::DynamoQuery,
                Api::DynamoGetItem,
                Api::S3HeadObject,
                Api::S3ListObjects,
            ],
        ),
        make(
            "lake-loader",
            "lake-loader",
            Sdk::Go1(""),
            irsa("lake-loader"),
            &[Api::S3PutObject, Api::S3GetObject],
        )
        .chained(&lake, "lake", HOUR),
        make(
            "inventory-sync",
            "default",
            Sdk::Java1,
            node,
            &[Api::Ec2Instances, Api::Ec2Tags, Api::S3GetObject],
        ),
    ]
}
