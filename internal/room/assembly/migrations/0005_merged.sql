-- +goose Up
-- What was merged into a need is found without reading all needs.
CREATE INDEX assembly_need_merged ON assembly_need (merged_into);
