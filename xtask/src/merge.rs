//! Makes one function of those that do the same, and leaves out calls of those that do nothing.
//!
//! The compiler writes code for each type anew, and much of it comes out the same: growing a list, say. Since nothing
//! is freed in the guest, most of what would free a value is left with nothing to do, and is called all the same.

use std::collections::{BTreeMap, HashMap};

use anyhow::{Context, Result, anyhow};
use wasm_encoder::reencode::{Error, Reencode, utils};
use wasm_encoder::{CodeSection, Module};
use wasmparser::{CompositeInnerType, FunctionBody, Operator, Parser, Payload, TypeRef};

/// The module with each call, export and table leading to one of the functions that do the same. Those that nothing
/// leads to any more are still there.
pub(crate) fn merged(module: &[u8]) -> Result<Vec<u8>> {
    let mut merger = Merger::of(module)?;
    let mut merged = Module::new();
    utils::parse_core_module(&mut merger, &mut merged, Parser::new(0), module)
        .map_err(|error| anyhow!("the core module cannot be written again: {error}"))?;
    Ok(merged.finish())
}

struct Merger {
    /// For each function that does the same as an earlier one: the earliest.
    same: HashMap<u32, u32>,
    /// How many arguments each function takes that does nothing.
    idle: HashMap<u32, usize>,
}

impl Merger {
    fn of(module: &[u8]) -> Result<Merger> {
        let (mut types, mut functions, mut bodies, mut imported) =
            (Vec::new(), Vec::new(), Vec::new(), 0_u32);
        for payload in Parser::new(0).parse_all(module) {
            match payload.context("failed to read the core module")? {
                Payload::TypeSection(section) => {
                    for group in section {
                        types.extend(group?.into_types());
                    }
                }
                Payload::ImportSection(section) => {
                    for import in section.into_imports() {
                        imported += u32::from(matches!(import?.ty, TypeRef::Func(_)));
                    }
                }
                Payload::FunctionSection(section) => {
                    for ty in section {
                        functions.push(ty?);
                    }
                }
                Payload::CodeSectionEntry(body) => bodies.push(body),
                _ => {}
            }
        }
        let mut merger = Merger { same: HashMap::new(), idle: HashMap::new() };
        let mut earliest = BTreeMap::new();
        for (function, (ty, body)) in (imported..).zip(functions.into_iter().zip(bodies)) {
            let first = *earliest.entry((ty, body.as_bytes())).or_insert(function);
            if first != function {
                merger.same.insert(function, first);
            }
            let ty = types.get(ty as usize).context("a function has no type")?;
            if let CompositeInnerType::Func(ty) = &ty.composite_type.inner
                && ty.results().is_empty()
                && matches!(body.get_operators_reader()?.read()?, Operator::End)
            {
                merger.idle.insert(function, ty.params().len());
            }
        }
        Ok(merger)
    }
}

type Rewritten<T> = Result<T, Error<anyhow::Error>>;

impl Reencode for Merger {
    type Error = anyhow::Error;

    fn function_index(&mut self, function: u32) -> Rewritten<u32> {
        Ok(self.same.get(&function).copied().unwrap_or(function))
    }

    fn parse_function_body(&mut self, code: &mut CodeSection, body: FunctionBody<'_>) -> Rewritten<()> {
        let mut kept = Vec::new();
        for operator in body.get_operators_reader()? {
            let operator = operator?;
            match operator {
                Operator::Call { function_index }
                    if let Some(&arguments) = self.idle.get(&function_index) =>
                {
                    (0..arguments).for_each(|_| leave_out_argument(&mut kept));
                }
                operator => kept.push(operator),
            }
        }
        let mut function = self.new_function_with_parsed_locals(&body)?;
        for operator in kept {
            function.instruction(&self.instruction(operator)?);
        }
        code.function(&function);
        Ok(())
    }
}

/// Takes back what puts the last argument on the stack; where that is not seen at once, the value is dropped.
fn leave_out_argument(code: &mut Vec<Operator>) {
    use Operator::{I32Add, I32Const, LocalGet};
    let operators = match code.as_slice() {
        [.., LocalGet { .. } | I32Const { .. }] => 1,
        [.., LocalGet { .. }, I32Const { .. }, I32Add] => 3,
        _ => return code.push(Operator::Drop),
    };
    code.truncate(code.len() - operators);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_lead_to_one_of_those_that_do_the_same_and_to_none_that_do_nothing() {
        let module = |caller: &str| {
            let same = "(result i32) (i32.const 3)";
            let called = format!("(func {same}) (func (param i32)) (func {same})");
            wat::parse_str(format!("(module {called} (func (param i32) (result i32) {caller}))")).unwrap()
        };
        let before = module(
            "(call 1 (local.get 0)) (call 1 (i32.add (local.get 0) (i32.const 8))) (call 1 (call 2)) (call 2)",
        );
        assert_eq!(merged(&before).unwrap(), module("(drop (call 0)) (call 0)"));
    }
}
