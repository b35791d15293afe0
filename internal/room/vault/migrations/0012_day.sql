-- How our backups stood on each day, for the curves of the overview: one row a day, 400 days.
-- +goose Up
CREATE TABLE vault_day (
  day    BIGINT PRIMARY KEY, -- days since 1970-01-01, UTC
  age_s  BIGINT NOT NULL,    -- the largest age of the newest snapshot off-site; below 0 = a backup had none
  losses BIGINT NOT NULL     -- the fewest members that could be lost; below 0 = something could not be read back
);

-- +goose Down
DROP TABLE vault_day;
