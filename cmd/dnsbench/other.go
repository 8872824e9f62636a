//go:build !linux

package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "dnsbench: CPU time is read from /proc, so only Linux can be measured")
	os.Exit(1)
}
