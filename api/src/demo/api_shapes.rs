//! What the AWS services write about those requests: one small function per
//! service, in the parameter names of CloudTrail (first letter lower case).

use super::apis::{Api, Target};
use super::records::Shape;
use super::rng::Rng;

/// Amazon S3: buckets as management events, objects as data events.
pub(super) fn s3(api: Api, target: &Target, shape: &mut Shape, rng: &mut Rng) {
    let Target {
        account,
        region,
        bucket,
        ..
    } = target;
    let (name, action, read_only, data) = match api {
        Api::S3GetObject => ("GetObject", "s3:GetObject", true, true),
        Api::S3PutObject => ("PutObject", "s3:PutObject", false, true),
        Api::S3HeadObject => ("HeadObject", "s3:GetObject", true, true),
        Api::S3ListObjects => ("ListObjects", "s3:ListBucket", true, true),
        _ => ("ListBuckets", "s3:ListAllMyBuckets", true, false),
    };
    shape.begin("s3", name, "1.11", read_only);
    shape.action = action;
    shape.data = data;
    if data {
        shape.bucket.push_str(bucket);
    }
    let host = shape.host_name(region);
    if !data {
        shape.request.open().text("Host", &host).close();
    } else if api == Api::S3ListObjects {
        let out = shape.request.open();
        out.text("list-type", "2")
            .text("bucketName", bucket)
            .text("prefix", "incoming/");
        out.text("Host", &host).close();
        shape.resource(
            account,
            "AWS::S3::Bucket",
            &format!("arn:aws:s3:::{bucket}"),
        );
    } else {
        let key = format!("incoming/{:06x}.json", rng.below(1 << 24));
        shape
            .request
            .open()
            .text("bucketName", bucket)
            .text("Host", &host)
            .text("key", &key);
        shape.request.close();
        let out = shape.resources.open_list().open();
        out.text("type", "AWS::S3::Object")
            .text("ARN", &format!("arn:aws:s3:::{bucket}/{key}"));
        out.close()
            .open()
            .text("accountId", account)
            .text("type", "AWS::S3::Bucket");
        out.text("ARN", &format!("arn:aws:s3:::{bucket}"))
            .close()
            .close_list();
        if api == Api::S3PutObject {
            let out = shape.response.open();
            out.text("x-amz-server-side-encryption", "AES256").close();
        }
    }
    let (sent, received) = if read_only {
        (0, rng.between(243, 90_000))
    } else {
        (rng.between(200, 90_000), 0)
    };
    shape
        .additional
        .open()
        .text("SignatureVersion", "SigV4")
        .text("CipherSuite", "TLS_AES_128_GCM_SHA256")
        .number("bytesTransferredIn", sent)
        .text("AuthenticationMethod", "AuthHeader")
        .text("x-amz-id-2", &rng.base64("", 75))
        .number("bytesTransferredOut", received)
        .close();
}

/// `DynamoDB`: items as data events.
pub(super) fn dynamodb(api: Api, target: &Target, shape: &mut Shape, rng: &mut Rng) {
    let (name, action, read_only) = match api {
        Api::DynamoGetItem => ("GetItem", "dynamodb:GetItem", true),
        Api::DynamoPutItem => ("PutItem", "dynamodb:PutItem", false),
        Api::DynamoQuery => ("Query", "dynamodb:Query", true),
        _ => ("DescribeTable", "dynamodb:DescribeTable", true),
    };
    shape.begin("dynamodb", name, "1.10", read_only);
    shape.action = action;
    shape.api_version = "2012-08-10";
    shape.data = api != Api::DynamoDescribeTable;
    let out = shape.request.open().text("tableName", &target.table);
    match api {
        Api::DynamoGetItem => {
            out.object("key")
                .text("id", &format!("o-{:08}", rng.below(100_000_000)))
                .close();
            out.bool("consistentRead", false);
        }
        Api::DynamoPutItem => {
            out.object("key")
                .text("id", &format!("o-{:08}", rng.below(100_000_000)))
                .close();
            out.texts("items", ["id", "state", "updated"]);
        }
        Api::DynamoQuery => {
            out.text("indexName", "by-customer")
                .text("keyConditionExpression", "#c = :c");
            out.number("limit", 25);
        }
        _ => {}
    }
    out.close();
    let Target {
        account,
        region,
        table,
        ..
    } = target;
    let arn = format!("arn:aws:dynamodb:{region}:{account}:table/{table}");
    shape.resource(account, "AWS::DynamoDB::Table", &arn);
}

/// KMS: all management events.
pub(super) fn kms(api: Api, target: &Target, shape: &mut Shape, rng: &mut Rng) {
    let (name, action) = match api {
        Api::KmsGenerateDataKey => ("GenerateDataKey", "kms:GenerateDataKey"),
        _ => ("Decrypt", "kms:Decrypt"),
    };
    shape.begin("kms", name, "1.08", true);
    shape.action = action;
    let out = shape.request.open();
    if api == Api::KmsGenerateDataKey {
        out.text("keySpec", "AES_256")
            .text("keyId", &target.key_arn);
    } else {
        out.text("encryptionAlgorithm", "SYMMETRIC_DEFAULT")
            .text("keyId", &target.key_arn);
    }
    out.object("encryptionContext")
        .text("order", &rng.hex(8))
        .close()
        .close();
    shape.resource(&target.account, "AWS::KMS::Key", &target.key_arn);
}

