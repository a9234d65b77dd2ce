use super::*;

const ANSWER: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<DescribeInstancesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">
  <requestId>8f7724cf-496f-496e-8fe3-example</requestId>
  <reservationSet>
    <item>
      <reservationId>r-1</reservationId><ownerId>111122223333</ownerId><groupSet/>
      <instancesSet>
        <item>
          <instanceId>i-0aa</instanceId><imageId>ami-1</imageId>
          <instanceState><code>16</code><name>running</name></instanceState>
          <privateDnsName>ip-10-0-0-1.ec2.internal</privateDnsName><reason/>
          <launchTime>2025-01-01T00:00:00.000Z</launchTime>
          <placement><availabilityZone>us-east-1a</availabilityZone><tenancy>default</tenancy></placement>
          <subnetId>subnet-1</subnetId><vpcId>vpc-1</vpcId>
          <privateIpAddress>10.0.0.1</privateIpAddress><ipAddress>198.51.100.7</ipAddress>
          <tagSet>
            <item><key>eks:cluster-name</key><value>dev &amp; test</value></item>
            <item><key>owner</key><value>s3cr3t</value></item>
          </tagSet>
          <networkInterfaceSet><item>
            <privateIpAddressesSet>
              <item><privateIpAddress>10.0.0.1</privateIpAddress></item>
              <item><privateIpAddress>10.0.0.9</privateIpAddress></item>
            </privateIpAddressesSet>
            <ipv6AddressesSet><item><ipv6Address>fd00::9</ipv6Address></item></ipv6AddressesSet>
          </item></networkInterfaceSet>
          <iamInstanceProfile><arn>arn:aws:iam::111122223333:instance-profile/nodes</arn><id>AIPAEXAMPLE</id></iamInstanceProfile>
          <metadataOptions><state>applied</state><httpTokens>required</httpTokens>
            <httpPutResponseHopLimit>2</httpPutResponseHopLimit><httpEndpoint>enabled</httpEndpoint></metadataOptions>
          <operator><managed>true</managed><principal>eks.amazonaws.com</principal></operator>
        </item>
        <item><instanceId>i-0bb</instanceId><instanceState><name>terminated</name></instanceState>
          <reason>User initiated (2025-05-01 10:20:30 GMT)</reason><tagSet/><networkInterfaceSet/></item>
      </instancesSet>
    </item>
    <item><ownerId>444455556666</ownerId><instancesSet><item><instanceId>i-0cc</instanceId></item></instancesSet></item>
  </reservationSet>
</DescribeInstancesResponse>"#;

#[test]
fn instances_as_the_cli_prints_them() {
    let page = page(ANSWER).unwrap();
    assert_eq!(page.next, None);
    let ids: Vec<_> = page
        .instances()
        .filter_map(|each| each.id.as_deref())
        .collect();
    assert_eq!(ids, ["i-0aa", "i-0bb", "i-0cc"]);
    let value = page.json();
    assert_eq!(
        value["Reservations"][0]["Instances"][0],
        json!({"InstanceId": "i-0aa", "State": {"Name": "running"}, "StateTransitionReason": "",
            "LaunchTime": "2025-01-01T00:00:00.000Z", "Placement": {"AvailabilityZone": "us-east-1a"},
            "PrivateDnsName": "ip-10-0-0-1.ec2.internal", "PrivateIpAddress": "10.0.0.1",
            "PublicIpAddress": "198.51.100.7", "SubnetId": "subnet-1", "VpcId": "vpc-1",
            "IamInstanceProfile": {"Arn": "arn:aws:iam::111122223333:instance-profile/nodes"},
            "NetworkInterfaces": [{"PrivateIpAddresses": [{"PrivateIpAddress": "10.0.0.1"}, {"PrivateIpAddress": "10.0.0.9"}],
                "Ipv6Addresses": [{"Ipv6Address": "fd00::9"}]}],
            "Tags": [{"Key": "eks:cluster-name", "Value": "dev & test"}],
            "MetadataOptions": {"HttpTokens": "required", "HttpPutResponseHopLimit": 2, "HttpEndpoint": "enabled"},
            "Operator": {"Principal": "eks.amazonaws.com"}})
    );
    assert_eq!(value["Reservations"][1]["OwnerId"], "444455556666");
    // Filtered: no complete list.
    assert_eq!(value["NextToken"], "filtered");
    assert!(!value.to_string().contains("s3cr3t"));
}

#[test]
fn pages_empty_answers_and_broken_ones() {
    let start = "<DescribeInstancesResponse><reservationSet/>";
    let next = page(&format!(
        "{start}<nextToken>abc</nextToken></DescribeInstancesResponse>"
    ));
    let next = next.unwrap();
    assert_eq!(
        (next.next.as_deref(), next.instances().count()),
        (Some("abc"), 0)
    );
    assert_eq!(next.json()["NextToken"], "abc");
    assert!(page(start).is_err());
    assert!(page("<html>s3cr3t</html>").is_err_and(|error| !error.contains("s3cr3t")));
    assert!(page("").is_err());
}

#[test]
fn refusals() {
    let text = "<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>You are not \
                authorized</Message></Error></Errors><RequestID>x</RequestID></Response>";
    assert_eq!(
        refusal(text),
        (
            "UnauthorizedOperation".to_owned(),
            "You are not authorized".to_owned()
        )
    );
    assert_eq!(
        refusal("<html>"),
        ("no error code".to_owned(), String::new())
    );
}
