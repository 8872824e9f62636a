package source

import "time"

// isStale reports whether the origin of a source has not confirmed the good copy for too long. A list that never came
// counts from when it was first asked for.
func (l *Library) isStale(s Source, k kept) bool {
	since := k.Confirmed
	if since.IsZero() {
		since = k.Asked
	}
	overdue := !since.IsZero() && l.config.Now().Sub(since) > time.Duration(l.lists.Guards.StaleAfter)*s.refresh()
	return overdue || l.zoneExpired(s, k)
}

// watchStale logs, once, which lists have become stale and which are no longer.
func (l *Library) watchStale() {
	for _, s := range l.vault.all {
		k := l.recall(s.Name)
		stale := l.isStale(s, k)
		switch {
		case stale && !l.stale[s.Name]:
			l.config.Log.Warn("a list is stale: its origin has not confirmed it for long, the last good copy stays", "list", s.Name,
				"confirmed", k.Confirmed, "refresh", s.refresh(), "last_error", k.LastError)
		case !stale && l.stale[s.Name]:
			l.config.Log.Info("a list is no longer stale", "list", s.Name)
		}
		l.stale[s.Name] = stale
	}
}
