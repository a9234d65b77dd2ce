//! `podtrail demo`.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, Duration, DurationRound, Utc};
use podtrail_ingest::inventory;
use podtrail_ingest::source::Source;
use podtrail_ingest::source::local::LocalFiles;
use podtrail_ingest::store::Store;
use podtrail_query::report::Report;
use podtrail_query::{Engine, Filter, Limits};

use super::serve::Serve;
use super::{Exit, Global, ingest, output, say};
use podtrail_api::demo::{DemoOptions, DemoSummary, FolderOutput, generate};

#[derive(Debug, clap::Args)]
pub(crate) struct Demo {
    /// Folder to keep the trail, its truth and the store in; a temporary one without it
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
    /// Decides every random choice
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// End of the history, RFC 3339; the last full hour without it
    #[arg(long, value_name = "TIME")]
    end: Option<DateTime<Utc>>,
    /// Length of the history, in hours
    #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u32).range(1..=8_784))]
    hours: u32,
    /// Clusters
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    clusters: u32,
    /// About how many events to make; the small demo without it
    #[arg(long)]
    events: Option<u64>,
    /// Minutes between two looks at what runs; 0 for a demo without inventory
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(0..=1_440))]
    inventory_every: u32,
    /// Days of history of two small clusters beside it, whose node roles show what else can be said of hop limit 1; 0 for
    /// none. 9 for a demo of one cluster and a day, else 0
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(0..=366))]
    longer_days: Option<u32>,
    /// Only generate: write <FOLDER>/trail, <FOLDER>/inventory and <FOLDER>/truth
    #[arg(long, requires = "folder")]
    generate_only: bool,
    /// End after the reports, and serve nothing
    #[arg(long)]
    no_serve: bool,
    /// Address to serve at: a loopback one
    #[arg(
        long,
        env = "PODTRAIL_LISTEN",
        default_value = "127.0.0.1:8080",
        value_name = "ADDRESS"
    )]
    listen: SocketAddr,
}

impl Demo {
    pub(crate) async fn run(self, global: &Global) -> anyhow::Result<Exit> {
        let temporary;
        let folder = if let Some(folder) = &self.folder {
            folder.clone()
        } else {
            temporary = tempfile::Builder::new()
                .prefix("podtrail-demo-")
                .tempdir()?;
            temporary.path().to_owned()
        };
        let options = self.options()?;
        let made = make(&folder, options).await?;
        if !global.quiet {
            say(&format!(
                "generated {} events of accounts with EKS clusters, in {} objects: {}",
                made.events,
                made.objects,
                folder.join("trail").display()
            ));
        }
        if self.generate_only {
            return Ok(Exit::Ok);
        }
        self.show(&folder, global).await
    }

    fn options(&self) -> anyhow::Result<DemoOptions> {
        let end = match self.end {
            Some(end) => end,
            None => Utc::now().duration_trunc(Duration::hours(1))?,
        };
        Ok(DemoOptions {
            seed: self.seed,
            end,
            duration: Duration::hours(self.hours.into()),
            clusters: self.clusters,
            events: self.events,
            records_per_file: None,
            inventory_every: (self.inventory_every > 0)
                .then(|| Duration::minutes(self.inventory_every.into())),
            longer: self.longer(),
        })
    }

    /// Length of the longer history beside the demo's. One whose size is chosen is left alone.
    fn longer(&self) -> Option<Duration> {
        let small = self.hours == 24
            && self.clusters == 1
            && self.events.is_none()
            && self.inventory_every > 0;
        let days = self.longer_days.unwrap_or(if small { 9 } else { 0 });
        (days > 0).then(|| Duration::days(days.into()))
    }

    async fn show(&self, folder: &Path, global: &Global) -> anyhow::Result<Exit> {
        let store = fill(folder, global).await?;
        let session = Engine::new(store, &Limits::new(super::cores()))?
            .session()
            .await?;
        for report in Report::ALL {
            if !global.quiet {
                say(&format!("\n{}: {}", report.name(), report.title()));
            }
            output::print(global, report.run(&session, &Filter::default()).await?).await?;
        }
        drop(session);
        let place = folder.join("store");
        if !self.no_serve {
            let global = Global {
                store: place.to_string_lossy().into_owned(),
                ..global.clone()
            };
            if !global.quiet {
                say("\nthe same over HTTP, and for psql and the like, until you press Ctrl-C:");
            }
            return Box::pin(Serve::at(self.listen)?.run(&global)).await;
        }
        if !global.quiet {
            match &self.folder {
                Some(_) => say(&format!(
                    "\nlook further: podtrail --store {} sql",
                    place.display()
                )),
                None => say(
                    "\nthe demo's store is gone now; keep one with: podtrail demo --folder FOLDER",
                ),
            }
        }
        Ok(Exit::Ok)
    }
}

/// Generates a history into a folder.
pub(crate) async fn make(folder: &Path, options: DemoOptions) -> anyhow::Result<DemoSummary> {
    let folder = folder.to_owned();
    tokio::task::spawn_blocking(move || {
        let mut out = FolderOutput::create(&folder)?;
        let made = generate(&options, &mut out)?;
        out.finish()?;
        Ok(made)
    })
    .await?
}

/// Ingests the trail of a demo's folder, imports its inventory, and gives the store.
pub(crate) async fn fill(folder: &Path, global: &Global) -> anyhow::Result<Store> {
    let place = folder.join("store");
    let store = Store::folder(&place, true)?;
    let trail = folder.join("trail");
    let source: Arc<dyn Source> = Arc::new(LocalFiles::new(&trail.to_string_lossy(), None)?);
    let start = std::time::Instant::now();
    let total = ingest::ingest(&store, vec![source], global).await?;
    if !global.quiet {
        for line in ingest::summary_lines(&total, start.elapsed()) {
            say(&line);
        }
    }
    let observed = folder.join("inventory");
    if observed.is_dir() {
        let options = inventory::Options {
            now: Utc::now().timestamp_micros(),
            ..inventory::Options::default()
        };
        let imported = inventory::import_into(&store, vec![observed], options).await?;
        if !global.quiet {
            for line in super::inventory::summary_lines(&imported) {
                say(&line);
            }
        }
    }
    Ok(store)
}
