-- +goose Up
-- When the owner of a typed address was asked; one that nobody confirms is dropped.
ALTER TABLE assembly_need ADD COLUMN asked_us BIGINT NOT NULL DEFAULT 0;
