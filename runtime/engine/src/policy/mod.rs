//! What the operator of this machine allows, whatever the gateway asks for.
//!
//! Rules about the request (its kind, how many at once, how long) act at admission. Rules about targets and columns act on
//! the session, once the catalogue has said what the target is: jobs may spell a name as they like. A request that names
//! a column which nobody may see is refused, wherever it names it; the rows of one that names all have it dropped, masked
//! or hashed on their way out.
//!
//! - `section`: what the file says
//! - `pattern`: how it names targets and columns
//! - `rules`: what that means for one source
//! - `seen`, `catalogue`: targets as the database knows them
//! - `judge`: a request's columns held against the rules
//! - `guard`: all of that on a session
//! - `limit`: rows and bytes
//! - `audit`, `record`: what was done, written down

mod audit;
mod catalogue;
mod guard;
mod judge;
mod limit;
mod pattern;
mod policies;
mod record;
mod rules;
mod section;
mod seen;

pub use audit::AuditLog;
pub(crate) use catalogue::Catalogue;
pub(crate) use guard::Guard;
pub(crate) use limit::Limit;
pub use pattern::{ColumnPattern, TargetPattern};
pub use policies::{Decision, Policies, PolicyFault, same_source};
pub(crate) use record::{Left, Record, Trace};
pub use rules::Policy;
pub(crate) use rules::Set;
pub use section::{HashKey, Mask, PolicySection, PolicySettings, TargetRules};