/// SQS: messages as data events.
pub(super) fn sqs(api: Api, target: &Target, shape: &mut Shape, rng: &mut Rng) {
    let Target {
        account,
        region,
        queue,
        ..
    } = target;
    let (name, action, read_only) = match api {
        Api::SqsReceive => ("ReceiveMessage", "sqs:ReceiveMessage", true),
        Api::SqsSend => ("SendMessage", "sqs:SendMessage", false),
        _ => ("DeleteMessage", "sqs:DeleteMessage", false),
    };
    shape.begin("sqs", name, "1.09", read_only);
    shape.action = action;
    shape.data = true;
    let url = format!("https://sqs.{region}.amazonaws.com/{account}/{queue}");
    let out = shape.request.open().text("queueUrl", &url);
    match api {
        Api::SqsReceive => {
            out.number("maxNumberOfMessages", 10)
                .number("waitTimeSeconds", 20);
        }
        Api::SqsSend => {
            out.text("messageBody", "HIDDEN_DUE_TO_SECURITY_REASONS");
        }
        _ => {
            out.text("receiptHandle", &rng.base64("AQEB", 60));
        }
    }
    out.close();
    if api == Api::SqsSend {
        shape.response.open().uuid("messageId", rng.uuid()).close();
    }
    let arn = format!("arn:aws:sqs:{region}:{account}:{queue}");
    shape.resource(account, "AWS::SQS::Queue", &arn);
}

/// EC2: only descriptions, with lists as `items`.
pub(super) fn ec2(api: Api, target: &Target, shape: &mut Shape, rng: &mut Rng) {
    let (name, action, set) = match api {
        Api::Ec2Instances => ("DescribeInstances", "ec2:DescribeInstances", "instancesSet"),
        Api::Ec2Subnets => ("DescribeSubnets", "ec2:DescribeSubnets", "subnetSet"),
        Api::Ec2SecurityGroups => (
            "DescribeSecurityGroups",
            "ec2:DescribeSecurityGroups",
            "securityGroupSet",
        ),
        Api::Ec2Zones => (
            "DescribeAvailabilityZones",
            "ec2:DescribeAvailabilityZones",
            "availabilityZoneSet",
        ),
        Api::Ec2Tags => ("DescribeTags", "ec2:DescribeTags", ""),
        Api::Ec2Volumes => ("DescribeVolumes", "ec2:DescribeVolumes", "volumeSet"),
        _ => ("DescribeVpcs", "ec2:DescribeVpcs", "vpcSet"),
    };
    shape.begin("ec2", name, "1.10", true);
    shape.action = action;
    let out = shape.request.open();
    match api {
        Api::Ec2Instances if !target.instance.is_empty() => {
            out.object(set)
                .list("items")
                .open()
                .text("instanceId", &target.instance);
            out.close().close_list().close().object("filterSet").close();
        }
        Api::Ec2Subnets | Api::Ec2SecurityGroups => {
            out.number("maxResults", rng.between(1, 2) * 500)
                .object(set)
                .close();
            filter(out.object("filterSet"), "vpc-id", &target.vpc);
            out.close();
        }
        Api::Ec2Tags => {
            filter(out.object("filterSet"), "resource-id", &target.instance);
            out.close();
        }
        _ => {
            out.object(set).close().object("filterSet").close();
        }
    }
    out.close();
}

/// Writes the one item of an EC2 `filterSet`.
pub(super) fn filter(out: &mut super::json::Json, name: &str, value: &str) {
    out.list("items")
        .open()
        .text("name", name)
        .object("valueSet")
        .list("items");
    out.open()
        .text("value", value)
        .close()
        .close_list()
        .close()
        .close()
        .close_list();
}

/// Elastic Load Balancing, version 2.
pub(super) fn load_balancing(api: Api, target: &Target, shape: &mut Shape) {
    let Target {
        account,
        region,
        load_balancer,
        ..
    } = target;
    let (name, action) = match api {
        Api::ElbTargetGroups => (
            "DescribeTargetGroups",
            "elasticloadbalancing:DescribeTargetGroups",
        ),
        Api::ElbTargetHealth => (
            "DescribeTargetHealth",
            "elasticloadbalancing:DescribeTargetHealth",
        ),
        Api::ElbListeners => (
            "DescribeListeners",
            "elasticloadbalancing:DescribeListeners",
        ),
        Api::ElbTags => ("DescribeTags", "elasticloadbalancing:DescribeTags"),
        _ => (
            "DescribeLoadBalancers",
            "elasticloadbalancing:DescribeLoadBalancers",
        ),
    };
    shape.begin("elasticloadbalancing", name, "1.11", true);
    shape.action = action;
    shape.api_version = "2015-12-01";
    let prefix = format!("arn:aws:elasticloadbalancing:{region}:{account}");
    let balancer = format!("{prefix}:loadbalancer/app/{load_balancer}/50dc6c495c0c9188");
    let group = format!("{prefix}:targetgroup/{load_balancer}/73e2d6bc24d8a067");
    let out = shape.request.open();
    match api {
        Api::ElbTargetGroups | Api::ElbListeners => {
            out.text("loadBalancerArn", &balancer);
        }
        Api::ElbTargetHealth => {
            out.text("targetGroupArn", &group);
        }
        Api::ElbTags => {
            out.texts("resourceArns", [balancer.as_str(), group.as_str()]);
        }
        _ => {
            out.number("pageSize", 400);
        }
    }
    out.close();
}

