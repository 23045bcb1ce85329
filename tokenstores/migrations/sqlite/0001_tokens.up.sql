-- {table} is the name of the table. Times are microseconds since 1970 in UTC, idle_limit is
-- microseconds or 0. The secret is not here, only its hash. Names are told apart by each byte.
CREATE TABLE "{table}" (
    type       text   COLLATE BINARY NOT NULL,
    id         text   COLLATE BINARY NOT NULL,
    subject    text   NOT NULL,
    hash       text   COLLATE BINARY NOT NULL,
    name       text   NOT NULL,
    scopes     text   NOT NULL,
    meta       text   NOT NULL,
    created    bigint NOT NULL,
    last_used  bigint,
    expires    bigint,
    idle_limit bigint NOT NULL,
    address    text   NOT NULL,
    successor  text   COLLATE BINARY NOT NULL,
    PRIMARY KEY (type, id)
);

CREATE INDEX "{table}_subject" ON "{table}" (type, subject);

CREATE INDEX "{table}_expiry" ON "{table}" (CASE
    WHEN idle_limit = 0 THEN expires
    WHEN expires <= (CASE WHEN last_used > created THEN last_used ELSE created END) + idle_limit THEN expires
    ELSE (CASE WHEN last_used > created THEN last_used ELSE created END) + idle_limit END);
