//! Which resources a call names in its request.

use serde_json::json;

use super::*;

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
