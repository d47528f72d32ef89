//! Leaves out of a component the names that only its own parts know.
//!
//! Custom sections carry names for debuggers. The core module's imports and exports carry those of the contract, each
//! of them twice, though nothing outside of the component sees them: they become short ones.

use std::collections::BTreeMap;

use anyhow::{Result, anyhow};
use wasm_encoder::reencode::{Error, Reencode, ReencodeComponent, component_utils};
use wasm_encoder::{
    Alias, Component, ComponentAliasSection, ExportSection, ImportSection, InstanceSection, Module, ModuleArg,
};
use wasmparser::{
    ComponentAliasSectionReader, CustomSectionReader, Export, ImportSectionReader, Instance, Parser,
};

/// The component without custom sections and with short names in its core modules.
pub(crate) fn shortened(component: &[u8]) -> Result<Vec<u8>> {
    let mut shortener = Shortener::default();
    let mut short = Component::new();
    component_utils::parse_component(&mut shortener, &mut short, Parser::new(0), component, component)
        .map_err(|error| anyhow!("the component cannot be written again: {error}"))?;
    Ok(short.finish())
}

/// One short name for each name, wherever it stands: what fitted together still does.
#[derive(Default)]
struct Shortener(BTreeMap<String, String>);

impl Shortener {
    fn short(&mut self, name: &str) -> String {
        let next = self.0.len();
        self.0.entry(name.to_owned()).or_insert_with(|| nth(next)).clone()
    }
}

/// A name of one or two letters, while there are enough: `a`, `b`, ... `z`, `ba`, `bb`, ...
fn nth(mut number: usize) -> String {
    let mut letters = Vec::new();
    loop {
        letters.insert(0, char::from(b'a' + (number % 26) as u8));
        number /= 26;
        if number == 0 {
            return letters.into_iter().collect();
        }
    }
}

type Rewritten<T> = Result<T, Error<anyhow::Error>>;

impl Reencode for Shortener {
    type Error = anyhow::Error;

    fn parse_import_section(
        &mut self,
        imports: &mut ImportSection,
        section: ImportSectionReader<'_>,
    ) -> Rewritten<()> {
        for import in section.into_imports() {
            let import = import?;
            let (module, name) = (self.short(import.module), self.short(import.name));
            imports.import(&module, &name, self.entity_type(import.ty)?);
        }
        Ok(())
    }

    fn parse_export(&mut self, exports: &mut ExportSection, export: Export<'_>) -> Rewritten<()> {
        let kind = self.export_kind(export.kind)?;
        exports.export(&self.short(export.name), kind, export.index);
        Ok(())
    }

    fn parse_custom_section(&mut self, _: &mut Module, _: CustomSectionReader<'_>) -> Rewritten<()> {
        Ok(())
    }
}

impl ReencodeComponent for Shortener {
    fn parse_component_alias_section(
        &mut self,
        aliases: &mut ComponentAliasSection,
        section: ComponentAliasSectionReader<'_>,
    ) -> Rewritten<()> {
        for alias in section {
            match self.component_alias(alias?)? {
                Alias::CoreInstanceExport { instance, kind, name } => {
                    let name = &self.short(name);
                    aliases.alias(Alias::CoreInstanceExport { instance, kind, name });
                }
                other => {
                    aliases.alias(other);
                }
            }
        }
        Ok(())
    }

    fn parse_instance(&mut self, instances: &mut InstanceSection, instance: Instance<'_>) -> Rewritten<()> {
        match instance {
            Instance::Instantiate { module_index, args } => {
                let args = args.iter().map(|arg| (self.short(arg.name), ModuleArg::Instance(arg.index)));
                instances.instantiate(module_index, args);
            }
            Instance::FromExports(exports) => {
                let mut items = Vec::new();
                for export in &exports {
                    items.push((self.short(export.name), self.export_kind(export.kind)?, export.index));
                }
                instances.export_items(items);
            }
        }
        Ok(())
    }

    fn parse_component_custom_section(
        &mut self,
        _: &mut Component,
        _: CustomSectionReader<'_>,
    ) -> Rewritten<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_inside_become_short_and_the_contract_keeps_its_own() {
        let component = wat::parse_str(
            r#"(component
                (core module $inner (func (export "contract#function") (result i32) (i32.const 1)))
                (core instance $instance (instantiate $inner))
                (func $lifted (result u32) (canon lift (core func $instance "contract#function")))
                (export "function" (func $lifted)))"#,
        )
        .unwrap();
        let short = shortened(&component).unwrap();
        wasmparser::Validator::new().validate_all(&short).unwrap();
        assert!(!contains(&short, "contract#function"));
        assert!(contains(&short, "function"));
        assert!(!contains(&short, "inner"));
    }

    #[test]
    fn no_short_name_comes_twice() {
        let names: std::collections::BTreeSet<String> = (0..1_000).map(nth).collect();
        assert_eq!(names.len(), 1_000);
    }

    fn contains(component: &[u8], text: &str) -> bool {
        component.windows(text.len()).any(|bytes| bytes == text.as_bytes())
    }
}
