package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"

	"github.com/hearthdns/hearth/policy/store"
	"github.com/spf13/cobra"
)

func (a *app) backupCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "backup FILE",
		Short: "Write what people decided into a file",
		Long: `Write the state into FILE, which it replaces as a whole: households that are
not in the configuration, grants, pauses, enrolments, quotas and what is
remembered of people. The running server is asked on its control socket and goes
on meanwhile; where none runs, the file in the state folder is read. The
configuration and the certificates are files of their own: docs/operations.md
says what else to keep.`,
		Example: "  hearth backup /mnt/usb/hearth.backup",
		Args:    exactly(1, "the FILE to write"),
		RunE:    func(cmd *cobra.Command, args []string) error { return a.backup(cmd.Context(), args[0]) },
	}
}

func (a *app) restoreCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "restore FILE",
		Short: "Put a backup in the place of the state",
		Long: `Put FILE, which hearth backup wrote or which an upgrade kept in the state
folder, in the place of the state. No server may have it open. FILE is read and
checked as a whole first; what was there is kept beside, under a name that is
told. Run it as the server's user, and start the server again afterwards.`,
		Example: "  hearth restore /mnt/usb/hearth.backup",
		Args:    exactly(1, "the FILE to restore"),
		RunE:    func(_ *cobra.Command, args []string) error { return a.restore(args[0]) },
	}
}

func (a *app) exportCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "export [HOUSEHOLD]",
		Short: "Print what is kept of a household as JSON",
		Long: `Print the state and what is remembered by person and day, of one household or
of all, as JSON for people to read and keep. Nothing of legal lists is in it.
The running server is asked on its control socket; where none runs, the file in
the state folder is read.`,
		Example: "  hearth export example-home > example-home.json",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usageError{errors.New("write one HOUSEHOLD, or none for all")}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			household := ""
			if len(args) == 1 {
				household = args[0]
			}
			_, err := a.state(cmd.Context(), a.out, request{method: http.MethodGet, path: "/v1/export", query: url.Values{"household": {household}}},
				func(s *store.Bolt) error { return s.Export(cmd.Context(), a.out, household) })
			return err
		},
	}
}

// state writes an answer about the state: that of the running server, else of the file in the state folder.
func (a *app) state(ctx context.Context, w io.Writer, r request, offline func(*store.Bolt) error) (where string, err error) {
	if c, is, err := a.distant(); is || err != nil {
		if err == nil {
			err = c.stream(ctx, r, w)
		}
		return c.where, err
	}
	l, err := a.load()
	if err != nil {
		return "", err
	}
	c, err := a.running(l)
	if err != nil {
		return "", err
	}
	if err := c.stream(ctx, r, w); !errors.Is(err, errNoServer) {
		return c.where, err
	}
	folder, err := a.stateDir(&l.Config)
	if err != nil {
		return "", err
	}
	path := storePath(folder)
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("reading the state: %w; --config FILE says which server's it is", err)
	}
	s, err := store.Open(path)
	if err != nil {
		return "", err
	}
	return path, errors.Join(offline(s), s.Close())
}

// backupResult is where a backup came from.
type backupResult struct {
	File  string `json:"file"`
	Bytes int64  `json:"bytes"`
	From  string `json:"from"`
}

func (a *app) backup(ctx context.Context, file string) error {
	r := backupResult{File: file}
	n, err := replaceAnswers(file, func(w io.Writer) (_ int, err error) {
		to := &counted{w: w}
		r.From, err = a.state(ctx, to, request{method: http.MethodGet, path: "/v1/backup"}, func(s *store.Bolt) error { return s.Backup(to) })
		return int(to.n), err
	})
	if err != nil {
		return fmt.Errorf("writing the backup %s: %w", file, err)
	}
	r.Bytes = int64(n)
	a.print(r, func(w io.Writer) { fmt.Fprintf(w, "%s: %d bytes, from %s\n", r.File, r.Bytes, r.From) })
	return nil
}

// counted counts what it passes on.
type counted struct {
	w io.Writer
	n int64
}

func (c *counted) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}

// restoreResult is what a restore put where.
type restoreResult struct {
	Restored string `json:"restored"`
	To       string `json:"to"`
	Kept     string `json:"kept,omitempty"`
}

func (a *app) restore(file string) error {
	l, err := a.load()
	if err != nil {
		return err
	}
	folder, err := a.stateDir(&l.Config)
	if err != nil {
		return err
	}
	if err := makeState(folder); err != nil {
		return err
	}
	r := restoreResult{Restored: file, To: storePath(folder)}
	if r.Kept, err = store.Restore(file, r.To); err != nil {
		return err
	}
	a.print(r, func(w io.Writer) {
		fmt.Fprintf(w, "%s is the state now (%s); start the server, or start it again if it runs\n", r.Restored, r.To)
		if r.Kept != "" {
			fmt.Fprintf(w, "what was there is kept as %s\n", r.Kept)
		}
	})
	return nil
}
