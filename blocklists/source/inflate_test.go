package source

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

const (
	// packedList is what the fixtures of this file hold.
	packedList = "a.example\n0.0.0.0\n*.b.example\n"
	// Made by xz(1)'s library: packedList at level 0, and at level 9, whose dictionary is 64 MiB; 2^18 lines "# nothing".
	xzList  = "/Td6WFoAAATm1rRGAgAhAQwAAACPmEGc4AAdABldADCLiKfDaatHPGJcmGr8YFXlpV49rEcRQAAAAAAAF2TtGv8peTEAATUe/kq4eB+2830BAAAAAARZWg=="
	xzLarge = "/Td6WFoAAATm1rRGAgAhARwAAAAQz1jM4AAdABldADCLiKfDaatHPGJcmGr8YFXlpV49rEcRQAAAAAAAF2TtGv8peTEAATUe/kq4eB+2830BAAAAAARZWg=="
	xzBomb  = "/Td6WFoAAATm1rRGAgAhAQwAAACPmEGc//8aAXddABGICkeCHLzAl1nvKStU6uaFjHgFCr78fbk6hem98+uTs9i1N7uv9uyVpULSU93tjE+mt/fil1YqLY7L0N5uDeKDgxJtduUq+DC+ld47diHVZSeYpzKsZKllUTSkhkzZc0xb+BveMdc3j2d0VoOcBG7Mvdnoiq2XLf8u65odus6xJxhcWYbpZlJYvul2rFnk5VsFCPnH2q38+1IrdM0eWyBC+d1TPfgpZAk7gMsqbN+1O/DEvS5fqg8+S2ZCkBMO/xCT+HF4WfgLzf+VKEYPqfx83vuaMC5WwI+F84OBwGXEJVP49ZE2MQWlsO5vwXBNRwzRkRGqrWAdus6xJxhcWYbpZlJYvul2rFnk5VsFCPnH2q38+1IrdM0eWyBC+d1TPfgpZAk7gMsqbN+1O/DEvS5fqg8+S2ZCkBMO/xCT+HF4WfgLzf+VKEYPqfx83vuaMC5WwI+F84OBwGXEJVP49ZE2MQWlsO5vwXBNRwzRkRGqrWAduFMH/ogA5ABPAOxzU6f9vq58MRqft40xbnCepyNf7CjLhdGVmIp+KpHyJ3X3GcAGmE2Y/div1ZAPxCVT+PWRNjEFpbDub8FwTUcM0ZERqq1gHbrNu7XuAAAAY0eaDDZDY+8AAegDgICgASYWjquxxGf7AgAAAAAEWVo="
)

