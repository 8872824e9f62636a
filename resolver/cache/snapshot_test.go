package cache

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"slices"
	"strings"
	"testing"
)

func records(n int) []Record {
	all := make([]Record, n)
	for i := range all {
		all[i] = Record{View: [16]byte{byte(i)}, Stored: int64(1000 + i), Message: bytes.Repeat([]byte{byte(i)}, i)}
	}
	return all
}

func snapshot(t testing.TB, all []Record, limit int64) ([]byte, int) {
	t.Helper()
	var out bytes.Buffer
	n, err := WriteSnapshot(&out, slices.Values(all), limit)
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes(), n
}

func TestSnapshotIsReadAsWritten(t *testing.T) {
	for _, n := range []int{0, 1, 100} {
		b, written := snapshot(t, records(n), 1<<20)
		got, err := ReadSnapshot(b)
		if err != nil || written != n || len(got) != n {
			t.Fatalf("%d written, %d read of %d: %v", written, len(got), n, err)
		}
		for i, want := range records(n) {
			if got[i].View != want.View || got[i].Stored != want.Stored || !bytes.Equal(got[i].Message, want.Message) {
				t.Errorf("record %d: %+v, want %+v", i, got[i], want)
			}
		}
	}
}

func TestSnapshotIsBounded(t *testing.T) {
	b, written := snapshot(t, records(100), 1000)
	if len(b) > 1000 || written < 10 || written == 100 {
		t.Errorf("%d octets with %d records, want at most 1000 octets", len(b), written)
	}
	if got, err := ReadSnapshot(b); err != nil || len(got) != written {
		t.Errorf("%d of %d records read: %v", len(got), written, err)
	}
}

// A file that is torn, changed or another's is refused as a whole, wherever it is.
func TestBrokenSnapshotIsRefused(t *testing.T) {
	whole, _ := snapshot(t, records(5), 1<<20)
	for n := range whole {
		if got, err := ReadSnapshot(whole[:n]); !errors.Is(err, ErrSnapshot) || got != nil {
			t.Fatalf("%d octets: %v, %v", n, got, err)
		}
		broken := bytes.Clone(whole)
		broken[n] ^= 0x10
		if got, err := ReadSnapshot(broken); !errors.Is(err, ErrSnapshot) || got != nil {
			t.Fatalf("octet %d changed: %v, %v", n, got, err)
		}
	}
	other := bytes.Replace(whole, []byte("answers 1"), []byte("answers 2"), 1)
	if _, err := ReadSnapshot(other); err == nil || !strings.Contains(err.Error(), "another program") {
		t.Errorf("another version: %v", err)
	}
}

func FuzzReadSnapshot(f *testing.F) {
	whole, _ := snapshot(f, records(3), 1<<20)
	body := whole[len(snapshotMagic) : len(whole)-32]
	f.Add(body)
	f.Add([]byte{0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, body []byte) {
		_, _ = ReadSnapshot(body)
		b := append([]byte(snapshotMagic), body...)
		sum := sha256.Sum256(b)
		b = append(b, sum[:]...)
		all, err := ReadSnapshot(b)
		if err != nil {
			return
		}
		if again, _ := snapshot(t, all, 1<<30); !bytes.Equal(again, b) {
			t.Errorf("read and written again it is another")
		}
	})
}
