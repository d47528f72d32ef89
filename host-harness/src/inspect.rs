//! `harness inspect`: what a component is, and what it may do and reach.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::Value;

use super::args::{InspectArgs, OutputArgs};
use super::exit::{Exit, Stop};
use super::load;
use crate::report::{Look, Page, Tone};
use door_access_host::Plugin;
use door_access_scenario::words::{list, word};

/// A component above this size gets a warning. A host admits 1 MiB by default.
const LARGE_BYTES: u64 = 512 << 10;

#[derive(Serialize)]
struct Inspection {
    file: String,
    title: String,
    name: String,
    version: String,
    contract: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
    /// Whether the component is larger than a plugin should be.
    large: bool,
    imports: Vec<String>,
    exports: Vec<String>,
    origins: Vec<String>,
    credential: Credential,
    reads: Vec<String>,
    may: Vec<String>,
    may_not: Vec<String>,
    settings: Value,
}

#[derive(Serialize)]
struct Credential {
    header: String,
    prefix: String,
    instructions: String,
}

/// Loads the component and describes it.
pub(super) async fn run(
    args: &InspectArgs,
    output: &OutputArgs,
    out: &mut dyn Write,
    look: Look,
) -> Result<Exit, Stop> {
    let plugin = load::component(&args.component, None).await?;
    let inspection = inspection(&args.component.display().to_string(), &plugin, output.stable);
    if output.json {
        serde_json::to_writer(&mut *out, &inspection).map_err(io::Error::from)?;
        writeln!(out)?;
    } else {
        print(&inspection, Page { out, look })?;
    }
    Ok(Exit::AsExpected)
}

fn inspection(file: &str, plugin: &Plugin, stable: bool) -> Inspection {
    let manifest = plugin.manifest();
    let origins: Vec<String> = plugin.origins().iter().map(ToString::to_string).collect();
    let reads: Vec<String> = manifest.reads.iter().map(word).collect();
    let header = manifest.credential.header.clone();
    let may = may(plugin, &origins, &header, &reads);
    let not_its_own = not_its_own(&header);
    Inspection {
        file: file.to_owned(),
        title: manifest.title.clone(),
        name: manifest.name.clone(),
        version: manifest.version.clone(),
        contract: manifest.contract.clone(),
        bytes: (!stable).then(|| plugin.size_bytes()),
        sha256: (!stable).then(|| plugin.hash()),
        large: plugin.size_bytes() > LARGE_BYTES,
        imports: plugin.imports().to_vec(),
        exports: plugin.exports().to_vec(),
        origins,
        credential: Credential {
            header,
            prefix: manifest.credential.prefix.clone(),
            instructions: manifest.credential.instructions.clone(),
        },
        reads,
        may,
        may_not: vec![
            format!("see the gym's key, or send authentication headers of its own: {not_its_own}"),
            "reach any other address, or follow a redirect to one".to_owned(),
            "use files, sockets, environment variables or random numbers: it has none".to_owned(),
            "keep anything in memory from one call to the next, or see another gym's records".to_owned(),
        ],
        settings: serde_json::from_str(&manifest.settings_schema).unwrap_or(Value::Null),
    }
}

/// The headers that could authenticate a request, which the host refuses from a plugin. A provider may accept others.
fn not_its_own(header: &str) -> String {
    let refused = ["authorization", "cookie", "proxy-…"];
    let others = refused.iter().filter(|refused| **refused != header);
    list(&std::iter::once(&header).chain(others).map(|name| format!("`{name}`")).collect::<Vec<_>>())
}

/// What it may do, from its imports and its manifest. It cannot use an interface that it does not import.
fn may(plugin: &Plugin, origins: &[String], header: &str, reads: &[String]) -> Vec<String> {
    let imports = |interface: &str| plugin.imports().iter().any(|import| import.contains(interface));
    let mut may = Vec::new();
    if imports("wasi:http/outgoing-handler") {
        may.push(format!(
            "send HTTPS requests to {}, once the installer has approved it; the host adds the gym's key as `{header}`",
            list(origins)
        ));
    }
    if imports("gym:door-access/directory") {
        may.push(format!("read from the platform's directory: {}", list(reads)));
    }
    if imports("gym:door-access/storage") {
        may.push("keep its own records in the tenant's storage".to_owned());
    }
    if imports("gym:door-access/log") {
        may.push("write log lines".to_owned());
    }
    if imports("wasi:clocks/wall-clock") {
        may.push("read the time".to_owned());
    }
    may
}

fn print(inspection: &Inspection, mut page: Page) -> io::Result<()> {
    page.wide(Tone::Head, &format!("{} ({} {})", inspection.title, inspection.name, inspection.version))?;
    page.wide(Tone::Faint, &inspection.file)?;
    page.gap()?;
    let size = inspection.bytes.map(|bytes| format!("{bytes} bytes ({} kB)", bytes.div_ceil(1_000)));
    for (label, text) in [("size", &size), ("sha-256", &inspection.sha256)] {
        if let Some(text) = text {
            page.labelled(Tone::Faint, label, text, "")?;
        }
    }
    if inspection.large {
        let text = format!(
            "Larger than {} KiB. A host admits up to 1 MiB unless it sets another limit.",
            LARGE_BYTES >> 10
        );
        page.labelled(Tone::Care, "warning", &text, "")?;
    }
    page.labelled(Tone::Faint, "contract", &format!("gym:door-access@{}", inspection.contract), "")?;
    sentences(&mut page, Tone::Good, "may", &inspection.may)?;
    sentences(&mut page, Tone::Bad, "may not", &inspection.may_not)?;
    page.gap()?;
    let Credential { header, prefix, instructions } = &inspection.credential;
    page.labelled(Tone::Faint, "key", &format!("{instructions} Sent as `{header}: {prefix}…`."), "")?;
    page.gap()?;
    sentences(&mut page, Tone::Faint, "settings", &settings(&inspection.settings))?;
    page.gap()?;
    sentences(&mut page, Tone::Faint, "imports", &inspection.imports)?;
    page.gap()?;
    sentences(&mut page, Tone::Faint, "exports", &inspection.exports)
}

fn sentences(page: &mut Page, tone: Tone, label: &str, texts: &[String]) -> io::Result<()> {
    for (index, text) in texts.iter().enumerate() {
        page.labelled(tone, if index == 0 { label } else { "" }, text, "")?;
    }
    Ok(())
}

/// The settings of a JSON Schema, one a line: name, values, meaning.
fn settings(schema: &Value) -> Vec<String> {
    let required = schema.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return Vec::new() };
    let mut lines = Vec::new();
    for (name, property) in properties {
        let text = |field: &str| property.get(field).and_then(Value::as_str);
        let values = property
            .get("enum")
            .and_then(Value::as_array)
            .map(|values| values.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or "));
        let values = values.or_else(|| text("type").map(str::to_owned)).unwrap_or_default();
        let need = match property.get("default") {
            Some(default) => format!(", {default} when left out"),
            None if required.contains(&Value::from(name.as_str())) => ", required".to_owned(),
            None => String::new(),
        };
        lines.push(format!("{name} ({values}{need}): {}", text("description").unwrap_or_default()));
    }
    lines
}
