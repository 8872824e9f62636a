package main

import (
	"bytes"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/hearthdns/hearth/policy/account"
	"github.com/hearthdns/hearth/policy/store"
	"golang.org/x/sys/unix"
)

// terminal gives both ends of one: what a person sees, and what a program writes to.
func terminal(t *testing.T) (person, program *os.File) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip("there are no terminals: ", err)
	}
	n, err := unix.IoctlGetInt(int(person.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(person.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	if program, err = os.OpenFile("/dev/pts/"+strconv.Itoa(n), os.O_RDWR|unix.O_NOCTTY, 0); err != nil {
		t.Skip("terminals cannot be opened: ", err)
	}
	t.Cleanup(func() { _, _ = person.Close(), program.Close() })
	return person, program
}

// TestSetupCodeIsForAPerson: the code for the first account is shown to who looks at a terminal, never to a log, which
// others read, and to nobody once somebody has an account.
func TestSetupCodeIsForAPerson(t *testing.T) {
	kept, err := store.Open(filepath.Join(t.TempDir(), "hearth.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer kept.Close()
	book, err := account.Open(account.Config{Log: kept})
	if err != nil {
		t.Fatal(err)
	}
	code := regexp.MustCompile(`operators\.([2-9A-Z]{4}-){3}[2-9A-Z]{4}`)
	var log bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&log, nil))
	said := func(w io.Writer, json bool) {
		t.Helper()
		if err := (&app{err: w, json: json}).welcome(t.Context(), book, []string{"  https://127.0.0.1:8444/setup"}, logger); err != nil {
			t.Fatal(err)
		}
	}
	var service bytes.Buffer
	said(&service, false)
	person, program := terminal(t)
	said(program, true)
	if service.Len() > 0 || !bytes.Contains(log.Bytes(), []byte("hearth account setup")) {
		t.Errorf("a service says %q, and logs %s", &service, &log)
	}
	said(program, false)
	seen := make([]byte, 4096)
	if err := person.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Log(err)
	}
	n, err := person.Read(seen)
	if err != nil {
		t.Fatal(err)
	}
	shown := code.Find(seen[:n])
	if shown == nil {
		t.Fatalf("a person sees %q", seen[:n])
	}
	if code.Match(log.Bytes()) {
		t.Errorf("the log has a code: %s", &log)
	}
	if _, err := book.Accept(t.Context(), account.Join{Code: string(shown), Household: "home", Name: "Anna", Passphrase: "seven lamps and a bicycle"}); err != nil {
		t.Fatal(err)
	}
	log.Reset()
	var after bytes.Buffer
	said(&after, false)
	if after.Len()+log.Len() > 0 {
		t.Errorf("somebody has an account, and it says %s%s", &after, &log)
	}
}
