-- {table} is the name of the table. Addresses are stored in lower case and told apart by
-- each byte. A key is given once.
CREATE TABLE "{table}" (
    id            integer PRIMARY KEY AUTOINCREMENT,
    email         text COLLATE BINARY NOT NULL,
    password_hash text COLLATE BINARY NOT NULL DEFAULT '',
    verified_at   timestamp,
    disabled_at   timestamp,
    created_at    timestamp NOT NULL,
    updated_at    timestamp NOT NULL
);

CREATE UNIQUE INDEX "{table}_email" ON "{table}" (email);
