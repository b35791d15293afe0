-- +goose Up
-- When a receipt came here; one voter alone is believed for a while only. Its state may also
-- be told: it only heard that another sent it.
ALTER TABLE watch_receipt ADD COLUMN heard_us BIGINT NOT NULL DEFAULT 0;
UPDATE watch_receipt SET heard_us = at_us;
-- How often a delivery waited for what the others might say, and since when one voter's
-- word alone holds it; 0 = none does.
ALTER TABLE watch_delivery ADD COLUMN waits BIGINT NOT NULL DEFAULT 0;
ALTER TABLE watch_delivery ADD COLUMN held_us BIGINT NOT NULL DEFAULT 0;
