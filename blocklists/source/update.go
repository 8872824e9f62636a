package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
)

// Status is the outcome of asking for one source.
type Status string

// The outcomes.
const (
	Updated   Status = "updated"   // new content is kept
	Unchanged Status = "unchanged" // asked; the content is the one that is kept
	NotDue    Status = "not due"   // not asked: it was not long ago
	Refused   Status = "refused"   // what came is no good list; the last good one stays
	Failed    Status = "failed"    // nothing came; the last good one stays
)

// Result is what Update did with one source.
type Result struct {
	Source   string         `json:"source"`
	Status   Status         `json:"status"`
	Why      string         `json:"why,omitempty"` // Refused, Failed: the reason, in words for the operator
	Names    int            `json:"names"`         // of the copy that is kept now
	Before   int            `json:"before"`        // of the copy that was kept
	Rejected map[Reason]int `json:"rejected,omitempty"`
	Bytes    int64          `json:"bytes"`
}

// errRefused marks content that must not replace the last good list.
var errRefused = errors.New("refused")

// Update asks for every source that is due; where names are given, for those, due or not. Sources on a path are looked
// at where they are, and read when a name, size or time of their files has changed, due or not. A list that is a web page, empty, without names, too large, or has less than half the names of
// the last good one never replaces it: its Result says why. The error is for what concerns all: an unknown name, the
// end of ctx (with the results so far), a folder that cannot be written.
func (l *Library) Update(ctx context.Context, names ...string) ([]Result, error) {
	for _, name := range names {
		if !slices.ContainsFunc(l.vault.all, func(s Source) bool { return s.Name == name }) {
			return nil, fmt.Errorf("no list is named %q: the configured lists are %s", name, quoted(l.names()))
		}
	}
	l.work.Lock()
	defer l.work.Unlock()
	l.readAll()
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
			results = append(results, Result{Source: s.Name, Status: NotDue, Names: k.Names, Before: k.Names, Bytes: k.Bytes})
			continue
		}
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
	return err != nil || now.stamp != k.Stamp
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
	r := Result{Source: s.Name, Before: old.Names}
	fresh, status, err := l.bring(ctx, s, old)
	if ctx.Err() != nil {
		r.Status, r.Why, r.Names, r.Bytes = Failed, "interrupted", old.Names, old.Bytes
		return r, nil // no fault of the list's
	}
	if err != nil {
		fresh = old
		fresh.LastError = err.Error()
		fresh.Failures++
		r.Why = err.Error()
		l.countFailure(s.Name)
		l.config.Log.Warn("list not updated, the last good copy stays", "list", s.Name, "status", string(status),
			"error", err, "names", old.Names)
	} else {
		fresh.LastError, fresh.Failures = "", 0
		fresh.Confirmed = l.config.Now().UTC()
	}
	fresh.Name, fresh.Checked = s.Name, l.config.Now().UTC()
	r.Status, r.Names, r.Rejected, r.Bytes = status, fresh.Names, fresh.Rejected, fresh.Bytes
	l.remember(fresh)
	return r, l.writeKept(fresh)
}

// bring gets what a source has now, looks at it and puts it in force. With an error, status says whether it was
// refused or did not come.
func (l *Library) bring(ctx context.Context, s Source, old kept) (fresh kept, status Status, err error) {
	c, status, err := l.renew(ctx, s, old)
	defer c.discard()
	if err == nil && (status == Updated || c.temp != nil) {
		err = l.judge(s, old, &c)
	}
	if err == nil && c.temp != nil {
		err = commit(c.temp, l.listPath(s.Name), 0o640)
	}
	switch {
	case errors.Is(err, errRefused), errors.Is(err, ErrTooLarge):
		status = Refused
	case err != nil:
		status = Failed
	}
	return c.record, status, err
}

// candidate is what came for a source and is not in force yet.
type candidate struct {
	record      kept     // what is known of the content: where it came from, its validators, hash and size
	temp        *os.File // the content, from newTemp; nil where it lies at the source's path, or is that of the kept copy
	contentType string   // as the server said; "" = nobody did
}

// path is where the content lies.
func (c candidate) path(s Source) string {
	if c.temp != nil {
		return c.temp.Name()
	}
	return s.Path
}

// discard removes the content, unless it is in force.
func (c candidate) discard() {
	if c.temp != nil {
		discard(c.temp)
	}
}

// newTemp opens a file in the library's folder for what is coming.
func (l *Library) newTemp(s Source) (*os.File, error) {
	return os.CreateTemp(l.folder(), filepath.Base(l.listPath(s.Name))+tempMark)
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
	c.record = newKept(s)
	c.record.ETag, c.record.LastModified = d.etag, d.lastModified
	c.record.SHA256, c.record.Bytes, c.record.Fetched = d.sha256, d.bytes, l.config.Now().UTC()
	if d.sha256 == old.SHA256 && old.sameOrigin(s) {
		return c, Unchanged, nil
	}
	return c, Updated, nil
}

func (l *Library) countFailure(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failures[name]++
}
