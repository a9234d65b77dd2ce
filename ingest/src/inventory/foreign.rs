//! Files that are no JSON at all, told by their first bytes.

/// Reason and advice for a text that some command prints and that is not JSON; `None` for text that may
/// be JSON.
pub(super) fn refused(data: &[u8]) -> Option<(&'static str, &'static str)> {
    if let Some(refused) = binary(data) {
        return Some(refused);
    }
    let text = data.strip_prefix(b"\xef\xbb\xbf").unwrap_or(data);
    let text = text.trim_ascii_start();
    let line = text.split(|byte| *byte == b'\n').next()?;
    let line = std::str::from_utf8(&line[..line.len().min(1024)]).unwrap_or_default();
    let first = line.split_whitespace().next()?;
    if first.starts_with(['{', '[', '"']) {
        return None;
    }
    if first.starts_with('<') {
        return Some((
            "html",
            "a web page or XML: save the output of the command itself",
        ));
    }
    if first.starts_with("----") || first.starts_with('|') {
        return Some((
            "aws_table",
            "an AWS CLI table: run the command with --output json",
        ));
    }
    if is_yaml(line, first) {
        return Some((
            "yaml",
            "YAML: run kubectl with -o json, the AWS CLI with --output json",
        ));
    }
    if is_table(line, first) {
        return Some((
            "kubectl_table",
            "a kubectl table: run the command with -o json",
        ));
    }
    if is_message(line) {
        let advice = "a message of the command instead of its output: run it again, with -o json";
        return Some(("command_message", advice));
    }
    if line.contains('\t') && first.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return Some((
            "aws_text",
            "AWS CLI text: run the command with --output json",
        ));
    }
    None
}

fn binary(data: &[u8]) -> Option<(&'static str, &'static str)> {
    const ARCHIVES: [&[u8]; 7] = [
        b"PK\x03\x04",
        b"\x28\xb5\x2f\xfd",
        b"BZh",
        b"\xfd7zXZ\x00",
        b"7z\xbc\xaf\x27\x1c",
        b"PAR1",
        b"\x1f\x8b",
    ];
    if ARCHIVES.iter().any(|magic| data.starts_with(magic)) {
        return Some((
            "unsupported_archive",
            "a container that is not opened: unpack it, or compress with gzip",
        ));
    }
    let utf16 = matches!(
        data,
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [b'{' | b'[', 0, ..] | [0, b'{' | b'[', ..]
    );
    utf16.then_some((
        "utf16",
        "UTF-16 text, as older PowerShell redirects it: write the output as UTF-8",
    ))
}

fn is_yaml(line: &str, first: &str) -> bool {
    let key = first
        .strip_suffix(':')
        .is_some_and(|key| !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    let level = ["error:", "Error:", "Warning:", "warning:", "fatal:"].contains(&first);
    line.trim_end() == "---" || first == "-" || first == "%YAML" || key && !level
}

fn is_table(line: &str, first: &str) -> bool {
    ["NAME", "NAMESPACE", "LAST"].contains(&first)
        && line.bytes().all(|byte| !byte.is_ascii_lowercase())
}

fn is_message(line: &str) -> bool {
    const MESSAGES: [&str; 8] = [
        "No resources found",
        "error:",
        "Error from server",
        "Error: ",
        "An error occurred (",
        "Unable to ",
        "The connection to the server",
        "You must be logged in",
    ];
    MESSAGES.iter().any(|message| line.starts_with(message))
}
