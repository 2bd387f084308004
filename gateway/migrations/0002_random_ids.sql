-- Ids of jobs and runners are random, so that the part of them that logs show tells them apart. What was ordered by
-- id is ordered by time: lists go by (created_at, seq) and (at, id).

CREATE TABLE jobs_in_order (
    seq           INTEGER PRIMARY KEY,
    id            TEXT NOT NULL UNIQUE,
    created_at    INTEGER NOT NULL,
    source_id     TEXT NOT NULL,
    runner_id     TEXT,
    session_id    TEXT,
    kind          TEXT NOT NULL,
    target        TEXT,
    status        TEXT NOT NULL CHECK (status IN
                      ('pending', 'claimed', 'dispatched', 'done', 'failed', 'cancelled', 'expired')),
    claimed_by    TEXT,
    claimed_at    INTEGER,
    dispatched_at INTEGER,
    finished_at   INTEGER,
    attempt       INTEGER NOT NULL,
    deadline_at   INTEGER,
    rows          INTEGER,
    bytes         INTEGER,
    error_code    TEXT,
    error_message TEXT,
    request_id    TEXT,
    traceparent   TEXT
) STRICT;
INSERT INTO jobs_in_order (id, created_at, source_id, runner_id, session_id, kind, target, status, claimed_by,
        claimed_at, dispatched_at, finished_at, attempt, deadline_at, rows, bytes, error_code, error_message,
        request_id, traceparent)
    SELECT id, coalesce(dispatched_at, claimed_at, finished_at, 0), source_id, runner_id, session_id, kind, target,
        status, claimed_by, claimed_at, dispatched_at, finished_at, attempt, deadline_at, rows, bytes, error_code,
        error_message, request_id, traceparent
    FROM runner_jobs ORDER BY id;
DROP TABLE runner_jobs;
ALTER TABLE jobs_in_order RENAME TO runner_jobs;
-- An index holds the row's number, which is seq, behind its columns.
CREATE INDEX runner_jobs_created ON runner_jobs (created_at);
CREATE INDEX runner_jobs_runner ON runner_jobs (runner_id, created_at);
CREATE INDEX runner_jobs_source ON runner_jobs (source_id, created_at);
CREATE INDEX runner_jobs_unfinished ON runner_jobs (status) WHERE status IN ('pending', 'claimed', 'dispatched');

CREATE TABLE audit_in_order (
    id           TEXT NOT NULL,
    at           INTEGER NOT NULL,
    actor        TEXT NOT NULL,
    action       TEXT NOT NULL,
    subject_type TEXT NOT NULL,
    subject_id   TEXT,
    detail       TEXT NOT NULL,
    PRIMARY KEY (at, id)
) STRICT, WITHOUT ROWID;
INSERT INTO audit_in_order (id, at, actor, action, subject_type, subject_id, detail)
    SELECT id, at, actor, action, subject_type, subject_id, detail FROM audit_log;
DROP TABLE audit_log;
ALTER TABLE audit_in_order RENAME TO audit_log;
CREATE INDEX audit_log_subject ON audit_log (subject_id, at, id);
