//! Calls of procedures (MS-TDS 2.2.6.6).

use anyhow::{Result, bail};

use super::decode::typed_value;
use super::input::Input;
use crate::tsql::{SqlType, Value};

/// The number of `sp_executesql`.
const EXECUTE_SQL: u16 = 10;

/// A call.
#[derive(Debug)]
pub(super) struct Call {
    /// In lower case.
    pub(super) procedure: String,
    pub(super) parameters: Vec<Parameter>,
}

/// A parameter with its value.
#[derive(Debug)]
pub(super) struct Parameter {
    pub(super) name: String,
    pub(super) ty: SqlType,
    pub(super) value: Value,
}

impl Call {
    pub(super) fn parse(payload: &[u8]) -> Result<Self> {
        let mut input = Input::new(payload);
        input.skip_headers()?;
        let procedure = match input.u16()? {
            u16::MAX => match input.u16()? {
                EXECUTE_SQL => "sp_executesql".to_owned(),
                other => format!("procedure {other}"),
            },
            units => input.text(usize::from(units))?.to_lowercase(),
        };
        let _options = input.u16()?;
        let mut parameters = Vec::new();
        while !input.is_empty() {
            let name = input.short_text()?;
            let status = input.u8()?;
            if status & 1 != 0 {
                bail!("an output parameter, which the double does not return");
            }
            let (ty, value) = typed_value(&mut input)?;
            parameters.push(Parameter { name, ty, value });
        }
        Ok(Self { procedure, parameters })
    }
}
