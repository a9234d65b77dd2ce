//! How long a statement's nested expressions take to read and to plan.
//!
//! The parser tries some of what stands in parentheses two or three times over: each argument of a function as a named one first,
//! each keyword that is a function by its own grammar first. The planner asks what lies in some expressions twice. So each
//! such expression around another multiplies the time; neither can be stopped, and both are estimated beforehand.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{BinaryOperator, Expr, Visit, Visitor};
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::Token;

/// Steps that a statement may take: functions in functions to a depth of 13, or many that are less deep.
const MOST_STEPS: u64 = 1 << 14;

/// Tells whether the tokens of a statement can be parsed in little time.
pub(super) fn can_be_parsed(tokens: &[Token]) -> bool {
    let mut total: u64 = 0;
    // Of each open parenthesis, how often what is in it is parsed, and the steps that takes once.
    let mut open: Vec<(u64, u64)> = Vec::new();
    let mut before = None;
    for token in tokens {
        match token {
            Token::Whitespace(_) => continue,
            Token::LParen => open.push((times_parsed(before), 0)),
            Token::RParen => {
                let (times, within) = open.pop().unwrap_or((1, 0));
                let sum = open.last_mut().map_or(&mut total, |(_, sum)| sum);
                *sum = sum.saturating_add(steps(times, within));
            }
            _ => {}
        }
        before = Some(token);
    }
    while let Some((times, within)) = open.pop() {
        let sum = open.last_mut().map_or(&mut total, |(_, sum)| sum);
        *sum = sum.saturating_add(steps(times, within));
    }
    total <= MOST_STEPS
}

/// How often the parser reads what is in a parenthesis, by what stands before it.
fn times_parsed(before: Option<&Token>) -> u64 {
    match before {
        Some(Token::Word(word)) => match word.keyword {
            Keyword::NoKeyword => 2,
            Keyword::ALL
            | Keyword::AND
            | Keyword::AS
            | Keyword::BETWEEN
            | Keyword::BY
            | Keyword::CASE
            | Keyword::DISTINCT
            | Keyword::ELSE
            | Keyword::EXCEPT
            | Keyword::FROM
            | Keyword::HAVING
            | Keyword::IN
            | Keyword::INTERSECT
            | Keyword::JOIN
            | Keyword::LIKE
            | Keyword::ON
            | Keyword::OR
            | Keyword::OVER
            | Keyword::SELECT
            | Keyword::THEN
            | Keyword::UNION
            | Keyword::USING
            | Keyword::VALUES
            | Keyword::WHEN
            | Keyword::WHERE => 1,
            _ => 3,
        },
        _ => 1,
    }
}

fn steps(times: u64, within: u64) -> u64 {
    if times == 1 {
        within
    } else {
        within.saturating_mul(times).saturating_add(1)
    }
}

/// Tells whether the nested expressions of statements can be planned in little time.
pub(super) fn can_be_planned<T: Visit>(statements: &T) -> bool {
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
        let steps = steps(if is_planned_once(expr) { 1 } else { 2 }, within);
        let sum = self.open.last_mut().unwrap_or(&mut self.total);
        *sum = sum.saturating_add(steps);
        if *sum > MOST_STEPS {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }
}

/// Tells whether an expression takes no longer to plan than its parts; of all others it is not known, or they double it.
fn is_planned_once(expr: &Expr) -> bool {
    match expr {
        Expr::Identifier(_)
        | Expr::CompoundIdentifier(_)
        | Expr::Value(_)
        | Expr::Nested(_)
        | Expr::Cast { .. }
        | Expr::InList { .. } => true,
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
