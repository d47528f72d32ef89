//! Takes the nested components out of a component.
//!
//! The encoder wraps each exported interface in a component of its own, which takes the functions and the types and
//! gives them out again under the names of the interface. Each type is written twice in it, and once more outside: a
//! seventeenth of the file. An instance that lists functions and types, exported with the type of the interface, says
//! the same once.

mod nested;

use std::ops::Range;

use anyhow::{Context, Result, anyhow, bail};
use wasm_encoder::reencode::Error::UserError;
use wasm_encoder::reencode::{Error, Reencode, ReencodeComponent, component_utils};
use wasm_encoder::{
    Component, ComponentExportKind, ComponentExportSection, ComponentInstanceSection, ComponentTypeRef,
    ComponentTypeSection,
};
use wasmparser::{
    ComponentAlias, ComponentExport, ComponentExternalKind, ComponentInstance, ComponentInstantiationArg,
    ComponentOuterAliasKind, ComponentTypeRef as ReadTypeRef, Parser, Payload,
};

use self::nested::Nested;

/// The component with each nested one replaced by an instance that lists what it would give out.
pub(crate) fn without_nested_components(component: &[u8]) -> Result<Vec<u8>> {
    let mut flattener = Flattener::default();
    let mut flat = Component::new();
    component_utils::parse_component(&mut flattener, &mut flat, Parser::new(0), component, component)
        .map_err(|error| anyhow!("the component cannot be written again: {error}"))?;
    Ok(flat.finish())
}

#[derive(Default)]
struct Flattener {
    /// How deep inside modules and types of instances the reader is.
    depth: u32,
    /// How many types the component had so far, before anything was added.
    types: u32,
    /// For each type that was added: how many there were before it.
    added: Vec<u32>,
    /// Where the nested components stand.
    nested: Vec<Range<u64>>,
    /// The type of the instance that was written last, until it is exported.
    interface: Option<u32>,
}

impl Flattener {
    /// The index that a type of the outermost component has from now on.
    fn moved(&self, ty: u32) -> u32 {
        ty + self.added.iter().map(|&before| u32::from(before <= ty)).sum::<u32>()
    }

    /// Writes what stands in for an instance of a nested component: the type of its interface, and a list.
    fn list(
        &mut self,
        flat: &mut Component,
        nested: &Nested,
        arguments: &[ComponentInstantiationArg],
    ) -> Result<()> {
        let argument = |name: &str| {
            let found = arguments.iter().find(|argument| argument.name == name);
            let found = found.with_context(|| format!("a nested component is not given {name}"))?;
            match found.kind {
                ComponentExternalKind::Func => Ok((ComponentExportKind::Func, found.index)),
                ComponentExternalKind::Type => Ok((ComponentExportKind::Type, self.moved(found.index))),
                _ => bail!("a nested component is given {name}, neither function nor type"),
            }
        };
        let ty = nested.interface(|name| Ok(argument(name)?.1))?;
        let mut items = Vec::new();
        for export in nested.exports() {
            let (kind, index) = argument(nested.behind(export)?)?;
            items.push((export.name, kind, index));
        }

        if self.interface.replace(self.moved(self.types)).is_some() {
            bail!("an instance is not exported");
        }
        self.added.push(self.types);
        let mut types = ComponentTypeSection::new();
        types.instance(&ty);
        flat.section(&types);
        let mut instances = ComponentInstanceSection::new();
        instances.export_items(items);
        flat.section(&instances);
        Ok(())
    }
}

type Rewritten<T> = Result<T, Error<anyhow::Error>>;

impl Reencode for Flattener {
    type Error = anyhow::Error;
}

impl ReencodeComponent for Flattener {
    fn push_depth(&mut self) {
        self.depth += 1;
    }

    fn pop_depth(&mut self) {
        self.depth -= 1;
    }

    fn component_type_index(&mut self, ty: u32) -> u32 {
        if self.depth == 0 { self.moved(ty) } else { ty }
    }

    fn outer_component_type_index(&mut self, count: u32, ty: u32) -> u32 {
        if self.depth == count { self.moved(ty) } else { ty }
    }

