package shard

import (
	"github.com/go-json-experiment/json"
)

func decode(data []byte, v any) error {
	return json.Unmarshal(data, v, json.RejectUnknownMembers(true))
}

func encode(v any) ([]byte, error) { return json.Marshal(v) }
