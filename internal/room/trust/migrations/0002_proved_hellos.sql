-- +goose Up
-- Until now a hello was listed in whatever name it was signed. Requests that wait now are
-- forgotten: who asked says hello once more (`entrechat member add`).
DELETE FROM trust_member WHERE standing = 'asked' AND NOT refused;
