-- {table} is the name of the table. until is microseconds since 1970 in UTC. Keys are told apart by each byte.
CREATE TABLE "{table}" (
    key   text   COLLATE "C" NOT NULL PRIMARY KEY,
    mark  text   NOT NULL,
    until bigint NOT NULL
);

CREATE INDEX "{table}_until" ON "{table}" (until);
