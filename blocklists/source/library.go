package source

import (
	"cmp"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hearthdns/hearth/blocklists"
)

// LibraryConfig says where a Library lives and what it keeps.
type LibraryConfig struct {
	Dir      string           // its folder, made if absent; nothing else writes there
	Lists    Config           // validated
	Client   *http.Client     // nil = one of its own: verified TLS, few redirects, no proxy, no way into the house
	Log      *slog.Logger     // nil = none
	Progress io.Writer        // where downloads show how far they are; nil = nowhere; a file that is no terminal gets nothing
	Now      func() time.Time // nil = time.Now

	Own       string   // the resolver's own name, which no list may block; "" = none
	Upstreams []string // host names of the upstreams, which only lists of bypass.dns may block

	// Families names who publishes a source, and those whose names it takes over, where that is known; none or nil =
	// told from where it comes from.
	Families func(Source) []string
}

// Library is the kept copies of all sources and the index compiled from them, on disk. It is safe for concurrent use;
// updates and compilations run one after the other. It is a prometheus.Collector.
type Library struct {
	config LibraryConfig
	lists  Config
	key    blocklists.Key
	client *http.Client
	retry  time.Duration // pause before the second attempt

	notices *notifyQueue
	working atomic.Pointer[string] // name of the source that is being brought; nil = none
	vault   vault

	work    sync.Mutex      // held while updating or compiling
	watched *canaries       // of this update; nil = to be made
	stale   map[string]bool // lists that were said to be stale, by name

	mu       sync.Mutex
	help     helpShelf
	starter  []starterList       // read by starters
	built    []Stat              // of the starter lists
	kept     map[string]kept     // by name of the source
	failures map[string]uint64   // failed updates of this process, by name
	sound    map[string][]uint64 // checksums of parsed files that were verified, by name, the newest first
}

// OpenLibrary opens the library in c.Dir and reads what is known of the sources. It needs no network and reads no
// list. A damaged record counts as missing and is logged; an error means that the folder cannot be used.
func OpenLibrary(c LibraryConfig) (*Library, error) {
	l := &Library{config: c, lists: c.Lists.filled(), client: c.Client, retry: 2 * time.Second,
		kept: make(map[string]kept), failures: make(map[string]uint64), sound: make(map[string][]uint64), stale: make(map[string]bool), notices: newNotifyQueue()}
	if l.config.Now == nil {
		l.config.Now = time.Now
	}
	l.config.Log = cmp.Or(c.Log, slog.New(slog.DiscardHandler))
	if l.client == nil {
		l.client = newClient(nil)
	}
	if name := proxyOfEnvironment(); name != "" && slices.ContainsFunc(l.lists.Sources, func(s Source) bool { return s.URL != "" }) {
		l.config.Log.Warn("lists are fetched without a proxy, because behind one nobody can tell which server is contacted; "+
			"where there is no other way out, fetch the lists yourself and use path", "ignored", name)
	}
	if err := os.MkdirAll(l.folder(), 0o750); err != nil {
		return nil, fmt.Errorf("opening list library: %w", err)
	}
	sweep(c.Dir, l.config.Now())
	sweep(l.folder(), l.config.Now())
	var err error
	if l.key, err = readKey(filepath.Join(c.Dir, "key")); err != nil {
		return nil, fmt.Errorf("opening list library: %w", err)
	}
	if err := l.openHelp(); err != nil {
		return nil, fmt.Errorf("opening list library: %w", err)
	}
	if err := l.openVault(); err != nil {
		return nil, fmt.Errorf("opening list library: %w", err)
	}
	l.readAll()
	return l, nil
}

// Working names the source that is being fetched or read right now, legal and help lists apart; "" = none. It never
// waits.
func (l *Library) Working() string {
	if name := l.working.Load(); name != nil {
		return *name
	}
	return ""
}

// readAll reads the records anew: another process may have updated the lists.
func (l *Library) readAll() {
	for _, s := range l.lists.Sources {
		k, err := l.readKept(s)
		if err != nil {
			l.config.Log.Warn("list record unreadable, the list counts as new", "list", s.Name, "error", err)
		}
		l.remember(k)
	}
}

func (l *Library) remember(k kept) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.kept[k.Name] = k
}

func (l *Library) recall(name string) kept {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.kept[name]
}

// readKey reads the secret key of the index's hashes, and makes one where there is none or a torn one.
func readKey(path string) (blocklists.Key, error) {
	text, err := os.ReadFile(path) //nolint:gosec // the library's own folder
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return blocklists.Key{}, err
	}
	raw, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err == nil && len(raw) == 16 {
		return blocklists.Key{binary.BigEndian.Uint64(raw), binary.BigEndian.Uint64(raw[8:])}, nil
	}
	key := blocklists.NewKey()
	raw = binary.BigEndian.AppendUint64(nil, key[0])
	raw = binary.BigEndian.AppendUint64(raw, key[1])
	return key, writeFile(path, 0o600, func(w io.Writer) error {
		_, err := io.WriteString(w, hex.EncodeToString(raw)+"\n")
		return err
	})
}
