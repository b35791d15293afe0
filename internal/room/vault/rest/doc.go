// Package rest speaks restic's REST protocol, versions 1 and 2, in front of
// anything that can stat, open, save, list and remove. It keeps the protocol's
// own rules and knows nothing of members, shards or tokens' rights.
//
// What never happens: a file is saved under a name that is not the SHA-256 of its
// content (config has no such name); an answer is 500, which restic tries again
// for fifteen minutes; an answer is 404 unless the repository is sure, because
// restic then makes a new file, or a new repository.
//
// Sources: restic's documentation, "REST Backend"; restic v0.14.0 and v0.19.1
// internal/backend/rest; rest-server v0.14.0.
//
// spec: docs/spec/rest.md
package rest
