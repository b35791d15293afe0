package fact

import (
	"entrechat/internal/kit/logbook"
	"entrechat/internal/kit/wire"
)

// Read reads what an entry says and tells whether it can be read.
func Read(e logbook.Entry, into any) bool { return wire.Decode(e.Body, into) == nil }
