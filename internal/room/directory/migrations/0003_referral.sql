-- Whom we send people to, by kind of service.
-- +goose Up
CREATE TABLE directory_referral (
    kind   TEXT   NOT NULL, -- '' = for every kind, behind those chosen for it
    hoster TEXT   NOT NULL, -- key of the catalogue
    rank   BIGINT NOT NULL, -- from 0, the first one first
    PRIMARY KEY (kind, hoster)
);
