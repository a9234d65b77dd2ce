//! Windows within a statement's memory.
//!
//! A window holds rows until it can tell what is asked of them: some hold all of them. What it holds is told from the
//! rows that have gone in and not come out; a statement whose windows need too much is refused.

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{ArrayRef, RecordBatch};
use arrow::compute::SortColumn;
use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::common::utils::evaluate_partition_ranges;
use datafusion::error::Result as DfResult;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::logical_expr::{WindowFrameBound, WindowFrameUnits};
use datafusion::physical_expr::window::{PlainAggregateWindowExpr, SlidingAggregateWindowExpr};
use datafusion::physical_plan::windows::{BoundedWindowAggExec, WindowAggExec};
use datafusion::physical_plan::{
    ExecutionPlan, ExecutionPlanProperties, WindowExpr, replace_children_if_necessary,
};

use super::through::{Through, checked, in_pieces};
use crate::widths::{batch_bytes, widths};

/// Bytes of a number or time that a window gives for a row.
const NUMBER_BYTES: usize = 16;

/// Makes a window account for its rows: one that holds all of them, or those that it still needs.
pub(super) fn accounted(node: &Arc<dyn ExecutionPlan>) -> DfResult<Option<Arc<dyn ExecutionPlan>>> {
    let (functions, holds_all) = if let Some(window) = node.downcast_ref::<WindowAggExec>() {
        (window.window_expr(), true)
    } else if let Some(window) = node.downcast_ref::<BoundedWindowAggExec>() {
        (window.window_expr(), false)
    } else {
        return Ok(None);
    };
    // One for each partition of the plan.
    let ledgers: Arc<[Mutex<Ledger>]> = (0..node.output_partitioning().partition_count())
        .map(|_| Mutex::new(Ledger::new(functions, holds_all)))
        .collect();
    let inputs = node.children().into_iter().map(|input| {
        let ledgers = Arc::clone(&ledgers);
        Through::over(
            Arc::clone(input),
            "AccountedRows",
            move |place, rows, context| {
                let consumer = MemoryConsumer::new("window");
                let reservation = consumer.register(context.memory_pool());
                open(&ledgers, place, |ledger| ledger.begin(reservation));
                let ledgers = Arc::clone(&ledgers);
                checked(rows, move |batch| {
                    open(&ledgers, place, |ledger| ledger.take(batch)).unwrap_or(Ok(()))
                })
            },
        )
    });
    let window = replace_children_if_necessary(Arc::clone(node), inputs.collect())?;
    let accounted = Through::over(window, "AccountedWindow", move |place, rows, context| {
        let ledgers = Arc::clone(&ledgers);
        // Some give all rows at once: what is done with them is bounded by batches, and the rows are there until the
        // last has been taken.
        let pieces = in_pieces(rows, context.session_config().batch_size());
        checked(pieces, move |batch| {
            open(&ledgers, place, |ledger| ledger.give(batch.num_rows()));
            Ok(())
        })
    });
    Ok(Some(accounted))
}

fn open<T>(
    ledgers: &[Mutex<Ledger>],
    place: usize,
    look: impl FnOnce(&mut Ledger) -> T,
) -> Option<T> {
    let ledger = ledgers.get(place)?;
    // What a panic left behind is still a count.
    let mut ledger = ledger.lock().unwrap_or_else(PoisonError::into_inner);
    Some(look(&mut ledger))
}

/// What one function gives for a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gives {
    /// A number or a time.
    Number,
    /// One of the values that there are.
    Value,
    /// All the values that it looks at.
    Collection,
}

/// A function, and what it has seen of its partition.
#[derive(Debug, Clone)]
struct Function {
    window: Arc<dyn WindowExpr>,
    gives: Gives,
    /// Rows that it looks at for each, where that is known.
    frame_rows: Option<usize>,
    /// Rows that it holds though they have been given: as it may come back to them.
    held_rows: usize,
    collected: usize,
    widest: usize,
}

