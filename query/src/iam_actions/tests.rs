use serde_json::json;

use super::*;

fn rules() -> &'static IamActions {
    IamActions::built_in().unwrap()
}

fn parameters(text: &str) -> Value {
    if text.is_empty() {
        return Value::Null;
    }
    serde_json::from_str(text).unwrap()
}

/// Event source without its domain, event name, request parameters, actions.
const ACTIONS: [(&str, &str, &str, &str); 89] = [
    // The general rule.
    ("ec2", "DescribeInstances", "", "ec2:DescribeInstances"),
    ("sqs", "ReceiveMessage", "", "sqs:ReceiveMessage"),
    (
        "monitoring",
        "PutMetricData",
        "",
        "cloudwatch:PutMetricData",
    ),
    ("email", "SendRawEmail", "", "ses:SendRawEmail"),
    ("ses", "SendEmail", "", "ses:SendEmail"),
    ("tagging", "GetResources", "", "tag:GetResources"),
    ("streams.dynamodb", "GetRecords", "", "dynamodb:GetRecords"),
    (
        "runtime.sagemaker",
        "InvokeEndpoint",
        "",
        "sagemaker:InvokeEndpoint",
    ),
    ("aps", "QueryMetrics", "", "aps:QueryMetrics"),
    ("aoss", "CreateCollection", "", "aoss:CreateCollection"),
    ("es", "DescribeDomain", "", "es:DescribeDomain"),
    ("opensearch", "DescribeDomain", "", "es:DescribeDomain"),
    ("states", "StartExecution", "", "states:StartExecution"),
    (
        "elasticloadbalancing",
        "DescribeTargetGroups",
        "",
        "elasticloadbalancing:DescribeTargetGroups",
    ),
    (
        "application-autoscaling",
        "RegisterScalableTarget",
        "",
        "application-autoscaling:RegisterScalableTarget",
    ),
    (
        "elasticfilesystem",
        "DescribeMountTargets",
        "",
        "elasticfilesystem:DescribeMountTargets",
    ),
    (
        "elasticmapreduce",
        "RunJobFlow",
        "",
        "elasticmapreduce:RunJobFlow",
    ),
    ("kafka-cluster", "Connect", "", "kafka-cluster:Connect"),
    ("xray", "PutTraceSegments", "", "xray:PutTraceSegments"),
    ("fsx", "DescribeFileSystems", "", "fsx:DescribeFileSystems"),
    ("events", "PutEvents", "", "events:PutEvents"),
    (
        "kms",
        "GenerateDataKeyWithoutPlaintext",
        "",
        "kms:GenerateDataKeyWithoutPlaintext",
    ),
    ("ecr", "BatchGetImage", "", "ecr:BatchGetImage"),
    (
        "cognito-idp",
        "AdminGetUser",
        "",
        "cognito-idp:AdminGetUser",
    ),
    (
        "eks-auth",
        "AssumeRoleForPodIdentity",
        "",
        "eks-auth:AssumeRoleForPodIdentity",
    ),
    // Versions.
    (
        "lambda",
        "ListFunctions20150331",
        "",
        "lambda:ListFunctions",
    ),
    ("lambda", "GetFunction20150331v2", "", "lambda:GetFunction"),
    ("lambda", "Invoke", "", "lambda:InvokeFunction"),
    (
        "lambda",
        "InvokeWithResponseStream",
        "",
        "lambda:InvokeFunction",
    ),
    (
        "lambda",
        "CreateFunction20150331",
        "",
        "iam:PassRole lambda:CreateFunction",
    ),
    (
        "lambda",
        "UpdateFunctionConfiguration20150331v2",
        r#"{"role":"arn:aws:iam::111122223333:role/r"}"#,
        "iam:PassRole lambda:UpdateFunctionConfiguration",
    ),
    (
        "lambda",
        "UpdateFunctionConfiguration20150331v2",
        r#"{"timeout":3}"#,
        "lambda:UpdateFunctionConfiguration",
    ),
    (
        "cloudfront",
        "CreateDistribution2020_05_31",
        "",
        "cloudfront:CreateDistribution",
    ),
    (
        "cloudfront",
        "CreateInvalidation2020_05_31",
        "",
        "cloudfront:CreateInvalidation",
    ),
    (
        "cloudfront",
        "CreateDistributionWithTags2020_05_31",
        "",
        "cloudfront:CreateDistribution cloudfront:TagResource",
    ),
    // S3.
    ("s3", "ListBuckets", "", "s3:ListAllMyBuckets"),
    ("s3", "ListObjects", "", "s3:ListBucket"),
    ("s3", "HeadBucket", "", "s3:ListBucket"),
    (
        "s3",
        "GetObject",
        r#"{"bucketName":"b","key":"k"}"#,
        "s3:GetObject",
    ),
    (
        "s3",
        "GetObject",
        r#"{"bucketName":"b","key":"k","versionId":"v"}"#,
        "s3:GetObjectVersion",
    ),
    ("s3", "HeadObject", "", "s3:GetObject"),
    ("s3", "PutObject", "", "s3:PutObject"),
    (
        "s3",
        "PutObject",
        r#"{"x-amz-acl":"private"}"#,
        "s3:PutObject",
    ),
    (
        "s3",
        "PutObject",
        r#"{"x-amz-acl":"public-read"}"#,
        "s3:PutObject s3:PutObjectAcl",
    ),
    (
        "s3",
        "PutObject",
        r#"{"x-amz-acl":"bucket-owner-full-control","x-amz-tagging":"a=b"}"#,
        "s3:PutObject s3:PutObjectAcl s3:PutObjectTagging",
    ),
    ("s3", "CreateMultipartUpload", "", "s3:PutObject"),
    ("s3", "UploadPart", "", "s3:PutObject"),
    ("s3", "CompleteMultipartUpload", "", "s3:PutObject"),
    ("s3", "AbortMultipartUpload", "", "s3:AbortMultipartUpload"),
    ("s3", "CopyObject", "", "s3:GetObject s3:PutObject"),
    ("s3", "UploadPartCopy", "", "s3:GetObject s3:PutObject"),
    ("s3", "DeleteObjects", "", "s3:DeleteObject"),
    ("s3", "ListParts", "", "s3:ListMultipartUploadParts"),
    (
        "s3",
        "ListMultipartUploads",
        "",
        "s3:ListBucketMultipartUploads",
    ),
    (
        "s3",
        "GetBucketEncryption",
        "",
        "s3:GetEncryptionConfiguration",
    ),
    (
        "s3",
        "GetBucketLifecycle",
        "",
        "s3:GetLifecycleConfiguration",
    ),
    (
        "s3",
        "GetBucketReplication",
        "",
        "s3:GetReplicationConfiguration",
    ),
    ("s3", "GetBucketCors", "", "s3:GetBucketCORS"),
    ("s3", "DeleteBucketCors", "", "s3:PutBucketCORS"),
    (
        "s3",
        "GetBucketPublicAccessBlock",
        "",
        "s3:GetBucketPublicAccessBlock",
    ),
    ("s3", "GetBucketLocation", "", "s3:GetBucketLocation"),
    ("s3", "DeleteBucketTagging", "", "s3:PutBucketTagging"),
    ("s3express", "PutObject", "", "s3express:CreateSession"),
    // Batches, transactions and statements.
    ("sqs", "SendMessageBatch", "", "sqs:SendMessage"),
    ("sqs", "DeleteMessageBatch", "", "sqs:DeleteMessage"),
    (
        "sqs",
        "ChangeMessageVisibilityBatch",
        "",
        "sqs:ChangeMessageVisibility",
    ),
    ("sns", "PublishBatch", "", "sns:Publish"),
    ("dynamodb", "BatchWriteItem", "", "dynamodb:BatchWriteItem"),
    ("dynamodb", "TransactGetItems", "", "dynamodb:GetItem"),
    (
        "dynamodb",
        "TransactWriteItems",
        r#"{"transactItems":[{"put":{"tableName":"t"}},{"conditionCheck":{"tableName":"u"}}]}"#,
        "dynamodb:ConditionCheckItem dynamodb:PutItem",
    ),
    (
        "dynamodb",
        "TransactWriteItems",
        "",
        "dynamodb:ConditionCheckItem dynamodb:DeleteItem dynamodb:PutItem dynamodb:UpdateItem",
    ),
    (
        "dynamodb",
        "ExecuteStatement",
        r#"{"statement":" select * from t"}"#,
        "dynamodb:PartiQLSelect",
    ),
    (
        "dynamodb",
        "ExecuteStatement",
        r#"{"statement":"HIDDEN"}"#,
        "dynamodb:PartiQLDelete dynamodb:PartiQLInsert dynamodb:PartiQLSelect dynamodb:PartiQLUpdate",
    ),
    (
        "dynamodb",
        "BatchExecuteStatement",
        r#"{"statements":[{"statement":"INSERT INTO t"},{"statement":"UPDATE t"}]}"#,
        "dynamodb:PartiQLInsert dynamodb:PartiQLUpdate",
    ),
    (
        "secretsmanager",
        "BatchGetSecretValue",
        r#"{"secretIdList":["a"]}"#,
        "secretsmanager:BatchGetSecretValue secretsmanager:GetSecretValue",
    ),
    (
        "secretsmanager",
        "BatchGetSecretValue",
        r#"{"filters":[{"key":"name"}]}"#,
        "secretsmanager:BatchGetSecretValue secretsmanager:GetSecretValue secretsmanager:ListSecrets",
    ),
    ("kms", "ReEncrypt", "", "kms:ReEncryptFrom kms:ReEncryptTo"),
    // Other names.
    ("bedrock", "Converse", "", "bedrock:InvokeModel"),
    (
        "bedrock-runtime",
        "ConverseStream",
        "",
        "bedrock:InvokeModelWithResponseStream",
    ),
    ("apigateway", "GetRestApis", "", "apigateway:GET"),
    ("apigateway", "CreateRestApi", "", "apigateway:POST"),
    ("apigateway", "UpdateStage", "", "apigateway:PATCH"),
    ("apigateway", "PutIntegration", "", "apigateway:PUT"),
    ("apigateway", "UntagResource", "", "apigateway:DELETE"),
    ("sts", "AssumeRole", r#"{"roleArn":"r"}"#, "sts:AssumeRole"),
    (
        "sts",
        "AssumeRole",
        r#"{"tags":[{"key":"a"}]}"#,
        "sts:AssumeRole sts:TagSession",
    ),
    ("timestream", "Query", "", "timestream:Select"),
    ("cassandra", "ListTables", "", "cassandra:Select"),
    // A service that the rules do not know.
    ("newservice", "DoThing", "", "newservice:DoThing"),
];

#[test]
fn events_become_actions() {
    for (source, event, text, wanted) in ACTIONS {
        let needs = rules().needs(&format!("{source}.amazonaws.com"), event, &parameters(text));
        let Needs::Actions {
            actions,
            service_known,
            ..
        } = needs
        else {
            panic!("{source} {event}: {needs:?}");
        };
        assert_eq!(actions.join(" "), wanted, "{source} {event} {text}");
        assert_eq!(service_known, source != "newservice", "{source}");
    }
    let china = rules().needs("sqs.amazonaws.com.cn", "SendMessage", &Value::Null);
    assert!(
        matches!(
            china,
            Needs::Actions {
                service_known: true,
                ..
            }
        ),
        "{china:?}"
    );
}

#[test]
fn calls_that_no_policy_grants() {
    for (source, event) in [
        ("sts", "GetCallerIdentity"),
        ("sts", "AssumeRoleWithWebIdentity"),
        ("sts", "AssumeRoleWithSAML"),
        ("sts", "GetSessionToken"),
        ("signin", "ConsoleLogin"),
        ("sso", "GetRoleCredentials"),
        ("cognito-idp", "InitiateAuth"),
        ("cognito-identity", "GetCredentialsForIdentity"),
    ] {
        let needs = rules().needs(&format!("{source}.amazonaws.com"), event, &Value::Null);
        let Needs::Nothing { reason } = needs else {
            panic!("{source} {event}: {needs:?}");
        };
        assert!(!reason.is_empty());
    }
    for (source, event) in [
        ("s3.amazonaws.com", "Get Object"),
        ("s3.amazonaws.com", ""),
        ("s3.amazonaws.com", "*"),
        ("s3.amazonaws.com", "Get*"),
        ("s3.amazonaws.com", "20150331"),
        ("unheard.of.amazonaws.com", "Call"),
        ("example.com", "Call"),
        ("*.amazonaws.com", "Call"),
        ("", "Call"),
    ] {
        let needs = rules().needs(source, event, &Value::Null);
        assert!(
            matches!(needs, Needs::Unknown { .. }),
            "{source} {event}: {needs:?}"
        );
    }
}

/// Event, action, request parameters, the record's resources, and the resources for a policy.
const RESOURCES: [(&str, &str, &str, &str, &str); 44] = [
    (
        "GetObject",
        "s3:GetObject",
        r#"{"bucketName":"b","key":"a/b c.txt"}"#,
        "",
        "arn:aws:s3:::b/a/b c.txt",
    ),
    (
        "GetObject",
        "s3:GetObject",
        r#"{"bucketName":"b","key":"k"}"#,
        r#"[{"type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::b"},{"type":"AWS::S3::Object","ARN":"arn:aws:s3:::b/from/record"}]"#,
        "arn:aws:s3:::b/from/record",
    ),
    (
        "GetObject",
        "s3:GetObject",
        r#"{"bucketName":"b","key":"*"}"#,
        "",
        "arn:aws:s3:::b/${*}",
    ),
    (
        "GetObject",
        "s3:GetObject",
        r#"{"bucketName":"b","key":"a?${x}"}"#,
        "",
        "arn:aws:s3:::b/a${?}${$}{x}",
    ),
    (
        "GetObject",
        "s3:GetObject",
        r#"{"bucketName":"*","key":"k"}"#,
        "",
        "arn:aws:s3:::${*}/k",
    ),
    (
        "DeleteObjects",
        "s3:DeleteObject",
        r#"{"bucketName":"b","delete":""}"#,
        "",
        "arn:aws:s3:::b/* widened",
    ),
    (
        "ListObjects",
        "s3:ListBucket",
        r#"{"bucketName":"b","prefix":"p/"}"#,
        "",
        "arn:aws:s3:::b",
    ),
    (
        "ListBuckets",
        "s3:ListAllMyBuckets",
        "{}",
        "",
        "no resource level",
    ),
    ("GetObject", "s3:GetObject", "", "", "not named"),
    (
        "CopyObject",
        "s3:GetObject",
        r#"{"bucketName":"to","key":"k","x-amz-copy-source":"/from/a%20b"}"#,
        r#"[{"ARN":"arn:aws:s3:::to/k"}]"#,
        "arn:aws:s3:::from/a b",
    ),
    (
        "CopyObject",
        "s3:PutObject",
        r#"{"bucketName":"to","key":"k","x-amz-copy-source":"/from/a%20b"}"#,
        "",
        "arn:aws:s3:::to/k",
    ),
    (
        "SendMessage",
        "sqs:SendMessage",
        r#"{"queueUrl":"https://sqs.eu-west-1.amazonaws.com/444455556666/jobs.fifo"}"#,
        "",
        "arn:aws:sqs:eu-west-1:444455556666:jobs.fifo",
    ),
    (
        "GetQueueUrl",
        "sqs:GetQueueUrl",
        r#"{"queueName":"jobs"}"#,
        "",
        "arn:aws:sqs:eu-west-1:111122223333:jobs",
    ),
    (
        "Publish",
        "sns:Publish",
        r#"{"topicArn":"arn:aws:sns:eu-west-1:444455556666:alerts"}"#,
        "",
        "arn:aws:sns:eu-west-1:444455556666:alerts",
    ),
    (
        "Publish",
        "sns:Publish",
        r#"{"phoneNumber":"HIDDEN"}"#,
        "",
        "not named",
    ),
    (
        "Query",
        "dynamodb:Query",
        r#"{"tableName":"orders"}"#,
        "",
        "arn:aws:dynamodb:eu-west-1:111122223333:table/orders",
    ),
    (
        "Query",
        "dynamodb:Query",
        r#"{"tableName":"orders","indexName":"by-day"}"#,
        "",
        "arn:aws:dynamodb:eu-west-1:111122223333:table/orders arn:aws:dynamodb:eu-west-1:111122223333:table/orders/index/by-day",
    ),
    (
        "Query",
        "dynamodb:Query",
        r#"{"tableName":"arn:aws:dynamodb:us-east-1:444455556666:table/far"}"#,
        "",
        "arn:aws:dynamodb:us-east-1:444455556666:table/far",
    ),
    (
        "BatchGetItem",
        "dynamodb:BatchGetItem",
        r#"{"requestItems":{"a":{},"b":{}}}"#,
        "",
        "arn:aws:dynamodb:eu-west-1:111122223333:table/a arn:aws:dynamodb:eu-west-1:111122223333:table/b",
    ),
    (
        "Decrypt",
        "kms:Decrypt",
        r#"{"encryptionAlgorithm":"SYMMETRIC_DEFAULT"}"#,
        r#"[{"type":"AWS::KMS::Key","ARN":"arn:aws:kms:eu-west-1:111122223333:key/0a1b"}]"#,
        "arn:aws:kms:eu-west-1:111122223333:key/0a1b",
    ),
    (
        "GenerateDataKey",
        "kms:GenerateDataKey",
        r#"{"keyId":"0a1b"}"#,
        "",
        "arn:aws:kms:eu-west-1:111122223333:key/0a1b",
    ),
    (
        "GenerateDataKey",
        "kms:GenerateDataKey",
        r#"{"keyId":"alias/orders"}"#,
        "",
        "not named",
    ),
    (
        "GetSecretValue",
        "secretsmanager:GetSecretValue",
        r#"{"secretId":"prod/db"}"#,
        "",
        "arn:aws:secretsmanager:eu-west-1:111122223333:secret:prod/db-??????",
    ),
    (
        "GetSecretValue",
        "secretsmanager:GetSecretValue",
        r#"{"secretId":"arn:aws:secretsmanager:eu-west-1:111122223333:secret:prod/db-AbCdEf"}"#,
        "",
        "arn:aws:secretsmanager:eu-west-1:111122223333:secret:prod/db-??????",
    ),
    (
        "GetParameter",
        "ssm:GetParameter",
        r#"{"name":"/prod/url"}"#,
        "",
        "arn:aws:ssm:eu-west-1:111122223333:parameter/prod/url",
    ),
    (
        "GetParameters",
        "ssm:GetParameters",
        r#"{"names":["a","/b"]}"#,
        "",
        "arn:aws:ssm:eu-west-1:111122223333:parameter/a arn:aws:ssm:eu-west-1:111122223333:parameter/b",
    ),
    (
        "GetParametersByPath",
        "ssm:GetParametersByPath",
        r#"{"path":"/prod"}"#,
        "",
        "arn:aws:ssm:eu-west-1:111122223333:parameter/prod* widened",
    ),
    (
        "Invoke",
        "lambda:InvokeFunction",
        r#"{"functionName":"resize"}"#,
        "",
        "arn:aws:lambda:eu-west-1:111122223333:function:resize",
    ),
    (
        "Invoke",
        "lambda:InvokeFunction",
        r#"{"functionName":"resize","qualifier":"live"}"#,
        "",
        "arn:aws:lambda:eu-west-1:111122223333:function:resize:live",
    ),
    (
        "Invoke",
        "lambda:InvokeFunction",
        r#"{"functionName":"arn:aws:lambda:eu-west-1:444455556666:function:resize"}"#,
        "",
        "arn:aws:lambda:eu-west-1:444455556666:function:resize",
    ),
    (
        "CreateLogStream",
        "logs:CreateLogStream",
        r#"{"logGroupName":"/aws/eks/c/cluster","logStreamName":"s"}"#,
        "",
        "arn:aws:logs:eu-west-1:111122223333:log-group:/aws/eks/c/cluster:*",
    ),
    (
        "DescribeStream",
        "kinesis:DescribeStream",
        r#"{"streamName":"clicks"}"#,
        "",
        "arn:aws:kinesis:eu-west-1:111122223333:stream/clicks",
    ),
    (
        "BatchGetImage",
        "ecr:BatchGetImage",
        r#"{"registryId":"444455556666","repositoryName":"team/app"}"#,
        "",
        "arn:aws:ecr:eu-west-1:444455556666:repository/team/app",
    ),
    (
        "GetAuthorizationToken",
        "ecr:GetAuthorizationToken",
        "{}",
        "",
        "no resource level",
    ),
    (
        "AssumeRole",
        "sts:AssumeRole",
        r#"{"roleArn":"arn:aws:iam::444455556666:role/path/r","roleSessionName":"s"}"#,
        "",
        "arn:aws:iam::444455556666:role/path/r",
    ),
    (
        "ChangeResourceRecordSets",
        "route53:ChangeResourceRecordSets",
        r#"{"hostedZoneId":"/hostedzone/Z1"}"#,
        "",
        "arn:aws:route53:::hostedzone/Z1",
    ),
    (
        "TerminateInstances",
        "ec2:TerminateInstances",
        r#"{"instancesSet":{"items":[{"instanceId":"i-1"},{"instanceId":"i-2"}]}}"#,
        "",
        "arn:aws:ec2:eu-west-1:111122223333:instance/i-1 arn:aws:ec2:eu-west-1:111122223333:instance/i-2",
    ),
    (
        "AttachVolume",
        "ec2:AttachVolume",
        r#"{"volumeId":"vol-1","instanceId":"i-1"}"#,
        "",
        "arn:aws:ec2:eu-west-1:111122223333:instance/i-1 arn:aws:ec2:eu-west-1:111122223333:volume/vol-1",
    ),
    (
        "AttachVolume",
        "ec2:AttachVolume",
        r#"{"volumeId":"vol-1"}"#,
        "",
        "not named",
    ),
    (
        "DescribeInstances",
        "ec2:DescribeInstances",
        "{}",
        "",
        "no resource level",
    ),
    ("RunInstances", "ec2:RunInstances", "{}", "", "no rule"),
    (
        "InvokeModel",
        "bedrock:InvokeModel",
        r#"{"modelId":"anthropic.claude-v2:1"}"#,
        "",
        "arn:aws:bedrock:eu-west-1::foundation-model/anthropic.claude-v2:1",
    ),
    (
        "InvokeModel",
        "bedrock:InvokeModel",
        r#"{"modelId":"eu.anthropic.claude-sonnet-4-v1:0"}"#,
        "",
        "arn:aws:bedrock:*::foundation-model/* arn:aws:bedrock:eu-west-1:111122223333:inference-profile/eu.anthropic.claude-sonnet-4-v1:0",
    ),
    (
        "CreateFunction20150331",
        "iam:PassRole",
        r#"{"role":"arn:aws:iam::111122223333:role/run"}"#,
        "",
        "arn:aws:iam::111122223333:role/run",
    ),
];

fn shown(resources: &Resources) -> String {
    match resources {
        Resources::Arns { arns, widened } => {
            let text = arns.iter().cloned().collect::<Vec<_>>().join(" ");
            if *widened { text + " widened" } else { text }
        }
        Resources::NoResourceLevel => "no resource level".to_owned(),
        Resources::NotNamed => "not named".to_owned(),
        Resources::NoRule => "no rule".to_owned(),
    }
}

#[test]
fn calls_name_their_resources() {
    for (event_name, action, text, record, wanted) in RESOURCES {
        let found = rules().resources(
            action,
            &Request {
                event_name,
                scope: Scope {
                    partition: "aws",
                    region: "eu-west-1",
                    account: "111122223333",
                },
                parameters: &parameters(text),
                resources: &parameters(record),
                about: About::Request,
            },
        );
        assert_eq!(shown(&found), wanted, "{action} {text} {record}");
    }
}

/// Event name, action, the one name that is known of the request, resources.
const NAMED: [(&str, &str, &str, &str); 17] = [
    (
        "GetObject",
        "s3:GetObject",
        "reports",
        "arn:aws:s3:::reports/* widened",
    ),
    (
        "ListObjects",
        "s3:ListBucket",
        "reports",
        "arn:aws:s3:::reports",
    ),
    ("CopyObject", "s3:GetObject", "reports", "not named"),
    (
        "SendMessage",
        "sqs:SendMessage",
        "https://sqs.eu-west-1.amazonaws.com/444455556666/jobs",
        "arn:aws:sqs:eu-west-1:444455556666:jobs",
    ),
    (
        "GetQueueUrl",
        "sqs:GetQueueUrl",
        "jobs",
        "arn:aws:sqs:eu-west-1:111122223333:jobs",
    ),
    (
        "AssumeRole",
        "sts:AssumeRole",
        "arn:aws:iam::444455556666:role/path/r",
        "arn:aws:iam::444455556666:role/path/r",
    ),
    (
        "GetParameter",
        "ssm:GetParameter",
        "/shop/key",
        "arn:aws:ssm:eu-west-1:111122223333:parameter/shop/key",
    ),
    (
        "GetSecretValue",
        "secretsmanager:GetSecretValue",
        "web/session",
        "arn:aws:secretsmanager:eu-west-1:111122223333:secret:web/session-??????",
    ),
    (
        "Query",
        "dynamodb:Query",
        "orders",
        "arn:aws:dynamodb:eu-west-1:111122223333:table/orders arn:aws:dynamodb:eu-west-1:111122223333:table/orders/index/* widened",
    ),
    (
        "Invoke",
        "lambda:InvokeFunction",
        "resize",
        "arn:aws:lambda:eu-west-1:111122223333:function:resize arn:aws:lambda:eu-west-1:111122223333:function:resize:* widened",
    ),
    (
        "PutRecord",
        "kinesis:PutRecord",
        "arn:aws:kinesis:eu-west-1:111122223333:stream/clicks",
        "arn:aws:kinesis:eu-west-1:111122223333:stream/clicks",
    ),
    // A name of something else than what the action is on.
    ("Decrypt", "kms:Decrypt", "alias/app", "not named"),
    (
        "CreateStateMachine",
        "states:CreateStateMachine",
        "arn:aws:iam::111122223333:role/run",
        "not named",
    ),
    // Of a table's name and its database's, only the first may be known.
    ("GetTable", "glue:GetTable", "orders", "not named"),
    // With a bus of its own, a rule is another one.
    ("PutRule", "events:PutRule", "nightly", "not named"),
    // What is fixed needs no name.
    (
        "DescribeInstances",
        "ec2:DescribeInstances",
        "reports",
        "no resource level",
    ),
    // Nothing in a name is a wildcard.
    (
        "ListObjects",
        "s3:ListBucket",
        "rep*rts",
        "arn:aws:s3:::rep${*}rts",
    ),
];

#[test]
fn a_name_alone_tells_the_resource() {
    for (event_name, action, name, wanted) in NAMED {
        let request = Request {
            event_name,
            scope: Scope {
                partition: "aws",
                region: "eu-west-1",
                account: "111122223333",
            },
            parameters: &Value::Null,
            resources: &Value::Null,
            about: About::Name(name),
        };
        let found = rules().resources(action, &request);
        assert_eq!(shown(&found), wanted, "{action} {name}");
    }
}

#[test]
fn without_a_name_no_resource_is_told() {
    for (event_name, action, wanted) in [
        ("GetObject", "s3:GetObject", "not named"),
        ("PutEvents", "events:PutEvents", "not named"),
        ("ListBuckets", "s3:ListAllMyBuckets", "no resource level"),
        ("RunInstances", "ec2:RunInstances", "no rule"),
    ] {
        let request = Request {
            event_name,
            scope: Scope {
                partition: "aws",
                region: "eu-west-1",
                account: "111122223333",
            },
            parameters: &Value::Null,
            resources: &Value::Null,
            about: About::Unknown,
        };
        let found = rules().resources(action, &request);
        assert_eq!(shown(&found), wanted, "{action}");
    }
}

#[test]
fn an_unknown_account_or_region_names_no_resource() {
    let parameters = json!({"tableName": "t"});
    for (region, account) in [("", "111122223333"), ("eu-west-1", "")] {
        let found = rules().resources(
            "dynamodb:Query",
            &Request {
                event_name: "Query",
                scope: Scope {
                    partition: "aws",
                    region,
                    account,
                },
                parameters: &parameters,
                resources: &Value::Null,
                about: About::Request,
            },
        );
        assert_eq!(found, Resources::NotNamed);
    }
}

#[test]
fn versions_are_no_part_of_a_name() {
    for (name, wanted) in [
        ("ListFunctions20150331", "ListFunctions"),
        ("GetFunction20150331v2", "GetFunction"),
        ("CreateDistribution2020_05_31", "CreateDistribution"),
        ("GetMedia", "GetMedia"),
        ("ListFindingsV2", "ListFindingsV2"),
        ("GetThing1999", "GetThing1999"),
        ("20150331", "20150331"),
        ("v2", "v2"),
        ("", ""),
        ("é20150331", "é"),
    ] {
        assert_eq!(without_version(name), wanted, "{name}");
    }
}

#[test]
fn every_action_is_well_formed() {
    for action in &rules().named {
        let (prefix, name) = action.split_once(':').unwrap();
        let plain = |text: &str, also: &str| {
            !text.is_empty()
                && text
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || also.contains(c))
        };
        assert!(plain(prefix, "-") && plain(name, ""), "{action}");
    }
    assert!(rules().services.len() > 150);
    assert!(rules().named.len() > 1_000);
}