    /// Called for the outermost component alone, since the nested ones are left out.
    fn parse_component_payload(
        &mut self,
        flat: &mut Component,
        payload: Payload<'_>,
        whole: &[u8],
    ) -> Rewritten<()> {
        match payload {
            Payload::ComponentSection { unchecked_range, .. } => self.nested.push(unchecked_range),
            Payload::ComponentInstanceSection(instances) => {
                for instance in instances {
                    let ComponentInstance::Instantiate { component_index, args } = instance? else {
                        return Err(UserError(anyhow!("an instance lists items already")));
                    };
                    let nested = self.nested.get(component_index as usize).cloned();
                    let nested = nested.and_then(|at| whole.get(at.start as usize..at.end as usize));
                    let nested = nested.context("an instance has no component").and_then(Nested::read);
                    let listed = nested.and_then(|nested| self.list(flat, &nested, &args));
                    listed.map_err(UserError)?;
                }
            }
            payload => {
                let types = self.types + types_in(&payload)?;
                component_utils::parse_component_payload(self, flat, payload, whole)?;
                self.types = types;
            }
        }
        Ok(())
    }

    fn parse_component_export(
        &mut self,
        exports: &mut ComponentExportSection,
        export: ComponentExport<'_>,
    ) -> Rewritten<()> {
        match self.interface.take() {
            Some(interface) if export.kind == ComponentExternalKind::Instance => {
                let ty = ComponentTypeRef::Instance(interface);
                exports.export(export.name, ComponentExportKind::Instance, export.index, Some(ty));
                Ok(())
            }
            _ => component_utils::parse_component_export(self, exports, export),
        }
    }
}

/// How many types a section adds to the component.
fn types_in(payload: &Payload) -> wasmparser::Result<u32> {
    let mut types = 0;
    match payload {
        Payload::ComponentTypeSection(section) => types = section.count(),
        Payload::ComponentImportSection(section) => {
            for import in section.clone() {
                types += u32::from(matches!(import?.ty, ReadTypeRef::Type(_)));
            }
        }
        Payload::ComponentExportSection(section) => {
            for export in section.clone() {
                types += u32::from(export?.kind == ComponentExternalKind::Type);
            }
        }
        Payload::ComponentAliasSection(section) => {
            for alias in section.clone() {
                let is_type = match alias? {
                    ComponentAlias::InstanceExport { kind, .. } => kind == ComponentExternalKind::Type,
                    ComponentAlias::Outer { kind, .. } => kind == ComponentOuterAliasKind::Type,
                    ComponentAlias::CoreInstanceExport { .. } => false,
                };
                types += u32::from(is_type);
            }
        }
        _ => {}
    }
    Ok(types)
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasmparser::Validator;
    use wit_component::{ComponentEncoder, OutputToString, WitPrinter};
    use wit_component::{StringEncoding, decode, dummy_module, embed_component_metadata};
    use wit_parser::{ManglingAndAbi, Resolve};

    #[test]
    fn the_contract_reads_the_same_and_no_component_is_left_inside() {
        let encoded = dummy();
        let flat = without_nested_components(&encoded).unwrap();
        Validator::new().validate_all(&flat).unwrap();
        assert_eq!(contract(&flat), contract(&encoded));
        assert!(nested(&encoded) > 0);
        assert_eq!(nested(&flat), 0);
    }

    /// A component of the plugin's world that does nothing.
    fn dummy() -> Vec<u8> {
        let mut resolve = Resolve::default();
        let (package, _) = resolve.push_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../wit")).unwrap();
        let world = resolve.select_world(&[package], Some("plugin")).unwrap();
        let mut module = dummy_module(&resolve, world, ManglingAndAbi::Standard32);
        embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
        ComponentEncoder::default().module(&module).unwrap().encode().unwrap()
    }

    /// A component's imports and exports as WIT.
    fn contract(component: &[u8]) -> String {
        let decoded = decode(component).unwrap();
        let mut printer = WitPrinter::<OutputToString>::default();
        printer.print(decoded.resolve(), decoded.package(), &[]).unwrap();
        printer.output.to_string()
    }

    fn nested(component: &[u8]) -> usize {
        let payloads = Parser::new(0).parse_all(component);
        payloads.filter(|payload| matches!(payload, Ok(Payload::ComponentSection { .. }))).count()
    }
}
