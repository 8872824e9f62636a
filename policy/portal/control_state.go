package portal

import (
	"context"
	"io"
	"net/http"
)

// State is what the control socket can do with what is kept beside the configuration, as a whole.
type State interface {
	// Backup writes all of it as hearth restore takes it.
	Backup(w io.Writer) error
	// Export writes what is held of a household, with "" of all, as JSON for people.
	Export(ctx context.Context, w io.Writer, household string) error
	// Refused says why it cannot be changed now, nil where it can.
	Refused() error
}

func (p *Portal) serveBackup(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/octet-stream")
	stream(w, p.ctl.State().Backup)
}

func (p *Portal) serveExport(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	stream(w, func(to io.Writer) error {
		return p.ctl.State().Export(r.Context(), to, r.URL.Query().Get("household"))
	})
}

// stream answers with what write writes. What goes wrong before its first octet is told; after that the reply is cut
// off, so that nobody takes it for whole.
func stream(w http.ResponseWriter, write func(io.Writer) error) {
	to := &begun{w: w}
	if err := write(to); err != nil {
		if to.any {
			panic(http.ErrAbortHandler)
		}
		fail(w, err)
	}
}

// begun notices whether anything was written.
type begun struct {
	w   io.Writer
	any bool
}

func (b *begun) Write(p []byte) (int, error) {
	b.any = true
	return b.w.Write(p)
}