func decoded(t testing.TB, text string) []byte {
	t.Helper()
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func zstdOf(t testing.TB, text []byte, options ...zstd.EOption) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := zstd.NewWriter(&out, options...)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// zipOf packs names and texts in turn.
func zipOf(t testing.TB, members ...string) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for i := 0; i < len(members); i += 2 {
		f, err := w.Create(members[i])
		if err == nil {
			_, err = io.WriteString(f, members[i+1])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// onlyReader hides that a list can be read anywhere.
type onlyReader struct{ io.Reader }

// TestPacked: the same entries whatever a list is packed in, up to two layers.
func TestPacked(t *testing.T) {
	list := []byte(packedList)
	zipped := zipOf(t, "list.txt", packedList)
	for why, packed := range map[string][]byte{
		"plain": list, "gzip": gzipOf(t, list), "zstd": zstdOf(t, list), "xz": decoded(t, xzList), "zip": zipped,
		"gzip twice": gzipOf(t, gzipOf(t, list)), "zstd in gzip": gzipOf(t, zstdOf(t, list)), "xz in zstd": zstdOf(t, decoded(t, xzList)),
		"zip in gzip": gzipOf(t, zipped), "gzip in zip": zipOf(t, "list.txt.gz", string(gzipOf(t, list))),
		"xz in two streams": append(decoded(t, xzList)[:len(decoded(t, xzList)):len(decoded(t, xzList))], decoded(t, xzList)...),
	} {
		t.Run(why, func(t *testing.T) {
			want := []string{"a.example subtree", "b.example subtree"}
			if why == "xz in two streams" {
				want = slices.Concat(want, want)
			}
			for _, r := range []io.Reader{bytes.NewReader(packed), onlyReader{bytes.NewReader(packed)}} {
				var got []string
				report, err := Parse(r, Wildcard, Options{}, func(i Item) error { got = append(got, spell(i)); return nil })
				if err != nil || !slices.Equal(got, want) || report.Rejected[ReasonIP] != len(want)/2 {
					t.Errorf("%q, %v, %v; want %q", got, report.Rejected, err, want)
				}
			}
		})
	}
}

// TestZipMembers: every file of an archive is read under its name; what is hidden or no file is not, and a path in an
// archive is but a name.
func TestZipMembers(t *testing.T) {
	archive := zipOf(t, "lists/a.txt", "a.example\n", "__MACOSX/lists/a.txt", "mac.example\n", ".hidden", "hidden.example\n",
		"lists/", "", "../../etc/b.txt", "b.example\n", "/etc/c.txt", "c.example\n")
	var got []string
	_, err := Parse(bytes.NewReader(archive), Domains, Options{}, func(i Item) error {
		got = append(got, fmt.Sprintf("%s:%d %s", i.File, i.Line, i.Entry.Name))
		return nil
	})
	want := []string{"lists/a.txt:1 a.example", "../../etc/b.txt:1 b.example", "/etc/c.txt:1 c.example"}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%q, %v; want %q", got, err, want)
	}
}

// TestBombs: what decompresses a hundredfold or beyond its limit, and what would need much memory to decompress, is
// left as too large.
func TestBombs(t *testing.T) {
	lines := strings.Repeat("# nothing\n", 2<<20)
	names := strings.Repeat("a.example\n", 10_000)
	var crowd []string
	for i := range 20_000 {
		crowd = append(crowd, fmt.Sprintf("a-name-of-a-file-that-is-rather-long-%d.txt", i), "")
	}
	for why, c := range map[string]struct {
		packed []byte
		limit  int64
	}{
		"gzip ratio":            {gzipOf(t, []byte(lines)), 0},
		"zstd ratio":            {zstdOf(t, []byte(lines)), 0},
		"xz ratio":              {bytes.Repeat(decoded(t, xzBomb), 10), 0},
		"zip ratio":             {zipOf(t, "list.txt", lines), 0},
		"zip ratio of all":      {zipOf(t, "a", lines[:len(lines)/20], "b", lines[:len(lines)/20], "c", lines[:len(lines)/20]), 0},
		"between layers":        {gzipOf(t, bytes.Repeat(gzipOf(t, nil), 1<<20)), 0},
		"gzip size":             {gzipOf(t, []byte(names)), 50_000},
		"zstd size":             {zstdOf(t, []byte(names)), 50_000},
		"xz size":               {decoded(t, xzBomb), 50_000},
		"zip size":              {zipOf(t, "list.txt", names), 50_000},
		"zip size of all":       {zipOf(t, "a", names[:40_000], "b", names[:40_000]), 50_000},
		"zstd window":           {zstdOf(t, []byte(lines), zstd.WithWindowSize(64<<20), zstd.WithSingleSegment(false)), 0},
		"xz dictionary":         {decoded(t, xzLarge), 0},
		"zip directory":         {zipOf(t, crowd...), 0},
		"a large zip in a gzip": {gzipOf(t, bytes.Repeat(zipOf(t, "list.txt", "x"), 1<<18)), 0},
	} {
		t.Run(why, func(t *testing.T) {
			report, err := Parse(onlyReader{bytes.NewReader(c.packed)}, Domains, Options{MaxInflated: c.limit}, func(Item) error { return nil })
			if !errors.Is(err, ErrTooLarge) || report.Lines > 1<<20 {
				t.Errorf("%v after %d lines, want ErrTooLarge", err, report.Lines)
			}
		})
	}
}

// TestPackedTooDeep: what cannot be read is refused in words that help, and never read as names.
func TestPackedTooDeep(t *testing.T) {
	list := []byte(packedList)
	locked := zipOf(t, "list.txt", packedList)
	locked[6] |= 1 // local header: encrypted
	locked[bytes.Index(locked, []byte("PK\x01\x02"))+8] |= 1
	for why, c := range map[string]struct {
		packed []byte
		want   string
	}{
		"three layers":   {gzipOf(t, gzipOf(t, gzipOf(t, list))), "more than twice"},
		"a zip in a zip": {zipOf(t, "list.zip", string(zipOf(t, "list.txt", packedList))), "more than twice"},
		"two in a zip":   {zipOf(t, "list.gz", string(gzipOf(t, gzipOf(t, list)))), "more than twice"},
		"encrypted":      {locked, "encrypted"},
		"an empty zip":   {zipOf(t), "no file"},
		"truncated gzip": {gzipOf(t, list)[:20], "EOF"},
		"truncated zstd": {zstdOf(t, list)[:20], "EOF"},
		"truncated xz":   {decoded(t, xzList)[:60], "truncated"},
		"truncated zip":  {zipOf(t, "list.txt", packedList)[:60], "zip"},
	} {
		t.Run(why, func(t *testing.T) {
			names := 0
			_, err := Parse(bytes.NewReader(c.packed), Domains, Options{}, func(Item) error { names++; return nil })
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want words with %q", err, c.want)
			}
		})
	}
}

// FuzzPacked: no panic, and no more than the limit, whatever stands behind a magic number.
func FuzzPacked(f *testing.F) {
	list := []byte(packedList)
	for _, seed := range [][]byte{gzipOf(f, list), zstdOf(f, list), decoded(f, xzList), zipOf(f, "a", packedList, "b", packedList),
		gzipOf(f, zstdOf(f, list)), zipOf(f, "a.xz", string(decoded(f, xzList)))} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, packed []byte) {
		const limit = 1 << 20
		report, _ := Parse(bytes.NewReader(packed), Domains, Options{MaxInflated: limit}, func(i Item) error {
			if why := wireFault(i.Entry.Name); why != "" {
				t.Fatalf("%x: %s", []byte(i.Entry.Name), why)
			}
			return nil
		})
		if report.Lines > limit+readBuffer {
			t.Fatalf("%d lines of %d bytes", report.Lines, limit)
		}
	})
}
