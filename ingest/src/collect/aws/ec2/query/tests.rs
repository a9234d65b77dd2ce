use super::*;

#[test]
fn endpoints_by_partition() {
    for (region, fips, expected) in [
        ("eu-west-1", false, "https://ec2.eu-west-1.amazonaws.com"),
        (
            "us-east-1",
            true,
            "https://ec2-fips.us-east-1.amazonaws.com",
        ),
        (
            "cn-north-1",
            false,
            "https://ec2.cn-north-1.amazonaws.com.cn",
        ),
        (
            "us-gov-west-1",
            false,
            "https://ec2.us-gov-west-1.amazonaws.com",
        ),
        (
            "us-isob-east-1",
            false,
            "https://ec2.us-isob-east-1.sc2s.sgov.gov",
        ),
        (
            "eusc-de-east-1",
            false,
            "https://ec2.eusc-de-east-1.amazonaws.eu",
        ),
    ] {
        assert_eq!(endpoint(region, fips), expected);
    }
}

#[test]
fn forms_are_encoded_and_requests_show_no_signature() {
    let members = [(
        "Filter.1.Value.1".to_owned(),
        "kubernetes.io/cluster/a b".to_owned(),
    )];
    assert_eq!(
        form("DescribeInstances", &members),
        "Action=DescribeInstances&Version=2016-11-15&Filter.1.Value.1=kubernetes.io%2Fcluster%2Fa%20b"
    );
    let signed = Signed {
        headers: vec![("x-amz-security-token".to_owned(), "s3cr3t".to_owned())],
        body: "Action=DescribeInstances".to_owned(),
    };
    assert!(!format!("{signed:?}").contains("s3cr3t"));
}
