//! The `log` interface of the world.

use super::Level;
use crate::bindings::semilayer::connector::log as wit;
use crate::state::State;

impl wit::Host for State {
    async fn emit(
        &mut self,
        level: wit::Level,
        message: String,
        fields: Vec<(String, String)>,
    ) -> wasmtime::Result<()> {
        let level = match level {
            wit::Level::Debug => Level::Debug,
            wit::Level::Info => Level::Info,
            wit::Level::Warn => Level::Warn,
            wit::Level::Error => Level::Error,
        };
        self.reach.log().emit(level, &message, &fields);
        Ok(())
    }
}
