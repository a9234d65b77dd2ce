//! Merges sorted data files into one sorted stream of rows, a bounded piece at a time.
//!
//! Of every file one batch is held. The smallest of the batches' last keys bounds what can be given away: no row that
//! is yet to be read sorts before it. So all rows up to it are taken, sorted and handed over, and the batch that ended
//! there is followed by the file's next. Memory is that of one batch per file, whatever the files hold.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;
use arrow::row::{RowConverter, Rows, SortField};
use futures::{StreamExt, TryStreamExt};
use object_store::ObjectStore;

use crate::datafile::{self, FileInfo, RowStream};
use crate::error::Result;
use crate::schema::Table;

/// Rows held of all files together.
const HELD_ROWS: usize = 65_536;

/// Fewest and most rows of one batch of one file.
const BATCH_ROWS: std::ops::RangeInclusive<usize> = 256..=8_192;

/// Bytes of rows held of all files together, by what the files' averages let expect.
const HELD_BYTES: u64 = 96 << 20;

/// How much larger rows are in memory than in a file, about.
const ROW_INFLATION: u64 = 16;

/// Files opened at the same time.
const OPENED_AT_ONCE: usize = 16;

/// A file and the batch of it that is held.
struct Input {
    rows: RowStream,
    held: Option<Held>,
}

struct Held {
    batch: RecordBatch,
    keys: Rows,
    /// Rows before this one are given away.
    at: usize,
}

async fn open(
    objects: Arc<dyn ObjectStore>,
    file: FileInfo,
    schema: SchemaRef,
    batch_rows: usize,
) -> Result<Input> {
    let rows = datafile::rows(&objects, &file, &schema, batch_rows).await?;
    Ok(Input { rows, held: None })
}

/// The rows of some files in the order of the table.
pub(super) struct Merge {
    table: &'static Table,
    schema: SchemaRef,
    converter: RowConverter,
    inputs: Vec<Input>,
}

impl Merge {
    /// Opens files for reading the columns of `schema`, which must hold those that the table is sorted by.
    pub(super) async fn open(
        table: &'static Table,
        objects: &Arc<dyn ObjectStore>,
        files: &[&FileInfo],
        schema: SchemaRef,
    ) -> Result<Self> {
        let batch_rows = batch_rows(files);
        let opening: Vec<_> = files
            .iter()
            .map(|&file| {
                let (objects, schema) = (Arc::clone(objects), Arc::clone(&schema));
                open(objects, file.clone(), schema, batch_rows)
            })
            .collect();
        let inputs = futures::stream::iter(opening)
            .buffered(OPENED_AT_ONCE)
            .try_collect()
            .await?;
        let fields = table
            .sort
            .iter()
            .map(|name| {
                let field = schema.field_with_name(name)?;
                Ok(SortField::new(field.data_type().clone()))
            })
            .collect::<Result<Vec<_>>>()?;
        Ok(Self {
            table,
            schema,
            converter: RowConverter::new(fields)?,
            inputs,
        })
    }

    /// Gives the next rows; `None` after the last.
    pub(super) async fn next(&mut self) -> Result<Option<RecordBatch>> {
        self.fill().await?;
        let Some(pieces) = self.take() else {
            return Ok(None);
        };
        let (table, schema) = (self.table, Arc::clone(&self.schema));
        let rows = tokio::task::spawn_blocking(move || match pieces.as_slice() {
            [one] => Ok(one.clone()),
            several => datafile::sorted(table, &concat_batches(&schema, several)?),
        });
        rows.await?.map(Some)
    }

    /// Reads on where a batch is given away, and closes files that are at their end.
    async fn fill(&mut self) -> Result<()> {
        for input in &mut self.inputs {
            while input.held.is_none() {
                let Some(batch) = input.rows.next().await? else {
                    break;
                };
                if batch.num_rows() == 0 {
                    continue;
                }
                let columns = self
                    .table
                    .sort
                    .iter()
                    .map(|name| Ok(Arc::clone(batch.column(batch.schema().index_of(name)?))))
                    .collect::<Result<Vec<_>>>()?;
                let keys = self.converter.convert_columns(&columns)?;
                input.held = Some(Held { batch, keys, at: 0 });
            }
        }
        self.inputs.retain(|input| input.held.is_some());
        Ok(())
    }

    /// Takes what no row that is yet to be read can sort before.
    fn take(&mut self) -> Option<Vec<RecordBatch>> {
        let last = |held: &Held| held.keys.row(held.keys.num_rows() - 1).owned();
        let (bounding, bound) = self
            .inputs
            .iter()
            .enumerate()
            .filter_map(|(at, input)| Some((at, last(input.held.as_ref()?))))
            .min_by(|one, other| one.1.cmp(&other.1))?;
        let mut pieces = Vec::new();
        for (at, input) in self.inputs.iter_mut().enumerate() {
            let Some(held) = &mut input.held else {
                continue;
            };
            let all = held.keys.num_rows();
            let mut end = held.at;
            // The batch that bounds goes whole, also where a file is not sorted as it should be.
            if at == bounding {
                end = all;
            }
            while end < all && held.keys.row(end) <= bound.row() {
                end += 1;
            }
            if end > held.at {
                pieces.push(held.batch.slice(held.at, end - held.at));
            }
            held.at = end;
            if end == all {
                input.held = None;
            }
        }
        Some(pieces)
    }
}

/// Rows of one batch, so that all that are held stay within the bounds.
fn batch_rows(files: &[&FileInfo]) -> usize {
    let rows: u64 = files.iter().map(|file| file.rows).sum();
    let bytes: u64 = files.iter().map(|file| file.size).sum();
    let row_bytes = (ROW_INFLATION * bytes / rows.max(1)).max(1);
    let by_bytes = usize::try_from(HELD_BYTES / row_bytes).unwrap_or(usize::MAX);
    let each = HELD_ROWS.min(by_bytes) / files.len().max(1);
    each.clamp(*BATCH_ROWS.start(), *BATCH_ROWS.end())
}
