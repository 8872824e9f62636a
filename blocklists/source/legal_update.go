package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/hearthdns/hearth/blocklists"
)

// legalShrink is how many of a hundred names a legal list may lose at once. A name leaves such a list when its content is
// gone, one by one; a twentieth gone together is a broken export or somebody's hand.
const legalShrink = 5

// updateLegal asks for every legal source that is due; where names are given, for those, due or not. The caller
// holds work.
func (l *Library) updateLegal(ctx context.Context, names []string) []Result {
	var results []Result
	for _, s := range l.vault.sources {
		k := l.asked(s)
		switch {
		case len(names) > 0 && !slices.Contains(names, s.Name), ctx.Err() != nil:
			continue
		case len(names) == 0 && l.config.Now().Before(l.due(s, k)) && !changedOnDisk(s, k):
			results = append(results, Result{Source: s.Name, Status: NotDue, Names: k.Names, Before: k.Names, Bytes: k.Bytes})
		default:
			results = append(results, l.updateSealed(ctx, s))
		}
	}
	return results
}

// updateSealed asks for one legal source and notes the outcome. Whatever goes wrong, the names that are in force stay.
func (l *Library) updateSealed(ctx context.Context, s Source) Result {
	if s.Path != "" { // which may be read by an update and by a reload at the same time
		l.vault.reading.Lock()
		defer l.vault.reading.Unlock()
	}
	old := l.recall(s.Name)
	r := Result{Source: s.Name, Before: old.Names}
	fresh, status, err := l.renewSealed(ctx, s, l.asked(s))
	if err != nil && ctx.Err() != nil {
		r.Status, r.Why, r.Names, r.Bytes = Failed, "interrupted", old.Names, old.Bytes
		return r
	}
	if err = discreet(s, err); err != nil {
		stamp := fresh.Stamp
		fresh = old
		fresh.Stamp = stamp // a file that was looked at is not read again before it changes
		fresh.LastError, r.Why = err.Error(), err.Error()
		fresh.Failures++
		l.countFailure(s.Name)
		l.config.Log.Error("legal list not updated, the names in force stay", "list", s.Name, "status", string(status),
			"error", err, "names", old.Names)
	} else {
		fresh.LastError, fresh.Failures, fresh.Confirmed = "", 0, l.config.Now().UTC()
	}
	fresh.Name, fresh.Checked = s.Name, l.config.Now().UTC()
	r.Status, r.Names, r.Rejected, r.Bytes = status, fresh.Names, fresh.Rejected, fresh.Bytes
	l.remember(fresh)
	if err := writeJSON(l.sealedPath(s.Name), fresh); err != nil {
		l.config.Log.Error("the record of a legal list cannot be written", "list", s.Name, "error", err)
	}
	return r
}

// asked is the record of a source as its origin is asked by it: for all of the list where it was read by other rules.
func (l *Library) asked(s Source) kept {
	k := l.recall(s.Name)
	if k.Guards != l.guards() {
		k.SHA256, k.ETag, k.LastModified = "", "", ""
	}
	return k
}

// renewSealed brings what a legal source has now, seals it and puts it in force.
func (l *Library) renewSealed(ctx context.Context, s Source, old kept) (kept, Status, error) {
	fresh, content, err := l.bringLegal(ctx, s, old)
	if err != nil {
		return old, failure(err), err
	}
	if content == nil {
		l.vault.mu.Lock()
		defer l.vault.mu.Unlock()
		l.dropHeld(s.Name)
		return fresh, Unchanged, nil
	}
	list, refused, err := l.sealNames(s, content)
	if err != nil {
		return fresh, failure(err), err
	}
	fresh.Names, fresh.Rejected, fresh.SHA256, fresh.Guards = list.Names(), refused, list.Version(), l.guards()
	l.vault.mu.Lock()
	defer l.vault.mu.Unlock()
	status, err := l.enforce(s, old, fresh, list)
	return fresh, status, err
}

