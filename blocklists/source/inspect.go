package source

import (
	"fmt"
	"io"
)

// judge decides whether a candidate may replace the last good list, and counts it.
func (l *Library) judge(s Source, old kept, c *candidate) error {
	if c.temp != nil {
		if err := l.inspect(*c); err != nil {
			return err
		}
	}
	report, err := l.check(s, c.path(s))
	if err != nil {
		return err
	}
	if s.Path == "" && old.sameOrigin(s) && 2*report.Names < old.Names {
		return fmt.Errorf("%w: only %d names, the last good list has %d; if that is right, remove %s and update again",
			errRefused, report.Names, old.Names, l.listPath(s.Name))
	}
	c.record.count(report)
	return nil
}

// inspect looks at what came as a whole.
func (l *Library) inspect(c candidate) error {
	if c.record.Bytes == 0 {
		return fmt.Errorf("%w: the list is empty", errRefused)
	}
	if _, err := c.temp.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if html, err := isHTML(c.temp, c.contentType, l.lists.maxInflated()); err != nil {
		return fmt.Errorf("%w: %w", errRefused, err)
	} else if html {
		return fmt.Errorf("%w: a web page came instead of a list; is the address right?", errRefused)
	}
	return nil
}

// check reads the list at path as the source says and counts it. A list without a name is refused.
func (l *Library) check(s Source, path string) (Report, error) {
	plan, err := s.plan(path, l.lists)
	if err != nil {
		return Report{}, fmt.Errorf("%w: %w", errRefused, err)
	}
	report, err := ParsePath(path, s.Format, plan.options, func(Item) error { return nil })
	if err != nil {
		return report, fmt.Errorf("%w: %w", errRefused, err)
	}
	if report.Statements() == 0 {
		return report, noNames(s, report)
	}
	return report, nil
}

// mostRejected shows what most lines were rejected for: usually the format is a wrong one.
func mostRejected(r Report) string {
	var most Reason
	for why, n := range r.Rejected {
		if n > r.Rejected[most] || n == r.Rejected[most] && why < most {
			most = why
		}
	}
	if most == "" {
		return ""
	}
	first := r.Examples[most]
	return fmt.Sprintf("; %d were rejected as %s, first line %d: %s", r.Rejected[most], most, first.Line, first.Text)
}
