//! The log on standard error, and spans for a collector.

use std::io::IsTerminal;
use std::time::Duration;

use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{SpanExporter, WithExportConfig};
use opentelemetry_sdk::trace::SdkTracerProvider;
use opentelemetry_sdk::trace::span_processor_with_async_runtime::BatchSpanProcessor;
use opentelemetry_sdk::{Resource, runtime};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use super::{Color, Global, LogFormat};

/// Spans that a collector gets: requests, and what they did.
const SPANS: &str = "off,podtrail=info,podtrail_api=info,podtrail_query=info,podtrail_ingest=info";

/// How long a collector may take for a batch of spans.
const EXPORT_TIME: Duration = Duration::from_secs(10);

/// Spans on their way to a collector.
#[derive(Debug)]
pub(crate) struct Spans(SdkTracerProvider);

impl Spans {
    /// Sends what is left.
    pub(crate) fn end(&self) {
        if let Err(error) = self.0.shutdown() {
            super::say(&format!("podtrail: spans not sent: {error}"));
        }
    }
}

/// Starts the log on standard error and, where a collector is named, the sending of spans to it.
///
/// # Errors
/// For the address of a collector that is none.
pub(crate) fn start(global: &Global) -> anyhow::Result<Option<Spans>> {
    let filter = EnvFilter::builder().parse_lossy(&global.log);
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let lines = match global.log_format {
        LogFormat::Json => lines.json().with_filter(filter).boxed(),
        LogFormat::Text => lines
            .with_ansi(use_color(global))
            .with_filter(filter)
            .boxed(),
    };
    let registry = tracing_subscriber::registry().with(lines);
    let Some(endpoint) = &global.otlp_endpoint else {
        registry.init();
        return Ok(None);
    };
    let provider = provider(endpoint)?;
    let spans = tracing_opentelemetry::layer()
        .with_tracer(provider.tracer("podtrail"))
        .with_filter(EnvFilter::builder().parse_lossy(SPANS));
    registry.with(spans).init();
    Ok(Some(Spans(provider)))
}

fn provider(endpoint: &str) -> anyhow::Result<SdkTracerProvider> {
    let refused = |reason: String| {
        podtrail_ingest::Error::InvalidInput(format!("--otlp-endpoint {endpoint}: {reason}"))
    };
    let url: reqwest::Url = endpoint
        .parse()
        .map_err(|error| refused(format!("{error}")))?;
    // The specification's path for traces, below whatever the user names.
    let url = format!("{}/v1/traces", url.as_str().trim_end_matches('/'));
    let exporter = SpanExporter::builder()
        .with_http()
        .with_endpoint(url)
        .with_timeout(EXPORT_TIME)
        .build()
        .map_err(|error| refused(error.to_string()))?;
    let resource = Resource::builder()
        .with_service_name("podtrail")
        .with_attribute(opentelemetry::KeyValue::new(
            "service.version",
            env!("CARGO_PKG_VERSION"),
        ))
        .build();
    let processor = BatchSpanProcessor::builder(exporter, runtime::Tokio).build();
    Ok(SdkTracerProvider::builder()
        .with_span_processor(processor)
        .with_resource(resource)
        .build())
}

fn use_color(global: &Global) -> bool {
    match global.color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none(),
    }
}