/// EKS: only descriptions.
pub(super) fn eks(api: Api, target: &Target, shape: &mut Shape) {
    let (name, action) = match api {
        Api::EksListClusters => ("ListClusters", "eks:ListClusters"),
        Api::EksDescribeNodegroup => ("DescribeNodegroup", "eks:DescribeNodegroup"),
        _ => ("DescribeCluster", "eks:DescribeCluster"),
    };
    shape.begin("eks", name, "1.09", true);
    shape.action = action;
    let out = shape.request.open();
    match api {
        Api::EksListClusters => {
            out.number("maxResults", 100);
        }
        Api::EksDescribeNodegroup => {
            out.text("name", &target.cluster)
                .text("nodegroupName", "ng-1");
        }
        _ => {
            out.text("name", &target.cluster);
        }
    }
    out.close();
}

/// ECR: what a build does.
pub(super) fn ecr(api: Api, target: &Target, shape: &mut Shape, rng: &mut Rng) {
    let Target {
        account, region, ..
    } = target;
    let (name, action) = match api {
        Api::EcrPutImage => ("PutImage", "ecr:PutImage"),
        Api::EcrUploadPart => ("UploadLayerPart", "ecr:UploadLayerPart"),
        _ => ("GetAuthorizationToken", "ecr:GetAuthorizationToken"),
    };
    shape.begin("ecr", name, "1.08", api == Api::EcrToken);
    shape.action = action;
    shape.host = "api.ecr";
    if api == Api::EcrToken {
        shape.request.open().close();
        return;
    }
    let out = shape.request.open();
    out.text("registryId", account)
        .text("repositoryName", "shop/orders");
    if api == Api::EcrPutImage {
        out.text("imageTag", &format!("sha-{}", rng.hex(7)));
    } else {
        out.uuid("uploadId", rng.uuid()).number("partFirstByte", 0);
    }
    out.close();
    let arn = format!("arn:aws:ecr:{region}:{account}:repository/shop/orders");
    shape.resource(account, "AWS::ECR::Repository", &arn);
}

/// Route 53, whose one endpoint is logged in us-east-1.
pub(super) fn route53(api: Api, shape: &mut Shape) {
    let (name, action) = match api {
        Api::Route53ListRecords => ("ListResourceRecordSets", "route53:ListResourceRecordSets"),
        _ => ("ListHostedZones", "route53:ListHostedZones"),
    };
    shape.begin("route53", name, "1.08", true);
    shape.action = action;
    shape.global = true;
    shape.api_version = "2013-04-01";
    if api == Api::Route53ListRecords {
        shape
            .request
            .open()
            .text("hostedZoneId", "Z0123456789EXAMPLE01")
            .close();
    }
}

/// Services with a single request in the cast.
pub(super) fn other(api: Api, target: &Target, shape: &mut Shape, rng: &mut Rng) {
    match api {
        Api::SecretsGet => {
            shape.begin("secretsmanager", "GetSecretValue", "1.08", true);
            shape.action = "secretsmanager:GetSecretValue";
            shape
                .request
                .open()
                .text("secretId", &target.secret)
                .close();
        }
        Api::SsmGetParameter => {
            shape.begin("ssm", "GetParameter", "1.08", true);
            shape.action = "ssm:GetParameter";
            let out = shape
                .request
                .open()
                .text("name", &format!("/{}/config", target.table));
            out.bool("withDecryption", true).close();
        }
        Api::LogsCreateStream => {
            shape.begin("logs", "CreateLogStream", "1.09", false);
            shape.action = "logs:CreateLogStream";
            shape.api_version = "20140328";
            let group = format!("/aws/containerinsights/{}/application", target.cluster);
            let stream = format!("shop-{}", rng.hex(12));
            let out = shape.request.open();
            out.text("logGroupName", &group)
                .text("logStreamName", &stream)
                .close();
        }
        Api::AutoscalingInstances => {
            shape.begin("autoscaling", "DescribeAutoScalingInstances", "1.08", true);
            shape.action = "autoscaling:DescribeAutoScalingInstances";
            shape.request.open().number("maxRecords", 50).close();
        }
        Api::AutoscalingGroups => {
            shape.begin("autoscaling", "DescribeAutoScalingGroups", "1.08", true);
            shape.action = "autoscaling:DescribeAutoScalingGroups";
            shape.request.open().number("maxRecords", 100).close();
        }
        _ => {
            shape.begin("sts", "GetCallerIdentity", "1.08", true);
            shape.action = "sts:GetCallerIdentity";
        }
    }
}
