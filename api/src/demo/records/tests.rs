use super::*;

#[test]
fn denied_calls_use_the_words_of_the_service() {
    for (service, action, code, start) in [
        (
            "ec2",
            "ec2:DescribeVpcs",
            "Client.UnauthorizedOperation",
            "You are not authorized",
        ),
        (
            "s3",
            "s3:ListAllMyBuckets",
            "AccessDenied",
            "User: arn is not authorized",
        ),
        (
            "kms",
            "kms:Decrypt",
            "AccessDeniedException",
            "User: arn is not authorized",
        ),
    ] {
        let mut shape = Shape::default();
        shape.begin(service, "Any", "1.08", true).action = action;
        shape.deny("arn");
        assert_eq!(shape.error_code, code);
        assert!(shape.error_message.starts_with(start) && shape.error_message.contains(action));
    }
}

#[test]
fn host_names() {
    let mut shape = Shape::default();
    shape.begin("eks-auth", "AssumeRoleForPodIdentity", "1.09", true);
    assert_eq!(shape.host_name("us-west-2"), "eks-auth.us-west-2.api.aws");
    shape.begin("sts", "GetCallerIdentity", "1.08", true);
    assert_eq!(shape.host_name("us-west-2"), "sts.us-west-2.amazonaws.com");
    shape.global = true;
    assert_eq!(shape.host_name("us-west-2"), "sts.amazonaws.com");
}
