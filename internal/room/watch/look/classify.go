package look

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"unicode"
	"unicode/utf8"
)

// ClassError is an end that a probe names itself.
type ClassError struct {
	Class  Class
	Detail string
	Err    error // the cause; may be nil
}

// Fail makes a ClassError; its detail is for our admin only.
func Fail(class Class, detail string, args ...any) error {
	return &ClassError{Class: class, Detail: fmt.Sprintf(detail, args...)}
}

func (e *ClassError) Error() string { return e.Detail }

func (e *ClassError) Unwrap() error { return e.Err }

// classify sorts how an attempt ended.
func classify(err error) (Class, string) {
	if err == nil {
		return Fine, ""
	}
	if own, ok := errors.AsType[*ClassError](err); ok {
		return own.Class, clean(own.Detail)
	}
	return classOf(err), clean(err.Error())
}

func classOf(err error) Class {
	var (
		name *net.DNSError
		wait net.Error
	)
	switch {
	case errors.As(err, &name):
		return DNS
	case errors.Is(err, context.Canceled):
		return Unfit
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded), errors.As(err, &wait) && wait.Timeout():
		return Timeout
	case is(err, syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM, syscall.ENOBUFS, syscall.EADDRNOTAVAIL, syscall.EPERM, syscall.EACCES):
		return Unfit
	case is(err, syscall.ECONNREFUSED, syscall.EHOSTUNREACH, syscall.ENETUNREACH):
		return Refused
	case isCertificate(err):
		return Cert
	case is(err, syscall.ECONNRESET, syscall.EPIPE, syscall.ECONNABORTED), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed):
		return Reset
	case isTLS(err):
		return TLS
	}
	return Content
}

func is(err error, list ...syscall.Errno) bool {
	for _, e := range list {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

func isCertificate(err error) bool {
	var (
		verification *tls.CertificateVerificationError
		invalid      x509.CertificateInvalidError
		host         x509.HostnameError
		authority    x509.UnknownAuthorityError
	)
	return errors.As(err, &verification) || errors.As(err, &invalid) || errors.As(err, &host) || errors.As(err, &authority)
}

func isTLS(err error) bool {
	var record tls.RecordHeaderError
	return errors.As(err, &record) || strings.Contains(err.Error(), "tls: ")
}

// clean makes a stranger's text one short line.
func clean(s string) string { return clip(s, 200) }

// clip cuts a stranger's text to so many bytes of one printable line.
func clip(s string, most int) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\n', r == '\r', r == '\t':
			return ' '
		case r == utf8.RuneError, !unicode.IsPrint(r):
			return -1
		}
		return r
	}, s[:min(len(s), 4*most)])
	for len(s) > most {
		_, n := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-n]
	}
	return strings.TrimSpace(s)
}

func isOwn(err error) bool {
	_, ok := errors.AsType[*ClassError](err)
	return ok
}