impl Function {
    fn of(window: &Arc<dyn WindowExpr>) -> Self {
        let frame = window.get_window_frame();
        let is_rows = frame.units == WindowFrameUnits::Rows;
        let rows = |bound: &WindowFrameBound| match bound {
            WindowFrameBound::CurrentRow => Some(0),
            WindowFrameBound::Preceding(ScalarValue::UInt64(Some(rows)))
            | WindowFrameBound::Following(ScalarValue::UInt64(Some(rows)))
                if is_rows =>
            {
                usize::try_from(*rows).ok()
            }
            _ => None,
        };
        let (before, after) = (rows(&frame.start_bound), rows(&frame.end_bound));
        let comes_back = matches!(frame.start_bound, WindowFrameBound::Preceding(_))
            && !frame.start_bound.is_unbounded();
        Self {
            gives: Gives::of(window),
            frame_rows: before
                .zip(after)
                .filter(|_| is_rows)
                .map(|(before, after)| before.saturating_add(after).saturating_add(1)),
            held_rows: if comes_back {
                before.unwrap_or(usize::MAX)
            } else {
                0
            },
            window: Arc::clone(window),
            collected: 0,
            widest: 0,
        }
    }

    fn forget(&mut self) {
        (self.collected, self.widest) = (0, 0);
    }

    fn look_at(&mut self, widths: &[usize]) {
        let sum: usize = widths.iter().sum();
        self.collected = self.collected.saturating_add(sum);
        self.widest = widths.iter().copied().fold(self.widest, usize::max);
    }

    /// Bytes that it gives for a row at most.
    fn bytes(&self) -> usize {
        match self.gives {
            Gives::Number => NUMBER_BYTES,
            Gives::Value => self.widest,
            Gives::Collection => self.frame_rows.map_or(self.collected, |rows| {
                self.collected.min(rows.saturating_mul(self.widest))
            }),
        }
    }
}

impl Gives {
    fn of(window: &Arc<dyn WindowExpr>) -> Self {
        let Ok(field) = window.field() else {
            return Self::Value;
        };
        let kind = field.data_type();
        if kind.primitive_width().is_some() || *kind == DataType::Boolean {
            return Self::Number;
        }
        let is_list = matches!(kind, DataType::List(_) | DataType::LargeList(_));
        let window = window.as_any();
        let aggregate = window
            .downcast_ref::<PlainAggregateWindowExpr>()
            .map(PlainAggregateWindowExpr::get_aggregate_expr)
            .or_else(|| {
                window
                    .downcast_ref::<SlidingAggregateWindowExpr>()
                    .map(SlidingAggregateWindowExpr::get_aggregate_expr)
            });
        match aggregate {
            Some(aggregate) if is_list || aggregate.fun().name() == "string_agg" => {
                Self::Collection
            }
            _ => Self::Value,
        }
    }
}

/// Accounts for the rows that have gone into a window and not come out.
#[derive(Debug)]
struct Ledger {
    functions: Vec<Function>,
    holds_all: bool,
    taken: usize,
    taken_bytes: usize,
    given: usize,
    /// Rows of the partition that they go into now, and its key.
    rows: usize,
    key: Vec<ScalarValue>,
    /// Bytes that will be made for partitions before it.
    made: usize,
    /// Bytes of all rows with what is made for them: where all are held, they come out together.
    given_at_once: usize,
    reservation: Option<MemoryReservation>,
}

impl Ledger {
    fn new(functions: &[Arc<dyn WindowExpr>], holds_all: bool) -> Self {
        Self {
            functions: functions.iter().map(Function::of).collect(),
            holds_all,
            taken: 0,
            taken_bytes: 0,
            given: 0,
            rows: 0,
            key: Vec::new(),
            made: 0,
            given_at_once: 0,
            reservation: None,
        }
    }

    /// Begins anew: parts of recursive statements are run again and again.
    fn begin(&mut self, reservation: MemoryReservation) {
        (self.taken, self.taken_bytes, self.given) = (0, 0, 0);
        (self.rows, self.made, self.given_at_once) = (0, 0, 0);
        self.key.clear();
        self.functions.iter_mut().for_each(Function::forget);
        self.reservation = Some(reservation);
    }

