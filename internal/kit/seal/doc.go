// Package seal wraps what keys are for: the seed words a hoster keeps on paper,
// its online signing key, documents that two parties sign, and age encryption.
// The cryptography is the libraries'; here is only which key signs what.
package seal
