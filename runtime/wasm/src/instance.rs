//! One instance of a module: one session, or one interrupt.

use std::sync::Arc;

use connector_api::CallContext;
use connector_model::error::Error;
use connector_model::target::Column;
use wasmtime::component::ResourceAny;
use wasmtime::{Store, UpdateDeadline};

use crate::answered;
use crate::bindings::Connector;
use crate::bindings::exports::semilayer::connector::source as wit;
use crate::bindings::semilayer::connector::types::Step;
use crate::failure::{Failure, Remains};
use crate::guest_error;
use crate::hosted::Hosted;
use crate::log::Secrets;
use crate::measured::Share;
use crate::meter::Meter;
use crate::places::Place;
use crate::reach::Reach;
use crate::state::State;
use crate::ticks::Ticker;

/// The most bytes that a guest may hand over in one call: lists of targets, texts of errors, what it sends.
const TRANSFER: usize = 9 * 1024 * 1024;

/// The same for rows. More than a batch may have (`batch::MAX_BYTES`), so that one that is too large is seen to be that:
/// what exceeds this is known to be refused, and not why.
const ROWS_TRANSFER: usize = 32 * 1024 * 1024;

/// An instance in its store. Dropping it frees all of it: memory, connections, what it waits for.
pub(crate) struct Instance {
    store: Store<State>,
    world: Connector,
    meter: Arc<Meter>,
    ticker: Arc<Ticker>,
    share: Share,
    /// Given back when all else is.
    _place: Place,
}

/// What a call brings.
pub(crate) type Outcome<T> = Result<T, Failure>;

impl Instance {
    /// A fresh one for a session.
    pub(crate) async fn of_session(hosted: &Hosted, reach: Reach) -> Outcome<Instance> {
        Instance::new(hosted, reach, hosted.place()?).await
    }

    /// A fresh one, out of the pool, where it has a place.
    pub(crate) async fn new(hosted: &Hosted, reach: Reach, place: Place) -> Outcome<Instance> {
        let policy = &hosted.module.policy;
        let memory = usize::try_from(policy.memory).unwrap_or(usize::MAX);
        let state = State::new(memory, reach);
        let mut store = Store::new(hosted.pre.engine(), state);
        store.limiter(|state| &mut state.limits);
        store.set_hostcall_fuel(TRANSFER);
        let meter = Arc::new(Meter::new(policy.running));
        let judge = Arc::clone(&meter);
        store.epoch_deadline_callback(move |_| {
            judge.check()?;
            Ok(UpdateDeadline::YieldCustom(1, Box::pin(tokio::task::yield_now())))
        });
        store.set_epoch_deadline(1);
        let ticker = Arc::clone(&hosted.shared.ticker);
        let share = Share::new(&hosted.measures);
        let world = meter.run(&ticker, hosted.pre.instantiate_async(&mut store)).await?;
        Ok(Instance { store, world, meter, ticker, share, _place: place })
    }

    /// Begins a call: its bounds hold for whatever the guest does from now on.
    pub(crate) fn begin(&mut self, call: &CallContext) {
        self.meter.begin();
        let state = self.store.data_mut();
        state.limits.begin();
        state.reach.begin(call);
    }

    /// Ends a call that the guest came back from.
    pub(crate) fn settle(&mut self) {
        let bytes = self.store.data().limits.used();
        self.share.settle(bytes, &self.meter);
    }

    /// What its source keeps secret.
    pub(crate) fn secrets(&self) -> &Secrets {
        self.store.data().log.secrets()
    }

    /// How the present call's last connection failed to come about, as [`Reach::failed`], fit to be shown.
    pub(crate) fn dialled(&self) -> Option<Error> {
        let failed = self.store.data().reach.failed();
        failed.map(|error| guest_error::of_dial(&error, self.secrets()))
    }

    /// What the guest may reach, and how it went.
    pub(crate) fn reach(&mut self) -> &mut Reach {
        &mut self.store.data_mut().reach
    }

