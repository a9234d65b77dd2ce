//! Which resources a call has of whose request only a name is known.

use super::*;

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
