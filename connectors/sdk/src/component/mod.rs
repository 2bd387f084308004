//! The exports of a component, over the traits of a connector.
//!
//! - `bindings`: what is generated of the WIT
//! - `convert`: its records to our types and back
//! - `rows`: a result

#[allow(missing_docs, clippy::all, clippy::restriction, clippy::pedantic, reason = "generated")]
pub mod bindings {
    wit_bindgen::generate!({
        path: "../../wit/since_v0.1.0",
        world: "connector",
        pub_export_macro: true,
        runtime_path: "::semilayer_connector::component::wit_bindgen::rt",
        default_bindings_module: "::semilayer_connector::component::bindings",
        generate_all,
    });
}
mod convert;
mod rows;

use std::cell::RefCell;
use std::marker::PhantomData;
use std::rc::Rc;
use std::time::Duration;

pub use bindings::export;
pub use wit_bindgen;

use bindings::exports::semilayer::connector::source as wit;

use crate::config::Config;
use crate::connector::{Described, Session};
use crate::error::Result;

/// What of a connector is exported.
pub struct Component<C>(PhantomData<C>);

impl<C: Described> wit::Guest for Component<C> {
    type Rows = rows::Pulled<C::Session>;
    type Session = Open<C>;

    fn manifest() -> String {
        C::MANIFEST.to_owned()
    }

    fn interrupt(config: String, token: String) {
        let done = C::Config::from_json(&config).and_then(|config| C::interrupt(config, &token));
        if let Err(error) = done {
            crate::log::warn(
                "the call could not be stopped in the database",
                &[("error", &error.loggable())],
            );
        }
    }
}

/// One session. A result keeps its session alive, and takes it in hand for the time of a step only.
pub struct Open<C: Described> {
    session: Rc<RefCell<C::Session>>,
}

impl<C: Described> Open<C> {
    fn result(
        &self,
        open: impl FnOnce(&mut C::Session) -> Result<crate::connector::BoxedRows<C::Session>>,
    ) -> Result<wit::Rows, wit::Error> {
        let rows = open(&mut self.session.borrow_mut()).map_err(convert::error)?;
        Ok(wit::Rows::new(rows::Pulled::new(Rc::clone(&self.session), rows)))
    }
}

impl<C: Described> wit::GuestSession for Open<C> {
    fn open(config: String, deadline_ms: u32) -> Result<wit::Session, wit::Error> {
        let session = C::Config::from_json(&config)
            .and_then(|config| C::open(config, Duration::from_millis(deadline_ms.into())))
            .map_err(convert::error)?;
        Ok(wit::Session::new(Open::<C> { session: Rc::new(RefCell::new(session)) }))
    }

    fn ping(&self) -> Result<wit::ServerInfo, wit::Error> {
        self.session.borrow_mut().ping().map(convert::server_info).map_err(convert::error)
    }

    fn list_targets(&self) -> Result<Vec<wit::Target>, wit::Error> {
        let targets = self.session.borrow_mut().list_targets().map_err(convert::error)?;
        Ok(targets.into_iter().map(convert::target).collect())
    }

    fn introspect(&self, target: String) -> Result<wit::TargetSchema, wit::Error> {
        self.session.borrow_mut().introspect(&target).map(convert::schema).map_err(convert::error)
    }

    fn read(&self, call: wit::Call, request: wit::ReadRequest) -> Result<wit::Rows, wit::Error> {
        let request = convert::read(request).map_err(convert::error)?;
        self.result(|session| session.read(&convert::call(call), &request))
    }

    fn query(&self, call: wit::Call, request: wit::QueryRequest) -> Result<wit::Rows, wit::Error> {
        let request = convert::query(request, C::BRIDGE).map_err(convert::error)?;
        self.result(|session| session.query(&convert::call(call), &request))
    }

    fn count(
        &self,
        call: wit::Call,
        target: String,
        filter: Option<String>,
    ) -> Result<wit::Counted, wit::Error> {
        let request = convert::count(target, filter.as_deref(), C::BRIDGE).map_err(convert::error)?;
        let counted = self.session.borrow_mut().count(&convert::call(call), &request);
        counted.map(convert::counted).map_err(convert::error)
    }

    fn aggregate(&self, call: wit::Call, target: String, request: String) -> Result<wit::Rows, wit::Error> {
        let request = convert::aggregate(&target, &request, C::BRIDGE).map_err(convert::error)?;
        self.result(|session| session.aggregate(&convert::call(call), &request))
    }
}
