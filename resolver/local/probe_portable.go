//go:build !linux

package local

// probe is a file with its stamp of some moment.
type probe struct {
	path string
	at   stamp
}

func newProbe(path string, at stamp) probe { return probe{path, at} }

// same says whether the file is as it was then, or not there: then what was known stays.
func (p *probe) same() bool {
	now, err := stampOf(p.path)
	return err != nil || now == p.at
}
