-- +goose Up
CREATE TABLE web_link (
    hash       TEXT PRIMARY KEY,   -- hex SHA-256 of the token in the link
    made_us    BIGINT NOT NULL,
    expires_us BIGINT NOT NULL
);
CREATE TABLE web_session (
    hash       TEXT PRIMARY KEY,   -- hex SHA-256 of the token in the cookie
    made_us    BIGINT NOT NULL,
    expires_us BIGINT NOT NULL
);

-- +goose Down
DROP TABLE web_session;
DROP TABLE web_link;
