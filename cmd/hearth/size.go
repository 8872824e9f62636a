package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// byteSize is an amount of memory or disk, written 65536, 512KiB, 64MiB or
// 2GiB. Only binary units exist, so that nobody has to guess.
type byteSize int64

// sizeUnits are the suffixes, the largest first.
func sizeUnits() []struct {
	suffix string
	bytes  int64
} {
	return []struct {
		suffix string
		bytes  int64
	}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}}
}

// UnmarshalText reads a size.
func (s *byteSize) UnmarshalText(text []byte) error {
	number, unit := string(text), int64(1)
	for _, u := range sizeUnits() {
		if rest, ok := strings.CutSuffix(number, u.suffix); ok {
			number, unit = strings.TrimSpace(rest), u.bytes
			break
		}
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n < 0 || n > math.MaxInt64/unit {
		return fmt.Errorf("%q is not a size; write a whole number with KiB, MiB or GiB, such as 64MiB", text)
	}
	*s = byteSize(n * unit)
	return nil
}

// MarshalText writes the size with the largest unit that divides it.
func (s byteSize) MarshalText() ([]byte, error) { //nolint:unparam // the error is encoding.TextMarshaler's
	for _, u := range sizeUnits() {
		if s != 0 && int64(s)%u.bytes == 0 {
			return []byte(strconv.FormatInt(int64(s)/u.bytes, 10) + u.suffix), nil
		}
	}
	return []byte(strconv.FormatInt(int64(s), 10)), nil
}
