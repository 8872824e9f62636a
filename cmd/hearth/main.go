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
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	a := app{out: os.Stdout, err: os.Stderr, environ: os.Environ()}
	code := a.run(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}
