//! Leaves out of a core module what frees the results of calls.
//!
//! Bindings export, beside each function, one that the host calls when it has read the result, to free it. An
//! instance of a plugin ends with its call, and its memory with it: freeing is of no use, and the code for it would be
//! a thirtieth of the component. The exports are left out, and with them each function that nothing else reaches.

use std::collections::BTreeMap;

use anyhow::{Context, Result, anyhow};
use wasm_encoder::reencode::Error::UserError;
use wasm_encoder::reencode::{Reencode, utils};
use wasm_encoder::{CodeSection, ExportSection, FunctionSection, Module};
use wasmparser::{
    CodeSectionReader, CustomSectionReader, ElementItems, ExportSectionReader, ExternalKind, FunctionBody,
    FunctionSectionReader, Operator, Parser, Payload, TypeRef,
};

/// How the canonical ABI calls the function that frees a result.
const POST_RETURN: &str = "cabi_post_";

/// The module without what frees results, its functions ordered by how often they are called: the first hundred have
/// an index of one byte.
pub(crate) fn without_post_returns(module: &[u8]) -> Result<Vec<u8>> {
    let calls = calls(module)?;
    let mut order: Vec<u32> = calls.count.keys().copied().collect();
    order.sort_by_key(|function| std::cmp::Reverse(calls.count.get(function)));
    let index = order.iter().zip(calls.imported..).map(|(&function, index)| (function, index)).collect();
    let mut pruner = Pruner { imported: calls.imported, order, index, types: Vec::new() };
    let mut pruned = Module::new();
    utils::parse_core_module(&mut pruner, &mut pruned, Parser::new(0), module)
        .map_err(|error| anyhow::anyhow!("the core module cannot be written again: {error}"))?;
    Ok(pruned.finish())
}

struct Pruner {
    /// How many functions are imported; their indices stay.
    imported: u32,
    /// The functions that are kept, by their index before, in the order that they have from now on.
    order: Vec<u32>,
    /// The index that each function has from now on.
    index: BTreeMap<u32, u32>,
    /// The types of all functions before.
    types: Vec<u32>,
}

type Rewritten<T> = Result<T, wasm_encoder::reencode::Error<anyhow::Error>>;

impl Reencode for Pruner {
    type Error = anyhow::Error;

    fn function_index(&mut self, function: u32) -> Rewritten<u32> {
        let known = self.index.get(&function).copied();
        let index = if function < self.imported { Some(function) } else { known };
        index.ok_or_else(|| UserError(anyhow!("function {function} was left out and is needed")))
    }

    /// Names for debuggers speak of functions by their index before, also of those that are left out.
    fn parse_custom_section(
        &mut self,
        module: &mut Module,
        section: CustomSectionReader<'_>,
    ) -> Rewritten<()> {
        if section.name() == "name" { Ok(()) } else { utils::parse_custom_section(self, module, section) }
    }

    fn parse_export_section(
        &mut self,
        exports: &mut ExportSection,
        section: ExportSectionReader<'_>,
    ) -> Rewritten<()> {
        for export in section {
            let export = export?;
            if !export.name.starts_with(POST_RETURN) {
                self.parse_export(exports, export)?;
            }
        }
        Ok(())
    }

    fn parse_function_section(
        &mut self,
        functions: &mut FunctionSection,
        section: FunctionSectionReader<'_>,
    ) -> Rewritten<()> {
        self.types = section.into_iter().collect::<Result<_, _>>()?;
        for function in &self.order {
            functions.function(at(&self.types, function - self.imported)?);
        }
        Ok(())
    }

    fn parse_code_section(
        &mut self,
        code: &mut CodeSection,
        section: CodeSectionReader<'_>,
    ) -> Rewritten<()> {
        let bodies: Vec<FunctionBody> = section.into_iter().collect::<Result<_, _>>()?;
        for function in self.order.clone() {
            let body = at(&bodies, function - self.imported)?;
            self.parse_function_body(code, body)?;
        }
        Ok(())
    }
}

fn at<T: Clone>(list: &[T], index: u32) -> Rewritten<T> {
    let found = usize::try_from(index).ok().and_then(|index| list.get(index)).cloned();
    found.ok_or_else(|| UserError(anyhow!("function {index} has no body")))
}

/// The functions that something else than post-returns reaches.
struct Calls {
    /// How many functions are imported.
    imported: u32,
    /// How often each of the others is named.
    count: BTreeMap<u32, u32>,
}

fn calls(module: &[u8]) -> Result<Calls> {
    let (mut imported, mut bodies, mut pending) = (0_u32, Vec::new(), Vec::new());
    for payload in Parser::new(0).parse_all(module) {
        match payload.context("failed to read the core module")? {
            Payload::ImportSection(imports) => {
                for import in imports.into_imports() {
                    imported += u32::from(matches!(import?.ty, TypeRef::Func(_)));
                }
            }
            Payload::ExportSection(exports) => {
                for export in exports {
                    let export = export?;
                    if export.kind == ExternalKind::Func && !export.name.starts_with(POST_RETURN) {
                        pending.push(export.index);
                    }
                }
            }
            Payload::StartSection { func, .. } => pending.push(func),
            // Whatever stands in a table may be called.
            Payload::ElementSection(elements) => {
                for element in elements {
                    if let ElementItems::Functions(functions) = element?.items {
                        for function in functions {
                            pending.push(function?);
                        }
                    }
                }
            }
            Payload::CodeSectionEntry(body) => bodies.push(body),
            _ => {}
        }
    }
    let mut count: BTreeMap<u32, u32> = BTreeMap::new();
    while let Some(function) = pending.pop() {
        let Some(index) = function.checked_sub(imported) else { continue };
        let named = count.entry(function).or_default();
        *named += 1;
        if *named > 1 {
            continue;
        }
        let body = usize::try_from(index).ok().and_then(|index| bodies.get(index));
        for operator in body.context("a call leads to no function")?.get_operators_reader()? {
            match operator? {
                Operator::Call { function_index }
                | Operator::ReturnCall { function_index }
                | Operator::RefFunc { function_index } => pending.push(function_index),
                _ => {}
            }
        }
    }
    Ok(Calls { imported, count })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_frees_results_and_nothing_else_reaches_is_left_out() {
        let module = wat::parse_str(
            r#"(module
                (func $shared (result i32) (i32.add (i32.const 3) (i32.const 4)))
                (func $freeing (drop (i32.const 1)) (drop (i32.const 2)))
                (func (export "f") (result i32) call $shared)
                (func (export "cabi_post_f") (param i32) call $freeing (drop (call $shared))))"#,
        )
        .unwrap();
        let pruned = without_post_returns(&module).unwrap();
        assert_eq!(outline(&pruned), (vec!["f".to_owned()], vec![3, 1]));
    }

    /// The names of the exports, and how many instructions each body has, its end not counted.
    fn outline(module: &[u8]) -> (Vec<String>, Vec<usize>) {
        let (mut exports, mut bodies) = (Vec::new(), Vec::new());
        for payload in Parser::new(0).parse_all(module) {
            match payload.unwrap() {
                Payload::ExportSection(section) => {
                    exports.extend(section.into_iter().map(|export| export.unwrap().name.to_owned()));
                }
                Payload::CodeSectionEntry(body) => {
                    let operators = body.get_operators_reader().unwrap().into_iter();
                    bodies.push(operators.filter(|one| !matches!(one, Ok(Operator::End))).count());
                }
                _ => {}
            }
        }
        (exports, bodies)
    }
}
