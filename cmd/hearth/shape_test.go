package main

import (
	"encoding"
	"net/netip"
	"reflect"
	"testing"
)

func typeOfConfig() reflect.Type { return reflect.TypeFor[Config]() }

func mustAddr(t *testing.T, text string) netip.Addr {
	t.Helper()
	a, err := netip.ParseAddr(text)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// sameText compares addresses and the like by how they are written.
func sameText(a, b encoding.TextMarshaler) bool {
	x, errX := a.MarshalText()
	y, errY := b.MarshalText()
	return errX == nil && errY == nil && string(x) == string(y)
}

// TestKeyNames: names that people choose are values, never keys, and keys are
// in snake case: no map with free keys is in the configuration.
func TestKeyNames(t *testing.T) {
	for _, k := range keysOf(typeOfConfig()) {
		if k.Type.Kind() == reflect.Map || k.Type.Kind() == reflect.Interface {
			t.Errorf("%s has free keys (%s)", k.Path, k.Type)
		}
		for _, r := range k.Name {
			if (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '_' {
				t.Errorf("%s is not in snake case", k.Path)
			}
		}
	}
}

func TestSizes(t *testing.T) {
	for text, want := range map[string]byteSize{"0": 0, "65536": 65536, "512KiB": 512 << 10, "64 MiB": 64 << 20, "2GiB": 2 << 30} {
		var got byteSize
		if err := got.UnmarshalText([]byte(text)); err != nil || got != want {
			t.Errorf("%q reads as %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "-1", "64MB", "1.5GiB", "9999999999GiB", "MiB"} {
		var got byteSize
		if err := got.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q reads as %d, want a refusal", text, got)
		}
	}
	if text, _ := byteSize(64 << 20).MarshalText(); string(text) != "64MiB" {
		t.Errorf("64 MiB is written %s", text)
	}
}
