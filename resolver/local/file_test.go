package local

import (
	"os"
	"strings"
	"testing"
	"time"
)

// leasesOf follows the addresses with MACs that hold.
func leasesOf(n *Names) *string {
	var got string
	n.OnLeases(func(all []Lease) {
		got = ""
		for _, l := range all {
			got += l.Addr.String() + "=" + l.MAC + " "
		}
	})
	return &got
}

func rewrite(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// changed is when a file was written last.
func changed(t *testing.T, path string) time.Time {
	t.Helper()
	st, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return st.ModTime()
}

// TestFresh: what was written is not passed over, and telling so costs no memory.
func TestFresh(t *testing.T) {
	path := write(t, "")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	n := New(nil)
	if !n.Fresh() {
		t.Error("no file is not fresh")
	}
	n.Configure(Config{Leases: []string{path}})
	got := leasesOf(n)
	if !n.Fresh() {
		t.Error("a file that is not there is not fresh")
	}
	for _, text := range []string{"0 aa:bb:cc:dd:ee:01 192.168.7.1 a *\n", "0 aa:bb:cc:dd:ee:02 192.168.7.1 a *\n"} { // of one length
		rewrite(t, path, text)
		if n.Fresh() {
			t.Errorf("%q is not seen", text)
		}
		if n.Refresh(); !n.Fresh() || *got != "192.168.7.1="+text[2:19]+" " {
			t.Errorf("after %q: fresh %t, %q", text, n.Fresh(), *got)
		}
	}
	rewrite(t, path, "moved\n")
	if n.Refresh(); !n.Fresh() || *got == "" {
		t.Errorf("what is no lease file: fresh %t, %q", n.Fresh(), *got)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if !n.Fresh() {
		t.Error("what is gone is not fresh")
	}
	if got := testing.AllocsPerRun(100, func() { n.Fresh() }); got != 0 {
		t.Errorf("%v allocations, want none", got)
	}
}

// TestFreshOnceTold: leases count as read only after whoever decides by them was told.
func TestFreshOnceTold(t *testing.T) {
	path := write(t, "0 aa:bb:cc:dd:ee:01 192.168.7.1 a *\n")
	n := New(nil)
	n.Configure(Config{Leases: []string{path}})
	early := false
	n.OnLeases(func([]Lease) { early = n.Fresh() })
	rewrite(t, path, "0 aa:bb:cc:dd:ee:02 192.168.7.1 a *\n")
	if n.Refresh(); early || !n.Fresh() {
		t.Errorf("fresh before it was told: %t, and after: %t", early, n.Fresh())
	}
}

// TestHalfWritten: of a file that is written anew in place, half is not taken for all.
func TestHalfWritten(t *testing.T) {
	const first, second = "0 aa:bb:cc:dd:ee:01 192.168.7.1 a *\n", "0 aa:bb:cc:dd:ee:02 192.168.7.2 b *\n"
	path := write(t, first+second)
	n := New(nil)
	n.Configure(Config{Leases: []string{path}})
	got := leasesOf(n)
	whole := *got
	for _, half := range []string{"", first, first + second[:30]} {
		rewrite(t, path, half)
		n.now = func() time.Time { return changed(t, path).Add(settle - 1) }
		if n.Refresh(); *got != whole || n.Fresh() {
			t.Errorf("while somebody writes, of %q: %q, fresh %t", half, *got, n.Fresh())
		}
		looks := 0
		n.now = func() time.Time {
			if looks++; looks == 1 {
				defer rewrite(t, path, first+second)
				return changed(t, path)
			}
			return changed(t, path).Add(settle)
		}
		if n.Refresh(); *got != whole || !n.Fresh() {
			t.Errorf("when it is written, after %q: %q, fresh %t", half, *got, n.Fresh())
		}
	}
}

// TestKeaCleansUp: leases that Kea has moved out of the file hold on, those behind them count more, and half a line
// counts nothing.
func TestKeaCleansUp(t *testing.T) {
	header, _, _ := strings.Cut(kea, "\n")
	row := func(address, mac string) string {
		return address + "," + mac + ",,3600,1764000000,1,0,0,,0,\n"
	}
	path := write(t, header+"\n"+row("192.168.7.1", "now")+"192.168.7.2,ha")
	rewrite(t, path+".1", header+"\n"+row("192.168.7.1", "moved")+row("192.168.7.2", "moved"))
	rewrite(t, path+".2", header+"\n"+row("192.168.7.2", "old")+row("192.168.7.3", "old"))
	n := known(t, Config{Leases: []string{path}})
	got := leasesOf(n)
	if *got != "192.168.7.2=moved 192.168.7.3=old 192.168.7.1=now " {
		t.Errorf("in the middle of a clean-up: %q", *got)
	}
	rewrite(t, path+".completed", header+"\n"+row("192.168.7.2", "one")+row("192.168.7.3", "one"))
	if n.Refresh(); *got != "192.168.7.2=one 192.168.7.3=one 192.168.7.1=now " {
		t.Errorf("at its end: %q", *got)
	}
}
