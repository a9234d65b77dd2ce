//! Functions that PostgreSQL clients call when they connect.

use std::sync::Arc;

use datafusion::arrow::datatypes::DataType;
use datafusion::common::{ScalarValue, exec_err};
use datafusion::error::Result as DfResult;
use datafusion::logical_expr::expr_fn::SimpleScalarUDF;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::prelude::SessionContext;

use super::settings::{self, VERSION};

/// Registers the functions.
pub(super) fn register(context: &SessionContext) {
    let functions = [
        Function {
            name: "version",
            arguments: &[0],
            body: |_| Ok(Some(format!("PostgreSQL {VERSION}"))),
        },
        Function {
            name: "current_setting",
            arguments: &[1, 2],
            body: |name| {
                let Some(value) = settings::default_of(name) else {
                    return exec_err!("unrecognized configuration parameter \"{name}\"");
                };
                Ok(Some(value.to_owned()))
            },
        },
        // Sent by connection pools before a connection goes to the next user.
        Function {
            name: "pg_advisory_unlock_all",
            arguments: &[0],
            body: |_| Ok(None),
        },
    ];
    for function in functions {
        context.register_udf(ScalarUDF::from(Constant::new(function)));
    }
    // All that is in the catalog is visible, and nothing in it has a description, a size or a definition.
    let visible = VISIBLE.map(|name| (name, ScalarValue::Boolean(Some(true))));
    let without = WITHOUT.map(|name| (name, ScalarValue::Utf8(None)));
    for (name, value) in visible.into_iter().chain(without) {
        let returns = value.data_type();
        let body = move |_: &[ColumnarValue]| Ok(ColumnarValue::Scalar(value.clone()));
        let function = SimpleScalarUDF::new_with_signature(
            name,
            Signature::variadic_any(Volatility::Stable),
            returns,
            Arc::new(body),
        );
        context.register_udf(ScalarUDF::from(function));
    }
}

/// Functions that tell whether an object is visible.
const VISIBLE: [&str; 5] = [
    "pg_collation_is_visible",
    "pg_function_is_visible",
    "pg_operator_is_visible",
    "pg_opclass_is_visible",
    "pg_type_is_visible",
];

/// Functions that describe, measure or define an object.
const WITHOUT: [&str; 15] = [
    "col_description",
    "obj_description",
    "pg_database_size",
    "pg_get_function_arguments",
    "pg_get_function_identity_arguments",
    "pg_get_function_result",
    "pg_get_function_sqlbody",
    "pg_get_functiondef",
    "pg_get_indexdef",
    "pg_get_viewdef",
    "pg_size_pretty",
    "pg_table_size",
    "pg_tablespace_location",
    "pg_tablespace_size",
    "shobj_description",
];

/// A function whose value follows from its first argument alone.
#[derive(Clone, Copy)]
struct Function {
    name: &'static str,
    /// How many texts it takes.
    arguments: &'static [usize],
    body: fn(&str) -> DfResult<Option<String>>,
}

/// A function of constants.
struct Constant {
    function: Function,
    signature: Signature,
}

impl Constant {
    fn new(function: Function) -> Self {
        let takes = function
            .arguments
            .iter()
            .map(|count| match count {
                0 => datafusion::logical_expr::TypeSignature::Nullary,
                count => {
                    let mut types = vec![DataType::Utf8; *count];
                    if let Some(missing_ok) = types.get_mut(1) {
                        *missing_ok = DataType::Boolean;
                    }
                    datafusion::logical_expr::TypeSignature::Exact(types)
                }
            })
            .collect();
        Self {
            function,
            signature: Signature::one_of(takes, Volatility::Stable),
        }
    }
}

impl std::fmt::Debug for Constant {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.function.name)
    }
}

// Functions are told apart by name: each is registered once.
impl PartialEq for Constant {
    fn eq(&self, other: &Self) -> bool {
        self.function.name == other.function.name
    }
}
impl Eq for Constant {}
impl std::hash::Hash for Constant {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.function.name.hash(state);
    }
}

impl ScalarUDFImpl for Constant {
    fn name(&self) -> &str {
        self.function.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> DfResult<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> DfResult<ColumnarValue> {
        let value = match arguments.args.as_slice() {
            [] => (self.function.body)("")?,
            [
                ColumnarValue::Scalar(ScalarValue::Utf8(Some(name))),
                rest @ ..,
            ] => match ((self.function.body)(name), rest) {
                (Err(_), [ColumnarValue::Scalar(ScalarValue::Boolean(Some(true)))]) => None,
                (value, _) => value?,
            },
            _ => return exec_err!("{} takes a constant", self.function.name),
        };
        Ok(ColumnarValue::Scalar(ScalarValue::Utf8(value)))
    }
}
