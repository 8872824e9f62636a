package store_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/hearthdns/hearth/blocklists"
	"github.com/hearthdns/hearth/policy/store"
)

// keepSnapshot runs what writes the snapshot until the work is done, then ends it, which writes it once more.
func keepSnapshot(t *testing.T, b *store.Bolt, work func()) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- b.Run(ctx, slog.New(slog.NewTextHandler(t.Output(), nil))) }()
	work()
	stop()
	select {
	case err := <-done:
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(time.Minute):
		t.Fatal("it does not end")
	}
}

// TestSnapshotServesWhenTheStoreCannot is the day of a downgrade.
func TestSnapshotServesWhenTheStoreCannot(t *testing.T) {
	b := open(t)
	path := b.Path()
	put(t, b, set("a/grant/1", `{"html":"<b>"}`), set("a/grant/2", `1`))
	keepSnapshot(t, b, func() { put(t, b, drop("a/grant/2"), set("b/pin/Zoë", "{\n \"spread\": true }")) })

	why := errors.New("a newer Hearth wrote it")
	frozen := store.Frozen(path, why)
	want(t, "state", state(t, frozen, ""), `a/grant/1={"html":"<b>"} b/pin/Zoë={"spread":true}`)
	want(t, "a household", state(t, frozen, "a/"), `a/grant/1={"html":"<b>"}`)
	s, err := frozen.Snapshot(t.Context(), "")
	if err != nil || s.Revision != 2 {
		t.Errorf("revision %d, %v; want 2", s.Revision, err)
	}
	if _, err := frozen.Put(t.Context(), set("a/grant/3", `1`)); !errors.Is(err, store.ErrReadOnly) || !strings.Contains(err.Error(), why.Error()) {
		t.Errorf("Put: %v", err)
	}
	if _, err := frozen.Append(store.Addition{Partition: partition("totals", "2026-03-01", "a", "Mia")}); !errors.Is(err, store.ErrReadOnly) {
		t.Errorf("Append: %v", err)
	}
	if !errors.Is(frozen.Refused(), why) || b.Refused() != nil {
		t.Errorf("refused: %v and %v", frozen.Refused(), b.Refused())
	}
	ctx, stop := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer stop()
	for changes, err := range frozen.Watch(ctx, "", 0) {
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Watch: %v, %v", changes, err)
		}
	}
	if err := frozen.Close(); err != nil {
		t.Error(err)
	}
}

func TestNoSnapshotIsAnEmptyState(t *testing.T) {
	frozen := store.Frozen(t.TempDir()+"/hearth.db", errors.New("worn out"))
	want(t, "state", state(t, frozen, ""), "")
	want(t, "why", frozen.Refused().Error(), "worn out")
}

// TestTornSnapshot changes each octet of a snapshot, and cuts it at each.
func TestTornSnapshot(t *testing.T) {
	b := open(t)
	keepSnapshot(t, b, func() { put(t, b, set("a/grant/1", `{"minutes":30}`), set("b/pin/mia", `1`)) })
	name := store.SnapshotPath(b.Path())
	whole := readFile(t, name)
	if st, err := os.Stat(name); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", st.Mode(), err)
	}
	for i := range whole {
		writeFile(t, name, whole[:i])
		if s, err := store.LoadSnapshot(b.Path()); !errors.Is(err, store.ErrDamaged) && i < len(whole)-1 {
			t.Fatalf("cut at %d: %v, %v", i, s, err)
		}
		bad := bytes.Clone(whole)
		bad[i] ^= 0x04
		writeFile(t, name, bad)
		if s, err := store.LoadSnapshot(b.Path()); err == nil && s.Revision == 1 && len(s.Entries) == 2 && i > bytes.IndexByte(whole, '\n') {
			t.Fatalf("octet %d: %v", i, s)
		}
	}
}

// TestSnapshotOfANewerProgram holds that fields which this program does not know do no harm.
func TestSnapshotOfANewerProgram(t *testing.T) {
	b := open(t)
	keepSnapshot(t, b, func() { put(t, b, set("a/grant/1", `{"minutes":30}`)) })
	name := store.SnapshotPath(b.Path())
	writeFile(t, name, bytes.Replace(readFile(t, name), []byte(`"hearth":"state"`), []byte(`"since":3,"hearth":"state"`), 1))
	s, err := store.LoadSnapshot(b.Path())
	if err != nil || len(s.Entries) != 1 {
		t.Errorf("%v, %v", s, err)
	}
}