const SERVICE: &str = "[[service]]\nprefix = \"x\"\nevent_sources = [\"x.amazonaws.com\"]\nsource = \"https://example.com\"\n";
const ACTION: &str = "[[action]]\nservice = \"x\"\nevents = [\"A\"]\nactions = [\"x:B\"]\nsource = \"https://example.com\"\n";
const RESOURCE: &str = "[[resource]]\nprefix = \"x\"\narn = [\"arn:{a}\"]\nactions = [\"B\"]\nsource = \"https://example.com\"\n";
const DATA: &str =
    "[[data_events]]\nservice = \"x\"\ncalls = \"all\"\nsource = \"https://example.com\"\n";

#[test]
fn a_malformed_text_is_refused_with_its_reason() {
    let good = format!("{SERVICE}{ACTION}{RESOURCE}{DATA}");
    assert!(IamActions::parse("test.toml", &good).is_ok());
    for (from, to, reason) in [
        ("[[service]]", "[[servant]]", "unknown field `servant`"),
        (
            "service = \"x\"\nevents",
            "service = \"y\"\nevents",
            "y: no such service",
        ),
        ("[\"x:B\"]", "[]", "neither actions nor a reason"),
        ("[\"x:B\"]", "[\"B\"]", "has no service prefix"),
        ("https://example.com", "a book", "is no address"),
        ("arn:{a}", "arn:{a", "a brace is not closed"),
        ("arn:{a}", "arn:{a b}", "is no variable"),
        ("arn:{a}", "arn:{a[-0]}", "is no variable"),
        ("[\"arn:{a}\"]", "[]", "no template"),
        (
            "events = [\"A\"]",
            "events = [\"A\"]\nmatches = 'x'",
            "matches without when",
        ),
        (
            "events = [\"A\"]",
            "events = [\"A\"]\nwhen = \"a\"\nmatches = '('",
            "regex parse error",
        ),
        (DATA, SERVICE, "stands twice"),
    ] {
        let error = IamActions::parse("test.toml", &good.replace(from, to))
            .unwrap_err()
            .to_string();
        assert!(error.starts_with("rules test.toml: "), "{error}");
        assert!(
            error.contains(reason) || reason == "stands twice" && error.contains("missing field"),
            "{error}, expected {reason}"
        );
    }
}
