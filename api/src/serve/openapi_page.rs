//! The description of the API as a page: no script, nothing loaded from elsewhere.

use std::fmt::Write;

use utoipa::openapi::path::{Operation, Parameter, ParameterIn};
use utoipa::openapi::{OpenApi, RefOr};

/// Writes the page.
#[must_use]
pub(super) fn render(document: &OpenApi) -> String {
    let mut page = String::from(
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>\
         <title>podtrail API</title><main><h1>podtrail API</h1>",
    );
    let described = document.info.description.as_deref().unwrap_or_default();
    // Writing to a String cannot fail.
    let _ = write!(
        page,
        "<p>{}</p><p>For programs: <a href=/openapi.json>/openapi.json</a></p>",
        escaped(described)
    );
    for (path, item) in &document.paths.paths {
        for (method, operation) in [("GET", &item.get), ("POST", &item.post)] {
            if let Some(operation) = operation {
                write_operation(&mut page, method, path, operation);
            }
        }
    }
    page.push_str("</main></html>\n");
    page
}

fn write_operation(page: &mut String, method: &str, path: &str, operation: &Operation) {
    let _ = write!(page, "<h2>{method} <code>{}</code></h2>", escaped(path));
    for text in [&operation.summary, &operation.description]
        .into_iter()
        .flatten()
    {
        let _ = write!(page, "<p>{}</p>", escaped(text));
    }
    let parameters: Vec<&Parameter> = operation
        .parameters
        .iter()
        .flatten()
        .filter_map(|parameter| match parameter {
            RefOr::T(parameter) => Some(parameter),
            RefOr::Ref(_) => None,
        })
        .collect();
    if parameters.is_empty() {
        return;
    }
    page.push_str("<table><thead><tr><th>parameter<th>in<th>meaning</thead><tbody>");
    for parameter in parameters {
        let place = match parameter.parameter_in {
            ParameterIn::Path => "path",
            _ => "query",
        };
        let _ = write!(
            page,
            "<tr><td><code>{}</code><td>{place}<td>{}",
            escaped(&parameter.name),
            escaped(parameter.description.as_deref().unwrap_or_default())
        );
    }
    page.push_str("</tbody></table>");
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
