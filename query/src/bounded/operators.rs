//! Operators within the bounds of the functions that do the same.
//!
//! What the grammar makes calls of names no function: those calls are given their bounds here, and so are `||` and
//! the operators that match patterns. A short pattern can stand for a large machine (`\w{1000}`), and the time of a
//! match is at worst the product of the sizes of machine and text.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::AsArray;
use arrow::compute::cast;
use arrow::datatypes::DataType;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::config::ConfigOptions;
use datafusion::error::{DataFusionError, Result as DfResult};
use datafusion::logical_expr::expr_rewriter::FunctionRewrite;
use datafusion::logical_expr::{BinaryExpr, ColumnarValue, Expr, Operator, ScalarUDF, lit};

/// Functions that the grammar calls for operators and literals. No view has them.
const CALLED: [&str; 8] = [
    "array_append",
    "array_concat",
    "array_has_all",
    "array_has_any",
    "array_prepend",
    "make_array",
    "overlay",
    "strpos",
];

/// Bytes of a pattern that is small, whatever it says, but for counted repetitions.
const FEW_BYTES: usize = 64;

/// Bytes of a pattern.
const MOST_BYTES: usize = 32 << 10;

/// Bytes of the machine that a pattern becomes.
const MOST_MACHINE_BYTES: usize = 2 << 20;

/// Tells whether the grammar calls a function by operators and literals.
pub(super) fn is_called(name: &str) -> bool {
    CALLED.contains(&name)
}

/// Refuses patterns that are too large. What is no pattern at all is left to the function.
pub(super) fn check_patterns(patterns: &ColumnarValue) -> DfResult<()> {
    match patterns {
        ColumnarValue::Scalar(pattern) => pattern.try_as_str().flatten().map_or(Ok(()), check),
        ColumnarValue::Array(patterns) => {
            let Ok(patterns) = cast(patterns, &DataType::Utf8) else {
                return Ok(());
            };
            let mut before = None;
            for pattern in patterns.as_string::<i32>().iter().flatten() {
                if before != Some(pattern) {
                    check(pattern)?;
                }
                before = Some(pattern);
            }
            Ok(())
        }
    }
}

fn check(pattern: &str) -> DfResult<()> {
    let fits = || {
        let machine = regex::RegexBuilder::new(pattern)
            .size_limit(MOST_MACHINE_BYTES)
            .build();
        !matches!(machine, Err(regex::Error::CompiledTooBig(_)))
    };
    if is_small(pattern) || (pattern.len() <= MOST_BYTES && fits()) {
        return Ok(());
    }
    Err(DataFusionError::ResourcesExhausted(
        "a pattern that is too large".to_owned(),
    ))
}

/// Tells whether a pattern is small without a closer look.
fn is_small(pattern: &str) -> bool {
    pattern.len() <= FEW_BYTES && !pattern.contains('{')
}

/// Tells whether a pattern is known, and small.
pub(super) fn is_known_small(pattern: &Expr) -> bool {
    let Expr::Literal(pattern, _) = pattern else {
        return false;
    };
    match pattern.try_as_str() {
        Some(text) => text.is_none_or(is_small),
        None => *pattern == ScalarValue::Null,
    }
}

/// Makes operators calls of functions that have bounds.
#[derive(Debug)]
pub(super) struct Operators {
    /// Functions with bounds, by name.
    functions: HashMap<&'static str, Arc<ScalarUDF>>,
    /// `regexp_like`.
    matches: Arc<ScalarUDF>,
    /// Gives what it gets, where that is not too much.
    given: Arc<ScalarUDF>,
}

impl Operators {
    /// Takes the functions from those of a session; none where it has no `regexp_like`.
    pub(super) fn of(
        known: &HashMap<String, Arc<ScalarUDF>>,
        given: Arc<ScalarUDF>,
    ) -> Option<Self> {
        let functions = CALLED
            .iter()
            .filter_map(|name| Some((*name, Arc::clone(known.get(*name)?))))
            .collect();
        Some(Self {
            functions,
            matches: Arc::clone(known.get("regexp_like")?),
            given,
        })
    }

    fn matched(&self, text: Expr, pattern: Expr, ignores_case: bool, negated: bool) -> Expr {
        let mut arguments = vec![text, pattern];
        if ignores_case {
            arguments.push(lit("i"));
        }
        let call = self.matches.call(arguments);
        if negated {
            Expr::Not(Box::new(call))
        } else {
            call
        }
    }
}

impl FunctionRewrite for Operators {
    fn name(&self) -> &'static str {
        "bounded_operators"
    }

    fn rewrite(
        &self,
        expression: Expr,
        _: &DFSchema,
        _: &ConfigOptions,
    ) -> DfResult<Transformed<Expr>> {
        let bounded = match expression {
            Expr::BinaryExpr(BinaryExpr { left, op, right })
                if is_match(op) && !is_known_small(&right) =>
            {
                let ignores_case = matches!(op, Operator::RegexIMatch | Operator::RegexNotIMatch);
                let negated = matches!(op, Operator::RegexNotMatch | Operator::RegexNotIMatch);
                self.matched(*left, *right, ignores_case, negated)
            }
            Expr::SimilarTo(like)
                if like.escape_char.is_none() && !is_known_small(&like.pattern) =>
            {
                let (text, pattern) = (*like.expr, *like.pattern);
                self.matched(text, pattern, like.case_insensitive, like.negated)
            }
            Expr::BinaryExpr(joined) if joined.op == Operator::StringConcat => {
                self.given.call(vec![Expr::BinaryExpr(joined)])
            }
            Expr::ScalarFunction(mut call) => {
                // Those that are called by name have theirs.
                let bounded = self.functions.get(call.func.name());
                let Some(bounded) = bounded.filter(|bounded| **bounded != call.func) else {
                    return Ok(Transformed::no(Expr::ScalarFunction(call)));
                };
                call.func = Arc::clone(bounded);
                Expr::ScalarFunction(call)
            }
            other => return Ok(Transformed::no(other)),
        };
        Ok(Transformed::yes(bounded))
    }
}

fn is_match(operator: Operator) -> bool {
    matches!(
        operator,
        Operator::RegexMatch
            | Operator::RegexIMatch
            | Operator::RegexNotMatch
            | Operator::RegexNotIMatch
    )
}
