package source

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/hearthdns/hearth/blocklists/help"
)

// helpNotice names the signed notices of suspended help names in results.
const helpNotice = starterPrefix + "ok.help"

// How often a notice is asked for at a URL, and how soon again after one that did not come or was refused.
const (
	helpRefresh = 24 * time.Hour
	helpRetry   = time.Hour
)

// helpShelf is what a Library knows of help. Library.mu guards left and notice, Library.work the rest.
type helpShelf struct {
	table   help.Table // of the program
	left    help.Table // less what is suspended
	notice  help.Notice
	checked time.Time // when the URL was last asked
}

// keptNotice is the last good notice on disk, in one file so that it is never torn from its signature.
type keptNotice struct {
	Notice    []byte `json:"notice"`
	Signature []byte `json:"signature"`
}

func (l *Library) noticePath() string { return filepath.Join(l.config.Dir, "help-notice.json") }

// Help returns the table of help as it is in force: without the names that are suspended.
func (l *Library) Help() help.Table {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.help.left
}

// SuspendedHelp lists the names that the operator or a signed notice has taken out of the table of help.
func (l *Library) SuspendedHelp() []help.Suspension {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lists.Help.Suspensions(l.help.notice)
}

// starters returns the built-in lists that are in force.
func (l *Library) starters() []starterList {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.starter
}

// openHelp reads the table, and the last good notice if one is kept. What is wrong with the notice is logged and does
// not keep the library from opening.
func (l *Library) openHelp() (err error) {
	if l.help.table, err = help.Load(); err != nil {
		return err
	}
	if !l.lists.Help.Update.Set() {
		return l.suspend(help.Notice{})
	}
	var kept keptNotice
	var notice help.Notice
	text, err := os.ReadFile(l.noticePath())
	if err == nil {
		err = json.Unmarshal(text, &kept)
	}
	if err == nil {
		notice, err = help.Verify(l.lists.Help.Update.Key, kept.Notice, kept.Signature, help.Notice{})
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		l.config.Log.Warn("the kept notice of suspended help names cannot be used", "error", err)
	}
	return l.suspend(notice)
}

// suspend puts a notice in force.
func (l *Library) suspend(n help.Notice) error {
	left, unknown := l.help.table.Without(l.lists.Help.Suspensions(n))
	for _, s := range unknown {
		l.config.Log.Warn("a suspended name is not in the table of help", "name", s.Name)
	}
	lists, err := starterLists(l.lists.Starter, left)
	if err != nil {
		return err
	}
	stats, err := starterStats(lists)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.help.left, l.help.notice, l.starter, l.built = left, n, lists, stats
	return nil
}

// updateHelp asks for a newer notice of suspended names, if some are configured and due. A notice that is unsigned,
// signed by another key or older is refused; the last good one stays in force.
func (l *Library) updateHelp(ctx context.Context) []Result {
	u := l.lists.Help.Update
	if !u.Set() || u.URL != "" && l.config.Now().Before(l.help.checked.Add(helpRefresh)) {
		return nil
	}
	r := Result{Source: helpNotice, Status: Unchanged, Before: len(l.Help())}
	fresh, err := l.readNotice(ctx, u)
	if err != nil {
		r.Status = Failed
	} else {
		r.Status, err = l.takeNotice(fresh)
	}
	l.help.checked = l.config.Now()
	if err != nil {
		l.help.checked = l.help.checked.Add(helpRetry - helpRefresh)
		r.Why = err.Error()
		l.config.Log.Warn("the notice of suspended help names is not taken, the last good one stays", "status", string(r.Status), "error", err)
	}
	r.Names = len(l.Help())
	return []Result{r}
}

// takeNotice verifies a notice, keeps it and puts it in force.
func (l *Library) takeNotice(fresh keptNotice) (Status, error) {
	held := l.help.notice
	notice, err := help.Verify(l.lists.Help.Update.Key, fresh.Notice, fresh.Signature, held)
	switch {
	case err != nil:
		return Refused, err
	case notice.Serial == held.Serial:
		return Unchanged, nil
	}
	if err := writeJSON(l.noticePath(), fresh); err != nil {
		return Failed, err
	}
	if err := l.suspend(notice); err != nil {
		return Failed, err
	}
	return Updated, nil
}

// readNotice brings a notice with its signature; one that has none comes with an empty one.
func (l *Library) readNotice(ctx context.Context, u help.Update) (n keptNotice, err error) {
	if u.Path == "" {
		ctx, cancel := context.WithTimeout(ctx, l.lists.Timeout)
		defer cancel()
		if n.Notice, err = l.get(ctx, u.URL); err != nil {
			return n, err
		}
		n.Signature, err = l.get(ctx, u.URL+detached)
		if status := (*statusError)(nil); errors.As(err, &status) && status.code == http.StatusNotFound {
			err = nil
		}
		return n, err
	}
	if n.Notice, err = readNoticeFile(u.Path); err != nil {
		return n, err
	}
	if n.Signature, err = readNoticeFile(u.Path + detached); errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return n, err
}

// get fetches something small.
func (l *Library) get(ctx context.Context, url string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, withoutURL(err)
	}
	req.Header.Set("User-Agent", userAgent)
	res, err := l.client.Do(req)
	if err != nil {
		return nil, withoutURL(err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return nil, &statusError{res.StatusCode}
	}
	return readAtMost(res.Body)
}

func readNoticeFile(path string) ([]byte, error) {
	file, err := os.Open(path) //nolint:gosec // the operator's own file
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	return readAtMost(file)
}

// readAtMost reads what is no larger than a notice may be.
func readAtMost(in io.Reader) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(in, help.MaxNotice+1))
	if err == nil && len(text) > help.MaxNotice {
		err = fmt.Errorf("%w: a notice has at most %d bytes", ErrTooLarge, help.MaxNotice)
	}
	return text, err
}

// help checks the section lists.help.
func (v *validation) help(path string, c help.Config) {
	err := c.Validate()
	if err == nil {
		return
	}
	joined, _ := err.(interface{ Unwrap() []error })
	for _, one := range joined.Unwrap() {
		at, _ := one.(interface{ Path() string })
		v.fail(path+"."+at.Path(), "%s", one)
	}
}
