//! One nested component as the encoder writes it: what it is given, and what it gives out of that.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, anyhow, bail};
use wasm_encoder::reencode::{Reencode, ReencodeComponent};
use wasm_encoder::{
    Alias, ComponentOuterAliasKind, ComponentTypeRef, ComponentTypeSection, InstanceType, TypeBounds,
};
use wasmparser::{
    ComponentExport, ComponentExternalKind, ComponentType, ComponentTypeRef as ReadTypeRef, Parser, Payload,
};

/// How the encoder calls the types that a nested component is given: this, the type's name, and a number if others
/// are called so too.
const GIVEN_TYPE: &str = "import-type-";

/// A nested component. The types have the indices of their places in the list.
#[derive(Default)]
pub(super) struct Nested<'a> {
    types: Vec<Type<'a>>,
    /// The names of the functions that it is given.
    functions: Vec<&'a str>,
    exports: Vec<ComponentExport<'a>>,
}

enum Type<'a> {
    /// Given, under this name.
    Given(&'a str),
    /// Written out.
    Written(ComponentType<'a>),
    /// Another one, exported.
    Exported(ComponentExport<'a>),
}

impl<'a> Nested<'a> {
    pub(super) fn read(component: &'a [u8]) -> Result<Nested<'a>> {
        let mut nested = Nested::default();
        for payload in Parser::new(0).parse_all(component) {
            match payload.context("failed to read a nested component")? {
                Payload::ComponentTypeSection(section) => {
                    for ty in section {
                        nested.types.push(Type::Written(ty?));
                    }
                }
                Payload::ComponentImportSection(section) => {
                    for import in section {
                        let import = import?;
                        match import.ty {
                            ReadTypeRef::Type(_) => nested.types.push(Type::Given(import.name.name)),
                            ReadTypeRef::Func(_) => nested.functions.push(import.name.name),
                            _ => bail!("a nested component asks for {}", import.name.name),
                        }
                    }
                }
                Payload::ComponentExportSection(section) => {
                    for export in section {
                        let export = export?;
                        if export.kind == ComponentExternalKind::Type {
                            nested.types.push(Type::Exported(export.clone()));
                        }
                        nested.exports.push(export);
                    }
                }
                Payload::Version { .. } | Payload::CustomSection(_) | Payload::End(_) => {}
                other => bail!("a nested component has an unexpected section: {other:?}"),
            }
        }
        Ok(nested)
    }

    pub(super) fn exports(&self) -> &[ComponentExport<'a>] {
        &self.exports
    }

    /// The name under which it was given what it exports.
    pub(super) fn behind(&self, export: &ComponentExport) -> Result<&'a str> {
        let name = export.name.name;
        let given = match export.kind {
            ComponentExternalKind::Func => self.functions.get(export.index as usize).copied(),
            // Its own types come after those of other interfaces, which may be called the same.
            ComponentExternalKind::Type => self.types.iter().rev().find_map(|ty| match ty {
                Type::Given(given) if is_given_as(given, name) => Some(*given),
                _ => None,
            }),
            _ => None,
        };
        given.with_context(|| format!("no function of an exported interface uses its {name}"))
    }

    /// The type of its instances. Types that it is given are the outer component's, whose indices `outer` knows.
    pub(super) fn interface(&self, outer: impl Fn(&str) -> Result<u32>) -> Result<InstanceType> {
        let needed = self.needed()?;
        let mut interface = InstanceType::new();
        let mut numbers = Numbers::default();
        for (index, ty) in self.types.iter().enumerate().filter(|(index, _)| needed.contains(index)) {
            match ty {
                Type::Given(name) => {
                    let (kind, index) = (ComponentOuterAliasKind::Type, outer(name)?);
                    interface.alias(Alias::Outer { kind, count: 1, index });
                }
                Type::Written(ty) => numbers
                    .parse_component_type(interface.ty(), ty.clone())
                    .map_err(|error| anyhow!("a type cannot be written again: {error}"))?,
                Type::Exported(export) => {
                    let same = TypeBounds::Eq(numbers.component_type_index(export.index));
                    interface.export(export.name, ComponentTypeRef::Type(same));
                }
            }
            numbers.0.insert(index, interface.type_count() - 1);
        }
        for export in &self.exports {
            if let Some(ReadTypeRef::Func(ty)) = export.ty {
                let ty = ComponentTypeRef::Func(numbers.component_type_index(ty));
                interface.export(export.name, ty);
            }
        }
        Ok(interface)
    }

    /// The types that the exports reach.
    fn needed(&self) -> Result<BTreeSet<usize>> {
        let mut named = Named::default();
        for export in &self.exports {
            match export.ty {
                Some(ReadTypeRef::Func(ty)) => named.component_type_index(ty),
                _ => 0,
            };
        }
        // A type names only those before it.
        for (index, ty) in self.types.iter().enumerate().rev() {
            match ty {
                Type::Exported(export) => named.0.extend([index, export.index as usize]),
                Type::Written(ty) if named.0.contains(&index) => named
                    .parse_component_type(ComponentTypeSection::new().ty(), ty.clone())
                    .map_err(|error| anyhow!("a type cannot be read: {error}"))?,
                Type::Written(_) | Type::Given(_) => {}
            }
        }
        Ok(named.0)
    }
}

/// Whether the encoder calls a type so that it gives to a nested component.
fn is_given_as(given: &str, name: &str) -> bool {
    let rest = given.strip_prefix(GIVEN_TYPE).and_then(|given| given.strip_prefix(name));
    rest.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Notes the types that others name.
#[derive(Default)]
struct Named(BTreeSet<usize>);

impl Reencode for Named {
    type Error = anyhow::Error;
}

impl ReencodeComponent for Named {
    fn component_type_index(&mut self, ty: u32) -> u32 {
        self.0.insert(ty as usize);
        ty
    }
}

/// Gives types the indices that they have among those that are needed.
#[derive(Default)]
struct Numbers(BTreeMap<usize, u32>);

impl Reencode for Numbers {
    type Error = anyhow::Error;
}

impl ReencodeComponent for Numbers {
    fn component_type_index(&mut self, ty: u32) -> u32 {
        self.0.get(&(ty as usize)).copied().unwrap_or(u32::MAX)
    }
}
