-- Times are milliseconds since the Unix epoch, always taken from the database's own clock.
-- Ids are UUIDv7 text, so ordering by id is ordering by creation.

CREATE TABLE orgs (
    id   TEXT PRIMARY KEY,
    slug TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE environments (
    id     TEXT PRIMARY KEY,
    org_id TEXT NOT NULL REFERENCES orgs (id),
    slug   TEXT NOT NULL,
    UNIQUE (org_id, slug)
) STRICT;

CREATE TABLE runners (
    id              TEXT PRIMARY KEY,
    org_id          TEXT NOT NULL REFERENCES orgs (id),
    name            TEXT NOT NULL,
    deployment_type TEXT NOT NULL DEFAULT 'customer',
    created_at      INTEGER NOT NULL,
    revoked_at      INTEGER,
    last_seen_at    INTEGER,
    UNIQUE (org_id, name)
) STRICT;

CREATE TABLE api_keys (
    id             TEXT PRIMARY KEY,
    org_id         TEXT NOT NULL REFERENCES orgs (id),
    environment_id TEXT REFERENCES environments (id),
    kind           TEXT NOT NULL CHECK (kind IN ('rk', 'sk', 'pk', 'admin')),
    runner_id      TEXT REFERENCES runners (id),
    name           TEXT,
    sha256         BLOB NOT NULL UNIQUE,
    prefix         TEXT NOT NULL,
    last4          TEXT NOT NULL,
    created_at     INTEGER NOT NULL,
    revoked_at     INTEGER,
    last_used_at   INTEGER
) STRICT;
CREATE INDEX api_keys_runner ON api_keys (runner_id);

CREATE TABLE sources (
    id                   TEXT PRIMARY KEY,
    environment_id       TEXT NOT NULL REFERENCES environments (id),
    name                 TEXT NOT NULL,
    bridge               TEXT NOT NULL,
    credentials_location TEXT NOT NULL CHECK (credentials_location IN ('managed', 'runner-local')),
    config_ciphertext    BLOB,
    config_key_id        TEXT,
    on_no_runner         TEXT NOT NULL DEFAULT 'fail' CHECK (on_no_runner IN ('fail', 'direct', 'queue')),
    timeout_ms           INTEGER NOT NULL,
    created_at           INTEGER NOT NULL,
    updated_at           INTEGER NOT NULL,
    UNIQUE (environment_id, name)
) STRICT;

CREATE TABLE runner_assignments (
    runner_id  TEXT NOT NULL REFERENCES runners (id),
    source_id  TEXT NOT NULL REFERENCES sources (id),
    created_at INTEGER NOT NULL,
    PRIMARY KEY (runner_id, source_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX runner_assignments_source ON runner_assignments (source_id);

CREATE TABLE gateway_instances (
    id               TEXT PRIMARY KEY,
    started_at       INTEGER NOT NULL,
    lease_expires_at INTEGER NOT NULL,
    address          TEXT NOT NULL
) STRICT;

CREATE TABLE runner_sessions (
    id                TEXT PRIMARY KEY,
    runner_id         TEXT NOT NULL REFERENCES runners (id),
    instance_id       TEXT NOT NULL REFERENCES gateway_instances (id),
    runtime_version   TEXT,
    features          TEXT NOT NULL,
    connectors        TEXT NOT NULL,
    source_health     TEXT NOT NULL,
    active_jobs       INTEGER NOT NULL,
    connected_at      INTEGER NOT NULL,
    last_heartbeat_at INTEGER NOT NULL,
    lease_expires_at  INTEGER NOT NULL
) STRICT;
CREATE INDEX runner_sessions_runner ON runner_sessions (runner_id);
CREATE INDEX runner_sessions_instance ON runner_sessions (instance_id);

-- What was asked and how it ended; never a payload, never a row.
CREATE TABLE runner_jobs (
    id            TEXT PRIMARY KEY,
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
) STRICT, WITHOUT ROWID;
CREATE INDEX runner_jobs_runner ON runner_jobs (runner_id, id);
CREATE INDEX runner_jobs_source ON runner_jobs (source_id, id);
CREATE INDEX runner_jobs_unfinished ON runner_jobs (status) WHERE status IN ('pending', 'claimed', 'dispatched');

CREATE TABLE audit_log (
    id           TEXT PRIMARY KEY,
    at           INTEGER NOT NULL,
    actor        TEXT NOT NULL,
    action       TEXT NOT NULL,
    subject_type TEXT NOT NULL,
    subject_id   TEXT,
    detail       TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX audit_log_subject ON audit_log (subject_id, id);
