-- id is the SHA-256 of a session's id. Times are microseconds since 1970 in UTC.
CREATE TABLE sessions (
    id         text   PRIMARY KEY,
    kind       text   NOT NULL,
    subject    text   NOT NULL,
    data       text   NOT NULL,
    version    bigint NOT NULL,
    created    bigint NOT NULL,
    logged_in  bigint,
    seen       bigint NOT NULL,
    idle_until bigint NOT NULL,
    until      bigint NOT NULL,
    address    text   NOT NULL,
    agent      text   NOT NULL
);

CREATE INDEX sessions_kind_subject ON sessions (kind, subject);

CREATE INDEX sessions_expiry ON sessions ((CASE WHEN idle_until < until THEN idle_until ELSE until END));
