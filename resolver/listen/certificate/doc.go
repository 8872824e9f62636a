// Package certificate answers which certificate a TLS or QUIC client is shown. It owns
// the local certificate authority, the certificates read from files and those ordered by
// ACME, and their renewal. It imports nothing of the project.
package certificate
