//! How long a statement's nested expressions take to plan.
//!
//! DataFusion asks for the type and then for the nullability of a function's argument, and of its argument in turn: each
//! function around an expression doubles the time that it takes to plan. Planning cannot be stopped, so it is estimated.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{BinaryOperator, Expr, Visit, Visitor};

/// Steps of planning that a statement may take: functions in functions to a depth of 14, or many that are less deep.
const MOST_STEPS: u64 = 1 << 14;

/// Tells whether the nested expressions of a statement can be planned in little time.
pub(super) fn is_bounded<T: Visit>(statements: &T) -> bool {
    let mut nesting = Nesting::default();
    statements.visit(&mut nesting).is_continue()
}

/// Counts steps of planning.
#[derive(Debug, Default)]
struct Nesting {
    total: u64,
    /// Steps of what lies in each of the expressions around the place, from the outside in.
    open: Vec<u64>,
}

impl Visitor for Nesting {
    type Break = ();

    fn pre_visit_expr(&mut self, _: &Expr) -> ControlFlow<()> {
        self.open.push(0);
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        let within = self.open.pop().unwrap_or(0);
        let steps = if is_planned_once(expr) {
            within
        } else {
            within.saturating_mul(2).saturating_add(1)
        };
        let sum = self.open.last_mut().unwrap_or(&mut self.total);
        *sum = sum.saturating_add(steps);
        if *sum > MOST_STEPS {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }
}

/// Tells whether an expression takes no longer to plan than its parts, which was measured; of all others it is not known, or
/// they double it.
fn is_planned_once(expr: &Expr) -> bool {
    match expr {
        Expr::Identifier(_)
        | Expr::CompoundIdentifier(_)
        | Expr::Value(_)
        | Expr::Nested(_)
        | Expr::Case { .. }
        | Expr::Cast { .. }
        | Expr::InList { .. }
        | Expr::IsNull(_)
        | Expr::IsNotNull(_) => true,
        Expr::BinaryOp { op, .. } => matches!(
            op,
            BinaryOperator::Plus
                | BinaryOperator::Minus
                | BinaryOperator::Multiply
                | BinaryOperator::Divide
                | BinaryOperator::Modulo
                | BinaryOperator::StringConcat
                | BinaryOperator::Gt
                | BinaryOperator::Lt
                | BinaryOperator::GtEq
                | BinaryOperator::LtEq
                | BinaryOperator::Eq
                | BinaryOperator::NotEq
                | BinaryOperator::And
                | BinaryOperator::Or
        ),
        _ => false,
    }
}
