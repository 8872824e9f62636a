// Package account answers: who signs in at the console or the API, and how is that proved? It owns accounts and their
// roles, passphrases, passkeys, signing in at a provider (OpenID Connect), sessions, tokens of the API, invitations, and
// how guessing is slowed. What an account may do with a household is a matter of policy/parents; here stands only who may
// give accounts and take them away. It serves no HTTP: the console and the API do, and hand over what a browser sent.
//
// Whatever opens a door (cookie, token, code) is random and kept as a hash alone. It carries the id of its household, so
// that nothing of one household is ever looked for in another. It imports policy/store.
package account
