package runbook

import (
	"errors"

	"entrechat/internal/core"
)

func keyOf(err error) string {
	if e, ok := errors.AsType[*core.Error](err); ok {
		return e.Key
	}
	return ""
}
