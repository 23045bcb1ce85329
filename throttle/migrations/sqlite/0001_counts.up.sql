CREATE TABLE throttle_counts (
	key   TEXT PRIMARY KEY NOT NULL, -- SHA-256 of what is counted, in hexadecimal
	n     INTEGER NOT NULL,
	until INTEGER NOT NULL           -- end of the window, microseconds since 1970 in UTC
);
CREATE INDEX throttle_counts_until ON throttle_counts (until);
