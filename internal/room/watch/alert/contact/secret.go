package contact

import "log/slog"

// What is printed or logged by mistake says how much there is, and nothing of it.

// String keeps a channel's address and token out of what is printed.
func (c Channel) String() string { return string(c.Kind) }

// GoString is String, for %#v.
func (c Channel) GoString() string { return c.String() }

// LogValue is String, for slog.
func (c Channel) LogValue() slog.Value { return slog.StringValue(c.String()) }

// String keeps who a person is out of what is printed.
func (p Person) String() string { return "a person" }

// GoString is String, for %#v.
func (p Person) GoString() string { return p.String() }

// LogValue is String, for slog.
func (p Person) LogValue() slog.Value { return slog.StringValue(p.String()) }

// String is whose plan it is.
func (p Plan) String() string { return "the contact plan of " + string(p.Owner) }

// GoString is String, for %#v.
func (p Plan) GoString() string { return p.String() }

// LogValue is String, for slog.
func (p Plan) LogValue() slog.Value { return slog.StringValue(p.String()) }
