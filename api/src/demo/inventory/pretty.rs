//! Indents JSON by four spaces, as kubectl and the AWS CLI do.

const INDENT: usize = 4;

fn line(out: &mut Vec<u8>, depth: usize) {
    out.push(b'\n');
    out.resize(out.len() + depth * INDENT, b' ');
}

/// Indents texts that follow one another; each must be JSON without spaces
/// between its tokens.
pub(super) fn pretty(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len() * 2);
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    for (at, &byte) in bytes.iter().enumerate() {
        if quoted {
            out.push(byte);
            quoted = escaped || byte != b'"';
            escaped = !escaped && byte == b'\\';
            continue;
        }
        match byte {
            b'"' => {
                quoted = true;
                out.push(byte);
            }
            b'{' | b'[' => {
                out.push(byte);
                let next = bytes.get(at + 1);
                depth += 1;
                if !matches!(next, Some(b'}' | b']')) {
                    line(&mut out, depth);
                }
            }
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                if !matches!(bytes[..at].last(), Some(b'{' | b'[')) {
                    line(&mut out, depth);
                }
                out.push(byte);
                if depth == 0 {
                    out.push(b'\n');
                }
            }
            b',' if depth > 0 => {
                out.push(byte);
                line(&mut out, depth);
            }
            b':' => out.extend_from_slice(b": "),
            b',' => {}
            _ => out.push(byte),
        }
    }
    out
}
