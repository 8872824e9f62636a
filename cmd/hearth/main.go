// Command hearth is the resolver and everything that is done with it: it is
// the composition root, the only place that knows every package of the
// project, and the commands of the operator.
//
// It answers nothing itself. It owns the configuration file, the life cycle
// (start, reload, drain) and the words on the terminal; it imports every
// package and is imported by none.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // households name time zones; minimal images have none
)

func main() {
	a := app{out: os.Stdout, err: os.Stderr, environ: os.Environ()}
	os.Exit(a.run(context.Background(), os.Args[1:]))
}

// untilSignal ends ctx at SIGINT and SIGTERM, for work that has something to
// finish or to tidy up. Everything else leaves signals to the system, which
// ends the program at once; so does a second one here.
func untilSignal(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return ctx, stop
}
