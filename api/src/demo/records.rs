//! One CloudTrail record: the members every record has, in CloudTrail's order
//! (CloudTrail User Guide, "CloudTrail record contents").

use super::account::Account;
use super::json::Json;
use super::rng::Uuid;

/// What a service writes about one request: all of a record but who called,
/// when and from where. Kept and refilled, so that a call allocates nothing.
#[derive(Debug, Default)]
pub(super) struct Shape {
    /// `eventVersion` the service writes.
    pub(super) version: &'static str,
    /// `eventSource` without `.amazonaws.com`.
    pub(super) service: &'static str,
    pub(super) name: &'static str,
    pub(super) read_only: bool,
    /// A data event, which trails carry only when told to.
    pub(super) data: bool,
    /// `eventType`; empty means `AwsApiCall`.
    pub(super) event_type: &'static str,
    pub(super) api_version: &'static str,
    /// First label of the host name; empty means `service`.
    pub(super) host: &'static str,
    /// Bucket of a virtual-hosted S3 request, else empty.
    pub(super) bucket: String,
    /// The host name has no region, and the record lands in us-east-1.
    pub(super) global: bool,
    /// IAM action, for the messages of denied calls.
    pub(super) action: &'static str,
    /// Request parameters as JSON; nothing written means `null`.
    pub(super) request: Json,
    /// Response elements as JSON; nothing written means `null`.
    pub(super) response: Json,
    /// Additional event data as JSON; nothing written means no such member.
    pub(super) additional: Json,
    /// Resource list as JSON; nothing written means no such member.
    pub(super) resources: Json,
    pub(super) error_code: &'static str,
    pub(super) error_message: String,
}

impl Shape {
    /// Starts over for an action of a service.
    pub(super) fn begin(
        &mut self,
        service: &'static str,
        name: &'static str,
        version: &'static str,
        read_only: bool,
    ) -> &mut Self {
        self.version = version;
        self.service = service;
        self.name = name;
        self.read_only = read_only;
        self.data = false;
        self.event_type = "";
        self.api_version = "";
        self.host = "";
        self.bucket.clear();
        self.global = false;
        self.action = "";
        self.request.clear();
        self.response.clear();
        self.additional.clear();
        self.resources.clear();
        self.error_code = "";
        self.error_message.clear();
        self
    }

    /// Names the one resource of the request.
    pub(super) fn resource(&mut self, account: &str, kind: &str, arn: &str) -> &mut Self {
        self.resources.open_list().open();
        self.resources
            .text("accountId", account)
            .text("type", kind)
            .text("ARN", arn);
        self.resources.close().close_list();
        self
    }

    /// Turns the call into a denied one, in the words of the service.
    pub(super) fn deny(&mut self, caller_arn: &str) {
        let action = self.action;
        self.response.clear();
        let because = format!(
            "User: {caller_arn} is not authorized to perform: {action} because no \
             identity-based policy allows the {action} action"
        );
        if self.service == "ec2" {
            self.error_code = "Client.UnauthorizedOperation";
            self.error_message =
                format!("You are not authorized to perform this operation. {because}");
        } else {
            self.error_code = if matches!(self.service, "dynamodb" | "sqs" | "kms" | "ssm") {
                "AccessDeniedException"
            } else {
                "AccessDenied"
            };
            self.error_message = because;
        }
    }

    /// Returns the host name the client asked for.
    pub(super) fn host_name(&self, region: &str) -> String {
        let host = if self.host.is_empty() {
            self.service
        } else {
            self.host
        };
        match (self.service, self.global) {
            ("signin", _) => format!("{region}.signin.aws.amazon.com"),
            ("eks-auth", _) => format!("{host}.{region}.api.aws"),
            (_, true) => format!("{host}.amazonaws.com"),
            ("s3", false) if !self.bucket.is_empty() => {
                format!("{}.{host}.{region}.amazonaws.com", self.bucket)
            }
            (_, false) => format!("{host}.{region}.amazonaws.com"),
        }
    }
}

