package e2e

import (
	"bytes"
	octets "encoding/binary"
	"encoding/json"
	"errors"
	"hash/crc32"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/hearthdns/hearth/policy/store"
	"github.com/miekg/dns"
	"go.etcd.io/bbolt"
)

// warnings asks the control socket what the server warns of.
func (s *server) warnings() string {
	s.t.Helper()
	web := http.Client{Transport: &http.Transport{Dial: func(string, string) (net.Conn, error) { //nolint:staticcheck // one request
		return net.Dial("unix", filepath.Join(s.dir, "control.sock"))
	}}}
	defer web.CloseIdleConnections()
	response, err := web.Get("http://hearth/v1/status")
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	var status struct{ Warnings []string }
	if err := json.Unmarshal(body, &status); err != nil {
		s.t.Fatal(err)
	}
	return strings.Join(status.Warnings, "\n")
}

// TestBackupOfARunningServer backs a server up while it answers, restores the file to a second one, and has a third
// refuse to share a state folder.
func TestBackupOfARunningServer(t *testing.T) {
	t.Parallel()
	u := newUpstream(t)
	s := example(t, u)
	putGrant(t, s.state(), `{"minutes":30}`)
	s.start()
	file := filepath.Join(s.dir, "hearth.backup")
	if out, code := s.hearth("backup", "--config", s.config, file); code != 0 || !strings.Contains(out, "the running server") {
		t.Fatalf("backup: %d, %s", code, out)
	}
	if out, code := s.hearth("export", "--config", s.config, "home"); code != 0 || !strings.Contains(out, `"minutes": 30`) {
		t.Errorf("export: %d, %s", code, out)
	}
	if out, code := s.hearth("restore", "--config", s.config, file); code != 1 || !strings.Contains(out, "stop that one") {
		t.Errorf("restoring under the server: %d, %s", code, out)
	}
	if !s.metric("hearth_store_up", "1") || !s.metric("hearth_store_revision", "1") {
		t.Error("the metrics do not show the store")
	}
	if reply := s.ask("udp", "127.0.0.1", "www.example.com", dns.TypeA); reply.Rcode != dns.RcodeSuccess {
		t.Errorf("the server does not answer: %v", reply)
	}

	second := example(t, u)
	if out, code := second.hearth("restore", "--config", second.config, file); code != 0 {
		t.Fatalf("restore: %d, %s", code, out)
	}
	second.start()
	if out, code := second.hearth("export", "--config", second.config); code != 0 || !strings.Contains(out, `"minutes": 30`) {
		t.Errorf("export of the second: %d, %s", code, out)
	}

	third := example(t, u)
	cmd := third.command("serve", "--config", third.config)
	cmd.Env = append(cmd.Env, "HEARTH__STATE="+s.state())
	if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), "another process has it (process ") {
		t.Errorf("a second server in the folder of the first: %v, %s", err, out)
	}
}

// TestNewerStateIsRefused is a downgrade: the program serves the households of its configuration and the last snapshot,
// changes nothing, and says how to go back.
func TestNewerStateIsRefused(t *testing.T) {
	t.Parallel()
	u := newUpstream(t)
	s := example(t, u)
	putGrant(t, s.state(), `{"minutes":30}`)
	s.start() // writes the snapshot
	s.eventually("has written the snapshot", func() bool {
		now, err := store.LoadSnapshot(filepath.Join(s.state(), "hearth.db"))
		return err == nil && len(now.Entries) == 1
	})
	s.signal(syscall.SIGTERM)
	if err := <-s.exited; err != nil {
		t.Fatal(err)
	}
	s.exited <- nil
	path := filepath.Join(s.state(), "hearth.db")
	markNewer(t, path)
	newer, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	s.start()
	if said := s.warnings(); !strings.Contains(said, "newer Hearth") || !strings.Contains(said, "hearth restore") {
		t.Errorf("the warnings are %q", said)
	}
	if !strings.Contains(s.log.String(), "hearth restore") || !s.metric("hearth_store_up", "0") {
		t.Error("neither log nor metrics say it")
	}
	if out, code := s.hearth("export", "--config", s.config); code != 0 || !strings.Contains(out, `"minutes": 30`) {
		t.Errorf("the snapshot is not served: %d, %s", code, out)
	}
	if reply := s.ask("udp", "127.0.0.3", "pornhub.com", dns.TypeA); strings.Contains(reply.String(), "192.0.2.1") {
		t.Errorf("a teenager is not filtered: %v", reply)
	}
	if reply := s.ask("udp", "127.0.0.3", "www.example.com", dns.TypeA); !strings.Contains(reply.String(), "192.0.2.1") {
		t.Errorf("what is allowed is not answered: %v", reply)
	}
	if out, code := s.hearth("backup", "--config", s.config, filepath.Join(s.dir, "x")); code == 0 {
		t.Errorf("a backup of what was not opened: %s", out)
	}
	if left, err := os.ReadFile(path); err != nil || !bytes.Equal(left, newer) {
		t.Errorf("the newer store was changed: %v", err)
	}
}

// markNewer writes into a store that it is of format 2: a checksum of where that stands, then the number.
func markNewer(t *testing.T, path string) {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	body := octets.BigEndian.AppendUint64(nil, 2)
	sum := crc32.Checksum(append([]byte("hearth/format/"), body...), crc32.MakeTable(crc32.Castagnoli))
	err = db.Update(func(tx *bbolt.Tx) error {
		return tx.Bucket([]byte("hearth")).Put([]byte("format"), append(octets.BigEndian.AppendUint32(nil, sum), body...))
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}

// putGrant makes a store with one value.
func putGrant(t *testing.T, state, value string) {
	t.Helper()
	if err := os.MkdirAll(state, 0o700); err != nil {
		t.Fatal(err)
	}
	b, err := store.Open(filepath.Join(state, "hearth.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if _, err := b.Put(t.Context(), store.Write{Key: store.Key{Household: "home", Kind: "grant", ID: "1"}, Value: json.RawMessage(value)}); err != nil {
		t.Fatal(err)
	}
}
