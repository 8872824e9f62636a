package source

import (
	"cmp"
	"fmt"

	"github.com/hearthdns/hearth/blocklists"
)

// BrokenError is a list that cannot be compiled and of which no good state is kept, while an index that holds an earlier
// one is on disk: that index stays, because without the list its categories would be open.
type BrokenError struct {
	Source string
	Why    error
}

// Error says what to do.
func (e *BrokenError) Error() string {
	return fmt.Sprintf("the list %q cannot be used as it is now: %v; the last good index stays until the list is mended or taken out of the configuration", e.Source, e.Why)
}

// Unwrap gives what is wrong with the list.
func (e *BrokenError) Unwrap() error { return e.Why }

// damaged notes what is known of a source that cannot be used as it is. Of one on a path the record of the last good
// content stays; now is what is known of a kept copy that is damaged, so that it is fetched anew.
func (l *Library) damaged(s Source, now kept) error {
	noted := l.recall(s.Name)
	if s.Path == "" && now.SHA256 != "" {
		now.LastError = noted.LastError
		noted = now
		l.remember(noted)
	}
	return l.writeKept(noted)
}

// blame shows a problem in the statistics and in the log.
func (l *Library) blame(name string, problem error) {
	k := l.recall(name)
	k.Name, k.LastError = name, problem.Error()
	l.remember(k)
	l.config.Log.Warn("list not compiled as configured", "list", name, "error", problem)
}

// holds reports whether the index on disk is usable and was compiled with names of the source.
func (l *Library) holds(t *blocklists.Taxonomy, source string) bool {
	for _, s := range l.lists.Sources {
		k := l.recall(s.Name)
		if s.Name != source || k.Names == 0 || !k.sameOrigin(s) {
			continue
		}
		ix, err := blocklists.OpenIndex(l.indexPath())
		return err == nil && ix.Taxonomy().Equal(t)
	}
	return false
}

// noNames refuses a list without a name: usually it is another format, or was cut.
func noNames(s Source, r Report) error {
	return fmt.Errorf("%w: no name in %d lines read as %s%s", errRefused, r.Lines, cmp.Or(r.Format, s.Format), mostRejected(r))
}