// failure says whether a list came and was refused, or did not come.
func failure(err error) Status {
	if errors.Is(err, errRefused) || errors.Is(err, ErrTooLarge) || errors.Is(err, blocklists.ErrTooMany) {
		return Refused
	}
	return Failed
}

// enforce replaces the names of a source, unless they changed so much that somebody has to look.
func (l *Library) enforce(s Source, old, fresh kept, list *blocklists.SealedList) (Status, error) {
	last := l.vault.lists[s.Name]
	if last != nil && last.Version() == list.Version() && old.SHA256 != "" {
		l.dropHeld(s.Name)
		return Unchanged, nil
	}
	if !old.sameOrigin(s) {
		last = nil
	}
	if doubts := l.doubts(last, list); len(doubts) > 0 {
		err := errors.Join(l.writeSealed(l.heldPath(s.Name), list), writeJSON(l.heldRecordPath(s.Name), fresh))
		if err != nil {
			return Failed, err
		}
		return Held, fmt.Errorf("%w: %s; if that is right, run hearth lists accept %s", errRefused, strings.Join(doubts, "; "), s.Name)
	}
	if err := l.writeSealed(l.legalPath(s.Name), list); err != nil {
		return Failed, err
	}
	l.dropHeld(s.Name)
	l.vault.lists[s.Name] = list
	return Updated, nil
}

// doubts says, by numbers alone, in what a legal list goes further than the last good one; nil where there is none.
func (l *Library) doubts(last, list *blocklists.SealedList) (doubts []string) {
	popular, hits := l.popular(), 0
	for _, text := range popular {
		name, err := blocklists.ParseName(text)
		if err == nil && list.Covers(name) && (last == nil || !last.Covers(name)) {
			hits++
		}
	}
	if last == nil {
		if tooPopular(hits, len(popular)) {
			doubts = append(doubts, fmt.Sprintf("it hits %d of the %d popular names", hits, len(popular)))
		}
		return doubts
	}
	if hits > 0 {
		doubts = append(doubts, fmt.Sprintf("it newly hits %d popular names", hits))
	}
	if lost := list.Lacks(last); lost*100 > last.Names()*legalShrink {
		doubts = append(doubts, fmt.Sprintf("%d of %d names are gone, more than %d %%", lost, last.Names(), legalShrink))
	}
	growth := Guards{Shrink: 100, Growth: l.lists.Guards.Growth}
	if why := growth.drift(last.Names(), list.Names()); why != "" {
		doubts = append(doubts, why)
	}
	return doubts
}

func (l *Library) writeSealed(path string, list *blocklists.SealedList) error {
	return writeFile(path, 0o600, func(w io.Writer) error {
		_, err := list.WriteTo(w)
		return err
	})
}

// dropHeld removes what was held of a source: something newer is in force, or the origin has withdrawn it.
func (l *Library) dropHeld(name string) {
	_ = os.Remove(l.heldPath(name)) // nothing is held: nothing to do
	_ = os.Remove(l.heldRecordPath(name))
}

// acceptLegal puts the held names of a legal source in force.
func (l *Library) acceptLegal(name string) error {
	l.vault.mu.Lock()
	defer l.vault.mu.Unlock()
	k, err := readRecord(l.heldRecordPath(name), name)
	if err != nil || k.SHA256 == "" {
		return fmt.Errorf("nothing of the list %q is held back", name)
	}
	list, err := l.openSealed(l.heldPath(name), l.seal())
	if err != nil {
		return fmt.Errorf("what is held back of the list %q cannot be used: %w; update it again", name, err)
	}
	if err := l.writeSealed(l.legalPath(name), list); err != nil {
		return fmt.Errorf("accepting the list %q: %w", name, err)
	}
	l.vault.lists[name] = list
	k.Confirmed, k.Checked = l.config.Now().UTC(), l.config.Now().UTC()
	l.remember(k)
	if err := writeJSON(l.sealedPath(name), k); err != nil {
		return fmt.Errorf("accepting the list %q: %w", name, err)
	}
	l.dropHeld(name)
	return nil
}