    /// What is known of it when it is lost.
    pub(crate) fn remains<'h>(&self, hosted: &'h Hosted) -> Remains<'h> {
        let state = self.store.data();
        Remains {
            connector: &hosted.name,
            memory: state.limits.exceeded(),
            words: state.log.last_words(),
            secrets: state.log.secrets().clone(),
        }
    }

    pub(crate) async fn manifest(&mut self) -> Outcome<String> {
        let Instance { store, world, .. } = self;
        let call = world.semilayer_connector_source().call_manifest(store);
        Ok(self.meter.run(&self.ticker, call).await?)
    }

    pub(crate) async fn interrupt(&mut self, config: &wit::Json, token: &str) -> Outcome<()> {
        let Instance { store, world, .. } = self;
        let call = world.semilayer_connector_source().call_interrupt(store, config, token);
        Ok(self.meter.run(&self.ticker, call).await?)
    }

    pub(crate) async fn open(&mut self, config: &wit::Json, deadline_ms: u32) -> Outcome<ResourceAny> {
        let Instance { store, world, .. } = self;
        let session = world.semilayer_connector_source().session();
        answer(self.meter.run(&self.ticker, session.call_open(store, config, deadline_ms)).await)
    }

    pub(crate) async fn ping(&mut self, session: ResourceAny) -> Outcome<wit::ServerInfo> {
        let Instance { store, world, .. } = self;
        let guest = world.semilayer_connector_source().session();
        answer(self.meter.run(&self.ticker, guest.call_ping(store, session)).await)
    }

    pub(crate) async fn list_targets(&mut self, session: ResourceAny) -> Outcome<Vec<wit::Target>> {
        let Instance { store, world, .. } = self;
        let guest = world.semilayer_connector_source().session();
        answer(self.meter.run(&self.ticker, guest.call_list_targets(store, session)).await)
    }

    pub(crate) async fn introspect(
        &mut self,
        session: ResourceAny,
        target: &str,
    ) -> Outcome<wit::TargetSchema> {
        let Instance { store, world, .. } = self;
        let guest = world.semilayer_connector_source().session();
        answer(self.meter.run(&self.ticker, guest.call_introspect(store, session, target)).await)
    }

    pub(crate) async fn read(
        &mut self,
        session: ResourceAny,
        call: &wit::Call,
        request: &wit::ReadRequest,
    ) -> Outcome<ResourceAny> {
        let Instance { store, world, .. } = self;
        let guest = world.semilayer_connector_source().session();
        answer(self.meter.run(&self.ticker, guest.call_read(store, session, call, request)).await)
    }

    pub(crate) async fn query(
        &mut self,
        session: ResourceAny,
        call: &wit::Call,
        request: &wit::QueryRequest,
    ) -> Outcome<ResourceAny> {
        let Instance { store, world, .. } = self;
        let guest = world.semilayer_connector_source().session();
        answer(self.meter.run(&self.ticker, guest.call_query(store, session, call, request)).await)
    }

    pub(crate) async fn count(
        &mut self,
        session: ResourceAny,
        call: &wit::Call,
        target: &str,
        filter: Option<&wit::Json>,
    ) -> Outcome<wit::Counted> {
        let Instance { store, world, .. } = self;
        let guest = world.semilayer_connector_source().session();
        answer(self.meter.run(&self.ticker, guest.call_count(store, session, call, target, filter)).await)
    }

    pub(crate) async fn aggregate(
        &mut self,
        session: ResourceAny,
        call: &wit::Call,
        target: &str,
        request: &wit::Json,
    ) -> Outcome<ResourceAny> {
        let Instance { store, world, .. } = self;
        let guest = world.semilayer_connector_source().session();
        answer(
            self.meter.run(&self.ticker, guest.call_aggregate(store, session, call, target, request)).await,
        )
    }

    /// The columns of a result.
    pub(crate) async fn columns(&mut self, rows: ResourceAny) -> Outcome<Vec<Column>> {
        let Instance { store, world, .. } = self;
        let guest = world.semilayer_connector_source().rows();
        let columns = self.meter.run(&self.ticker, guest.call_columns(store, rows)).await?;
        Ok(columns.into_iter().map(answered::column).collect())
    }

    /// The next rows of a result, or its end.
    pub(crate) async fn next(&mut self, rows: ResourceAny, max_bytes: u32) -> Outcome<Step> {
        let Instance { store, world, .. } = self;
        let guest = world.semilayer_connector_source().rows();
        store.set_hostcall_fuel(ROWS_TRANSFER);
        let outcome = self.meter.run(&self.ticker, guest.call_next(&mut *store, rows, max_bytes)).await;
        store.set_hostcall_fuel(TRANSFER);
        answer(outcome)
    }

    /// Drops a result in the guest.
    pub(crate) async fn release(&mut self, rows: ResourceAny) -> Outcome<()> {
        let dropping = rows.resource_drop_async(&mut self.store);
        Ok(self.meter.run(&self.ticker, dropping).await?)
    }
}

/// The two ways of failing as one.
fn answer<T>(outcome: wasmtime::Result<Result<T, wit::Error>>) -> Outcome<T> {
    Ok(outcome??)
}
