//! Components that attack before they have a tenant: when they are compiled, started, or asked for their manifest.

use std::time::Duration;

use door_access_host::{
    ApprovedOrigin, CallError, Deadline, Denial, Engine, EngineConfig, ExchangeEnd, Limits, LoadError,
};

use super::attack::{FURTHER, MOMENT, last_end, limits, shown};
use crate::guest;
use crate::stage::{ENGINE, ORIGIN, Stage, stage, stage_of};

const DESCRIBE: &str = r#"(func (export "gym:door-access/provider@0.1.0#describe") (result i32)"#;
const MEMORY: &str = r#"(memory (export "memory") 2)"#;
const LAST_FIELD: &str = "(call $text (i32.const 0x248) (i32.const 0x1140) (i32.const 2))";
const GIVEN: &str = "(local.get $at)) ;; given";

/// An engine with tight limits for loading.
fn strict() -> Engine {
    let describe_limits = Limits { compute_max: MOMENT, memory_bytes_max: 8 << 20, ..limits() };
    let tick = Duration::from_millis(2);
    Engine::new(EngineConfig { calls_max: 2, tick, describe_limits, ..EngineConfig::default() }).unwrap()
}

#[tokio::test]
async fn a_component_that_attacks_when_it_is_loaded_is_refused_with_the_limit() {
    let engine = strict();
    type Is = fn(&LoadError) -> bool;
    let compute: Is =
        |error| matches!(error, LoadError::Describe(CallError::TimedOut(Deadline::Compute, 400)));
    let memory: Is = |error| matches!(error, LoadError::Describe(CallError::MemoryLimit { .. }));
    let trapped: Is = |error| matches!(error, LoadError::Describe(CallError::Trapped { .. }));
    let stack: Is = |error| matches!(error, LoadError::Describe(CallError::StackLimit { .. }));
    let too_much: Is =
        |error| matches!(error, LoadError::Describe(CallError::HostCallLimit { limit_bytes: 4_194_304 }));
    let manifest: Is = |error| matches!(error, LoadError::Manifest(_));
    let demanding: Is = |error| matches!(error, LoadError::TooDemanding { .. });
    let describes = |behaviour: &str| (DESCRIBE, format!("{DESCRIBE} {behaviour}"));
    let starts = |behaviour: &str| (MEMORY, format!("{MEMORY} (func $begin {behaviour}) (start $begin)"));
    // Overwrites a field of the manifest with another text or list.
    let field = |at: &str, place: &str, length: &str| {
        let wanted = format!("(call $text (i32.const {at}) (i32.const {place}) (i32.const {length}))");
        (LAST_FIELD, format!("{LAST_FIELD} (drop (memory.grow (i32.const 100))) {wanted}"))
    };
    let table: Vec<(&str, (&str, String), Is)> = vec![
        ("computes without end when asked", describes("(loop $forever (br $forever))"), compute),
        ("computes without end when started", starts("(loop $forever (br $forever))"), compute),
        (
            "takes all memory when asked",
            describes("(loop $more (drop (memory.grow (i32.const 16))) (br $more))"),
            memory,
        ),
        (
            "takes all memory when started",
            starts("(loop $more (drop (memory.grow (i32.const 16))) (br $more))"),
            memory,
        ),
        ("traps when started", starts("unreachable"), trapped),
        ("recurses when asked", describes("(drop (call $deeper (i32.const 1)))"), stack),
        (
            "writes beyond its memory when started",
            (MEMORY, format!("{MEMORY} (data (i32.const 0x7fffffff) \"x\")")),
            trapped,
        ),
        ("starts with 100 MiB", (MEMORY, r#"(memory (export "memory") 1600)"#.to_owned()), demanding),
        (
            "starts with a table of 15,000",
            ("(table $elements 1 funcref)", "(table $elements 15000 funcref)".to_owned()),
            demanding,
        ),
        ("starts with 2 GiB", (MEMORY, r#"(memory (export "memory") 32768)"#.to_owned()), demanding),
        (
            "starts with a table of a million",
            ("(table $elements 1 funcref)", "(table $elements 1000000 funcref)".to_owned()),
            demanding,
        ),
        ("a title of 6 MB", field("0x208", "0x10000", "6000000"), too_much),
        ("a title that is not UTF-8", field("0x208", "0x1440", "3"), trapped),
        ("a title of control characters", field("0x208", "0x1600", "4"), manifest),
        ("a title of 101 letters", field("0x208", "0x1700", "101"), manifest),
        ("a version of 60,000 letters", field("0x210", "0x1700", "60000"), manifest),
        ("a name with a slash", field("0x200", "0x1800", "4"), manifest),
        ("a schema that is not JSON", field("0x248", "0x1430", "12"), manifest),
        ("a thousand kinds of data to read", field("0x240", "0x1810", "1000"), manifest),
        ("seventeen origins", field("0x220", "0x1910", "17"), manifest),
    ];
    let data = r#"
      (data (i32.const 0x1600) "a\1b[2")
      (data (i32.const 0x1700) "1.0.0+aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")
      (data (i32.const 0x1800) "../k")
      "#;
    let further = format!("{FURTHER}{data}");
    for (what, (text, replacement), is) in table {
        let component = guest::component_with_orders_and(&further, text, &replacement);
        let error = engine.load(&component).await.unwrap_err();
        println!("{what}: {}", error.to_string().chars().take(100).collect::<String>());
        assert!(is(&error), "{what}: {error:?}");
        assert!(error.to_string().len() < 1_000, "{what}: an error of {} bytes", error.to_string().len());
    }
    // The engine still works.
    assert!(engine.load(&guest::component()).await.is_ok());
}

#[tokio::test]
async fn features_of_webassembly_that_the_host_does_not_guard_are_refused() {
    // Waiting on shared memory would block a thread of the host. The meter does not count 64-bit memories and collected
    // objects.
    let table = [
        ("shared memory", "(memory 1 1 shared)"),
        (
            "waiting on memory",
            "(memory 1 1 shared) (func (drop (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const -1))))",
        ),
        ("objects", "(type $t (struct (field i32))) (func (drop (struct.new $t (i32.const 1))))"),
        ("exceptions", "(tag $e) (func (throw $e))"),
        ("two memories in a module", "(memory 1) (memory 1)"),
        ("a memory of 64 bits", "(memory i64 1)"),
        ("a table of 64 bits", "(table i64 1 funcref)"),
    ];
    for (what, module) in table {
        let component = wat::parse_str(format!("(component (core module {module}))")).unwrap();
        let error = ENGINE.load(&component).await.unwrap_err();
        assert!(matches!(error, LoadError::Invalid { .. }), "{what}: {error:?}");
    }
}

/// A component with these parts. It is no plugin, but demands on the compiler are checked before that.
fn with(parts: &str) -> Vec<u8> {
    wat::parse_str(format!("(component {parts})")).unwrap()
}

/// A core module with one function.
fn function(locals: usize, body: &str) -> String {
    format!("(core module (func (local {}) {body}))", "i32 ".repeat(locals))
}

#[tokio::test]
async fn a_component_too_large_to_compile_is_refused_before_it_is_compiled() {
    let blocks = |count: usize| "(block)".repeat(count);
    let sets = |locals: usize| -> String {
        (0..locals).map(|local| format!("(local.set {local} (i32.const 1))")).collect()
    };
    let doubling: String = (1..30)
        .map(|level| {
            let twice = "(instance (instantiate $below)) (instance (instantiate $below))";
            format!("(component $c{level} (alias outer $root $c{} (component $below)) {twice})", level - 1)
        })
        .collect();
    let table: Vec<(&str, Vec<u8>, &str)> = vec![
        (
            // Would take 20 GB.
            "50,000 locals in 100,000 blocks",
            with(&function(50_000, &(blocks(100_000) + &sets(50_000)))),
            "bytes of code in a function",
        ),
        ("10,001 locals", with(&function(10_001, "")), "10001 local variables in a function"),
        (
            "9,000 locals in 9,000 blocks",
            with(&function(9_000, &(blocks(9_000) + &sets(9_000)))),
            "local variables times branches",
        ),
        (
            "the same in a component within",
            with(&format!("(component (component {}))", function(9_000, &(blocks(9_000) + &sets(9_000))))),
            "local variables times branches",
        ),
        (
            "2,000 locals and a jump to 2,500 places",
            with(&function(2_000, &format!("(br_table {} (i32.const 0))", "0 ".repeat(2_500)))),
            "local variables times branches",
        ),
        (
            "40 functions of 900 locals in 1,600 blocks",
            with(&function(900, &blocks(1_600)).repeat(40)),
            "local variables times branches in all functions",
        ),
        ("a function of 140 kB", with(&function(1, &"nop ".repeat(140_000))), "bytes of code in a function"),
        ("20,001 functions", with(&format!("(core module {})", "(func)".repeat(20_001))), "20001 functions"),
        (
            "20,001 functions in two modules",
            with(&format!("(core module {}) (core module (func))", "(func)".repeat(20_000))),
            "20001 functions",
        ),
        (
            "a function of 101 parameters",
            with(&format!("(core module (type (func (param {}))))", "i32 ".repeat(101))),
            "101 parameters",
        ),
        (
            "a function of 9 results",
            with(&format!("(core module (type (func (result {}))))", "i32 ".repeat(9))),
            "9 results",
        ),
        ("101 modules", with(&"(core module)".repeat(100)), "101 modules and components"),
        (
            "a module that is instantiated 201 times",
            with(&format!("(core module $m) {}", "(core instance (instantiate $m))".repeat(201))),
            "201 instances",
        ),
        (
            "two of two of two, thirty times over",
            wat::parse_str(format!(
                "(component $root (component $c0) {doubling} (instance (instantiate $c29)))"
            ))
            .unwrap(),
            "components that instantiate others within a component",
        ),
    ];
    for (what, component, named) in table {
        let error = ENGINE.load(&component).await.unwrap_err();
        println!("{what}: {error}");
        assert!(
            matches!(&error, LoadError::TooDemanding { needs, .. } if needs.contains(named)),
            "{what}: {error:?}"
        );
    }
}

#[tokio::test]
async fn a_component_with_more_memories_and_tables_than_one_program_has_is_refused() {
    for (what, module, needs) in [
        ("a second memory", "(module (memory 1))", "2 Wasm linear memories"),
        (
            "four more tables",
            "(module (table 1 funcref) (table 1 funcref) (table 1 funcref) (table 1 funcref))",
            "tables count of 4",
        ),
    ] {
        // A real plugin with another module and an instance of it.
        let module = wat::parse_str(module).unwrap();
        let component = guest::component_and_module(&module);
        let error = ENGINE.load(&component).await.unwrap_err();
        println!("{what}: {error}");
        assert!(
            matches!(&error, LoadError::TooDemanding { needs: found, .. } if found.contains(needs)),
            "{what}: {error:?}"
        );
    }
}

#[tokio::test]
async fn a_component_with_types_of_another_contract_is_refused_with_the_difference() {
    let other = async |text, replacement| {
        ENGINE.load(&guest::dummy_of_another_contract(text, replacement)).await.unwrap_err()
    };
    let import = other("result<version, storage-error>", "result<u32, storage-error>").await;
    let storage = "gym:door-access/storage@0.1.0";
    assert!(
        matches!(&import, LoadError::OtherContract { message } if message.contains(storage)),
        "{import:?}"
    );
    // Exports are compared at the first call.
    let export =
        other("status: func() -> result<health, error>", "status: func() -> result<u32, error>").await;
    assert!(matches!(&export, LoadError::Describe(CallError::Instance(_))), "{export:?}");
}

/// A tenant of the hostile plugin with one text of its source replaced.
async fn changed(text: &str, replacement: &str, limits: Limits) -> Stage {
    let plugin = ENGINE.load(&guest::component_with_orders_and(FURTHER, text, replacement)).await.unwrap();
    stage_of(plugin, |builder| {
        builder.approve(ApprovedOrigin::direct(ORIGIN.parse().unwrap())).limits(limits)
    })
}

#[tokio::test]
async fn a_plugin_that_attacks_from_a_call_s_glue_code_is_stopped_too() {
    let neighbour = stage().await;
    let moment = || Limits { compute_max: MOMENT, ..limits() };
    // The plugin chooses where the host writes texts, within its own memory. Loading passes no texts.
    let post = |behaviour: &str| {
        let post = r#"(func (export "cabi_post_gym:door-access/connection@0.1.0#connect") (param i32)"#;
        (MEMORY, format!("{MEMORY} {post} {behaviour})"))
    };
    type Is = fn(&CallError) -> bool;
    let compute: Is = |error| matches!(error, CallError::TimedOut(Deadline::Compute, 400));
    let trapped: Is = |error| matches!(error, CallError::Trapped { panic: None, .. });
    let memory: Is = |error| matches!(error, CallError::MemoryLimit { .. });
    let table = [
        ("an address beyond memory", (GIVEN, "(i32.const -16))".to_owned()), trapped),
        ("endless allocation", (GIVEN, "(loop $forever (br $forever)) (local.get $at))".to_owned()), compute),
        (
            "all memory for one allocation",
            (
                GIVEN,
                "(loop $more (drop (memory.grow (i32.const 16))) (br $more)) (local.get $at))".to_owned(),
            ),
            memory,
        ),
        (
            "a host call during allocation",
            (GIVEN, "(call $now (i32.const 0x100)) (local.get $at))".to_owned()),
            trapped,
        ),
        ("endless cleanup", post("(loop $forever (br $forever))"), compute),
        ("a host call during cleanup", post("(call $now (i32.const 0x100))"), trapped),
        ("a trap during cleanup", post("unreachable"), trapped),
    ];
    for (what, (text, replacement), is) in table {
        let stage = changed(text, &replacement, moment()).await;
        for _ in 0..2 {
            let (ended, beside) = tokio::join!(stage.try_order("Etext"), neighbour.order("Ebeside"));
            println!("{what}: {}", shown(&ended));
            assert!(matches!(&ended, Err(error) if is(error)), "{what}: {ended:?}");
            assert_eq!(beside, "beside");
        }
        // A call without texts and cleanup works.
        assert!(stage.tenant.status().await.unwrap().is_ok(), "{what}");
    }
}

#[tokio::test]
async fn a_manifest_that_asks_for_more_than_was_approved_gets_what_was_approved() {
    // Two origins, of which the installer approves one.
    let further = format!(
        "{FURTHER}
         (data (i32.const 0x1308) \"\\40\\13\\00\\00\\14\\00\\00\\00\")
         (data (i32.const 0x1340) \"https://evil.example\")"
    );
    let one = "(call $text (i32.const 0x220) (i32.const 0x1300) (i32.const 1))";
    let two = "(call $text (i32.const 0x220) (i32.const 0x1300) (i32.const 2))";
    let component = guest::component_with_orders_and(&further, one, two);
    let plugin = ENGINE.load(&component).await.unwrap();
    assert_eq!(plugin.origins().len(), 2);
    let stage = stage_of(plugin, |builder| builder.approve(ApprovedOrigin::direct(ORIGIN.parse().unwrap())));
    assert_eq!(stage.tenant.origins().count(), 1);
    assert_eq!(stage.order("HG\nhttps\nevil.example\n/\n").await, "error 15");
    let recording = stage.recorder.take();
    let end = last_end(&recording);
    assert_eq!(end, Some(&ExchangeEnd::Denied(Denial::Origin("https://evil.example".to_owned()))));
    assert_eq!(stage.wire.sent().len(), 0);
    stage.get("/").await;
    assert_eq!(stage.wire.sent().len(), 1);
}

#[tokio::test]
async fn a_plugin_gets_no_data_and_no_network_while_it_describes_itself() {
    let asks = "
      (call $store-many (i32.const 1) (i32.const 1))
      (call $find-members (i32.const 0x1430) (i32.const 12) (i32.const 0x100))
      (call $await (call $send (call $addressed (call $fields))))
      ;; The results, as the title.
      (call $text (i32.const 0x208) (i32.const 0x3000) (i32.sub (global.get $message) (i32.const 0x3000)))";
    let component = guest::component_with_orders_and(FURTHER, LAST_FIELD, &format!("{LAST_FIELD} {asks}"));
    let plugin = ENGINE.load(&component).await.unwrap();
    // Storage has no quota, and no origin is approved.
    assert_eq!(plugin.manifest().title, "storage refused13 0error 15");
}
