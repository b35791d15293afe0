-- +goose Up
-- Until now a hello was listed in whatever name it was signed. Who really asked says
-- hello again, and its domain is asked.
DELETE FROM trust_member WHERE standing = 'asked' AND NOT refused;
