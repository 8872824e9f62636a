package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/hearthdns/hearth/blocklists"
)

// Status is the outcome of asking for one source.
type Status string

// The outcomes.
const (
	Updated   Status = "updated"   // new content is kept
	Unchanged Status = "unchanged" // asked; the content is the one that is kept
	NotDue    Status = "not due"   // not asked: it was not long ago
	Held      Status = "held"      // what came goes too far from the last good one, which stays until Accept
	Refused   Status = "refused"   // what came is no good list; the last good one stays
	Failed    Status = "failed"    // nothing came; the last good one stays
)

// Result is what Update did with one source.
type Result struct {
	Source   string           `json:"source"`
	Status   Status           `json:"status"`
	Why      string           `json:"why,omitempty"`  // Refused, Failed, Held: the reason, in words for the operator
	Names    int              `json:"names"`          // of the copy that is kept now
	Before   int              `json:"before"`         // of the copy that was kept
	Diff     *blocklists.Diff `json:"diff,omitempty"` // Updated, Held: what came against the copy that was in force
	Held     *Hold            `json:"held,omitempty"`
	Popular  int              `json:"popular,omitempty"` // popular names that the kept copy hits
	Rejected map[Reason]int   `json:"rejected,omitempty"`
	Bytes    int64            `json:"bytes"`
	Took     time.Duration    `json:"took"` // nanoseconds
}

// errRefused marks content that must not replace the last good list.
var errRefused = errors.New("refused")

// Update asks for every source that is due; where names are given, for those, due or not. Sources on a path are looked
// at where they are, and read when a name, size or time of their files has changed, due or not. What came is put in
// force if it is a good list: one that is a web page, empty, without names or too large is refused, and one that
// changes more than Guards allow, or newly hits names that no list is to hit, is held for Accept; the Result says why.
// The error is for what concerns all: an unknown name, the end of ctx (with the results so far), a folder that cannot be
// written.
func (l *Library) Update(ctx context.Context, names ...string) ([]Result, error) {
	for _, name := range names {
		if !slices.ContainsFunc(l.vault.all, func(s Source) bool { return s.Name == name }) {
			return nil, fmt.Errorf("no list is named %q: the configured lists are %s", name, quoted(l.names()))
		}
	}
	l.work.Lock()
	defer l.work.Unlock()
	l.readAll()
	l.watched = nil
	defer l.watchStale()
	defer l.working.Store(nil)
	results := l.updateLegal(ctx, names)
	if len(names) == 0 {
		results = append(results, l.updateHelp(ctx)...)
	}
	for _, s := range l.lists.Sources {
		if len(names) > 0 && !slices.Contains(names, s.Name) {
			continue
		}
		if err := ctx.Err(); err != nil {
			return results, fmt.Errorf("updating lists: %w", err)
		}
		k := l.recall(s.Name)
		if len(names) == 0 && l.config.Now().Before(l.due(s, k)) && !changedOnDisk(s, k) {
			results = append(results, Result{Source: s.Name, Status: NotDue, Names: k.Names, Before: k.Names,
				Held: k.hold(), Popular: k.Popular, Bytes: k.Bytes})
			continue
		}
		l.working.Store(&s.Name)
		r, err := l.updateOne(ctx, s, k)
		results = append(results, r)
		if err != nil {
			return results, fmt.Errorf("updating list %s: %w", s.Name, err)
		}
	}
	return results, nil
}

// changedOnDisk reports whether what lies at the path of a source is not what was read last.
func changedOnDisk(s Source, k kept) bool {
	if s.Path == "" {
		return false
	}
	now, err := stat(s.Path)
	return err != nil || now.stamp != k.Stamp && (k.Held == nil || now.stamp != k.Held.Record.Stamp)
}

// renewPaths looks at the sources on a path that have changed since, so that what is compiled has been judged. It
// names them.
func (l *Library) renewPaths(ctx context.Context) (read []string, err error) {
	l.watched = nil
	for _, s := range l.lists.Sources {
		if k := l.recall(s.Name); changedOnDisk(s, k) || s.Path != "" && !k.sameOrigin(s) {
			read = append(read, s.Name)
			if _, err := l.updateOne(ctx, s, k); err != nil {
				return read, err
			}
		}
	}
	return read, ctx.Err()
}

func (l *Library) names() []string {
	var names []string
	for _, s := range l.vault.all {
		names = append(names, s.Name)
	}
	return names
}

// updateOne asks for one source and notes the outcome. The error is of the library's own folder.
func (l *Library) updateOne(ctx context.Context, s Source, old kept) (Result, error) {
	start := time.Now()
	r := Result{Source: s.Name, Before: old.Names}
	if old.Asked.IsZero() {
		old.Asked = l.config.Now().UTC()
	}
	c, status, err := l.bring(ctx, s, old)
	fresh := c.record
	if err != nil && status != Held && ctx.Err() != nil {
		r.Status, r.Why, r.Names, r.Bytes = Failed, "interrupted", old.Names, old.Bytes
		return r, nil // no fault of the list's
	}
	switch {
	case status == Held:
		r.Why = err.Error()
		fresh.LastError, fresh.Failures = "", 0
	case err != nil:
		fresh = old
		fresh.LastError = err.Error()
		fresh.Failures++
		r.Why = err.Error()
		l.countFailure(s.Name)
		l.config.Log.Warn("list not updated, the last good copy stays", "list", s.Name, "status", string(status),
			"error", err, "names", old.Names)
	default:
		fresh.LastError, fresh.Failures = "", 0
		fresh.Confirmed = l.config.Now().UTC()
	}
	fresh.Name, fresh.Asked, fresh.Checked = s.Name, old.Asked, l.config.Now().UTC()
	r.Status, r.Names, r.Rejected, r.Bytes = status, fresh.Names, fresh.Rejected, fresh.Bytes
	if c.draft != nil {
		r.Diff = &c.draft.diff
	}
	r.Held, r.Popular, r.Took = fresh.hold(), fresh.Popular, time.Since(start)
	l.remember(fresh)
	if err := l.writeKept(fresh); err != nil {
		return r, err
	}
	if fresh.Held == nil {
		l.dropCandidate(s.Name)
	}
	return r, nil
}

