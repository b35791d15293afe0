package core

import (
	"errors"
	"maps"
	"net/http"
)

// Code says what kind of trouble an error is, the same on the command line
// (exit code), over HTTP (status) and in a log.
type Code string

// The codes. Anything without one is CodeInternal.
const (
	CodeInternal Code = "internal"    // our fault or unknown; 500, exit 1
	CodeInvalid  Code = "invalid"     // the input is wrong; 400, exit 2
	CodeNotFound Code = "not_found"   // no such thing; 404, exit 3
	CodeDenied   Code = "denied"      // not allowed, or not by this key; 403, exit 4
	CodeConflict Code = "conflict"    // already there, or changed meanwhile; 409, exit 5
	CodeFull     Code = "full"        // quota or disk; 507, exit 6
	CodeUnsure   Code = "unavailable" // cannot tell now, try later; 503, exit 7
)

// Error is the one error type people meet at an edge. Key names its sentence in
// the words catalogue ("vault.quota_full"); Args fill the sentence's {{.Name}}
// places; Err is the cause, for the log.
type Error struct {
	Code Code
	Key  string
	Args map[string]any
	Err  error
}

func (e *Error) Error() string {
	if e.Err != nil {
		return e.Err.Error()
	}
	return e.Key
}

func (e *Error) Unwrap() error { return e.Err }

// With returns a copy that fills one more place of the sentence.
func (e *Error) With(name string, value any) *Error {
	args := make(map[string]any, len(e.Args)+1)
	maps.Copy(args, e.Args)
	args[name] = value
	return &Error{Code: e.Code, Key: e.Key, Args: args, Err: e.Err}
}

// Invalid makes a CodeInvalid error.
func Invalid(key string, err error) *Error { return &Error{Code: CodeInvalid, Key: key, Err: err} }

// NotFound makes a CodeNotFound error.
func NotFound(key string, err error) *Error { return &Error{Code: CodeNotFound, Key: key, Err: err} }

// Denied makes a CodeDenied error.
func Denied(key string, err error) *Error { return &Error{Code: CodeDenied, Key: key, Err: err} }

// Conflict makes a CodeConflict error.
func Conflict(key string, err error) *Error { return &Error{Code: CodeConflict, Key: key, Err: err} }

// Full makes a CodeFull error.
func Full(key string, err error) *Error { return &Error{Code: CodeFull, Key: key, Err: err} }

// Unsure makes a CodeUnsure error.
func Unsure(key string, err error) *Error { return &Error{Code: CodeUnsure, Key: key, Err: err} }

// Internal makes a CodeInternal error whose sentence tells the person more than
// "internal error".
func Internal(key string, err error) *Error { return &Error{Code: CodeInternal, Key: key, Err: err} }

// CodeOf finds the code in an error chain; nil has none, an error without one
// is CodeInternal.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	var e *Error
	if errors.As(err, &e) && e.Code != "" {
		return e.Code
	}
	return CodeInternal
}

// HTTPStatus is the status a server answers for the code.
func (c Code) HTTPStatus() int {
	switch c {
	case CodeInvalid:
		return http.StatusBadRequest
	case CodeNotFound:
		return http.StatusNotFound
	case CodeDenied:
		return http.StatusForbidden
	case CodeConflict:
		return http.StatusConflict
	case CodeFull:
		return http.StatusInsufficientStorage
	case CodeUnsure:
		return http.StatusServiceUnavailable
	case CodeInternal:
		return http.StatusInternalServerError
	}
	return http.StatusInternalServerError
}

// CodeFromHTTP is the inverse of HTTPStatus for what a peer answered. 401 counts
// as denied, 408, 429 and every 5xx but 507 as unavailable, other 4xx as invalid.
func CodeFromHTTP(status int) Code {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return CodeDenied
	case http.StatusNotFound, http.StatusGone:
		return CodeNotFound
	case http.StatusConflict:
		return CodeConflict
	case http.StatusInsufficientStorage:
		return CodeFull
	case http.StatusTooManyRequests, http.StatusRequestTimeout:
		return CodeUnsure
	}
	if status >= http.StatusInternalServerError {
		return CodeUnsure
	}
	return CodeInvalid
}

// ExitStatus is what the process answers the shell.
func (c Code) ExitStatus() int {
	switch c {
	case "":
		return 0
	case CodeInvalid:
		return 2
	case CodeNotFound:
		return 3
	case CodeDenied:
		return 4
	case CodeConflict:
		return 5
	case CodeFull:
		return 6
	case CodeUnsure:
		return 7
	case CodeInternal:
		return 1
	}
	return 1
}
