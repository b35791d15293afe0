// Package looktest runs real servers for the tests of looks: each with its own folder,
// ports and certificates, ended with the test, whatever ends it.
//
// Words: a server is one running program with its children. To hang is to be stopped by a
// signal: the kernel still takes connections, and nobody answers.
package looktest
