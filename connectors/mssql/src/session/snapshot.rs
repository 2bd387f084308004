//! A page and its total from one state of the data, where the database keeps row versions.

/// Begins a transaction that sees the data as they are now, whatever others write meanwhile. It takes no locks.
pub(super) const BEGIN: &str = "SET TRANSACTION ISOLATION LEVEL SNAPSHOT; BEGIN TRANSACTION";

/// Ends it, also where the server has done so already.
pub(super) const END: &str =
    "IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION; SET TRANSACTION ISOLATION LEVEL READ COMMITTED";

/// How pages and totals agree with each other in this database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Consistency {
    /// Both see one snapshot.
    Snapshot,
    /// Each sees what is committed when it runs: snapshots are not allowed in this database.
    ReadCommitted,
}

impl Consistency {
    /// From `sys.databases.snapshot_isolation_state`: 1 is on, others are off or on their way.
    pub(super) fn of(snapshot_isolation_state: Option<i64>) -> Self {
        if snapshot_isolation_state == Some(1) { Consistency::Snapshot } else { Consistency::ReadCommitted }
    }

    /// For a person.
    pub(super) fn note(self) -> &'static str {
        match self {
            Consistency::Snapshot => "totals see what their page saw",
            Consistency::ReadCommitted => {
                "totals are read committed (the database does not allow snapshot isolation)"
            }
        }
    }
}
