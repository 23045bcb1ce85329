-- What the strategy that made a token keeps with it: text of its own, '' if nothing.
ALTER TABLE "{table}" ADD COLUMN state text NOT NULL DEFAULT '';
