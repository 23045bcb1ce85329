CREATE TABLE throttle_counts (
	key   text PRIMARY KEY, -- SHA-256 of what is counted, in hexadecimal
	n     bigint NOT NULL,
	until bigint NOT NULL   -- end of the window, microseconds since 1970 in UTC
);
CREATE INDEX throttle_counts_until ON throttle_counts (until);