/// Who called, when and from where.
#[derive(Debug)]
pub(super) struct Call<'a> {
    pub(super) at: i64,
    /// Account whose trail gets the record.
    pub(super) recipient: &'a Account,
    /// `awsRegion`.
    pub(super) region: &'a str,
    /// `userIdentity` as JSON.
    pub(super) identity: &'a str,
    pub(super) address: &'a str,
    /// What the address is, for the truth only.
    pub(super) address_kind: Option<&'static str>,
    pub(super) agent: &'a str,
    /// Interface or gateway endpoint that the call came through.
    pub(super) endpoint: Option<&'a str>,
    /// Host name for `tlsDetails`; `None` for calls that AWS services make.
    pub(super) host: Option<&'a str>,
    pub(super) event_id: Uuid,
    pub(super) request_id: Uuid,
    /// Present where several accounts or services see the same act.
    pub(super) shared: Option<Uuid>,
}

fn or_null(json: &Json) -> &str {
    if json.as_str().is_empty() {
        "null"
    } else {
        json.as_str()
    }
}

/// Writes the whole record.
pub(super) fn write(out: &mut Json, call: &Call<'_>, shape: &Shape) {
    out.open()
        .text("eventVersion", shape.version)
        .json("userIdentity", call.identity);
    out.time("eventTime", call.at);
    out.key("eventSource")
        .string_parts(&[shape.service, ".amazonaws.com"]);
    out.text("eventName", shape.name)
        .text("awsRegion", call.region)
        .text("sourceIPAddress", call.address);
    // S3 writes the user agent in brackets, all other services as it came.
    if shape.service == "s3" && call.host.is_some() {
        out.key("userAgent").string_parts(&["[", call.agent, "]"]);
    } else {
        out.text("userAgent", call.agent);
    }
    if !shape.error_code.is_empty() {
        out.text("errorCode", shape.error_code);
        if !shape.error_message.is_empty() {
            out.text("errorMessage", &shape.error_message);
        }
    }
    out.json("requestParameters", or_null(&shape.request));
    out.json("responseElements", or_null(&shape.response));
    if !shape.additional.as_str().is_empty() {
        out.json("additionalEventData", shape.additional.as_str());
    }
    // S3's request ids are 16 characters instead of a UUID.
    if shape.service == "s3" {
        let text = call.request_id.text().to_ascii_uppercase().replace('-', "");
        out.text("requestID", text.get(..16).unwrap_or(&text));
    } else {
        out.uuid("requestID", call.request_id);
    }
    out.uuid("eventID", call.event_id)
        .bool("readOnly", shape.read_only);
    write_tail(out, call, shape);
    out.close();
}

fn write_tail(out: &mut Json, call: &Call<'_>, shape: &Shape) {
    if !shape.resources.as_str().is_empty() {
        out.json("resources", shape.resources.as_str());
    }
    let event_type = if shape.event_type.is_empty() {
        "AwsApiCall"
    } else {
        shape.event_type
    };
    out.text("eventType", event_type);
    if !shape.api_version.is_empty() {
        out.text("apiVersion", shape.api_version);
    }
    out.bool("managementEvent", !shape.data)
        .text("recipientAccountId", &call.recipient.id);
    if let Some(shared) = call.shared {
        out.uuid("sharedEventID", shared);
    }
    if let Some(endpoint) = call.endpoint {
        out.text("vpcEndpointId", endpoint);
        if shape.version != "1.08" {
            out.text("vpcEndpointAccountId", &call.recipient.id);
        }
    }
    out.text(
        "eventCategory",
        if shape.data { "Data" } else { "Management" },
    );
    if let Some(host) = call.host {
        out.object("tlsDetails")
            .text("tlsVersion", "TLSv1.3")
            .text("cipherSuite", "TLS_AES_128_GCM_SHA256")
            .text("clientProvidedHostHeader", host)
            .close();
    }
}

#[cfg(test)]
mod tests;
