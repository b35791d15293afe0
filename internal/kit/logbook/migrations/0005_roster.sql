-- +goose Up
-- Who is followed and who is suspended, counted without reading key sets.
CREATE INDEX logbook_member_roster ON logbook_member (followed_us, forked_us);
-- +goose Down
DROP INDEX logbook_member_roster;
