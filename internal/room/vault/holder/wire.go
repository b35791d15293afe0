package holder

import "entrechat/internal/room/vault/shard"

// Where a holder answers, and the header that carries a shard's head.
//
// spec: docs/spec/holder.md#requests
const (
	ShardsPath   = "/ec/v1/vault/shards"
	AuditsPath   = "/ec/v1/vault/audits"
	DeletePath   = "/ec/v1/vault/bury"
	UndeletePath = "/ec/v1/vault/unbury"
	ReadersPath  = "/ec/v1/vault/readers"
	SummaryPath  = "/ec/v1/vault/summary"
	HeadHeader   = "Entrechat-Shard"
)

// ObjectList is the body of a request to undelete.
type ObjectList struct {
	Objects []shard.Hash `json:"objects"`
}

// UndeletedCount is the answer to it: how many shards are alive again.
type UndeletedCount struct {
	Undeleted int `json:"raised"`
}

// SummaryAnswer is the body of an answer with a summary.
type SummaryAnswer struct {
	Buckets Summary `json:"buckets"`
}
