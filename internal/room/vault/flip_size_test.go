//go:build !long

package vault

// flips is how many bits TestNoFlippedBitIsSilent tries.
const flips = 30