// bring gets what a source has now, looks at it and puts it in force. With an error, status says whether it was held,
// was refused or did not come.
func (l *Library) bring(ctx context.Context, s Source, old kept) (c candidate, status Status, err error) {
	c, status, err = l.renew(ctx, s, old)
	defer c.discard()
	if err == nil && (status == Updated || c.temp != nil) {
		err = l.inspect(s, c)
	}
	if err == nil && status == Updated && s.Key != "" {
		err = l.verify(ctx, s, c)
	}
	if err == nil && status == Updated {
		before, done := l.standing(ctx, s, old)
		defer done()
		err = l.judge(ctx, s, old, before, &c)
	}
	if held := (*heldError)(nil); errors.As(err, &held) {
		if c.record, err = l.hold(s, old, c, held); err == nil {
			return c, Held, held
		}
	}
	if err == nil {
		err = l.install(s, c)
	}
	switch {
	case errors.Is(err, errRefused), errors.Is(err, ErrTooLarge):
		status = Refused
	case err != nil:
		status = Failed
	}
	c.record.Held = nil // what is in force is the newest
	return c, status, err
}

// standing opens what a new version is held against: the state in force. Where none can be read any more, as after an
// update of the program, the good copy is read for it; nil where there is none either. done closes it.
func (l *Library) standing(ctx context.Context, s Source, old kept) (before *state, done func()) {
	if s.Path != "" || old.SHA256 == "" || !old.sameOrigin(s) {
		before = l.current(s.Name)
		return before, before.close
	}
	before, done, err := l.peek(ctx, s)
	if err != nil {
		return nil, func() {}
	}
	return before, done
}

// install puts a candidate in force: its content, then what was parsed of it. The record comes last: where a crash comes
// between, each of them is whole, and what does not fit together is read again.
func (l *Library) install(s Source, c candidate) error {
	if c.temp != nil {
		if err := commit(c.temp, l.listPath(s.Name), 0o640); err != nil {
			return err
		}
	}
	if c.draft == nil {
		return nil
	}
	now, err := l.keep(c.draft)
	now.close()
	return err
}

// candidate is what came for a source and is not in force yet.
type candidate struct {
	record      kept     // what is known of the content: where it came from, its validators, hash and size
	temp        *os.File // the content, from newTemp; nil where it lies at the source's path, or is that of the kept copy
	contentType string   // as the server said; "" = nobody did
	draft       *draft   // the content as it was parsed; nil where it is that of the kept copy
	doubt       string   // why it is not to be in force without being accepted, whatever is in it; "" = nothing
}

// path is where the content lies.
func (c candidate) path(s Source) string {
	if c.temp != nil {
		return c.temp.Name()
	}
	return s.Path
}

// discard removes the content, unless it is in force.
func (c *candidate) discard() {
	if c.temp != nil {
		discard(c.temp)
	}
	if c.draft != nil {
		c.draft.discard()
	}
}

// newTemp opens a file in the library's folder for what is coming.
func (l *Library) newTemp(s Source) (*os.File, error) {
	return createTemp(l.listPath(s.Name))
}

// renew asks the origin of a source. The status is Updated, or Unchanged where the content is that of the kept copy;
// the record is then the old one, with new validators where the origin gave some. Whatever the way, what came is
// judged and put in force by bring.
func (l *Library) renew(ctx context.Context, s Source, old kept) (candidate, Status, error) {
	switch {
	case s.Path != "":
		return l.renewPath(s, old)
	case s.Zone.Name != "":
		return l.renewZone(ctx, s, old)
	}
	return l.renewURL(ctx, s, old)
}

func (l *Library) renewPath(s Source, old kept) (candidate, Status, error) {
	now, err := stat(s.Path)
	if err != nil {
		return candidate{}, "", err
	}
	hash, err := digest(s.Path)
	if err != nil {
		return candidate{}, "", err
	}
	if hash == old.SHA256 && old.sameOrigin(s) {
		old.Stamp = now.stamp
		return candidate{record: old}, Unchanged, nil
	}
	fresh := newKept(s)
	fresh.SHA256, fresh.Stamp, fresh.Bytes, fresh.Fetched = hash, now.stamp, now.bytes, now.changed.UTC()
	return candidate{record: fresh}, Updated, nil
}

func (l *Library) renewURL(ctx context.Context, s Source, old kept) (candidate, Status, error) {
	temp, err := l.newTemp(s)
	if err != nil {
		return candidate{}, "", err
	}
	c := candidate{temp: temp}
	d, err := l.fetch(ctx, s, old, func() (io.Writer, error) { return temp, emptied(temp) })
	if err != nil {
		return c, "", err
	}
	if d.unchanged {
		discard(temp)
		return candidate{record: old}, Unchanged, nil
	}
	c.contentType = d.contentType
	same := d.sha256 == old.SHA256 && old.sameOrigin(s)
	if c.record = old; !same {
		c.record = newKept(s)
	}
	c.record.ETag, c.record.LastModified = d.etag, d.lastModified
	c.record.SHA256, c.record.Bytes, c.record.Fetched = d.sha256, d.bytes, l.config.Now().UTC()
	if same {
		return c, Unchanged, nil
	}
	return c, Updated, nil
}

func (l *Library) countFailure(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failures[name]++
}
