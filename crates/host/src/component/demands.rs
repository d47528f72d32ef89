//! What a component demands of the machine before it runs: work and memory to compile it, and the initial size of an
//! instance.
//!
//! A compiler's memory does not follow the size of the file. The engine's compiler keeps a number for each local variable
//! in each block of a function, so 600 kB of WebAssembly with 50,000 locals and 100,000 blocks take 20 GB. A component that
//! instantiates another twice, which instantiates a third twice, and so on, doubles with every few bytes. So this module
//! counts the factors of such products in one pass, and refuses them by name, before the compiler starts.

use wasmparser::{
    BlockType, ComponentInstance, Encoding, FuncType, FunctionBody, Instance, Operator, Parser, Payload,
};
use wasmtime::component::Component;

use super::error::LoadError;
use crate::limits::{Limits, MEMORIES_MAX, TABLES_MAX};

/// Longest body of a function, in bytes.
const FUNCTION_BYTES_MAX: u64 = 128 << 10;
/// Most functions in all modules together.
const FUNCTIONS_MAX: u64 = 20_000;
/// Most local variables of a function. Thousands of them take a few bytes in the file.
const LOCALS_MAX: u64 = 10_000;
/// Most parameters of a function.
const PARAMS_MAX: u64 = 100;
/// Most results of a function. Each call returns as many values, for two bytes in the file; real compilers return one, or
/// a pointer.
const RESULTS_MAX: u64 = 8;
/// Most local variables (with parameters) times branches of a function: some 80 MB and 4 s to compile.
const LOCALS_AND_BRANCHES_MAX: u64 = 4_000_000;
/// The same for all functions together. They are compiled one after another, so this limits time.
const LOCALS_AND_BRANCHES_ALL_MAX: u64 = 60_000_000;
/// Most modules and components in all.
const PARTS_MAX: u64 = 100;
/// Most instances, of modules and components, in all components together.
const INSTANCES_MAX: u64 = 200;
/// Bytes in a page of WebAssembly memory.
const PAGE_BYTES: u64 = 64 << 10;

/// Checks how much work the component is to compile. An unreadable component is refused as invalid: a reader that
/// understands more than this one would compile code that was not counted. So this must be the engine's own parser
/// version.
pub(super) fn check_work(bytes: &[u8]) -> Result<(), LoadError> {
    let mut work = Work::default();
    for payload in Parser::new(0).parse_all(bytes) {
        work.add(&payload.map_err(unreadable)?)?;
    }
    Ok(())
}

fn unreadable(error: wasmparser::BinaryReaderError) -> LoadError {
    LoadError::Invalid { message: error.to_string() }
}

/// Refuses a count above its limit.
fn at_most(found: u64, most: u64, what: &str) -> Result<(), LoadError> {
    match found > most {
        true => Err(too_demanding(format!("{found} {what}"), most)),
        false => Ok(()),
    }
}

fn too_demanding(needs: String, may_have: impl ToString) -> LoadError {
    LoadError::TooDemanding { needs, may_have: may_have.to_string() }
}

/// The counts so far.
#[derive(Default)]
struct Work {
    /// The modules and components around the current position, the innermost last.
    around: Vec<Encoding>,
    functions: u64,
    locals_and_branches: u64,
    parts: u64,
    instances: u64,
}

impl Work {
    fn add(&mut self, payload: &Payload) -> Result<(), LoadError> {
        match payload {
            Payload::Version { encoding, .. } => {
                self.around.push(*encoding);
                self.parts += 1;
                at_most(self.parts, PARTS_MAX, "modules and components")
            }
            Payload::End(_) => {
                self.around.pop();
                Ok(())
            }
            Payload::TypeSection(types) => types
                .clone()
                .into_iter_err_on_gc_types()
                .try_for_each(|ty| check_type(&ty.map_err(unreadable)?)),
            Payload::CodeSectionEntry(body) => {
                self.functions += 1;
                at_most(self.functions, FUNCTIONS_MAX, "functions")?;
                self.locals_and_branches = self.locals_and_branches.saturating_add(check_function(body)?);
                let (found, most) = (self.locals_and_branches, LOCALS_AND_BRANCHES_ALL_MAX);
                at_most(found, most, "local variables times branches in all functions")
            }
            Payload::InstanceSection(instances) => instances.clone().into_iter().try_for_each(|instance| {
                let makes = matches!(instance.map_err(unreadable)?, Instance::Instantiate { .. });
                self.instance(makes)
            }),
            Payload::ComponentInstanceSection(instances) => {
                instances.clone().into_iter().try_for_each(|instance| {
                    let makes =
                        matches!(instance.map_err(unreadable)?, ComponentInstance::Instantiate { .. });
                    // Nested instantiation multiplies.
                    if makes && self.around.len() > 1 {
                        let needs = "components that instantiate others within a component".to_owned();
                        return Err(too_demanding(needs, "none"));
                    }
                    self.instance(makes)
                })
            }
            _ => Ok(()),
        }
    }