func TestExport(t *testing.T) {
	b := open(t)
	put(t, b, set("smith/grant/1", `{"minutes":30}`), set("jones/grant/1", `{"minutes":45}`), set("smith/pin/Mia", `{"hash":"eA=="}`),
		set("smith/channel/1", `{"to":"https://home.example/hook","secret":"S3CRET","p256dh":"K3Y","auth":"K3Y"}`), set("smith/channel/2", `"S3CRET"`))
	add(t, b, partition("totals", "2026-03-01", "smith", "Mia"), store.Record{Key: "fun.video", Count: 3})
	add(t, b, partition("totals", "2026-03-01", "jones", "Zoë"), store.Record{Key: "fun.games", Count: 4})
	export := func(household string) string {
		var out bytes.Buffer
		if err := b.Export(t.Context(), &out, household); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	var got struct {
		Revision uint64
		State    []store.Entry
		Activity []struct {
			store.Partition
			Records []store.Record
		}
	}
	if err := json.Unmarshal([]byte(export("smith")), &got); err != nil {
		t.Fatal(err)
	}
	if text := export(""); strings.Contains(text, "S3CRET") || strings.Contains(text, "K3Y") || !strings.Contains(text, "home.example/hook") {
		t.Errorf("a channel is exported with its keys, or not at all: %s", text)
	}
	if len(got.State) != 3 || got.State[2].Key.String() != "smith/grant/1" || // and no PIN
		len(got.Activity) != 1 || got.Activity[0].Person != "Mia" || got.Activity[0].Records[0].Count != 3 {
		t.Errorf("%+v", got)
	}
	for _, word := range []string{"smith", "jones", "Zoë", "fun.games"} {
		if !strings.Contains(export(""), word) {
			t.Errorf("the export of all has no %s", word)
		}
	}
	want(t, "a household without anything", strings.Contains(export("nobody"), "grant"), false)
	if err := b.Export(t.Context(), io.Discard, "No Such"); err == nil {
		t.Error("an id that cannot be was taken")
	}
}

// TestExportTellsNothingOfLegalLists holds that whatever a caller kept, no export names such a category, nor what
// stood beside it.
func TestExportTellsNothingOfLegalLists(t *testing.T) {
	taxonomy, err := blocklists.NewTaxonomy()
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, row := range taxonomy.All() {
		id := row.ID
		if !strings.HasPrefix(id, "illegal.") {
			continue
		}
		seen++
		b := open(t)
		escaped := `"\u0069` + id[1:] + `"`
		put(t, b,
			set("a/log/1", `{"name":"secret.example","category":"`+id+`"}`),
			set("a/log/2", `{"name":"secret.example","categories":["fun.video","`+strings.ToUpper(id)+`"]}`),
			set("a/log/3", `{"open":"open.example","closed":{"name":"secret.example","category":`+escaped+`}}`),
			set("a/log/4", `[{"name":"open2.example"},{"name":"secret.example","`+id+`":1}]`),
			set("a/log/5", `"`+id+`"`),
			set("a/totals/"+id, `{"secret.example":1}`),
			set("a/definition/x", `{"rules":["illegal.example","open3.example"],"n":12345678901234567890}`),
		)
		add(t, b, partition("names", "2026-03-01", "a", "Mia"),
			store.Record{Key: "secret.example", JSON: []byte(`{"category":"` + id + `"}`)}, store.Record{Key: "open4.example", JSON: []byte(`{"category":"fun.video"}`)})
		out := content(t, b)
		for _, word := range []string{"secret.example", id, strings.ToUpper(id)} {
			if strings.Contains(out, word) {
				t.Errorf("%s: the export has %s", id, word)
			}
		}
		for _, word := range []string{"open.example", "open2.example", "illegal.example", "open3.example", "open4.example", "12345678901234567890"} {
			if !strings.Contains(out, word) {
				t.Errorf("%s: the export lost %s", id, word)
			}
		}
	}
	if seen == 0 {
		t.Error("no category of legal lists: the test looks for the wrong thing")
	}
}
