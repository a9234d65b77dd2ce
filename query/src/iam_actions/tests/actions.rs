//! Which actions a call needs.

use super::*;

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
