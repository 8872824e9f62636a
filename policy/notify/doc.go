// Package notify answers: how does a message reach a parent? By Web Push, e-mail, ntfy or a webhook, as each household
// chose. It owns the channels of households in the store, what a message may tell where others can read it, the queues with
// their bounds, and the guard that keeps addresses which households give from leading into the operator's own networks.
// Messages are kept in memory alone. It imports policy/store.
package notify
