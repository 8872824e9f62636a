package account

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

var (
	descKept     = prometheus.NewDesc("hearth_account_kept", "Accounts, sessions, tokens and invitations at the last look through, which is hourly.", []string{"what"}, nil)
	descSignIns  = prometheus.NewDesc("hearth_account_sign_ins_total", "Sign-ins, by means and outcome.", []string{"means", "outcome"}, nil)
	descSlowed   = prometheus.NewDesc("hearth_account_slowed_total", "Tries that were refused because too many came before them.", nil, nil)
	descCloned   = prometheus.NewDesc("hearth_account_cloned_total", "Sign-ins with a passkey that may have been copied.", nil, nil)
	descTokens   = prometheus.NewDesc("hearth_account_wrong_tokens_total", "Requests with a token that is not good.", nil, nil)
	descTorn     = prometheus.NewDesc("hearth_account_torn_total", "Records that could not be read, each time that one was met.", nil, nil)
	descHashes   = prometheus.NewDesc("hearth_account_hashes_total", "Passphrases hashed, each in 19 MiB; a name that nobody has costs one too.", nil, nil)
	descGuessers = prometheus.NewDesc("hearth_account_guessers", "Networks and browsers from which wrong tries are remembered.", nil, nil)
	descLimit    = prometheus.NewDesc("hearth_account_limit", "Limits in force: counts, sizes in bytes, and times in seconds.", []string{"limit"}, nil)
)

// limits are what docs/operations.md gives reasons for.
func limits() map[string]float64 {
	return map[string]float64{
		"accounts": maxAccounts, "operators": maxOperators, "sessions": maxSessions, "browsers": maxBrowsers, "passkeys": maxPasskeys,
		"tokens": maxTokens, "invitations": maxInvites, "own_idle": ownIdle.Seconds(), "own_session": ownLimit.Seconds(),
		"other_idle": otherIdle.Seconds(), "other_session": otherLimit.Seconds(), "token_life": longestToken.Seconds(),
		"invitation_life": inviteLife.Seconds(), "shell_code_life": shellLife.Seconds(), "fresh": freshFor.Seconds(),
		"tries": freeTries, "try_every": tryEvery.Seconds(), "name_tries": nameTries, "guessers": maxGuessers, "names": maxNames,
		"hashes": lanes * atOnce, "hashes_queued": lanes * queued, "hash_memory": argonMemory << 10,
		"ceremony_life": ceremonyLife.Seconds(), "response": maxResponse, "exchanges": exchanges,
	}
}

// counters are what the metrics tell that is not counted elsewhere.
type counters struct {
	slowed, cloned, tokens, torn, hashes atomic.Uint64
	signIns                              [4][2]atomic.Uint64 // means, refused or done
}

var allMeans = []Means{ByPassphrase, ByPasskey, ByProvider, ByCode}

func (c *counters) signIn(m Means, done bool) {
	for i, one := range allMeans {
		if one == m {
			n := &c.signIns[i][0]
			if done {
				n = &c.signIns[i][1]
			}
			n.Add(1)
		}
	}
}

// Describe implements prometheus.Collector.
func (b *Book) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{descKept, descSignIns, descSlowed, descCloned, descTokens, descTorn, descHashes, descGuessers, descLimit} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (b *Book) Collect(ch chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	total := func(d *prometheus.Desc, v uint64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), labels...)
	}
	var found census
	if last := b.census.Load(); last != nil {
		found = *last
	}
	for what, n := range map[string]int{"accounts": found.accounts, "sessions": found.sessions, "tokens": found.tokens, "invitations": found.invitations} {
		gauge(descKept, float64(n), what)
	}
	for i, m := range allMeans {
		total(descSignIns, b.counts.signIns[i][0].Load(), string(m), "refused")
		total(descSignIns, b.counts.signIns[i][1].Load(), string(m), "done")
	}
	total(descSlowed, b.counts.slowed.Load())
	total(descCloned, b.counts.cloned.Load())
	total(descTokens, b.counts.tokens.Load())
	total(descTorn, b.counts.torn.Load())
	total(descHashes, b.counts.hashes.Load())
	gauge(descGuessers, float64(b.slow.guessers.len()))
	for name, v := range limits() {
		gauge(descLimit, v, name)
	}
}
