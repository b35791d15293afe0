-- What every known hoster says of itself and its services. Everything here can be
-- made again from the logbooks and the files that were fetched.
-- +goose Up
CREATE TABLE directory_hoster (
    key      TEXT   NOT NULL PRIMARY KEY, -- member id, or the address of its file
    source   TEXT   NOT NULL,             -- log, file
    file     TEXT   NOT NULL,             -- address of its file, where it says so
    country  TEXT   NOT NULL,
    words    TEXT   NOT NULL,             -- folded, each after a space
    shadow   BIGINT NOT NULL,             -- 1 = the same hoster speaks in its logbook: not shown
    turn     BIGINT NOT NULL,             -- a number without meaning, for an order without rank
    said_us  BIGINT NOT NULL,             -- the author's clock; 0 = not known
    heard_us BIGINT NOT NULL,             -- our clock
    sheet    TEXT   NOT NULL              -- Hoster as JSON
);

CREATE INDEX directory_hoster_file ON directory_hoster (file);

CREATE TABLE directory_service (
    id       BIGINT NOT NULL PRIMARY KEY, -- from hoster and slug, evenly spread: also its turn
    hoster   TEXT   NOT NULL,
    slug     TEXT   NOT NULL,
    kind     TEXT   NOT NULL,
    software TEXT   NOT NULL,             -- folded
    country  TEXT   NOT NULL,             -- the machine's, else the hoster's
    newcomer BIGINT NOT NULL,             -- 1 = takes newcomers
    without  BIGINT NOT NULL,             -- 1 = of use without an account
    shown    BIGINT NOT NULL,             -- 0 = ended, or of a hoster that is not shown
    said_us  BIGINT NOT NULL,
    heard_us BIGINT NOT NULL,
    sheet    TEXT   NOT NULL,             -- Service as JSON
    UNIQUE (hoster, slug)
);

-- All that a search without words looks at, without reading a sheet.
CREATE INDEX directory_service_find ON directory_service (shown, kind, software, country, newcomer, without, hoster, id);

-- What can be searched for; a language stands here as "lang:fr", a town as "in:rennes".
CREATE TABLE directory_word (
    word    TEXT   NOT NULL,
    service BIGINT NOT NULL,
    PRIMARY KEY (word, service)
);

CREATE INDEX directory_word_service ON directory_word (service);
