//! The requests that the cast repeats.

use super::api_shapes as shapes;
use super::records::Shape;
use super::rng::Rng;

/// A request that some actor repeats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Api {
    S3ListBuckets,
    S3GetObject,
    S3PutObject,
    S3HeadObject,
    S3ListObjects,
    DynamoGetItem,
    DynamoPutItem,
    DynamoQuery,
    DynamoDescribeTable,
    KmsDecrypt,
    KmsGenerateDataKey,
    SqsReceive,
    SqsSend,
    SqsDelete,
    SecretsGet,
    SsmGetParameter,
    Ec2Vpcs,
    Ec2Instances,
    Ec2Subnets,
    Ec2SecurityGroups,
    Ec2Zones,
    Ec2Tags,
    Ec2Volumes,
    ElbLoadBalancers,
    ElbTargetGroups,
    ElbTargetHealth,
    ElbListeners,
    ElbTags,
    CallerIdentity,
    LogsCreateStream,
    EksDescribeCluster,
    EksListClusters,
    EksDescribeNodegroup,
    EcrToken,
    EcrPutImage,
    EcrUploadPart,
    AutoscalingGroups,
    AutoscalingInstances,
    Route53ListZones,
    Route53ListRecords,
}

/// Names of what a workload works on.
#[derive(Debug, Clone, Default)]
pub(super) struct Target {
    pub(super) account: String,
    pub(super) region: &'static str,
    pub(super) cluster: String,
    pub(super) bucket: String,
    pub(super) table: String,
    pub(super) queue: String,
    pub(super) secret: String,
    pub(super) key_arn: String,
    pub(super) instance: String,
    pub(super) vpc: String,
    pub(super) load_balancer: String,
}

impl Api {
    /// SDK's name of the service and the AWS CLI's name of the command, for
    /// user agents.
    pub(super) fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::S3GetObject | Self::S3PutObject | Self::S3HeadObject => ("s3", "s3.cp"),
            Self::S3ListBuckets | Self::S3ListObjects => ("s3", "s3.ls"),
            Self::DynamoGetItem => ("dynamodb", "dynamodb.get-item"),
            Self::DynamoPutItem => ("dynamodb", "dynamodb.put-item"),
            Self::DynamoQuery => ("dynamodb", "dynamodb.query"),
            Self::DynamoDescribeTable => ("dynamodb", "dynamodb.describe-table"),
            Self::KmsDecrypt => ("kms", "kms.decrypt"),
            Self::KmsGenerateDataKey => ("kms", "kms.generate-data-key"),
            Self::SqsReceive => ("sqs", "sqs.receive-message"),
            Self::SqsSend => ("sqs", "sqs.send-message"),
            Self::SqsDelete => ("sqs", "sqs.delete-message"),
            Self::SecretsGet => ("secretsmanager", "secretsmanager.get-secret-value"),
            Self::SsmGetParameter => ("ssm", "ssm.get-parameter"),
            Self::Ec2Vpcs => ("ec2", "ec2.describe-vpcs"),
            Self::Ec2Instances => ("ec2", "ec2.describe-instances"),
            Self::Ec2Subnets => ("ec2", "ec2.describe-subnets"),
            Self::Ec2SecurityGroups => ("ec2", "ec2.describe-security-groups"),
            Self::Ec2Zones => ("ec2", "ec2.describe-availability-zones"),
            Self::Ec2Tags => ("ec2", "ec2.describe-tags"),
            Self::Ec2Volumes => ("ec2", "ec2.describe-volumes"),
            Self::ElbLoadBalancers
            | Self::ElbTargetGroups
            | Self::ElbTargetHealth
            | Self::ElbListeners
            | Self::ElbTags => ("elasticloadbalancingv2", "elbv2.describe-load-balancers"),
            Self::CallerIdentity => ("sts", "sts.get-caller-identity"),
            Self::LogsCreateStream => ("cloudwatchlogs", "logs.create-log-stream"),
            Self::EksDescribeCluster => ("eks", "eks.update-kubeconfig"),
            Self::EksListClusters => ("eks", "eks.list-clusters"),
            Self::EksDescribeNodegroup => ("eks", "eks.describe-nodegroup"),
            Self::EcrToken => ("ecr", "ecr.get-login-password"),
            Self::EcrPutImage | Self::EcrUploadPart => ("ecr", "ecr.put-image"),
            Self::AutoscalingGroups => ("autoscaling", "autoscaling.describe-auto-scaling-groups"),
            Self::AutoscalingInstances => {
                ("autoscaling", "autoscaling.describe-auto-scaling-instances")
            }
            Self::Route53ListZones => ("route53", "route53.list-hosted-zones"),
            Self::Route53ListRecords => ("route53", "route53.list-resource-record-sets"),
        }
    }

    /// Fills `shape` with the request and its successful answer.
    pub(super) fn fill(self, target: &Target, shape: &mut Shape, rng: &mut Rng) {
        match self.names().0 {
            "s3" => shapes::s3(self, target, shape, rng),
            "dynamodb" => shapes::dynamodb(self, target, shape, rng),
            "kms" => shapes::kms(self, target, shape, rng),
            "sqs" => shapes::sqs(self, target, shape, rng),
            "ec2" => shapes::ec2(self, target, shape, rng),
            "elasticloadbalancingv2" => shapes::load_balancing(self, target, shape),
            "eks" => shapes::eks(self, target, shape),
            "ecr" => shapes::ecr(self, target, shape, rng),
            "route53" => shapes::route53(self, shape),
            _ => shapes::other(self, target, shape, rng),
        }
    }
}