    fn take(&mut self, batch: &RecordBatch) -> DfResult<()> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        self.taken += batch.num_rows();
        self.taken_bytes = self.taken_bytes.saturating_add(batch_bytes(batch));
        let widest = self.look_at(batch)?;
        let made = if self.holds_all {
            self.made.saturating_add(self.of_partition())
        } else {
            widest.saturating_mul(self.taken.saturating_sub(self.given))
        };
        let held = self.held();
        let bytes = held.saturating_add(made);
        self.given_at_once = (held / 2).saturating_add(made);
        match &self.reservation {
            Some(reservation) => reservation.try_resize(bytes),
            None => Ok(()),
        }
    }

    fn give(&mut self, rows: usize) {
        self.given = self.given.saturating_add(rows);
        let bytes = match self.taken.saturating_sub(self.given) {
            0 if self.holds_all => 0,
            _ if self.holds_all => self.given_at_once,
            _ => self.held(),
        };
        if let Some(reservation) = &self.reservation {
            reservation.resize(bytes.min(reservation.size()));
        }
    }

    /// Bytes of the rows that are held. They are copied once into one batch.
    fn held(&self) -> usize {
        let comes_back = self.functions.iter().map(|function| function.held_rows);
        let before = comes_back.max().unwrap_or(0).min(self.given);
        let rows = self.taken.saturating_sub(self.given);
        let rows = if self.holds_all {
            rows
        } else {
            rows.saturating_add(before)
        };
        let of_a_row = self.taken_bytes.div_ceil(self.taken.max(1));
        of_a_row.saturating_mul(rows).saturating_mul(2)
    }

    /// Bytes that will be made for the rows of the partition so far.
    fn of_partition(&self) -> usize {
        self.of_a_row().saturating_mul(self.rows)
    }

    fn of_a_row(&self) -> usize {
        let functions = self.functions.iter().map(Function::bytes);
        functions.fold(0, usize::saturating_add)
    }

    /// Looks at what the functions are given, partition by partition, and gives the most bytes that a row makes.
    fn look_at(&mut self, batch: &RecordBatch) -> DfResult<usize> {
        let counts = |function: &Function| function.gives == Gives::Number;
        if self.functions.iter().all(counts) {
            self.rows += batch.num_rows();
            return Ok(self.of_a_row());
        }
        let arguments = self
            .functions
            .iter()
            .map(|function| argument_widths(function, batch))
            .collect::<DfResult<Vec<_>>>()?;
        let keys = self.keys(batch)?;
        let mut widest = 0;
        for range in partitions(&keys, batch.num_rows())? {
            let key = key(&keys, range.start)?;
            if key != self.key {
                self.made = self.made.saturating_add(self.of_partition());
                self.rows = 0;
                self.functions.iter_mut().for_each(Function::forget);
                self.key = key;
            }
            self.rows += range.len();
            for (function, widths) in self.functions.iter_mut().zip(&arguments) {
                function.look_at(widths.get(range.clone()).unwrap_or_default());
            }
            widest = widest.max(self.of_a_row());
        }
        Ok(widest)
    }

    /// What the rows are partitioned by: the same for all functions of a window.
    fn keys(&self, batch: &RecordBatch) -> DfResult<Vec<ArrayRef>> {
        let Some(function) = self.functions.first() else {
            return Ok(Vec::new());
        };
        let keys = function.window.partition_by().iter();
        keys.map(|key| key.evaluate(batch)?.into_array(batch.num_rows()))
            .collect()
    }
}

/// Bytes of a function's arguments, row by row.
fn argument_widths(function: &Function, batch: &RecordBatch) -> DfResult<Vec<usize>> {
    let mut rows = vec![0; batch.num_rows()];
    if function.gives != Gives::Number {
        for argument in function.window.evaluate_args(batch)? {
            for (row, bytes) in rows.iter_mut().zip(widths(argument.as_ref())) {
                *row += bytes;
            }
        }
    }
    Ok(rows)
}

/// Rows one after another that have the same keys.
fn partitions(keys: &[ArrayRef], rows: usize) -> DfResult<Vec<Range<usize>>> {
    let columns: Vec<SortColumn> = keys
        .iter()
        .map(|key| SortColumn {
            values: Arc::clone(key),
            options: None,
        })
        .collect();
    evaluate_partition_ranges(rows, &columns)
}

fn key(keys: &[ArrayRef], row: usize) -> DfResult<Vec<ScalarValue>> {
    keys.iter()
        .map(|key| ScalarValue::try_from_array(key, row))
        .collect()
}
