-- +goose Up
-- The lists of needs, the newest first, are read without sorting all of them.
DROP INDEX assembly_need_standing;
CREATE INDEX assembly_need_told ON assembly_need (standing, merged_into, made_us DESC, id);