    fn instance(&mut self, makes: bool) -> Result<(), LoadError> {
        self.instances += u64::from(makes);
        at_most(self.instances, INSTANCES_MAX, "instances")
    }
}

fn check_type(ty: &FuncType) -> Result<(), LoadError> {
    at_most(ty.params().len() as u64, PARAMS_MAX, "parameters of a function")?;
    at_most(ty.results().len() as u64, RESULTS_MAX, "results of a function")
}

/// Returns the function's local variables times its branches.
fn check_function(body: &FunctionBody) -> Result<u64, LoadError> {
    let range = body.range();
    at_most(range.len() as u64, FUNCTION_BYTES_MAX, "bytes of code in a function")?;
    let mut locals = 0_u64;
    for group in body.get_locals_reader().map_err(unreadable)? {
        let (count, _) = group.map_err(unreadable)?;
        locals = locals.saturating_add(u64::from(count));
    }
    at_most(locals, LOCALS_MAX, "local variables in a function")?;
    let mut branches = 0_u64;
    for operator in body.get_operators_reader().map_err(unreadable)? {
        branches = branches.saturating_add(branches_of(&operator.map_err(unreadable)?));
    }
    let both = locals.saturating_add(PARAMS_MAX).saturating_mul(branches);
    at_most(both, LOCALS_AND_BRANCHES_MAX, "local variables times branches in a function")?;
    Ok(both)
}

/// An upper bound for the blocks that the compiler makes for an operator. Operators that check something count as four,
/// and a block with parameters as if it had the most that are allowed.
fn branches_of(operator: &Operator) -> u64 {
    match operator {
        Operator::BrTable { targets } => u64::from(targets.len()) + 1,
        Operator::Block { blockty: BlockType::FuncType(_) }
        | Operator::Loop { blockty: BlockType::FuncType(_) }
        | Operator::If { blockty: BlockType::FuncType(_) }
        | Operator::TryTable { .. } => PARAMS_MAX,
        Operator::Block { .. } => 1,
        Operator::Loop { .. }
        | Operator::If { .. }
        | Operator::Else
        | Operator::BrIf { .. }
        | Operator::Call { .. }
        | Operator::CallIndirect { .. }
        | Operator::ReturnCall { .. }
        | Operator::ReturnCallIndirect { .. }
        | Operator::RefFunc { .. }
        | Operator::TableGet { .. }
        | Operator::TableSet { .. }
        | Operator::MemoryGrow { .. }
        | Operator::MemoryCopy { .. }
        | Operator::MemoryFill { .. } => 4,
        _ => 0,
    }
}

/// Checks that an instance starts within the limits of a call.
pub(super) fn check_start(component: &Component, limits: &Limits) -> Result<(), LoadError> {
    let Some(required) = component.resources_required() else {
        return Err(too_demanding("other components".to_owned(), "none"));
    };
    at_most(required.num_memories.into(), MEMORIES_MAX.into(), "memories")?;
    at_most(required.num_tables.into(), TABLES_MAX.into(), "tables")?;
    let memory_bytes = required.max_initial_memory_size.unwrap_or(0).saturating_mul(PAGE_BYTES);
    at_most(memory_bytes, limits.memory_bytes_max as u64, "bytes of memory")?;
    let elements = required.max_initial_table_size.unwrap_or(0);
    at_most(elements, limits.table_elements_max as u64, "elements in a table")
}
