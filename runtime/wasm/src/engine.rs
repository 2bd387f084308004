//! The engine that all modules share.

use std::sync::Arc;

use connector_model::error::{Error, ErrorCode, Result};
use wasmtime::component::{Component, Linker};
use wasmtime::{Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, WasmBacktraceDetails};

use crate::bindings::ConnectorPre;
use crate::hosted::{HostedConnector, Shared};
use crate::limits::{MAX_CORE_INSTANCES, MAX_MEMORIES, MAX_TABLE_ELEMENTS, MAX_TABLES};
use crate::linker::linker;
use crate::module::Module;
use crate::places::{MEMORIES, PLACES, Places, TABLES, weight};
use crate::state::State;
use crate::ticks::Ticker;

/// What a guest's own calls may use of the stack, in bytes.
const WASM_STACK: usize = 512 * 1024;

/// A guest's stack together with what the host's functions need on it, in bytes.
const FIBER_STACK: usize = 2 * 1024 * 1024;

/// The largest of a component's own tables of functions and globals, in bytes; only a limit.
const MAX_INSTANCE_BYTES: usize = 4 * 1024 * 1024;

/// How components are compiled and run. Whoever compiles elsewhere uses the same: code that was compiled otherwise is
/// refused when it is loaded.
pub fn engine_config() -> Config {
    let mut pool = PoolingAllocationConfig::new();
    // Whoever has a place has what belongs to it; see `places`. Each memory reserves addresses for 4 GiB, which cost nothing
    // until they are used, and a core instance only counts.
    pool.total_component_instances(PLACES)
        .total_core_instances(PLACES * MAX_CORE_INSTANCES)
        .total_memories(PLACES * MEMORIES)
        .total_tables(PLACES * TABLES)
        .total_stacks(PLACES)
        .max_core_instances_per_component(MAX_CORE_INSTANCES)
        .max_memories_per_component(MAX_MEMORIES)
        .max_tables_per_component(MAX_TABLES)
        .max_component_instance_size(MAX_INSTANCE_BYTES)
        .max_core_instance_size(MAX_INSTANCE_BYTES)
        .table_elements(MAX_TABLE_ELEMENTS);
    let mut config = Config::new();
    config
        .wasm_component_model(true)
        .concurrency_support(false)
        .epoch_interruption(true)
        .max_wasm_stack(WASM_STACK)
        .async_stack_size(FIBER_STACK)
        .wasm_backtrace_details(WasmBacktraceDetails::Disable)
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    config
}

/// What runs every module of this process. Made when there is a first module: it reserves addresses and has a thread.
#[derive(Clone)]
pub struct HostEngine {
    engine: Engine,
    linker: Arc<Linker<State>>,
    ticker: Arc<Ticker>,
    places: Places,
}

impl HostEngine {
    /// An engine without modules.
    ///
    /// # Errors
    /// `INTERNAL` when the system does not give it addresses or a thread.
    pub fn new() -> Result<HostEngine> {
        let failed = |what: &str, error: &dyn std::fmt::Display| {
            Error::internal(format!(
                "the runtime for WASM connectors could not start: {what}: {error}; a limit on the process's \
                 address space (`ulimit -v`) is the usual reason"
            ))
        };
        let engine =
            Engine::new(&engine_config()).map_err(|error| failed("engine", &format_args!("{error:#}")))?;
        let linker = linker(&engine).map_err(|error| failed("imports", &format_args!("{error:#}")))?;
        let ticker = Ticker::start(engine.clone()).map_err(|error| failed("clock thread", &error))?;
        Ok(HostEngine { engine, linker: Arc::new(linker), ticker: Arc::new(ticker), places: Places::new() })
    }

    /// The module as a connector. Its imports are looked up and its exports checked here, once; nothing of it runs.
    ///
    /// # Errors
    /// `CONNECTOR_FAILED` naming what it imports that is not there, or exports in another shape than the world's.
    pub fn connector(&self, module: Arc<Module>, component: Component) -> Result<Arc<HostedConnector>> {
        let linked = self.linker.instantiate_pre(&component).and_then(ConnectorPre::new);
        let pre = linked.map_err(|error| {
            let message = format!("the module does not fit this runner: {error:#}");
            Error::new(ErrorCode::ConnectorFailed, message)
        })?;
        // Not known only of what imports whole modules, and nothing here would give it those.
        let weight = component
            .resources_required()
            .map_or(PLACES, |needed| weight(needed.num_memories, needed.num_tables));
        let shared = Shared { ticker: Arc::clone(&self.ticker), places: self.places.clone(), weight };
        Ok(Arc::new(HostedConnector::new(module, pre, shared)))
    }

    /// The engine, for loading components into it.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }
}

impl std::fmt::Debug for HostEngine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HostEngine").finish_non_exhaustive()
    }
}
