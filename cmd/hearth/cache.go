package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/hearthdns/hearth/blocklists"
	"github.com/hearthdns/hearth/policy/portal/api"
	"github.com/spf13/cobra"
)

func (a *app) cacheCommand() *cobra.Command {
	answers := &cobra.Command{
		Use:     "cache",
		Short:   "Look at the cache of answers, and have it forget names",
		Long:    "Look at the cache of answers of the running server, and have it forget names.\nThe server is asked on its control socket; --config FILE says which server, and\nunlike elsewhere nothing is worked out offline.",
		Example: "  hearth cache stats\n  hearth cache flush --subtree example.com",
		Args:    noSuchCommand,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	answers.AddCommand(a.cacheFlushCommand(), &cobra.Command{
		Use:     "stats",
		Short:   "Show what the cache holds and how often it helped",
		Long:    "Show what the cache of answers holds, and since the start how often it had an\nanswer, how often one that had run out was used, and how often a failure was\nremembered.",
		Example: "  hearth cache stats --json",
		Args:    exactly(0, "stats takes no arguments"),
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.cacheStats(cmd.Context()) },
	})
	return answers
}

func (a *app) cacheFlushCommand() *cobra.Command {
	var subtree, all bool
	flush := &cobra.Command{
		Use:   "flush {NAME [--subtree] | --all}",
		Short: "Have the cache forget a name",
		Long: `Have the cache forget what it knows of a name, of all types: answers, those
that have run out too, and failures. What is being asked at this moment is not
kept either. How many there were is told, not counting names of help, of
self-harm, of drugs and of legal lists.`,
		Example: "  hearth cache flush www.example.com\n  hearth cache flush --subtree example.com\n  hearth cache flush --all",
		Args: func(_ *cobra.Command, args []string) error {
			if all == (len(args) == 1) || len(args) > 1 || all && subtree {
				return usageError{errors.New("write one NAME, with --subtree for all beneath it too, or --all alone")}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if all {
				return a.flushCache(cmd.Context(), ".", true)
			}
			return a.flushCache(cmd.Context(), args[0], subtree)
		},
	}
	flush.Flags().BoolVar(&subtree, "subtree", false, "forget all names beneath NAME too")
	flush.Flags().BoolVar(&all, "all", false, "forget all names")
	return flush
}

// flushedResult is what the cache forgot.
type flushedResult struct {
	AnsweredBy string `json:"answered_by"`
	api.CacheFlushed
}

func (a *app) flushCache(ctx context.Context, name string, subtree bool) error {
	c, err := a.server()
	if err != nil {
		return err
	}
	r := flushedResult{AnsweredBy: c.where}
	body := map[string]any{"name": name, "subtree": subtree}
	if err := a.ask(ctx, c, request{method: http.MethodPost, path: "/v1/cache/flush", body: body}, &r); err != nil {
		return err
	}
	a.print(r, func(w io.Writer) { fmt.Fprintf(w, "%d answers forgotten by %s\n", r.Flushed, r.AnsweredBy) })
	return nil
}

// cacheResult is what the cache holds.
type cacheResult struct {
	AnsweredBy string `json:"answered_by"`
	api.CacheStats
}

func (a *app) cacheStats(ctx context.Context) error {
	c, err := a.server()
	if err != nil {
		return err
	}
	r := cacheResult{AnsweredBy: c.where}
	if err := a.ask(ctx, c, request{method: http.MethodGet, path: "/v1/cache"}, &r); err != nil {
		return err
	}
	a.print(r, r.describe)
	return nil
}

func (r cacheResult) describe(w io.Writer) {
	share := 0.0
	if asked := r.Hits + r.Misses; asked > 0 {
		share = 100 * float64(r.Hits) / float64(asked)
	}
	fmt.Fprintf(w, "%d answers held in %d of %d bytes\n", r.Entries, r.Bytes, r.Limit)
	fmt.Fprintf(w, "%d of %d look-ups found one (%.1f %%)\n", r.Hits, r.Hits+r.Misses, share)
	fmt.Fprintf(w, "%d served after they had run out, %d failures remembered, %d evicted for want of room\n", r.Stale, r.Failures, r.Evictions)
	fmt.Fprintf(w, "answered by %s\n", r.AnsweredBy)
}

// answers is what the control socket can do with the cache of the running server.
type answers struct{ server *server }

// Stats implements api.Cache.
func (a answers) Stats(context.Context) (api.CacheStats, error) {
	s := a.server.cache.Stats()
	return api.CacheStats{
		Hits: s.Hits, Misses: s.Misses, Stale: s.Stale, Failures: s.Failures, Evictions: s.Evictions,
		Entries: s.Entries, Bytes: s.Bytes, Limit: s.Limit,
	}, nil
}

// Flush implements api.Cache.
func (a answers) Flush(_ context.Context, name blocklists.Name, subtree bool) (int, error) {
	return a.server.resolver.Flush(name, subtree), nil
}

// noAnswers is the cache where no server runs.
type noAnswers struct{}

var errNoCache = fmt.Errorf("%w, so there is no cache", errNoServer)

// Stats implements api.Cache.
func (noAnswers) Stats(context.Context) (api.CacheStats, error) {
	return api.CacheStats{}, errNoCache
}

// Flush implements api.Cache.
func (noAnswers) Flush(context.Context, blocklists.Name, bool) (int, error) { return 0, errNoCache }
