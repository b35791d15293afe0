// Package dav serves views as WebDAV to be read: RFC 4918, class 1, OPTIONS, PROPFIND to depth 1,
// GET and HEAD. Every other method is refused, so that nothing can be written or locked.
//
// It is smaller than golang.org/x/net/webdav, whose PROPFIND walks a whole tree for one request.
package dav
