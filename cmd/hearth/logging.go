package main

import (
	"io"
	"log/slog"
)

// logLevels are the words of log.level.
func logLevels() map[string]slog.Level {
	return map[string]slog.Level{
		"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError,
	}
}

// newLog makes the program's log. The level can be changed while it runs.
func newLog(w io.Writer, c LogConfig, level *slog.LevelVar) *slog.Logger {
	level.Set(logLevels()[c.Level])
	o := &slog.HandlerOptions{Level: level}
	if c.Format == "json" {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}
